package walk

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/gate"
)

// TestOperations_unreadable_query holds that no part of a query is left out because it cannot be
// read: a filter that is lost shows everything.
func TestOperations_unreadable_query(t *testing.T) {
	t.Parallel()
	p := everyNoun.new(t)
	s, c, _ := p.server, p.callers, p.objects
	o := anything()
	for id, f := range fixtures {
		g := s.App.Gates[id]
		if f.as != nil || g.Access == gate.Platform {
			continue
		}
		op := s.Operation(t, id)
		path, body := f.call(op, o)
		for _, wrong := range []string{"x=1;", "search=50%zz", "a;b=c"} {
			separator := "?"
			if strings.Contains(path, "?") {
				separator = "&"
			}
			problem := f.in(c.of(g)).Do(t, op.Method, path+separator+wrong, body).RequireProblem(t, 400, "invalid_request")
			require.Equal(t, "?", problem["errors"].([]any)[0].(m)["pointer"], id)
		}
	}
}
