package app

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

// On every day of the week, the demo appointments are in the future and within the business hours.
func TestSeedAppointments_within_hours(t *testing.T) {
	t.Parallel()
	for _, b := range append(demoBusinesses(), sampleBusiness()) {
		minutes := map[string]int32{}
		for _, s := range b.services {
			minutes[s.name] = s.minutes + s.bufferAfter
		}
		for shift := range 7 {
			today := localtime.Date{Year: 2026, Month: time.December, Day: 21 + shift}
			days := b.openDays(today)
			for _, plan := range b.appointments {
				date := days[plan.day]
				require.Positive(t, date.Compare(today))
				start := time.Date(date.Year, date.Month, date.Day, plan.hour, plan.minute, 0, 0, time.UTC)
				end := start.Add(time.Duration(minutes[plan.service]) * time.Minute)
				require.True(t, slices.ContainsFunc(b.hours, func(h catalog.DayHours) bool {
					return h.Day == map[time.Weekday]string{
						time.Monday: "MONDAY", time.Tuesday: "TUESDAY", time.Wednesday: "WEDNESDAY", time.Thursday: "THURSDAY",
						time.Friday: "FRIDAY", time.Saturday: "SATURDAY", time.Sunday: "SUNDAY",
					}[start.Weekday()] && slices.ContainsFunc(h.Intervals, func(i catalog.TimeInterval) bool {
						return i.Start <= start.Format("15:04") && end.Format("15:04") <= i.End
					})
				}), fmt.Sprint(b.subdomain, start, plan))
			}
		}
	}
}
