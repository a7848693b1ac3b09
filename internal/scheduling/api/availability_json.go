package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
)

// availabilityPage answers GetAvailability when nothing is to be explained. Thousands of
// slots are common; see appointmentPage for why it is written by hand.
type availabilityPage struct {
	serviceID uuid.UUID
	found     *booking.Availability
}

// VisitGetAvailabilityResponse writes the slots.
func (p availabilityPage) VisitGetAvailabilityResponse(w http.ResponseWriter) error {
	return writeJSON(w, http.StatusOK, p.append)
}

func (p availabilityPage) append(b []byte) []byte {
	b = append(b, `{"data":[`...)
	var text instantText
	for i := range p.found.Slots {
		if i > 0 {
			b = append(b, ',')
		}
		slot := &p.found.Slots[i]
		b = text.append(append(b, `{"end_at":`...), slot.End)
		b = appendAssigned(append(b, `,"resource_ids":[`...), slot.Assignments)
		b = append(text.append(append(b, `],"start_at":`...), slot.Start), '}')
	}
	b = appendID(append(b, `],"service_id":`...), p.serviceID)
	b = appendText(append(b, `,"snapshot":`...), p.found.Snapshot)
	b = appendText(append(b, `,"timezone":`...), p.found.Timezone)
	b = strconv.AppendBool(append(b, `,"truncated":`...), p.found.Truncated)
	return append(b, '}', '\n')
}

func appendAssigned(b []byte, taken []availability.Assignment) []byte {
	for i := range taken {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendID(b, taken[i].ResourceID)
	}
	return b
}

// resourceAvailabilityPage answers ListResourceAvailability; see availabilityPage.
type resourceAvailabilityPage struct {
	serviceID uuid.UUID
	found     *booking.AvailabilityPerResource
}

// VisitListResourceAvailabilityResponse writes the starts.
func (p resourceAvailabilityPage) VisitListResourceAvailabilityResponse(w http.ResponseWriter) error {
	return writeJSON(w, http.StatusOK, p.append)
}

func (p resourceAvailabilityPage) append(b []byte) []byte {
	b = append(b, `{"data":[`...)
	var text instantText
	for i := range p.found.Resources {
		if i > 0 {
			b = append(b, ',')
		}
		r := &p.found.Resources[i]
		b = append(appendID(append(b, `{"resource_id":`...), r.ResourceID), `,"starts":[`...)
		for j, start := range r.Starts {
			if j > 0 {
				b = append(b, ',')
			}
			b = text.appendUnix(b, start)
		}
		b = append(strconv.AppendBool(append(b, `],"truncated":`...), r.Truncated), '}')
	}
	b = strconv.AppendInt(append(b, `],"duration_minutes":`...), int64(p.found.Duration/time.Minute), 10)
	b = appendID(append(b, `,"service_id":`...), p.serviceID)
	b = appendText(append(b, `,"snapshot":`...), p.found.Snapshot)
	b = appendText(append(b, `,"timezone":`...), p.found.Timezone)
	return append(b, '}', '\n')
}

// instantText remembers the date that it wrote last: many slots in a row have the same.
type instantText struct {
	day  int64
	date []byte
}

func (t *instantText) append(b []byte, at time.Time) []byte {
	if at.Nanosecond() != 0 {
		return appendInstant(b, at)
	}
	return t.appendUnix(b, at.Unix())
}

// appendUnix writes the instant that many seconds after the beginning of 1970.
func (t *instantText) appendUnix(b []byte, unix int64) []byte {
	const perDay = 24 * 60 * 60
	if unix < 0 {
		return appendInstant(b, time.Unix(unix, 0))
	}
	if day := unix / perDay; t.date == nil || day != t.day {
		t.day, t.date = day, time.Unix(unix, 0).UTC().AppendFormat(t.date[:0], `"2006-01-02T`)
	}
	second := unix % perDay
	b = appendTwoDigits(append(b, t.date...), second/3600)
	b = appendTwoDigits(append(b, ':'), second/60%60)
	b = appendTwoDigits(append(b, ':'), second%60)
	return append(b, 'Z', '"')
}

func appendTwoDigits(b []byte, n int64) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }
