package booking

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// PublicBooking is the service for people who book without signing in. Whoever asks is
// nobody, also if they are signed in: they see what can be booked, and what they have a
// token for, and nothing about anybody else.
type PublicBooking struct {
	appointments *Appointments
	services     *catalog.Services
	customers    *customers.Customers
}

// NewPublicBooking opens appointments and services to the public.
func NewPublicBooking(appointments *Appointments, services *catalog.Services, customers *customers.Customers) *PublicBooking {
	return &PublicBooking{appointments: appointments, services: services, customers: customers}
}

// public is the scope of nobody, in the environment of the request. Errors:
// TenantRequired; TenantSuspended, because a business that is suspended takes no bookings.
func public(scope *tenancy.Scope) (*tenancy.Scope, error) {
	switch {
	case scope.Tenant == nil:
		return nil, apperr.New(apperr.TenantRequired, "This address belongs to no business.")
	case scope.Tenant.Suspended():
		return nil, apperr.New(apperr.TenantSuspended, "This business takes no bookings at present.")
	}
	nobody := *scope
	nobody.Principal = nil
	return &nobody, nil
}

// Services lists what can be booked, in the order of names. Errors: those of public,
// InvalidCursor.
func (s *PublicBooking) Services(ctx context.Context, scope *tenancy.Scope, page keyset.Page) (keyset.List[catalog.Service], error) {
	scope, err := public(scope)
	if err != nil {
		return keyset.List[catalog.Service]{}, err
	}
	return s.services.List(ctx, scope, catalog.ServiceFilter{IsActive: new(true)}, page)
}

// Search is Appointments.Search for the public: it hears only of the services that can be
// booked, and of reasons that tell nothing about others. Errors: those of public and of
// Search.
func (s *PublicBooking) Search(ctx context.Context, scope *tenancy.Scope, in AvailabilityInput) (*Availability, error) {
	scope, err := public(scope)
	if err != nil {
		return nil, err
	}
	service, err := s.services.Get(ctx, scope, in.ServiceID)
	if err != nil {
		return nil, err
	}
	if !service.IsActive {
		return nil, apperr.NewNotFound("service")
	}
	return s.appointments.Search(ctx, scope, in)
}

// Hold keeps a time for a while. The token is given out once; who has it can release the
// hold, or book it. Errors: those of public, ValidationFailed, SlotTaken; TooManyHolds for
// all who come from one address.
func (s *PublicBooking) Hold(ctx context.Context, scope *tenancy.Scope, in HoldInput) (token string, held *Hold, err error) {
	if scope, err = public(scope); err != nil {
		return "", nil, err
	}
	// A number made of the address and of the environment tells nobody who was where else.
	holder := uuid.NewSHA1(scope.Env.ID, []byte(scope.Network()))
	in.holder = &holder
	token, hash := newToken()
	held, err = s.appointments.createHold(ctx, scope, in, func(tx *store.Tx, h *Hold) error {
		s.grant(tx, scope, hash, &h.ID, nil)
		return nil
	})
	if err != nil {
		return "", nil, publicRefusal(err, in.StartAt)
	}
	return token, held, nil
}

// Release gives a hold back. Errors: those of public; NotFound; HoldUsed.
func (s *PublicBooking) Release(ctx context.Context, scope *tenancy.Scope, token string) error {
	scope, err := public(scope)
	if err != nil {
		return err
	}
	found, err := s.capability(ctx, s.appointments.store.Reader(scope), scope, token)
	if err != nil {
		return err
	}
	if found.HoldID == nil {
		return apperr.NewNotFound("hold")
	}
	return publicRefusal(s.appointments.ReleaseHoldFor(ctx, scope, *found.HoldID), time.Time{})
}

// PublicCustomer is who books, as they call themselves.
type PublicCustomer struct{ Name, Email, Phone string }

// PublicBookingInput is what the public books.
type PublicBookingInput struct {
	// HoldToken is what Hold gave out; empty books what is free, ServiceID at StartAt.
	HoldToken string
	ServiceID *uuid.UUID
	StartAt   *time.Time
	Customer  PublicCustomer
	Notes     string
}

// Book books an appointment, for the customer with the e-mail address, or a new one. What
// is known of a customer already neither changes nor is told, and nothing tells whether
// there was one. A blocked customer is refused like somebody who comes too late. The token
// is given out once; who has it can see, move and cancel the appointment.
//
// Errors: those of public; ValidationFailed; SlotTaken; HoldExpired; HoldUsed; TooManyBookings for
// the e-mail address, or for all who come from one address; BookingClosed when the plan of the business allows no more.
func (s *PublicBooking) Book(ctx context.Context, scope *tenancy.Scope, in PublicBookingInput) (token string, booked *PublicAppointment, err error) {
	if scope, err = public(scope); err != nil {
		return "", nil, err
	}
	wanted := AppointmentInput{
		Notes: in.Notes, Attendee: &Attendee{Name: in.Customer.Name, Email: &in.Customer.Email, Phone: &in.Customer.Phone},
	}
	if in.HoldToken != "" {
		err = s.fromHold(ctx, scope, in, &wanted)
	} else {
		err = in.fromSlot(&wanted)
	}
	if err != nil {
		return "", nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", nil, fmt.Errorf("make appointment id: %w", err)
	}
	token, hash := newToken()
	err = s.appointments.retryOnConflict(ctx, scope, func(tx *store.Tx, rivals []uuid.UUID) error {
		booker := bookerOf(scope, in.Customer)
		rules, err := s.readRules(ctx, tx, scope)
		if err != nil {
			return err
		}
		if err := s.lockNetwork(ctx, tx, scope, booker); err != nil {
			return err
		}
		customerID, err := s.customer(ctx, tx, scope, rules.policies, in.Customer)
		if err != nil {
			return err
		}
		if err := s.allowBooking(ctx, tx, scope, rules.policies, booker); err != nil {
			return err
		}
		wanted.CustomerID = customerID
		var created *Appointment
		if wanted.HoldID != nil {
			created, err = s.appointments.BookHeld(ctx, tx, scope, wanted)
		} else {
			created, err = s.appointments.bookFree(ctx, tx, scope, id, wanted, rivals)
		}
		if err != nil {
			return err
		}
		s.grant(tx, scope, hash, nil, &created.ID)
		s.note(tx, scope, booker, created)
		booked = rules.show(scope, created)
		return nil
	})
	if err != nil {
		w := wish{serviceID: wanted.ServiceID, startAt: wanted.StartAt}
		return "", nil, publicRefusal(s.appointments.offer(ctx, scope, viewer.Of(scope), w, err), wanted.StartAt)
	}
	return token, booked, nil
}

// fromHold wants what is held.
func (s *PublicBooking) fromHold(ctx context.Context, scope *tenancy.Scope, in PublicBookingInput, wanted *AppointmentInput) error {
	found, err := s.capability(ctx, s.appointments.store.Reader(scope), scope, in.HoldToken)
	if err != nil {
		return err
	}
	if found.HoldID == nil {
		return apperr.NewUnknownReference("/hold_id", "hold")
	}
	held, err := s.appointments.GetHoldFor(ctx, scope, *found.HoldID)
	if err != nil {
		return err
	}
	wanted.HoldID, wanted.ServiceID, wanted.StartAt = &held.ID, held.ServiceID, held.StartAt
	patch.Set(&wanted.ServiceID, in.ServiceID)
	patch.Set(&wanted.StartAt, in.StartAt)
	return nil
}

// fromSlot wants what is free.
func (in *PublicBookingInput) fromSlot(wanted *AppointmentInput) error {
	const missing = "is needed unless there is a hold_id."
	switch {
	case in.ServiceID == nil:
		return apperr.NewInvalid("/service_id", missing)
	case in.StartAt == nil:
		return apperr.NewInvalid("/start_at", missing)
	}
	wanted.ServiceID, wanted.StartAt = *in.ServiceID, *in.StartAt
	return checkStart(wanted.StartAt)
}

// customer returns the active customer with the address, or a new one. Error: if one with the
// address is blocked, that of an address with too many bookings: nobody but its owner knows
// how many it has.
func (s *PublicBooking) customer(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, policies schedulingdb.GetPoliciesRow, given PublicCustomer,
) (id uuid.UUID, err error) {
	queries := s.appointments.queries
	address := strings.ToLower(given.Email)
	err = queries.LockBookingEmail(ctx, tx, schedulingdb.LockBookingEmailParams{EnvID: scope.Env.ID, EmailLower: address})
	if err != nil {
		return id, fmt.Errorf("lock address: %w", err)
	}
	known, err := queries.ListCustomersByEmail(ctx, tx, schedulingdb.ListCustomersByEmailParams{EnvID: scope.Env.ID, EmailLower: address})
	if err != nil {
		return id, fmt.Errorf("list customers by address: %w", err)
	}
	for _, c := range known {
		switch {
		case c.Status == customers.Blocked:
			return id, tooManyOfEmail(policies)
		case c.Status == customers.Active && id == uuid.Nil:
			id = c.ID
		}
	}
	if id != uuid.Nil {
		return id, nil
	}
	created, err := s.customers.CreateIn(ctx, tx, scope, customers.Input{
		Name: given.Name, Email: given.Email, Phone: given.Phone, Status: customers.Active,
	})
	return created.ID, err
}

// PublicAppointment is an appointment as whoever has its token sees it.
type PublicAppointment struct {
	Appointment
	// Terms are those of cancelling it now, and CanReschedule is whether it can be moved.
	Terms         CancellationTerms
	CanReschedule bool
}

// Find returns the appointment of a token. Errors: those of public; NotFound.
func (s *PublicBooking) Find(ctx context.Context, scope *tenancy.Scope, token string) (*PublicAppointment, error) {
	scope, id, err := s.enter(ctx, scope, token)
	if err != nil {
		return nil, err
	}
	found, err := s.appointments.GetFor(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	rules, err := s.readRules(ctx, s.appointments.store.Reader(scope), scope)
	if err != nil {
		return nil, err
	}
	return rules.show(scope, found), nil
}

// enter returns the scope of nobody, and the appointment of a token.
func (s *PublicBooking) enter(ctx context.Context, scope *tenancy.Scope, token string) (*tenancy.Scope, uuid.UUID, error) {
	scope, err := public(scope)
	if err != nil {
		return nil, uuid.Nil, err
	}
	found, err := s.capability(ctx, s.appointments.store.Reader(scope), scope, token)
	if err != nil {
		return nil, uuid.Nil, err
	}
	if found.AppointmentID == nil {
		return nil, uuid.Nil, apperr.NewNotFound("appointment")
	}
	return scope, *found.AppointmentID, nil
}

// rules are what the terms of an appointment depend on.
type rules struct {
	policies  schedulingdb.GetPoliciesRow
	catalogue *catalog.Catalog
}

// readRules reads them: with a transaction, before what it does is committed, so that nothing
// can go wrong between the commit and the answer.
func (s *PublicBooking) readRules(ctx context.Context, db database, scope *tenancy.Scope) (r rules, err error) {
	queries := s.appointments.queries
	var state schedulingdb.GetBookingStateRow
	err = db.Batch(ctx,
		batch.Read(queries.GetPolicies, scope.Tenant.ID, &r.policies),
		batch.Read(queries.GetBookingState, schedulingdb.GetBookingStateParams{EnvID: scope.Env.ID}, &state))
	if err != nil {
		return r, fmt.Errorf("read rules of public booking: %w", err)
	}
	r.catalogue, err = s.appointments.catalogs.At(ctx, db, scope.Env.ID, state.CatalogVersion, scope.Now)
	return r, err
}

// show returns the appointment as whoever has its token sees it.
func (r rules) show(scope *tenancy.Scope, a *Appointment) *PublicAppointment {
	bearer := viewer.Bearer(a.ID)
	return &PublicAppointment{
		Appointment: *a, Terms: a.terms(bearer, r.policies, scope.Now),
		CanReschedule: open[a.Status] && allowReschedule(bearer, r.policies, a, scope.Now) == nil && r.canMove(scope, a),
	}
}

// canMove reports whether there may be a time to which the appointment can be moved.
func (r rules) canMove(scope *tenancy.Scope, a *Appointment) bool {
	move := RescheduleInput{StartAt: a.StartAt}
	w := move.wish(a)
	taken := newSnapshot(w, r.catalogue, scope)
	return taken.service != nil && availability.Possible(&taken.Snapshot, &availability.Request{Start: a.StartAt, Kept: w.kept}, scope.Now)
}

// Reschedule moves the appointment of a token, by the policies that customers are bound by.
// Errors: those of public; NotFound; ValidationFailed; SlotTaken; InvalidTransition;
// RefusedByPolicy.
func (s *PublicBooking) Reschedule(ctx context.Context, scope *tenancy.Scope, token string, startAt time.Time) (*PublicAppointment, error) {
	scope, id, err := s.enter(ctx, scope, token)
	if err != nil {
		return nil, err
	}
	var rules rules
	moved, err := s.appointments.reschedule(ctx, scope, viewer.Bearer(id), id, nil, RescheduleInput{StartAt: startAt}, func(tx *store.Tx) (err error) {
		rules, err = s.readRules(ctx, tx, scope)
		return err
	})
	if err != nil {
		return nil, publicRefusal(err, startAt)
	}
	return rules.show(scope, moved), nil
}

// Cancel calls off the appointment of a token, on the terms of this moment. Errors:
// those of public; NotFound; InvalidTransition; RefusedByPolicy.
func (s *PublicBooking) Cancel(ctx context.Context, scope *tenancy.Scope, token, reason string) (*PublicAppointment, error) {
	scope, id, err := s.enter(ctx, scope, token)
	if err != nil {
		return nil, err
	}
	var shown *PublicAppointment
	err = s.appointments.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		rules, err := s.readRules(ctx, tx, scope)
		if err != nil {
			return err
		}
		terms := s.appointments.onTerms(ctx, scope, viewer.Bearer(id), CancelInput{Reason: reason})
		cancelled, err := s.appointments.transitionIn(ctx, tx, scope, viewer.Bearer(id), id, nil, cancelling, terms)
		if err != nil {
			return err
		}
		shown = rules.show(scope, cancelled)
		return nil
	})
	if err != nil {
		return nil, publicRefusal(err, time.Time{})
	}
	return shown, nil
}

const notFree = "This time is not free any more."

// publicSlot is an alternative as the public sees it.
type publicSlot struct {
	StartAt time.Time `json:"start_at"`
	EndAt   time.Time `json:"end_at"`
}

// publicRefusal takes from an error what is not for the public: whose resources are in the
// way, what the plan of the business allows, and ids that only those who work for it use.
// Somebody who is blocked must not learn it from being offered the very time they wanted.
func publicRefusal(err error, wanted time.Time) error {
	refusal, ok := errors.AsType[*apperr.Error](err)
	if !ok {
		return err
	}
	switch refusal.Code.Name {
	case apperr.SlotTaken.Name, apperr.OffGrid.Name:
		alternatives := []publicSlot{}
		offered, _ := refusal.Members["alternatives"].([]Slot)
		for _, slot := range offered {
			if !slot.StartAt.Equal(wanted) {
				alternatives = append(alternatives, publicSlot{slot.StartAt, slot.EndAt})
			}
		}
		told := apperr.New(apperr.SlotTaken, notFree)
		if refusal.Code.Name == apperr.OffGrid.Name {
			told = apperr.New(apperr.OffGrid, "%s", refusal.Detail)
		}
		return told.With("alternatives", alternatives).WithCause(err)
	case apperr.HoldUsed.Name:
		return apperr.New(apperr.HoldUsed, "The hold has become an appointment already.").WithCause(err)
	case apperr.QuotaExceeded.Name:
		return apperr.New(apperr.BookingClosed, "This business takes no more bookings here at present. Get in touch with it.").WithCause(err)
	}
	return err
}
