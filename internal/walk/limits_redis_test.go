//go:build redis

package walk

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/ratelimit"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/redistest"
)

func TestServersShareLimitsInRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.New(t)
	shared := apitest.WithConfig(func(c *app.Config) { c.RateLimits, c.RedisURL = ratelimit.On, redis.URL })
	a := apitest.New(t, shared)
	b := apitest.NewOn(t, a.DB, shared)
	tenant := a.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	free(t, a, tenant)
	program := owner.APIToken(t, true, "customers:write")
	other := b.Client(tenant.Host).WithToken(program.Token())
	for range 20 {
		program.Post(t, "/api/v1/customers", m{"nonsense": true})
	}
	// Redis has a clock of its own, which goes on: some may have come back meanwhile.
	refused := 0
	for range 20 {
		if other.Post(t, "/api/v1/customers", m{"nonsense": true}).Status == 429 {
			refused++
		}
	}
	require.Positive(t, refused, "by itself, the second server would have allowed all of them")
}
