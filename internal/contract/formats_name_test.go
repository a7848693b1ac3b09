package contract_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/contract"
)

// formatsOf are the formats that requests must use, by the name of the property or parameter.
var formatsOf = []struct {
	property *regexp.Regexp
	formats  []string
}{
	{regexp.MustCompile(`(^|_)(name|title|label)$|^username$|^tags?$`), []string{"name", "name-or-empty"}},
	{regexp.MustCompile(`(^|_)(timezone|time_zone)$`), []string{"time-zone"}},
	{regexp.MustCompile(`(^|_)currency$`), []string{"currency"}},
}

// otherNames are properties with such a name that people do not choose.
var otherNames = map[string]string{
	"createDomain/name":   "the name of a host",
	"createOverride/name": "a feature or a quota",
}

// Names, time zones and currencies are validated by one format each in all operations.
func TestOperations_formats(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	checked := map[string]int{}
	for _, op := range load(t).Operations() {
		visitStrings(op, func(place, property string, schema *openapi3.Schema) {
			for _, rule := range formatsOf {
				if !rule.property.MatchString(property) {
					continue
				}
				if otherNames[place] != "" {
					used[place] = true
					continue
				}
				require.Contains(t, rule.formats, schema.Format, place)
				checked[schema.Format]++
			}
		})
	}
	require.Len(t, used, len(otherNames), "otherNames contains a property that no longer exists")
	for _, format := range []string{"name", "name-or-empty", "time-zone", "currency"} {
		require.NotZero(t, checked[format], format)
	}
}

// visitStrings calls visit for every string that a request can contain. For an item of a list, property
// is that of the list.
func visitStrings(op *contract.Operation, visit func(place, property string, schema *openapi3.Schema)) {
	var walk func(place, property string, ref *openapi3.SchemaRef, above []*openapi3.Schema)
	walk = func(place, property string, ref *openapi3.SchemaRef, above []*openapi3.Schema) {
		if ref == nil || slices.Contains(above, ref.Value) {
			return
		}
		schema := ref.Value
		above = append(slices.Clone(above), schema)
		if schema.Type.Is("string") && len(schema.Enum) == 0 {
			visit(place, property, schema)
		}
		for name, member := range schema.Properties {
			walk(place+"/"+name, name, member, above)
		}
		walk(place, property, schema.Items, above)
		walk(place, property, schema.AdditionalProperties.Schema, above)
		for _, part := range slices.Concat(schema.AllOf, schema.OneOf, schema.AnyOf) {
			walk(place, property, part, above)
		}
	}
	for _, p := range op.Spec.Parameters {
		walk(op.ID+"?"+p.Value.Name, p.Value.Name, p.Value.Schema, nil)
	}
	if op.JSONBody() {
		walk(op.ID, "", op.Spec.RequestBody.Value.Content.Get("application/json").Schema, nil)
	}
}
