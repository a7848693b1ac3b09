package walk

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// logged is a log whose records tests wait for.
type logged chan slog.Record

func (l logged) Enabled(context.Context, slog.Level) bool { return true }
func (l logged) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l logged) WithGroup(string) slog.Handler            { return l }

func (l logged) Handle(_ context.Context, r slog.Record) error {
	l <- r
	return nil
}

// next waits for a record with the message about the operation, and returns its status.
func (l logged) next(t *testing.T, message, operation string) (status int64) {
	t.Helper()
	for {
		select {
		case r := <-l:
			about := ""
			r.Attrs(func(a slog.Attr) bool {
				switch a.Key {
				case "operation":
					about = a.Value.String()
				case "status":
					status = a.Value.Int64()
				}
				return true
			})
			if r.Message == message && about == operation {
				return status
			}
		case <-t.Context().Done():
			require.Fail(t, "not logged", message)
		}
	}
}

// blocked is a server on which customers cannot be written, because a transaction of the
// test has locked their table.
type blocked struct {
	*apitest.Server
	owner *apitest.Client
	log   logged
	free  func()
}

func newBlocked(t *testing.T, change func(*app.Dependencies)) *blocked {
	t.Helper()
	log := make(logged, 1000)
	s := apitest.New(t, func(d *app.Dependencies) {
		d.Log = slog.New(log)
		change(d)
	})
	b := &blocked{Server: s, owner: s.Tenant(t, "a").Client(t, tenancy.RoleOwner), log: log}
	tx, err := s.DB.OwnerPool().Begin(t.Context())
	require.NoError(t, err)
	b.free = func() { require.NoError(t, tx.Rollback(context.WithoutCancel(t.Context()))) }
	_, err = tx.Exec(t.Context(), "LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	return b
}

// waiting is the number of statements that wait for the lock.
func (b *blocked) waiting(t *testing.T) (n int) {
	t.Helper()
	rows, err := b.DB.OwnerPool().Query(t.Context(),
		"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND wait_event_type = 'Lock'")
	require.NoError(t, err)
	n, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
	require.NoError(t, err)
	return n
}

func (b *blocked) metric(t *testing.T, line string) {
	t.Helper()
	require.Contains(t, string(b.owner.WithToken("").Get(t, "/metrics").Require(t, 200).Body), line+"\n")
}

// TestServer_deadline holds that a request ends although what it waits for does not, and
// that the database has stopped its work then.
func TestServer_deadline(t *testing.T) {
	t.Parallel()
	b := newBlocked(t, func(d *app.Dependencies) { d.Config.RequestTimeout = 3 * time.Second })
	defer b.free()
	b.owner.Post(t, "/api/v1/customers", m{"name": "Carla"}).RequireProblem(t, 503, "unavailable")
	require.Eventually(t, func() bool { return b.waiting(t) == 0 }, time.Minute, time.Millisecond)
}

// TestServer_deadline_client_leaves holds that nobody works for who is gone.
func TestServer_deadline_client_leaves(t *testing.T) {
	t.Parallel()
	b := newBlocked(t, func(d *app.Dependencies) { d.SlowAfter, d.Config.RequestTimeout = time.Millisecond, time.Hour })
	defer b.free()
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		request := b.owner.Request(t, http.MethodPost, "/api/v1/customers", m{"name": "Carla"}).WithContext(ctx)
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			err = answer.Body.Close()
		}
		gone <- err
	}()
	b.log.next(t, "request is slow and still runs", "createCustomer")
	require.Eventually(t, func() bool { return b.waiting(t) == 1 }, time.Minute, time.Millisecond)
	leave()
	require.ErrorIs(t, <-gone, context.Canceled)
	b.log.next(t, "request", "createCustomer")
	require.Eventually(t, func() bool { return b.waiting(t) == 0 }, time.Minute, time.Millisecond)
}

// TestServer_deadline_slow_requests holds that a request which takes long is seen while it
// runs, and no longer.
func TestServer_deadline_slow_requests(t *testing.T) {
	t.Parallel()
	b := newBlocked(t, func(d *app.Dependencies) { d.SlowAfter = 200 * time.Millisecond })
	answered := make(chan *apitest.Response, 1)
	go func() { answered <- b.owner.Post(t, "/api/v1/customers", m{"name": "Carla"}) }()
	b.log.next(t, "request is slow and still runs", "createCustomer")
	b.metric(t, `smoothschedule_http_slow_requests_total{operation="createCustomer"} 1`)
	b.metric(t, "smoothschedule_http_slow_requests_running 1")
	b.free()
	(<-answered).Require(t, 201)
	require.EqualValues(t, 201, b.log.next(t, "request", "createCustomer"))
	b.metric(t, "smoothschedule_http_slow_requests_running 0")
}

// TestOperations_far_ahead asks for days on which clocks were once seen to stand still, and
// for the last days there are: each request is answered, whatever the answer is.
func TestOperations_far_ahead(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, anyone := tenant.Client(t, tenancy.RoleOwner), tenant.Anonymous()
	o := populate(t, owner)
	owner.Do(t, http.MethodPatch, "/api/v1/services/"+o["service"], m{"horizon_days": nil}).Require(t, 200)
	for _, year := range []string{"2044", "2072", "2400", "2988", "2996"} {
		day, next := year+"-12-31", year+"-12-31T20:00:00Z"
		service := "service_id=" + o["service"] + "&from=" + year + "-12-30&to=" + day
		require.Empty(t, anyone.Get(t, publicly+"availability?"+service).Require(t, 200).Object(t)["data"], "too far ahead for the public")
		refused := anyone.Get(t, publicly+"availability?explain=true&"+service).Require(t, 200)
		require.Contains(t, string(refused.Body), `"horizon"`)
		anyone.Post(t, publicly+"holds", m{"service_id": o["service"], "start_at": next}).RequireProblem(t, 422, "validation_failed")
		anyone.Post(t, publicly+"appointments", o.slot(next)).RequireProblem(t, 422, "validation_failed")

		require.NotEmpty(t, owner.Get(t, "/api/v1/availability?"+service).Require(t, 200).Object(t)["data"])
		owner.Get(t, "/api/v1/availability/resources?"+service).Require(t, 200)
		wish := m{"service_id": o["service"], "customer_id": o["customer"], "start_at": next}
		owner.Post(t, "/api/v1/appointments", wish).Require(t, 201)
		taken := owner.Post(t, "/api/v1/appointments", wish).RequireProblem(t, 409, "slot_taken")
		require.NotEmpty(t, taken["alternatives"])
		owner.Post(t, "/api/v1/waitlist", m{
			"service_id": o["service"], "customer_id": o["customer"], "from": year + "-12-31T00:00:00Z", "to": year + "-12-31T23:00:00Z",
		}).Require(t, 201)
		owner.Post(t, "/api/v1/time-off", m{
			"start_at": "2027-01-01T09:00:00Z", "end_at": "2027-01-01T10:00:00Z", "rrule": "FREQ=MONTHLY;UNTIL=" + strings.ReplaceAll(day, "-", ""),
		}).Require(t, 201)
	}
	s.WorkJobs(t)
}
