package developer

import (
	"cmp"
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
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

const (
	// DeliveryQueue is the queue of the jobs that deliver, so that slow endpoints do not delay other
	// jobs.
	DeliveryQueue = "webhooks"
	// DeliveryWorkers is how many of these jobs one server runs at a time. Each serves one endpoint,
	// or the endpoints of one environment.
	DeliveryWorkers = 200
	// perEndpoint is the maximum of concurrent requests from one server to one endpoint.
	perEndpoint = 8
	// budget is how long a job starts new attempts; the rest is left to another job. Together with the
	// longest attempt it is less than the timeout of a job.
	budget = 20 * time.Second
)

// FanOutArgs are the arguments of the job that delivers to all endpoints of an environment. The
// consumer of events inserts it.
type FanOutArgs struct{ jobs.InEnv }

// Kind implements jobs.Args.
func (FanOutArgs) Kind() string { return "webhook_fan_out" }

// InsertOpts puts the jobs into their queue.
func (FanOutArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: DeliveryQueue} }

// DeliverArgs are the arguments of the job that delivers to one endpoint.
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

// OwnerNotifier records notifications to the owners of a business, in the transaction.
type OwnerNotifier interface {
	NotifyOwners(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, kind string, data any) error
}

// Deliverer sends events to endpoints. The table of deliveries is its queue; a job only names an
// endpoint or an environment, so a redundant job does no harm.
type Deliverer struct {
	*Webhooks
	poster Poster
	owners OwnerNotifier
	now    func() time.Time
	log    *slog.Logger
	// draining are the endpoints that this server delivers to, scanning the environments whose due
	// endpoints it lists.
	draining, scanning *exclusive
	// connections bounds how many connections of the application's pool deliveries use at a time.
	connections chan struct{}
	// timeout is the timeout of an attempt.
	timeout time.Duration
}

// NewDeliverer returns a Deliverer; now is the real clock. The poster must give up after timeout: the
// deliveries of a server that died are taken over about three timeouts after its death. owners
// is told of endpoints that are disabled.
func NewDeliverer(
	webhooks *Webhooks, poster Poster, owners OwnerNotifier, timeout time.Duration, now func() time.Time, log *slog.Logger,
) *Deliverer {
	_, limit := webhooks.store.Connections()
	return &Deliverer{
		Webhooks: webhooks, poster: poster, owners: owners, timeout: timeout, now: now, log: log,
		draining: newExclusive(), scanning: newExclusive(),
		connections: make(chan struct{}, max(1, limit/2)),
	}
}

// slack is the time, in addition to the attempt, after which a delivery counts as abandoned.
func (d *Deliverer) slack() time.Duration { return d.timeout * 2 / 3 }

// claimLasts is longer than an attempt can take.
func (d *Deliverer) claimLasts() time.Duration { return d.timeout + d.slack() }

// FanOut delivers to all endpoints of an environment with due deliveries. If a job of this server
// is listing them already, that job lists them again.
func (d *Deliverer) FanOut(ctx context.Context, find jobs.FindScope, args FanOutArgs) error {
	if !d.scanning.enter(args.EnvID) {
		return nil
	}
	var (
		mu    sync.Mutex
		errs  []error
		group sync.WaitGroup
	)
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		errs = append(errs, err)
	}
	for again := true; again; {
		due, err := d.due(ctx, find)
		if err != nil {
			d.scanning.abandon(args.EnvID)
			fail(err)
			break
		}
		for _, id := range due {
			group.Go(func() { fail(d.Deliver(ctx, find, DeliverArgs{InEnv: args.InEnv, EndpointID: id})) })
		}
		again = d.scanning.leave(args.EnvID)
	}
	group.Wait()
	return errors.Join(errs...)
}

// due lists the endpoints of the environment with due deliveries.
func (d *Deliverer) due(ctx context.Context, find jobs.FindScope) ([]uuid.UUID, error) {
	scope, err := find(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := d.queries.ListDueEndpoints(ctx, d.store.Reader(scope), developerdb.ListDueEndpointsParams{
		EnvID: scope.Env.ID, Now: scope.Now, RealNow: d.now(),
	})
	if err != nil {
		return nil, fmt.Errorf("list due endpoints: %w", err)
	}
	return ids, nil
}

// Deliver makes all due attempts at an endpoint, a few at a time, and schedules the next. If a
// job of this server does so already, that job looks again.
func (d *Deliverer) Deliver(ctx context.Context, find jobs.FindScope, args DeliverArgs) error {
	if !d.draining.enter(args.EndpointID) {
		return nil
	}
	until := d.now().Add(budget)
	for {
		scope, err := find(ctx) // anew each time: the plan may be another one, and the clock
		if err == nil {
			err = d.drain(ctx, scope, args.EndpointID, until)
		}
		if err != nil {
			d.draining.abandon(args.EndpointID)
			return err
		}
		if !d.draining.leave(args.EndpointID) {
			return nil
		}
		if !d.now().Before(until) {
			d.draining.abandon(args.EndpointID)
			return d.store.InEnv(ctx, scope, func(tx *store.Tx) error { return wake(ctx, tx, args.EnvID, args.EndpointID) })
		}
	}
}

// drain makes attempts until none is due at the endpoint, or until the time.
func (d *Deliverer) drain(ctx context.Context, scope *tenancy.Scope, endpointID uuid.UUID, until time.Time) error {
	if !scope.Entitlements.Has(entitle.UseWebhooks) {
		return d.cancelAll(ctx, scope, endpointID)
	}
	run := &drainRun{Deliverer: d, scope: scope, endpointID: endpointID, began: d.now(), until: until}
	return run.attemptAll(ctx)
}

// cancelAll cancels the pending deliveries of an endpoint whose plan no longer includes webhooks.
func (d *Deliverer) cancelAll(ctx context.Context, scope *tenancy.Scope, endpointID uuid.UUID) error {
	return d.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		return d.queries.CancelDeliveries(ctx, tx, developerdb.CancelDeliveriesParams{
			EnvID: scope.Env.ID, EndpointID: endpointID, Now: scope.Now,
		})
	})
}

// drainRun is one drain of an endpoint.
type drainRun struct {
	*Deliverer
	scope      *tenancy.Scope
	endpointID uuid.UUID
	// began is scope.Now on the real clock.
	began time.Time
	// until is when it stops starting attempts.
	until time.Time
}

// envNow is the present on the clock of the environment.
func (r *drainRun) envNow() time.Time { return r.scope.Now.Add(r.now().Sub(r.began)) }

// claim is a delivery that this run attempts.
type claim struct {
	developerdb.ClaimDeliveriesRow
	until time.Time
}

// attempted is the end of an attempt; outcome is nil if it could not be made.
type attempted struct {
	claim   claim
	outcome *outcome
	err     error
}

// attemptAll makes attempts, perEndpoint at a time, until none is due, or until r.until. While a
// transaction records outcomes, further attempts end: the faster an endpoint answers, the more outcomes
// one transaction records.
func (r *drainRun) attemptAll(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		ended    = make(chan attempted, perEndpoint)
		finished []attempted
		inFlight int
		failure  error
	)
	for {
		claims, err := r.claimBatch(ctx, finished, inFlight, failure == nil)
		if err != nil && failure == nil {
			failure = err
			cancel() // the outcomes of the others could not be recorded
		}
		for _, c := range claims {
			inFlight++
			go func() { ended <- r.attempt(ctx, c) }()
		}
		if inFlight == 0 {
			return failure
		}
		finished = finished[:0]
		for inFlight > 0 && (len(finished) == 0 || len(ended) > 0) {
			a := <-ended
			inFlight--
			failure = cmp.Or(failure, a.err)
			if a.outcome != nil {
				finished = append(finished, a)
			}
		}
	}
}

// claimBatch records finished attempts and, with more, claims deliveries until perEndpoint are in
// flight. If none is left, it schedules the next attempt.
func (r *drainRun) claimBatch(ctx context.Context, finished []attempted, inFlight int, more bool) (claims []claim, err error) {
	more = more && ctx.Err() == nil
	if !more && len(finished) == 0 {
		return nil, ctx.Err()
	}
	// Outcomes are recorded even if the job is canceled.
	kept := context.WithoutCancel(ctx)
	r.connections <- struct{}{}
	defer func() { <-r.connections }()
	scope := *r.scope
	scope.Now = r.envNow()
	err = r.store.InEnv(kept, &scope, func(tx *store.Tx) (err error) {
		claims = nil
		if len(finished) > 0 {
			if err := r.record(kept, tx, &scope, finished); err != nil {
				return err
			}
		}
		if more && r.now().Before(r.until) {
			claims, err = r.claim(kept, tx, perEndpoint-inFlight)
		}
		if err != nil || len(claims) > 0 || inFlight > 0 {
			return err
		}
		return r.scheduleNext(kept, tx)
	})
	if err != nil {
		return nil, err
	}
	return claims, ctx.Err()
}

// claim claims due deliveries.
func (r *drainRun) claim(ctx context.Context, tx *store.Tx, most int) ([]claim, error) {
	now := r.now()
	until := now.UTC().Add(r.claimLasts()).Truncate(time.Microsecond)
	rows, err := r.queries.ClaimDeliveries(ctx, tx, developerdb.ClaimDeliveriesParams{
		EnvID: r.scope.Env.ID, EndpointID: r.endpointID, ClaimedUntil: until, Now: r.envNow(), RealNow: now, RowLimit: int32(most),
	})
	if err != nil {
		return nil, fmt.Errorf("claim deliveries: %w", err)
	}
	claims := make([]claim, len(rows))
	for i, row := range rows {
		claims[i] = claim{row, until}
	}
	return claims, nil
}

// scheduleNext inserts a job for the next attempt, unless a job runs before that anyway.
func (r *drainRun) scheduleNext(ctx context.Context, tx *store.Tx) error {
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
		return fmt.Errorf("schedule the next attempt: %w", err)
	}
	if rows == 0 {
		return nil
	}
	args := DeliverArgs{InEnv: jobs.In(r.scope), EndpointID: r.endpointID}
	if !at.After(now) {
		return jobs.Insert(ctx, tx, args)
	}
	return jobs.Insert(ctx, tx, args, jobs.At(at))
}

// SweepDeliveries inserts jobs for endpoints of all environments with overdue deliveries, because a
// server died or a job got lost.
func (d *Deliverer) SweepDeliveries(ctx context.Context, _ SweepDeliveriesArgs) error {
	return d.store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
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

// SweepDeliveriesArgs are the arguments of the job that runs SweepDeliveries.
type SweepDeliveriesArgs struct{}

// Kind implements jobs.Args.
func (SweepDeliveriesArgs) Kind() string { return "webhook_sweep" }

// exclusive lets one job of a server at a time work on an id.
type exclusive struct {
	mu sync.Mutex
	// held are the ids that are worked on; true if the work is to be repeated.
	held map[uuid.UUID]bool
}

func newExclusive() *exclusive { return &exclusive{held: map[uuid.UUID]bool{}} }

// enter reports whether the caller may work on the id. If not, the holder will repeat its work.
func (e *exclusive) enter(id uuid.UUID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, taken := e.held[id]
	e.held[id] = taken
	return !taken
}

// leave reports whether the holder must repeat its work. If not, it no longer holds the id.
func (e *exclusive) leave(id uuid.UUID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.held[id] {
		e.held[id] = false
		return true
	}
	delete(e.held, id)
	return false
}

func (e *exclusive) abandon(id uuid.UUID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.held, id)
}
