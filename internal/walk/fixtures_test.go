package walk

import (
	"maps"
	"testing"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// objects are the ids of one object of each noun, in one environment.
type objects map[string]string

// fixture says how to call an operation so that it succeeds.
type fixture struct {
	// id is the noun of the object that {id} names, or empty.
	id string
	// more are the nouns of the further parts of the path, such as {version}.
	more []string
	// body builds a valid body; nil for none.
	body func(o objects) any
	// query builds the query string, or is nil.
	query func(o objects) string
	// want is the status of success.
	want int
	// before makes what only this operation needs, or is nil.
	before func(t *testing.T, c *apitest.Client, o objects)
	// as returns the client that may call it; nil is an owner of the business.
	as func(t *testing.T, s *apitest.Server, tenant *apitest.Tenant) *apitest.Client
	// scopes are what API tokens need beside the scope of the gate, for the events that it sends.
	scopes []string
	// sandbox marks what works in the sandbox only.
	sandbox bool
	// lists is the noun of the object that a list shows; each list has it, or everyones.
	lists string
	// everyones says why a list has no rows of a business: everybody sees the same.
	everyones string
	// bothModes marks what shows objects of the live world in the sandbox, or the other way round.
	bothModes bool
}

// in is the client in the mode in which the operation works.
func (f fixture) in(c *apitest.Client) *apitest.Client {
	if f.sandbox {
		return c.Sandbox()
	}
	return c
}

type m = map[string]any

func static(body any) func(objects) any { return func(objects) any { return body } }

// fixtures has one entry for each operation of the contract, from the fixtures_<domain>_test.go files.
var fixtures = join(identityFixtures, schedulingFixtures, developerFixtures, adminFixtures)

func join(domains ...map[string]fixture) map[string]fixture {
	all := map[string]fixture{}
	for _, domain := range domains {
		maps.Copy(all, domain)
	}
	return all
}

// create makes an object and keeps its id under the noun.
func (o objects) create(tb testing.TB, c *apitest.Client, noun, path string, body any) {
	tb.Helper()
	o[noun] = c.Post(tb, path, body).Require(tb, 201).ID(tb)
}

// populate makes one object of each noun in the environment the client works in.
func populate(tb testing.TB, c *apitest.Client) objects {
	tb.Helper()
	o := objects{}
	populateScheduling(tb, c, o)
	populateDeveloper(tb, c, o)
	populateIdentity(tb, c, o)
	return o
}

// populateAll also makes what brings other objects along.
func populateAll(tb testing.TB, c *apitest.Client) objects {
	tb.Helper()
	o := populate(tb, c)
	populateBookings(tb, c, o)
	return o
}

// anything has an id for every noun, of objects that do not exist.
func anything() objects {
	o := objects{"session": uuid.NewString(), "user": uuid.NewString(), "resource": uuid.NewString(), "service": uuid.NewString(), "customer": uuid.NewString()}
	for _, f := range fixtures {
		o[f.id] = uuid.NewString()
		for _, noun := range f.more {
			o[noun] = uuid.NewString()
		}
	}
	o["first"], o["second"], o["override"] = "1", "2", uuid.NewString()
	return o
}
