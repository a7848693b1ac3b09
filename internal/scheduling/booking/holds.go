package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/vacancy"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Hold statuses.
const (
	HoldActive  = "ACTIVE"
	HoldBooked  = "BOOKED"
	HoldExpired = "EXPIRED"
)

// DefaultHoldTTL is the lifetime of a hold for which none is given. MaxHoldTTL is the limit, which the contract checks.
const (
	DefaultHoldTTL = 5 * time.Minute
	MaxHoldTTL     = time.Hour
)

// holdRetention is how long a hold can be read after its end.
const holdRetention = 24 * time.Hour

// Hold reserves a time until it expires. Its JSON form is the data of the
// events hold.created, .released, .booked and .expired.
type Hold struct {
	ID     uuid.UUID `json:"id"`
	Status string    `json:"status"`
	// StartAt and EndAt are what the customer sees, without buffers.
	StartAt   time.Time `json:"start_at"`
	EndAt     time.Time `json:"end_at"`
	ServiceID uuid.UUID `json:"service_id"`
	Service   Reference `json:"service"`
	// CustomerID is nil if the customer is not known yet.
	CustomerID *uuid.UUID `json:"customer_id"`
	// ResourceIDs and Resources are in the order of Appointment.
	ResourceIDs []uuid.UUID         `json:"resource_ids"`
	Resources   []ResourceReference `json:"resources"`
	// Buffers and price are those that the appointment will have.
	BufferBeforeMinutes int32       `json:"buffer_before_minutes"`
	BufferAfterMinutes  int32       `json:"buffer_after_minutes"`
	Price               money.Money `json:"price"`
	// ExpiresAt is exclusive, to the microsecond.
	ExpiresAt time.Time `json:"expires_at"`
	// AppointmentID is set exactly if the status is BOOKED.
	AppointmentID *uuid.UUID `json:"appointment_id"`
	CreatedAt     time.Time  `json:"created_at"`

	// serviceVersion and requiresApproval are of the service; only stored holds have the latter.
	serviceVersion   int32
	requiresApproval bool
	// holder is that of the input; only new holds have it.
	holder *uuid.UUID
}

// HoldInput describes a new hold.
type HoldInput struct {
	ServiceID uuid.UUID
	// StartAt is a whole minute, in any zone.
	StartAt time.Time
	// ResourceIDs are taken; the other resources are chosen.
	ResourceIDs []uuid.UUID
	// CustomerID is optional.
	CustomerID *uuid.UUID
	// TTL is the lifetime; zero is DefaultHoldTTL. The hold expires at the start at the latest.
	TTL time.Duration

	// holder is the customer or network whose holds are limited; nil is the business.
	holder *uuid.UUID
	// tokenHash, if not nil, gives access to the hold.
	tokenHash []byte
}

// Holds is the service for holds.
type Holds struct{ engine *engine }

// Create holds a time as Appointments.Create would book it. Customers hold for themselves. Errors: those of
// Appointments.Create except QuotaExceeded, as a hold uses no quota; TooManyHolds for customers.
func (s *Holds) Create(ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, in HoldInput) (*Hold, error) {
	if v.IsCustomer() {
		own, err := ownCustomer(ctx, s.engine.store.Reader(scope), scope, v)
		if err != nil {
			return nil, err
		}
		if in.CustomerID != nil && *in.CustomerID != own {
			return nil, apperr.NewUnknownReference("/customer_id", "customer")
		}
		in.CustomerID, in.holder = &own, &own
	}
	return s.create(ctx, scope, v, in)
}

// create is Create for a customer and holder that the caller has checked.
func (s *Holds) create(ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, in HoldInput) (*Hold, error) {
	if err := checkStart(in.StartAt); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make hold id: %w", err)
	}
	var created *Hold
	err = s.engine.retryOnConflict(ctx, scope, func(tx *store.Tx, lockFirst []uuid.UUID) (err error) {
		if err := allowHold(ctx, tx, scope, in.holder); err != nil {
			return err
		}
		created, err = s.engine.hold(ctx, tx, scope, v, id, in, lockFirst)
		return err
	})
	if err != nil {
		req := bookingRequest{serviceID: in.ServiceID, customerID: idOrNil(in.CustomerID), startAt: in.StartAt, requested: in.ResourceIDs}
		return nil, s.engine.offerAlternatives(ctx, scope, v, req, err)
	}
	return created, nil
}

func idOrNil(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}

// allowHold returns a TooManyHolds error unless the holder may have one more hold. It locks the holder until the
// transaction ends, so that counts are serialized.
func allowHold(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, holder *uuid.UUID) error {
	if holder == nil {
		return nil
	}
	if err := queries.LockHolder(ctx, tx, schedulingdb.LockHolderParams{EnvID: scope.Env.ID, HolderID: *holder}); err != nil {
		return fmt.Errorf("lock holder: %w", err)
	}
	p, err := readPolicies(ctx, tx, scope)
	if err != nil {
		return err
	}
	n, err := queries.CountHoldsOfHolder(ctx, tx, schedulingdb.CountHoldsOfHolderParams{
		EnvID: scope.Env.ID, HolderID: *holder, Now: scope.Now,
	})
	if err != nil {
		return fmt.Errorf("count holds: %w", err)
	}
	if n >= p.MaxHoldsPerCustomer {
		return apperr.New(apperr.TooManyHolds, "At most %d times can be held at once. Book or release one of them first, or wait until one expires.",
			p.MaxHoldsPerCustomer).With("limit", p.MaxHoldsPerCustomer)
	}
	return nil
}

// hold plans, decides and claims a hold, in one attempt of retryOnConflict.
func (e *engine) hold(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID, in HoldInput, lockFirst []uuid.UUID,
) (*Hold, error) {
	s, err := e.plan(ctx, tx, scope, bookingRequest{
		serviceID: in.ServiceID, customerID: idOrNil(in.CustomerID), startAt: in.StartAt, requested: in.ResourceIDs, lockFirst: lockFirst,
	})
	if err != nil {
		return nil, err
	}
	if err := s.checkReferences(in.CustomerID); err != nil {
		return nil, err
	}
	assignments, err := decider{s, v}.decide(availability.Request{Start: in.StartAt, Requested: in.ResourceIDs}, in.ResourceIDs)
	if err != nil {
		return nil, err
	}
	if err := e.expireHolds(ctx, tx, scope, s.expired); err != nil {
		return nil, err
	}
	created := newHold(s, id, in, assignments)
	if err := claimHold(ctx, tx, scope, s, created, assignments); err != nil {
		return nil, err
	}
	if in.tokenHash != nil {
		grantCapability(tx, scope, in.tokenHash, &created.ID, nil)
	}
	return created, nil
}

// newHold returns the hold of a decision.
func newHold(s *snapshot, id uuid.UUID, in HoldInput, assignments []availability.Assignment) *Hold {
	start, ttl := in.StartAt.UTC(), in.TTL
	if ttl == 0 {
		ttl = DefaultHoldTTL
	}
	expiry := s.now.Add(ttl)
	if start.Before(expiry) {
		expiry = start
	}
	h := &Hold{
		ID: id, Status: HoldActive, StartAt: start, EndAt: start.Add(s.Service.Duration), ServiceID: in.ServiceID,
		Service: s.service.Reference, CustomerID: in.CustomerID, Resources: s.references(assignments),
		BufferBeforeMinutes: s.service.bufferBefore, BufferAfterMinutes: s.service.bufferAfter, Price: s.service.price,
		ExpiresAt: expiry, CreatedAt: s.now, serviceVersion: s.service.version, holder: in.holder,
	}
	slices.SortFunc(h.Resources, compareReferences)
	for _, r := range h.Resources {
		h.ResourceIDs = append(h.ResourceIDs, r.ID)
	}
	return h
}

// enqueueVacancy offers the time of the hold to the waitlist.
func (h *Hold) enqueueVacancy(ctx context.Context, tx *store.Tx, scope *tenancy.Scope) error {
	return vacancy.Enqueue(ctx, tx, scope, h.StartAt.Add(-catalog.Minutes(h.BufferBeforeMinutes)), h.EndAt.Add(catalog.Minutes(h.BufferAfterMinutes)))
}

// Get returns a hold, until one day after its end. Errors: NotFound, also for a hold that the viewer may not
// see: customers see their own, staff those that they have made or are a resource of.
func (s *Holds) Get(ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID) (*Hold, error) {
	return readHold(ctx, s.engine.store.Reader(scope), scope, v, id)
}

func readHold(ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID) (*Hold, error) {
	row, err := queries.GetHold(ctx, db, schedulingdb.GetHoldParams{
		EnvID: scope.Env.ID, ID: id, OnlyCustomerUserID: v.OnlyCustomerOf(id), OnlyStaffUserID: v.OnlyStaff(),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, apperr.NewNotFound("hold")
	}
	if err != nil {
		return nil, fmt.Errorf("get hold: %w", err)
	}
	found := holdOf(schedulingdb.ListHoldsRow(row), scope.Now)
	return &found, nil
}

// List returns the active holds that the principal may see, the next to expire first. Errors: InvalidCursor.
func (s *Holds) List(ctx context.Context, scope *tenancy.Scope, page keyset.Page) (keyset.List[Hold], error) {
	after := keyset.ByTime{At: localtime.Earliest}
	if err := keyset.Decode(page.Cursor, nil, &after); err != nil {
		return keyset.List[Hold]{}, err
	}
	v := viewer.Of(scope)
	rows, err := queries.ListHolds(ctx, s.engine.store.Reader(scope), schedulingdb.ListHoldsParams{
		EnvID: scope.Env.ID, AfterExpiresAt: after.At, AfterID: after.ID, Now: scope.Now,
		OnlyCustomerUserID: v.OnlyCustomer(), OnlyStaffUserID: v.OnlyStaff(), RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[Hold]{}, fmt.Errorf("list holds: %w", err)
	}
	convert := func(row schedulingdb.ListHoldsRow) Hold { return holdOf(row, scope.Now) }
	return keyset.NewList(page, rows, nil, convert, func(h Hold) any { return keyset.ByTime{At: h.ExpiresAt, ID: h.ID} }), nil
}

// Release removes a hold, even if it has expired. Errors: NotFound as for Get, HoldUsed.
func (s *Holds) Release(ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID) error {
	return s.engine.store.InEnv(ctx, scope, func(tx *store.Tx) error { return s.engine.releaseHold(ctx, tx, scope, v, id) })
}

// releaseHold removes a hold.
func (e *engine) releaseHold(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID) error {
	status, current, err := lockHold(ctx, tx, scope, v, id)
	if err != nil {
		return err
	}
	if current.Status == HoldBooked {
		return holdUsed(current)
	}
	if err := e.onHoldsEnded(ctx, tx, scope, holdsEnd{ids: []uuid.UUID{id}}); err != nil {
		return err
	}
	if err := queries.DeleteHold(ctx, tx, schedulingdb.DeleteHoldParams{EnvID: scope.Env.ID, ID: id}); err != nil {
		return fmt.Errorf("delete hold: %w", err)
	}
	switch {
	case status != HoldActive: // its end has been reported before
		return nil
	case current.Status == HoldActive:
		tx.Emit("hold.released", current)
	default: // its expiry has not been reported yet
		tx.Emit("hold.expired", current)
	}
	return current.enqueueVacancy(ctx, tx, scope)
}

// lockHold reads a hold after locking it. It also returns the stored status, which may still be ACTIVE for an expired hold.
func lockHold(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID) (string, *Hold, error) {
	status, err := queries.LockHold(ctx, tx, schedulingdb.LockHoldParams{EnvID: scope.Env.ID, ID: id})
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil, apperr.NewNotFound("hold")
	}
	if err != nil {
		return "", nil, fmt.Errorf("lock hold: %w", err)
	}
	current, err := readHold(ctx, tx, scope, v, id)
	return status, current, err
}

// holdOf returns the hold of a row; at now it may have expired.
func holdOf(row schedulingdb.ListHoldsRow, now time.Time) Hold {
	h := Hold{
		ID: row.ID, Status: row.Status, StartAt: row.StartAt.UTC(), EndAt: row.EndAt.UTC(), ServiceID: row.ServiceID,
		Service: Reference{ID: row.ServiceID, Name: row.ServiceName}, CustomerID: row.CustomerID,
		BufferBeforeMinutes: row.BufferBeforeMinutes, BufferAfterMinutes: row.BufferAfterMinutes,
		Price: money.Money{Amount: row.PriceAmount, Currency: row.PriceCurrency}, ExpiresAt: row.ExpiresAt.UTC(),
		AppointmentID: row.AppointmentID, CreatedAt: row.CreatedAt.UTC(),
		serviceVersion: row.ServiceVersion, requiresApproval: row.RequiresApproval,
	}
	if h.Status == HoldActive && !h.ExpiresAt.After(now) {
		h.Status = HoldExpired
	}
	for i, id := range row.ResourceIds {
		h.Resources = append(h.Resources, ResourceReference{ID: id, Name: row.ResourceNames[i], Type: row.ResourceTypes[i]})
	}
	slices.SortFunc(h.Resources, compareReferences)
	for _, r := range h.Resources {
		h.ResourceIDs = append(h.ResourceIDs, r.ID)
	}
	return h
}
