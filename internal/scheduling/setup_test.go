package scheduling_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// now is the instant of every request; noon is a time to book.
var (
	now  = time.Date(2026, time.November, 22, 9, 30, 0, 0, time.UTC)
	noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
)

// bundle is a business with two worlds, and the services under test.
type bundle struct {
	*testing.T
	db           *dbtest.DB
	catalogue    *entitle.Catalogue
	tenant       *tenancy.Tenant
	limits       map[entitle.Quota]*int64
	resources    *scheduling.Resources
	services     *scheduling.Services
	schedules    *scheduling.Schedules
	timeOffs     *scheduling.TimeOffs
	customers    *scheduling.Customers
	appointments *scheduling.Appointments
	series       *scheduling.SeriesBookings
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db := dbtest.New(t)
	store := store.New(db.AppPool(), db.PlatformPool())
	b := &bundle{
		T: t, db: db, catalogue: entitle.NewCatalogue(db.AppPool()), limits: map[entitle.Quota]*int64{},
		resources: scheduling.NewResources(store), services: scheduling.NewServices(store),
		schedules: scheduling.NewSchedules(store), timeOffs: scheduling.NewTimeOffs(store),
		customers: scheduling.NewCustomers(store), appointments: scheduling.NewAppointments(store),
	}
	b.series = scheduling.NewSeriesBookings(b.appointments)
	for _, q := range entitle.Quotas() {
		b.limits[q] = nil
	}
	b.tenant = b.newTenant("demo")
	return b
}

func (b *bundle) exec(sql string, args ...any) {
	b.Helper()
	_, err := b.db.OwnerPool().Exec(b.Context(), sql, args...)
	require.NoError(b, err)
}

// policy changes a policy of the business.
func (b *bundle) policy(column string, value any) {
	b.Helper()
	b.exec("UPDATE tenants SET "+column+" = $1 WHERE id = $2", value, b.tenant.ID)
}

func (b *bundle) newTenant(name string) *tenancy.Tenant {
	b.Helper()
	location, err := time.LoadLocation("America/New_York")
	require.NoError(b, err)
	t := &tenancy.Tenant{
		ID: uuid.New(), Name: name, Status: tenancy.StatusActive, Timezone: location.String(), Location: location,
		Currency: "EUR", SandboxEnabled: true,
	}
	b.exec(`INSERT INTO tenants (id, name, plan_version_id, timezone, currency)
		SELECT $1, $2, id, $3, $4 FROM plan_versions LIMIT 1`, t.ID, t.Name, t.Timezone, t.Currency)
	t.Live = tenancy.Environment{ID: uuid.New(), TenantID: t.ID, Name: name}
	t.Sandbox = tenancy.Environment{ID: uuid.New(), TenantID: t.ID, Name: name + "_sandbox", IsSandbox: true}
	for _, e := range []tenancy.Environment{t.Live, t.Sandbox} {
		b.exec("INSERT INTO environments (id, tenant_id, name, is_sandbox) VALUES ($1, $2, $3, $4)", e.ID, t.ID, e.Name, e.IsSandbox)
		b.exec("INSERT INTO event_sequences (env_id, last_sequence) VALUES ($1, 0)", e.ID)
	}
	return t
}

// user makes a user of the live world.
func (b *bundle) user(role tenancy.Role) uuid.UUID {
	b.Helper()
	return b.userIn(b.tenant, b.tenant.Live, role)
}

func (b *bundle) userIn(t *tenancy.Tenant, e tenancy.Environment, role tenancy.Role) uuid.UUID {
	b.Helper()
	id := uuid.New()
	b.exec(`INSERT INTO users (id, tenant_id, env_id, is_sandbox, email, username, name, role)
		VALUES ($1, $2, $3, $4, $1::uuid || '@example.com', $1::uuid::text, 'User', $5)`, id, t.ID, e.ID, e.IsSandbox, string(role))
	return id
}

// scope is that of a request of the user in an environment.
func (b *bundle) scopeIn(t *tenancy.Tenant, e tenancy.Environment, role tenancy.Role, userID uuid.UUID) *tenancy.Scope {
	return &tenancy.Scope{
		RequestID: "test", Now: now, Tenant: t, Env: e, Principal: &tenancy.Principal{UserID: userID, Role: role},
		Entitlements: b.catalogue.NewSet(entitle.Set{
			Grants: entitle.Grants{Plan: &entitle.PlanVersion{Code: "test", Name: "Test", Limits: b.limits}},
			EnvID:  e.ID, Location: t.Location, Now: now,
		}),
	}
}

func (b *bundle) as(role tenancy.Role, userID uuid.UUID) *tenancy.Scope {
	return b.scopeIn(b.tenant, b.tenant.Live, role, userID)
}

// owner is the scope that may do everything in the live world.
func (b *bundle) owner() *tenancy.Scope { return b.as(tenancy.RoleOwner, uuid.New()) }

// sandbox is the same in the sandbox.
func (b *bundle) sandbox() *tenancy.Scope {
	return b.scopeIn(b.tenant, b.tenant.Sandbox, tenancy.RoleOwner, uuid.New())
}

func (b *bundle) limit(q entitle.Quota, n int64) { b.limits[q] = &n }

func (b *bundle) resource(scope *tenancy.Scope, kind, name string, change ...func(*scheduling.ResourceInput)) *scheduling.Resource {
	b.Helper()
	in := scheduling.ResourceInput{Name: name, Type: kind, Capacity: 1, IsActive: true}
	for _, f := range change {
		f(&in)
	}
	r, err := b.resources.Create(b.Context(), scope, in)
	require.NoError(b, err)
	return r
}

func capacity(n int32) func(*scheduling.ResourceInput) {
	return func(in *scheduling.ResourceInput) { in.Capacity = n }
}

func login(id uuid.UUID) func(*scheduling.ResourceInput) {
	return func(in *scheduling.ResourceInput) { in.UserID = &id }
}

// service takes an hour and one resource for each of the types.
func (b *bundle) service(scope *tenancy.Scope, types ...string) *scheduling.Service {
	b.Helper()
	in := scheduling.ServiceInput{Name: "Massage", DurationMinutes: 60, IsActive: true, Price: &scheduling.Money{Amount: 5000, Currency: "EUR"}}
	for _, t := range types {
		in.Requirements = append(in.Requirements, scheduling.Requirement{ResourceType: t})
	}
	return b.serviceOf(scope, in)
}

func (b *bundle) serviceOf(scope *tenancy.Scope, in scheduling.ServiceInput) *scheduling.Service {
	b.Helper()
	v, err := b.services.Create(b.Context(), scope, in)
	require.NoError(b, err)
	return v
}

func (b *bundle) customer(scope *tenancy.Scope, name string) *scheduling.Customer {
	b.Helper()
	return b.customerOf(scope, scheduling.CustomerInput{Name: name, Status: scheduling.CustomerActive})
}

func (b *bundle) customerOf(scope *tenancy.Scope, in scheduling.CustomerInput) *scheduling.Customer {
	b.Helper()
	c, err := b.customers.Create(b.Context(), scope, in)
	require.NoError(b, err)
	return c
}

func (b *bundle) book(scope *tenancy.Scope, in scheduling.AppointmentInput) *scheduling.Appointment {
	b.Helper()
	a, err := b.appointments.Create(b.Context(), scope, in)
	require.NoError(b, err)
	return a
}

func (b *bundle) count(sql string, args ...any) (n int) {
	b.Helper()
	require.NoError(b, b.db.OwnerPool().QueryRow(b.Context(), sql, args...).Scan(&n))
	return n
}

// used is what the counter of a quota stands at, in all periods.
func (b *bundle) used(scope *tenancy.Scope, q entitle.Quota) int {
	b.Helper()
	return b.count("SELECT COALESCE(sum(used), 0)::int FROM usage_counters WHERE env_id = $1 AND quota = $2", scope.Env.ID, string(q))
}

// eventTypes lists the events of an environment; their sequence must have no gaps.
func (b *bundle) eventTypes(scope *tenancy.Scope) []string {
	b.Helper()
	rows, err := b.db.OwnerPool().Query(b.Context(), "SELECT sequence, type FROM events WHERE env_id = $1 ORDER BY sequence", scope.Env.ID)
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

// lastEvent is the data of the newest event of an environment.
func (b *bundle) lastEvent(scope *tenancy.Scope) (data string) {
	b.Helper()
	err := b.db.OwnerPool().QueryRow(b.Context(),
		"SELECT data::text FROM events WHERE env_id = $1 ORDER BY sequence DESC LIMIT 1", scope.Env.ID).Scan(&data)
	require.NoError(b, err)
	return data
}

// refusal checks that the error is one of the code, and returns it.
func refusal(tb testing.TB, code apperr.Code, err error) *apperr.Error {
	tb.Helper()
	var known *apperr.Error
	require.ErrorAs(tb, err, &known)
	require.Equal(tb, code.Name, known.Code.Name, known.Error())
	return known
}

// requireCode checks that the error is one of the code.
func requireCode(tb testing.TB, code apperr.Code, err error) {
	tb.Helper()
	_ = refusal(tb, code, err)
}

// requireField checks that the error is about the data, and points there.
func requireField(tb testing.TB, pointer string, err error) {
	tb.Helper()
	known := refusal(tb, apperr.ValidationFailed, err)
	pointers := make([]string, len(known.Fields))
	for i, f := range known.Fields {
		pointers[i] = f.Pointer
	}
	require.Contains(tb, pointers, pointer)
}

// collect reads a list page by page.
func collect[T any](tb testing.TB, limit int, read func(keyset.Page) (keyset.List[T], error)) []T {
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

// together runs n functions as nearly at the same time as possible.
func together(n int, f func(i int) error) []error {
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

var page100 = keyset.Page{Limit: 100}
