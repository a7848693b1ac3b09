package booking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/vacancy"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ExpireArgs are the arguments of the job that expires the holds, offers and entries of an environment.
type ExpireArgs struct{ jobs.InEnv }

// Kind implements jobs.Args.
func (ExpireArgs) Kind() string { return "waitlist_lapsed" }

// ExpireSweepArgs are the arguments of the job that finds environments with offers.
type ExpireSweepArgs struct{}

// Kind implements jobs.Args.
func (ExpireSweepArgs) Kind() string { return "waitlist_lapsed_sweep" }

// RescanArgs are the arguments of the job that offers any free time of an environment.
type RescanArgs struct{ jobs.InEnv }

// Kind implements jobs.Args.
func (RescanArgs) Kind() string { return "waitlist_look_again" }

// RescanSweepArgs are the arguments of the job that finds environments with waiting entries.
type RescanSweepArgs struct{}

// Kind implements jobs.Args.
func (RescanSweepArgs) Kind() string { return "waitlist_look_again_sweep" }

const (
	// expireInterval is how long after its end an offer, or any hold, may still delay the next entry.
	expireInterval = time.Minute
	// rescanInterval is how long it may take to offer time that becomes bookable without a change: the horizon moves,
	// a business is active again.
	rescanInterval = time.Hour
)

// AddJobs registers the jobs of the waitlist.
func (s *Waitlist) AddJobs(workers *jobs.Workers) {
	jobs.Handle(workers, func(ctx context.Context, scope *tenancy.Scope, args vacancy.Args) error {
		return s.OfferVacancy(ctx, scope, args.From, args.To)
	})
	jobs.Handle(workers, func(ctx context.Context, scope *tenancy.Scope, _ ExpireArgs) error { return s.Expire(ctx, scope) })
	jobs.HandleGlobal(workers, func(ctx context.Context, _ ExpireSweepArgs) error { return s.SweepExpired(ctx) })
	workers.Every(expireInterval, ExpireSweepArgs{})
	jobs.Handle(workers, func(ctx context.Context, scope *tenancy.Scope, _ RescanArgs) error { return s.Rescan(ctx, scope) })
	jobs.HandleGlobal(workers, func(ctx context.Context, _ RescanSweepArgs) error { return s.SweepWaiting(ctx) })
	workers.Every(rescanInterval, RescanSweepArgs{})
}

// queuePageSize is how many entries are read at a time.
const queuePageSize = 1000

// OfferVacancy offers free time between from and to to the waiting entries in the order of the queue, at most one
// slot to each. It may be repeated, and run concurrently: an entry is locked while it gets its offer, and the lanes decide
// which entry gets the time.
func (s *Waitlist) OfferVacancy(ctx context.Context, scope *tenancy.Scope, from, to time.Time) error {
	if scope.Tenant.Suspended() {
		return nil
	}
	earliest := from.Add(-longestAllocation)
	var after keyset.ByTime
	for {
		waiting, err := queries.ListWaiting(ctx, s.engine.store.Reader(scope), schedulingdb.ListWaitingParams{
			EnvID: scope.Env.ID, AfterCreatedAt: after.At, AfterID: after.ID, FromAt: earliest, ToAt: to, Now: scope.Now, RowLimit: queuePageSize,
		})
		if err != nil {
			return fmt.Errorf("list waiting entries: %w", err)
		}
		for _, entry := range waiting {
			first, end := latest(entry.FromAt, earliest, scope.Now), entry.ToAt
			if to.Before(end) {
				end = to
			}
			if first.Before(end) {
				if err := s.offerTo(ctx, scope, entry, first, end); err != nil {
					return err
				}
			}
			after = keyset.ByTime{At: entry.CreatedAt, ID: entry.ID}
		}
		if len(waiting) < queuePageSize {
			return nil
		}
	}
}

// Rescan offers any free time to the waiting entries.
func (s *Waitlist) Rescan(ctx context.Context, scope *tenancy.Scope) error {
	return s.OfferVacancy(ctx, scope, localtime.Earliest, localtime.Latest)
}

func latest(times ...time.Time) (latest time.Time) {
	for _, t := range times {
		if t.After(latest) {
			latest = t
		}
	}
	return latest
}

var errNotWaiting = errors.New("the entry is no longer waiting")

// maxOfferAttempts is how often a slot is searched for an entry if the slots found are taken in between.
const maxOfferAttempts = 6

// offerTo offers an entry the first slot that fits, if there is one.
func (s *Waitlist) offerTo(ctx context.Context, scope *tenancy.Scope, entry schedulingdb.ListWaitingRow, from, to time.Time) error {
	for range maxOfferAttempts {
		start, err := s.firstFit(ctx, scope, entry, from, to)
		if err != nil || start == nil {
			return err
		}
		err = s.offerStart(ctx, scope, entry, *start)
		if _, again := anotherStartMayDo(err); !again {
			if errors.Is(err, errNotWaiting) || errors.Is(err, apperr.New(apperr.TooManyHolds, "")) {
				return nil
			}
			return err
		}
	}
	return nil
}

// firstFit returns the first start on the grid that the entry could book, or nil.
func (s *Waitlist) firstFit(ctx context.Context, scope *tenancy.Scope, entry schedulingdb.ListWaitingRow, from, to time.Time) (*time.Time, error) {
	snapshot, err := s.engine.search(ctx, scope, bookingRequest{
		serviceID: entry.ServiceID, customerID: entry.CustomerID, startAt: from, requested: entry.ResourceIds,
	}, from, to)
	if err != nil {
		return nil, err
	}
	if snapshot.service == nil || len(snapshot.customer.check()) > 0 {
		return nil, nil //nolint:nilnil // no start
	}
	request := availability.SearchRequest{From: from, To: to, Requested: entry.ResourceIds, Limit: 1}
	found, err := availability.Search(ctx, &snapshot.Snapshot, &request, scope.Now)
	if err != nil || len(found.Slots) == 0 {
		return nil, err
	}
	return &found.Slots[0].Start, nil
}

// offerStart holds the start for the entry and notifies its customer, in one transaction. Errors: errNotWaiting;
// TooManyHolds if the customer has as many holds and offers as allowed; those of Holds.Create.
func (s *Waitlist) offerStart(ctx context.Context, scope *tenancy.Scope, entry schedulingdb.ListWaitingRow, start time.Time) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make hold id: %w", err)
	}
	return s.engine.retryOnConflict(ctx, scope, func(tx *store.Tx, lockFirst []uuid.UUID) error {
		if err := allowHold(ctx, tx, scope, &entry.CustomerID); err != nil {
			return err
		}
		status, err := lockWaitlistEntry(ctx, tx, scope, entry.ID)
		if errors.Is(err, apperr.NewNotFound("")) || err == nil && status != WaitlistWaiting {
			return errNotWaiting
		}
		if err != nil {
			return err
		}
		p, err := readPolicies(ctx, tx, scope)
		if err != nil {
			return err
		}
		held, err := s.engine.hold(ctx, tx, scope, viewer.Viewer{}, id, HoldInput{ // decided as for a customer
			ServiceID: entry.ServiceID, StartAt: start, ResourceIDs: entry.ResourceIds, CustomerID: &entry.CustomerID,
			TTL: catalog.Minutes(p.WaitlistOfferMinutes), holder: &entry.CustomerID,
		}, lockFirst)
		if err != nil {
			return err
		}
		err = queries.OfferWaitlistEntry(ctx, tx, schedulingdb.OfferWaitlistEntryParams{
			EnvID: scope.Env.ID, ID: entry.ID, HoldID: held.ID, OfferExpiresAt: held.ExpiresAt, Now: scope.Now,
		})
		if err != nil {
			return fmt.Errorf("offer waitlist entry: %w", err)
		}
		offered, err := readWaitlistEntry(ctx, tx, scope, viewer.Everything(), entry.ID)
		if err != nil {
			return err
		}
		tx.Emit("waitlist.offered", offered)
		return s.notifier.NotifyCustomer(ctx, tx, scope, "waitlist.offered", entry.CustomerID, map[string]any{"entry": offered, "hold": held})
	})
}

// endOffers ends the offers of holds. The engine calls it.
func (s *Waitlist) endOffers(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, end holdsEnd) error {
	status := WaitlistExpired
	if end.appointmentID != nil {
		status = WaitlistBooked
	}
	ended, err := queries.EndWaitlistOffers(ctx, tx, schedulingdb.EndWaitlistOffersParams{
		EnvID: scope.Env.ID, Status: status, AppointmentID: end.appointmentID, HoldIds: end.ids, Now: scope.Now,
	})
	if err != nil {
		return fmt.Errorf("end waitlist offers: %w", err)
	}
	return emitEnded(ctx, tx, scope, ended)
}

// emitEnded emits the events of entries that have ended.
func emitEnded(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, ended []uuid.UUID) error {
	for _, id := range ended {
		entry, err := readWaitlistEntry(ctx, tx, scope, viewer.Everything(), id)
		if err != nil {
			return err
		}
		eventType := "waitlist.expired"
		if entry.Status == WaitlistBooked {
			eventType = "waitlist.booked"
		}
		tx.Emit(eventType, entry)
	}
	return nil
}

// expirePageSize is how many holds are expired at a time.
const expirePageSize = 200

// Expire ends offers that were not taken in time, other expired holds, and entries whose range has passed. The time of
// holds is offered to the next entry. An entry whose offer expires is not offered another one.
func (s *Waitlist) Expire(ctx context.Context, scope *tenancy.Scope) error {
	return s.engine.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		if err := s.expire(ctx, tx, scope, nil); err != nil {
			return err
		}
		expired, err := queries.ListExpiredHolds(ctx, tx, schedulingdb.ListExpiredHoldsParams{
			EnvID: scope.Env.ID, Now: scope.Now, RowLimit: expirePageSize,
		})
		if err != nil {
			return fmt.Errorf("list expired holds: %w", err)
		}
		return s.engine.expireHolds(ctx, tx, scope, expired)
	})
}

// expire ends the offers and entries of a customer, or of all (nil), whose time has passed.
func (s *Waitlist) expire(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, customerID *uuid.UUID) error {
	lapsed, err := queries.ListLapsedOffers(ctx, tx, schedulingdb.ListLapsedOffersParams{
		EnvID: scope.Env.ID, Now: scope.Now, CustomerID: customerID,
	})
	if err != nil {
		return fmt.Errorf("list lapsed offers: %w", err)
	}
	if err := s.engine.expireHolds(ctx, tx, scope, lapsed); err != nil {
		return err
	}
	over, err := queries.EndOverEntries(ctx, tx, schedulingdb.EndOverEntriesParams{
		EnvID: scope.Env.ID, Now: scope.Now, CustomerID: customerID,
	})
	if err != nil {
		return fmt.Errorf("end entries that are over: %w", err)
	}
	return emitEnded(ctx, tx, scope, over)
}

// SweepExpired adds an Expire job for each environment with offers, or with holds that entries wait for. The job knows
// the time of its environment.
func (s *Waitlist) SweepExpired(ctx context.Context) error {
	return s.sweep(ctx, queries.ListEnvironmentsWithOffers, func(env jobs.InEnv) jobs.Args { return ExpireArgs{env} })
}

// SweepWaiting adds a Rescan job for each environment with waiting entries.
func (s *Waitlist) SweepWaiting(ctx context.Context) error {
	return s.sweep(ctx, queries.ListEnvironmentsWithWaiting, func(env jobs.InEnv) jobs.Args { return RescanArgs{env} })
}

// sweep adds a job for each environment that the query lists.
func (s *Waitlist) sweep(
	ctx context.Context, list func(context.Context, schedulingdb.DBTX) ([]uuid.UUID, error), args func(jobs.InEnv) jobs.Args,
) error {
	return s.engine.store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		environments, err := list(ctx, tx)
		if err != nil {
			return fmt.Errorf("list environments of a waitlist: %w", err)
		}
		for _, id := range environments {
			if err := jobs.Insert(ctx, tx, args(jobs.InEnv{EnvID: id})); err != nil {
				return err
			}
		}
		return nil
	})
}
