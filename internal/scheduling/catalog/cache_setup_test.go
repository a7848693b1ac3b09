package catalog_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// now is the instant of every request.
var now = time.Date(2026, time.November, 22, 9, 30, 0, 0, time.UTC)

// Objects that both environments have; what is spare has nothing that refers to it.
const (
	service       = "00000000-0000-4000-8000-000000000001"
	spareService  = "00000000-0000-4000-8000-000000000002"
	resource      = "00000000-0000-4000-8000-000000000003"
	spareResource = "00000000-0000-4000-8000-000000000004"
	schedule      = "00000000-0000-4000-8000-000000000005"
)

// fill puts into an environment one object of everything that a catalogue has.
const fill = `
INSERT INTO services (env_id, id, name, duration_minutes, price_amount, price_currency, created_at, updated_at)
	SELECT $1, v.id, v.name, 60, 5000, 'USD', now(), now()
	FROM (VALUES ('` + service + `'::uuid, 'Massage'), ('` + spareService + `', 'Spare')) v (id, name);
INSERT INTO resources (env_id, id, name, type, user_id, created_at, updated_at)
	SELECT $1, v.id, v.name, 'STAFF', v.user_id, now(), now()
	FROM (VALUES ('` + resource + `'::uuid, 'Ana', $2::uuid), ('` + spareResource + `', 'Spare', NULL)) v (id, name, user_id);
INSERT INTO service_requirements (env_id, service_id, position, resource_type) VALUES ($1, '` + service + `', 1, 'STAFF');
INSERT INTO service_requirement_resources (env_id, service_id, position, resource_id) VALUES ($1, '` + service + `', 1, '` + resource + `');
INSERT INTO schedules (env_id, id, resource_id, is_set, weekdays, start_minutes, end_minutes, updated_at)
	VALUES ($1, '` + schedule + `', '` + resource + `', true, '{0}', '{540}', '{1020}', now());
INSERT INTO schedule_overrides (env_id, schedule_id, date) VALUES ($1, '` + schedule + `', '2026-12-24');
INSERT INTO time_off (env_id, id, resource_id, title, start_at, end_at, blocks_until, created_at, updated_at)
	VALUES ($1, gen_random_uuid(), '` + resource + `', 'Lunch', '2026-11-23 12:00Z', '2026-11-23 13:00Z', '2026-11-23 13:00Z', now(), now())`

// bundle is a business whose two environments have the same in them.
type bundle struct {
	*testing.T
	db            *dbtest.DB
	store         *store.Store
	live, sandbox *world
}

// world is one environment.
type world struct {
	*tenancy.Scope
	userID uuid.UUID // whom the resource signs in as
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db := dbtest.New(t)
	b := &bundle{T: t, db: db, store: store.New(db.AppPool(), db.PlatformPool())}
	tenant := &tenancy.Tenant{ID: uuid.New(), Name: "demo", Location: time.UTC}
	b.exec("INSERT INTO tenants (id, name, plan_version_id, timezone) SELECT $1, 'demo', id, 'UTC' FROM plan_versions LIMIT 1", tenant.ID)
	world := func(name string, isSandbox bool) *world {
		w := &world{userID: uuid.New(), Scope: &tenancy.Scope{
			Now: now, Tenant: tenant, Env: tenancy.Environment{ID: uuid.New(), TenantID: tenant.ID, Name: name, IsSandbox: isSandbox},
		}}
		b.exec("INSERT INTO environments (id, tenant_id, name, is_sandbox) VALUES ($1, $2, $3, $4)", w.Env.ID, tenant.ID, name, isSandbox)
		b.exec(`INSERT INTO users (id, tenant_id, env_id, is_sandbox, email, username, name, role)
			VALUES ($1, $2, $3, $4, $1::uuid || '@example.com', $1::uuid::text, 'User', 'TENANT_STAFF')`, w.userID, tenant.ID, w.Env.ID, isSandbox)
		b.exec(fill, w.Env.ID, w.userID)
		return w
	}
	b.live, b.sandbox = world("demo", false), world("demo_sandbox", true)
	return b
}

// exec runs statements as the owner; $1 and so on are their arguments.
func (b *bundle) exec(sql string, args ...any) {
	b.Helper()
	_, err := b.db.OwnerPool().Exec(b.Context(), sql, append([]any{pgx.QueryExecModeSimpleProtocol}, args...)...)
	require.NoError(b, err)
}

// version is what others are told about an environment.
func (b *bundle) version(w *world) (version uuid.UUID) {
	b.Helper()
	require.NoError(b, b.db.OwnerPool().QueryRow(b.Context(),
		"SELECT version FROM catalogue_versions WHERE env_id = $1", w.Env.ID).Scan(&version))
	return version
}

// read reads a catalogue that is kept by the cache.
func (b *bundle) read(cache *catalog.Cache, w *world) *catalog.Catalog {
	b.Helper()
	read, err := cache.Read(b.Context(), b.store.Reader(w.Scope), w.Env.ID, now)
	require.NoError(b, err)
	return read
}

// at is what somebody goes by who asks now.
func (b *bundle) at(cache *catalog.Cache, w *world) *catalog.Catalog {
	b.Helper()
	known, err := cache.At(b.Context(), b.store.Reader(w.Scope), w.Env.ID, b.version(w), now)
	require.NoError(b, err)
	return known
}

// pools are those who may change things: the server, the platform, and whoever has psql.
func (b *bundle) pools() map[string]*pgxpool.Pool {
	return map[string]*pgxpool.Pool{"app": b.db.AppPool(), "platform": b.db.PlatformPool(), "owner": b.db.OwnerPool()}
}

var errChangedTheirMind = errors.New("rolled back")

// inTx runs fn in a transaction in an environment.
func (b *bundle) inTx(pool *pgxpool.Pool, w *world, fn func(ctx context.Context, tx pgx.Tx) error) error {
	b.Helper()
	return pgx.BeginFunc(b.Context(), pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(b.Context(), "SELECT set_config('app.env_id', $1, true)", w.Env.ID.String()); err != nil {
			return err
		}
		return fn(b.Context(), tx)
	})
}
