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
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/vacancy"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// LapsedArgs are those of the job that ends the offers of an environment that nobody has
// taken.
type LapsedArgs struct{ jobs.InEnv }

// Kind implements jobs.Args.
func (LapsedArgs) Kind() string { return "waitlist_lapsed" }

// LapsedSweepArgs are those of the job that looks for environments with offers.
type LapsedSweepArgs struct{}

// Kind implements jobs.Args.
func (LapsedSweepArgs) Kind() string { return "waitlist_lapsed_sweep" }

// LookAgainArgs are those of the job that looks for anything that those who wait could have.
type LookAgainArgs struct{ jobs.InEnv }

// Kind implements jobs.Args.
func (LookAgainArgs) Kind() string { return "waitlist_look_again" }

// LookAgainSweepArgs are those of the job that looks for environments in which somebody
// waits.
type LookAgainSweepArgs struct{}

// Kind implements jobs.Args.
func (LookAgainSweepArgs) Kind() string { return "waitlist_look_again_sweep" }

const (
	// lapsedSweepInterval is how long after its end an offer, or any hold, may still keep the
	// next in line waiting.
	lapsedSweepInterval = time.Minute
	// lookAgainInterval is how long it may take until those who wait hear of a time that can
	// be booked because time goes by: the horizon moves, a business is active again.
	lookAgainInterval = time.Hour
)

// AddJobs says what is done for the jobs of the waitlist.
func (s *Waitlist) AddJobs(workers *jobs.Workers) {
	jobs.Handle(workers, func(ctx context.Context, scope *tenancy.Scope, args vacancy.Args) error {
		return s.OfferFreed(ctx, scope, args.From, args.To)
	})
	jobs.Handle(workers, func(ctx context.Context, scope *tenancy.Scope, _ LapsedArgs) error { return s.EndLapsed(ctx, scope) })
	jobs.HandleGlobal(workers, func(ctx context.Context, _ LapsedSweepArgs) error { return s.SweepLapsed(ctx) })
	workers.Every(lapsedSweepInterval, LapsedSweepArgs{})
	jobs.Handle(workers, func(ctx context.Context, scope *tenancy.Scope, _ LookAgainArgs) error { return s.LookAgain(ctx, scope) })
	jobs.HandleGlobal(workers, func(ctx context.Context, _ LookAgainSweepArgs) error { return s.SweepWaiting(ctx) })
	workers.Every(lookAgainInterval, LookAgainSweepArgs{})
}

// linePage is how many of those who wait are read at a time.
const linePage = 1000

// OfferFreed offers what is free between from and to to those who wait, the first in line
// first, each at most one time. It may be repeated, and done by several at once: an entry
// is locked while it gets its offer, and the lanes decide who gets the time.
func (s *Waitlist) OfferFreed(ctx context.Context, scope *tenancy.Scope, from, to time.Time) error {
	if scope.Tenant.Suspended() {
		return nil
	}
	earliest := from.Add(-longestAllocation)
	var after keyset.ByTime
	for {
		waiting, err := s.queries.ListWaiting(ctx, s.store.Reader(scope), schedulingdb.ListWaitingParams{
			EnvID: scope.Env.ID, AfterCreatedAt: after.At, AfterID: after.ID, FromAt: earliest, ToAt: to, Now: scope.Now, RowLimit: linePage,
		})
		if err != nil {
			return fmt.Errorf("list who waits: %w", err)
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
		if len(waiting) < linePage {
			return nil
		}
	}
}

// LookAgain offers whatever those who wait can have by now.
func (s *Waitlist) LookAgain(ctx context.Context, scope *tenancy.Scope) error {
	return s.OfferFreed(ctx, scope, localtime.Earliest, localtime.Latest)
}

func latest(times ...time.Time) (latest time.Time) {
	for _, t := range times {
		if t.After(latest) {
			latest = t
		}
	}
	return latest
}

var errNotWaiting = errors.New("the entry does not wait any more")

// maxOfferAttempts is how often a time is searched again because it was taken meanwhile.
const maxOfferAttempts = 6

// offerTo offers an entry the first time that fits, if there is one.
func (s *Waitlist) offerTo(ctx context.Context, scope *tenancy.Scope, entry schedulingdb.ListWaitingRow, from, to time.Time) error {
	for range maxOfferAttempts {
		start, err := s.firstFit(ctx, scope, entry, from, to)
		if err != nil || start == nil {
			return err
		}
		err = s.offerStart(ctx, scope, entry, *start)
		if _, again := anotherMayDo(err); !again {
			if errors.Is(err, errNotWaiting) || errors.Is(err, apperr.New(apperr.TooManyHolds, "")) {
				return nil
			}
			return err
		}
	}
	return nil
}

// firstFit returns the first start on the grid that the entry can have, or nil.
func (s *Waitlist) firstFit(ctx context.Context, scope *tenancy.Scope, entry schedulingdb.ListWaitingRow, from, to time.Time) (*time.Time, error) {
	taken, err := s.survey(ctx, scope, wish{
		serviceID: entry.ServiceID, customerID: entry.CustomerID, startAt: from, requested: entry.ResourceIds,
	}, from, to)
	if err != nil {
		return nil, err
	}
	if taken.service == nil || len(taken.customer.check()) > 0 {
		return nil, nil //nolint:nilnil // nothing fits who cannot book
	}
	request := availability.SearchRequest{From: from, To: to, Requested: entry.ResourceIds, Limit: 1}
	found, err := availability.Search(ctx, &taken.Snapshot, &request, scope.Now)
	if err != nil || len(found.Slots) == 0 {
		return nil, err
	}
	return &found.Slots[0].Start, nil
}

// offerStart holds the start for the entry, and tells its customer, in one transaction.
// Errors: errNotWaiting; TooManyHolds while the customer holds, and has been offered, as much
// as they may; those of CreateHold.
func (s *Waitlist) offerStart(ctx context.Context, scope *tenancy.Scope, entry schedulingdb.ListWaitingRow, start time.Time) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make hold id: %w", err)
	}
	return s.retryOnConflict(ctx, scope, func(tx *store.Tx, rivals []uuid.UUID) error {
		if err := s.allowHold(ctx, tx, scope, &entry.CustomerID); err != nil {
			return err
		}
		status, err := s.lockEntry(ctx, tx, scope, entry.ID)
		if errors.Is(err, apperr.NewNotFound("")) || err == nil && status != WaitlistWaiting {
			return errNotWaiting
		}
		if err != nil {
			return err
		}
		p, err := s.policies(ctx, tx, scope)
		if err != nil {
			return err
		}
		held, err := s.holdIn(ctx, tx, scope, viewer.Viewer{}, id, HoldInput{ // decided as for a customer
			ServiceID: entry.ServiceID, StartAt: start, ResourceIDs: entry.ResourceIds, CustomerID: &entry.CustomerID,
			TTL: minutes(p.WaitlistOfferMinutes), holder: &entry.CustomerID,
		}, rivals)
		if err != nil {
			return err
		}
		err = s.queries.OfferWaitlistEntry(ctx, tx, schedulingdb.OfferWaitlistEntryParams{
			EnvID: scope.Env.ID, ID: entry.ID, HoldID: held.ID, OfferExpiresAt: held.ExpiresAt, Now: scope.Now,
		})
		if err != nil {
			return fmt.Errorf("offer waitlist entry: %w", err)
		}
		offered, err := s.readEntry(ctx, tx, scope, entry.ID, viewer.Everything())
		if err != nil {
			return err
		}
		tx.Emit("waitlist.offered", offered)
		return s.notifier.NotifyCustomer(ctx, tx, scope, "waitlist.offered", entry.CustomerID, map[string]any{"entry": offered, "hold": held})
	})
}

// endOffers says what has become of the offers that these holds were.
func (s *Appointments) endOffers(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, status string, appointmentID *uuid.UUID, holds ...uuid.UUID,
) error {
	ended, err := s.queries.EndWaitlistOffers(ctx, tx, schedulingdb.EndWaitlistOffersParams{
		EnvID: scope.Env.ID, Status: status, AppointmentID: appointmentID, HoldIds: holds, Now: scope.Now,
	})
	if err != nil {
		return fmt.Errorf("end waitlist offers: %w", err)
	}
	return s.emitEnded(ctx, tx, scope, ended)
}

func (s *Appointments) emitEnded(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, ended []uuid.UUID) error {
	for _, id := range ended {
		entry, err := s.readEntry(ctx, tx, scope, id, viewer.Everything())
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

// holdsCleared is how many holds that are over are cleared away at a time.
const holdsCleared = 200

// EndLapsed ends what is over in an environment: offers that nobody has taken in time and
// other holds, so that what they held is offered to the next in line, and the wait for a
// time that is past. Whoever lets an offer lapse has had their turn.
func (s *Waitlist) EndLapsed(ctx context.Context, scope *tenancy.Scope) error {
	return s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		if err := s.endOver(ctx, tx, scope, nil); err != nil {
			return err
		}
		expired, err := s.queries.ListExpiredHolds(ctx, tx, schedulingdb.ListExpiredHoldsParams{
			EnvID: scope.Env.ID, Now: scope.Now, RowLimit: holdsCleared,
		})
		if err != nil {
			return fmt.Errorf("list expired holds: %w", err)
		}
		return s.clear(ctx, tx, scope, expired)
	})
}

// endOver ends the offers and the wait of a customer, or of all (nil), whose time is over.
func (s *Waitlist) endOver(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, customerID *uuid.UUID) error {
	lapsed, err := s.queries.ListLapsedOffers(ctx, tx, schedulingdb.ListLapsedOffersParams{
		EnvID: scope.Env.ID, Now: scope.Now, CustomerID: customerID,
	})
	if err != nil {
		return fmt.Errorf("list lapsed offers: %w", err)
	}
	if err := s.clear(ctx, tx, scope, lapsed); err != nil {
		return err
	}
	over, err := s.queries.EndOverEntries(ctx, tx, schedulingdb.EndOverEntriesParams{
		EnvID: scope.Env.ID, Now: scope.Now, CustomerID: customerID,
	})
	if err != nil {
		return fmt.Errorf("end entries that are over: %w", err)
	}
	return s.emitEnded(ctx, tx, scope, over)
}

// SweepLapsed adds a job for each environment in which an offer, or a hold that somebody
// waits for, may be over; it is that job which knows what time it is there.
func (s *Waitlist) SweepLapsed(ctx context.Context) error {
	return s.sweep(ctx, s.queries.ListEnvironmentsWithOffers, func(env jobs.InEnv) jobs.Args { return LapsedArgs{env} })
}

// SweepWaiting adds a job for each environment in which somebody waits.
func (s *Waitlist) SweepWaiting(ctx context.Context) error {
	return s.sweep(ctx, s.queries.ListEnvironmentsWithWaiting, func(env jobs.InEnv) jobs.Args { return LookAgainArgs{env} })
}

// sweep adds a job for each environment that the query lists.
func (s *Waitlist) sweep(
	ctx context.Context, list func(context.Context, schedulingdb.DBTX) ([]uuid.UUID, error), args func(jobs.InEnv) jobs.Args,
) error {
	return s.store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
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
