package tzdata

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // time zones must not depend on the machine
)

// Rule is what Load demands of a name, for error texts.
const Rule = "must be the name of an IANA time zone, such as America/New_York."

// zones.txt are the names in package time/tzdata of the toolchain embeddedIn, links such as
// US/Eastern included, but for Factory, which stands for "not set".
//
//go:embed zones.txt
var zonesText string

var known = sync.OnceValue(func() map[string]bool {
	zones := map[string]bool{}
	for name := range strings.Lines(zonesText) {
		zones[strings.TrimSuffix(name, "\n")] = true
	}
	return zones
})

// Names lists the time zones that Load knows, in alphabetical order.
func Names() []string { return strings.Fields(zonesText) }

// loaded are the zones that were loaded, by name: reading one takes longer than all that is
// done with it.
var loaded sync.Map

// Load returns the time zone with the name. The names are the same on every machine, written
// as IANA writes them: time.LoadLocation takes whatever file a machine has (posixrules,
// localtime, right/UTC), what the machine itself is set to ("Local"), and the empty name.
func Load(name string) (*time.Location, error) {
	if kept, ok := loaded.Load(name); ok {
		return kept.(*time.Location), nil
	}
	if !known()[name] {
		return nil, fmt.Errorf("%q is not the name of a time zone", name)
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, err
	}
	loaded.Store(name, location)
	return location, nil
}
