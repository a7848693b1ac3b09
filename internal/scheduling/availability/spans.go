package availability

import (
	"cmp"
	"slices"
	"time"
)

// micros is an instant in Unix microseconds, which is what the database keeps. It can
// say every year that a time.Time is used for here, as nanoseconds cannot.
type micros int64

func microsOf(t time.Time) micros { return micros(t.UnixMicro()) }

func (m micros) time() time.Time { return time.UnixMicro(int64(m)).UTC() }

// unix returns the second in which the instant lies.
func (m micros) unix() int64 { return m.time().Unix() }

func length(d time.Duration) micros { return micros(d.Microseconds()) }

// span is a time from from, up to but without to. In a list of spans that is in order,
// they neither touch nor overlap, and none is empty.
type span struct{ from, to micros }

// meets reports whether an appointment at the time w and something at the time s get in
// each other's way.
func (s span) meets(w span) bool { return s.from < w.to && s.to > w.from }

// union puts spans in order, in the place of its argument: those that touch become one.
func union(spans []span) []span {
	byStart := func(a, b span) int { return cmp.Compare(a.from, b.from) }
	if !slices.IsSortedFunc(spans, byStart) {
		slices.SortFunc(spans, byStart)
	}
	merged := spans[:0]
	for _, s := range spans {
		switch n := len(merged); {
		case s.from >= s.to:
		case n > 0 && s.from <= merged[n-1].to:
			merged[n-1].to = max(merged[n-1].to, s.to)
		default:
			merged = append(merged, s)
		}
	}
	return merged
}

// intersect appends to list what is in both a and b, which are in order.
func intersect(list, a, b []span) []span {
	for len(a) > 0 && len(b) > 0 {
		if from, to := max(a[0].from, b[0].from), min(a[0].to, b[0].to); from < to {
			list = append(list, span{from, to})
		}
		if a[0].to < b[0].to {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return list
}

// subtract appends to list what is in a but not in b, which are in order.
func subtract(list, a, b []span) []span {
	for _, s := range a {
		for len(b) > 0 && b[0].to <= s.from {
			b = b[1:]
		}
		for i := 0; i < len(b) && b[i].from < s.to; i++ {
			if s.from < b[i].from {
				list = append(list, span{s.from, b[i].from})
			}
			s.from = b[i].to
		}
		if s.from < s.to {
			list = append(list, s)
		}
	}
	return list
}
