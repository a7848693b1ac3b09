package developer_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// The same read with a session and with an API token: the look-up of a token must cost
// no more. Requests go through the whole handler, but not through the network.
func BenchmarkAuthenticatedRead(b *testing.B) {
	s := apitest.New(b)
	owner := s.Tenant(b, "a").Client(b, tenancy.RoleOwner)
	for range 20 {
		owner.Post(b, "/api/v1/customers", m{"name": "Carla"}).Require(b, 201)
	}
	program := owner.APIToken(b, false, "customers:read")
	for _, way := range []struct {
		name   string
		client *apitest.Client
	}{{"session", owner}, {"token", program}} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				recorder := httptest.NewRecorder()
				s.App.Handler.ServeHTTP(recorder, way.client.Request(b, http.MethodGet, "/api/v1/customers", nil))
				require.Equal(b, http.StatusOK, recorder.Code)
			}
		})
	}
}
