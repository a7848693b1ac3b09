package availability

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

var (
	monday  = localtime.Date{Year: 2025, Month: time.November, Day: 24}
	newYork = mustLoad("America/New_York")
	vienna  = mustLoad("Europe/Vienna")
)

func hoursOf(h int) int { return h * 60 }

// shop is open on Monday from nine to five, closed on Tuesday, and on Wednesday from nine
// to noon and from one to five; two staff offer half an hour, on a grid of half an hour.
func shop() Snapshot {
	service := hour(anyOf(Staff))
	service.Duration, service.SlotStep = 30*time.Minute, 30*time.Minute
	s := &Schedule{Location: newYork}
	s.Weekly[time.Monday] = []Hours{{hoursOf(9), hoursOf(17)}}
	s.Weekly[time.Wednesday] = []Hours{{hoursOf(9), hoursOf(12)}, {hoursOf(13), hoursOf(17)}}
	return Snapshot{Service: service, Location: newYork, Business: s, Resources: []Resource{one(ana, Staff), one(bob, Staff)}}
}

// at is a minute of a day of the shop's week.
func at(day, minute int) time.Time { return localtime.At(monday.AddDays(day), minute, newYork) }

func spanAt(day, from, to int, object byte) Span {
	return Span{Start: at(day, from), End: at(day, to), ObjectID: number(object)}
}

func busyAt(day, from, to int, object byte) Interval {
	return Interval{Start: at(day, from), End: at(day, to), ObjectID: number(object)}
}

// offered returns the local times that are offered on a day, and what is said of others.
func offered(snapshot *Snapshot, date localtime.Date, now time.Time, requested ...uuid.UUID) (slots map[string]bool, reasons map[string]Reason) {
	loc := snapshot.Location
	got := search(snapshot, &SearchRequest{
		From: localtime.At(date, 0, loc), To: localtime.At(date.AddDays(1), 0, loc), Requested: requested, Explain: true,
	}, now)
	slots, reasons = map[string]bool{}, map[string]Reason{}
	for _, s := range got.Slots {
		slots[s.Start.In(loc).Format("15:04")] = true
	}
	for _, r := range got.Refused {
		reasons[r.Start.In(loc).Format("15:04")] = r.Reasons[0]
	}
	return slots, reasons
}

// TestMatrix is the table of domain.md §6.
func TestMatrix(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		day       int
		change    func(*Snapshot)
		requested []uuid.UUID
		present   []string
		absent    map[string]Code
		count     int
	}{
		"empty Monday": {
			day: 0, count: 16, present: []string{"09:00", "09:30", "12:00", "16:30"},
			absent: map[string]Code{"08:30": OutsideHours, "17:00": OutsideHours},
		},
		"closed Tuesday": {day: 1, absent: map[string]Code{"09:00": OutsideHours, "12:00": OutsideHours}},
		"Wednesday with a lunch break": {
			day: 2, count: 14, present: []string{"09:00", "11:00", "11:30", "13:00", "16:30"},
			absent: map[string]Code{"12:00": OutsideHours, "12:30": OutsideHours},
		},
		"an appointment": {
			requested: []uuid.UUID{ana}, count: 15,
			change:  func(s *Snapshot) { s.Resources[0].Busy = []Interval{busyAt(0, 600, 630, 7)} },
			present: []string{"09:00", "09:30", "10:30"}, absent: map[string]Code{"10:00": Booked},
		},
		"a blocker": {
			requested: []uuid.UUID{ana}, count: 14,
			change:  func(s *Snapshot) { s.Resources[0].TimeOff = []Span{spanAt(0, 720, 780, 7)} },
			present: []string{"11:00", "11:30", "13:00"}, absent: map[string]Code{"12:00": TimeOff, "12:30": TimeOff},
		},
		"a cancelled appointment is none": {count: 16, present: []string{"10:00"}},
		"two staff, one booked: that one": {
			requested: []uuid.UUID{bob}, count: 15,
			change: func(s *Snapshot) { s.Resources[1].Busy = []Interval{busyAt(0, 600, 630, 7)} },
			absent: map[string]Code{"10:00": Booked},
		},
		"two staff, one booked: any": {
			change: func(s *Snapshot) { s.Resources[1].Busy = []Interval{busyAt(0, 600, 630, 7)} },
			count:  16, present: []string{"10:00"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shop()
			if test.change != nil {
				test.change(&s)
			}
			slots, reasons := offered(&s, monday.AddDays(test.day), at(-1, 0), test.requested...)
			assert.Len(t, slots, test.count)
			for _, time := range test.present {
				assert.True(t, slots[time], time)
			}
			for time, code := range test.absent {
				assert.False(t, slots[time], time)
				assert.Equal(t, code, reasons[time].Code, time)
			}
		})
	}
}

// TestRules asks about ten o'clock on Monday, for Ana, half an hour.
func TestRules(t *testing.T) {
	t.Parallel()
	ten := hoursOf(10)
	past, soon := at(0, ten), at(0, ten).Add(-time.Hour)
	tests := map[string]struct {
		change func(*Snapshot, *Resource)
		now    time.Time
		want   Reason // none: it can be booked
	}{
		"all is well":                    {},
		"now is not the past":            {now: past},
		"a microsecond ago":              {now: past.Add(time.Microsecond), want: Reason{Code: InPast}},
		"exactly the notice":             {now: soon, change: func(s *Snapshot, _ *Resource) { s.Service.MinNotice = time.Hour }},
		"too little notice":              {now: soon, change: func(s *Snapshot, _ *Resource) { s.Service.MinNotice = time.Hour + time.Microsecond }, want: Reason{Code: MinNotice}},
		"exactly the horizon":            {now: soon, change: func(s *Snapshot, _ *Resource) { s.Service.Horizon = time.Hour }},
		"beyond the horizon":             {now: soon, change: func(s *Snapshot, _ *Resource) { s.Service.Horizon = time.Hour - time.Microsecond }, want: Reason{Code: Horizon}},
		"in the past, before its limits": {now: past.Add(time.Hour), change: limitService(1, 0, 0, 1), want: Reason{Code: InPast}},
		"the limit of the day":           {change: limitService(2, 0, 0, 2), want: Reason{Code: LimitDay}},
		"below the limit of the day":     {change: limitService(3, 0, 0, 2)},
		"another day has its own limit":  {change: limitService(2, 0, 1, 2)},
		"the limit of the week":          {change: limitService(0, 2, 6, 2), want: Reason{Code: LimitWeek}},
		"the week before":                {change: limitService(0, 2, -1, 2)},
		"the week after":                 {change: limitService(0, 2, 7, 2)},
		"a resource's limit of the day":  {change: limitResource(2, 0, 0, 2), want: Reason{Code: LimitDay, ResourceID: ana}},
		"a resource's limit of the week": {change: limitResource(9, 2, 6, 2), want: Reason{Code: LimitWeek, ResourceID: ana}},

		"a closure":          {change: closure(ten+29, ten+60), want: Reason{Code: Closed, ResourceID: ana, ObjectID: number(9)}},
		"touching a closure": {change: closure(ten+30, ten+60)},
		"a calendar":         {change: external(ten-60, ten+1), want: Reason{Code: ExternalBusy, ResourceID: ana, ObjectID: number(9)}},
		"after a calendar":   {change: external(ten-60, ten)},
		"away":               {change: off(ten, ten+1), want: Reason{Code: TimeOff, ResourceID: ana, ObjectID: number(9)}},
		"away for no time":   {change: off(ten+5, ten+5)},
		"away the wrong way": {change: off(ten+15, ten+5)},
		"a hold":             {change: taken(ten, ten+30, Hold), want: Reason{Code: Held, ResourceID: ana, ObjectID: number(9)}},
		"an appointment":     {change: taken(ten, ten+30, Appointment), want: Reason{Code: Booked, ResourceID: ana, ObjectID: number(9)}},
		"no lanes at all": {
			change: func(_ *Snapshot, r *Resource) { r.Capacity = 0 }, want: Reason{Code: Booked, ResourceID: ana},
		},
		"an appointment and a hold": {
			change: both(taken(ten+15, ten+30, Appointment), func(_ *Snapshot, r *Resource) {
				r.Busy = append(r.Busy, Interval{Start: at(0, ten), End: at(0, ten+15), Kind: Hold, ObjectID: number(8)})
			}),
			want: Reason{Code: Booked, ResourceID: ana, ObjectID: number(9)},
		},
		"seats, one of them held": {
			change: both(taken(ten, ten+30, Hold), func(_ *Snapshot, r *Resource) {
				r.Capacity = 2
				r.Busy = append(r.Busy, Interval{Lane: 1, Start: at(0, ten), End: at(0, ten+30), ObjectID: number(8)})
			}),
			want: Reason{Code: Held, ResourceID: ana, ObjectID: number(9)},
		},
		"seats, of which one would be free without its hold": {
			change: both(taken(ten, ten+10, Hold), func(_ *Snapshot, r *Resource) {
				r.Capacity = 2
				r.Busy = append(r.Busy, busyAt(0, ten+10, ten+30, 8),
					Interval{Lane: 1, Start: at(0, ten+5), End: at(0, ten+30), Kind: Hold, ObjectID: number(7)})
			}),
			want: Reason{Code: Held, ResourceID: ana, ObjectID: number(7)},
		},
		"seats, of which one would be free without buffers": {
			change: both(buffers(0, 15), taken(ten, ten+30, Appointment), func(_ *Snapshot, r *Resource) {
				r.Capacity = 2
				r.Busy = append(r.Busy, Interval{Lane: 1, Start: at(0, ten+40), End: at(0, ten+50), ObjectID: number(7)})
			}),
			want: Reason{Code: Buffer, ResourceID: ana, ObjectID: number(7)},
		},
		"a closure before hours, time off, bookings": {
			change: both(closure(ten, ten+30), off(0, 1440), taken(ten, ten+30, Appointment), shut()),
			want:   Reason{Code: Closed, ResourceID: ana, ObjectID: number(9)},
		},

		"the buffer of it meets an appointment": {
			change: both(buffers(0, 15), taken(ten+44, ten+60, Appointment)),
			want:   Reason{Code: Buffer, ResourceID: ana, ObjectID: number(9)},
		},
		"the buffer of it meets time off": {
			change: both(buffers(15, 0), off(ten-60, ten-14)), want: Reason{Code: Buffer, ResourceID: ana, ObjectID: number(9)},
		},
		"the buffer of it meets a closure": {
			change: both(buffers(15, 0), closure(ten-60, ten-14)), want: Reason{Code: Buffer, ResourceID: ana, ObjectID: number(9)},
		},
		"the buffer of it meets a calendar": {
			change: both(buffers(0, 15), external(ten+44, ten+60)), want: Reason{Code: Buffer, ResourceID: ana, ObjectID: number(9)},
		},
		"buffers touch": {change: both(buffers(15, 15), external(ten+45, ten+60), off(0, ten-15))},
		"the buffer of an appointment": {
			change: both(taken(ten-30, ten+5, Appointment), func(_ *Snapshot, r *Resource) { r.Busy[0].BufferAfter = 5 * time.Minute }),
			want:   Reason{Code: Buffer, ResourceID: ana, ObjectID: number(9)},
		},
		"more than the buffer of an appointment": {
			change: both(taken(ten-30, ten+6, Appointment), func(_ *Snapshot, r *Resource) { r.Busy[0].BufferAfter = 5 * time.Minute }),
			want:   Reason{Code: Booked, ResourceID: ana, ObjectID: number(9)},
		},

		"hours that fit exactly":      {change: own(Hours{ten, ten + 30})},
		"hours a minute too short":    {change: own(Hours{ten, ten + 29}), want: Reason{Code: OutsideHours, ResourceID: ana}},
		"hours a minute too late":     {change: own(Hours{ten + 1, ten + 90}), want: Reason{Code: OutsideHours, ResourceID: ana}},
		"hours that touch are one":    {change: own(Hours{ten + 15, ten + 60}, Hours{ten - 60, ten + 15})},
		"hours that overlap are one":  {change: own(Hours{ten - 60, ten + 20}, Hours{ten + 10, ten + 60})},
		"a minute between hours":      {change: own(Hours{ten - 60, ten + 14}, Hours{ten + 15, ten + 60}), want: Reason{Code: OutsideHours, ResourceID: ana}},
		"buffers outside of hours":    {change: both(own(Hours{ten, ten + 30}), buffers(30, 30))},
		"a resource never there":      {change: own(), want: Reason{Code: OutsideHours, ResourceID: ana}},
		"own hours, business shut":    {change: both(own(Hours{0, 1440}), shut())},
		"a date that is closed":       {change: override(0), want: Reason{Code: OutsideHours, ResourceID: ana}},
		"a date with other hours":     {change: override(0, Hours{ten, ten + 30})},
		"a date with hours too early": {change: override(0, Hours{0, ten + 29}), want: Reason{Code: OutsideHours, ResourceID: ana}},
		"a shift from the day before": {change: both(shut(), override(-1, Hours{hoursOf(22), 1440 + ten + 30}))},
		"a shift that ends too early": {change: both(shut(), override(-1, Hours{hoursOf(22), 1440 + ten + 29})), want: Reason{Code: OutsideHours, ResourceID: ana}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shop()
			if test.change != nil {
				test.change(&s, &s.Resources[0])
			}
			if test.now.IsZero() {
				test.now = at(-1, 0)
			}
			got := Decide(&s, &Request{Start: at(0, ten), Requested: []uuid.UUID{ana}, OffGrid: true}, test.now)
			if test.want.Code == "" {
				require.True(t, got.OK, "%+v", got.Reasons)
			} else {
				require.Equal(t, []Reason{test.want}, got.Reasons)
			}
		})
	}
}

type change = func(*Snapshot, *Resource)

func both(changes ...change) change {
	return func(s *Snapshot, r *Resource) {
		for _, f := range changes {
			f(s, r)
		}
	}
}

func limits(perDay, perWeek, day, count int) Limits {
	return Limits{MaxPerDay: perDay, MaxPerWeek: perWeek, Counts: map[localtime.Date]int{monday.AddDays(day): count}}
}

func limitService(perDay, perWeek, day, count int) change {
	return func(s *Snapshot, _ *Resource) { s.Service.Limits = limits(perDay, perWeek, day, count) }
}

func limitResource(perDay, perWeek, day, count int) change {
	return func(_ *Snapshot, r *Resource) { r.Limits = limits(perDay, perWeek, day, count) }
}

func closure(from, to int) change {
	return func(s *Snapshot, _ *Resource) { s.Closures = append(s.Closures, spanAt(0, from, to, 9)) }
}

func off(from, to int) change {
	return func(_ *Snapshot, r *Resource) { r.TimeOff = append(r.TimeOff, spanAt(0, from, to, 9)) }
}

func external(from, to int) change {
	return func(_ *Snapshot, r *Resource) { r.External = append(r.External, spanAt(0, from, to, 9)) }
}

func taken(from, to int, kind Kind) change {
	return func(_ *Snapshot, r *Resource) {
		b := busyAt(0, from, to, 9)
		b.Kind = kind
		r.Busy = append(r.Busy, b)
	}
}

func buffers(before, after int) change {
	return func(s *Snapshot, _ *Resource) {
		s.Service.BufferBefore, s.Service.BufferAfter = time.Duration(before)*time.Minute, time.Duration(after)*time.Minute
	}
}

func own(hours ...Hours) change {
	return func(_ *Snapshot, r *Resource) { r.Schedule = daily(newYork, hours...) }
}

func shut() change {
	return func(s *Snapshot, _ *Resource) { s.Business = &Schedule{Location: newYork} }
}

func override(day int, hours ...Hours) change {
	return func(s *Snapshot, _ *Resource) {
		overridden := *s.Business
		overridden.Overrides = map[localtime.Date][]Hours{monday.AddDays(day): hours}
		s.Business = &overridden
	}
}

func TestHoursInTheZoneOfTheResource(t *testing.T) {
	t.Parallel()
	s := shop()
	s.Resources[0].Schedule = daily(vienna, Hours{hoursOf(9), hoursOf(17)})
	slots, _ := offered(&s, monday, at(-1, 0), ana)
	assert.Len(t, slots, 16)
	assert.True(t, slots["03:00"])
	assert.True(t, slots["10:30"])
	assert.False(t, slots["11:00"])

	s.Resources[0].Schedule = daily(mustLoad("Asia/Kathmandu"), Hours{hoursOf(9), hoursOf(10)})
	slots, _ = offered(&s, monday, at(-1, 0), ana)
	assert.Equal(t, map[string]bool{"22:30": true}, slots, "22:15 to 23:15, on the grid of the business")
}

func TestSlotsOfDaysOnWhichClocksChange(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		zone  string
		date  localtime.Date
		hours []Hours
		step  time.Duration
		want  int
	}{
		"23 hours":                    {"Europe/Vienna", localtime.Date{Year: 2024, Month: time.March, Day: 31}, []Hours{{0, 1440}}, time.Hour, 23},
		"25 hours":                    {"Europe/Vienna", localtime.Date{Year: 2024, Month: time.October, Day: 27}, []Hours{{0, 1440}}, time.Hour, 25},
		"23.5 hours":                  {"Australia/Lord_Howe", localtime.Date{Year: 2024, Month: time.October, Day: 6}, []Hours{{0, 1440}}, 30 * time.Minute, 47},
		"24.5 hours":                  {"Australia/Lord_Howe", localtime.Date{Year: 2024, Month: time.April, Day: 7}, []Hours{{0, 1440}}, 30 * time.Minute, 49},
		"no midnight":                 {"America/Havana", localtime.Date{Year: 2024, Month: time.March, Day: 10}, []Hours{{0, 180}}, time.Hour, 2},
		"no such day":                 {"Pacific/Apia", localtime.Date{Year: 2011, Month: time.December, Day: 30}, []Hours{{0, 1440}}, time.Hour, 0},
		"office hours after a gap":    {"Europe/Vienna", localtime.Date{Year: 2024, Month: time.March, Day: 31}, []Hours{{540, 1020}}, time.Hour, 8},
		"hours that a gap shortens":   {"Europe/Vienna", localtime.Date{Year: 2024, Month: time.March, Day: 31}, []Hours{{60, 240}}, time.Hour, 2},
		"hours that a gap swallows":   {"Europe/Vienna", localtime.Date{Year: 2024, Month: time.March, Day: 31}, []Hours{{120, 180}}, time.Hour, 0},
		"hours that a fold lengthens": {"Europe/Vienna", localtime.Date{Year: 2024, Month: time.October, Day: 27}, []Hours{{60, 240}}, time.Hour, 4},
		"a night shift over a fold":   {"Europe/Vienna", localtime.Date{Year: 2024, Month: time.October, Day: 27}, []Hours{{1320, 1800}}, time.Hour, 9},
		"a night shift over a gap":    {"Europe/Vienna", localtime.Date{Year: 2024, Month: time.March, Day: 31}, []Hours{{1320, 1800}}, time.Hour, 7},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loc := mustLoad(test.zone)
			s := Snapshot{Location: loc, Service: hour(anyOf(Staff)), Business: daily(loc, test.hours...), Resources: []Resource{one(ana, Staff)}}
			s.Service.Duration, s.Service.SlotStep = test.step, test.step
			to := localtime.At(test.date.AddDays(1), 0, loc)
			from, shift := localtime.At(test.date, 0, loc), test.hours[0]
			if shift.End > 1440 {
				// The shift that ends on this day, and not the evening of the next one.
				yesterday := test.date.AddDays(-1)
				from, to = localtime.At(yesterday, shift.Start, loc), localtime.At(yesterday, shift.End, loc)
			}
			got := search(&s, &SearchRequest{From: from, To: to}, noon.AddDate(-20, 0, 0))
			assert.Len(t, got.Slots, test.want)
		})
	}
}

func TestOvernightShiftIsOneStretch(t *testing.T) {
	t.Parallel()
	s := shop()
	s.Service.Duration = 3 * time.Hour
	s.Resources[0].Schedule = daily(newYork, Hours{hoursOf(22), hoursOf(26)})
	slots, _ := offered(&s, monday, at(-1, 0), ana)
	assert.Equal(t, map[string]bool{"22:00": true, "22:30": true, "23:00": true}, slots)
	s.Resources[0].Schedule = daily(newYork, Hours{hoursOf(22), 1440}, Hours{0, hoursOf(2)})
	split, _ := offered(&s, monday, at(-1, 0), ana)
	assert.Equal(t, slots, split, "midnight is no break")
}

func TestAppointmentOverSeveralDays(t *testing.T) {
	t.Parallel()
	s := shop()
	s.Service.Duration = 47 * time.Hour
	s.Resources[0].Schedule = daily(newYork, Hours{0, 1440})
	slots, _ := offered(&s, monday, at(-1, 0), ana)
	assert.Len(t, slots, 48)
	s.Resources[0].Schedule.Overrides = map[localtime.Date][]Hours{monday.AddDays(2): {{0, hoursOf(22)}}}
	slots, _ = offered(&s, monday, at(-1, 0), ana)
	assert.True(t, Decide(&s, &Request{Start: at(0, hoursOf(23)), Requested: []uuid.UUID{ana}, OffGrid: true}, at(-1, 0)).OK)
	assert.Len(t, slots, 47, "one from 23:00 ends at 22:00, and one from 23:30 is too late")
}

func TestSearchWithinBounds(t *testing.T) {
	t.Parallel()
	s := shop()
	search := func(from, to time.Time) int {
		return len(search(&s, &SearchRequest{From: from, To: to}, at(-1, 0)).Slots)
	}
	assert.Equal(t, 1, search(at(0, 540), at(0, 541)))
	assert.Equal(t, 1, search(at(0, 541), at(0, 600)))
	assert.Equal(t, 0, search(at(0, 541), at(0, 570)), "the end does not belong to it")
	assert.Equal(t, 0, search(at(0, 600), at(0, 540)))
	s.From, s.To = at(0, 600), at(0, 660)
	assert.Equal(t, 2, search(at(-7, 0), at(14, 0)), "no further than the snapshot knows")

	s = shop()
	s.Location = nil
	s.Service.SlotStep = 0
	assert.Equal(t, 31, search(at(0, 0), at(1, 0)), "every quarter of an hour")
}

func TestFairness(t *testing.T) {
	t.Parallel()
	s := shop()
	s.Resources[0].Busy = []Interval{busyAt(0, hoursOf(16), hoursOf(17), 7)}
	s.Resources[1].Busy = []Interval{busyAt(2, hoursOf(14), hoursOf(15), 8), busyAt(2, hoursOf(15), hoursOf(16), 9)}
	first := func(day int) uuid.UUID {
		request := Request{Start: at(day, 540), OffGrid: true}
		got := search(&s, &SearchRequest{From: request.Start, To: at(day, 600)}, at(-1, 0)).Slots
		require.Len(t, got, 2)
		decided := Decide(&s, &request, at(-1, 0))
		require.Equal(t, got[0].Assignments, decided.Assignments, "a search takes what a booking would take")
		return got[0].ResourceIDs()[0]
	}
	assert.Equal(t, bob, first(0), "who has less to do on that day")
	assert.Equal(t, ana, first(2))
	all := search(&s, &SearchRequest{From: at(0, 540), To: at(2, 600)}, at(-1, 0)).Slots
	assert.Equal(t, bob, all[0].ResourceIDs()[0])
	assert.Equal(t, ana, all[len(all)-1].ResourceIDs()[0], "each day for itself")
}

func TestNearest(t *testing.T) {
	t.Parallel()
	s := shop()
	s.From, s.To = at(0, 0), at(7, 0)
	s.Resources[0].Busy = []Interval{busyAt(0, hoursOf(10), hoursOf(12), 7)}
	type alternative struct {
		start string
		id    uuid.UUID
	}
	alternatives := func(request Request, n int) (list []alternative) {
		for _, slot := range nearestTo(&s, &request, at(-1, 0), n) {
			list = append(list, alternative{slot.Start.In(newYork).Format("Mon 15:04"), slot.ResourceIDs()[0]})
			assert.Equal(t, 30*time.Minute, slot.End.Sub(slot.Start))
		}
		return list
	}
	assert.Equal(t, []alternative{
		{"Mon 09:30", ana}, {"Mon 12:00", ana}, {"Mon 10:37", bob}, {"Mon 10:30", bob},
	}, alternatives(Request{Start: at(0, hoursOf(10)+37), Requested: []uuid.UUID{ana}, OffGrid: true}, 4))
	assert.Equal(t, []alternative{{"Mon 09:30", ana}}, alternatives(Request{Start: at(0, hoursOf(10)+30), Requested: []uuid.UUID{ana}, OffGrid: true}, 1))
	assert.Equal(t, []alternative{
		{"Mon 16:30", bob}, {"Mon 16:00", bob}, {"Mon 15:30", bob},
	}, alternatives(Request{Start: at(0, hoursOf(20)), OffGrid: true}, 3), "back, if there is nothing ahead that is as near")
	assert.Equal(t, []alternative{{"Mon 14:00", ana}, {"Mon 13:30", ana}},
		alternatives(Request{Start: at(0, hoursOf(14)), Requested: []uuid.UUID{ana}, OffGrid: true}, 2), "what has the same resources is no other")
	assert.Empty(t, alternatives(Request{Start: at(0, 600), Requested: []uuid.UUID{cleo}, OffGrid: true}, 3), "no time would do")
	assert.Empty(t, alternatives(Request{Start: at(0, 600), OffGrid: true}, 0))

	s.Resources = append(s.Resources, one(laser, Equipment), one(number(22), Equipment))
	s.Resources[2].TimeOff = []Span{spanAt(0, 0, 1440*7, 3)}
	s.Service.Requirements = nil
	got := nearestTo(&s, &Request{Start: at(0, 600), Requested: []uuid.UUID{laser, bob}, OffGrid: true}, at(-1, 0), 1)
	require.Len(t, got, 1, "without requirements, others of the same types")
	assert.ElementsMatch(t, []uuid.UUID{number(22), bob}, got[0].ResourceIDs())

	s.Service.Requirements = []Requirement{anyOf(Equipment), anyOf(Staff)}
	s.Resources[3].Busy = []Interval{busyAt(0, hoursOf(14), hoursOf(15), 7)}
	s.Resources[2].TimeOff = nil
	got = nearestTo(&s, &Request{Start: at(0, hoursOf(14)), Requested: []uuid.UUID{number(22), bob}, OffGrid: true}, at(-1, 0), 2)
	require.Len(t, got, 2)
	assert.Equal(t, []uuid.UUID{laser, bob}, got[1].ResourceIDs(), "another machine, but Bob stays")

	s.From, s.To = time.Time{}, time.Time{}
	assert.Empty(t, nearestTo(&s, &Request{Start: at(0, 600), OffGrid: true}, at(-1, 0), 3), "it must know how far")
}

func TestCodes(t *testing.T) {
	t.Parallel()
	temporal := map[Code]bool{
		ServiceInactive: false, ResourceNotFound: false, ResourceInactive: false, ResourceNotEligible: false, RequirementUnmet: false, "": false,
		InPast: true, MinNotice: true, Horizon: true, Closed: true, OutsideHours: true, TimeOff: true, Booked: true, Capacity: true,
		Held: true, ExternalBusy: true, Buffer: true, LimitDay: true, LimitWeek: true, NotAvailable: true,
	}
	public := map[Code]bool{InPast: true, MinNotice: true, Horizon: true, Closed: true, OutsideHours: true}
	for code, want := range temporal {
		assert.Equal(t, want, code.Temporal(), code)
		told := PublicReasons([]Reason{{Code: code, ResourceID: ana, ObjectID: bob, Requirement: 3}})
		if public[code] {
			assert.Equal(t, []Reason{{Code: code}}, told)
		} else {
			assert.Equal(t, []Reason{{Code: NotAvailable}}, told)
		}
	}
	assert.Equal(t, []Reason{{Code: NotAvailable}, {Code: Closed}}, PublicReasons([]Reason{
		{Code: Booked, ResourceID: ana}, {Code: Closed, ResourceID: bob}, {Code: Held, ResourceID: bob}, {Code: Closed},
	}))
	assert.Empty(t, PublicReasons(nil))
}
