package scheduling

import (
	"slices"
	"time"

	"github.com/teambition/rrule-go"
)

// dayFilter says which days the parts of a rule whose names begin with BY allow. A part that is
// empty allows all.
type dayFilter struct {
	weekStart time.Weekday
	months    numbers
	monthDays numbers // 1 is the first of the month, -1 the last
	yearDays  numbers // likewise of the year
	weekNos   numbers // likewise of the year; the first has four days of the year
	weekdays  numbers // of time.Weekday
	// nth are weekdays by their place in the month or, with inYear, in the year.
	nth    map[time.Weekday]numbers
	inYear bool
	// positions are places in the days of a period that all the others allow.
	positions []int
}

// newDayFilter completes the parts of a rule by what its first start says, as RFC 5545 has it.
func newDayFilter(option *rrule.ROption, first time.Time) dayFilter {
	f := dayFilter{
		weekStart: weekday(&option.Wkst), months: newNumbers(option.Bymonth), monthDays: newNumbers(option.Bymonthday),
		yearDays: newNumbers(option.Byyearday), weekNos: newNumbers(option.Byweekno),
		inYear:    option.Freq == rrule.YEARLY && len(option.Bymonth) == 0,
		positions: slices.Compact(slices.Sorted(slices.Values(option.Bysetpos))),
	}
	placed := option.Freq == rrule.YEARLY || option.Freq == rrule.MONTHLY
	for _, day := range option.Byweekday {
		if n := day.N(); n != 0 && placed {
			if f.nth == nil {
				f.nth = map[time.Weekday]numbers{}
			}
			list := f.nth[weekday(&day)]
			list.add(n)
			f.nth[weekday(&day)] = list
		} else {
			f.weekdays.add(int(weekday(&day)))
		}
	}
	if !f.weekNos.any && !f.yearDays.any && !f.monthDays.any && !f.weekdays.any && f.nth == nil {
		f.complete(option.Freq, first)
	}
	return f
}

// complete adds what the first start says of a rule that names no days.
func (f *dayFilter) complete(freq rrule.Frequency, first time.Time) {
	switch freq { //nolint:exhaustive // a rule by days has all of them, and there are no others
	case rrule.YEARLY:
		if !f.months.any {
			f.months.add(int(first.Month()))
		}
		f.monthDays.add(first.Day())
	case rrule.MONTHLY:
		f.monthDays.add(first.Day())
	case rrule.WEEKLY:
		f.weekdays.add(int(first.Weekday()))
	}
}

// weekday returns what the library counts from Monday on.
func weekday(day *rrule.Weekday) time.Weekday { return time.Weekday((day.Day() + 1) % 7) }

func (f *dayFilter) hasMonth(month time.Month) bool { return f.months.allow(int(month)) }

// has reports whether the filter allows a day, whose month it does.
func (f *dayFilter) has(day time.Time) bool {
	return f.weekdays.allow(int(day.Weekday())) && f.hasMonthDay(day) && f.hasYearDay(day) && f.hasWeekNo(day) && f.hasNth(day)
}

func (f *dayFilter) hasMonthDay(day time.Time) bool {
	return !f.monthDays.any || f.monthDays.has(day.Day()) ||
		f.monthDays.below && f.monthDays.has(day.Day()-1-monthLength(day))
}

func (f *dayFilter) hasYearDay(day time.Time) bool {
	return !f.yearDays.any || f.yearDays.has(day.YearDay()) ||
		f.yearDays.below && f.yearDays.has(day.YearDay()-1-yearLength(day.Year()))
}

// hasWeekNo goes by the fourth day of the week: it lies in the year that the week counts in.
func (f *dayFilter) hasWeekNo(day time.Time) bool {
	if !f.weekNos.any {
		return true
	}
	fourth := f.week(day).AddDate(0, 0, 3)
	n := (fourth.YearDay()-1)/7 + 1
	weeks := n + (yearLength(fourth.Year())-fourth.YearDay())/7
	return f.weekNos.has(n) || f.weekNos.has(n-1-weeks)
}

func (f *dayFilter) hasNth(day time.Time) bool {
	if f.nth == nil {
		return true
	}
	at, length := day.Day(), monthLength(day)
	if f.inYear {
		at, length = day.YearDay(), yearLength(day.Year())
	}
	places := f.nth[day.Weekday()]
	return places.has((at-1)/7+1) || places.has(-(length-at)/7-1)
}

// week returns the day on which the week of a day begins.
func (f *dayFilter) week(day time.Time) time.Time {
	return day.AddDate(0, 0, -((int(day.Weekday()) - int(f.weekStart) + 7) % 7))
}

// atPositions leaves those of the days of a period that are at the positions. The days are in
// order, and remain so.
func (f *dayFilter) atPositions(days []time.Time) []time.Time {
	if len(f.positions) == 0 {
		return days
	}
	var chosen []int
	for _, position := range f.positions {
		if position < 0 {
			position += len(days) + 1
		}
		if position >= 1 && position <= len(days) {
			chosen = append(chosen, position-1)
		}
	}
	slices.Sort(chosen)
	chosen = slices.Compact(chosen)
	for i, n := range chosen {
		days[i] = days[n] // n is i or more
	}
	return days[:len(chosen)]
}

func monthLength(day time.Time) int {
	return time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func yearLength(year int) int {
	return time.Date(year, time.December, 31, 0, 0, 0, 0, time.UTC).YearDay()
}

// numbers is a set of numbers from -366 to 366.
type numbers struct {
	any bool
	// below is whether one of them is negative.
	below bool
	bits  [12]uint64
}

// numbersFrom is the least number there is place for.
const numbersFrom = -384

func newNumbers(list []int) numbers {
	var s numbers
	for _, n := range list {
		s.add(n)
	}
	return s
}

func (s *numbers) add(n int) {
	s.any, s.below = true, s.below || n < 0
	s.bits[(n-numbersFrom)/64] |= 1 << ((n - numbersFrom) % 64)
}

func (s *numbers) has(n int) bool { return s.bits[(n-numbersFrom)/64]&(1<<((n-numbersFrom)%64)) != 0 }

// allow is has for a set of which none means all.
func (s *numbers) allow(n int) bool { return !s.any || s.has(n) }
