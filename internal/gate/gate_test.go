package gate

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/gen/openapi"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

var update = flag.Bool("update", false, "write the golden table anew")

// Each change of a gate is one changed line of this file, for a reviewer to see.
func TestGoldenTable(t *testing.T) {
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
	require.Equal(t, string(want), table, "the gates changed; if that is meant: go test ./internal/gate -update")
}

func TestDecodeRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"nothing":             ``,
		"no access":           `{}`,
		"unknown access":      `{"access": "everyone"}`,
		"unknown word":        `{"access": "public", "role": "TENANT_OWNER"}`,
		"unknown role":        `{"access": "tenant", "roles": ["OWNER"]}`,
		"role twice":          `{"access": "tenant", "roles": ["CUSTOMER", "CUSTOMER"]}`,
		"tenant, no roles":    `{"access": "tenant"}`,
		"public with roles":   `{"access": "public", "roles": ["CUSTOMER"]}`,
		"platform for tenant": `{"access": "platform", "roles": ["TENANT_OWNER"]}`,
		"unknown feature":     `{"access": "tenant", "roles": ["CUSTOMER"], "feature": "can_fly"}`,
		"unknown quota":       `{"access": "tenant", "roles": ["CUSTOMER"], "quota": "max_fun"}`,
		"unknown masquerade":  `{"access": "user", "masquerade": "sometimes"}`,
		"public masquerade":   `{"access": "public", "masquerade": "never"}`,
		"public with quota":   `{"access": "public", "quota": "max_users"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decode(json.RawMessage(raw))
			require.Error(t, err)
		})
	}
}

func TestOrderOfRefusals(t *testing.T) {
	t.Parallel()
	g := Gate{Access: Tenant, Roles: []tenancy.Role{tenancy.RoleOwner}}
	platform := Gate{Access: Platform, Roles: []tenancy.Role{tenancy.RoleSuperuser}}
	owner := &tenancy.Principal{UserID: uuid.New(), Role: tenancy.RoleOwner}
	staff := &tenancy.Principal{UserID: uuid.New(), Role: tenancy.RoleStaff}
	superuser := &tenancy.Principal{UserID: uuid.New(), Role: tenancy.RoleSuperuser}
	helper := &tenancy.Principal{UserID: uuid.New(), Role: tenancy.RoleOwner, Impersonator: &tenancy.Impersonator{Role: tenancy.RoleSuperuser}}
	looker := &tenancy.Principal{
		UserID: uuid.New(), Role: tenancy.RoleOwner, Impersonator: &tenancy.Impersonator{Role: tenancy.RolePlatformSupport, ReadOnly: true},
	}
	writing := Gate{Access: Tenant, Roles: []tenancy.Role{tenancy.RoleOwner}, writes: true}
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
		"signed in":                {Gate{Access: User}, tenancy.Scope{Principal: staff}, nil},
		"not signed in":            {Gate{Access: User}, tenancy.Scope{}, &apperr.Unauthorized},
		"platform, tenant's owner": {platform, tenancy.Scope{Principal: owner, Tenant: active}, &apperr.RoleNotAllowed},
		"platform, its superuser":  {platform, tenancy.Scope{Principal: superuser}, nil},
		"masquerade":               {writing, tenancy.Scope{Principal: helper, Tenant: active}, nil},
		"masquerade, never":        {Gate{Access: User, Masquerade: MasqueradeNever}, tenancy.Scope{Principal: helper}, &apperr.MasqueradeRefused},
		"never, but no masquerade": {Gate{Access: User, Masquerade: MasqueradeNever}, tenancy.Scope{Principal: owner}, nil},
		"read-only, reading":       {g, tenancy.Scope{Principal: looker, Tenant: active}, nil},
		"read-only, writing":       {writing, tenancy.Scope{Principal: looker, Tenant: active}, &apperr.MasqueradeRefused},
		"read-only, always":        {Gate{Access: User, Masquerade: MasqueradeAlways, writes: true}, tenancy.Scope{Principal: looker}, nil},
		"read-only, public":        {Gate{Access: Public, writes: true}, tenancy.Scope{Principal: looker}, nil},
		"masquerade, suspended":    {g, tenancy.Scope{Principal: helper, Tenant: suspended}, &apperr.TenantSuspended},
		"platform helps a suspended": {
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
