package walk

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// ownDomain claims a name and proves it.
func ownDomain(tb testing.TB, c *apitest.Client, name string) (id string) {
	tb.Helper()
	domain := c.Post(tb, "/api/v1/domains", m{"name": name}).Require(tb, 201)
	c.Publish(tb, domain)
	id = domain.ID(tb)
	c.Post(tb, "/api/v1/domains/"+id+"/verify", nil).Require(tb, 200)
	return id
}

// A name is served once the DNS proves it, is the primary one if the business wants it
// so, and is nobody's once it is given up.
func TestADomainOfOnesOwn(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	claimed := owner.Post(t, "/api/v1/domains", m{"name": "Bücher.Salon.Example."}).Require(t, 201)
	domain := claimed.Object(t)
	require.Equal(t, "xn--bcher-kva.salon.example", domain["name"])
	require.Equal(t, "PENDING", domain["status"])
	record := domain["record"].(m)
	require.Equal(t, "_smoothschedule.xn--bcher-kva.salon.example", record["name"])
	path := "/api/v1/domains/" + claimed.ID(t)
	there := owner.WithHost("xn--bcher-kva.salon.example")

	problem := owner.Post(t, path+"/verify", nil).RequireProblem(t, 409, "domain_not_verified")
	require.Equal(t, record["value"], problem["record_value"])
	s.DNS.SetTXT(record["name"].(string), "v=spf1 -all", record["value"].(string)+"x", "x"+record["value"].(string))
	owner.Post(t, path+"/verify", nil).RequireProblem(t, 409, "domain_not_verified")
	s.DNS.Break(true)
	owner.Post(t, path+"/verify", nil).RequireProblem(t, 503, "unavailable")
	s.DNS.Break(false)
	owner.Post(t, path+"/make-primary", nil).RequireProblem(t, 409, "invalid_transition")
	there.Get(t, "/api/v1/resources").RequireProblem(t, 404, "unknown_host")

	owner.Publish(t, claimed)
	require.Equal(t, "SERVED", owner.Post(t, path+"/verify", nil).Require(t, 200).Object(t)["status"])
	s.DNS.Break(true) // what is proved is not asked about again
	owner.Post(t, path+"/verify", nil).Require(t, 200)
	there.Get(t, "/api/v1/resources").Require(t, 200)
	require.Equal(t, true, owner.Post(t, path+"/make-primary", nil).Require(t, 200).Object(t)["is_primary"])
	primary := 0
	for _, each := range owner.Get(t, "/api/v1/domains").Require(t, 200).Object(t)["data"].([]any) {
		if each.(m)["is_primary"].(bool) {
			primary++
		}
	}
	require.Equal(t, 1, primary)

	// A smaller plan keeps what is there, and adds nothing.
	tenant.Override(t, "can_use_custom_domain", false)
	there.Get(t, "/api/v1/resources").Require(t, 200)
	owner.Post(t, "/api/v1/domains", m{"name": "more.salon.example"}).RequireProblem(t, 403, "feature_not_in_plan")
	owner.Do(t, http.MethodDelete, path, nil).Require(t, 204)
	there.Get(t, "/api/v1/resources").RequireProblem(t, 404, "unknown_host")
	only := owner.Get(t, "/api/v1/domains").Require(t, 200).Object(t)["data"].([]any)
	require.Len(t, only, 1)
	require.Equal(t, true, only[0].(m)["is_primary"])
	owner.Do(t, http.MethodDelete, "/api/v1/domains/"+only[0].(m)["id"].(string), nil).RequireProblem(t, 409, "in_use")
	owner.Get(t, path).RequireProblem(t, 404, "not_found")
}

func TestNamesNobodyCanClaim(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	for _, name := range []string{
		"platform.localhost", "b.localhost", "lvh.me", "a.lvh.me", "deep.a.lvh.me", "printer.local", "db.internal", "co.uk", "github.io", "example",
		"10.0.0.1", "[::1]", "salon..example", "-a.example", "a_b.salon.example", "salon.example:8000", "https://salon.example", "x." + strings.Repeat("a.", 118) + "example",
		"salon.example/..", "*.salon.example", "1.1.1.1.in-addr.arpa",
	} {
		status := owner.Post(t, "/api/v1/domains", m{"name": name}).Status
		require.Contains(t, []int{400, 422}, status, name)
	}
	owner.Post(t, "/api/v1/domains", m{"name": "book.salon.example"}).Require(t, 201)
	owner.Post(t, "/api/v1/domains", m{"name": "BOOK.salon.example"}).RequireProblem(t, 409, "already_exists")
	tenant.Client(t, tenancy.RoleManager).Post(t, "/api/v1/domains", m{"name": "x.salon.example"}).RequireProblem(t, 403, "role_not_allowed")
	tenant.SandboxClient(t, tenancy.RoleOwner).Post(t, "/api/v1/domains", m{"name": "x.salon.example"}).RequireProblem(t, 403, "role_not_allowed")
	for i := range 19 {
		owner.Post(t, "/api/v1/domains", m{"name": "n" + string(rune('a'+i)) + ".salon.example"}).Require(t, 201)
	}
	owner.Post(t, "/api/v1/domains", m{"name": "last.salon.example"}).RequireProblem(t, 422, "validation_failed")
}

// A claim keeps nobody from a name. Of those who prove it at once, one has it.
func TestTwoClaimOneName(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	squatter, owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner), s.Tenant(t, "b").Client(t, tenancy.RoleOwner)
	theirs := squatter.Post(t, "/api/v1/domains", m{"name": "book.salon.example"}).Require(t, 201)
	mine := owner.Post(t, "/api/v1/domains", m{"name": "book.salon.example"}).Require(t, 201)
	require.NotEqual(t, theirs.Object(t)["record"].(m)["value"], mine.Object(t)["record"].(m)["value"])
	owner.Publish(t, mine)
	squatter.Post(t, "/api/v1/domains/"+theirs.ID(t)+"/verify", nil).RequireProblem(t, 409, "domain_not_verified")
	squatter.Post(t, "/api/v1/domains/"+mine.ID(t)+"/verify", nil).RequireProblem(t, 404, "not_found")
	owner.Post(t, "/api/v1/domains/"+mine.ID(t)+"/verify", nil).Require(t, 200)
	owner.WithHost("book.salon.example").Get(t, "/api/v1/resources").Require(t, 200)
	squatter.WithHost("book.salon.example").Get(t, "/api/v1/resources").RequireProblem(t, 403, "tenant_mismatch")
	// Even with a record of their own, the second comes too late.
	squatter.Publish(t, theirs)
	squatter.Post(t, "/api/v1/domains/"+theirs.ID(t)+"/verify", nil).RequireProblem(t, 409, "already_exists")

	a := squatter.Post(t, "/api/v1/domains", m{"name": "new.salon.example"}).Require(t, 201)
	b := owner.Post(t, "/api/v1/domains", m{"name": "new.salon.example"}).Require(t, 201)
	s.DNS.SetTXT("_smoothschedule.new.salon.example", a.Object(t)["record"].(m)["value"].(string), b.Object(t)["record"].(m)["value"].(string))
	statuses := make(chan int, 2)
	for _, rival := range []struct {
		c  *apitest.Client
		id string
	}{{squatter, a.ID(t)}, {owner, b.ID(t)}} {
		request := rival.c.Request(t, http.MethodPost, "/api/v1/domains/"+rival.id+"/verify", nil)
		go func() {
			response, err := rival.c.Send(request)
			if err != nil {
				t.Error(err)
				statuses <- 0
				return
			}
			statuses <- response.Status
		}()
	}
	require.ElementsMatch(t, []int{200, 409}, []int{<-statuses, <-statuses})
}

// A business moves at once; nobody else gets where it was for 90 days.
func TestChangingTheSubdomain(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	other := s.Tenant(t, "b").Client(t, tenancy.RoleOwner)
	owner := tenant.Client(t, tenancy.RoleOwner)
	change := func(c *apitest.Client, name string) *apitest.Response {
		return c.Do(t, http.MethodPut, "/api/v1/business/subdomain", m{"subdomain": name})
	}
	for _, wrong := range []string{"platform", "www", "api", "UPPER", "a.b", "-a", "x-sandbox"} {
		change(owner, wrong).RequireProblem(t, 422, "validation_failed")
	}
	change(owner, "b").RequireProblem(t, 409, "already_exists")
	change(owner, "a").Require(t, 200)
	change(tenant.Client(t, tenancy.RoleManager), "moved").RequireProblem(t, 403, "role_not_allowed")

	moved := change(owner, "moved").Require(t, 200).Object(t)
	require.Equal(t, "moved", moved["name"])
	require.Equal(t, true, moved["is_primary"])
	problem := owner.Get(t, "/api/v1/resources").RequireProblem(t, 404, "unknown_host")
	require.Equal(t, "moved", problem["moved_to"])
	there := owner.WithHost("moved.localhost")
	there.Get(t, "/api/v1/resources").Require(t, 200)
	require.Equal(t, "a", there.Get(t, "/api/auth/me/").Require(t, 200).Object(t)["tenant"].(m)["schema_name"], "names of environments stay")
	change(other, "a").RequireProblem(t, 409, "already_exists")
	s.Platform(t, tenancy.RoleSuperuser).Post(t, "/api/platform/invitations/", m{
		"email": "x@new.example", "business_name": "X", "subdomain": "a", "plan_code": "free",
	}).RequireProblem(t, 409, "already_exists")

	// It may come back, and the other name is reserved then.
	change(there, "a").Require(t, 200)
	require.Equal(t, "a", there.Get(t, "/api/v1/resources").RequireProblem(t, 404, "unknown_host")["moved_to"])
	change(other, "moved").RequireProblem(t, 409, "already_exists")
	s.Clock.Advance(90 * 24 * time.Hour)
	other = s.Login(t, "b.localhost", "owner@b.example")
	change(other, "moved").Require(t, 200)
	other.WithHost("moved.localhost").Get(t, "/api/v1/resources").Require(t, 200)

	// Of many who want one name at once, one gets it.
	clients := []*apitest.Client{s.Login(t, "a.localhost", "owner@a.example"), other.WithHost("moved.localhost")}
	statuses := make(chan int, len(clients))
	for _, c := range clients {
		request := c.Request(t, http.MethodPut, "/api/v1/business/subdomain", m{"subdomain": "wanted"})
		go func() {
			response, err := c.Send(request)
			if err != nil {
				t.Error(err)
				statuses <- 0
				return
			}
			statuses <- response.Status
		}()
	}
	require.ElementsMatch(t, []int{200, 409}, []int{<-statuses, <-statuses})
}

// Moving on and on does not collect names that nobody else may have.
func TestSubdomainsAreNotCollected(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	here := owner
	change := func(name string) *apitest.Response {
		return here.Do(t, http.MethodPut, "/api/v1/business/subdomain", m{"subdomain": name})
	}
	for i := range 5 {
		name := fmt.Sprint("name-", i)
		change(name).Require(t, 200)
		here = owner.WithHost(name + ".localhost")
	}
	change("name-5").RequireProblem(t, 422, "validation_failed")
	change("name-2").Require(t, 200) // back, and so as many as before
	s.Clock.Advance(90 * 24 * time.Hour)
	here = s.Login(t, "name-2.localhost", "owner@a.example")
	change("name-5").Require(t, 200)
}

// White label is the business's choice as long as the plan has it.
func TestWhiteLabel(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	set := func(value bool) *apitest.Response {
		return owner.Do(t, http.MethodPatch, "/api/v1/business", m{"white_label_enabled": value})
	}
	shown := func() any { return owner.Get(t, "/api/v1/business").Require(t, 200).Object(t)["white_label_enabled"] }
	require.Equal(t, false, shown())
	require.Equal(t, true, set(true).Require(t, 200).Object(t)["white_label_enabled"])
	tenant.Override(t, "can_white_label", false)
	require.Equal(t, false, shown())
	set(true).RequireProblem(t, 403, "feature_not_in_plan")
	owner.Do(t, http.MethodPatch, "/api/v1/business", m{"contact_phone": "1"}).Require(t, 200)
	s.Clock.Advance(time.Second)
	tenant.Override(t, "can_white_label", true)
	require.Equal(t, true, shown(), "the choice is kept")
	require.Equal(t, false, set(false).Require(t, 200).Object(t)["white_label_enabled"])
}
