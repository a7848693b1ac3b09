package gate

import (
	"context"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/gen/openapi"
	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

var update = flag.Bool("update", false, "rewrite the golden table")

// Every change of a gate changes one line of the golden file.
func TestTable_Golden(t *testing.T) {
	t.Parallel()
	const golden = "testdata/gates.golden"
	c, err := contract.Load(openapi.JSON)
	require.NoError(t, err)
	gates, err := Load(c)
	require.NoError(t, err)
	table := Table(c, gates)
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(table), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	if diff := lineDiff(string(want), table); diff != "" {
		t.Errorf("the gates have changed:\n%s\nIf that is intended, run: go test ./internal/gate -run Golden -update", diff)
	}
}

// lineDiff lists the lines that only want ("-") or only got ("+") has, or nothing if the texts are equal.
func lineDiff(want, got string) string {
	if want == got {
		return ""
	}
	wanted, found := strings.Split(want, "\n"), strings.Split(got, "\n")
	var diff []string
	for _, line := range wanted {
		if !slices.Contains(found, line) {
			diff = append(diff, "- "+line)
		}
	}
	for _, line := range found {
		if !slices.Contains(wanted, line) {
			diff = append(diff, "+ "+line)
		}
	}
	if diff == nil {
		return "the same lines in another order, or another number of times"
	}
	return strings.Join(diff, "\n")
}

func TestLineDiff(t *testing.T) {
	t.Parallel()
	require.Empty(t, lineDiff("a\nb", "a\nb"))
	require.Equal(t, "- b\n+ c", lineDiff("a\nb\nd", "a\nc\nd"))
	require.Equal(t, "+ c", lineDiff("a", "a\nc"))
	require.Contains(t, lineDiff("a\nb", "b\na"), "another order")
}

func TestDecode_refuses_invalid_gates(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"missing":               ``,
		"no access":             `{}`,
		"unknown access":        `{"access": "everyone"}`,
		"unknown word":          `{"access": "public", "role": "TENANT_OWNER"}`,
		"unknown role":          `{"access": "tenant", "roles": ["OWNER"]}`,
		"repeated role":         `{"access": "tenant", "roles": ["CUSTOMER", "CUSTOMER"]}`,
		"tenant, no roles":      `{"access": "tenant"}`,
		"public, roles":         `{"access": "public", "roles": ["CUSTOMER"]}`,
		"platform, tenant role": `{"access": "platform", "roles": ["TENANT_OWNER"]}`,
		"unknown feature":       `{"access": "tenant", "roles": ["CUSTOMER"], "feature": "can_fly"}`,
		"unknown quota":         `{"access": "tenant", "roles": ["CUSTOMER"], "quota": "max_fun"}`,
		"unknown masquerade":    `{"access": "user", "masquerade": "sometimes"}`,
		"public, masquerade":    `{"access": "public", "masquerade": "never"}`,
		"public, quota":         `{"access": "public", "quota": "max_users"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decode(json.RawMessage(raw))
			require.Error(t, err)
		})
	}
}

// An operation with a credential needs a rule for impersonation, wherever the credential is.
func TestLoad_requires_masquerade_with_credentials(t *testing.T) {
	t.Parallel()
	const inBody, inResponse, none = `{"type":"object","properties":{"passport":{"type":"object","properties":{"new_password":{"type":"string"}}}}}`,
		`{"type":"array","items":{"allOf":[{"type":"object","properties":{"api_token":{"type":"string"}}}]}}`,
		`{"type":"object","properties":{"token_type":{"type":"string"}}}`
	for name, tt := range map[string]struct {
		method, body, response, gate string
		valid                        bool
	}{
		"in the body, no rule":                 {"post", inBody, none, `"access":"user"`, false},
		"in the response, no rule":             {"get", none, inResponse, `"access":"user"`, false},
		"none":                                 {"post", none, none, `"access":"user"`, true},
		"in the body, never":                   {"post", inBody, none, `"access":"user","masquerade":"never"`, true},
		"in the response, redacted":            {"get", none, inResponse, `"access":"user","masquerade":"redacted"`, true},
		"in the response of a write, redacted": {"post", none, inResponse, `"access":"user","masquerade":"redacted"`, false},
		"none, redacted":                       {"get", none, none, `"access":"user","masquerade":"redacted"`, false},
		"public":                               {"post", inBody, inResponse, `"access":"public"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := `"requestBody":{"content":{"application/json":{"schema":` + tt.body + `}}},`
			if tt.method == "get" {
				request = ""
			}
			c, err := contract.Load([]byte(`{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/a":{"` + tt.method + `":{
				"operationId":"a","x-gate":{` + tt.gate + `},` + request + `
				"responses":{"200":{"description":"d","content":{"application/json":{"schema":` + tt.response + `}}}}}}}}`))
			require.NoError(t, err)
			_, err = Load(c)
			require.Equal(t, tt.valid, err == nil, "%v", err)
		})
	}
}

func TestGate_checkMethod(t *testing.T) {
	t.Parallel()
	for raw, methods := range map[string][]string{
		`{"access": "tenant", "roles": ["CUSTOMER"], "scope": "services:read"}`:  {"GET"},
		`{"access": "tenant", "roles": ["CUSTOMER"], "scope": "services:write"}`: {"POST", "PUT", "PATCH", "DELETE"},
		`{"access": "tenant", "roles": ["CUSTOMER"], "scope": "services:drop"}`:  {},
		`{"access": "tenant", "roles": ["CUSTOMER"], "scope": "tokens:write"}`:   {},
		`{"access": "user", "scope": "services:read"}`:                           {},
		`{"access": "tenant", "roles": ["CUSTOMER"], "idempotent": true}`:        {"POST"},
	} {
		g, err := decode(json.RawMessage(raw))
		require.NoError(t, err)
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			err := g.checkMethod(method)
			require.Equal(t, slices.Contains(methods, method), err == nil, "%s %s: %v", method, raw, err)
		}
	}
}

// A manager cannot grant a scope that allows an operation only for owners.
func TestGates_MayGive(t *testing.T) {
	t.Parallel()
	both, owner := []tenancy.Role{tenancy.RoleOwner, tenancy.RoleManager}, []tenancy.Role{tenancy.RoleOwner}
	gates := Gates{
		"readServices":  {Access: Tenant, Roles: both, Scope: "services:read"},
		"writeServices": {Access: Tenant, Roles: both, Scope: "services:write"},
		"readBusiness":  {Access: Tenant, Roles: both, Scope: "business:read"},
		"writeBusiness": {Access: Tenant, Roles: owner, Scope: "business:write"},
		"readWebhooks":  {Access: Tenant, Roles: owner, Scope: "webhooks:read"},
		"writeWebhooks": {Access: Tenant, Roles: both, Scope: "webhooks:write"},
		"writeTokens":   {Access: Tenant, Roles: owner},
	}
	for scope, want := range map[apitoken.Scope]bool{
		"services:read": true, "services:write": true, "business:read": true, "business:write": false,
		"webhooks:read": false, "webhooks:write": false, // write includes read
	} {
		require.True(t, gates.MayGive(tenancy.RoleOwner, scope), scope)
		require.Equal(t, want, gates.MayGive(tenancy.RoleManager, scope), scope)
		require.False(t, gates.MayGive(tenancy.RoleStaff, scope), scope)
		require.False(t, gates.MayGive("", scope), "tokens cannot grant scopes")
	}
}

func TestGate_Check(t *testing.T) {
	t.Parallel()
	g := Gate{Access: Tenant, Roles: []tenancy.Role{tenancy.RoleOwner}}
	platform := Gate{Access: Platform, Roles: []tenancy.Role{tenancy.RoleSuperuser}}
	scoped := Gate{Access: Tenant, Roles: []tenancy.Role{tenancy.RoleOwner}, Scope: "services:write"}
	token := func(scope apitoken.Scope) *tenancy.Principal {
		return &tenancy.Principal{Token: &tenancy.Token{Scopes: []apitoken.Scope{scope}}}
	}
	owner := &tenancy.Principal{UserID: uuid.New(), Role: tenancy.RoleOwner}
	staff := &tenancy.Principal{UserID: uuid.New(), Role: tenancy.RoleStaff}
	superuser := &tenancy.Principal{UserID: uuid.New(), Role: tenancy.RoleSuperuser}
	impersonated := &tenancy.Principal{
		UserID: uuid.New(), Role: tenancy.RoleOwner, Impersonator: &tenancy.Impersonator{Role: tenancy.RoleSuperuser, MayWrite: true},
	}
	readOnly := &tenancy.Principal{UserID: uuid.New(), Role: tenancy.RoleOwner, Impersonator: &tenancy.Impersonator{Role: tenancy.RolePlatformSupport}}
	writing := Gate{Access: Tenant, Roles: []tenancy.Role{tenancy.RoleOwner}}
	reading := Gate{Access: Tenant, Roles: []tenancy.Role{tenancy.RoleOwner}, reads: true}
	active, suspended := &tenancy.Tenant{Status: tenancy.StatusActive}, &tenancy.Tenant{Status: tenancy.StatusSuspended}
	tests := map[string]struct {
		gate  Gate
		scope tenancy.Scope
		want  *apperr.Code
	}{
		"anonymous, no tenant":     {g, tenancy.Scope{}, &apperr.Unauthorized},
		"anonymous, tenant":        {g, tenancy.Scope{Tenant: active}, &apperr.Unauthorized},
		"no tenant, wrong role":    {g, tenancy.Scope{Principal: staff}, &apperr.TenantRequired},
		"suspended, wrong role":    {g, tenancy.Scope{Principal: staff, Tenant: suspended}, &apperr.TenantSuspended},
		"suspended":                {g, tenancy.Scope{Principal: owner, Tenant: suspended}, &apperr.TenantSuspended},
		"wrong role":               {g, tenancy.Scope{Principal: staff, Tenant: active}, &apperr.RoleNotAllowed},
		"allowed":                  {g, tenancy.Scope{Principal: owner, Tenant: active}, nil},
		"public":                   {Gate{Access: Public}, tenancy.Scope{}, nil},
		"token without scope":      {scoped, tenancy.Scope{Principal: token("customers:write"), Tenant: active}, &apperr.ScopeRequired},
		"token that may only read": {scoped, tenancy.Scope{Principal: token("services:read"), Tenant: active}, &apperr.ScopeRequired},
		"token with the scope":     {scoped, tenancy.Scope{Principal: token("services:write"), Tenant: active}, nil},
		"token, no scope named":    {g, tenancy.Scope{Principal: token("services:write"), Tenant: active}, &apperr.TokenNotAccepted},
		"token, suspended":         {scoped, tenancy.Scope{Principal: token("services:write"), Tenant: suspended}, &apperr.TenantSuspended},
		"token, access user":       {Gate{Access: User}, tenancy.Scope{Principal: token("services:write"), Tenant: active}, &apperr.TokenNotAccepted},
		"token, platform":          {platform, tenancy.Scope{Principal: token("services:write"), Tenant: active}, &apperr.TokenNotAccepted},
		"token, public":            {Gate{Access: Public}, tenancy.Scope{Principal: token("services:write"), Tenant: active}, nil},
		"signed in":                {Gate{Access: User}, tenancy.Scope{Principal: staff}, nil},
		"not signed in":            {Gate{Access: User}, tenancy.Scope{}, &apperr.Unauthorized},
		"platform, tenant's owner": {platform, tenancy.Scope{Principal: owner, Tenant: active}, &apperr.RoleNotAllowed},
		"platform, its superuser":  {platform, tenancy.Scope{Principal: superuser}, nil},
		"impersonation":            {writing, tenancy.Scope{Principal: impersonated, Tenant: active}, nil},
		"impersonation, never":     {Gate{Access: User, Masquerade: MasqueradeNever}, tenancy.Scope{Principal: impersonated}, &apperr.MasqueradeRefused},
		"never, no impersonation":  {Gate{Access: User, Masquerade: MasqueradeNever}, tenancy.Scope{Principal: owner}, nil},
		"read-only, reading":       {reading, tenancy.Scope{Principal: readOnly, Tenant: active}, nil},
		"read-only, writing":       {writing, tenancy.Scope{Principal: readOnly, Tenant: active}, &apperr.MasqueradeRefused},
		"read-only, always":        {Gate{Access: User, Masquerade: MasqueradeAlways}, tenancy.Scope{Principal: readOnly}, nil},
		"read-only, public":        {Gate{Access: Public}, tenancy.Scope{Principal: readOnly}, nil},
		"impersonation, suspended": {g, tenancy.Scope{Principal: impersonated, Tenant: suspended}, &apperr.TenantSuspended},
		"zero gate":                {Gate{}, tenancy.Scope{Principal: owner, Tenant: active}, &apperr.RoleNotAllowed},
		"zero gate, anonymous":     {Gate{}, tenancy.Scope{Tenant: active}, &apperr.Unauthorized},
		"zero gate, token":         {Gate{}, tenancy.Scope{Principal: token("services:write"), Tenant: active}, &apperr.TokenNotAccepted},
		"zero impersonator": {
			writing,
			tenancy.Scope{Principal: &tenancy.Principal{Role: tenancy.RoleOwner, Impersonator: &tenancy.Impersonator{}}, Tenant: active},
			&apperr.MasqueradeRefused,
		},
		"superuser, suspended": {
			Gate{Access: Tenant, Roles: []tenancy.Role{tenancy.RoleSuperuser}},
			tenancy.Scope{Principal: superuser, Tenant: suspended},
			nil,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.gate.Check(context.Background(), &tt.scope)
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, apperr.New(*tt.want, ""))
		})
	}
}

// A scope that no operation names could be granted but would have no effect.
func TestLoad_uses_every_scope(t *testing.T) {
	t.Parallel()
	c, err := contract.Load(openapi.JSON)
	require.NoError(t, err)
	gates, err := Load(c)
	require.NoError(t, err)
	named := map[apitoken.Scope]bool{}
	for _, g := range gates {
		if g.Scope != "" {
			named[g.Scope] = true
		}
	}
	require.ElementsMatch(t, apitoken.Scopes(), slices.Collect(maps.Keys(named)))
}
