package availability

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// expectedPerResource asks Decide about every start and every resource.
func expectedPerResource(w *world) (all []ResourceStarts) {
	s := &w.snapshot
	kind := effectiveRequirements(s.Service.Requirements, 0)[0]
	p := newPlan(s, nil, nil, w.now, s.bounded(w.request.From, w.request.To))
	for i := range s.Resources {
		r := &s.Resources[i]
		named := slices.Contains(w.request.Requested, r.ID)
		if !s.Service.Active || !r.Active || !named && (len(w.request.Requested) > 0 || !kind.accepts(r)) ||
			len(s.Service.Requirements) > 0 && !kind.accepts(r) {
			continue
		}
		alone := ResourceStarts{ResourceID: r.ID, Starts: []int64{}}
		for at := range p.grid(context.Background(), p.starts) {
			if Decide(s, &Request{Start: at.time(), Requested: []uuid.UUID{r.ID}, OffGrid: true}, w.now).OK {
				alone.Starts = append(alone.Starts, at.time().Unix())
			}
		}
		all = append(all, alone)
	}
	slices.SortFunc(all, func(a, b ResourceStarts) int { return bytes.Compare(a.ResourceID[:], b.ResourceID[:]) })
	return all
}

func TestSearchPerResourceAgreesWithDecide(t *testing.T) {
	t.Parallel()
	found, several, nothing := 0, 0, 0
	for seed := range uint64(1_500) {
		w := drawWorld(rand.New(rand.NewPCG(seed, 5)))
		got := searchPerResource(&w.snapshot, &w.request, w.now)
		if len(w.snapshot.Service.Requirements) > 1 {
			require.Empty(t, got, "seed %d", seed)
			continue
		}
		want := expectedPerResource(w)
		require.Equal(t, want, got, "seed %d", seed)
		if len(want) > 1 {
			several++
		}
		for i := range want {
			n := len(want[i].Starts)
			if found += n; n == 0 {
				nothing++
				continue
			}
			for _, limit := range []int{1, n/2 + 1, n} {
				request := w.request
				request.Limit = limit
				got := searchPerResource(&w.snapshot, &request, w.now)[i]
				require.Equal(t, want[i].Starts[:limit], got.Starts, "seed %d", seed)
				require.Equal(t, limit < n, got.Truncated, "seed %d", seed)
			}
		}
	}
	// Cases in which nothing is free, or one resource alone, would prove little.
	require.Greater(t, found, 10_000)
	require.Greater(t, several, 100)
	require.Greater(t, nothing, 50)
}
