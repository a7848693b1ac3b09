package derive

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAdd_answers_with_the_errors_of_every_operation(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		access string
		body   any
		own    object
		want   []string
	}{
		"public":         {"public", nil, object{}, []string{"400", "403", "429", "500", "503"}},
		"with a caller":  {"tenant", nil, object{}, []string{"400", "401", "403", "429", "500", "503"}},
		"with a body":    {"user", object{}, object{}, []string{"400", "401", "403", "413", "415", "429", "500", "503"}},
		"with other own": {"public", nil, object{"404": object{}, "503": "its own"}, []string{"400", "403", "404", "429", "500", "503"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			operation := object{"x-gate": object{"access": tt.access}, "responses": maps.Clone(tt.own)}
			if tt.body != nil {
				operation["requestBody"] = tt.body
			}
			Add(object{"paths": object{"/a": object{"post": operation}}})
			responses := operation["responses"].(object)
			require.Equal(t, tt.want, slices.Sorted(maps.Keys(responses)))
			for status, own := range tt.own {
				require.Equal(t, own, responses[status], "the operation's own answer stays")
			}
		})
	}
}
