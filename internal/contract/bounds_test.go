package contract_test

import (
	"encoding/json"
	"math"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/contract"
)

// The contract limits the size of every list, map and string, and thereby of every body and parameter.
// A body that the contract allows does not exceed the maximum body size.
func TestOperations_bounds(t *testing.T) {
	t.Parallel()
	for _, op := range load(t).Operations() {
		t.Run(op.ID, func(t *testing.T) {
			t.Parallel()
			for _, p := range op.Spec.Parameters {
				schema := p.Value.Schema.Value
				largest(t, p.Value.Name, schema)
				// Lists are accepted as a,b and as one parameter for each item.
				if schema.Type.Is(openapi3.TypeArray) {
					items := schema.Items.Value
					require.Error(t, items.VisitJSON("a,b"), "?%s: its items must not contain commas", p.Value.Name)
					require.True(t, items.Enum != nil || items.Format == "uuid" || items.Pattern != "", "?%s", p.Value.Name)
				}
			}
			if op.JSONBody() {
				size := largest(t, "", op.Spec.RequestBody.Value.Content.Get("application/json").Schema.Value)
				require.LessOrEqual(t, size, op.MaxBody, "a valid body can exceed the maximum size: set x-max-bytes in the requestBody")
			}
		})
	}
}

// largest returns the maximum size of a value of the schema in bytes, encoded without whitespace and
// escapes, with ASCII strings. It fails if there is no limit.
func largest(t *testing.T, at string, s *openapi3.Schema) int64 {
	t.Helper()
	var size int64
	for _, parts := range []openapi3.SchemaRefs{s.AllOf, s.AnyOf, s.OneOf} {
		for _, part := range parts {
			size = max(size, largest(t, at, part.Value))
		}
	}
	switch {
	case s.Type == nil:
		require.NotZero(t, size, "%s accepts any value", at)
	case len(s.Enum) > 0:
		for _, value := range s.Enum {
			raw, err := json.Marshal(value)
			require.NoError(t, err)
			size = max(size, int64(len(raw)))
		}
	case s.Type.Is(openapi3.TypeObject):
		return max(size, largestObject(t, at, s))
	case s.Type.Is(openapi3.TypeArray):
		require.NotNil(t, s.MaxItems, "%s has no maxItems", at)
		return max(size, 2+int64(*s.MaxItems)*(1+largest(t, at+"/-", s.Items.Value)))
	case s.Type.Is(openapi3.TypeString):
		return max(size, 2+longest(t, at, s))
	default:
		size = max(size, int64(len("-9223372036854775808")))
	}
	return size
}

func largestObject(t *testing.T, at string, s *openapi3.Schema) int64 {
	t.Helper()
	size := int64(len("{}"))
	for name, member := range s.Properties {
		size += int64(len(name)+len(`"":,`)) + largest(t, at+"/"+name, member.Value)
	}
	if has := s.AdditionalProperties.Has; has != nil && !*has {
		return size
	}
	require.NotNil(t, s.MaxProps, "%s accepts any member and has no maxProperties", at)
	require.NotNil(t, s.AdditionalProperties.Schema, "%s accepts members with any value", at)
	const name = 100
	return size + int64(*s.MaxProps)*(name+largest(t, at+"/*", s.AdditionalProperties.Schema.Value))
}

// longest returns the maximum number of characters of a string.
func longest(t *testing.T, at string, s *openapi3.Schema) int64 {
	t.Helper()
	if s.MaxLength != nil {
		return int64(*s.MaxLength)
	}
	switch s.Format {
	case "uuid":
		return 36
	case "date":
		return int64(len("2006-01-02"))
	case "date-time":
		return 100
	}
	require.NotEmpty(t, s.Pattern, "%s has no maxLength", at)
	expression, err := syntax.Parse(s.Pattern, syntax.Perl)
	require.NoError(t, err)
	size := matched(expression)
	require.True(t, strings.HasPrefix(s.Pattern, "^") && strings.HasSuffix(s.Pattern, "$") && size < math.MaxInt32,
		"%s has neither maxLength nor a pattern that limits its length", at)
	return size
}

// matched returns the maximum number of characters that an expression matches.
func matched(e *syntax.Regexp) int64 {
	var longest, sum int64
	for _, sub := range e.Sub {
		n := matched(sub)
		longest, sum = max(longest, n), min(sum+n, math.MaxInt32)
	}
	switch e.Op { //nolint:exhaustive // the others are as long as their parts
	case syntax.OpLiteral:
		return int64(len(e.Rune))
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpStar, syntax.OpPlus:
		return math.MaxInt32
	case syntax.OpRepeat:
		if e.Max < 0 {
			return math.MaxInt32
		}
		return min(longest*int64(e.Max), math.MaxInt32)
	case syntax.OpAlternate:
		return longest
	}
	return sum
}

func TestLoad_max_bytes(t *testing.T) {
	t.Parallel()
	document := func(limit string) []byte {
		return []byte(`{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/a":{"post":{"operationId":"x",
			"requestBody":{` + limit + `"content":{"application/json":{"schema":{"type":"object"}}}},
			"responses":{"200":{"description":"ok"}}}}}}`)
	}
	for limit, want := range map[string]int64{``: contract.DefaultMaxBody, `"x-max-bytes":1000,`: 1000} {
		c, err := contract.Load(document(limit))
		require.NoError(t, err)
		require.Equal(t, want, c.Operations()[0].MaxBody)
	}
	for _, wrong := range []string{`0`, `-1`, `1.5`, `"64 kB"`, `null`} {
		_, err := contract.Load(document(`"x-max-bytes":` + wrong + `,`))
		require.Error(t, err, wrong)
	}
}
