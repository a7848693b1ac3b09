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
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
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

// DefaultHoldTTL is how long a hold lasts that does not say, and MaxHoldTTL what it may say
// at the most, which the contract sees to.
const (
	DefaultHoldTTL = 5 * time.Minute
	MaxHoldTTL     = time.Hour
)

// holdsKept is how long a hold can be asked for after it is over.
const holdsKept = 24 * time.Hour

// Hold keeps a time for somebody until it expires. Its JSON form is the data of the
// events hold.created, .released, .booked and .expired.
type Hold struct {
	ID     uuid.UUID `json:"id"`
	Status string    `json:"status"`
	// StartAt and EndAt are what the customer sees, without buffers.
	StartAt   time.Time `json:"start_at"`
	EndAt     time.Time `json:"end_at"`
	ServiceID uuid.UUID `json:"service_id"`
	Service   Reference `json:"service"`
	// CustomerID is nil if it is not known yet for whom it is.
	CustomerID *uuid.UUID `json:"customer_id"`
	// ResourceIDs and Resources are in the order of an appointment's.
	ResourceIDs []uuid.UUID         `json:"resource_ids"`
	Resources   []ResourceReference `json:"resources"`
	// Buffers and price are those that the appointment will have.
	BufferBeforeMinutes int32       `json:"buffer_before_minutes"`
	BufferAfterMinutes  int32       `json:"buffer_after_minutes"`
	Price               money.Money `json:"price"`
	// ExpiresAt is when it is over, to the microsecond; at that instant it holds nothing.
	ExpiresAt time.Time `json:"expires_at"`
	// AppointmentID is set exactly if the status is BOOKED.
	AppointmentID *uuid.UUID `json:"appointment_id"`
	CreatedAt     time.Time  `json:"created_at"`

	// serviceVersion and requiresApproval are of the service; only stored holds have the
	// latter.
	serviceVersion   int32
	requiresApproval bool
	// holder is that of the input; only new holds have it.
	holder *uuid.UUID
}

// HoldInput is what a new hold is made of.
type HoldInput struct {
	ServiceID uuid.UUID
	// StartAt is a whole minute, in any zone.
	StartAt time.Time
	// ResourceIDs are taken; what they leave open is chosen.
	ResourceIDs []uuid.UUID
	// CustomerID is whom it is for, if that is known.
	CustomerID *uuid.UUID
	// TTL is how long it lasts; zero is DefaultHoldTTL. It ends at the start at the latest.
	TTL time.Duration

	// holder is whose holds are counted; nil are those of the business.
	holder *uuid.UUID
}

// CreateHold holds a time as Create would book it. Customers hold for themselves. Errors
// are those of Create, except for the quota, which a hold does not use up; TooManyHolds
// for customers.
func (s *Appointments) CreateHold(ctx context.Context, scope *tenancy.Scope, in HoldInput) (*Hold, error) {
	if viewer.Of(scope).IsCustomer() {
		own, err := s.ownCustomer(ctx, scope)
		if err != nil {
			return nil, err
		}
		if in.CustomerID != nil && *in.CustomerID != own {
			return nil, apperr.NewUnknownReference("/customer_id", "customer")
		}
		in.CustomerID, in.holder = &own, &own
	}
	return s.CreateHoldFor(ctx, scope, in)
}

// CreateHoldFor is CreateHold for whoever the input names: the caller answers for it, as
// public booking does, where nobody is signed in.
func (s *Appointments) CreateHoldFor(ctx context.Context, scope *tenancy.Scope, in HoldInput) (*Hold, error) {
	return s.createHold(ctx, scope, in, func(*store.Tx, *Hold) error { return nil })
}

// createHold does in the same transaction what else there is to do with the hold.
func (s *Appointments) createHold(
	ctx context.Context, scope *tenancy.Scope, in HoldInput, then func(*store.Tx, *Hold) error,
) (*Hold, error) {
	if err := checkStart(in.StartAt); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make hold id: %w", err)
	}
	var created *Hold
	err = s.retryOnConflict(ctx, scope, func(tx *store.Tx, rivals []uuid.UUID) (err error) {
		if err := s.allowHold(ctx, tx, scope, in.holder); err != nil {
			return err
		}
		if created, err = s.holdIn(ctx, tx, scope, viewer.Of(scope), id, in, rivals); err != nil {
			return err
		}
		return then(tx, created)
	})
	if err != nil {
		w := wish{serviceID: in.ServiceID, customerID: idOrNil(in.CustomerID), startAt: in.StartAt, requested: in.ResourceIDs}
		return nil, s.offer(ctx, scope, viewer.Of(scope), w, err)
	}
	return created, nil
}

// allowHold returns a TooManyHolds error unless whoever it is may hold one more. Until the
// transaction ends, it lets nobody else count the same holds.
func (s *Appointments) allowHold(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, holder *uuid.UUID) error {
	if holder == nil {
		return nil
	}
	if err := s.queries.LockHolder(ctx, tx, schedulingdb.LockHolderParams{EnvID: scope.Env.ID, HolderID: *holder}); err != nil {
		return fmt.Errorf("lock holder: %w", err)
	}
	p, err := s.policies(ctx, tx, scope)
	if err != nil {
		return err
	}
	n, err := s.queries.CountHoldsOfHolder(ctx, tx, schedulingdb.CountHoldsOfHolderParams{
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

// holdIn is one attempt to hold a time, for retryOnConflict.
func (s *Appointments) holdIn(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID, in HoldInput, rivals []uuid.UUID,
) (*Hold, error) {
	snapshot, err := s.snapshot(ctx, tx, scope, wish{
		serviceID: in.ServiceID, customerID: idOrNil(in.CustomerID), startAt: in.StartAt, requested: in.ResourceIDs, rivals: rivals,
	})
	if err != nil {
		return nil, err
	}
	if err := snapshot.checkReferences(in.CustomerID); err != nil {
		return nil, err
	}
	assignments, err := snapshot.decide(v, availability.Request{Start: in.StartAt, Requested: in.ResourceIDs}, in.ResourceIDs)
	if err != nil {
		return nil, err
	}
	if err := s.clear(ctx, tx, scope, snapshot.expired); err != nil {
		return nil, err
	}
	created := snapshot.newHold(id, in, assignments)
	return created, s.insertHold(ctx, tx, scope, snapshot, created, assignments)
}

// newHold is the hold that the assignments of a decision make.
func (s *snapshot) newHold(id uuid.UUID, in HoldInput, assignments []availability.Assignment) *Hold {
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

func (s *Appointments) insertHold(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, snapshot *snapshot, h *Hold, assignments []availability.Assignment,
) error {
	resourceIDs, lanes := columns(assignments)
	from, to := snapshot.Service.Window(h.StartAt)
	taken, err := s.queries.InsertHold(ctx, tx, schedulingdb.InsertHoldParams{
		EnvID: scope.Env.ID, ID: h.ID, ServiceID: h.ServiceID, CustomerID: h.CustomerID, StartAt: h.StartAt, EndAt: h.EndAt,
		BufferBeforeMinutes: h.BufferBeforeMinutes, BufferAfterMinutes: h.BufferAfterMinutes, ServiceVersion: h.serviceVersion,
		PriceAmount: h.Price.Amount, PriceCurrency: h.Price.Currency, ExpiresAt: h.ExpiresAt, HolderID: h.holder,
		CreatedBy: scope.ActorID(), Now: scope.Now, ResourceIds: resourceIDs, Lanes: lanes, FromAt: from, ToAt: to,
	})
	if err != nil {
		return violations.Translate(fmt.Errorf("insert hold: %w", err))
	}
	if len(taken) < len(assignments) {
		return &laneConflictError{resources: snapshot.ids()}
	}
	err = s.queries.DeleteOldHolds(ctx, tx, schedulingdb.DeleteOldHoldsParams{EnvID: scope.Env.ID, Before: scope.Now.Add(-holdsKept)})
	if err != nil {
		return fmt.Errorf("delete old holds: %w", err)
	}
	tx.Emit("hold.created", h)
	return nil
}

// clear takes the lanes away from holds that are over, so that others can take them. What
// has been booked in time keeps them: then the caller loses the race for the lane.
func (s *Appointments) clear(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, expired []uuid.UUID) error {
	if len(expired) == 0 {
		return nil
	}
	cleared, err := s.queries.ExpireHolds(ctx, tx, schedulingdb.ExpireHoldsParams{EnvID: scope.Env.ID, Ids: expired, Now: scope.Now})
	if err != nil {
		return fmt.Errorf("expire holds: %w", err)
	}
	for _, id := range cleared {
		over, err := s.readHold(ctx, tx, scope, id, viewer.Everything())
		if err != nil {
			return err
		}
		tx.Emit("hold.expired", over)
		// Whoever clears it may need less than all of it.
		if err := over.freed(ctx, tx, scope); err != nil {
			return err
		}
	}
	if len(cleared) == 0 {
		return nil
	}
	return s.endOffers(ctx, tx, scope, WaitlistExpired, nil, cleared...)
}

// freed lets the time of the hold be offered to those who wait.
func (h *Hold) freed(ctx context.Context, tx *store.Tx, scope *tenancy.Scope) error {
	return vacancy.Enqueue(ctx, tx, scope, h.StartAt.Add(-minutes(h.BufferBeforeMinutes)), h.EndAt.Add(minutes(h.BufferAfterMinutes)))
}

// GetHold returns a hold, for one day after it is over too. Errors: NotFound, also for
// those that the caller may not see: customers see their own, staff those that they made
// or are a resource of.
func (s *Appointments) GetHold(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (*Hold, error) {
	return s.readHold(ctx, s.store.Reader(scope), scope, id, viewer.Of(scope))
}

// GetHoldFor is GetHold for whoever knows the id: the caller answers for it.
func (s *Appointments) GetHoldFor(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (*Hold, error) {
	return s.readHold(ctx, s.store.Reader(scope), scope, id, viewer.Bearer(id))
}

func (s *Appointments) readHold(ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, id uuid.UUID, v viewer.Viewer) (*Hold, error) {
	row, err := s.queries.GetHold(ctx, db, schedulingdb.GetHoldParams{
		EnvID: scope.Env.ID, ID: id, OnlyCustomerUserID: v.OnlyCustomerOf(id), OnlyStaffUserID: v.OnlyStaff(),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, apperr.NewNotFound("hold")
	}
	if err != nil {
		return nil, fmt.Errorf("get hold: %w", err)
	}
	found := newHold(schedulingdb.ListHoldsRow(row), scope.Now)
	return &found, nil
}

// ListHolds returns the holds that are not over, the next to expire first, of those that
// GetHold shows. Errors: InvalidCursor.
func (s *Appointments) ListHolds(ctx context.Context, scope *tenancy.Scope, page keyset.Page) (keyset.List[Hold], error) {
	after := keyset.ByTime{At: localtime.Earliest}
	if err := keyset.Decode(page.Cursor, nil, &after); err != nil {
		return keyset.List[Hold]{}, err
	}
	v := viewer.Of(scope)
	rows, err := s.queries.ListHolds(ctx, s.store.Reader(scope), schedulingdb.ListHoldsParams{
		EnvID: scope.Env.ID, AfterExpiresAt: after.At, AfterID: after.ID, Now: scope.Now,
		OnlyCustomerUserID: v.OnlyCustomer(), OnlyStaffUserID: v.OnlyStaff(), RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[Hold]{}, fmt.Errorf("list holds: %w", err)
	}
	convert := func(row schedulingdb.ListHoldsRow) Hold { return newHold(row, scope.Now) }
	return keyset.NewList(page, rows, nil, convert, func(h Hold) any { return keyset.ByTime{At: h.ExpiresAt, ID: h.ID} }), nil
}

// ReleaseHold gives up a hold; one that has expired goes as well. Errors: NotFound as for
// GetHold, HoldUsed.
func (s *Appointments) ReleaseHold(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) error {
	return s.releaseHold(ctx, scope, id, viewer.Of(scope))
}

// ReleaseHoldFor is ReleaseHold for whoever knows the id: the caller answers for it.
func (s *Appointments) ReleaseHoldFor(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) error {
	return s.releaseHold(ctx, scope, id, viewer.Bearer(id))
}

func (s *Appointments) releaseHold(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, v viewer.Viewer) error {
	return s.store.InEnv(ctx, scope, func(tx *store.Tx) error { return s.release(ctx, tx, scope, id, v) })
}

// release removes a hold, and ends the offer that it may be.
func (s *Appointments) release(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID, v viewer.Viewer) error {
	status, current, err := s.lockHold(ctx, tx, scope, id, v)
	if err != nil {
		return err
	}
	if current.Status == HoldBooked {
		return holdUsed(current)
	}
	if err := s.endOffers(ctx, tx, scope, WaitlistExpired, nil, id); err != nil {
		return err
	}
	if err := s.queries.DeleteHold(ctx, tx, schedulingdb.DeleteHoldParams{EnvID: scope.Env.ID, ID: id}); err != nil {
		return fmt.Errorf("delete hold: %w", err)
	}
	switch {
	case status != HoldActive: // it has been cleared away already
		return nil
	case current.Status == HoldActive:
		tx.Emit("hold.released", current)
	default: // nobody has told yet that it was over
		tx.Emit("hold.expired", current)
	}
	return current.freed(ctx, tx, scope)
}

// lockHold reads a hold after locking it. The status it returns is the one that is
// stored; that of the hold knows what time it is.
func (s *Appointments) lockHold(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID, v viewer.Viewer) (string, *Hold, error) {
	status, err := s.queries.LockHold(ctx, tx, schedulingdb.LockHoldParams{EnvID: scope.Env.ID, ID: id})
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil, apperr.NewNotFound("hold")
	}
	if err != nil {
		return "", nil, fmt.Errorf("lock hold: %w", err)
	}
	current, err := s.readHold(ctx, tx, scope, id, v)
	return status, current, err
}

// BookHeld makes a hold an appointment, in the caller's transaction: its resources, its
// buffers and its price are the hold's, and what is held is not decided about again, even
// if it could not be held any more. It does not look at who asks. The input must agree
// with the hold; resources that it does not name are no disagreement.
//
// Errors: ValidationFailed for a hold that does not exist or something else than it
// holds, and for a customer that does not exist or cannot book; HoldExpired; HoldUsed;
// QuotaExceeded.
func (s *Appointments) BookHeld(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, in AppointmentInput) (*Appointment, error) {
	_, held, err := s.lockHold(ctx, tx, scope, *in.HoldID, viewer.Everything())
	if errors.Is(err, apperr.NewNotFound("hold")) {
		return nil, apperr.NewUnknownReference("/hold_id", "hold")
	}
	if err != nil {
		return nil, err
	}
	if err := held.allow(in); err != nil {
		return nil, err
	}
	customer, err := s.bookingCustomer(ctx, tx, scope, in.CustomerID)
	if err != nil {
		return nil, err
	}
	booked, err := held.newAppointment(scope.Now, in, customer.Reference)
	if err != nil {
		return nil, err
	}
	period, local := scope.Entitlements.Period(entitle.MaxAppointments), localStartOf(booked.StartAt, scope.Tenant)
	params := schedulingdb.BookHoldParams{
		EnvID: scope.Env.ID, HoldID: held.ID, ID: booked.ID, CustomerID: in.CustomerID, Status: booked.Status, Notes: booked.Notes,
		QuotaPeriod: period, CreatedBy: scope.ActorID(), Now: scope.Now,
		LocalStartAt: local.at, Timezone: local.timezone, TzdataVersion: local.tzdataVersion,
	}
	params.AttendeeName, params.AttendeeEmail, params.AttendeePhone = booked.Attendee.columns()
	reservation, err := s.countWith(ctx, tx, scope, batch.Write(s.queries.BookHold, params).
		Wrap(func(err error) error { return violations.Translate(fmt.Errorf("book hold: %w", err)) }))
	if err == nil {
		err = reservation.Finish(ctx, tx)
	}
	if err != nil {
		return nil, err
	}
	held.Status, held.AppointmentID = HoldBooked, &booked.ID
	tx.Emit("hold.booked", held)
	tx.Emit("appointment.created", booked)
	return booked, s.endOffers(ctx, tx, scope, WaitlistBooked, &booked.ID, held.ID)
}

// allow returns an error unless the hold can become this appointment.
func (h *Hold) allow(in AppointmentInput) error {
	switch h.Status {
	case HoldBooked:
		return holdUsed(h)
	case HoldExpired:
		return apperr.New(apperr.HoldExpired, "The hold has expired. Hold the time again, or book it without the hold.").
			With("expired_at", h.ExpiresAt)
	}
	switch {
	case in.ServiceID != h.ServiceID:
		return apperr.NewInvalid("/service_id", "The hold is for another service.")
	case !in.StartAt.Equal(h.StartAt):
		return apperr.NewInvalid("/start_at", "The hold is for %s.", h.StartAt.Format(time.RFC3339))
	case h.CustomerID != nil && *h.CustomerID != in.CustomerID:
		return apperr.NewInvalid("/customer_id", "The hold is for another customer.")
	}
	for i, id := range in.ResourceIDs {
		if !slices.Contains(h.ResourceIDs, id) {
			return apperr.NewInvalid(fmt.Sprintf("/resource_ids/%d", i), "The hold is for other resources.")
		}
	}
	return nil
}

func holdUsed(h *Hold) error {
	return apperr.New(apperr.HoldUsed, "The hold has become an appointment already.").With("appointment_id", h.AppointmentID)
}

// newAppointment is the appointment that the hold becomes.
func (h *Hold) newAppointment(now time.Time, in AppointmentInput, customer Reference) (*Appointment, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make appointment id: %w", err)
	}
	a := &Appointment{
		ID: id, Status: StatusConfirmed, StartAt: h.StartAt, EndAt: h.EndAt, ServiceID: h.ServiceID, CustomerID: customer.ID,
		Service: h.Service, Customer: customer, ResourceIDs: h.ResourceIDs, Resources: h.Resources,
		BufferBeforeMinutes: h.BufferBeforeMinutes, BufferAfterMinutes: h.BufferAfterMinutes, Price: h.Price, Notes: in.Notes,
		Attendee: in.Attendee, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	if h.requiresApproval {
		a.Status = StatusPending
	}
	return a, nil
}

// bookingCustomer returns a customer who may book.
func (s *Appointments) bookingCustomer(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID) (*bookedCustomer, error) {
	row, err := s.queries.GetCustomer(ctx, tx, schedulingdb.GetCustomerParams{EnvID: scope.Env.ID, ID: id})
	var customer *bookedCustomer
	switch {
	case err == nil:
		customer = &bookedCustomer{Reference: Reference{ID: id, Name: row.Name}, status: row.Status}
	case !errors.Is(err, pgx.ErrNoRows):
		return nil, fmt.Errorf("get customer: %w", err)
	}
	if fields := customer.check(); len(fields) > 0 {
		return nil, apperr.New(apperr.ValidationFailed, "%s", fields[0].Detail).WithFields(fields...)
	}
	return customer, nil
}

// checkHoldVisible returns an error as for a hold that does not exist unless the caller
// may see it.
func (s *Appointments) checkHoldVisible(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID) error {
	_, err := s.readHold(ctx, tx, scope, id, viewer.Of(scope))
	if errors.Is(err, apperr.NewNotFound("hold")) {
		return apperr.NewUnknownReference("/hold_id", "hold")
	}
	return err
}

// ownCustomer returns the customer that the caller is. Error: RoleNotAllowed if they are
// none.
func (s *Appointments) ownCustomer(ctx context.Context, scope *tenancy.Scope) (uuid.UUID, error) {
	id, err := s.queries.GetCustomerIDOfUser(ctx, s.store.Reader(scope), schedulingdb.GetCustomerIDOfUserParams{
		EnvID: scope.Env.ID, UserID: idOrNil(viewer.Of(scope).OnlyCustomer()),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return id, apperr.New(apperr.RoleNotAllowed, "Your login belongs to no customer of this business.")
	}
	if err != nil {
		return id, fmt.Errorf("get own customer: %w", err)
	}
	return id, nil
}

// checkOwnCustomer returns an error if the caller is a customer, but not this one.
func (s *Appointments) checkOwnCustomer(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) error {
	if !viewer.Of(scope).IsCustomer() {
		return nil
	}
	own, err := s.ownCustomer(ctx, scope)
	if err == nil && own != id {
		err = apperr.NewUnknownReference("/customer_id", "customer")
	}
	return err
}

func newHold(row schedulingdb.ListHoldsRow, now time.Time) Hold {
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
