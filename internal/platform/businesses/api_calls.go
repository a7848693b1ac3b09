package businesses

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/admindb"
	"github.com/smoothschedule/smoothschedule/internal/store"
)

// APICalls counts the requests that this server answers, in memory. Flush adds the counts to the
// daily totals in the database, because a write for each request would cost more than many
// requests. A crash loses the counts since the last flush. Safe for concurrent use.
type APICalls struct {
	store *store.Store

	mu     sync.Mutex
	counts map[time.Time]int64 // by day (UTC)
}

// NewAPICalls keeps the counts in the store.
func NewAPICalls(store *store.Store) *APICalls {
	return &APICalls{store: store, counts: map[time.Time]int64{}}
}

// Count counts a request that was answered at the instant.
func (c *APICalls) Count(at time.Time) {
	day := dayOf(at)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[day]++
}

// Flush writes the counts. If that fails, they are kept for the next flush.
func (c *APICalls) Flush(ctx context.Context) error {
	c.mu.Lock()
	counts := c.counts
	c.counts = map[time.Time]int64{}
	c.mu.Unlock()
	if len(counts) == 0 {
		return nil
	}
	var params admindb.AddAPICallsParams
	for _, day := range slices.SortedFunc(maps.Keys(counts), time.Time.Compare) {
		params.Days = append(params.Days, day)
		params.Calls = append(params.Calls, counts[day])
	}
	err := c.store.InPlatform(ctx, nil, func(tx pgx.Tx) error { return queries.AddAPICalls(ctx, tx, params) })
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		for day, n := range counts {
			c.counts[day] += n
		}
		return fmt.Errorf("add API calls: %w", err)
	}
	return nil
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
