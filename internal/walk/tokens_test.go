package walk

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// Each operation that names a scope works with a token that has just this one, and what the events
// need that it sends.
func TestEveryOperationWorksWithAToken(t *testing.T) {
	t.Parallel()
	p := everyNoun.new(t)
	shared, sharedOwner, sharedObjects := p.server, p.owner, p.objects
	checked := 0
	for id, f := range fixtures {
		g := shared.App.Gates[id]
		if g.Scope == "" {
			continue
		}
		checked++
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s, owner, o := shared, sharedOwner, sharedObjects
			if g.Scope.Writes() { // what they change, others need
				p := everyNoun.new(t)
				s, owner, o = p.server, p.owner, p.objects
			}
			if f.before != nil {
				f.before(t, owner, o)
			}
			op := s.Operation(t, id)
			path, body := f.call(op, o)
			token := owner.APIToken(t, f.sandbox, append([]string{string(g.Scope)}, f.scopes...)...)
			response := token.Do(t, op.Method, path, body).Require(t, f.want)
			require.Equal(t, strconv.FormatBool(f.sandbox), response.Header.Get("X-Sandbox-Mode"))
		})
	}
	require.Greater(t, checked, 30)
}

// A token with every scope but the one, and, for a change, with read instead of write,
// is refused; and no token can do what names no scope.
func TestATokenNeedsTheScope(t *testing.T) {
	t.Parallel()
	p := everyNoun.new(t)
	s, c, o := p.server, p.callers, p.objects
	owner := c.owner
	o["session"] = s.SessionID(t, owner)
	all := []string{}
	for _, scope := range apitoken.Scopes() {
		all = append(all, string(scope))
	}
	everything := owner.APIToken(t, false, all...)
	walk(t, s, func(t *testing.T, op *contract.Operation, g gate.Gate, f fixture) {
		t.Helper()
		if g.Access == gate.Public {
			return
		}
		path, body := f.call(op, o)
		if g.Scope == "" {
			everything.Do(t, op.Method, path, body).RequireProblem(t, 403, "token_not_accepted")
			return
		}
		others := []string{}
		for _, scope := range apitoken.Scopes() {
			if scope.Noun() != g.Scope.Noun() || g.Scope.Writes() && !scope.Writes() {
				others = append(others, string(scope))
			}
		}
		problem := owner.APIToken(t, false, others...).Do(t, op.Method, path, body).RequireProblem(t, 403, "scope_required")
		require.Equal(t, string(g.Scope), problem["required_scope"])
		require.Len(t, problem["granted_scopes"], len(others))
		if !g.Scope.Writes() { // write implies read
			write := apitoken.Scope(g.Scope.Noun() + ":write")
			if write.Valid() {
				owner.APIToken(t, false, string(write)).Do(t, op.Method, path, body).Require(t, f.want)
			}
		}
	})
}

// A token with exactly one scope passes the gates of the operations that name it, of those that
// only read the same noun if it is one for writing, and no others.
func TestEveryScopeOpensWhatNamesIt(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	o := anything() // nothing of it exists, so what passes changes little
	for _, scope := range apitoken.Scopes() {
		t.Run(string(scope), func(t *testing.T) {
			t.Parallel()
			token := owner.APIToken(t, false, string(scope))
			walk(t, s, func(t *testing.T, op *contract.Operation, g gate.Gate, f fixture) {
				t.Helper()
				if g.Access == gate.Public {
					return
				}
				path, body := f.call(op, o)
				response := token.Do(t, op.Method, path, body)
				switch {
				case g.Scope == "":
					response.RequireProblem(t, 403, "token_not_accepted")
				case g.Scope != scope && (g.Scope.Writes() || g.Scope.Noun() != scope.Noun()):
					require.Equal(t, string(g.Scope), response.RequireProblem(t, 403, "scope_required")["required_scope"])
				case response.Status == http.StatusForbidden:
					require.NotEqual(t, string(scope), response.Object(t)["required_scope"])
				default:
					require.NotEqual(t, http.StatusUnauthorized, response.Status)
				}
			})
		})
	}
}

// The document for third parties has what tokens can call, and nothing else.
func TestTheDocumentForThirdParties(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	response := s.Client("localhost").Get(t, "/api/openapi.json?audience=third-party").Require(t, 200)
	document, err := contract.Load(response.Body)
	require.NoError(t, err)
	listed := []string{}
	for _, op := range document.Operations() {
		listed = append(listed, op.ID)
		require.Nil(t, op.Gate, op.ID)
	}
	callable := []string{}
	for _, op := range s.App.Contract.Operations() {
		if s.App.Gates[op.ID].Scope != "" {
			callable = append(callable, op.ID)
		}
	}
	require.Equal(t, callable, listed)
	for _, word := range []string{"session_cookie", "createToken", `"x-gate"`, `"x-gate-of"`} {
		require.False(t, strings.Contains(string(response.Body), word), word) //nolint:testifylint // it would print the document
	}
	s.Client("localhost").Get(t, "/api/openapi.json?audience=everybody").RequireProblem(t, 400, "invalid_request")
}

// The list of scopes in the contract is the one of the code.
func TestScopesOfTheContract(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	schema := s.Operation(t, "createToken").Spec.RequestBody.Value.Content["application/json"].Schema.Value
	names := []apitoken.Scope{}
	for _, name := range schema.Properties["scopes"].Value.Items.Value.Enum {
		names = append(names, apitoken.Scope(name.(string)))
	}
	require.Equal(t, apitoken.Scopes(), names)
}
