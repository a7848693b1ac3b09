// Package envtest gives tests a database with two tenants, without the services that make
// tenants in the product.
//
// It calls dbtest and store. Invariant: it knows no domain but the table resources, as an example of
// a business table.
package envtest

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// Now is the instant of the scopes.
var Now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// Environments are two tenants with two environments each.
type Environments struct {
	DB    *dbtest.DB
	Store *store.Store
	// A and B are scopes in the live environments of the tenants, ASandbox in the sandbox of the first.
	A, ASandbox, B *tenancy.Scope
}

// New returns environments in a database of their own.
func New(tb testing.TB) *Environments {
	tb.Helper()
	db := dbtest.New(tb)
	e := &Environments{DB: db, Store: store.New(db.AppPool(), db.PlatformPool())}
	e.A, e.ASandbox = InsertTenant(tb, db, "a")
	e.B, _ = InsertTenant(tb, db, "b")
	return e
}

// InsertTenant adds a tenant with its environments and returns a scope in each.
func InsertTenant(tb testing.TB, db *dbtest.DB, name string) (live, sandbox *tenancy.Scope) {
	tb.Helper()
	tenant := &tenancy.Tenant{ID: uuid.New(), Name: name}
	tenant.Live = tenancy.Environment{ID: uuid.New(), TenantID: tenant.ID, Name: name}
	tenant.Sandbox = tenancy.Environment{ID: uuid.New(), TenantID: tenant.ID, Name: name + "_sandbox", IsSandbox: true}
	ctx := tb.Context()
	_, err := db.OwnerPool().Exec(ctx, `INSERT INTO tenants (id, name, plan_version_id)
		SELECT $1, $2, id FROM plan_versions LIMIT 1`, tenant.ID, name)
	require.NoError(tb, err)
	for _, e := range []tenancy.Environment{tenant.Live, tenant.Sandbox} {
		_, err = db.OwnerPool().Exec(ctx, `INSERT INTO environments (id, tenant_id, name, is_sandbox) VALUES ($1, $2, $3, $4)`,
			e.ID, e.TenantID, e.Name, e.IsSandbox)
		require.NoError(tb, err)
		_, err = db.OwnerPool().Exec(ctx, `INSERT INTO event_sequences (env_id, last_sequence) VALUES ($1, 0)`, e.ID)
		require.NoError(tb, err)
	}
	live = &tenancy.Scope{Tenant: tenant, Env: tenant.Live, Now: Now}
	return live, &tenancy.Scope{Tenant: tenant, Env: tenant.Sandbox, Now: Now}
}

// InsertResource is the SQL that inserts a resource: environment, id, name.
const InsertResource = `INSERT INTO resources (env_id, id, name, type, created_at, updated_at)
	VALUES ($1, $2, $3, 'ROOM', now(), now())`

// Insert adds a resource and its event in a transaction.
func (e *Environments) Insert(tb testing.TB, scope *tenancy.Scope, name string) uuid.UUID {
	tb.Helper()
	id := uuid.New()
	require.NoError(tb, e.Store.InEnv(tb.Context(), scope, func(tx *store.Tx) error {
		_, err := tx.Exec(tb.Context(), InsertResource, scope.Env.ID, id, name)
		tx.Emit("resource.created", map[string]any{"id": id})
		return err
	}))
	return id
}

// Write is a statement of any SQL.
func Write(sql string, args ...any) batch.Statement {
	return batch.Write(func(ctx context.Context, db batch.DB, args []any) error {
		_, err := db.Exec(ctx, sql, args...)
		return err
	}, args)
}

// Read is a statement that reads one value.
func Read[T any](sql string, result *T) batch.Statement {
	return batch.Read(func(ctx context.Context, db batch.DB, _ struct{}) (value T, err error) {
		err = db.QueryRow(ctx, sql).Scan(&value)
		return value, err
	}, struct{}{}, result)
}

// Querier runs a query of one row.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Count returns the number of rows of a table that db sees.
func Count(tb testing.TB, db Querier, table string) int {
	tb.Helper()
	var n int
	require.NoError(tb, db.QueryRow(tb.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// RequireNoneAcquired fails if a connection of the application's pool stays in use. A broken
// connection is destroyed in a goroutine of the pool, so this may take a moment.
func RequireNoneAcquired(tb testing.TB, s *store.Store) {
	tb.Helper()
	require.Eventually(tb, func() bool {
		used, _ := s.Connections()
		return used == 0
	}, 10*time.Second, time.Millisecond)
}
