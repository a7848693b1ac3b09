package walk

import (
	"maps"
	"testing"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// populated is a business with objects in it, on a server of its own.
type populated struct {
	server *apitest.Server
	tenant *apitest.Tenant
	callers
	objects objects
}

// A population fills the database of a server once. Each test gets a copy of that database,
// which is several times cheaper than sending all the requests again.
type population struct {
	template dbtest.Template
	fill     func(tb testing.TB, s *apitest.Server, tenant *apitest.Tenant) (callers, objects)

	// of the server that filled the template:
	made    populated
	records map[string][]string // of its DNS
}

var (
	// theBusiness is what populate makes, for an owner.
	theBusiness = population{fill: func(tb testing.TB, _ *apitest.Server, tenant *apitest.Tenant) (callers, objects) {
		tb.Helper()
		owner := tenant.Client(tb, tenancy.RoleOwner)
		return callers{owner: owner}, populate(tb, owner)
	}}
	// everyNoun is what everything makes.
	everyNoun = population{fill: everything}
)

// new starts a server on a copy.
func (p *population) new(t *testing.T, options ...apitest.Option) populated {
	t.Helper()
	return p.on(t, p.copy(t), options...)
}

// copy returns a copy of the database.
func (p *population) copy(t *testing.T) *dbtest.DB {
	t.Helper()
	return p.template.New(t, func(tb testing.TB, db *dbtest.DB) {
		tb.Helper()
		s := apitest.NewOn(tb, db)
		tenant := s.Tenant(tb, "a")
		c, o := p.fill(tb, s, tenant)
		p.made, p.records = populated{server: s, tenant: tenant, callers: c, objects: o}, s.DNS.Records()
	})
}

// on starts a server on the copy.
func (p *population) on(t *testing.T, db *dbtest.DB, options ...apitest.Option) populated {
	t.Helper()
	s := apitest.NewOn(t, db, options...)
	s.DNS.Add(p.records)
	c := callers{owner: p.made.owner.On(s)}
	if p.made.superuser != nil {
		c.superuser = p.made.superuser.On(s)
	}
	return populated{server: s, tenant: p.made.tenant.On(s), callers: c, objects: maps.Clone(p.made.objects)}
}
