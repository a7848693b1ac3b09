package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

// TestNew_without_catalog_cache runs the same requests with and without the cache. Ids differ, so answers are
// compared by what they say.
func TestNew_without_catalog_cache(t *testing.T) {
	t.Parallel()
	cached, uncached := map[string]any{}, map[string]any{}
	answerRequests(schedulingtest.NewWith(t, catalog.NewCache()), cached)
	answerRequests(schedulingtest.NewWith(t, catalog.NoCache()), uncached)
	require.NotEmpty(t, cached)
	require.Equal(t, cached, uncached)
}

func answerRequests(b *schedulingtest.Business, answers map[string]any) {
	ctx, scope := b.Context(), b.Owner()
	v := viewer.Of(scope)
	_, err := b.Schedules.Replace(ctx, scope, nil, nil, catalog.HoursInput{
		Weekly: []catalog.DayHours{{Day: "MONDAY", Intervals: schedulingtest.Intervals("06:00", "17:00")}},
	})
	require.NoError(b, err)
	ana := b.Resource(scope, "STAFF", "Ana", schedulingtest.Capacity(1))
	massage, carla := b.Service(scope, "STAFF"), b.Customer(scope, "Carla")
	noon := schedulingtest.Noon // 07:00 in New York

	search := func(name string) {
		found, err := b.Search.Slots(ctx, scope, booking.AvailabilityInput{
			ServiceID: massage.ID, From: "2026-11-23", To: "2026-11-23", Explain: true,
		})
		require.NoError(b, err)
		var starts, refused []time.Time
		for _, slot := range found.Slots {
			starts = append(starts, slot.Start)
		}
		for _, r := range found.Refused {
			refused = append(refused, r.Start)
		}
		answers[name] = [][]time.Time{starts, refused}
	}
	show := func(name string, a *booking.Appointment) {
		answers[name] = []any{a.Status, a.StartAt, a.EndAt, a.Service.Name, a.Customer.Name, a.Resources[0].Name, a.Price, a.Version}
	}
	search("search")
	in := booking.AppointmentInput{ServiceID: massage.ID, CustomerID: carla.ID, StartAt: noon}
	booked, err := b.Appointments.Create(ctx, scope, in)
	require.NoError(b, err)
	show("book", booked)
	_, err = b.Appointments.Create(ctx, scope, in)
	taken := schedulingtest.Refusal(b, apperr.SlotTaken, err)
	answers["book again"] = []any{taken.Detail, len(taken.Members["alternatives"].([]booking.Slot))}

	_, err = b.Services.Update(ctx, scope, massage.ID, nil, catalog.ServicePatch{Name: new("Long massage"), DurationMinutes: new(int32(90))})
	require.NoError(b, err)
	_, err = b.Resources.Update(ctx, scope, ana.ID, nil, catalog.ResourcePatch{Name: new("Anna")})
	require.NoError(b, err)
	search("search after a change of the catalog")
	list, err := b.Appointments.List(ctx, scope, booking.AppointmentFilter{}, keyset.Page{})
	require.NoError(b, err)
	show("list", &list.Data[0])
	moved, err := b.Appointments.Reschedule(ctx, scope, v, booked.ID, nil, booking.RescheduleInput{StartAt: noon.Add(3 * time.Hour)})
	require.NoError(b, err)
	show("move", moved)

	held, err := b.Holds.Create(ctx, scope, v, booking.HoldInput{ServiceID: massage.ID, StartAt: noon})
	require.NoError(b, err)
	answers["hold"] = []any{held.Status, held.EndAt, held.Service.Name, held.Resources[0].Name}
	in.HoldID = &held.ID
	booked, err = b.Appointments.Create(ctx, scope, in)
	require.NoError(b, err)
	show("book the hold", booked)

	entry, err := b.Waitlist.Join(ctx, scope, booking.WaitlistInput{ServiceID: massage.ID, CustomerID: &carla.ID, From: noon, To: noon.Add(time.Minute)})
	require.NoError(b, err)
	_, err = b.Appointments.Cancel(ctx, scope, v, booked.ID, nil, booking.CancelInput{})
	require.NoError(b, err)
	require.NoError(b, b.Waitlist.OfferVacancy(ctx, scope, noon, noon.Add(time.Hour)))
	entry, err = b.Waitlist.Get(ctx, scope, entry.ID)
	require.NoError(b, err)
	answers["waitlist"] = []any{entry.Status, entry.Service.Name}

	series, err := b.Series.Create(ctx, scope, booking.SeriesInput{
		ServiceID: massage.ID, CustomerID: carla.ID, StartAt: noon.AddDate(0, 0, 7), RRule: "FREQ=WEEKLY;COUNT=3",
		ResourceIDs: []uuid.UUID{ana.ID}, OnConflict: booking.ConflictFails,
	})
	require.NoError(b, err)
	for _, o := range series.Occurrences {
		answers["occurrence "+o.StartAt.String()] = []any{o.Verdict, o.EndAt}
	}
}
