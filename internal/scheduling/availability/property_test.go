package availability

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // where the machine has no zones

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

// source is where a random case comes from: a generator, or the bytes of a fuzzer.
type source interface{ IntN(n int) int }

// fuzzed reads choices from bytes; when they run out, it chooses 0.
type fuzzed struct{ data []byte }

func (f *fuzzed) IntN(n int) int {
	if len(f.data) == 0 {
		return 0
	}
	choice := int(f.data[0]) % n
	f.data = f.data[1:]
	return choice
}

func mustLoad(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

// places are where cases happen: ordinary days, and those on which clocks change.
var places = []struct {
	loc  *time.Location
	base time.Time
}{
	{time.UTC, time.Date(2025, time.November, 24, 0, 0, 0, 0, time.UTC)},
	{mustLoad("America/New_York"), time.Date(2025, time.November, 24, 5, 0, 0, 0, time.UTC)},
	{mustLoad("Europe/Vienna"), time.Date(2024, time.March, 30, 17, 0, 0, 0, time.UTC)},
	{mustLoad("Europe/Vienna"), time.Date(2024, time.October, 26, 17, 0, 0, 0, time.UTC)},
	{mustLoad("Australia/Lord_Howe"), time.Date(2024, time.October, 5, 9, 0, 0, 0, time.UTC)},
	{mustLoad("Australia/Lord_Howe"), time.Date(2024, time.April, 6, 9, 0, 0, 0, time.UTC)},
	{mustLoad("America/Havana"), time.Date(2024, time.March, 9, 22, 0, 0, 0, time.UTC)},
	{mustLoad("Asia/Beirut"), time.Date(2024, time.October, 26, 14, 0, 0, 0, time.UTC)},
	{mustLoad("Pacific/Apia"), time.Date(2011, time.December, 30, 2, 0, 0, 0, time.UTC)},
	{mustLoad("America/St_Johns"), time.Date(2010, time.November, 6, 18, 0, 0, 0, time.UTC)},
	{mustLoad("Asia/Kathmandu"), time.Date(2025, time.December, 31, 10, 0, 0, 0, time.UTC)},
}

// caseLength is how long after the base starts are looked for.
const caseLength = 30 * time.Hour

// drawWorld makes a small case in which all rules have something to say.
func drawWorld(s source) *world {
	here := places[s.IntN(len(places))]
	w := &world{base: here.base, now: here.base.Add(-7 * time.Hour)}
	w.snapshot = Snapshot{Location: here.loc, Service: drawService(s)}
	w.snapshot.Service.Limits = drawLimits(s, w)
	w.snapshot.Business = drawSchedule(s, w)
	if s.IntN(6) == 0 {
		w.snapshot.Closures = drawSpans(s, w)
	}
	for i := range s.IntN(6) {
		w.snapshot.Resources = append(w.snapshot.Resources, drawResource(s, w, byte(1+i)))
	}
	if s.IntN(3) == 0 {
		w.now = w.base.Add(time.Duration(s.IntN(40)) * 17 * time.Minute)
	}
	w.request = SearchRequest{From: w.base, To: w.base.Add(caseLength), Explain: true}
	for range s.IntN(3) * s.IntN(2) {
		w.request.Requested = append(w.request.Requested, number(byte(1+s.IntN(7))))
	}
	for range s.IntN(3) {
		w.request.Preferred = append(w.request.Preferred, number(byte(1+s.IntN(7))))
	}
	return w
}

var resourceTypes = []ResourceType{Staff, Room, Equipment}

func drawService(s source) Service {
	service := Service{
		Active:       s.IntN(20) > 0,
		Duration:     time.Duration(1+s.IntN(6)) * 15 * time.Minute,
		BufferBefore: time.Duration(max(0, s.IntN(4)-1)) * 5 * time.Minute,
		BufferAfter:  time.Duration(max(0, s.IntN(4)-1)) * 5 * time.Minute,
		SlotStep:     []time.Duration{0, 20 * time.Minute, time.Hour, 50 * time.Minute, 5 * time.Minute}[s.IntN(5)],
	}
	if s.IntN(4) == 0 {
		service.MinNotice = time.Duration(s.IntN(30)) * 25 * time.Minute
	}
	if s.IntN(4) == 0 {
		service.Horizon = time.Duration(1+s.IntN(30)) * 65 * time.Minute
	}
	for range s.IntN(4) {
		var q Requirement
		for range s.IntN(3) * s.IntN(2) {
			q.ResourceIDs = append(q.ResourceIDs, number(byte(1+s.IntN(6))))
		}
		for range s.IntN(3) {
			q.Types = append(q.Types, resourceTypes[s.IntN(3)])
		}
		service.Requirements = append(service.Requirements, q)
	}
	return service
}

func drawLimits(s source, w *world) Limits {
	var l Limits
	if s.IntN(5) > 0 {
		return l
	}
	l.MaxPerDay, l.MaxPerWeek = s.IntN(3), s.IntN(6)
	l.Counts = map[localtime.Date]int{}
	for range s.IntN(6) {
		date := w.base.Add(time.Duration(s.IntN(12)-4) * 24 * time.Hour).UTC()
		l.Counts[localtime.Date{Year: date.Year(), Month: date.Month(), Day: date.Day()}] += 1 + s.IntN(2)
	}
	return l
}

func drawHours(s source) (hours []Hours) {
	for range s.IntN(4) {
		start := 30 * s.IntN(48)
		hours = append(hours, Hours{Start: start, End: min(2880, start+30*s.IntN(40))})
	}
	return hours
}

func drawSchedule(s source, w *world) *Schedule {
	if s.IntN(3) == 0 {
		return nil
	}
	schedule := &Schedule{Location: w.snapshot.Location, Overrides: map[localtime.Date][]Hours{}}
	if s.IntN(4) == 0 {
		schedule.Location = places[s.IntN(len(places))].loc
	}
	for day := range schedule.Weekly {
		schedule.Weekly[day] = drawHours(s)
		if s.IntN(3) == 0 {
			schedule.Weekly[day] = append(schedule.Weekly[day], Hours{0, 1440})
		}
	}
	for range s.IntN(3) {
		date := w.base.Add(time.Duration(s.IntN(4)-1) * 24 * time.Hour).UTC()
		schedule.Overrides[localtime.Date{Year: date.Year(), Month: date.Month(), Day: date.Day()}] = drawHours(s)
	}
	return schedule
}

// drawSpan makes a time of 0 to 235 minutes during the case; every one has an object.
func drawSpan(s source, w *world) Span {
	from := w.base.Add(time.Duration(s.IntN(370)-6) * 5 * time.Minute)
	return Span{from, from.Add(time.Duration(s.IntN(48)) * 5 * time.Minute), uuid.UUID{0: 1, 14: byte(s.IntN(256)), 15: byte(s.IntN(256))}}
}

func drawSpans(s source, w *world) (spans []Span) {
	for range s.IntN(4) {
		spans = append(spans, drawSpan(s, w))
	}
	return spans
}

func drawResource(s source, w *world, n byte) Resource {
	r := Resource{
		ID: number(n), Type: resourceTypes[s.IntN(3)], Active: s.IntN(8) > 0, Capacity: 1 + max(0, s.IntN(4)-1),
		Weight: s.IntN(2), Limits: drawLimits(s, w),
	}
	if s.IntN(3) == 0 {
		r.Schedule = drawSchedule(s, w)
	}
	if s.IntN(3) == 0 {
		r.TimeOff, r.External = drawSpans(s, w), drawSpans(s, w)
	}
	for range s.IntN(25) * (1 + s.IntN(3)) {
		at := drawSpan(s, w)
		b := Interval{Lane: s.IntN(r.Capacity + 1), Start: at.Start, End: at.End, Kind: Kind(s.IntN(2)), ObjectID: at.ObjectID}
		if b.End.Sub(b.Start) > 30*time.Minute {
			b.BufferBefore, b.BufferAfter = time.Duration(s.IntN(3))*5*time.Minute, time.Duration(s.IntN(3))*5*time.Minute
		}
		r.Busy = append(r.Busy, b)
	}
	return r
}

// checkSearch holds Search and Decide against the oracle, at every minute that is on the
// grid, and returns what was said how often.
func checkSearch(t *testing.T, w *world) map[Code]int {
	t.Helper()
	said := map[Code]int{}
	got := search(&w.snapshot, &w.request, w.now)
	slots, refused := got.Slots, got.Refused
	require.False(t, got.Truncated)
	step := int(w.snapshot.Service.step() / time.Minute)
	for at := w.base; at.Before(w.base.Add(caseLength)); at = at.Add(time.Minute) {
		if h, m, _ := at.In(w.snapshot.Location).Clock(); (h*60+m)%step != 0 {
			continue
		}
		decision := w.check(t, at)
		end := at.Add(w.snapshot.Service.Duration)
		if decision.OK {
			require.NotEmpty(t, slots, at)
			require.Equal(t, Slot{at, end, decision.Assignments}, slots[0], "search is booking")
			slots = slots[1:]
			said[""]++
			continue
		}
		require.NotEmpty(t, refused, at)
		require.Equal(t, Refusal{at, end, decision.Reasons}, refused[0])
		refused = refused[1:]
		for _, r := range decision.Reasons {
			said[r.Code]++
		}
	}
	require.Empty(t, slots, "not on the grid")
	require.Empty(t, refused, "not on the grid")

	silent := w.request
	silent.Explain = false
	require.Equal(t, Result{Slots: got.Slots}, search(&w.snapshot, &silent, w.now), "explaining changes nothing")
	silent.Limit = 3
	few := search(&w.snapshot, &silent, w.now)
	require.Equal(t, got.Slots[:min(3, len(got.Slots))], few.Slots)
	require.Equal(t, len(got.Slots) > 3, few.Truncated)
	return said
}

// check holds one decision against the oracle.
func (w *world) check(t *testing.T, start time.Time) Decision {
	t.Helper()
	request := Request{Start: start, Requested: w.request.Requested, Preferred: w.request.Preferred, OffGrid: true}
	got := Decide(&w.snapshot, &request, w.now)
	w.checkGrid(t, request, got)
	require.Equal(t, w.ok(start), got.OK, "%s: %+v", start, got)
	if got.OK {
		require.Empty(t, got.Reasons)
		w.checkAssignments(t, start, got.Assignments)
	} else {
		require.Empty(t, got.Assignments)
		w.checkReasons(t, start, got.Reasons)
	}
	return got
}

// isOnGrid reports whether the clock of the business shows a multiple of the step.
func (w *world) isOnGrid(start time.Time) bool {
	h, m, _ := start.In(w.snapshot.Location).Clock()
	return (h*60+m)%int(w.snapshot.Service.step()/time.Minute) == 0
}

// checkGrid says that those who may not go off the grid get the same decision on it, and
// none off it.
func (w *world) checkGrid(t *testing.T, request Request, free Decision) {
	t.Helper()
	request.OffGrid = false
	got := Decide(&w.snapshot, &request, w.now)
	if w.isOnGrid(request.Start) {
		require.Equal(t, free, got, "on the grid")
		return
	}
	require.False(t, got.OK, "off the grid")
	if code := got.Reasons[0].Code; code != OffGrid {
		require.Equal(t, free, got)
		require.True(t, !code.Temporal() || code == InPast || code == MinNotice || code == Horizon, code)
	}
}

// checkMove says that an appointment that has the resources keeps them where it can, and that
// whatever is offered to anybody is accepted for it, and each of its alternatives.
func checkMove(t *testing.T, w *world, wanted time.Time, kept []uuid.UUID, offGrid bool) map[string]int {
	t.Helper()
	snapshot := w.snapshot
	snapshot.From, snapshot.To = w.request.From, w.request.To
	move := func(start time.Time) Decision {
		return Decide(&snapshot, &Request{Start: start, Kept: kept, OffGrid: offGrid}, w.now)
	}
	done := map[string]int{}
	offered := search(&snapshot, &SearchRequest{From: snapshot.From, To: snapshot.To}, w.now).Slots
	for _, slot := range offered {
		got := move(slot.Start)
		require.True(t, got.OK, "offered at %s, and refused: %v", slot.Start, got.Reasons)
		if same := w.keeps(t, slot.Start, kept, got); same {
			done["kept"]++
		} else {
			done["moved to others"]++
		}
	}
	request := Request{Start: wanted, Kept: kept, OffGrid: offGrid}
	alternatives := nearestTo(&snapshot, &request, w.now, 3)
	require.GreaterOrEqual(t, len(alternatives), min(3, len(offered)))
	for _, slot := range alternatives {
		require.True(t, slot.Start.Equal(wanted) && offGrid || w.isOnGrid(slot.Start), slot.Start)
		got := move(slot.Start)
		require.True(t, got.OK, "an alternative at %s that is refused: %v", slot.Start, got.Reasons)
		w.keeps(t, slot.Start, kept, got)
		done["alternative"]++
	}
	substitute, ok, err := Substitute(t.Context(), &snapshot, &request, w.now)
	require.NoError(t, err)
	if ok {
		require.True(t, move(substitute.Start).OK, "a substitute that is refused")
	} else {
		require.Empty(t, alternatives)
	}
	if got := move(wanted); !got.OK {
		require.Equal(t, Possible(&snapshot, &request, w.now), got.Reasons[0].Code.Temporal(), got.Reasons)
		done["refused"]++
	}
	return done
}

// keeps reports whether a move takes exactly the kept resources, which it must if all of them
// are free.
func (w *world) keeps(t *testing.T, start time.Time, kept []uuid.UUID, got Decision) bool {
	t.Helper()
	taken := map[uuid.UUID]bool{}
	for _, a := range got.Assignments {
		taken[a.ResourceID] = true
	}
	free, all := true, len(taken) == len(kept)
	for _, id := range kept {
		all = all && taken[id]
		i := slices.IndexFunc(w.snapshot.Resources, func(r Resource) bool { return r.ID == id })
		free = free && i >= 0 && w.snapshot.Resources[i].Active && w.freeLane(&w.snapshot.Resources[i], start) >= 0
	}
	require.Equal(t, free, all, "what is free is kept, at %s", start)
	return all
}

// drawKept are the resources of an appointment.
func drawKept(s source) (kept []uuid.UUID) {
	for n := range 6 {
		if s.IntN(3) == 0 {
			kept = append(kept, number(byte(1+n)))
		}
	}
	if len(kept) == 0 {
		kept = append(kept, number(1))
	}
	return kept
}

// checkNearest holds alternatives against what Decide says about all that there could be.
func checkNearest(t *testing.T, w *world, wanted time.Time, n int, offGrid bool) {
	t.Helper()
	snapshot := w.snapshot
	snapshot.From, snapshot.To = w.request.From, w.request.To
	request := Request{Start: wanted, Requested: w.request.Requested, Preferred: w.request.Preferred, OffGrid: offGrid}
	got := nearestTo(&snapshot, &request, w.now, n)
	require.LessOrEqual(t, len(got), n)
	distance := func(s Slot) time.Duration { return s.Start.Sub(wanted).Abs() }
	all := search(&w.snapshot, &SearchRequest{From: snapshot.From, To: snapshot.To, Requested: request.Requested, Preferred: request.Preferred}, w.now).Slots
	if d := Decide(&snapshot, &request, w.now); d.OK && !slices.ContainsFunc(all, func(s Slot) bool { return s.Start.Equal(wanted) }) {
		all = append(all, Slot{wanted, wanted.Add(snapshot.Service.Duration), d.Assignments})
	}
	slices.SortFunc(all, func(a, b Slot) int {
		if da, db := distance(a), distance(b); da != db {
			return int(da - db)
		}
		return a.Start.Compare(b.Start)
	})
	same := 0
	for same < min(len(got), len(all)) && got[same].Start.Equal(all[same].Start) {
		require.Equal(t, all[same], got[same])
		same++
	}
	require.GreaterOrEqual(t, same, min(len(all), n-n/2), "those with the same resources come first")
	seen := map[time.Time]bool{}
	for i, s := range got {
		require.False(t, seen[s.Start], "twice")
		seen[s.Start] = true
		if i < same {
			continue
		}
		require.NotEmpty(t, request.Requested)
		if i > same {
			require.LessOrEqual(t, distance(got[i-1]), distance(s))
		}
		d := Decide(snapshot.relaxed(request.Requested), &Request{Start: s.Start, Requested: s.ResourceIDs(), OffGrid: offGrid}, w.now)
		require.True(t, d.OK, "an alternative that cannot be booked: %v", d.Reasons)
	}
}

func TestSearchAgreesWithTryingEverything(t *testing.T) {
	t.Parallel()
	said := map[Code]int{}
	for seed := range uint64(600) {
		w := drawWorld(rand.New(rand.NewPCG(seed, 1)))
		for code, n := range checkSearch(t, w) {
			said[code] += n
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	// A generator that never reaches a rule would prove nothing about it.
	for _, code := range []Code{
		"", ServiceInactive, ResourceNotFound, ResourceInactive, ResourceNotEligible, RequirementUnmet, InPast, MinNotice, Horizon,
		Closed, OutsideHours, TimeOff, Booked, Capacity, Held, ExternalBusy, Buffer, LimitDay, LimitWeek,
	} {
		require.Greater(t, said[code], 100, "%q", code)
	}
}

func TestDecideAgreesWithTryingEverythingOffTheGrid(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4_000) {
		random := rand.New(rand.NewPCG(seed, 2))
		w := drawWorld(random)
		w.check(t, w.base.Add(time.Duration(random.IntN(30*60))*time.Minute))
	}
}

func TestNearestAgreesWithSearch(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1_500) {
		random := rand.New(rand.NewPCG(seed, 3))
		w := drawWorld(random)
		checkNearest(t, w, w.base.Add(time.Duration(random.IntN(30*60))*time.Minute), 1+random.IntN(6), random.IntN(2) == 0)
	}
}

func TestMoveAgreesWithSearch(t *testing.T) {
	t.Parallel()
	done := map[string]int{}
	for seed := range uint64(800) {
		random := rand.New(rand.NewPCG(seed, 5))
		w := drawWorld(random)
		wanted := w.base.Add(time.Duration(random.IntN(30*60)) * time.Minute)
		for what, n := range checkMove(t, w, wanted, drawKept(random), random.IntN(2) == 0) {
			done[what] += n
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for _, what := range []string{"kept", "moved to others", "alternative", "refused"} {
		require.Greater(t, done[what], 100, "%q", what)
	}
}

func TestOrderInTheSnapshotDoesNotMatter(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 4))
		w := drawWorld(random)
		want := search(&w.snapshot, &w.request, w.now)
		shuffled := w.snapshot
		shuffled.Resources = slices.Clone(shuffled.Resources)
		shuffle(random, shuffled.Resources)
		for i := range shuffled.Resources {
			r := &shuffled.Resources[i]
			r.Busy, r.TimeOff, r.External = slices.Clone(r.Busy), slices.Clone(r.TimeOff), slices.Clone(r.External)
			shuffle(random, r.Busy)
			shuffle(random, r.TimeOff)
			shuffle(random, r.External)
		}
		got := search(&shuffled, &w.request, w.now)
		require.Equal(t, want.Slots, got.Slots)
		for i := range want.Refused {
			require.Equal(t, byResource(want.Refused[i].Reasons), byResource(got.Refused[i].Reasons))
		}
	}
}

func shuffle[T any](random *rand.Rand, list []T) {
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func byResource(reasons []Reason) []Reason {
	return slices.SortedFunc(slices.Values(reasons), func(a, b Reason) int { return bytes.Compare(a.ResourceID[:], b.ResourceID[:]) })
}

// seedCorpus is random, so that the fuzzer starts from cases with something in them.
func seedCorpus(f *testing.F) {
	f.Helper()
	f.Add([]byte{})
	random := rand.NewChaCha8([32]byte{1})
	for n := range 20 {
		data := make([]byte, 40*n)
		_, _ = random.Read(data)
		f.Add(data)
	}
}

func FuzzDecide(f *testing.F) {
	seedCorpus(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &fuzzed{data}
		minute := s.IntN(250)*7 + s.IntN(7)
		w := drawWorld(s)
		w.check(t, w.base.Add(time.Duration(minute)*time.Minute))
		checkNearest(t, w, w.base.Add(time.Duration(minute)*time.Minute), 3, minute%2 == 0)
		checkMove(t, w, w.base.Add(time.Duration(minute)*time.Minute), drawKept(s), minute%2 == 0)
	})
}

func FuzzSearch(f *testing.F) {
	seedCorpus(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		checkSearch(t, drawWorld(&fuzzed{data}))
	})
}
