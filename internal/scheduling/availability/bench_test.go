package availability

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

// busyShop makes a shop in New York, open ten hours a day, whose staff are booked up: a
// resource has perDay appointments of half an hour each day, in no order, and hardly a gap
// for one of an hour with its buffers. Each has a schedule of its own, and a lunch break.
func busyShop(days, resources, perDay int) (*Snapshot, *SearchRequest, time.Time) {
	random := rand.New(rand.NewPCG(1, 1))
	loc := mustLoad("America/New_York")
	first := localtime.Date{Year: 2026, Month: time.October, Day: 12} // clocks change on November 1
	from := localtime.At(first, 0, loc)
	snapshot := &Snapshot{Location: loc, Service: hour(anyOf(Staff)), Business: daily(loc, Hours{9 * 60, 19 * 60})}
	snapshot.Service.BufferBefore, snapshot.Service.BufferAfter = 5*time.Minute, 10*time.Minute
	snapshot.Service.MinNotice, snapshot.Service.Horizon = 2*time.Hour, 90*24*time.Hour
	for i := range resources {
		r := one(number(byte(i)), Staff)
		r.Schedule = daily(loc, Hours{9 * 60, 19 * 60})
		for day := range days {
			date := first.AddDays(day)
			lunch := localtime.At(date, 12*60+30, loc)
			r.TimeOff = append(r.TimeOff, Span{Start: lunch, End: lunch.Add(30 * time.Minute)})
			for _, half := range random.Perm(20)[:perDay] {
				start := localtime.At(date, 9*60+30*half, loc)
				r.Busy = append(r.Busy, Interval{Start: start, End: start.Add(30 * time.Minute), ObjectID: number(1)})
			}
		}
		snapshot.Resources = append(snapshot.Resources, r)
	}
	return snapshot, &SearchRequest{From: from, To: localtime.At(first.AddDays(days), 0, loc)}, from.Add(-24 * time.Hour)
}

func daily(loc *time.Location, hours ...Hours) *Schedule {
	s := &Schedule{Location: loc}
	for day := range s.Weekly {
		s.Weekly[day] = hours
	}
	return s
}

func benchmarkSearch(b *testing.B, snapshot *Snapshot, request *SearchRequest, now time.Time) {
	b.Helper()
	busy := 0
	for i := range snapshot.Resources {
		busy += len(snapshot.Resources[i].Busy)
	}
	b.ReportAllocs()
	slots := 0
	for b.Loop() {
		slots = len(search(snapshot, request, now).Slots)
	}
	b.ReportMetric(float64(slots), "slots")
	b.ReportMetric(float64(busy), "intervals")
}

func BenchmarkSearch14Days5Resources(b *testing.B) {
	snapshot, request, now := busyShop(14, 5, 10)
	benchmarkSearch(b, snapshot, request, now)
}

func BenchmarkSearch31Days100Resources(b *testing.B) {
	b.Run("busy", func(b *testing.B) {
		snapshot, request, now := busyShop(31, 100, 17)
		for i := range 7300 { // to 60,000
			r := &snapshot.Resources[i%100]
			r.Busy = append(r.Busy, r.Busy[i/100])
		}
		benchmarkSearch(b, snapshot, request, now)
	})
	b.Run("in order", func(b *testing.B) {
		snapshot, request, now := busyShop(31, 100, 19)
		for i := range snapshot.Resources {
			slices.SortFunc(snapshot.Resources[i].Busy, func(a, b Interval) int { return a.Start.Compare(b.Start) })
		}
		benchmarkSearch(b, snapshot, request, now)
	})
	b.Run("full", func(b *testing.B) {
		snapshot, request, now := busyShop(31, 100, 20)
		benchmarkSearch(b, snapshot, request, now)
	})
	b.Run("staff and room", func(b *testing.B) {
		snapshot, request, now := busyShop(31, 100, 18)
		snapshot.Service.Duration = 30 * time.Minute
		for i := range 50 {
			snapshot.Resources[i].Type = Room
		}
		snapshot.Service.Requirements = []Requirement{anyOf(Staff), anyOf(Room)}
		benchmarkSearch(b, snapshot, request, now)
	})
	b.Run("seats", func(b *testing.B) {
		snapshot, request, now := busyShop(31, 100, 19)
		for i := range snapshot.Resources {
			r := &snapshot.Resources[i]
			r.Capacity = 4
			for j := range r.Busy {
				r.Busy[j].Lane = j % 4
			}
		}
		benchmarkSearch(b, snapshot, request, now)
	})
	b.Run("limits", func(b *testing.B) {
		snapshot, request, now := busyShop(31, 100, 19)
		for i := range snapshot.Resources {
			snapshot.Resources[i].Limits = Limits{MaxPerDay: 19, MaxPerWeek: 200, Counts: map[localtime.Date]int{
				{Year: 2026, Month: time.October, Day: 14}: 19,
			}}
		}
		benchmarkSearch(b, snapshot, request, now)
	})
	b.Run("explain", func(b *testing.B) {
		snapshot, request, now := busyShop(31, 100, 19)
		request.Explain = true
		benchmarkSearch(b, snapshot, request, now)
	})
}

func BenchmarkNearest(b *testing.B) {
	snapshot, request, now := busyShop(14, 5, 17)
	snapshot.From, snapshot.To = request.From, request.To
	wish := Request{Start: request.From.Add(7*24*time.Hour + 10*time.Hour), Requested: request.Requested, OffGrid: true}
	wish.Requested = append(wish.Requested, number(3))
	require.NotEmpty(b, nearestTo(snapshot, &wish, now, 6))
	b.ReportAllocs()
	for b.Loop() {
		nearestTo(snapshot, &wish, now, 6)
	}
}

func BenchmarkDecide(b *testing.B) {
	snapshot := Snapshot{Service: hour(anyOf(Staff), anyOf(Room)), Business: daily(time.UTC, Hours{9 * 60, 19 * 60})}
	for i := range byte(10) {
		snapshot.Resources = append(snapshot.Resources,
			one(number(i), Staff, minutes(0, 0, 30)), one(number(100+i), Room, minutes(0, -90, 0)))
	}
	snapshot.Resources = append(snapshot.Resources, one(cleo, Staff))
	request := Request{Start: noon, OffGrid: true}
	b.ReportAllocs()
	for b.Loop() {
		if !Decide(&snapshot, &request, noon).OK {
			b.Fatal("nothing found")
		}
	}
}
