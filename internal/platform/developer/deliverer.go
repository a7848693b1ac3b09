package developer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/smoothschedule/smoothschedule/gen/db/developerdb"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/outbound"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

const (
	// DeliveryQueue is the queue of the jobs that deliver: those that wait for slow endpoints
	// must not keep other work waiting.
	DeliveryQueue = "webhooks"
	// DeliveryWorkers is how many endpoints one server looks after at a time.
	DeliveryWorkers = 200
	// perEndpoint is how many requests one server makes to one endpoint at a time.
	perEndpoint = 8
	// budget is for how long a job begins new attempts; the rest is another job's.
	budget = 30 * time.Second
)

// DeliverArgs are those of the job that looks after an endpoint. The statement that appends
// events inserts it too (queries/tenancy/events.sql).
type DeliverArgs struct {
	jobs.InEnv
	EndpointID uuid.UUID `json:"endpoint_id"`
}

// Kind implements jobs.Args.
func (DeliverArgs) Kind() string { return "webhook_delivery" }

// InsertOpts puts the jobs into their queue.
func (DeliverArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: DeliveryQueue} }

// Poster makes requests to endpoints; *outbound.Client does.
type Poster interface {
	Post(ctx context.Context, url string, header http.Header, body []byte) (*outbound.Response, error)
}

// OwnerNotifier notes, in the transaction, what the owners of a business are to be told of.
type OwnerNotifier interface {
	NotifyOwners(ctx context.Context, tx *tenancy.Tx, scope *tenancy.Scope, kind string, data any) error
}

// Deliverer sends events to endpoints. Deliveries in the database are its queue; jobs only
// say which endpoint to look after, so one too many does no harm.
type Deliverer struct {
	*Webhooks
	poster Poster
	owners OwnerNotifier
	now    func() time.Time
	log    *slog.Logger
	busy   *busy
	// timeout is how long poster lets an attempt take.
	timeout time.Duration
}

// NewDeliverer sends what is on its way to the endpoints of webhooks; now is the real clock.
// The poster gives an attempt up after timeout, on which depends how soon the deliveries of
// a server that died are taken over: some three timeouts after its death. Owners hear of
// endpoints that are given up.
func NewDeliverer(
	webhooks *Webhooks, poster Poster, owners OwnerNotifier, timeout time.Duration, now func() time.Time, log *slog.Logger,
) *Deliverer {
	return &Deliverer{
		Webhooks: webhooks, poster: poster, owners: owners, timeout: timeout, now: now, log: log,
		busy: &busy{endpoints: map[uuid.UUID]*tenancy.Scope{}},
	}
}

// slack is what may pass beside the attempt itself before a delivery counts as forgotten.
func (d *Deliverer) slack() time.Duration { return d.timeout * 2 / 3 }

// claimLasts is longer than an attempt can take.
func (d *Deliverer) claimLasts() time.Duration { return d.timeout + d.slack() }

// Deliver makes all attempts that are due at an endpoint, a few at a time, and plans the next.
// If this server does so already, that one looks once more.
func (d *Deliverer) Deliver(ctx context.Context, scope *tenancy.Scope, args DeliverArgs) error {
	if !d.busy.enter(args.EndpointID, scope) {
		return nil
	}
	for scope != nil {
		if err := d.drain(ctx, scope, args.EndpointID); err != nil {
			d.busy.abandon(args.EndpointID)
			return err
		}
		scope = d.busy.leave(args.EndpointID)
	}
	return nil
}

// drain works until nothing is due at the endpoint, or its time is up.
func (d *Deliverer) drain(ctx context.Context, scope *tenancy.Scope, endpointID uuid.UUID) error {
	if !scope.Entitlements.Has(entitle.UseWebhooks) {
		return d.cancelAll(ctx, scope, endpointID)
	}
	round := &round{Deliverer: d, scope: scope, endpointID: endpointID, began: d.now()}
	errs := make([]error, perEndpoint)
	var group sync.WaitGroup
	for i := range perEndpoint {
		group.Go(func() { errs[i] = round.work(ctx) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return round.planNext(ctx)
}

// cancelAll ends what is on its way when the plan does not include webhooks any more.
func (d *Deliverer) cancelAll(ctx context.Context, scope *tenancy.Scope, endpointID uuid.UUID) error {
	return d.store.InEnv(ctx, scope, func(tx *tenancy.Tx) error {
		return d.queries.CancelDeliveries(ctx, tx, developerdb.CancelDeliveriesParams{
			EnvID: scope.Env.ID, EndpointID: endpointID, Now: scope.Now,
		})
	})
}

// round is one drain of an endpoint.
type round struct {
	*Deliverer
	scope      *tenancy.Scope
	endpointID uuid.UUID
	// began is when it began on the real clock, as scope.Now is on the environment's.
	began time.Time
}

// envNow is the present on the clock of the environment.
func (r *round) envNow() time.Time { return r.scope.Now.Add(r.now().Sub(r.began)) }

// work makes one attempt after the other while some are due and there is time.
func (r *round) work(ctx context.Context) error {
	for r.now().Sub(r.began) < budget && ctx.Err() == nil {
		claim, err := r.claim(ctx)
		if claim == nil || err != nil {
			return err
		}
		if err := r.attempt(ctx, claim); err != nil {
			return err
		}
	}
	return ctx.Err()
}

type claim struct {
	developerdb.ClaimDeliveryRow
	until time.Time
}

// claim takes a delivery that is due; nil if there is none.
func (r *round) claim(ctx context.Context) (*claim, error) {
	taken := &claim{until: r.now().UTC().Add(r.claimLasts()).Truncate(time.Microsecond)}
	err := r.store.InEnv(ctx, r.scope, func(tx *tenancy.Tx) (err error) {
		taken.ClaimDeliveryRow, err = r.queries.ClaimDelivery(ctx, tx, developerdb.ClaimDeliveryParams{
			EnvID: r.scope.Env.ID, EndpointID: r.endpointID, ClaimedUntil: taken.until, Now: r.envNow(), RealNow: r.now(),
		})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing is due
	}
	if err != nil {
		return nil, fmt.Errorf("claim a delivery: %w", err)
	}
	return taken, nil
}

// planNext inserts a job for the attempt that is due next, unless one will look before.
func (r *round) planNext(ctx context.Context) error {
	return r.store.InEnv(ctx, r.scope, func(tx *tenancy.Tx) error {
		next, err := r.queries.GetNextAttemptAt(ctx, tx, developerdb.GetNextAttemptAtParams{
			EnvID: r.scope.Env.ID, EndpointID: r.endpointID, RealNow: r.now(),
		})
		if errors.Is(err, pgx.ErrNoRows) || err == nil && next == nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("get next attempt: %w", err)
		}
		now := r.now()
		at := now.Add(max(next.Sub(r.envNow()), 0)).UTC().Truncate(time.Microsecond)
		rows, err := r.queries.PlanWake(ctx, tx, developerdb.PlanWakeParams{EnvID: r.scope.Env.ID, ID: r.endpointID, WakeAt: at, RealNow: now})
		if err != nil {
			return fmt.Errorf("plan the next attempt: %w", err)
		}
		if rows == 0 {
			return nil
		}
		args := DeliverArgs{InEnv: jobs.In(r.scope), EndpointID: r.endpointID}
		if !at.After(now) {
			return jobs.Insert(ctx, tx, args)
		}
		return jobs.Insert(ctx, tx, args, jobs.At(at))
	})
}

// SweepDeliveries inserts jobs for endpoints of all environments that were forgotten: by a
// server that died, or because a job got lost.
func (d *Deliverer) SweepDeliveries(ctx context.Context, _ SweepDeliveriesArgs) error {
	return d.store.InPlatform(ctx, func(tx pgx.Tx) error {
		overdue, err := d.queries.ListOverdueEndpoints(ctx, tx, d.now().Add(-d.slack()))
		if err != nil {
			return fmt.Errorf("list overdue endpoints: %w", err)
		}
		for _, o := range overdue {
			if err := wake(ctx, tx, o.EnvID, o.EndpointID); err != nil {
				return err
			}
		}
		return nil
	})
}

// SweepDeliveriesArgs are those of the job of SweepDeliveries.
type SweepDeliveriesArgs struct{}

// Kind implements jobs.Args.
func (SweepDeliveriesArgs) Kind() string { return "webhook_sweep" }

// busy lets one job of a server look after an endpoint at a time.
type busy struct {
	mu sync.Mutex
	// endpoints are those that are looked after, with the scope of whoever came meanwhile.
	endpoints map[uuid.UUID]*tenancy.Scope
}

// enter reports whether the caller is to look after the endpoint. If not, whoever does will
// look once more.
func (b *busy) enter(endpointID uuid.UUID, scope *tenancy.Scope) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, taken := b.endpoints[endpointID]; taken {
		b.endpoints[endpointID] = scope
		return false
	}
	b.endpoints[endpointID] = nil
	return true
}

// leave returns the scope to look once more in, or nil if nobody came meanwhile.
func (b *busy) leave(endpointID uuid.UUID) *tenancy.Scope {
	b.mu.Lock()
	defer b.mu.Unlock()
	scope := b.endpoints[endpointID]
	if scope == nil {
		delete(b.endpoints, endpointID)
	} else {
		b.endpoints[endpointID] = nil
	}
	return scope
}

func (b *busy) abandon(endpointID uuid.UUID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.endpoints, endpointID)
}
