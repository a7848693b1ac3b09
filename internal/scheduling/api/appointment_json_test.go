package api

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
)

// The list is written by hand; it must be, to the byte, what the generated types write.
func TestAppointmentPageIsWhatTheContractSays(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	texts := []string{"", "plain", `"quoted" \ back`, "línea\n\ttab", "<b>&amp;", "\u2028😀", "\x7f", "bad \xff utf-8"}
	text := func() string { return texts[random.IntN(len(texts))] }
	instant := func() time.Time {
		return time.Unix(random.Int64N(4e9), random.Int64N(1e6)*1000*random.Int64N(2)).In(time.FixedZone("x", 3600))
	}
	id := func() (u uuid.UUID) {
		for i := range u {
			u[i] = byte(random.Uint32())
		}
		return u
	}
	for n := range 200 {
		list := keyset.List[booking.Appointment]{Data: []booking.Appointment{}}
		for range n % 4 {
			a := booking.Appointment{
				ID: id(), Status: booking.StatusConfirmed, StartAt: instant().UTC(), EndAt: instant().UTC(), ServiceID: id(), CustomerID: id(),
				Service: booking.Reference{ID: id(), Name: text()}, Customer: booking.Reference{ID: id(), Name: text()},
				BufferBeforeMinutes: random.Int32N(720), BufferAfterMinutes: random.Int32N(720),
				Price: money.Money{Amount: random.Int64N(1e11), Currency: "USD"}, Notes: text(), CancellationReason: text(),
				CreatedAt: instant().UTC(), UpdatedAt: instant().UTC(), Version: random.Int32N(9) + 1,
			}
			if random.IntN(2) == 0 {
				a.Cancellation = &booking.Cancellation{
					Late: random.IntN(2) == 0, Fee: money.Money{Amount: random.Int64N(1e11), Currency: "USD"},
					FeePercent: random.Int32N(101), WindowHours: random.Int32N(99), Waived: random.IntN(2) == 0,
				}
			}
			if random.IntN(2) == 0 {
				series := id()
				a.SeriesID = &series
			}
			if random.IntN(2) == 0 {
				at := instant().UTC()
				a.CancelledAt = &at
			}
			for range random.IntN(3) + 1 {
				r := booking.ResourceReference{ID: id(), Name: text(), Type: "ROOM"}
				a.ResourceIDs, a.Resources = append(a.ResourceIDs, r.ID), append(a.Resources, r)
			}
			list.Data = append(list.Data, a)
		}
		if n%2 == 0 {
			cursor := "c" + text()
			list.NextCursor = &cursor
		}
		generated, err := json.Marshal(schedulingoapi.AppointmentList{
			Data: toSlice(list.Data, ToAPIAppointment), NextCursor: orNull(list.NextCursor), HasMore: list.NextCursor != nil,
		})
		require.NoError(t, err)
		written := httptest.NewRecorder()
		require.NoError(t, appointmentPage(list).VisitListAppointmentsResponse(written))
		require.Equal(t, string(generated)+"\n", written.Body.String())
		require.Equal(t, "application/json", written.Header().Get("Content-Type"))
		for i := range list.Data {
			requireSameAnswer(t, &list.Data[i])
		}
	}
}

// requireSameAnswer holds the answers with one appointment against the generated ones.
func requireSameAnswer(t *testing.T, a *booking.Appointment) {
	t.Helper()
	same := func(generated, written func(http.ResponseWriter) error) {
		want, got := httptest.NewRecorder(), httptest.NewRecorder()
		require.NoError(t, generated(want))
		require.NoError(t, written(got))
		got.Header().Del("Content-Length")
		require.Equal(t, want.Code, got.Code)
		require.Equal(t, want.Header(), got.Header())
		require.Equal(t, want.Body.String(), got.Body.String())
	}
	same(schedulingoapi.GetAppointment200JSONResponse{
		Body: ToAPIAppointment(*a), Headers: schedulingoapi.GetAppointment200ResponseHeaders{ETag: etag.Format(a.Version)},
	}.VisitGetAppointmentResponse, appointmentAnswer{a}.VisitGetAppointmentResponse)
	same(schedulingoapi.CreateAppointment201JSONResponse{
		Body: ToAPIAppointment(*a), Headers: schedulingoapi.CreateAppointment201ResponseHeaders{ETag: etag.Format(a.Version)},
	}.VisitCreateAppointmentResponse, appointmentAnswer{a}.VisitCreateAppointmentResponse)
}
