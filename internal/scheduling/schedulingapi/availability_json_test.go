package schedulingapi

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
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
		found := &scheduling.Availability{Timezone: `Etc/"<GMT>`, Snapshot: "2q"}
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
