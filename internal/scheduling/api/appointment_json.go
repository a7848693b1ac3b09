package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
)

// appointmentPage answers ListAppointments. It is the hottest answer of the product: a
// calendar asks for a page of it with every change of the view, and through the
// generated types half of the server's work would be reflection over fifty
// appointments. A test holds what is written here against the generated types.
type appointmentPage keyset.List[booking.Appointment]

var pageBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 64<<10); return &b }}

// VisitListAppointmentsResponse writes the page.
func (p appointmentPage) VisitListAppointmentsResponse(w http.ResponseWriter) error {
	return writeJSON(w, http.StatusOK, p.append)
}

// appointmentAnswer answers GetAppointment and CreateAppointment; see appointmentPage.
type appointmentAnswer struct{ *booking.Appointment }

// VisitGetAppointmentResponse writes the appointment.
func (a appointmentAnswer) VisitGetAppointmentResponse(w http.ResponseWriter) error {
	return a.write(w, http.StatusOK)
}

// VisitCreateAppointmentResponse writes the appointment.
func (a appointmentAnswer) VisitCreateAppointmentResponse(w http.ResponseWriter) error {
	return a.write(w, http.StatusCreated)
}

func (a appointmentAnswer) write(w http.ResponseWriter, status int) error {
	w.Header().Set("ETag", etag.Format(a.Version))
	return writeJSON(w, status, func(b []byte) []byte { return append(appendAppointment(b, a.Appointment), '\n') })
}

// writeJSON answers with what encode appends to a buffer.
func writeJSON(w http.ResponseWriter, status int, encode func([]byte) []byte) error {
	const keep = 1 << 20 // a rare huge answer shall not stay in memory
	buffer := pageBuffers.Get().(*[]byte)
	*buffer = encode((*buffer)[:0])
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(*buffer)))
	w.WriteHeader(status)
	_, err := w.Write(*buffer)
	if cap(*buffer) <= keep {
		pageBuffers.Put(buffer)
	}
	return err
}

func (p appointmentPage) append(b []byte) []byte {
	b = append(b, `{"data":[`...)
	for i := range p.Data {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendAppointment(b, &p.Data[i])
	}
	b = append(b, `],"has_more":`...)
	b = strconv.AppendBool(b, p.NextCursor != nil)
	b = append(b, `,"next_cursor":`...)
	if p.NextCursor == nil {
		b = append(b, `null`...)
	} else {
		b = appendText(b, *p.NextCursor)
	}
	return append(b, '}', '\n')
}

// appendAppointment writes the members in the order of the generated type.
func appendAppointment(b []byte, a *booking.Appointment) []byte {
	b = appendAttendee(append(b, '{'), a.Attendee)
	b = strconv.AppendInt(append(b, `"buffer_after_minutes":`...), int64(a.BufferAfterMinutes), 10)
	b = strconv.AppendInt(append(b, `,"buffer_before_minutes":`...), int64(a.BufferBeforeMinutes), 10)
	b = appendCancellation(append(b, `,"cancellation":`...), a.Cancellation)
	b = appendText(append(b, `,"cancellation_reason":`...), a.CancellationReason)
	b = append(b, `,"cancelled_at":`...)
	if a.CancelledAt == nil {
		b = append(b, `null`...)
	} else {
		b = appendInstant(b, *a.CancelledAt)
	}
	b = appendInstant(append(b, `,"created_at":`...), a.CreatedAt)
	b = appendReference(append(b, `,"customer":`...), a.Customer)
	b = appendID(append(b, `,"customer_id":`...), a.CustomerID)
	b = appendInstant(append(b, `,"end_at":`...), a.EndAt)
	b = appendID(append(b, `,"id":`...), a.ID)
	b = appendText(append(b, `,"notes":`...), a.Notes)
	b = strconv.AppendInt(append(b, `,"price":{"amount":`...), a.Price.Amount, 10)
	b = appendText(append(b, `,"currency":`...), a.Price.Currency)
	b = append(b, `},"resource_ids":[`...)
	for i, id := range a.ResourceIDs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendID(b, id)
	}
	b = append(b, `],"resources":[`...)
	for i := range a.Resources {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendID(append(b, `{"id":`...), a.Resources[i].ID)
		b = appendText(append(b, `,"name":`...), a.Resources[i].Name)
		b = append(appendText(append(b, `,"type":`...), a.Resources[i].Type), '}')
	}
	b = append(b, `],"series_id":`...)
	if a.SeriesID == nil {
		b = append(b, `null`...)
	} else {
		b = appendID(b, *a.SeriesID)
	}
	b = appendReference(append(b, `,"service":`...), a.Service)
	b = appendID(append(b, `,"service_id":`...), a.ServiceID)
	b = appendInstant(append(b, `,"start_at":`...), a.StartAt)
	b = appendText(append(b, `,"status":`...), a.Status)
	b = appendInstant(append(b, `,"updated_at":`...), a.UpdatedAt)
	b = strconv.AppendInt(append(b, `,"version":`...), int64(a.Version), 10)
	return append(b, '}')
}

// appendAttendee writes the member with a comma, if there is one.
func appendAttendee(b []byte, a *booking.Attendee) []byte {
	if a == nil {
		return b
	}
	b = append(b, `"attendee":{`...)
	if email := given(a.Email); email != nil {
		b = append(appendText(append(b, `"email":`...), *email), ',')
	}
	b = appendText(append(b, `"name":`...), a.Name)
	if phone := given(a.Phone); phone != nil {
		b = appendText(append(b, `,"phone":`...), *phone)
	}
	return append(b, `},`...)
}

func appendCancellation(b []byte, c *booking.Cancellation) []byte {
	if c == nil {
		return append(b, `null`...)
	}
	b = strconv.AppendInt(append(b, `{"fee":{"amount":`...), c.Fee.Amount, 10)
	b = appendText(append(b, `,"currency":`...), c.Fee.Currency)
	b = strconv.AppendInt(append(b, `},"fee_percent":`...), int64(c.FeePercent), 10)
	b = strconv.AppendBool(append(b, `,"late":`...), c.Late)
	b = strconv.AppendBool(append(b, `,"waived":`...), c.Waived)
	b = strconv.AppendInt(append(b, `,"window_hours":`...), int64(c.WindowHours), 10)
	return append(b, '}')
}

func appendReference(b []byte, r booking.Reference) []byte {
	b = appendID(append(b, `{"id":`...), r.ID)
	return append(appendText(append(b, `,"name":`...), r.Name), '}')
}

func appendID(b []byte, id uuid.UUID) []byte {
	b = append(b, '"')
	n := len(b)
	b = append(b, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"...)
	encodeID(b[n:], id)
	return append(b, '"')
}

const hexDigits = "0123456789abcdef"

func encodeID(to []byte, id uuid.UUID) {
	i := 0
	for n, octet := range id {
		if n == 4 || n == 6 || n == 8 || n == 10 {
			i++ // the hyphen is there already
		}
		to[i], to[i+1] = hexDigits[octet>>4], hexDigits[octet&15]
		i += 2
	}
}

func appendInstant(b []byte, t time.Time) []byte {
	b = append(b, '"')
	return append(t.UTC().AppendFormat(b, time.RFC3339Nano), '"')
}

// appendText leaves everything that needs care to encoding/json.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c >= utf8.RuneSelf {
			encoded, err := json.Marshal(s)
			if err != nil {
				panic("a string cannot be encoded: " + err.Error()) // it always can
			}
			return append(b, encoded...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
