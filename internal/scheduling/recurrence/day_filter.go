package recurrence

import (
	"slices"
	"time"

	"github.com/teambition/rrule-go"
)

// dayFilter selects the days that the BY… parts of a rule allow. An empty part allows all.
type dayFilter struct {
	weekStart time.Weekday
	months    numbers
	monthDays numbers // 1 is the first of the month, -1 the last
	yearDays  numbers // 1 is the first of the year, -1 the last
	weekNos   numbers // 1 is the first week with four days in the year, -1 the last
	weekdays  numbers // of time.Weekday
	// nth are weekdays with their ordinals in the month or, with inYear, in the year.
	nth    map[time.Weekday]numbers
	inYear bool
	// positions are ordinals among the days of a period that all other parts allow.
	positions []int
}

// newDayFilter completes the parts of a rule with the date of its first start, as RFC 5545 demands.
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

// complete adds the day of the first start to a rule that names no days.
func (f *dayFilter) complete(freq rrule.Frequency, first time.Time) {
	switch freq { //nolint:exhaustive // FREQ=DAILY allows every day; other frequencies are refused
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

// weekday converts a weekday of the library, which counts from Monday.
func weekday(day *rrule.Weekday) time.Weekday { return time.Weekday((day.Day() + 1) % 7) }

func (f *dayFilter) hasMonth(month time.Month) bool { return f.months.allow(int(month)) }

// has reports whether the filter allows a day of an allowed month.
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

// hasWeekNo uses the fourth day of the week, which is in the year that the week belongs to.
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

// week returns the first day of the week of a day.
func (f *dayFilter) week(day time.Time) time.Time {
	return day.AddDate(0, 0, -((int(day.Weekday()) - int(f.weekStart) + 7) % 7))
}

// atPositions keeps the days of a period at the positions, in order.
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

// numbersFrom is the smallest number that fits.
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

// allow is has for a set whose emptiness means all.
func (s *numbers) allow(n int) bool { return !s.any || s.has(n) }
