package walk

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// Whatever is sent, the answer is a problem that says what is wrong: never a 5xx,
// never a success.
func TestMalformedInputIsRefused(t *testing.T) {
	t.Parallel()
	p := everyNoun.new(t)
	s, callers, o := p.server, p.callers, p.objects
	o["session"] = uuid.NewString()
	walk(t, s, func(t *testing.T, op *contract.Operation, g gate.Gate, f fixture) {
		t.Helper()
		caller := callers.of(g)
		path, body := f.call(op, o)
		if f.id != "" {
			for _, id := range []string{"7", "not-a-uuid", "%00", strings.Repeat("a", 300), "{" + uuid.NewString() + "}"} {
				problem := caller.Do(t, op.Method, f.path(op, o, id), body).RequireProblem(t, 400, "invalid_request")
				for _, pointer := range pointers(problem) {
					require.Regexp(t, `^\{[a-z_]+\}$`, pointer, "%v", problem)
				}
			}
		}
		problem := caller.Do(t, op.Method, withParameter(path, "no_such_parameter", "1"), body).RequireProblem(t, 400, "invalid_request")
		require.Equal(t, "?no_such_parameter", problem["errors"].([]any)[0].(m)["pointer"])
		if op.JSONBody() {
			malformedBodies(t, caller, op, path, body)
		}
		malformedParameters(t, caller, op, path)
	})
}

func malformedBodies(t *testing.T, c *apitest.Client, op *contract.Operation, path string, body any) {
	t.Helper()
	for name, raw := range map[string]apitest.Raw{
		"cut off": `{"a":`, "two values": `{} {}`, "an array": `[]`, "null": `null`, "a string": `"x"`, "not UTF-8": "{\"a\":\"\xff\"}",
		"NUL":  `{"a":"\u0000"}`,
		"deep": apitest.Raw(`{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}"),
	} {
		response := c.Do(t, op.Method, path, raw)
		require.Equal(t, 400, response.Status, "%s: %s", name, response.Body)
		response.RequireProblem(t, 400, "invalid_request")
	}
	require.Contains(t, pointers(refused(t, c, op, path, `{"no_such_property": 1}`)), "/no_such_property")
	large := apitest.Raw(`{"a":"` + strings.Repeat("x", int(op.MaxBody)) + `"}`)
	problem := c.Do(t, op.Method, path, large).RequireProblem(t, 413, "body_too_large")
	require.EqualValues(t, op.MaxBody, problem["max_bytes"])
	chunked := c.Request(t, op.Method, path, large)
	chunked.ContentLength = -1
	response, err := c.Send(chunked)
	require.NoError(t, err)
	response.RequireProblem(t, 413, "body_too_large")
	c.WithHeader("Content-Type", "text/plain").Do(t, op.Method, path, body).RequireProblem(t, 415, "unsupported_media_type")
	c.WithHeader("Content-Type", "application/x-www-form-urlencoded").Do(t, op.Method, path, apitest.Raw("a=b")).
		RequireProblem(t, 415, "unsupported_media_type")

	largeBodies(t, c, op, path)

	for property, schema := range op.Spec.RequestBody.Value.Content["application/json"].Schema.Value.Properties {
		if schema.Value.Format != "date-time" {
			continue
		}
		for _, date := range impossibleDates {
			changed := maps.Clone(body.(m))
			changed[property] = date
			problem := c.Do(t, op.Method, path, changed).RequireProblem(t, 400, "invalid_request")
			require.Contains(t, pointers(problem), "/"+property, "%s: %v", date, problem)
		}
	}

	// Every property with a value of every wrong kind.
	for property, schema := range op.Spec.RequestBody.Value.Content["application/json"].Schema.Value.Properties {
		for _, wrong := range []any{m{"x": 1}, []any{m{}}, "\u0001", -1, 1.5, 1e300, strings.Repeat("x", 5000), false} {
			changed := m{}
			maps.Copy(changed, body.(m))
			changed[property] = wrong
			if schema.Value.VisitJSON(jsonValue(t, wrong)) == nil {
				continue // that value is right
			}
			problem := c.Do(t, op.Method, path, changed).RequireProblem(t, 400, "invalid_request")
			require.Contains(t, pointers(problem), "/"+property)
		}
	}
}

// impossibleDates have the form of dates and are none.
var impossibleDates = []string{
	"2027-02-30T09:00:00Z", "2027-11-31T09:00:00+01:00", "2027-03-01T25:00:00Z", "2027-03-01T09:00:00+25:00", "2027-12-31T23:59:60Z",
	"0000-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2027-02-30", "2027-00-01T09:00:00Z", "2027-03-01T09:00:00-09:75",
}

// refused sends a body that does not fit the contract: the answer lists some of what is wrong
// with it, and is small however much that is.
func refused(t *testing.T, c *apitest.Client, op *contract.Operation, path, body string) m {
	t.Helper()
	response := c.Do(t, op.Method, path, apitest.Raw(body))
	problem := response.RequireProblem(t, 400, "invalid_request")
	require.LessOrEqual(t, len(problem["errors"].([]any)), 20)
	require.Less(t, len(response.Body), 32<<10)
	return problem
}

// Bodies as large as the operation reads, with as many errors as fit into them.
func largeBodies(t *testing.T, c *apitest.Client, op *contract.Operation, path string) {
	t.Helper()
	room := int(op.MaxBody)
	unknown := []string{}
	for size := 0; size < room-30; size += len(unknown[len(unknown)-1]) + 1 {
		unknown = append(unknown, fmt.Sprintf(`"member_%d":{}`, len(unknown)))
	}
	require.Len(t, refused(t, c, op, path, "{"+strings.Join(unknown, ",")+"}")["errors"], 20)
	refused(t, c, op, path, `{"`+strings.Repeat("<", room-10)+`":1}`)
	refused(t, c, op, path, `{"a":`+strings.Repeat(`[`, 9000)+strings.Repeat(`]`, 9000)+`}`)
	schema := op.Spec.RequestBody.Value.Content["application/json"].Schema.Value
	for at, wrap := range arrays(schema, "", `%s`) {
		for _, item := range []string{`{}`, `[]`, `1`, `null`, `{"a":1,"b":2}`} {
			items := strings.Repeat(item+",", (room-1000)/(len(item)+1)) + item
			problem := refused(t, c, op, path, strings.ReplaceAll(wrap, "%s", "["+items+"]"))
			require.NotEmpty(t, problem["errors"], at)
		}
	}
}

// arrays finds the lists of a body: for the pointer of each, a body around it.
func arrays(s *openapi3.Schema, at, wrap string) map[string]string {
	found := map[string]string{}
	if s.Type.Is("array") {
		found[at] = wrap
		maps.Copy(found, arrays(s.Items.Value, at+"/0", strings.ReplaceAll(wrap, "%s", "[%s]")))
	}
	for name, member := range s.Properties {
		maps.Copy(found, arrays(member.Value, at+"/"+name, strings.ReplaceAll(wrap, "%s", `{"`+name+`":%s}`)))
	}
	return found
}

func malformedParameters(t *testing.T, c *apitest.Client, op *contract.Operation, path string) {
	t.Helper()
	for _, p := range op.Spec.Parameters {
		if p.Value.In != "query" {
			continue
		}
		wrong := []string{"", "%FF", "%00", "-1", "0x10", "' OR 1=1", strings.Repeat("9", 400), "2027-13-45", "😀", "1.0", "1e1", "%2B1"}
		for _, date := range impossibleDates {
			wrong = append(wrong, url.QueryEscape(date))
		}
		if !p.Value.Schema.Value.Type.Is("array") {
			wrong = append(wrong, "1&"+p.Value.Name+"=1")
		}
		for _, wrong := range wrong {
			response := c.Do(t, op.Method, withParameter(path, p.Value.Name, strings.ReplaceAll(wrong, " ", "%20")), nil)
			require.Less(t, response.Status, 500, "%s=%s: %s", p.Value.Name, wrong, response.Body)
			if response.Status >= 400 {
				require.Contains(t, response.Header.Get("Content-Type"), "application/problem+json")
			}
			if response.Status == 400 {
				requirePointers(t, response.Object(t), "?"+p.Value.Name)
			}
		}
	}
}

// withParameter puts a parameter into the query of a path, in the place of one with the name.
func withParameter(path, name, value string) string {
	path, query, _ := strings.Cut(path, "?")
	kept := []string{name + "=" + value}
	for part := range strings.SplitSeq(query, "&") {
		if part != "" && !strings.HasPrefix(part, name+"=") {
			kept = append(kept, part)
		}
	}
	return path + "?" + strings.Join(kept, "&")
}

// requirePointers fails unless everything that is wrong is the parameter, or a part of it.
func requirePointers(t *testing.T, problem map[string]any, parameter string) {
	t.Helper()
	found := pointers(problem)
	require.NotEmpty(t, found, "%v", problem)
	for _, pointer := range found {
		name, _, _ := strings.Cut(pointer, "/")
		require.Equal(t, parameter, name, "%v", problem)
	}
}

func pointers(problem map[string]any) []string {
	var list []string
	fields, _ := problem["errors"].([]any)
	for _, field := range fields {
		pointer := field.(m)["pointer"].(string)
		// Below the property counts as the property.
		if parts := strings.SplitN(pointer, "/", 3); len(parts) == 3 {
			pointer = "/" + parts[1]
		}
		list = append(list, pointer)
	}
	return list
}

func TestErrorsOutsideOfOperations(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)

	owner.Get(t, "/api/v1/nothing").RequireProblem(t, 404, "not_found")
	owner.Get(t, "/").RequireProblem(t, 404, "not_found")
	owner.WithHost("nobody.localhost").Get(t, "/api/auth/me/").RequireProblem(t, 404, "unknown_host")
	owner.WithHost("example.com").Get(t, "/api/auth/me/").RequireProblem(t, 404, "unknown_host")

	response := owner.Do(t, http.MethodPut, "/api/v1/resources", m{})
	response.RequireProblem(t, 405, "method_not_allowed")
	require.Equal(t, "GET, HEAD, OPTIONS, POST", response.Header.Get("Allow"))
	// Who may not even know hears that first.
	tenant.Anonymous().Do(t, http.MethodPut, "/api/v1/resources", m{}).RequireProblem(t, 401, "unauthenticated")
	tenant.Anonymous().Do(t, http.MethodPut, "/api/auth/login/", m{}).RequireProblem(t, 405, "method_not_allowed")

	owner.WithHeader("X-Sandbox-Mode", "maybe").Get(t, "/api/auth/me/").RequireProblem(t, 400, "invalid_request")
	head := owner.Do(t, http.MethodHead, "/api/v1/resources", nil).Require(t, 200)
	require.Empty(t, head.Body)
}

// A list in a query may be written in both ways, whatever the contract says.
func TestListParameters_forms(t *testing.T) {
	t.Parallel()
	p := everyNoun.new(t)
	s, callers, o := p.server, p.callers, p.objects
	lists := 0
	for _, op := range s.App.Contract.Operations() {
		for _, p := range op.Spec.Parameters {
			if p.Value.In != "query" || !p.Value.Schema.Value.Type.Is("array") {
				continue
			}
			lists++
			caller, name := callers.of(s.App.Gates[op.ID]), p.Value.Name
			path, _ := fixtures[op.ID].call(op, o)
			path = withParameter(path, name, "")
			values := func(one, other string) {
				t.Helper()
				require.NotContains(t, one+other, ",")
				want := caller.Do(t, op.Method, withParameter(path, name, one+","+other), nil)
				got := caller.Do(t, op.Method, withParameter(path, name, one+"&"+name+"="+other), nil)
				require.Equal(t, want.Status, got.Status, "%s ?%s: %s %s", op.ID, name, want.Body, got.Body)
				if want.Status == 200 {
					require.JSONEq(t, string(want.Body), string(got.Body))
					return
				}
				require.Equal(t, want.Object(t)["detail"], got.Object(t)["detail"])
				requirePointers(t, want.Object(t), "?"+name)
			}
			if items := p.Value.Schema.Value.Items.Value; len(items.Enum) > 1 {
				values(items.Enum[0].(string), items.Enum[1].(string))
			} else {
				values(o["resource"], o["spare_resource"])
			}
			values("customer.*", "service.created")
			values("A", "B")
			values("", "")
			many := strings.Repeat("x,", int(*p.Value.Schema.Value.MaxItems)) + "x"
			problem := caller.Do(t, op.Method, withParameter(path, name, many), nil).RequireProblem(t, 400, "invalid_request")
			require.Len(t, problem["errors"], 1)
			requirePointers(t, problem, "?"+name)
		}
	}
	require.NotZero(t, lists)
}

func TestHeaders_given_twice(t *testing.T) {
	t.Parallel()
	p := everyNoun.new(t)
	s, callers, o := p.server, p.callers, p.objects
	o["session"] = uuid.NewString()
	walk(t, s, func(t *testing.T, op *contract.Operation, g gate.Gate, f fixture) {
		t.Helper()
		for _, p := range op.Spec.Parameters {
			if p.Value.In != "header" {
				continue
			}
			path, body := f.call(op, o)
			request := callers.of(g).Request(t, op.Method, path, body)
			request.Header[http.CanonicalHeaderKey(p.Value.Name)] = []string{`"1"`, `"1"`}
			response, err := callers.of(g).Send(request)
			require.NoError(t, err)
			problem := response.RequireProblem(t, 400, "invalid_request")
			require.Equal(t, []string{p.Value.Name}, pointers(problem))
		}
	})
}

func jsonValue(t *testing.T, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	var decoded any
	require.NoError(t, json.Unmarshal(raw, &decoded))
	return decoded
}
