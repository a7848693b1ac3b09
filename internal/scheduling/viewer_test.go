package scheduling_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func TestViewer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner := b.owner()
	waitlist := scheduling.NewWaitlist(b.appointments, nil)
	ana := b.resource(owner, "STAFF", "Ana")
	cut, vera := b.service(owner, "STAFF"), b.customer(owner, "Vera")
	wanted := scheduling.AppointmentInput{ServiceID: cut.ID, CustomerID: vera.ID, StartAt: noon}
	booked := b.book(owner, wanted)
	wanted.StartAt = noon.Add(3 * time.Hour)
	other := b.book(owner, wanted)
	held, err := b.appointments.CreateHold(t.Context(), owner, scheduling.HoldInput{ServiceID: cut.ID, StartAt: noon.Add(time.Hour)})
	require.NoError(t, err)
	entry, err := waitlist.Join(t.Context(), owner, scheduling.WaitlistInput{
		ServiceID: cut.ID, CustomerID: &vera.ID, From: noon, To: noon.Add(time.Hour), ResourceIDs: []uuid.UUID{ana.ID},
	})
	require.NoError(t, err)

	t.Run("sees nothing as zero value", func(t *testing.T) {
		t.Parallel()
		for object, err := range scheduling.ReadAsZeroViewer(t.Context(), b.appointments, owner, booked.ID, held.ID, entry.ID) {
			require.Error(t, err, object)
		}
		require.False(t, scheduling.NotesForZeroViewer(vera))
	})
	t.Run("sees nothing without a principal", func(t *testing.T) {
		t.Parallel()
		nobody := *owner
		nobody.Principal = nil
		list, err := b.appointments.List(t.Context(), &nobody, scheduling.AppointmentFilter{}, page100)
		require.NoError(t, err)
		require.Empty(t, list.Data)
		holds, err := b.appointments.ListHolds(t.Context(), &nobody, page100)
		require.NoError(t, err)
		require.Empty(t, holds.Data)
		waiting, err := waitlist.List(t.Context(), &nobody, scheduling.WaitlistFilter{}, page100)
		require.NoError(t, err)
		require.Empty(t, waiting.Data)
		customers, err := b.customers.List(t.Context(), &nobody, scheduling.CustomerFilter{}, page100)
		require.NoError(t, err)
		require.Empty(t, customers.Data)
		_, err = b.customers.Get(t.Context(), &nobody, vera.ID)
		requireCode(t, apperr.NotFound, err)
	})
	t.Run("sees nothing with an unknown role", func(t *testing.T) {
		t.Parallel()
		_, err := b.appointments.Get(t.Context(), b.as(tenancy.Role("AUDITOR"), uuid.New()), booked.ID)
		requireCode(t, apperr.NotFound, err)
	})
	t.Run("sees one object by its link", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, scheduling.SeenByLink(t.Context(), b.appointments, owner, booked.ID, booked.ID))
		requireCode(t, apperr.NotFound, scheduling.SeenByLink(t.Context(), b.appointments, owner, booked.ID, other.ID))
	})
}
