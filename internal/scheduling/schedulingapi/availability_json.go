package schedulingapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
)

// availabilityPage answers GetAvailability when nothing is to be explained. Thousands of
// slots are common; see appointmentPage for why it is written by hand.
type availabilityPage struct {
	serviceID uuid.UUID
	found     *scheduling.Availability
}

// VisitGetAvailabilityResponse writes the slots.
func (p availabilityPage) VisitGetAvailabilityResponse(w http.ResponseWriter) error {
	buffer := pageBuffers.Get().(*[]byte)
	defer pageBuffers.Put(buffer)
	*buffer = p.append((*buffer)[:0])
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(*buffer)))
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(*buffer)
	return err
}

func (p availabilityPage) append(b []byte) []byte {
	b = append(b, `{"data":[`...)
	var end, start instantText
	for i := range p.found.Slots {
		if i > 0 {
			b = append(b, ',')
		}
		slot := &p.found.Slots[i]
		b = end.append(append(b, `{"end_at":`...), slot.End)
		b = appendAssigned(append(b, `,"resource_ids":[`...), slot.Assignments)
		b = append(start.append(append(b, `],"start_at":`...), slot.Start), '}')
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

// instantText remembers the instant that it wrote last: per resource, many slots in a row
// have the same.
type instantText struct {
	at   time.Time
	text []byte
}

func (t *instantText) append(b []byte, at time.Time) []byte {
	if t.text == nil || !at.Equal(t.at) {
		t.at, t.text = at, appendInstant(t.text[:0], at)
	}
	return append(b, t.text...)
}
