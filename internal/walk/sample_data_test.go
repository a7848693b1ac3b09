package walk

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

const samplePath = "/api/v1/sandbox/sample-data"

// requireSample fails unless the client sees exactly the sample data.
func requireSample(t *testing.T, c *apitest.Client) {
	t.Helper()
	for path, want := range map[string]int{"resources": 3, "services": 4, "customers": 3, "appointments": 6} {
		require.Len(t, c.Get(t, "/api/v1/"+path+"?limit=100").Require(t, 200).IDs(t), want, path)
	}
}

func TestSampleData(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	free(t, s, tenant)
	owner := tenant.Client(t, tenancy.RoleOwner)
	sandbox := owner.Sandbox()
	owner.Post(t, samplePath, nil).RequireProblem(t, 403, "sandbox_only")
	tenant.Client(t, tenancy.RoleStaff).Sandbox().Post(t, samplePath, nil).RequireProblem(t, 403, "role_not_allowed")

	want := m{"resources": 3.0, "services": 4.0, "customers": 3.0, "appointments": 6.0}
	require.Equal(t, want, sandbox.Post(t, samplePath, nil).Require(t, 201).Object(t))
	requireSample(t, sandbox)
	requireCatalogued(t, s, sandbox)
	require.Empty(t, owner.Get(t, "/api/v1/resources").Require(t, 200).IDs(t), "the live world has none of it")
	sandbox.Post(t, samplePath, nil).RequireProblem(t, 409, "already_exists")

	// Emptied, and on another clock, it is filled again, with appointments to come.
	owner.Post(t, "/api/sandbox/reset/", nil).Require(t, 200)
	owner.Post(t, "/api/v1/sandbox/clock", m{"now": "2030-02-01T00:00:00Z"}).Require(t, 200)
	sandbox.Post(t, samplePath, nil).Require(t, 201)
	for _, a := range sandbox.Get(t, "/api/v1/appointments").Require(t, 200).Object(t)["data"].([]any) {
		require.Equal(t, 2030, instant(t, a.(m)["start_at"]).Year())
	}

	// One customer is enough not to be empty, or one time off, or hours.
	owner.Post(t, "/api/sandbox/reset/", nil).Require(t, 200)
	sandbox.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201)
	sandbox.Post(t, samplePath, nil).RequireProblem(t, 409, "already_exists")
	owner.Post(t, "/api/sandbox/reset/", nil).Require(t, 200)
	sandbox.Post(t, "/api/v1/time-off", m{"title": "Move", "start_at": "2030-02-01T00:00:00Z", "end_at": "2030-03-01T00:00:00Z"}).Require(t, 201)
	sandbox.Post(t, samplePath, nil).RequireProblem(t, 409, "already_exists")
	owner.Post(t, "/api/sandbox/reset/", nil).Require(t, 200)
	sandbox.Do(t, http.MethodPut, hoursPath, sundays).Require(t, 200)
	sandbox.Post(t, samplePath, nil).RequireProblem(t, 409, "already_exists")
	require.Equal(t, sundays["weekly"], sandbox.Get(t, hoursPath).Require(t, 200).Object(t)["weekly"])
}

const hoursPath = "/api/v1/business/hours"

var sundays = m{"weekly": []any{m{"day": "SUNDAY", "intervals": []any{m{"start": "10:00", "end": "12:00"}}}}}

// Whoever sets the hours while sample data are made keeps them: either they came before and
// there are no sample data, or they replace those of the sample.
func TestSampleDataOverwriteNoHours(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	sandbox := owner.Sandbox()
	for range 8 {
		owner.Post(t, "/api/sandbox/reset/", nil).Require(t, 200)
		var set, filled *apitest.Response
		var setErr, fillErr error
		var group sync.WaitGroup
		group.Go(func() { set, setErr = sandbox.Send(sandbox.Request(t, http.MethodPut, hoursPath, sundays)) })
		group.Go(func() { filled, fillErr = sandbox.Send(sandbox.Request(t, http.MethodPost, samplePath, nil)) })
		group.Wait()
		require.NoError(t, setErr)
		require.NoError(t, fillErr)
		set.Require(t, 200)
		require.Contains(t, []int{201, 409}, filled.Status)
		require.Equal(t, sundays["weekly"], sandbox.Get(t, hoursPath).Require(t, 200).Object(t)["weekly"])
	}
}

// Without room for all of it, none of it is made, with and without a key.
func TestSampleDataAreAllOrNothing(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	sandbox := tenant.Client(t, tenancy.RoleOwner).Sandbox()
	tenant.Override(t, "max_appointments", 4)
	for _, c := range []*apitest.Client{sandbox, sandbox.WithHeader("Idempotency-Key", uuid.NewString())} {
		c.Post(t, samplePath, nil).RequireProblem(t, 403, "quota_exceeded")
		for _, path := range []string{"resources", "services", "customers", "appointments"} {
			require.Empty(t, sandbox.Get(t, "/api/v1/"+path).Require(t, 200).IDs(t), path)
		}
	}
	tenant.Override(t, "max_appointments", 6)
	sandbox.Post(t, samplePath, nil).Require(t, 201)
	requireSample(t, sandbox)
}

func TestSampleDataAreMadeOnce(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	sandbox := s.Tenant(t, "a").Client(t, tenancy.RoleOwner).Sandbox()
	var made, refused atomic.Int64
	var group sync.WaitGroup
	for i := range 8 {
		c := sandbox
		if i%2 == 0 {
			c = c.WithHeader("Idempotency-Key", uuid.NewString())
		}
		group.Go(func() {
			response, err := c.Send(c.Request(t, http.MethodPost, samplePath, nil))
			switch {
			case err == nil && response.Status == 201:
				made.Add(1)
			case err == nil && response.Status == 409:
				refused.Add(1)
			default:
				t.Errorf("sample data: %v %v", err, response)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, made.Load())
	require.EqualValues(t, 7, refused.Load())
	requireSample(t, sandbox)
}
