package localtime_test

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

// zones are the names in lib/time/zoneinfo.zip of Go 1.26, links included.
//
//go:embed testdata/zones.txt
var zones string

const (
	day = 24 * time.Hour
	// reach is how far from a transition the oracle looks: a day before and after the
	// day of the transition, and shifts over two midnights.
	reach = 6 * day
)

var (
	conformanceFrom = time.Date(1994, time.December, 1, 0, 0, 0, 0, time.UTC)
	conformanceTo   = time.Date(2038, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// change is a transition of a zone, with all that can be seen from it.
type change struct {
	at time.Time
	// key tells which changes look the same.
	key string
}

// offset asks Go's time package; where clocks stand is given, what follows is tested.
func offset(at time.Time, loc *time.Location) int {
	_, seconds := at.In(loc).Zone()
	return seconds
}

// changes finds the instants at which the offset changes, by looking twice a day and
// then by bisection, so it does not rely on ZoneBounds, as the tested code does.
func changes(loc *time.Location) []change {
	var list []change
	const pace = 12 * time.Hour
	before := offset(conformanceFrom, loc)
	for at := conformanceFrom; at.Before(conformanceTo); at = at.Add(pace) {
		after := offset(at.Add(pace), loc)
		if after == before {
			continue
		}
		low, high := at, at.Add(pace)
		for high.Sub(low) > time.Second {
			if middle := low.Add(high.Sub(low) / 2).Truncate(time.Second); offset(middle, loc) == before {
				low = middle
			} else {
				high = middle
			}
		}
		list = append(list, change{at: high})
		before = after
	}
	for i := range list {
		var key strings.Builder
		for _, c := range list {
			if d := c.at.Sub(list[i].at); -reach <= d && d <= reach {
				fmt.Fprintf(&key, "%d %d %d;", c.at.Unix(), offset(c.at.Add(-time.Second), loc), offset(c.at, loc))
			}
		}
		list[i].key = key.String()
	}
	return list
}

// oracle knows, for the minutes around a change, the first instant at which the clock
// shows that minute or a later one. It looks at every minute, one after the other.
type oracle struct {
	first localtime.Date
	// instants has the Unix time for each minute from the midnight of first.
	instants []int64
}

func newOracle(at time.Time, loc *time.Location) *oracle {
	o := &oracle{first: localtime.DateOf(at, loc).AddDays(-2)}
	midnight := time.Date(o.first.Year, o.first.Month, o.first.Day, 0, 0, 0, 0, time.UTC)
	for at := midnight.Add(-day); at.Before(midnight.Add(reach + day)); at = at.Add(time.Minute) {
		y, month, d := at.In(loc).Date()
		h, m, _ := at.In(loc).Clock()
		shown := int(time.Date(y, month, d, h, m, 0, 0, time.UTC).Sub(midnight) / time.Minute)
		for len(o.instants) <= shown {
			o.instants = append(o.instants, at.Unix())
		}
	}
	return o
}

// TestEveryTransition holds the policy against every minute of the day of each
// transition of each zone, the days around it, and shifts from there over midnight.
// The time of day at which clocks change, and by how much, are whole minutes since 1972.
func TestEveryTransition(t *testing.T) {
	t.Parallel()
	var oracles sync.Map // key of a change to *oracle: many zones change alike
	var total sync.Map
	names := strings.Fields(zones)
	require.Greater(t, len(names), 590)
	const groups = 8
	t.Run("zones", func(t *testing.T) {
		t.Parallel()
		for group := range groups {
			t.Run(fmt.Sprint(group), func(t *testing.T) {
				t.Parallel()
				for i := group; i < len(names); i += groups {
					loc := zone(t, names[i])
					list := changes(loc)
					for _, c := range list {
						found, ok := oracles.Load(c.key)
						if !ok {
							found = newOracle(c.at, loc)
							oracles.Store(c.key, found)
						}
						checkChange(t, names[i], loc, found.(*oracle))
					}
					total.Store(names[i], len(list))
				}
			})
		}
	})
	t.Cleanup(func() {
		sum := 0
		total.Range(func(_, n any) bool { sum += n.(int); return true })
		assert.Greater(t, sum, 19_000, "transitions seen")
	})
}

func checkChange(t *testing.T, name string, loc *time.Location, o *oracle) {
	t.Helper()
	clock := localtime.NewClock(loc)
	previous := int64(0)
	const daysOfStarts, longest = 4, 2880
	for minute := range daysOfStarts * 1440 {
		date, ofDay := o.first.AddDays(minute/1440), minute%1440
		got := clock.At(date, ofDay).Unix()
		if want := o.instants[minute]; got != want {
			t.Fatalf("%s, %s +%d min: got %d, want %d", name, date, ofDay, got, want)
		}
		if got < previous {
			t.Fatalf("%s, %s +%d min: earlier than the minute before", name, date, ofDay)
		}
		previous = got
	}
	// Shifts: what is over midnight is the wall clock of the next days, and a date with
	// minutes is the same instant as the next date with 1440 less.
	for minute := 0; minute < 3*1440; minute += 45 {
		date, ofDay := o.first.AddDays(minute/1440), minute%1440
		for _, length := range []int{30, 8 * 60, 1440, longest - ofDay} {
			start, end, ok := localtime.Range(date, ofDay, ofDay+length, loc)
			wantStart, wantEnd := o.instants[minute], o.instants[minute+length]
			if start.Unix() != wantStart || end.Unix() != wantEnd || ok != (wantStart < wantEnd) {
				t.Fatalf("%s, %s from +%d for %d min: got %d to %d, want %d to %d",
					name, date, ofDay, length, start.Unix(), end.Unix(), wantStart, wantEnd)
			}
		}
	}
}
