package scheduling

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Customer statuses. Only an active customer gets new appointments.
const (
	CustomerActive   = "ACTIVE"
	CustomerInactive = "INACTIVE"
	CustomerBlocked  = "BLOCKED"
)

// Customer is somebody who books. Its JSON form is the data of the events
// customer.created, customer.updated and customer.deleted.
type Customer struct {
	ID    uuid.UUID `json:"id"`
	Name  string    `json:"name"`
	Email string    `json:"email"`
	Phone string    `json:"phone"`
	City  string    `json:"city"`
	State string    `json:"state"`
	Zip   string    `json:"zip"`
	// Notes are for those who work for the business; nil for customers.
	Notes *string `json:"notes,omitempty"`
	// Status is ACTIVE, INACTIVE or BLOCKED.
	Status string `json:"status"`
	// Tags is never nil.
	Tags []string `json:"tags"`
	// UserID is the user who signs in as this customer, if there is one; a user is
	// the login of one customer at the most.
	UserID    *uuid.UUID `json:"user_id"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
	Version   int32      `json:"version"`
}

// CustomerInput is what a new customer is made of.
type CustomerInput struct {
	Name, Email, Phone, City, State, Zip, Notes string
	Status                                      string
	Tags                                        []string
	UserID                                      *uuid.UUID
}

// CustomerPatch changes the fields that are not nil.
type CustomerPatch struct {
	Name, Email, Phone, City, State, Zip, Notes *string
	Status                                      *string
	Tags                                        *[]string
	UserID                                      Clearable[uuid.UUID]
}

// CustomerFilter narrows a list of customers; nil means all.
type CustomerFilter struct {
	Status *string `json:"status"`
	// Search is part of a name, an e-mail address or a phone number, in any case.
	Search *string `json:"search"`
	Tag    *string `json:"tag"`
}

// Customers is the service for customers.
type Customers struct {
	store   *store.Store
	queries *schedulingdb.Queries
}

// NewCustomers keeps customers in the store.
func NewCustomers(store *store.Store) *Customers {
	return &Customers{store: store, queries: schedulingdb.New()}
}

const customerInUse = "The customer has appointments. Set status to INACTIVE instead."

// endOfTime comes after every instant that is kept.
var endOfTime = time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)

// List returns customers, the newest first; for a customer only their own record.
// Errors: InvalidCursor.
func (s *Customers) List(ctx context.Context, scope *tenancy.Scope, filter CustomerFilter, page keyset.Page) (keyset.List[Customer], error) {
	before := byTime{At: endOfTime, ID: uuid.Max}
	if err := keyset.Decode(page.Cursor, filter, &before); err != nil {
		return keyset.List[Customer]{}, err
	}
	viewer := viewerOf(scope)
	rows, err := s.listRows(ctx, scope, viewer, filter, schedulingdb.ListCustomersParams{
		EnvID: scope.Env.ID, BeforeCreatedAt: before.At, BeforeID: before.ID, RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[Customer]{}, fmt.Errorf("list customers: %w", err)
	}
	convert := func(row schedulingdb.GetCustomerRow) Customer { return newCustomer(row, viewer) }
	return keyset.NewList(page, rows, filter, convert, func(c Customer) any { return byTime{c.CreatedAt, c.ID} }), nil
}

// listRows runs the query that suits the filter and what the caller may see.
func (s *Customers) listRows(
	ctx context.Context, scope *tenancy.Scope, viewer viewer, filter CustomerFilter, page schedulingdb.ListCustomersParams,
) ([]schedulingdb.GetCustomerRow, error) {
	db := s.store.Reader(scope)
	if !viewer.customer() && filter == (CustomerFilter{}) {
		rows, err := s.queries.ListCustomers(ctx, db, page)
		return convertRows(rows, func(r schedulingdb.ListCustomersRow) schedulingdb.GetCustomerRow {
			return schedulingdb.GetCustomerRow(r)
		}), err
	}
	rows, err := s.queries.ListCustomersFiltered(ctx, db, schedulingdb.ListCustomersFilteredParams{
		EnvID: page.EnvID, BeforeCreatedAt: page.BeforeCreatedAt, BeforeID: page.BeforeID, OnlyUserID: viewer.onlyCustomer(),
		Status: filter.Status, Tag: filter.Tag, Pattern: pattern(filter.Search), RowLimit: page.RowLimit,
	})
	return convertRows(rows, func(r schedulingdb.ListCustomersFilteredRow) schedulingdb.GetCustomerRow {
		return schedulingdb.GetCustomerRow(r)
	}), err
}

// Get returns a customer. Errors: NotFound, also for a customer who asks for another.
func (s *Customers) Get(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (*Customer, error) {
	viewer := viewerOf(scope)
	row, err := s.queries.GetCustomer(ctx, s.store.Reader(scope), schedulingdb.GetCustomerParams{
		EnvID: scope.Env.ID, ID: id, OnlyUserID: viewer.onlyCustomerOf(id),
	})
	if err != nil {
		return nil, customerError("get", err)
	}
	customer := newCustomer(row, viewer)
	return &customer, nil
}

// Create adds a customer. Errors: ValidationFailed for a user of another business or
// mode, AlreadyExists for one who is the login of another customer.
func (s *Customers) Create(ctx context.Context, scope *tenancy.Scope, in CustomerInput) (*Customer, error) {
	var created Customer
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) (err error) {
		created, err = s.create(ctx, tx, scope, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &created, nil
}

func (s *Customers) create(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, in CustomerInput) (Customer, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Customer{}, fmt.Errorf("make customer id: %w", err)
	}
	created := Customer{
		ID: id, Name: in.Name, Email: in.Email, Phone: in.Phone, City: in.City, State: in.State, Zip: in.Zip, Notes: &in.Notes,
		Status: in.Status, Tags: tags(in.Tags), UserID: in.UserID, CreatedAt: scope.Now, UpdatedAt: scope.Now, Version: 1,
	}
	err = s.queries.InsertCustomer(ctx, tx, schedulingdb.InsertCustomerParams{
		EnvID: scope.Env.ID, ID: id, Name: in.Name, Email: in.Email, Phone: in.Phone, City: in.City, State: in.State,
		Zip: in.Zip, Notes: in.Notes, Status: in.Status, Tags: created.Tags, UserID: in.UserID, Now: scope.Now,
	})
	if err != nil {
		return Customer{}, customerError("insert", err)
	}
	tx.Emit("customer.created", created)
	return created, nil
}

// Update changes a customer; with a version, only if they are at that version. Errors:
// NotFound, VersionMismatch, and those of Create.
func (s *Customers) Update(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, patch CustomerPatch) (*Customer, error) {
	var updated Customer
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		updated, err = s.update(ctx, tx, scope, current, patch)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &updated, nil
}

// update changes a customer who is locked.
func (s *Customers) update(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, current Customer, patch CustomerPatch) (Customer, error) {
	updated := patch.apply(current)
	updated.Version, updated.UpdatedAt = current.Version+1, scope.Now
	err := s.queries.UpdateCustomer(ctx, tx, schedulingdb.UpdateCustomerParams{
		EnvID: scope.Env.ID, ID: current.ID, Name: updated.Name, Email: updated.Email, Phone: updated.Phone, City: updated.City,
		State: updated.State, Zip: updated.Zip, Notes: *updated.Notes, Status: updated.Status, Tags: updated.Tags,
		UserID: updated.UserID, Version: updated.Version, Now: scope.Now,
	})
	if err != nil {
		return Customer{}, customerError("update", err)
	}
	tx.Emit("customer.updated", updated)
	return updated, nil
}

// Delete removes a customer. Errors: NotFound, VersionMismatch, InUse when they have
// appointments.
func (s *Customers) Delete(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) error {
	return s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		err = s.queries.DeleteCustomer(ctx, tx, schedulingdb.DeleteCustomerParams{EnvID: scope.Env.ID, ID: id})
		if err != nil {
			return stillUsed(fmt.Errorf("delete customer: %w", err), customerInUse)
		}
		tx.Emit("customer.deleted", current)
		return nil
	})
}

func (s *Customers) lock(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID, version *int32) (Customer, error) {
	row, err := s.queries.GetCustomerForUpdate(ctx, tx, schedulingdb.GetCustomerForUpdateParams{EnvID: scope.Env.ID, ID: id})
	if err != nil {
		return Customer{}, customerError("lock", err)
	}
	return newCustomer(schedulingdb.GetCustomerRow(row), everything()), etag.Check(version, row.Version, "customer")
}

func (p CustomerPatch) apply(c Customer) Customer {
	notes := *c.Notes
	set(&notes, p.Notes)
	c.Notes = &notes
	set(&c.Name, p.Name)
	set(&c.Email, p.Email)
	set(&c.Phone, p.Phone)
	set(&c.City, p.City)
	set(&c.State, p.State)
	set(&c.Zip, p.Zip)
	set(&c.Status, p.Status)
	if p.Tags != nil {
		c.Tags = tags(*p.Tags)
	}
	p.UserID.change(&c.UserID)
	return c
}

func tags(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func newCustomer(row schedulingdb.GetCustomerRow, viewer viewer) Customer {
	c := Customer{
		ID: row.ID, Name: row.Name, Email: row.Email, Phone: row.Phone, City: row.City, State: row.State, Zip: row.Zip,
		Status: row.Status, Tags: tags(row.Tags), UserID: row.UserID, CreatedAt: row.CreatedAt.UTC(),
		UpdatedAt: row.UpdatedAt.UTC(), Version: row.Version,
	}
	if !viewer.customer() {
		c.Notes = &row.Notes
	}
	return c
}

var escapeLike = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// pattern is the ILIKE pattern for text that contains search literally.
func pattern(search *string) *string {
	if search == nil {
		return nil
	}
	p := "%" + escapeLike.Replace(*search) + "%"
	return &p
}

// customerError says what the error of a query for one customer means.
func customerError(doing string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.NewNotFound("customer")
	}
	return refused(fmt.Errorf("%s customer: %w", doing, err))
}
