// Package schedulingtest gives the tests of scheduling a business in a database of its own, with the services of
// scheduling.
//
// It calls dbtest and the services. Invariant: nothing is cached or shared between tests.
package schedulingtest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// Now is the instant of every request; Noon is a time to book.
var (
	Now  = time.Date(2026, time.November, 22, 9, 30, 0, 0, time.UTC)
	Noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
)

// Business is a business with two environments, and the services under test.
type Business struct {
	*testing.T
	DB        *dbtest.DB
	Tenant    *tenancy.Tenant
	Resources *catalog.Resources
	Services  *catalog.Services
	Schedules *catalog.Schedules
	TimeOffs  *catalog.TimeOffs
	Customers *customers.Customers
	// The following are the services of NewBooking.
	Appointments  *booking.Appointments
	Holds         *booking.Holds
	Series        *booking.SeriesBookings
	Waitlist      *booking.Waitlist
	Search        *booking.Search
	PublicBooking *booking.PublicBooking
	TimeZones     *booking.TimeZones

	store  *store.Store
	plans  *entitle.Plans
	limits map[entitle.Quota]*int64
}

// New returns a business whose services share a cache of catalogs.
func New(t *testing.T) *Business {
	t.Helper()
	return NewWith(t, catalog.NewCache())
}

// NewWith is New with a cache.
func NewWith(t *testing.T, catalogs *catalog.Cache) *Business {
	t.Helper()
	db := dbtest.New(t)
	s := store.New(db.AppPool(), db.PlatformPool())
	b := &Business{
		T: t, DB: db, store: s, plans: entitle.NewPlans(db.AppPool()), limits: map[entitle.Quota]*int64{},
		Resources: catalog.NewResources(s), Services: catalog.NewServices(s), Schedules: catalog.NewSchedules(s),
		TimeOffs: catalog.NewTimeOffs(s), Customers: customers.New(s),
	}
	b.Use(b.NewBooking(s, catalogs))
	for _, q := range entitle.Quotas() {
		b.limits[q] = nil
	}
	b.Tenant = b.NewTenant("demo")
	return b
}

// NewBooking returns the booking services of a server.
func (b *Business) NewBooking(s *store.Store, catalogs *catalog.Cache) *booking.Services {
	return booking.New(booking.Dependencies{Store: s, Catalogs: catalogs, Services: b.Services, Customers: b.Customers, Notifier: notifier{}})
}

// Use lets the business use the booking services of a server.
func (b *Business) Use(s *booking.Services) {
	b.Appointments, b.Holds, b.Series, b.Waitlist = s.Appointments, s.Holds, s.Series, s.Waitlist
	b.Search, b.PublicBooking, b.TimeZones = s.Search, s.PublicBooking, s.TimeZones
}

// Store returns the store of the services.
func (b *Business) Store() *store.Store { return b.store }

// notifier only writes the notifications.
type notifier struct{}

func (notifier) NotifyCustomer(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, kind string, customerID uuid.UUID, _ any) error {
	_, err := tx.Exec(ctx, `INSERT INTO notifications (env_id, id, kind, channel, customer_id, data, created_at)
		VALUES ($1, $2, $3, 'EMAIL', $4, '{}', $5)`, scope.Env.ID, uuid.New(), kind, customerID, scope.Now)
	return err
}

// Exec runs SQL as the owner of the database.
func (b *Business) Exec(sql string, args ...any) {
	b.Helper()
	_, err := b.DB.OwnerPool().Exec(b.Context(), sql, args...)
	require.NoError(b, err)
}

// SetPolicy changes a policy of the business.
func (b *Business) SetPolicy(column string, value any) {
	b.Helper()
	b.Exec("UPDATE tenants SET "+column+" = $1 WHERE id = $2", value, b.Tenant.ID)
}

// NewTenant adds a tenant with its environments.
func (b *Business) NewTenant(name string) *tenancy.Tenant {
	b.Helper()
	location, err := time.LoadLocation("America/New_York")
	require.NoError(b, err)
	t := &tenancy.Tenant{
		ID: uuid.New(), Name: name, Status: tenancy.StatusActive, Timezone: location.String(), Location: location,
		Currency: "EUR", SandboxEnabled: true,
	}
	b.Exec(`INSERT INTO tenants (id, name, plan_version_id, timezone, currency)
		SELECT $1, $2, id, $3, $4 FROM plan_versions LIMIT 1`, t.ID, t.Name, t.Timezone, t.Currency)
	t.Live = tenancy.Environment{ID: uuid.New(), TenantID: t.ID, Name: name}
	t.Sandbox = tenancy.Environment{ID: uuid.New(), TenantID: t.ID, Name: name + "_sandbox", IsSandbox: true}
	for _, e := range []tenancy.Environment{t.Live, t.Sandbox} {
		b.Exec("INSERT INTO environments (id, tenant_id, name, is_sandbox) VALUES ($1, $2, $3, $4)", e.ID, t.ID, e.Name, e.IsSandbox)
		b.Exec("INSERT INTO event_sequences (env_id, last_sequence) VALUES ($1, 0)", e.ID)
	}
	return t
}

// User adds a user of the live environment.
func (b *Business) User(role tenancy.Role) uuid.UUID {
	b.Helper()
	return b.UserIn(b.Tenant, b.Tenant.Live, role)
}

// UserIn adds a user of an environment.
func (b *Business) UserIn(t *tenancy.Tenant, e tenancy.Environment, role tenancy.Role) uuid.UUID {
	b.Helper()
	id := uuid.New()
	b.Exec(`INSERT INTO users (id, tenant_id, env_id, is_sandbox, email, username, name, role)
		VALUES ($1, $2, $3, $4, $1::uuid || '@example.com', $1::uuid::text, 'User', $5)`, id, t.ID, e.ID, e.IsSandbox, string(role))
	return id
}

// ScopeIn is the scope of a request of a user in an environment.
func (b *Business) ScopeIn(t *tenancy.Tenant, e tenancy.Environment, role tenancy.Role, userID uuid.UUID) *tenancy.Scope {
	return &tenancy.Scope{
		RequestID: "test", Now: Now, Tenant: t, Env: e, Principal: &tenancy.Principal{UserID: userID, Role: role},
		Entitlements: b.plans.NewSet(entitle.Set{
			Grants: entitle.Grants{Plan: &entitle.PlanVersion{Code: "test", Name: "Test", Limits: b.limits}},
			EnvID:  e.ID, Location: t.Location, Now: Now,
		}),
	}
}

// As is the scope of a user in the live environment.
func (b *Business) As(role tenancy.Role, userID uuid.UUID) *tenancy.Scope {
	return b.ScopeIn(b.Tenant, b.Tenant.Live, role, userID)
}

// Owner is a scope with all rights in the live environment.
func (b *Business) Owner() *tenancy.Scope { return b.As(tenancy.RoleOwner, uuid.New()) }

// Sandbox is a scope with all rights in the sandbox.
func (b *Business) Sandbox() *tenancy.Scope {
	return b.ScopeIn(b.Tenant, b.Tenant.Sandbox, tenancy.RoleOwner, uuid.New())
}

// Limit limits a quota of the plan.
func (b *Business) Limit(q entitle.Quota, n int64) { b.limits[q] = &n }

// Resource adds a resource with capacity 1.
func (b *Business) Resource(scope *tenancy.Scope, kind, name string, change ...func(*catalog.ResourceInput)) *catalog.Resource {
	b.Helper()
	in := catalog.ResourceInput{Name: name, Type: kind, Capacity: 1, IsActive: true}
	for _, f := range change {
		f(&in)
	}
	r, err := b.Resources.Create(b.Context(), scope, in)
	require.NoError(b, err)
	return r
}

// Capacity sets the capacity of a resource.
func Capacity(n int32) func(*catalog.ResourceInput) {
	return func(in *catalog.ResourceInput) { in.Capacity = n }
}

// Login sets the login of a resource.
func Login(id uuid.UUID) func(*catalog.ResourceInput) {
	return func(in *catalog.ResourceInput) { in.UserID = &id }
}

// Service adds a service of an hour that takes one resource of each type.
func (b *Business) Service(scope *tenancy.Scope, types ...string) *catalog.Service {
	b.Helper()
	in := catalog.ServiceInput{Name: "Massage", DurationMinutes: 60, IsActive: true, Price: &money.Money{Amount: 5000, Currency: "EUR"}}
	for _, t := range types {
		in.Requirements = append(in.Requirements, catalog.Requirement{ResourceType: t})
	}
	return b.ServiceOf(scope, in)
}

// ServiceOf adds a service.
func (b *Business) ServiceOf(scope *tenancy.Scope, in catalog.ServiceInput) *catalog.Service {
	b.Helper()
	v, err := b.Services.Create(b.Context(), scope, in)
	require.NoError(b, err)
	return v
}

// Customer adds an active customer.
func (b *Business) Customer(scope *tenancy.Scope, name string) *customers.Customer {
	b.Helper()
	return b.CustomerOf(scope, customers.Input{Name: name, Status: customers.Active})
}

// CustomerOf adds a customer.
func (b *Business) CustomerOf(scope *tenancy.Scope, in customers.Input) *customers.Customer {
	b.Helper()
	c, err := b.Customers.Create(b.Context(), scope, in)
	require.NoError(b, err)
	return c
}

// Book books an appointment.
func (b *Business) Book(scope *tenancy.Scope, in booking.AppointmentInput) *booking.Appointment {
	b.Helper()
	a, err := b.Appointments.Create(b.Context(), scope, in)
	require.NoError(b, err)
	return a
}

// Count returns the number that a query selects.
func (b *Business) Count(sql string, args ...any) (n int) {
	b.Helper()
	require.NoError(b, b.DB.OwnerPool().QueryRow(b.Context(), sql, args...).Scan(&n))
	return n
}

// Used returns the counter of a quota, in all periods.
func (b *Business) Used(scope *tenancy.Scope, q entitle.Quota) int {
	b.Helper()
	return b.Count("SELECT COALESCE(sum(used), 0)::int FROM usage_counters WHERE env_id = $1 AND quota = $2", scope.Env.ID, string(q))
}

// EventTypes returns the types of all events of an environment, and checks that their sequence has no gaps.
func (b *Business) EventTypes(scope *tenancy.Scope) []string {
	b.Helper()
	rows, err := b.DB.OwnerPool().Query(b.Context(), "SELECT sequence, type FROM events WHERE env_id = $1 ORDER BY sequence", scope.Env.ID)
	require.NoError(b, err)
	defer rows.Close()
	var types []string
	for rows.Next() {
		var sequence int
		var name string
		require.NoError(b, rows.Scan(&sequence, &name))
		types = append(types, name)
		assert.Equal(b, len(types), sequence)
	}
	require.NoError(b, rows.Err())
	return types
}

// LastEvent returns the data of the newest event of an environment.
func (b *Business) LastEvent(scope *tenancy.Scope) (data string) {
	b.Helper()
	err := b.DB.OwnerPool().QueryRow(b.Context(),
		"SELECT data::text FROM events WHERE env_id = $1 ORDER BY sequence DESC LIMIT 1", scope.Env.ID).Scan(&data)
	require.NoError(b, err)
	return data
}

// Refusal checks that the error has the code, and returns it.
func Refusal(tb testing.TB, code apperr.Code, err error) *apperr.Error {
	tb.Helper()
	var known *apperr.Error
	require.ErrorAs(tb, err, &known)
	require.Equal(tb, code.Name, known.Code.Name, known.Error())
	return known
}

// RequireCode checks that the error has the code.
func RequireCode(tb testing.TB, code apperr.Code, err error) {
	tb.Helper()
	_ = Refusal(tb, code, err)
}

// RequireField checks that the error is ValidationFailed and points there.
func RequireField(tb testing.TB, pointer string, err error) {
	tb.Helper()
	known := Refusal(tb, apperr.ValidationFailed, err)
	pointers := make([]string, len(known.Fields))
	for i, f := range known.Fields {
		pointers[i] = f.Pointer
	}
	require.Contains(tb, pointers, pointer)
}

// Collect reads a list page by page.
func Collect[T any](tb testing.TB, limit int, read func(keyset.Page) (keyset.List[T], error)) []T {
	tb.Helper()
	all := []T{}
	page := keyset.Page{Limit: limit}
	for {
		list, err := read(page)
		require.NoError(tb, err)
		require.NotNil(tb, list.Data)
		require.LessOrEqual(tb, len(list.Data), limit)
		all = append(all, list.Data...)
		if list.NextCursor == nil {
			return all
		}
		require.Len(tb, list.Data, limit, "only the last page may be short")
		page.Cursor = *list.NextCursor
	}
}

// Parallel runs n functions at the same time.
func Parallel(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	group.Wait()
	return errs
}

// Page100 is a page of the greatest size.
var Page100 = keyset.Page{Limit: 100}

// TimeOff adds time off; without a time it is an hour at Noon.
func (b *Business) TimeOff(scope *tenancy.Scope, in catalog.TimeOffInput) *catalog.TimeOff {
	b.Helper()
	if in.StartAt.IsZero() {
		in.StartAt, in.EndAt = Noon, Noon.Add(time.Hour)
	}
	created, err := b.TimeOffs.Create(b.Context(), scope, in)
	require.NoError(b, err)
	return created
}

// Intervals makes two intervals of "09:00", "12:00", "13:00", "17:00".
func Intervals(times ...string) []catalog.TimeInterval {
	list := []catalog.TimeInterval{}
	for i := 0; i < len(times); i += 2 {
		list = append(list, catalog.TimeInterval{Start: times[i], End: times[i+1]})
	}
	return list
}
