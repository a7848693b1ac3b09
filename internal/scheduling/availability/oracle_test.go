package availability

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

// world is a case, and what an oracle knows about it. The oracle looks at every minute
// and tries every combination; it is meant to be obviously right rather than fast, and
// shares nothing with the code under test but the types of the snapshot.
type world struct {
	snapshot Snapshot
	request  SearchRequest
	now      time.Time
	// base is an instant near which everything happens.
	base time.Time
}

// walls has, for every minute around a base, the latest minute that the clock of a
// location has shown until then, as if it were UTC. Hours begin when it reaches their
// start, and end when it reaches their end.
type walls struct {
	from    time.Time
	highest []time.Time
}

type place struct {
	base time.Time
	zone string
}

var allWalls sync.Map // place to *walls

func wallsOf(base time.Time, loc *time.Location) *walls {
	key := place{base, loc.String()}
	if found, ok := allWalls.Load(key); ok {
		return found.(*walls)
	}
	w := &walls{from: base.Add(-5 * 24 * time.Hour)}
	highest := time.Time{}
	for at := w.from; at.Before(base.Add(6 * 24 * time.Hour)); at = at.Add(time.Minute) {
		y, month, d := at.In(loc).Date()
		h, m, _ := at.In(loc).Clock()
		if wall := time.Date(y, month, d, h, m, 0, 0, time.UTC); wall.After(highest) {
			highest = wall
		}
		w.highest = append(w.highest, highest)
	}
	allWalls.Store(key, w)
	return w
}

func isOpenAt(base time.Time, s *Schedule, at time.Time) bool {
	if s == nil {
		return true
	}
	w := wallsOf(base, s.Location)
	wall := w.highest[int(at.Sub(w.from)/time.Minute)]
	for ago := range 4 {
		midnight := wall.Truncate(24*time.Hour).AddDate(0, 0, -ago)
		date := localtime.Date{Year: midnight.Year(), Month: midnight.Month(), Day: midnight.Day()}
		hours, overridden := s.Overrides[date]
		if !overridden {
			hours = s.Weekly[midnight.Weekday()]
		}
		for _, h := range hours {
			start, end := midnight.Add(time.Duration(h.Start)*time.Minute), midnight.Add(time.Duration(h.End)*time.Minute)
			if !wall.Before(start) && wall.Before(end) {
				return true
			}
		}
	}
	return false
}

func covers(spans []Span, at time.Time) bool {
	return slices.ContainsFunc(spans, func(s Span) bool { return !at.Before(s.Start) && at.Before(s.End) })
}

// reachedAt counts by the calendar of the time package.
func reachedAt(l *Limits, loc *time.Location, start time.Time) bool {
	local := start.In(loc)
	year, week := local.ISOWeek()
	ofDay, ofWeek := 0, 0
	for d, n := range l.Counts {
		date := time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC)
		if date.YearDay() == local.YearDay() && date.Year() == local.Year() {
			ofDay += n
		}
		if y, w := date.ISOWeek(); y == year && w == week {
			ofWeek += n
		}
	}
	return l.MaxPerDay > 0 && ofDay >= l.MaxPerDay || l.MaxPerWeek > 0 && ofWeek >= l.MaxPerWeek
}

// freeLane returns the lowest lane on which the resource can be taken, or -1.
func (w *world) freeLane(r *Resource, start time.Time) int {
	s := &w.snapshot.Service
	schedule := r.Schedule
	if schedule == nil {
		schedule = w.snapshot.Business
	}
	for at := start; at.Before(start.Add(s.Duration)); at = at.Add(time.Minute) {
		if !isOpenAt(w.base, schedule, at) {
			return -1
		}
	}
	from, to := start.Add(-s.BufferBefore), start.Add(s.Duration+s.BufferAfter)
	taken := map[int]bool{}
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		if covers(w.snapshot.Closures, at) || covers(r.TimeOff, at) || covers(r.External, at) {
			return -1
		}
		for _, b := range r.Busy {
			if !at.Before(b.Start) && at.Before(b.End) {
				taken[b.Lane] = true
			}
		}
	}
	if reachedAt(&r.Limits, w.snapshot.Location, start) {
		return -1
	}
	for lane := range r.Capacity {
		if !taken[lane] {
			return lane
		}
	}
	return -1
}

// startIsGood says whether the start will do, whoever is there.
func (w *world) startIsGood(start time.Time) bool {
	s := &w.snapshot.Service
	ahead := start.Sub(w.now)
	return ahead >= 0 && ahead >= s.MinNotice && (s.Horizon == 0 || ahead <= s.Horizon) &&
		!reachedAt(&s.Limits, w.snapshot.Location, start)
}

func (w *world) fits(q Requirement, r *Resource) bool {
	if len(q.ResourceIDs) > 0 {
		return slices.Contains(q.ResourceIDs, r.ID)
	}
	return len(q.Types) == 0 || slices.Contains(q.Types, r.Type)
}

// possible tries every way to give resources to requirements.
func (w *world) possible(usable func(*Resource) bool) bool {
	requested := map[uuid.UUID]bool{}
	for _, id := range w.request.Requested {
		requested[id] = true
	}
	requirements := w.snapshot.Service.Requirements
	if len(requirements) == 0 {
		if requirements = make([]Requirement, len(requested)); len(requested) == 0 {
			requirements = []Requirement{{Types: []ResourceType{Staff, Room}}}
		}
	}
	used := map[uuid.UUID]bool{}
	var try func(q int) bool
	try = func(q int) bool {
		if q == len(requirements) {
			for id := range requested {
				if !used[id] {
					return false
				}
			}
			return true
		}
		for i := range w.snapshot.Resources {
			r := &w.snapshot.Resources[i]
			if used[r.ID] || !w.fits(requirements[q], r) || !usable(r) {
				continue
			}
			used[r.ID] = true
			if try(q + 1) {
				return true
			}
			used[r.ID] = false
		}
		return false
	}
	return try(0)
}

// ok says whether the start can be booked; ever, whether any could.
func (w *world) ok(start time.Time) bool {
	free := map[uuid.UUID]bool{}
	for i := range w.snapshot.Resources {
		r := &w.snapshot.Resources[i]
		free[r.ID] = r.Active && w.freeLane(r, start) >= 0
	}
	return w.snapshot.Service.Active && w.startIsGood(start) && w.possible(func(r *Resource) bool { return free[r.ID] })
}

func (w *world) ever() bool {
	return w.snapshot.Service.Active && w.possible(func(r *Resource) bool { return r.Active })
}

func (w *world) resource(t *testing.T, id uuid.UUID) *Resource {
	t.Helper()
	i := slices.IndexFunc(w.snapshot.Resources, func(r Resource) bool { return r.ID == id })
	require.GreaterOrEqual(t, i, 0)
	return &w.snapshot.Resources[i]
}

// checkAssignments holds what a positive decision takes against what it must take.
func (w *world) checkAssignments(t *testing.T, start time.Time, assignments []Assignment) {
	t.Helper()
	taken := map[uuid.UUID]bool{}
	for q, a := range assignments {
		r := w.resource(t, a.ResourceID)
		require.True(t, r.Active)
		require.False(t, taken[a.ResourceID], "taken twice")
		taken[a.ResourceID] = true
		require.Equal(t, w.freeLane(r, start), a.Lane)
		if stated := w.snapshot.Service.Requirements; len(stated) > 0 {
			require.Len(t, assignments, len(stated))
			require.True(t, w.fits(stated[q], r))
		}
	}
	for _, id := range w.request.Requested {
		require.True(t, taken[id], "requested but not taken")
	}
	if len(assignments) == 1 && len(w.request.Requested) == 0 {
		w.checkBest(t, start, assignments[0].ResourceID)
	}
}

// checkBest says that no other resource should have been taken for the one requirement.
func (w *world) checkBest(t *testing.T, start time.Time, chosen uuid.UUID) {
	t.Helper()
	q := Requirement{Types: []ResourceType{Staff, Room}}
	if stated := w.snapshot.Service.Requirements; len(stated) > 0 {
		q = stated[0]
	}
	rank := func(r *Resource) [4]int {
		rank := [4]int{0, -r.Weight, w.load(r, start), int(r.ID[15])}
		if slices.Contains(w.request.Preferred, r.ID) {
			rank[0] = -1
		}
		return rank
	}
	best := w.resource(t, chosen)
	for i := range w.snapshot.Resources {
		r := &w.snapshot.Resources[i]
		ra, rb := rank(r), rank(best)
		if r.Active && w.fits(q, r) && w.freeLane(r, start) >= 0 {
			require.GreaterOrEqual(t, slices.Compare(ra[:], rb[:]), 0, "%v is better than %v", r.ID, chosen)
		}
	}
}

// load is how many bookings of the resource start on the date of the start.
func (w *world) load(r *Resource, start time.Time) (n int) {
	date := func(at time.Time) string { return at.In(orUTC(w.snapshot.Location)).Format(time.DateOnly) }
	for _, b := range r.Busy {
		if b.Start.Before(b.End) && date(b.Start) == date(start) {
			n++
		}
	}
	return n
}

// checkReasons holds what a negative decision says against what is the case.
func (w *world) checkReasons(t *testing.T, start time.Time, reasons []Reason) {
	t.Helper()
	require.NotEmpty(t, reasons)
	for _, r := range reasons {
		require.Equal(t, w.ever(), r.Code.Temporal(), "another time may do exactly if the reasons say so: %v", reasons)
		switch {
		case !r.Code.Temporal():
		case r.ResourceID == uuid.Nil:
			require.False(t, w.startIsGood(start), r.Code)
			w.checkStartCode(t, start, r.Code)
		default:
			require.True(t, w.startIsGood(start), r.Code)
			w.checkObstacle(t, start, r)
		}
	}
}

func (w *world) checkStartCode(t *testing.T, start time.Time, code Code) {
	t.Helper()
	s, ahead := &w.snapshot.Service, start.Sub(w.now)
	switch code {
	case InPast:
		require.Negative(t, ahead)
	case MinNotice:
		require.True(t, 0 <= ahead && ahead < s.MinNotice)
	case Horizon:
		require.Greater(t, ahead, s.Horizon)
	case LimitDay, LimitWeek:
		require.True(t, reachedAt(&s.Limits, w.snapshot.Location, start))
	default:
		require.Fail(t, "not about the start", code)
	}
}

// checkObstacle says that the reason is true, and that buffer is said exactly if the
// resource could be taken without any buffers.
func (w *world) checkObstacle(t *testing.T, start time.Time, reason Reason) {
	t.Helper()
	r := w.resource(t, reason.ResourceID)
	require.True(t, r.Active)
	require.Negative(t, w.freeLane(r, start))

	bare, naked := *w, *r
	bare.snapshot.Service.BufferBefore, bare.snapshot.Service.BufferAfter = 0, 0
	naked.Busy = slices.Clone(r.Busy)
	for i := range naked.Busy {
		b := &naked.Busy[i]
		b.Start, b.End = b.Start.Add(b.BufferBefore), b.End.Add(-b.BufferAfter)
	}
	require.Equal(t, reason.Code == Buffer, bare.freeLane(&naked, start) >= 0, reason.Code)

	end := start.Add(w.snapshot.Service.Duration)
	in := func(spans []Span) bool {
		return slices.ContainsFunc(spans, func(s Span) bool {
			return s.ObjectID == reason.ObjectID && s.Start.Before(end) && s.End.After(start) && s.Start.Before(s.End)
		})
	}
	by := func(list []Interval, kind Kind) bool {
		return slices.ContainsFunc(list, func(b Interval) bool {
			return b.ObjectID == reason.ObjectID && b.Kind == kind && b.Start.Before(end) && b.End.After(start)
		})
	}
	unheld := naked
	unheld.Busy = slices.DeleteFunc(slices.Clone(naked.Busy), func(b Interval) bool { return b.Kind == Hold })
	unheld.Limits, unheld.External = Limits{}, nil
	switch reason.Code {
	case Closed:
		require.True(t, in(w.snapshot.Closures))
	case TimeOff:
		require.True(t, in(r.TimeOff))
	case ExternalBusy:
		require.True(t, in(r.External))
	case Booked, Capacity:
		require.True(t, by(naked.Busy, Appointment))
		require.Equal(t, r.Capacity == 1, reason.Code == Booked)
		require.Negative(t, bare.freeLane(&unheld, start))
	case Held:
		require.True(t, by(naked.Busy, Hold))
		require.GreaterOrEqual(t, bare.freeLane(&unheld, start), 0)
	case LimitDay, LimitWeek:
		require.True(t, reachedAt(&r.Limits, w.snapshot.Location, start))
	case Buffer:
		objects := slices.Concat(w.snapshot.Closures, r.TimeOff, r.External)
		for _, b := range r.Busy {
			objects = append(objects, Span{b.Start, b.End, b.ObjectID})
		}
		start, end = w.snapshot.Service.Window(start)
		require.True(t, in(objects))
	default:
		require.Equal(t, OutsideHours, reason.Code)
	}
}
