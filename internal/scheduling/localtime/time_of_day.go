package localtime

import (
	"fmt"
	"time"
)

// DayMinutes is the length of a day without a clock change, in minutes.
const DayMinutes = 24 * 60

// ParseTimeOfDay returns the minutes from midnight to HH:MM, 00:00 to 24:00.
func ParseTimeOfDay(text string) (minutes int, ok bool) {
	if text == "24:00" {
		return DayMinutes, true
	}
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err == nil && len(text) == len("15:04")
}

// FormatTimeOfDay is the inverse of ParseTimeOfDay. Minutes after 24:00 are on the next day.
func FormatTimeOfDay(minutes int) string {
	if minutes > DayMinutes {
		minutes -= DayMinutes
	}
	return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60)
}
