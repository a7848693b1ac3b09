package walk

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// withPassword replaces each new password in a body, and returns where they are.
func withPassword(body any, at, password string) (pointers []string) {
	object, _ := body.(m)
	for name, part := range object {
		if strings.HasSuffix(name, "password") && name != "current_password" {
			object[name] = password
			pointers = append(pointers, at+"/"+name)
		}
		pointers = append(pointers, withPassword(part, at+"/"+name, password)...)
	}
	return pointers
}

// Wherever somebody chooses a password, one that is easily guessed is refused, with its field.
func TestNewPasswords_EasilyGuessed(t *testing.T) {
	t.Parallel()
	p := everyNoun.new(t)
	s, c, o := p.server, p.callers, p.objects
	chosen := 0
	for _, op := range s.App.Contract.Operations() {
		f := fixtures[op.ID]
		if f.body == nil || op.ID == "login" {
			continue
		}
		for _, weak := range []string{"1234567890", "qwertyuiop", "password2026", "aaaaaaaaaaaa"} {
			body := deepCopy(t, f.body(o))
			pointers := withPassword(body, "", weak)
			if len(pointers) == 0 {
				break
			}
			chosen++
			path, _ := f.call(op, o)
			problem := c.of(s.App.Gates[op.ID]).Do(t, op.Method, path, body).RequireProblem(t, 422, "validation_failed")
			require.Equal(t, pointers[0], problem["errors"].([]any)[0].(m)["pointer"], op.ID)
			require.Contains(t, problem["detail"], "easy to guess")
		}
	}
	require.Equal(t, 5*4, chosen)
}

// Nobody learns the password of a colleague: not of one above, nor of a peer, whatever they send.
func TestPasswords_OfPeers(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	founder, coOwner := tenant.User(t, tenancy.RoleOwner, false), tenant.Client(t, tenancy.RoleOwner)
	manager, other := tenant.Client(t, tenancy.RoleManager), tenant.User(t, tenancy.RoleManager, false)
	staff := tenant.User(t, tenancy.RoleStaff, false)
	for _, tt := range []struct {
		by *apitest.Client
		of string
	}{{coOwner, founder.ID.String()}, {manager, other.ID.String()}, {manager, founder.ID.String()}} {
		user := "/api/v1/users/" + tt.of
		tt.by.Do(t, "PATCH", user, m{"password": "typed by somebody else"}).RequireProblem(t, 400, "invalid_request")
		tt.by.Post(t, user+"/password-reset", nil).RequireProblem(t, 403, "role_not_allowed")
		for _, change := range []m{{"email": "mine@a.example"}, {"role": "TENANT_STAFF"}, {"is_active": false}, {"username": "mine"}, {"name": "Mine"}} {
			tt.by.Do(t, "PATCH", user, change).RequireProblem(t, 403, "role_not_allowed")
		}
		tt.by.Do(t, "DELETE", user, nil).RequireProblem(t, 403, "role_not_allowed")
	}
	manager.Post(t, "/api/v1/users", m{"email": "peer@a.example", "name": "Peer", "role": "TENANT_MANAGER", "password": "typed by somebody"}).
		RequireProblem(t, 403, "role_not_allowed")
	s.Login(t, tenant.Host, founder.Email)

	var reset struct{ Token string }
	manager.Post(t, "/api/v1/users/"+staff.ID.String()+"/password-reset", nil).Require(t, 201).Decode(t, &reset)
	tenant.Anonymous().Post(t, "/api/auth/password/reset/", m{"token": reset.Token, "new_password": "four random words here"}).Require(t, 204)
	tenant.Anonymous().Post(t, "/api/auth/login/", m{"email": staff.Email, "password": "four random words here"}).Require(t, 200)
	tenant.Anonymous().Post(t, "/api/auth/password/reset/", m{"token": reset.Token, "new_password": "four random words here"}).
		RequireProblem(t, 404, "not_found")
}

// deepCopy is a body that can be changed without the fixture's.
func deepCopy(t *testing.T, body any) (copied m) {
	t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &copied))
	return copied
}
