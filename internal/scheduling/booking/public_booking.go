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

// PublicBooking is the service for booking without signing in. Requests are anonymous, even if they are
// signed in: they see services, free times, and the object of their token.
type PublicBooking struct {
	engine    *engine
	search    *Search
	holds     *Holds
	services  *catalog.Services
	customers *customers.Customers
}

// public returns the scope of the request without a principal. Errors: TenantRequired; TenantSuspended: a suspended
// business takes no bookings.
func public(scope *tenancy.Scope) (*tenancy.Scope, error) {
	switch {
	case scope.Tenant == nil:
		return nil, apperr.New(apperr.TenantRequired, "This address belongs to no business.")
	case scope.Tenant.Suspended():
		return nil, apperr.New(apperr.TenantSuspended, "This business takes no bookings at present.")
	}
	anonymous := *scope
	anonymous.Principal = nil
	return &anonymous, nil
}

// Services lists the active services in the order of their names. Errors: those of public; InvalidCursor.
func (s *PublicBooking) Services(ctx context.Context, scope *tenancy.Scope, page keyset.Page) (keyset.List[catalog.Service], error) {
	scope, err := public(scope)
	if err != nil {
		return keyset.List[catalog.Service]{}, err
	}
	return s.services.List(ctx, scope, catalog.ServiceFilter{IsActive: new(true)}, page)
}

// Search is Search.Slots for active services. Errors: those of public and of Search.Slots.
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
	return s.search.Slots(ctx, scope, in)
}

// Hold holds a time. The token is returned once; its bearer can release or book the hold. Errors: those of public;
// ValidationFailed; SlotTaken; TooManyHolds for the network of the request.
func (s *PublicBooking) Hold(ctx context.Context, scope *tenancy.Scope, in HoldInput) (token string, held *Hold, err error) {
	if scope, err = public(scope); err != nil {
		return "", nil, err
	}
	// The id is derived from environment and network, so it links no bookings across environments.
	holder := uuid.NewSHA1(scope.Env.ID, []byte(scope.Network()))
	in.holder = &holder
	token, in.tokenHash = newToken()
	held, err = s.holds.create(ctx, scope, viewer.Viewer{}, in)
	if err != nil {
		return "", nil, publicRefusal(err, in.StartAt)
	}
	return token, held, nil
}

// Release removes a hold. Errors: those of public; NotFound; HoldUsed.
func (s *PublicBooking) Release(ctx context.Context, scope *tenancy.Scope, token string) error {
	scope, err := public(scope)
	if err != nil {
		return err
	}
	found, err := readCapability(ctx, s.engine.store.Reader(scope), scope, token)
	if err != nil {
		return err
	}
	if found.HoldID == nil {
		return apperr.NewNotFound("hold")
	}
	err = s.engine.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		return s.engine.releaseHold(ctx, tx, scope, viewer.Bearer(*found.HoldID), *found.HoldID)
	})
	return publicRefusal(err, time.Time{})
}

// PublicCustomer is the customer as entered in a public booking.
type PublicCustomer struct{ Name, Email, Phone string }

// PublicBookingInput describes a public booking.
type PublicBookingInput struct {
	// HoldToken is the token of a hold; if it is empty, ServiceID is booked at StartAt.
	HoldToken string
	ServiceID *uuid.UUID
	StartAt   *time.Time
	Customer  PublicCustomer
	Notes     string
}

// Book books an appointment for the customer with the e-mail address, or for a new one. An existing customer is
// neither changed nor revealed. A blocked customer gets the same error as one with too many bookings. The token is
// returned once; its bearer can see, move and cancel the appointment.
//
// Errors: those of public; ValidationFailed; SlotTaken; HoldExpired; HoldUsed; TooManyBookings for the e-mail address or
// the network; BookingClosed if the quota of the business is used up.
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
	err = s.engine.retryOnConflict(ctx, scope, func(tx *store.Tx, lockFirst []uuid.UUID) error {
		booker := bookerOf(scope, in.Customer)
		rules, err := s.readRules(ctx, tx, scope)
		if err != nil {
			return err
		}
		if err := lockNetwork(ctx, tx, scope, booker); err != nil {
			return err
		}
		customerID, err := s.customer(ctx, tx, scope, rules.policies, in.Customer)
		if err != nil {
			return err
		}
		if err := allowBooking(ctx, tx, scope, rules.policies, booker); err != nil {
			return err
		}
		wanted.CustomerID = customerID
		var created *Appointment
		if wanted.HoldID != nil {
			created, err = s.engine.bookHeld(ctx, tx, scope, wanted)
		} else {
			created, err = s.engine.bookFree(ctx, tx, scope, viewer.Viewer{}, id, wanted, lockFirst)
		}
		if err != nil {
			return err
		}
		grantCapability(tx, scope, hash, nil, &created.ID)
		countPublicBooking(tx, scope, booker, created)
		booked = rules.show(scope, created)
		return nil
	})
	if err != nil {
		req := bookingRequest{serviceID: wanted.ServiceID, startAt: wanted.StartAt}
		return "", nil, publicRefusal(s.engine.offerAlternatives(ctx, scope, viewer.Viewer{}, req, err), wanted.StartAt)
	}
	return token, booked, nil
}

// fromHold completes the input with the time of the hold.
func (s *PublicBooking) fromHold(ctx context.Context, scope *tenancy.Scope, in PublicBookingInput, wanted *AppointmentInput) error {
	found, err := readCapability(ctx, s.engine.store.Reader(scope), scope, in.HoldToken)
	if err != nil {
		return err
	}
	if found.HoldID == nil {
		return apperr.NewUnknownReference("/hold_id", "hold")
	}
	held, err := readHold(ctx, s.engine.store.Reader(scope), scope, viewer.Bearer(*found.HoldID), *found.HoldID)
	if err != nil {
		return err
	}
	wanted.HoldID, wanted.ServiceID, wanted.StartAt = &held.ID, held.ServiceID, held.StartAt
	patch.Set(&wanted.ServiceID, in.ServiceID)
	patch.Set(&wanted.StartAt, in.StartAt)
	return nil
}

// fromSlot completes the input with the requested slot.
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

// customer returns the active customer with the e-mail address, or a new one. Error: TooManyBookings if a customer
// with the address is blocked; it does not reveal the block, because only the owner of the address knows its bookings.
func (s *PublicBooking) customer(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, policies schedulingdb.GetPoliciesRow, given PublicCustomer,
) (id uuid.UUID, err error) {
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

// PublicAppointment is an appointment as the bearer of its token sees it.
type PublicAppointment struct {
	Appointment
	// Terms are the present terms of cancellation; CanReschedule is whether it can be moved.
	Terms         CancellationTerms
	CanReschedule bool
}

// Find returns the appointment of a token. Errors: those of public; NotFound.
func (s *PublicBooking) Find(ctx context.Context, scope *tenancy.Scope, token string) (*PublicAppointment, error) {
	scope, id, err := s.enter(ctx, scope, token)
	if err != nil {
		return nil, err
	}
	found, err := s.engine.readAppointment(ctx, s.engine.store.Reader(scope), scope, viewer.Bearer(id), id)
	if err != nil {
		return nil, err
	}
	rules, err := s.readRules(ctx, s.engine.store.Reader(scope), scope)
	if err != nil {
		return nil, err
	}
	return rules.show(scope, found), nil
}

// enter returns the anonymous scope, and the appointment of a token.
func (s *PublicBooking) enter(ctx context.Context, scope *tenancy.Scope, token string) (*tenancy.Scope, uuid.UUID, error) {
	scope, err := public(scope)
	if err != nil {
		return nil, uuid.Nil, err
	}
	found, err := readCapability(ctx, s.engine.store.Reader(scope), scope, token)
	if err != nil {
		return nil, uuid.Nil, err
	}
	if found.AppointmentID == nil {
		return nil, uuid.Nil, apperr.NewNotFound("appointment")
	}
	return scope, *found.AppointmentID, nil
}

// rules are what CanReschedule and the terms depend on.
type rules struct {
	policies schedulingdb.GetPoliciesRow
	catalog  *catalog.Catalog
}

// readRules reads the rules. Writers read them in their transaction, so that nothing can fail between the commit and
// the answer.
func (s *PublicBooking) readRules(ctx context.Context, db database, scope *tenancy.Scope) (r rules, err error) {
	var state schedulingdb.GetBookingStateRow
	err = db.Batch(ctx,
		batch.Read(queries.GetPolicies, scope.Tenant.ID, &r.policies),
		batch.Read(queries.GetBookingState, schedulingdb.GetBookingStateParams{EnvID: scope.Env.ID}, &state))
	if err != nil {
		return r, fmt.Errorf("read rules of public booking: %w", err)
	}
	r.catalog, err = s.engine.catalogs.At(ctx, db, scope.Env.ID, state.CatalogVersion, scope.Now)
	return r, err
}

// show returns the appointment as the bearer of its token sees it.
func (r rules) show(scope *tenancy.Scope, a *Appointment) *PublicAppointment {
	bearer := viewer.Bearer(a.ID)
	return &PublicAppointment{
		Appointment: *a, Terms: a.terms(bearer, r.policies, scope.Now),
		CanReschedule: isOpen[a.Status] && allowReschedule(bearer, r.policies, a, scope.Now) == nil && r.canMove(scope, a),
	}
}

// canMove reports whether the appointment may have another time.
func (r rules) canMove(scope *tenancy.Scope, a *Appointment) bool {
	move := RescheduleInput{StartAt: a.StartAt}
	req := move.request(a)
	s := newSnapshot(req, r.catalog, scope)
	return s.service != nil && availability.Possible(&s.Snapshot, &availability.Request{Start: a.StartAt, Kept: req.kept}, scope.Now)
}

// Reschedule moves the appointment of a token, by the policies for customers. Errors: those of public; NotFound; ValidationFailed; SlotTaken; InvalidTransition;
// RefusedByPolicy.
func (s *PublicBooking) Reschedule(ctx context.Context, scope *tenancy.Scope, token string, startAt time.Time) (*PublicAppointment, error) {
	scope, id, err := s.enter(ctx, scope, token)
	if err != nil {
		return nil, err
	}
	if err := checkStart(startAt); err != nil {
		return nil, publicRefusal(err, startAt)
	}
	v, in := viewer.Bearer(id), RescheduleInput{StartAt: startAt}
	var rules rules
	var moved rescheduled
	err = s.engine.retryOnConflict(ctx, scope, func(tx *store.Tx, lockFirst []uuid.UUID) (err error) {
		if rules, err = s.readRules(ctx, tx, scope); err != nil {
			return err
		}
		return s.engine.reschedule(ctx, tx, scope, v, id, nil, in, lockFirst, &moved)
	})
	if err != nil {
		return nil, publicRefusal(moved.offerAlternatives(ctx, s.engine, scope, v, in, err), startAt)
	}
	return rules.show(scope, moved.to), nil
}

// Cancel cancels the appointment of a token on the present terms. Errors: those of public; NotFound; InvalidTransition; RefusedByPolicy.
func (s *PublicBooking) Cancel(ctx context.Context, scope *tenancy.Scope, token, reason string) (*PublicAppointment, error) {
	scope, id, err := s.enter(ctx, scope, token)
	if err != nil {
		return nil, err
	}
	v := viewer.Bearer(id)
	shown, err := store.In(ctx, s.engine.store, scope, func(tx *store.Tx) (*PublicAppointment, error) {
		rules, err := s.readRules(ctx, tx, scope)
		if err != nil {
			return nil, err
		}
		current, err := s.engine.lockAppointment(ctx, tx, scope, v, id, nil)
		if err != nil {
			return nil, err
		}
		cancelled, err := cancelling.apply(ctx, tx, scope, current, onTerms(ctx, scope, v, CancelInput{Reason: reason}))
		if err != nil {
			return nil, err
		}
		return rules.show(scope, cancelled), nil
	})
	if err != nil {
		return nil, publicRefusal(err, time.Time{})
	}
	return shown, nil
}

// publicSlot is an alternative in a public error.
type publicSlot struct {
	StartAt time.Time `json:"start_at"`
	EndAt   time.Time `json:"end_at"`
}

// publicRefusal removes from an error what is not public: conflicting resources, the plan of the business, and
// internal ids. The wanted start is not an alternative: offering it would reveal a block.
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
