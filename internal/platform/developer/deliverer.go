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
	// DeliveryQueue is the queue of the jobs that deliver: those that wait for slow endpoints
	// must not keep other work waiting.
	DeliveryQueue = "webhooks"
	// DeliveryWorkers is how many jobs one server works at a time, each of which looks after one
	// endpoint, or after those of one environment.
	DeliveryWorkers = 200
	// perEndpoint is how many requests one server makes to one endpoint at a time.
	perEndpoint = 8
	// budget is for how long a job begins new attempts; the rest is another job's. With the
	// longest attempt it is less than a job may take.
	budget = 20 * time.Second
)

// FanOutArgs are those of the job that looks after all endpoints of an environment. The
// statement that appends events inserts it (queries/tenancy/events.sql).
type FanOutArgs struct{ jobs.InEnv }

// Kind implements jobs.Args.
func (FanOutArgs) Kind() string { return "webhook_fan_out" }

// InsertOpts puts the jobs into their queue.
func (FanOutArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: DeliveryQueue} }

// DeliverArgs are those of the job that looks after one endpoint.
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
	NotifyOwners(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, kind string, data any) error
}

// Deliverer sends events to endpoints. Deliveries in the database are its queue; jobs only
// say which endpoint to look after, so one too many does no harm.
type Deliverer struct {
	*Webhooks
	poster Poster
	owners OwnerNotifier
	now    func() time.Time
	log    *slog.Logger
	// busy are the endpoints that are looked after, scanned the environments in which those
	// are looked for to which something is due.
	busy, scanned *busy
	// turns bounds how many of the connections for requests deliveries use at a time.
	turns chan struct{}
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
	_, connections := webhooks.store.Connections()
	return &Deliverer{
		Webhooks: webhooks, poster: poster, owners: owners, timeout: timeout, now: now, log: log,
		busy: newBusy(), scanned: newBusy(),
		turns: make(chan struct{}, max(1, connections/2)),
	}
}

// slack is what may pass beside the attempt itself before a delivery counts as forgotten.
func (d *Deliverer) slack() time.Duration { return d.timeout * 2 / 3 }

// claimLasts is longer than an attempt can take.
func (d *Deliverer) claimLasts() time.Duration { return d.timeout + d.slack() }

// FanOut delivers to all endpoints of an environment to which something is due. If this server
// is looking for them already, it looks once more.
func (d *Deliverer) FanOut(ctx context.Context, find jobs.FindScope, args FanOutArgs) error {
	if !d.scanned.enter(args.EnvID) {
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
			d.scanned.abandon(args.EnvID)
			fail(err)
			break
		}
		for _, id := range due {
			group.Go(func() { fail(d.Deliver(ctx, find, DeliverArgs{InEnv: args.InEnv, EndpointID: id})) })
		}
		again = d.scanned.leave(args.EnvID)
	}
	group.Wait()
	return errors.Join(errs...)
}

// due lists the endpoints of the environment to which something is due.
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

// Deliver makes all attempts that are due at an endpoint, a few at a time, and plans the next.
// If this server does so already, that one looks once more.
func (d *Deliverer) Deliver(ctx context.Context, find jobs.FindScope, args DeliverArgs) error {
	if !d.busy.enter(args.EndpointID) {
		return nil
	}
	until := d.now().Add(budget)
	for {
		scope, err := find(ctx) // anew each time: the plan may be another one, and the clock
		if err == nil {
			err = d.drain(ctx, scope, args.EndpointID, until)
		}
		if err != nil {
			d.busy.abandon(args.EndpointID)
			return err
		}
		if !d.busy.leave(args.EndpointID) {
			return nil
		}
		if !d.now().Before(until) {
			d.busy.abandon(args.EndpointID)
			return d.store.InEnv(ctx, scope, func(tx *store.Tx) error { return wake(ctx, tx, args.EnvID, args.EndpointID) })
		}
	}
}

// drain works until nothing is due at the endpoint, or its time is up.
func (d *Deliverer) drain(ctx context.Context, scope *tenancy.Scope, endpointID uuid.UUID, until time.Time) error {
	if !scope.Entitlements.Has(entitle.UseWebhooks) {
		return d.cancelAll(ctx, scope, endpointID)
	}
	round := &round{Deliverer: d, scope: scope, endpointID: endpointID, began: d.now(), until: until}
	return round.work(ctx)
}

// cancelAll ends what is on its way when the plan does not include webhooks any more.
func (d *Deliverer) cancelAll(ctx context.Context, scope *tenancy.Scope, endpointID uuid.UUID) error {
	return d.store.InEnv(ctx, scope, func(tx *store.Tx) error {
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
	// until is when it begins nothing new any more.
	until time.Time
}

// envNow is the present on the clock of the environment.
func (r *round) envNow() time.Time { return r.scope.Now.Add(r.now().Sub(r.began)) }

// claim is a delivery that this round makes an attempt at.
type claim struct {
	developerdb.ClaimDeliveriesRow
	until time.Time
}

// answer is what came of the attempt at a claim; outcome is nil if it could not be made.
type answer struct {
	claim   claim
	outcome *outcome
	err     error
}

// work makes attempts, perEndpoint at a time, until none is due, or the time is up. While the
// answers to some are written down, others come: the faster an endpoint is, the more of them
// one transaction takes.
func (r *round) work(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		answers  = make(chan answer, perEndpoint)
		finished []answer
		inFlight int
		failure  error
	)
	for {
		claims, err := r.turn(ctx, finished, inFlight, failure == nil)
		if err != nil && failure == nil {
			failure = err
			cancel() // nobody would write down what comes of the rest
		}
		for _, c := range claims {
			inFlight++
			go func() { answers <- r.attempt(ctx, c) }()
		}
		if inFlight == 0 {
			return failure
		}
		finished = finished[:0]
		for inFlight > 0 && (len(finished) == 0 || len(answers) > 0) {
			a := <-answers
			inFlight--
			failure = cmp.Or(failure, a.err)
			if a.outcome != nil {
				finished = append(finished, a)
			}
		}
	}
}

// turn writes down what has come of attempts and claims as many deliveries as may be in
// flight besides, unless the round is to end. When nothing is left it plans what is next.
func (r *round) turn(ctx context.Context, finished []answer, inFlight int, more bool) (claims []claim, err error) {
	more = more && ctx.Err() == nil
	if !more && len(finished) == 0 {
		return nil, ctx.Err()
	}
	// Whatever happens to the job, what came of an attempt must be kept.
	kept := context.WithoutCancel(ctx)
	r.turns <- struct{}{}
	defer func() { <-r.turns }()
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
		return r.planNext(kept, tx)
	})
	if err != nil {
		return nil, err
	}
	return claims, ctx.Err()
}

// claim takes deliveries that are due.
func (r *round) claim(ctx context.Context, tx *store.Tx, most int) ([]claim, error) {
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

// planNext inserts a job for the attempt that is due next, unless one will look before.
func (r *round) planNext(ctx context.Context, tx *store.Tx) error {
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
}

// SweepDeliveries inserts jobs for endpoints of all environments that were forgotten: by a
// server that died, or because a job got lost.
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

// SweepDeliveriesArgs are those of the job of SweepDeliveries.
type SweepDeliveriesArgs struct{}

// Kind implements jobs.Args.
func (SweepDeliveriesArgs) Kind() string { return "webhook_sweep" }

// busy lets one job of a server at a time look after a thing.
type busy struct {
	mu sync.Mutex
	// things are those that are looked after, and whether somebody came meanwhile.
	things map[uuid.UUID]bool
}

func newBusy() *busy { return &busy{things: map[uuid.UUID]bool{}} }

// enter reports whether the caller is to look after the thing. If not, whoever does will look
// once more.
func (b *busy) enter(id uuid.UUID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, taken := b.things[id]
	b.things[id] = taken
	return !taken
}

// leave reports whether to look once more, because somebody came meanwhile; if not, the
// caller does not look after the thing any more.
func (b *busy) leave(id uuid.UUID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.things[id] {
		b.things[id] = false
		return true
	}
	delete(b.things, id)
	return false
}

func (b *busy) abandon(id uuid.UUID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.things, id)
}
