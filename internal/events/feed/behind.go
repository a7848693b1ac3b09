package feed

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
)

// maxBehind is how many feeds one look finds; the next one finds the rest.
const maxBehind = 10_000

// behind is an environment in which a consumer has not reached the end of the feed.
type behind struct {
	envID uuid.UUID
	// end is the last sequence of the feed.
	end int64
	// nextAttemptAt, if not nil, is when the next event is tried again.
	nextAttemptAt *time.Time
	// since is when the first event was made that is not handled; zero if it has expired.
	since time.Time
}

func (b behind) due(now time.Time) bool { return b.nextAttemptAt == nil || !b.nextAttemptAt.After(now) }

// findBehind returns, for each lane, the environments in which its consumer is behind and has anything to
// do, and those in which it has nothing to do.
func (r *Runner) findBehind(ctx context.Context) (wanted, idle map[*lane][]behind, err error) {
	names := make([]string, len(r.lanes))
	byName := map[string]*lane{}
	for i, l := range r.lanes {
		names[i], byName[l.Name] = l.Name, l
	}
	wanted, idle = map[*lane][]behind{}, map[*lane][]behind{}
	err = r.store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		rows, err := queries.ListFeedsBehind(ctx, tx, tenancydb.ListFeedsBehindParams{Consumers: names, RowLimit: maxBehind})
		if err != nil {
			return fmt.Errorf("list feeds that are behind: %w", err)
		}
		for _, row := range rows {
			l := byName[row.Consumer]
			wanted[l] = append(wanted[l], behind{row.EnvID, row.LastSequence, row.NextAttemptAt, madeAt(row.FirstEventID)})
		}
		for l, list := range wanted {
			// After the sequences have been read: what became interesting since then has a later position.
			narrowed, err := l.narrow(ctx, tx, envIDs(list))
			if err != nil {
				return err
			}
			keep := map[uuid.UUID]bool{}
			for _, envID := range narrowed {
				keep[envID] = true
			}
			wanted[l], idle[l] = nil, nil
			for _, b := range list {
				if keep[b.envID] {
					wanted[l] = append(wanted[l], b)
				} else {
					idle[l] = append(idle[l], b)
				}
			}
		}
		return nil
	})
	return wanted, idle, err
}

// narrow calls the consumer's Narrow.
func (l *lane) narrow(ctx context.Context, tx pgx.Tx, list []uuid.UUID) ([]uuid.UUID, error) {
	if l.Narrow == nil || len(list) == 0 {
		return list, nil
	}
	narrowed, err := l.Narrow(ctx, tx, list)
	if err != nil {
		return nil, fmt.Errorf("narrow the environments of consumer %s: %w", l.Name, err)
	}
	return narrowed, nil
}

func envIDs(list []behind) []uuid.UUID {
	ids := make([]uuid.UUID, len(list))
	for i, b := range list {
		ids[i] = b.envID
	}
	return ids
}

// pass moves the positions of a consumer to the ends of feeds in which it has nothing to do.
func (r *Runner) pass(ctx context.Context, l *lane, list []behind) error {
	params := tenancydb.PassFeedsParams{Consumer: l.Name, Now: r.now()}
	for _, b := range list {
		params.EnvIds = append(params.EnvIds, b.envID)
		params.LastSequences = append(params.LastSequences, b.end)
	}
	if len(list) == 0 {
		return nil
	}
	err := r.store.InPlatform(ctx, nil, func(tx pgx.Tx) error { return queries.PassFeeds(ctx, tx, params) })
	if err != nil {
		return fmt.Errorf("pass feeds: %w", err)
	}
	return nil
}

// Sweep finds what wake-ups have missed: it queues the environments in which a consumer is behind, and moves positions
// in those in which it has nothing to do. Run it about once a minute, on one server at a time.
func (r *Runner) Sweep(ctx context.Context) error {
	wanted, idle, err := r.findBehind(ctx)
	if err != nil {
		return err
	}
	for _, l := range r.lanes {
		if err := r.pass(ctx, l, idle[l]); err != nil {
			return err
		}
		l.add(envIDs(dueOf(wanted[l], r.now()))...)
	}
	return nil
}

func dueOf(list []behind, now time.Time) []behind {
	return slices.DeleteFunc(slices.Clone(list), func(b behind) bool { return !b.due(now) })
}

// madeAt is the instant in a UUID of version 7 (RFC 9562, section 5.7), on the real clock; zero for uuid.Nil.
func madeAt(id uuid.UUID) time.Time {
	if id == uuid.Nil {
		return time.Time{}
	}
	milliseconds := int64(0)
	for _, b := range id[:6] {
		milliseconds = milliseconds<<8 | int64(b)
	}
	return time.UnixMilli(milliseconds)
}
