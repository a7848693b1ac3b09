package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		want apperr.Code
	}{
		"known":                         {apperr.New(apperr.InUse, "x"), apperr.InUse},
		"known, wrapped":                {fmt.Errorf("service: %w", apperr.New(apperr.InUse, "x")), apperr.InUse},
		"unknown":                       {errors.New("password=hunter2"), apperr.InternalError},
		"no route":                      {echo.ErrNotFound, apperr.NotFound},
		"no method":                     {echo.ErrMethodNotAllowed, apperr.MethodNotAllowed},
		"too large":                     {echo.ErrStatusRequestEntityTooLarge, apperr.BodyTooLarge},
		"binding":                       {echo.NewHTTPError(http.StatusBadRequest, "column users.secret"), apperr.InvalidRequest},
		"known inside of routing":       {echo.NewHTTPError(http.StatusBadRequest).SetInternal(apperr.New(apperr.BodyTooLarge, "x")), apperr.BodyTooLarge},
		"untranslated unique violation": {&pgconn.PgError{Code: "23505", Message: "duplicate key"}, apperr.InternalError},
		"character":                     {&pgconn.PgError{Code: "22021"}, apperr.InvalidRequest},
		"statement timeout":             {&pgconn.PgError{Code: "57014"}, apperr.ServiceUnavailable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := classify(tt.err)
			require.Equal(t, tt.want.Name, got.Code.Name)
			require.NotContains(t, got.Detail, "hunter2")
			require.NotContains(t, got.Detail, "secret")
			require.NotContains(t, got.Detail, "duplicate")
		})
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, code := range apperr.Codes() {
		require.NotZero(t, statuses[code.Kind], code.Name)
		require.NotEmpty(t, code.Title, code.Name)
		require.False(t, seen[code.Name], "%s is repeated", code.Name)
		seen[code.Name] = true
	}
}

func TestEncodeProblem_omits_invalid_members(t *testing.T) {
	t.Parallel()
	e := apperr.New(apperr.SlotTaken, "taken").With("status", 200).With("zebra", 1).With("ape", "x").With("broken", func() {})
	body, err := encodeProblem(e, "r1")
	require.Error(t, err)
	var members map[string]any
	require.NoError(t, json.Unmarshal(body, &members))
	require.EqualValues(t, 409, members["status"])
	require.Equal(t, "x", members["ape"])
	require.NotContains(t, members, "broken")
}

// For any texts the body is one valid JSON object with all standard members.
func FuzzEncodeProblem(f *testing.F) {
	f.Add("detail", "pointer", "member", "value")
	f.Add("\xff\x00\"", "/a~1b", "", "\u2028")
	f.Add("", "", "type", "}")
	f.Fuzz(func(t *testing.T, detail, pointer, member, value string) {
		e := apperr.New(apperr.ValidationFailed, "%s", detail).
			WithFields(apperr.Field{Pointer: pointer, Detail: detail}).With(member, value)
		body, err := encodeProblem(e, "r1")
		if err != nil && !standardMembers[member] {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(body, &members); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		for _, name := range []string{"type", "title", "status", "detail", "code", "request_id", "success", "error", "errors"} {
			if _, ok := members[name]; !ok {
				t.Fatalf("%s is missing in %s", name, body)
			}
		}
		if members["code"] != "validation_failed" || members["success"] != false || members["error"] != members["detail"] {
			t.Fatalf("wrong members in %s", body)
		}
	})
}
