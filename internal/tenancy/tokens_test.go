package tenancy

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
)

// A request with an API token must know the same about the tenant as one with a session:
// a column that only one of the two queries has would be forgotten for the other.
func TestTokensAndSessionsKnowTheSameAboutTheTenant(t *testing.T) {
	t.Parallel()
	ofSessions := []string{"SessionID", "SandboxMode", "ReadOnly", "User", "Impersonator"}
	bySession, byToken := reflect.TypeFor[tenancydb.ResolveRequestRow](), reflect.TypeFor[tenancydb.ResolveTokenRequestRow]()
	compared := 0
fields:
	for field := range bySession.Fields() {
		for _, prefix := range ofSessions {
			if strings.HasPrefix(field.Name, prefix) {
				continue fields
			}
		}
		compared++
		other, ok := byToken.FieldByName(field.Name)
		require.True(t, ok, "queries/tenancy/tokens.sql lacks %s", field.Name)
		require.Equal(t, field.Type, other.Type, field.Name)

		// And it is handed on.
		row := tenancydb.ResolveTokenRequestRow{}
		value := reflect.ValueOf(&row).Elem().FieldByName(field.Name)
		value.Set(filled(field.Type))
		require.False(t, reflect.ValueOf(tenantOfToken(row)).FieldByName(field.Name).IsZero(), "tenantOfToken forgets %s", field.Name)
	}
	require.Greater(t, compared, 8)
}

// filled is a value that is not the zero one.
func filled(t reflect.Type) reflect.Value {
	switch t.Kind() {
	case reflect.Pointer:
		return reflect.New(t.Elem())
	case reflect.Slice:
		return reflect.MakeSlice(t, 1, 1)
	case reflect.Array:
		value := reflect.New(t).Elem()
		value.Index(0).SetUint(1)
		return value
	case reflect.Int64:
		return reflect.ValueOf(int64(1)).Convert(t)
	default:
		return reflect.ValueOf("x").Convert(t)
	}
}
