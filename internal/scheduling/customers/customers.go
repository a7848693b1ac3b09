package customers

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
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Customer statuses. Only an active customer gets new appointments.
const (
	Active   = "ACTIVE"
	Inactive = "INACTIVE"
	Blocked  = "BLOCKED"
)

// Customer is a person who books. Its JSON form is the data of the events
// customer.created, customer.updated and customer.deleted.
type Customer struct {
	ID    uuid.UUID `json:"id"`
	Name  string    `json:"name"`
	Email string    `json:"email"`
	Phone string    `json:"phone"`
	City  string    `json:"city"`
	State string    `json:"state"`
	Zip   string    `json:"zip"`
	// Notes are internal: nil for customers.
	Notes *string `json:"notes,omitempty"`
	// Status is ACTIVE, INACTIVE or BLOCKED.
	Status string `json:"status"`
	// Tags is never nil.
	Tags []string `json:"tags"`
	// UserID is the login of the customer, if there is one. A user is the login of at most one customer.
	UserID    *uuid.UUID `json:"user_id"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
	Version   int32      `json:"version"`
}

// Input describes a new customer.
type Input struct {
	Name, Email, Phone, City, State, Zip, Notes string
	Status                                      string
	Tags                                        []string
	UserID                                      *uuid.UUID
}

// Patch changes the fields that are not nil.
type Patch struct {
	Name, Email, Phone, City, State, Zip, Notes *string
	Status                                      *string
	Tags                                        *[]string
	UserID                                      patch.Clearable[uuid.UUID]
}

// Filter narrows a list of customers; nil means all.
type Filter struct {
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

// New keeps customers in the store.
func New(store *store.Store) *Customers {
	return &Customers{store: store, queries: schedulingdb.New()}
}

const customerInUse = "The customer has appointments. Set status to INACTIVE instead."

// List returns customers, the newest first; for a customer only their own record.
// Errors: InvalidCursor.
func (s *Customers) List(ctx context.Context, scope *tenancy.Scope, filter Filter, page keyset.Page) (keyset.List[Customer], error) {
	before := keyset.ByTime{At: keyset.EndOfTime, ID: uuid.Max}
	if err := keyset.Decode(page.Cursor, filter, &before); err != nil {
		return keyset.List[Customer]{}, err
	}
	v := viewer.Of(scope)
	rows, err := s.listRows(ctx, scope, v, filter, schedulingdb.ListCustomersParams{
		EnvID: scope.Env.ID, BeforeCreatedAt: before.At, BeforeID: before.ID, RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[Customer]{}, fmt.Errorf("list customers: %w", err)
	}
	convert := func(row schedulingdb.GetCustomerRow) Customer { return newCustomer(row, v) }
	return keyset.NewList(page, rows, filter, convert, func(c Customer) any { return keyset.ByTime{At: c.CreatedAt, ID: c.ID} }), nil
}

// listRows runs the query for the filter and the viewer.
func (s *Customers) listRows(
	ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, filter Filter, page schedulingdb.ListCustomersParams,
) ([]schedulingdb.GetCustomerRow, error) {
	db := s.store.Reader(scope)
	if !v.IsCustomer() && filter == (Filter{}) {
		rows, err := s.queries.ListCustomers(ctx, db, page)
		return convert.All(rows, func(r schedulingdb.ListCustomersRow) schedulingdb.GetCustomerRow {
			return schedulingdb.GetCustomerRow(r)
		}), err
	}
	rows, err := s.queries.ListCustomersFiltered(ctx, db, schedulingdb.ListCustomersFilteredParams{
		EnvID: page.EnvID, BeforeCreatedAt: page.BeforeCreatedAt, BeforeID: page.BeforeID, OnlyUserID: v.OnlyCustomer(),
		Status: filter.Status, Tag: filter.Tag, Pattern: pattern(filter.Search), RowLimit: page.RowLimit,
	})
	return convert.All(rows, func(r schedulingdb.ListCustomersFilteredRow) schedulingdb.GetCustomerRow {
		return schedulingdb.GetCustomerRow(r)
	}), err
}

// Get returns a customer. Errors: NotFound, also for customers and records of others.
func (s *Customers) Get(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (*Customer, error) {
	v := viewer.Of(scope)
	row, err := s.queries.GetCustomer(ctx, s.store.Reader(scope), schedulingdb.GetCustomerParams{
		EnvID: scope.Env.ID, ID: id, OnlyUserID: v.OnlyCustomerOf(id),
	})
	if err != nil {
		return nil, customerError("get", err)
	}
	customer := newCustomer(row, v)
	return &customer, nil
}

// Create adds a customer. Errors: ValidationFailed for a user of another business or
// mode, AlreadyExists for one who is the login of another customer.
func (s *Customers) Create(ctx context.Context, scope *tenancy.Scope, in Input) (*Customer, error) {
	var created Customer
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) (err error) {
		created, err = s.CreateIn(ctx, tx, scope, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &created, nil
}

// CreateIn is Create in the caller's transaction.
func (s *Customers) CreateIn(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, in Input) (Customer, error) {
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
func (s *Customers) Update(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, change Patch) (*Customer, error) {
	var updated Customer
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		updated, err = s.update(ctx, tx, scope, current, change)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &updated, nil
}

// update changes a customer who is locked.
func (s *Customers) update(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, current Customer, change Patch) (Customer, error) {
	updated := change.apply(current)
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
			return store.InUse(fmt.Errorf("delete customer: %w", err), customerInUse)
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
	return newCustomer(schedulingdb.GetCustomerRow(row), viewer.Everything()), etag.Check(version, row.Version, "customer")
}

// LinkLogin makes the user the login of a customer, inside the transaction that makes the user.
// The caller has checked the rights. Errors: NotFound, AlreadyExists if the customer has a login.
func (s *Customers) LinkLogin(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id, userID uuid.UUID) error {
	current, err := s.lock(ctx, tx, scope, id, nil)
	if err != nil {
		return err
	}
	if current.UserID != nil {
		return apperr.New(apperr.AlreadyExists, "The customer has a login already.")
	}
	_, err = s.update(ctx, tx, scope, current, Patch{UserID: patch.NewClearable(&userID)})
	return err
}

func (p Patch) apply(c Customer) Customer {
	notes := *c.Notes
	patch.Set(&notes, p.Notes)
	c.Notes = &notes
	patch.Set(&c.Name, p.Name)
	patch.Set(&c.Email, p.Email)
	patch.Set(&c.Phone, p.Phone)
	patch.Set(&c.City, p.City)
	patch.Set(&c.State, p.State)
	patch.Set(&c.Zip, p.Zip)
	patch.Set(&c.Status, p.Status)
	if p.Tags != nil {
		c.Tags = tags(*p.Tags)
	}
	p.UserID.Apply(&c.UserID)
	return c
}

func tags(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func newCustomer(row schedulingdb.GetCustomerRow, v viewer.Viewer) Customer {
	c := Customer{
		ID: row.ID, Name: row.Name, Email: row.Email, Phone: row.Phone, City: row.City, State: row.State, Zip: row.Zip,
		Status: row.Status, Tags: tags(row.Tags), UserID: row.UserID, CreatedAt: row.CreatedAt.UTC(),
		UpdatedAt: row.UpdatedAt.UTC(), Version: row.Version,
	}
	if !v.IsCustomer() {
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

// customerError translates the error of a query for one customer.
func customerError(doing string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.NewNotFound("customer")
	}
	return violations.Translate(fmt.Errorf("%s customer: %w", doing, err))
}

// violations are the constraints of customers.
var violations = store.Violations{
	store.ForeignKey("customers_user"): func() *apperr.Error { return apperr.NewUnknownReference("/user_id", "user") },
	store.Unique("customers_user"): func() *apperr.Error {
		const detail = "The user is the login of another customer."
		return apperr.New(apperr.AlreadyExists, detail).WithFields(apperr.Field{Pointer: "/user_id", Detail: detail})
	},
}
