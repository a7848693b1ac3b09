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
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/vacancy"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Waitlist statuses.
const (
	WaitlistWaiting = "WAITING"
	WaitlistOffered = "OFFERED"
	WaitlistBooked  = "BOOKED"
	WaitlistExpired = "EXPIRED"
)

// maxWaitlistRange is the longest range of an entry, as that of a search.
const maxWaitlistRange = 62 * 24 * time.Hour

// WaitlistEntry is a customer on the waitlist for a service. Its JSON form is the data of the
// events waitlist.joined, .offered, .booked, .expired and .left.
type WaitlistEntry struct {
	ID         uuid.UUID `json:"id"`
	Status     string    `json:"status"`
	ServiceID  uuid.UUID `json:"service_id"`
	CustomerID uuid.UUID `json:"customer_id"`
	Service    Reference `json:"service"`
	Customer   Reference `json:"customer"`
	// From and To are when the appointment may start; To is not included.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// ResourceIDs must all be taken; none means any.
	ResourceIDs []uuid.UUID `json:"resource_ids"`
	// HoldID is the hold of the offer, until it is deleted; it can be booked until OfferExpiresAt.
	HoldID         *uuid.UUID `json:"hold_id"`
	OfferExpiresAt *time.Time `json:"offer_expires_at"`
	// AppointmentID is what the offer has become.
	AppointmentID *uuid.UUID `json:"appointment_id"`
	CreatedAt     time.Time  `json:"created_at"`
	UpdatedAt     time.Time  `json:"updated_at"`
	Version       int32      `json:"version"`
}

// WaitlistInput describes a new entry.
type WaitlistInput struct {
	ServiceID uuid.UUID
	// CustomerID is required unless a customer joins for themselves.
	CustomerID  *uuid.UUID
	From, To    time.Time
	ResourceIDs []uuid.UUID
}

// WaitlistFilter narrows a list of entries; nil means all.
type WaitlistFilter struct {
	Status     *string    `json:"status"`
	ServiceID  *uuid.UUID `json:"service_id"`
	CustomerID *uuid.UUID `json:"customer_id"`
}

// Notifier sends notifications to customers, with the commit.
type Notifier interface {
	NotifyCustomer(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, kind string, customerID uuid.UUID, data any) error
}

// Waitlist is the service for the waitlist: a queue for each service, whose customers are offered vacant time.
type Waitlist struct {
	engine   *engine
	notifier Notifier
}

// Join adds a customer to the end of the queue. A job offers time that is free already. Errors: ValidationFailed for
// references that do not exist or cannot be booked, and for a range that has passed, is reversed or too long; AlreadyExists
// if the customer has an entry or an offer for the service at an overlapping time; RoleNotAllowed for users who are no
// customer.
func (s *Waitlist) Join(ctx context.Context, scope *tenancy.Scope, in WaitlistInput) (*WaitlistEntry, error) {
	if err := in.checkRange(scope.Now); err != nil {
		return nil, err
	}
	customerID, err := s.waitingCustomer(ctx, scope, in.CustomerID)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make waitlist entry id: %w", err)
	}
	var joined *WaitlistEntry
	err = s.engine.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		if err := s.expire(ctx, tx, scope, &customerID); err != nil {
			return err
		}
		if err := s.checkPossible(ctx, tx, scope, customerID, in); err != nil {
			return err
		}
		if err := insertWaitlistEntry(ctx, tx, scope, id, customerID, in); err != nil {
			return err
		}
		var err error
		if joined, err = readWaitlistEntry(ctx, tx, scope, viewer.Everything(), id); err != nil {
			return err
		}
		tx.Emit("waitlist.joined", joined)
		return vacancy.Enqueue(ctx, tx, scope, in.From, in.To)
	})
	if err != nil {
		return nil, err
	}
	return joined, nil
}

func insertWaitlistEntry(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id, customerID uuid.UUID, in WaitlistInput) error {
	resources := in.ResourceIDs
	if resources == nil {
		resources = []uuid.UUID{}
	}
	inserted, err := queries.InsertWaitlistEntry(ctx, tx, schedulingdb.InsertWaitlistEntryParams{
		EnvID: scope.Env.ID, ID: id, ServiceID: in.ServiceID, CustomerID: customerID, FromAt: in.From, ToAt: in.To,
		ResourceIds: resources, CreatedBy: scope.ActorID(), Now: scope.Now,
	})
	if err != nil {
		return violations.Translate(fmt.Errorf("insert waitlist entry: %w", err))
	}
	if inserted == 0 {
		const detail = "The customer is on the waitlist for this service at an overlapping time already."
		return apperr.New(apperr.AlreadyExists, detail).WithFields(apperr.Field{Pointer: "/from", Detail: detail})
	}
	return nil
}

func (in WaitlistInput) checkRange(now time.Time) error {
	for pointer, at := range map[string]time.Time{"/from": in.From, "/to": in.To} {
		if at.Before(localtime.Earliest) || !at.Before(localtime.Latest) {
			return apperr.NewInvalid(pointer, "The time must lie between the years 1970 and 2999.")
		}
	}
	switch {
	case !in.From.Before(in.To):
		return apperr.NewInvalid("/to", "The end must be after the beginning.")
	case !in.To.After(now):
		return apperr.NewInvalid("/to", "The end is in the past.")
	case in.To.Sub(in.From) > maxWaitlistRange:
		return apperr.NewInvalid("/to", "The end must be at most 62 days after the beginning.")
	}
	return nil
}

// waitingCustomer returns the customer of a new entry.
func (s *Waitlist) waitingCustomer(ctx context.Context, scope *tenancy.Scope, given *uuid.UUID) (uuid.UUID, error) {
	v := viewer.Of(scope)
	if !v.IsCustomer() {
		if given == nil {
			return uuid.Nil, apperr.NewInvalid("/customer_id", "Say which customer waits.")
		}
		return *given, nil
	}
	own, err := ownCustomer(ctx, s.engine.store.Reader(scope), scope, v)
	if err == nil && given != nil && *given != own {
		err = apperr.NewUnknownReference("/customer_id", "customer")
	}
	return own, err
}

// checkPossible returns an error if the request could not be booked at any time.
func (s *Waitlist) checkPossible(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, customerID uuid.UUID, in WaitlistInput) error {
	snapshot, err := s.engine.plan(ctx, tx, scope, bookingRequest{
		serviceID: in.ServiceID, customerID: customerID, startAt: in.From, requested: in.ResourceIDs,
	})
	if err != nil {
		return err
	}
	if err := snapshot.checkReferences(&customerID); err != nil {
		return err
	}
	decision := availability.Decide(&snapshot.Snapshot, &availability.Request{Start: in.From, Requested: in.ResourceIDs}, scope.Now)
	if decision.OK || decision.Reasons[0].Code.Temporal() {
		return nil
	}
	return decider{snapshot, viewer.Of(scope)}.refusal(decision.Reasons, in.ResourceIDs)
}

// Get returns an entry. Errors: NotFound, also for customers and entries of others.
func (s *Waitlist) Get(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (*WaitlistEntry, error) {
	return readWaitlistEntry(ctx, s.engine.store.Reader(scope), scope, viewer.Of(scope), id)
}

func readWaitlistEntry(ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID) (*WaitlistEntry, error) {
	row, err := queries.GetWaitlistEntry(ctx, db, schedulingdb.GetWaitlistEntryParams{
		EnvID: scope.Env.ID, ID: id, OnlyCustomerUserID: v.OnlyCustomerOf(id),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, apperr.NewNotFound("waitlist entry")
	}
	if err != nil {
		return nil, fmt.Errorf("get waitlist entry: %w", err)
	}
	found := newWaitlistEntry(schedulingdb.ListWaitlistEntriesRow(row), scope.Now)
	return &found, nil
}

// List returns entries in the order of the queue; customers see their own. Errors: InvalidCursor.
func (s *Waitlist) List(ctx context.Context, scope *tenancy.Scope, filter WaitlistFilter, page keyset.Page) (keyset.List[WaitlistEntry], error) {
	after := keyset.ByTime{At: localtime.Earliest}
	if err := keyset.Decode(page.Cursor, filter, &after); err != nil {
		return keyset.List[WaitlistEntry]{}, err
	}
	rows, err := queries.ListWaitlistEntries(ctx, s.engine.store.Reader(scope), schedulingdb.ListWaitlistEntriesParams{
		EnvID: scope.Env.ID, AfterCreatedAt: after.At, AfterID: after.ID, Status: filter.Status, ServiceID: filter.ServiceID,
		CustomerID: filter.CustomerID, OnlyCustomerUserID: viewer.Of(scope).OnlyCustomer(), RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[WaitlistEntry]{}, fmt.Errorf("list waitlist: %w", err)
	}
	convert := func(row schedulingdb.ListWaitlistEntriesRow) WaitlistEntry { return newWaitlistEntry(row, scope.Now) }
	return keyset.NewList(page, rows, filter, convert, func(e WaitlistEntry) any { return keyset.ByTime{At: e.CreatedAt, ID: e.ID} }), nil
}

// Leave removes an entry, and releases its offer. Errors: NotFound as for Get.
func (s *Waitlist) Leave(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) error {
	return s.engine.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := readWaitlistEntry(ctx, tx, scope, viewer.Of(scope), id)
		if err != nil {
			return err
		}
		if current.HoldID != nil { // holds are always locked before entries
			_, err := queries.LockHold(ctx, tx, schedulingdb.LockHoldParams{EnvID: scope.Env.ID, ID: *current.HoldID})
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return fmt.Errorf("lock hold of a waitlist entry: %w", err)
			}
		}
		status, err := lockWaitlistEntry(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		if current, err = readWaitlistEntry(ctx, tx, scope, viewer.Everything(), id); err != nil {
			return err
		}
		err = queries.DeleteWaitlistEntry(ctx, tx, schedulingdb.DeleteWaitlistEntryParams{EnvID: scope.Env.ID, ID: id})
		if err != nil {
			return fmt.Errorf("delete waitlist entry: %w", err)
		}
		tx.Emit("waitlist.left", current)
		if status != WaitlistOffered || current.HoldID == nil {
			return nil
		}
		return s.engine.releaseHold(ctx, tx, scope, viewer.Everything(), *current.HoldID)
	})
}

// lockWaitlistEntry returns the stored status of an entry after locking it.
func lockWaitlistEntry(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID) (string, error) {
	row, err := queries.LockWaitlistEntry(ctx, tx, schedulingdb.LockWaitlistEntryParams{EnvID: scope.Env.ID, ID: id})
	if errors.Is(err, pgx.ErrNoRows) {
		return "", apperr.NewNotFound("waitlist entry")
	}
	if err != nil {
		return "", fmt.Errorf("lock waitlist entry: %w", err)
	}
	return row.Status, nil
}

func newWaitlistEntry(row schedulingdb.ListWaitlistEntriesRow, now time.Time) WaitlistEntry {
	e := WaitlistEntry{
		ID: row.ID, Status: row.Status, ServiceID: row.ServiceID, CustomerID: row.CustomerID,
		Service: Reference{ID: row.ServiceID, Name: row.ServiceName}, Customer: Reference{ID: row.CustomerID, Name: row.CustomerName},
		From: row.FromAt.UTC(), To: row.ToAt.UTC(), ResourceIDs: row.ResourceIds, HoldID: row.HoldID, AppointmentID: row.AppointmentID,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(), Version: row.Version,
	}
	if row.OfferExpiresAt != nil {
		at := row.OfferExpiresAt.UTC()
		e.OfferExpiresAt = &at
	}
	over := e.Status == WaitlistWaiting && !e.To.After(now) || e.Status == WaitlistOffered && !e.OfferExpiresAt.After(now)
	if over {
		e.Status = WaitlistExpired
	}
	return e
}
