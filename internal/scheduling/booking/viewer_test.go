package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

func TestViewer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner := b.Owner()
	waitlist := b.Waitlist
	ana := b.Resource(owner, "STAFF", "Ana")
	cut, vera := b.Service(owner, "STAFF"), b.Customer(owner, "Vera")
	wanted := booking.AppointmentInput{ServiceID: cut.ID, CustomerID: vera.ID, StartAt: schedulingtest.Noon}
	booked := b.Book(owner, wanted)
	wanted.StartAt = schedulingtest.Noon.Add(3 * time.Hour)
	other := b.Book(owner, wanted)
	held, err := b.Holds.Create(t.Context(), owner, viewer.Of(owner), booking.HoldInput{ServiceID: cut.ID, StartAt: schedulingtest.Noon.Add(time.Hour)})
	require.NoError(t, err)
	entry, err := waitlist.Join(t.Context(), owner, booking.WaitlistInput{
		ServiceID: cut.ID, CustomerID: &vera.ID, From: schedulingtest.Noon, To: schedulingtest.Noon.Add(time.Hour), ResourceIDs: []uuid.UUID{ana.ID},
	})
	require.NoError(t, err)

	t.Run("sees nothing as zero value", func(t *testing.T) {
		t.Parallel()
		var zero viewer.Viewer
		ctx := t.Context()
		_, err := b.Appointments.Get(ctx, owner, zero, booked.ID)
		schedulingtest.RequireCode(t, apperr.NotFound, err)
		_, err = b.Appointments.Terms(ctx, owner, zero, booked.ID)
		schedulingtest.RequireCode(t, apperr.NotFound, err)
		_, err = b.Appointments.Cancel(ctx, owner, zero, booked.ID, nil, booking.CancelInput{})
		schedulingtest.RequireCode(t, apperr.NotFound, err)
		_, err = b.Appointments.Reschedule(ctx, owner, zero, booked.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon})
		schedulingtest.RequireCode(t, apperr.NotFound, err)
		_, err = b.Holds.Get(ctx, owner, zero, held.ID)
		schedulingtest.RequireCode(t, apperr.NotFound, err)
		schedulingtest.RequireCode(t, apperr.NotFound, b.Holds.Release(ctx, owner, zero, held.ID))
		_, err = b.Holds.Create(ctx, owner, zero, booking.HoldInput{ServiceID: cut.ID, StartAt: schedulingtest.Noon.Add(5 * time.Hour)})
		schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
		schedulingtest.RequireCode(t, apperr.NotFound, booking.ReadEntryAs(ctx, b.Store().Reader(owner), owner, zero, entry.ID))
		schedulingtest.RequireCode(t, apperr.RoleNotAllowed, booking.AllowWaive(zero))
		require.True(t, zero.IsCustomer(), "notes about customers are hidden from customers")
	})
	t.Run("sees nothing without a principal", func(t *testing.T) {
		t.Parallel()
		nobody := *owner
		nobody.Principal = nil
		list, err := b.Appointments.List(t.Context(), &nobody, booking.AppointmentFilter{}, schedulingtest.Page100)
		require.NoError(t, err)
		require.Empty(t, list.Data)
		holds, err := b.Holds.List(t.Context(), &nobody, schedulingtest.Page100)
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
		_, err := b.Appointments.Get(t.Context(), b.As(tenancy.Role("AUDITOR"), uuid.New()), viewer.Of(b.As(tenancy.Role("AUDITOR"), uuid.New())), booked.ID)
		schedulingtest.RequireCode(t, apperr.NotFound, err)
	})
	t.Run("sees one object by its link", func(t *testing.T) {
		t.Parallel()
		_, err := b.Appointments.Get(t.Context(), owner, viewer.Bearer(booked.ID), booked.ID)
		require.NoError(t, err)
		_, err = b.Appointments.Get(t.Context(), owner, viewer.Bearer(booked.ID), other.ID)
		schedulingtest.RequireCode(t, apperr.NotFound, err)
	})
}
