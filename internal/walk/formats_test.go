package walk

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
)

// unfit are values that are not of the format.
var unfit = map[string][]any{
	"name": {
		" ", "\u2003", "\u00a0\u00a0", "\u2060", "\u115f", "\u2800", "\u200d\ufe0f", "a\u202db", "\u2067a", "a\u0007", "a\rb", "a\u2029b",
		strings.Repeat("ﬀ", 256),
	},
	"name-or-empty": {" ", "\u3164", "a\u202cb", "a\u001fb"},
	"time-zone": {
		"posixrules", "localtime", "posix/Asia/Tokyo", "right/Europe/Paris", "Factory", "Local", "", "asia/tokyo", "Mars/Olympus", "Etc", "tzdata.zi",
	},
	"currency": {"ZZZ", "XXX", "XTS", "XPT", "ITL", "HRK", "eur", "", "EU", "€€€"},
}

// Names, zones and currencies are refused wherever they come in, and the answer says which.
func TestUnfitFormatsAreRefusedByName(t *testing.T) {
	t.Parallel()
	p := everyNoun.new(t)
	s, callers, o := p.server, p.callers, p.objects
	walk(t, s, func(t *testing.T, op *contract.Operation, g gate.Gate, f fixture) {
		t.Helper()
		path, body := f.call(op, o)
		for _, p := range op.Spec.Parameters {
			for _, wrong := range unfit[p.Value.Schema.Value.Format] {
				if p.Value.In == openapi3.ParameterInQuery {
					problem := callers.of(g).Do(t, op.Method, withParameter(path, p.Value.Name, url.QueryEscape(wrong.(string))), body).
						RequireProblem(t, 400, "invalid_request")
					require.Contains(t, pointers(problem), "?"+p.Value.Name, "%q", wrong)
				}
			}
		}
		if !op.JSONBody() {
			return
		}
		schema := op.Spec.RequestBody.Value.Content.Get("application/json").Schema.Value
		for _, place := range places(schema, nil) {
			for _, wrong := range unfit[place.format] {
				problem := callers.of(g).Do(t, op.Method, path, place.put(jsonValue(t, body), wrong)).RequireProblem(t, 400, "invalid_request")
				require.Contains(t, fullPointers(problem), place.pointer(), "%q: %v", wrong, problem)
			}
		}
	})
}

// formatted is a place in a body; an item of a list is the first.
type formatted struct {
	steps  []string // names of properties, and "" for an item
	format string
}

func places(schema *openapi3.Schema, steps []string) []formatted {
	if _, ok := unfit[schema.Format]; ok {
		return []formatted{{slices.Clone(steps), schema.Format}}
	}
	var list []formatted
	for name, property := range schema.Properties {
		list = append(list, places(property.Value, append(slices.Clone(steps), name))...)
	}
	if schema.Items != nil {
		list = append(list, places(schema.Items.Value, append(slices.Clone(steps), ""))...)
	}
	for _, part := range schema.AllOf {
		list = append(list, places(part.Value, steps)...)
	}
	return list
}

func (f formatted) pointer() string {
	pointer := ""
	for _, step := range f.steps {
		if step == "" {
			step = strconv.Itoa(0)
		}
		pointer += "/" + step
	}
	return pointer
}

// put returns the body with the value in the place, and what is missing around it.
func (f formatted) put(body, value any) any {
	if len(f.steps) == 0 {
		return value
	}
	inner := formatted{steps: f.steps[1:]}
	if f.steps[0] == "" {
		list, _ := body.([]any)
		if len(list) == 0 {
			list = []any{nil}
		}
		list[0] = inner.put(list[0], value)
		return list
	}
	object, _ := body.(m)
	if object == nil {
		object = m{}
	}
	object[f.steps[0]] = inner.put(object[f.steps[0]], value)
	return object
}

func fullPointers(problem map[string]any) []string {
	var list []string
	fields, _ := problem["errors"].([]any)
	for _, field := range fields {
		list = append(list, field.(m)["pointer"].(string))
	}
	return list
}
