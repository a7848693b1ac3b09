package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

func TestViewer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner := b.Owner()
	waitlist := booking.NewWaitlist(b.Appointments, nil)
	ana := b.Resource(owner, "STAFF", "Ana")
	cut, vera := b.Service(owner, "STAFF"), b.Customer(owner, "Vera")
	wanted := booking.AppointmentInput{ServiceID: cut.ID, CustomerID: vera.ID, StartAt: schedulingtest.Noon}
	booked := b.Book(owner, wanted)
	wanted.StartAt = schedulingtest.Noon.Add(3 * time.Hour)
	other := b.Book(owner, wanted)
	held, err := b.Appointments.CreateHold(t.Context(), owner, booking.HoldInput{ServiceID: cut.ID, StartAt: schedulingtest.Noon.Add(time.Hour)})
	require.NoError(t, err)
	entry, err := waitlist.Join(t.Context(), owner, booking.WaitlistInput{
		ServiceID: cut.ID, CustomerID: &vera.ID, From: schedulingtest.Noon, To: schedulingtest.Noon.Add(time.Hour), ResourceIDs: []uuid.UUID{ana.ID},
	})
	require.NoError(t, err)

	t.Run("sees nothing as zero value", func(t *testing.T) {
		t.Parallel()
		for object, err := range booking.ReadAsZeroViewer(t.Context(), b.Appointments, owner, booked.ID, held.ID, entry.ID) {
			require.Error(t, err, object)
		}
		require.False(t, booking.NotesForZeroViewer(vera))
	})
	t.Run("sees nothing without a principal", func(t *testing.T) {
		t.Parallel()
		nobody := *owner
		nobody.Principal = nil
		list, err := b.Appointments.List(t.Context(), &nobody, booking.AppointmentFilter{}, schedulingtest.Page100)
		require.NoError(t, err)
		require.Empty(t, list.Data)
		holds, err := b.Appointments.ListHolds(t.Context(), &nobody, schedulingtest.Page100)
		require.NoError(t, err)
		require.Empty(t, holds.Data)
		waiting, err := waitlist.List(t.Context(), &nobody, booking.WaitlistFilter{}, schedulingtest.Page100)
		require.NoError(t, err)
		require.Empty(t, waiting.Data)
		customers, err := b.Customers.List(t.Context(), &nobody, customers.Filter{}, schedulingtest.Page100)
		require.NoError(t, err)
		require.Empty(t, customers.Data)
		_, err = b.Customers.Get(t.Context(), &nobody, vera.ID)
		schedulingtest.RequireCode(t, apperr.NotFound, err)
	})
	t.Run("sees nothing with an unknown role", func(t *testing.T) {
		t.Parallel()
		_, err := b.Appointments.Get(t.Context(), b.As(tenancy.Role("AUDITOR"), uuid.New()), booked.ID)
		schedulingtest.RequireCode(t, apperr.NotFound, err)
	})
	t.Run("sees one object by its link", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, booking.SeenByLink(t.Context(), b.Appointments, owner, booked.ID, booked.ID))
		schedulingtest.RequireCode(t, apperr.NotFound, booking.SeenByLink(t.Context(), b.Appointments, owner, booked.ID, other.ID))
	})
}
