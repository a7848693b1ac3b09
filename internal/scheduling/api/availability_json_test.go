package api

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
)

// Slots are written by hand; it must be, to the byte, what the generated types write.
func TestAvailabilityPageIsWhatTheContractSays(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.December, 1, 14, 0, 0, 250_000, time.UTC)
	assigned := func(n int) (list []availability.Assignment) {
		for i := range n {
			list = append(list, availability.Assignment{ResourceID: uuid.NewSHA1(uuid.NameSpaceOID, []byte{byte(n), byte(i)}), Lane: i})
		}
		return list
	}
	slots := []availability.Slot{
		{Start: at, End: at.Add(time.Hour), Assignments: assigned(1)},
		{Start: at, End: at.Add(time.Hour), Assignments: assigned(2)},
		{Start: at.Add(time.Minute), End: at.Add(time.Hour), Assignments: assigned(1)},
		{Start: at.Add(time.Minute), End: at.Add(2 * time.Hour), Assignments: assigned(3)},
	}
	for n := range len(slots) + 1 {
		found := &booking.Availability{Timezone: `Etc/"<GMT>`, Snapshot: "2q"}
		found.Slots, found.Truncated = slots[:n], n%2 == 0
		page := availabilityPage{serviceID: uuid.NewSHA1(uuid.NameSpaceOID, []byte("service")), found: found}
		want, err := json.Marshal(schedulingoapi.GetAvailability200JSONResponse{
			ServiceID: page.serviceID, Timezone: found.Timezone, Snapshot: found.Snapshot, Truncated: found.Truncated,
			Data: toSlice(found.Slots, ToAPISlot),
		})
		require.NoError(t, err)
		answer := httptest.NewRecorder()
		require.NoError(t, page.VisitGetAvailabilityResponse(answer))
		require.Equal(t, string(want)+"\n", answer.Body.String())
		require.Equal(t, "application/json", answer.Header().Get("Content-Type"))
	}
}

func TestResourceAvailabilityPageIsWhatTheContractSays(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.December, 31, 23, 59, 59, 0, time.UTC)
	starts := []time.Time{
		at.Add(-24 * time.Hour), at, at.Add(time.Second), at.Add(9*time.Hour + 7*time.Minute),
		time.Date(1969, time.July, 20, 20, 17, 0, 0, time.UTC), time.Date(2999, time.December, 31, 0, 0, 0, 0, time.UTC),
	}
	for n := range 4 {
		found := &booking.AvailabilityPerResource{Timezone: `Etc/"<GMT>`, Snapshot: "2q", Duration: 45 * time.Minute}
		want := schedulingoapi.ListResourceAvailability200JSONResponse{
			ServiceID: uuid.NewSHA1(uuid.NameSpaceOID, []byte("service")), Timezone: found.Timezone, Snapshot: found.Snapshot, DurationMinutes: 45,
			Data: []schedulingoapi.ResourceAvailability{},
		}
		for i := range n {
			alone := schedulingoapi.ResourceAvailability{
				ResourceID: uuid.NewSHA1(uuid.NameSpaceOID, []byte{byte(i)}), Starts: starts[:i*len(starts)/2], Truncated: i == 1,
			}
			want.Data = append(want.Data, alone)
			of := availability.ResourceStarts{ResourceID: alone.ResourceID, Truncated: alone.Truncated}
			for _, start := range alone.Starts {
				of.Starts = append(of.Starts, start.Unix())
			}
			found.Resources = append(found.Resources, of)
		}
		encoded, err := json.Marshal(want)
		require.NoError(t, err)
		answer := httptest.NewRecorder()
		require.NoError(t, resourceAvailabilityPage{serviceID: want.ServiceID, found: found}.VisitListResourceAvailabilityResponse(answer))
		require.Equal(t, string(encoded)+"\n", answer.Body.String())
	}
}
