package architecture_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/smoothschedule/smoothschedule/"

// domains are the five folders of internal/ in which features live. Every other package of
// internal/, except app, testkit and walk, belongs to the foundation.
var domains = []string{"identity", "scheduling", "communication", "commerce", "platform"}

// owners are the packages that may use the generated queries of gen/db/<name>db. Other names belong to
// the package or domain of the same name.
var owners = map[string][]string{
	"tenancydb":   {"internal/tenancy", "internal/store", "internal/idempotency", "internal/audit", "internal/events"},
	"admindb":     {"internal/platform"},
	"developerdb": {"internal/platform"},
}

// pure packages work on arguments only.
var pure = []string{"internal/scheduling/availability", "internal/scheduling/localtime", "internal/scheduling/recurrence"}

// A pkg is what `go list` says about a package; its paths are relative to the module.
type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", module+"...").Output()
	require.NoError(t, err)
	var list []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
		for _, imports := range [][]string{p.Imports, p.TestImports, p.XTestImports} {
			for i := range imports {
				imports[i] = strings.TrimPrefix(imports[i], module)
			}
		}
		list = append(list, p)
	}
}

// under reports whether a path is a package or below it.
func under(path, pkg string) bool { return path == pkg || strings.HasPrefix(path, pkg+"/") }

func underAny(path string, pkgs ...string) bool {
	return slices.ContainsFunc(pkgs, func(p string) bool { return under(path, p) })
}

// domainOf returns the domain of a package, or nothing.
func domainOf(path string) string {
	for _, d := range domains {
		if under(path, "internal/"+d) {
			return d
		}
	}
	return ""
}

// isAPI reports whether the package has the handlers of a domain.
func isAPI(path string) bool { return domainOf(path) != "" && strings.HasSuffix(path, "api") }

// refusal says why from may not import to; empty if it may.
func refusal(from, to string) string {
	switch {
	case underAny(from, "internal/app", "internal/walk", "internal/testkit", "cmd", "bench", "tools", "examples"):
		if underAny(to, "internal/testkit") && !underAny(from, "internal/testkit", "internal/walk", "bench") {
			return "testkit is for tests only"
		}
		return ""
	case under(to, "internal/postgres/embedded"):
		return "the embedded server is for dev and tests only"
	case underAny(to, "internal/app"):
		return "only programs and tests start the application"
	case underAny(to, "internal/testkit", "internal/walk"):
		return "testkit is for tests only"
	case domainOf(to) != "" && domainOf(to) != domainOf(from):
		return "a domain is imported by itself only: declare a small interface and connect the packages in internal/app, or read the feed"
	case isAPI(from) && underAny(to, "gen/db", "github.com/jackc/pgx", "github.com/jackc/pgx/v5", "internal/store"):
		return "handlers convert, call a service, and convert; they have no SQL"
	case domainOf(from) != "" && !isAPI(from) && underAny(to, "internal/httpapi", "gen/api", "github.com/labstack/echo/v4"):
		return "services know nothing of HTTP"
	case domainOf(from) != "" && !isAPI(from) && isAPI(to):
		return "only internal/app imports handlers"
	case underAny(from, pure...) && (underAny(to, "gen", "github.com/jackc/pgx/v5", "database/sql", "net/http", "os") ||
		under(to, "internal") || strings.HasPrefix(to, "internal/")) && !underAny(to, append(pure, "internal/tzdata")...):
		return "the package is pure: what it decides on is an argument"
	}
	return refusalOfQueries(from, to)
}

func refusalOfQueries(from, to string) string {
	name, ok := strings.CutPrefix(to, "gen/db/")
	if !ok || under(from, "gen/db") {
		return ""
	}
	allowed := owners[name]
	if allowed == nil {
		allowed = []string{"internal/" + strings.TrimSuffix(name, "db")}
	}
	if underAny(from, allowed...) {
		return ""
	}
	return "only " + strings.Join(allowed, ", ") + " may run these queries"
}

// A domain imports the foundation and itself; the foundation imports no domain.
func TestImports(t *testing.T) {
	t.Parallel()
	list := packages(t)
	require.Greater(t, len(list), 40)
	for _, p := range list {
		for _, to := range p.Imports {
			if why := refusal(p.ImportPath, to); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, to, why)
			}
		}
		for _, to := range append(p.TestImports, p.XTestImports...) {
			if why := refusalOfQueries(p.ImportPath, to); why != "" && !under(p.ImportPath, "internal/app") {
				t.Errorf("the tests of %s import %s: %s", p.ImportPath, to, why)
			}
			if d := domainOf(to); d != "" && domainOf(p.ImportPath) != "" && d != domainOf(p.ImportPath) {
				t.Errorf("the tests of %s import %s: %s", p.ImportPath, to, refusal(p.ImportPath, to))
			}
		}
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from, to string
		refused  bool
	}{
		{"internal/scheduling/booking", "internal/store", false},
		{"internal/scheduling/booking", "internal/scheduling/catalog", false},
		{"internal/scheduling/booking", "internal/identity/users", true},
		{"internal/scheduling/booking", "internal/httpapi", true},
		{"internal/scheduling/booking", "internal/scheduling/api", true},
		{"internal/scheduling/booking", "gen/db/schedulingdb", false},
		{"internal/scheduling/booking", "gen/db/tenancydb", true},
		{"internal/scheduling/api", "gen/db/schedulingdb", true},
		{"internal/scheduling/api", "internal/store", true},
		{"internal/scheduling/api", "internal/httpapi", false},
		{"internal/scheduling/availability", "internal/scheduling/localtime", false},
		{"internal/scheduling/availability", "internal/tenancy", true},
		{"internal/scheduling/recurrence", "internal/scheduling/localtime", false},
		{"internal/scheduling/recurrence", "internal/apperr", true},
		{"internal/scheduling/availability", "os", true},
		{"internal/store", "internal/scheduling/catalog", true},
		{"internal/store", "internal/testkit/dbtest", true},
		{"internal/store", "internal/app", true},
		{"internal/postgres", "internal/postgres/embedded", true},
		{"internal/app", "internal/postgres/embedded", false},
		{"internal/app", "internal/scheduling/api", false},
		{"internal/app", "internal/testkit/dbtest", true},
		{"internal/entitle", "gen/db/entitledb", false},
		{"internal/httpapi", "gen/db/entitledb", true},
	} {
		require.Equal(t, test.refused, refusal(test.from, test.to) != "", "%s imports %s: %s", test.from, test.to, refusal(test.from, test.to))
	}
}
