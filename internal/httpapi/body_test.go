package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

const menu = `{
	"type": "object", "additionalProperties": false, "required": ["name"],
	"properties": {
		"name": {"type": "string", "maxLength": 10, "nullable": true},
		"seats": {"type": "integer", "format": "int32", "minimum": 1},
		"id": {"type": "string", "readOnly": true},
		"dishes": {"type": "array", "maxItems": 3, "uniqueItems": true, "items": {
			"type": "object", "additionalProperties": false, "required": ["price", "title"],
			"properties": {"price": {"type": "integer"}, "title": {"type": "string"}}
		}},
		"notes": {"type": "object", "maxProperties": 2, "additionalProperties": {"type": "boolean"}},
		"any": {"anyOf": [{"type": "boolean"}, {"type": "integer"}]},
		"sides": {"type": "array", "maxItems": 1000000, "items": {"type": "array", "maxItems": 5, "items": {"$ref": "#/properties/seats"}}}
	}
}`

func menuSchema(t *testing.T) *bodySchema {
	t.Helper()
	document := `{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{},"components":{"schemas":{"Menu":` +
		strings.ReplaceAll(menu, "#/properties", "#/components/schemas/Menu/properties") + `}}}`
	loaded, err := openapi3.NewLoader().LoadFromData([]byte(document))
	require.NoError(t, err)
	return newBodySchema(loaded.Components.Schemas["Menu"].Value, map[*openapi3.Schema]*bodySchema{})
}

func TestCheckBody(t *testing.T) {
	t.Parallel()
	schema := menuSchema(t)
	for name, tt := range map[string]struct {
		body string
		want string // pointers, with what their details say
	}{
		"fits":                          {`{"name":"a","seats":2,"dishes":[{"price":1,"title":"x"}],"notes":{"a":true},"any":7,"sides":[[1,2]]}`, ``},
		"null where it may be":          {`{"name":null}`, ``},
		"null where it may not be":      {`{"name":"a","dishes":null}`, `/dishes not nullable`},
		"not an object":                 {`[{"name":"a"}]`, ` value must be an object`},
		"missing":                       {`{}`, `/name is missing`},
		"unknown":                       {`{"name":"a","Name":1,"a/b~c":{"x":[1]}}`, `/Name no such member; /a~1b~0c no such member`},
		"unknown in an item":            {`{"name":"a","dishes":[{"price":1,"title":"x","sauce":[]}]}`, `/dishes/0/sauce no such member`},
		"twice":                         {`{"name":5,"name":"a"}`, `/name must be a string; /name more than once`},
		"twice in a map":                {`{"name":"a","notes":{"x":true,"x":false}}`, `/notes/x more than once`},
		"read only":                     {`{"name":"a","id":"x"}`, `/id readOnly`},
		"another type, with much in it": {`{"name":{"a":[1,2,{"b":3}]},"dishes":{"a":1},"notes":[[]]}`, `/name must be a string; /dishes must be an array; /notes must be an object`},
		"text too long":                 {`{"name":"0123456789a"}`, `/name maximum string length is 10`},
		"each item":                     {`{"name":"a","dishes":[{"price":"1","title":2},{"title":"x"}]}`, `/dishes/0/price must be an integer; /dishes/0/title must be a string; /dishes/1/price is missing`},
		"too many items":                {`{"name":"a","dishes":[{},{},{},{"x":1}]}`, `/dishes maximum number of items is 3; /dishes duplicate items`},
		"too many members":              {`{"name":"a","notes":{"a":1,"b":1,"c":1}}`, `/notes at most 2 properties`},
		"the same item twice":           {`{"name":"a","dishes":[{"price":1,"title":"x"},{"title":"x","price":1}]}`, `/dishes duplicate items`},
		"composed":                      {`{"name":"a","any":{"x":[]}}`, `/any "anyOf"`},
		"fraction":                      {`{"name":"a","seats":1.5}`, `/seats must be an integer`},
		"integer as fraction":           {`{"name":"a","seats":1.0,"dishes":[{"price":1e2,"title":"x"}]}`, `/seats without fraction or exponent; /dishes/0/price without fraction or exponent`},
		"beyond int32":                  {`{"name":"a","seats":2147483648}`, `/seats between -2147483648 and 2147483647`},
		"beyond int64":                  {`{"name":"a","dishes":[{"price":9223372036854775808,"title":"x"}]}`, `/dishes/0/price range of integers`},
		"beyond float64":                {`{"name":"a","dishes":[{"price":1e999,"title":"x"}]}`, `/dishes/0/price range of numbers`},
		"deep":                          {`{"name":"a","any":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, `/any` + strings.Repeat("/0", 31) + ` nested too deeply`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fields, err := checkBody(schema, []byte(tt.body))
			require.NoError(t, err)
			want := strings.Split(tt.want, "; ")
			if tt.want == "" {
				want = nil
			}
			require.Len(t, fields, len(want), "%v", fields)
			for i, field := range fields {
				pointer, detail, _ := strings.Cut(want[i], " ")
				require.Equal(t, pointer, field.Pointer, "%v", fields)
				require.Contains(t, field.Detail, detail)
			}
		})
	}
}

// The work is bounded by the number of listed errors, for any invalid body.
func TestCheckBody_stops_at_maxFields(t *testing.T) {
	t.Parallel()
	schema := menuSchema(t)
	many := func(item string) string { return strings.Repeat(item+",", 1<<20/(len(item)+1)) + item }
	unknown := make([]string, 0, 50000)
	for i := range cap(unknown) {
		unknown = append(unknown, fmt.Sprintf(`"m%d":[{}]`, i))
	}
	for name, tt := range map[string]struct {
		body string
		want int
	}{
		"items beyond maxItems":         {`{"name":"a","dishes":[` + many(`{}`) + `]}`, 2},
		"items":                         {`{"name":"a","sides":[` + many(`["x"]`) + `]}`, maxFields},
		"items of items":                {`{"name":"a","sides":[[` + many(`{}`) + `]]}`, 1},
		"unknown members":               {`{` + strings.Join(unknown, ",") + `}`, maxFields},
		"members beyond maxProperties":  {`{"name":"a","notes":{` + strings.Join(unknown, ",") + `}}`, 1},
		"in a value of another type":    {`{"name":[` + many(`{"x":[1,2]}`) + `]}`, 1},
		"in a value of a composed type": {`{"name":"a","any":[` + many(`{}`) + `]}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fields, err := checkBody(schema, []byte(tt.body))
			require.NoError(t, err)
			require.Len(t, fields, tt.want)
		})
	}
}

func TestEncodeProblem_limits_size(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<ü", 100000)
	e := apperr.New(apperr.ValidationFailed, "%s", long)
	for range 500 {
		_ = e.WithFields(apperr.Field{Pointer: "/" + long, Detail: long})
	}
	body, err := encodeProblem(e, "id")
	require.NoError(t, err)
	require.Less(t, len(body), 200<<10)
	require.Contains(t, string(body), "…")
}
