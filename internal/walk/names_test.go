package walk

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// Names are kept in one form, whatever they name.
func TestNamesAreKeptClean(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	const given, kept = "\u2003Rene\u0301e \u00a0\u200b", "Renée"
	for path, body := range map[string]m{
		"/api/v1/customers": {}, "/api/v1/resources": {"type": "ROOM"}, "/api/v1/services": {"duration_minutes": 60},
		"/api/v1/tokens": {"scopes": []string{"services:read"}}, "/api/v1/users": {"email": "r@a.example", "role": "TENANT_STAFF", "password": "a first password"},
	} {
		body["name"] = given
		created := owner.Post(t, path, body).Require(t, 201)
		require.Equal(t, kept, created.Object(t)["name"], path)
		changed := owner.Do(t, http.MethodPatch, path+"/"+created.ID(t), m{"name": given + "x\t"}).Require(t, 200)
		require.Equal(t, kept+" \u00a0\u200bx", changed.Object(t)["name"], path)
	}
	off := owner.Post(t, "/api/v1/time-off", m{"title": given, "start_at": "2030-01-01T10:00:00Z", "end_at": "2030-01-01T11:00:00Z"}).Require(t, 201)
	require.Equal(t, kept, off.Object(t)["title"])
	owner.Post(t, "/api/v1/customers", m{"name": "👩‍👩‍👧 دار\u200cالشفاء", "tags": []string{given, kept, "vip"}}).Require(t, 201)
	page := owner.Get(t, "/api/v1/customers?tag="+url.QueryEscape(given)).Require(t, 200).Object(t)["data"].([]any)
	require.Len(t, page, 1)
	require.Equal(t, []any{kept, "vip"}, page[0].(m)["tags"])
}
