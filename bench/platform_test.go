package bench

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// The platform's lists and numbers with many businesses. Beside the time of the whole
// request they report that of its statements alone, sent by pgx with nothing around
// them, and how many times longer the request takes; all of the 95th percentile.
//
//	go test -run '^$' -bench Platform -benchtime 200x ./bench

func BenchmarkPlatformBusinesses(b *testing.B) {
	p := openPlatform(b)
	for name, query := range map[string]string{
		"newest": "", "by name": "?sort=name&limit=100", "search": "?search=salon-77", "by plan": "?plan=business&status=ACTIVE",
	} {
		b.Run(name, func(b *testing.B) { p.measure(b, "/api/platform/businesses/"+query) })
	}
	b.Run("metrics", func(b *testing.B) { p.measure(b, "/api/platform/businesses/metrics/") })
	b.Run("users", func(b *testing.B) { p.measure(b, "/api/platform/users/") })
	b.Run("search users", func(b *testing.B) { p.measure(b, "/api/platform/users/?search=owner777") })
}

// platform is an installation with many businesses.
type platform struct {
	client     *apitest.Client
	statements *statements
	pool       *pgxpool.Pool
}

func openPlatform(b *testing.B) *platform {
	b.Helper()
	p := &platform{statements: &statements{}}
	db := dbtest.New(b)
	var err error
	p.pool, err = postgres.NewPool(b.Context(), postgres.PoolOptions{URL: db.URL, Role: dbtest.PlatformRole, Tracer: p.statements})
	require.NoError(b, err)
	b.Cleanup(p.pool.Close)
	server := apitest.NewOn(b, db, apitest.WithPools(db.AppPool(), p.pool))
	for statement := range strings.SplitSeq(manyTenants, ";\n") {
		_, err := db.OwnerPool().Exec(b.Context(), statement)
		require.NoError(b, err, statement)
	}
	require.NoError(b, server.App.Platform.Overview.RollUp(b.Context()))
	_, err = db.OwnerPool().Exec(b.Context(), lateEvents)
	require.NoError(b, err)
	p.client = server.Platform(b, tenancy.RolePlatformSupport)
	return p
}

// manyTenants makes 10,000 businesses with two environments, a domain, five users and
// ten bookings each.
const manyTenants = `
CREATE TEMP TABLE t AS SELECT n, gen_random_uuid() AS id, gen_random_uuid() AS live, gen_random_uuid() AS sandbox,
    (SELECT array_agg(id ORDER BY id) FROM plan_versions) AS plans FROM generate_series(1, 10000) AS n;
INSERT INTO tenants (id, name, plan_version_id, status, created_at)
    SELECT id, 'Salon ' || n, plans[n % 4 + 1], (ARRAY['ACTIVE', 'ACTIVE', 'TRIAL', 'SUSPENDED'])[n % 4 + 1], '2026-01-01'::timestamptz + n * interval '40 minutes' FROM t;
INSERT INTO environments (id, tenant_id, name, is_sandbox) SELECT live, id, 'salon_' || n, false FROM t UNION ALL SELECT sandbox, id, 'salon_' || n || '_sandbox', true FROM t;
INSERT INTO event_sequences (env_id, last_sequence) SELECT live, 10 FROM t UNION ALL SELECT sandbox, 0 FROM t;
INSERT INTO domains (id, tenant_id, kind, name, is_primary, verified_at) SELECT gen_random_uuid(), id, 'SUBDOMAIN', 'salon-' || n, true, now() FROM t;
INSERT INTO users (id, tenant_id, env_id, email, username, name, role, created_at)
    SELECT gen_random_uuid(), id, live, r || n || '@salon.example', r || n, r || ' ' || n, role, '2026-01-01'::timestamptz + n * interval '41 minutes'
    FROM t, (VALUES ('owner', 'TENANT_OWNER'), ('manager', 'TENANT_MANAGER'), ('s1', 'TENANT_STAFF'), ('s2', 'TENANT_STAFF'), ('customer', 'CUSTOMER')) AS r (r, role);
INSERT INTO usage_counters (env_id, quota, period, used) SELECT live, 'max_users', '0001-01-01', 4 FROM t;
INSERT INTO entitlement_overrides (id, tenant_id, name, value, reason, from_at) SELECT gen_random_uuid(), id, 'can_use_webhooks', 'true', 'x', '2026-01-01' FROM t WHERE n % 10 = 0;
INSERT INTO events (env_id, id, sequence, type, version, occurred_at, data)
    SELECT live, gen_random_uuid(), s, 'appointment.created', 1, '2026-09-01'::timestamptz + (n + s * 8) % 82 * interval '1 day', '{}' FROM t, generate_series(1, 10) AS s;
ANALYZE`

// lateEvents came after the last roll-up.
const lateEvents = `WITH late AS (UPDATE event_sequences SET last_sequence = 11 WHERE last_sequence = 10 AND env_id < '04000000-0000-0000-0000-000000000000' RETURNING env_id)
INSERT INTO events (env_id, id, sequence, type, version, occurred_at, data)
SELECT env_id, gen_random_uuid(), 11, 'appointment.created', 1, '2026-11-22', '{}' FROM late`

// measure times requests, and their statements alone, in turns.
func (p *platform) measure(b *testing.B, path string) {
	b.Helper()
	p.client.Get(b, path).Require(b, http.StatusOK)
	p.statements.record(true)
	p.client.Get(b, path).Require(b, http.StatusOK)
	recorded := p.statements.record(false)
	require.NotEmpty(b, recorded)
	var whole, bare []time.Duration
	b.ResetTimer()
	for range b.N {
		request := p.client.Request(b, http.MethodGet, path, nil)
		started := time.Now()
		response, err := p.client.Send(request)
		whole = append(whole, time.Since(started))
		require.NoError(b, err)
		require.Equal(b, http.StatusOK, response.Status)
		started = time.Now()
		for _, s := range recorded {
			rows, err := p.pool.Query(b.Context(), s.SQL, s.Args...)
			require.NoError(b, err)
			for rows.Next() {
				_, err := rows.Values()
				require.NoError(b, err)
			}
			require.NoError(b, rows.Err())
		}
		bare = append(bare, time.Since(started))
	}
	b.ReportMetric(float64(len(recorded)), "statements")
	b.ReportMetric(milliseconds(p95(whole)), "p95-ms")
	b.ReportMetric(milliseconds(p95(bare)), "p95-sql-ms")
	b.ReportMetric(float64(p95(whole))/float64(p95(bare)), "times-sql")
	b.ReportMetric(0, "ns/op") // half of it would be the statements alone
}

func p95(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)*95/100]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// statements records what reads.
type statements struct {
	mu   sync.Mutex
	on   bool
	list []pgx.TraceQueryStartData
}

// record begins or ends the recording, and returns what there was.
func (s *statements) record(on bool) []pgx.TraceQueryStartData {
	s.mu.Lock()
	defer s.mu.Unlock()
	recorded := s.list
	s.on, s.list = on, nil
	return recorded
}

// TraceQueryStart implements pgx.QueryTracer.
func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.on && (strings.Contains(data.SQL, "SELECT") && !strings.Contains(data.SQL, "INSERT")) {
		s.list = append(s.list, data)
	}
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
