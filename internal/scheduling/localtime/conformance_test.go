package localtime_test

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
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
	// ruleFrom is where the tables of the zones end: after it, their last rule counts.
	ruleFrom      = time.Date(2037, time.December, 1, 0, 0, 0, 0, time.UTC)
	conformanceTo = time.Date(2101, time.January, 1, 0, 0, 0, 0, time.UTC)
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
func changes(loc *time.Location, from, to time.Time) []change {
	var list []change
	const pace = 12 * time.Hour
	before := offset(from, loc)
	for at := from; at.Before(to); at = at.Add(pace) {
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
		// One look-up of the zone instead of the two of Date and Clock.
		shown := int(at.Add(time.Duration(offset(at, loc))*time.Second).Sub(midnight) / time.Minute)
		for len(o.instants) <= shown {
			o.instants = append(o.instants, at.Unix())
		}
	}
	return o
}

// TestEveryTransition holds the policy against the minutes of the day of each transition
// of each zone until 2100, the days around it, and shifts from there over midnight: every
// minute while the tables of the zones last, then one in ruleStride of one zone for each rule.
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
					list := changes(loc, conformanceFrom, conformanceTo)
					for _, c := range list {
						found, alike := oracles.Load(c.key)
						stride := 1
						if c.at.After(ruleFrom) {
							if alike {
								continue // another zone with the same rule has been checked
							}
							stride = ruleStride
						}
						if !alike {
							found = newOracle(c.at, loc)
							oracles.Store(c.key, found)
						}
						checkChange(t, names[i], loc, found.(*oracle), stride)
					}
					total.Store(names[i], len(list))
				}
			})
		}
	})
	t.Cleanup(func() {
		sum := 0
		total.Range(func(_, n any) bool { sum += n.(int); return true })
		assert.Greater(t, sum, 40_000, "transitions seen")
	})
}

// ruleStride has no divisor in common with the lengths of gaps, folds and days.
const ruleStride = 7

func checkChange(t *testing.T, name string, loc *time.Location, o *oracle, stride int) {
	t.Helper()
	clock := localtime.NewClock(loc)
	previous := int64(0)
	const daysOfStarts, longest = 4, 2880
	for minute := 0; minute < daysOfStarts*1440; minute += stride {
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

// TestClock_At_far_ahead samples transitions of every zone between 2101 and 2999, when
// nothing but the last rule of the zone is known.
func TestClock_At_far_ahead(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(2101, 2999))
	for name := range strings.FieldsSeq(zones) {
		loc := zone(t, name)
		from := time.Date(2101+random.IntN(899), time.January, 1, 0, 0, 0, 0, time.UTC)
		for _, c := range changes(loc, from, from.AddDate(1, 0, 0)) {
			checkChange(t, name, loc, newOracle(c.at, loc), ruleStride)
		}
	}
}

// TestClock_year_ends holds every zone against the ends of years: behind the tables, Go's
// ZoneBounds returns bounds for leap years that do not contain the instant.
func TestClock_year_ends(t *testing.T) {
	t.Parallel()
	for name := range strings.FieldsSeq(zones) {
		loc := zone(t, name)
		clock := localtime.NewClock(loc)
		for year := 2024; year < 3000; year++ {
			if year > 2060 && year%20 != 0 {
				continue
			}
			checkYearEnd(t, name, loc, clock, year)
		}
	}
}

func checkYearEnd(t *testing.T, name string, loc *time.Location, clock *localtime.Clock, year int) {
	t.Helper()
	eve := localtime.Date{Year: year, Month: time.December, Day: 31}
	midnight := time.Date(year, time.December, 31, 0, 0, 0, 0, time.UTC)
	seconds := offset(midnight, loc)
	for at := midnight.Add(-2 * day); at.Before(midnight.Add(3 * day)); at = at.Add(6 * time.Hour) {
		if offset(at, loc) != seconds {
			return // such a year end is a transition like others
		}
	}
	for minute := -1440; minute <= 2880; minute += 293 {
		want := midnight.Add(time.Duration(minute)*time.Minute - time.Duration(seconds)*time.Second)
		if got := clock.At(eve, minute); !got.Equal(want) {
			t.Fatalf("%s, %s +%d min: got %s, want %s", name, eve, minute, got, want)
		}
		if got := clock.DateOf(want); got != localtime.DateOf(want, loc) {
			t.Fatalf("%s: the date of %s is %s", name, want, got)
		}
	}
	from, to := clock.At(eve, 0), clock.At(eve.AddDays(1), 0)
	starts := 0
	for range localtime.Grid(from, to, 45*time.Minute, loc) {
		starts++
	}
	if starts != 32 {
		t.Fatalf("%s, %s: %d starts of 45 minutes, want 32", name, eve, starts)
	}
}
