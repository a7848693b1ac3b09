package gate

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// eventContract returns a contract with operations and one event type, whose schema has the extension.
func eventContract(t *testing.T, extension string) (*contract.Contract, Gates) {
	t.Helper()
	const operation = `{"operationId":%q,"x-gate":%s,"responses":{"200":{"description":"ok"}}}`
	document := `{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{
		"/a":{"get":` + fmt.Sprintf(operation, "getInvoice", `{"access":"tenant","roles":["TENANT_OWNER"],"scope":"services:read"}`) + `,
		"post":` + fmt.Sprintf(operation, "createInvoice", `{"access":"tenant","roles":["TENANT_OWNER"],"scope":"services:write"}`) + `},
		"/b":{"get":` + fmt.Sprintf(operation, "getMeta", `{"access":"public"}`) + `},
		"/c":{"get":` + fmt.Sprintf(operation, "getSecret", `{"access":"tenant","roles":["TENANT_OWNER"]}`) + `}},
		"components":{"schemas":{
			"Event":{"oneOf":[{"$ref":"#/components/schemas/Paid"}],"discriminator":{"propertyName":"type","mapping":{"invoice.paid":"#/components/schemas/Paid"}}},
			"Paid":{"type":"object"` + extension + `}}}}`
	c, err := contract.Load([]byte(document))
	require.NoError(t, err)
	gates, err := Load(c)
	require.NoError(t, err)
	return c, gates
}

// The server does not start if the gate of an event type is missing or invalid.
func TestLoadEvents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ extension, want string }{
		"no operation named":       {``, "is missing"},
		"an unknown operation":     {`,"x-gate-of":"getInvoices"`, `unknown operation "getInvoices"`},
		"an operation that writes": {`,"x-gate-of":"createInvoice"`, "createInvoice is not a read with tenant access"},
		"a public operation":       {`,"x-gate-of":"getMeta"`, "getMeta is not a read with tenant access"},
		"not a name":               {`,"x-gate-of":["getInvoice"]`, "is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, gates := eventContract(t, tt.extension)
			_, err := LoadEvents(c, gates)
			require.ErrorContains(t, err, "event invoice.paid: x-gate-of")
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestEventGates_Check(t *testing.T) {
	t.Parallel()
	load := func(of string) *EventGates {
		c, gates := eventContract(t, `,"x-gate-of":"`+of+`"`)
		events, err := LoadEvents(c, gates)
		require.NoError(t, err)
		require.Equal(t, []string{"invoice.paid"}, events.Types())
		return events
	}
	open, closed := load("getInvoice"), load("getSecret")
	require.Equal(t, apitoken.Scope("services:read"), open.Scope("invoice.paid"))
	require.Empty(t, closed.Scope("invoice.paid"))
	token := func(scopes ...apitoken.Scope) *tenancy.Principal {
		return &tenancy.Principal{Token: &tenancy.Token{Scopes: scopes}}
	}
	for name, tt := range map[string]struct {
		events    *EventGates
		principal *tenancy.Principal
		eventType string
		want      *apperr.Code
	}{
		"a token with the scope":     {open, token("services:read"), "invoice.paid", nil},
		"write includes read":        {open, token("services:write"), "invoice.paid", nil},
		"a token with another":       {open, token("customers:write", "events:read"), "invoice.paid", &apperr.ScopeRequired},
		"a token without any":        {open, token(), "invoice.paid", &apperr.ScopeRequired},
		"no scope":                   {closed, token("services:write"), "invoice.paid", &apperr.TokenNotAccepted},
		"a role that may":            {closed, &tenancy.Principal{UserID: uuid.New(), Role: tenancy.RoleOwner}, "invoice.paid", nil},
		"a role that may not":        {open, &tenancy.Principal{UserID: uuid.New(), Role: tenancy.RoleManager}, "invoice.paid", &apperr.RoleNotAllowed},
		"a type that does not exist": {open, &tenancy.Principal{UserID: uuid.New(), Role: tenancy.RoleOwner}, "invoice.sent", &apperr.RoleNotAllowed},
		"no principal":               {open, nil, "invoice.paid", &apperr.RoleNotAllowed},
		"the zero value":             {&EventGates{}, token("services:write"), "invoice.paid", &apperr.RoleNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.events.Check(tt.principal, tt.eventType)
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, apperr.New(*tt.want, ""))
		})
	}
}
