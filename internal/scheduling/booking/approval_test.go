package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

// asked is a salon with a consultation that Carla has asked for, at noon with Bob.
func asked(t *testing.T) (*salon, *booking.Appointment) {
	t.Helper()
	s := newSalon(t)
	service := s.ServiceOf(s.owner, catalog.ServiceInput{
		Name: "Consultation", DurationMinutes: 60, RequiresApproval: true, IsActive: true, MinNoticeMinutes: 600,
		Price: &money.Money{Amount: 10001, Currency: "EUR"},
	})
	a := s.Book(s.owner, booking.AppointmentInput{ServiceID: service.ID, CustomerID: s.carla.ID, StartAt: schedulingtest.Noon, ResourceIDs: ids(s.bob)})
	require.Equal(t, booking.StatusPending, a.Status)
	return s, a
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	s, a := asked(t)
	ctx := t.Context()
	// What is pending holds its time already.
	_, err := s.Appointments.Create(ctx, s.owner, booking.AppointmentInput{
		ServiceID: a.ServiceID, CustomerID: s.dan.ID, StartAt: schedulingtest.Noon, ResourceIDs: ids(s.bob),
	})
	schedulingtest.RequireCode(t, apperr.SlotTaken, err)
	// The notice was long enough when it was asked for.
	confirmed, err := s.Appointments.Confirm(ctx, later(s.staff, 26*time.Hour), a.ID, nil, false)
	require.NoError(t, err)
	assert.Equal(t, booking.StatusConfirmed, confirmed.Status)
	assert.Equal(t, int32(2), confirmed.Version)
	again, err := s.Appointments.Confirm(ctx, s.owner, a.ID, nil, false)
	require.NoError(t, err)
	assert.Equal(t, confirmed, again)
}

func TestConfirmWhatHasBecomeImpossible(t *testing.T) {
	t.Parallel()
	for code, c := range map[string]struct {
		change func(s *salon)
		after  time.Duration
	}{
		"time_off": {change: func(s *salon) {
			_, err := s.TimeOffs.Create(s.Context(), s.owner, catalog.TimeOffInput{ResourceID: &s.bob.ID, StartAt: schedulingtest.Noon, EndAt: schedulingtest.Noon.Add(time.Hour)})
			require.NoError(s, err)
		}},
		"closed": {change: func(s *salon) {
			_, err := s.TimeOffs.Create(s.Context(), s.owner, catalog.TimeOffInput{StartAt: schedulingtest.Noon, EndAt: schedulingtest.Noon.Add(time.Hour)})
			require.NoError(s, err)
		}},
		"resource_inactive": {change: func(s *salon) {
			_, err := s.Resources.Update(s.Context(), s.owner, s.bob.ID, nil, catalog.ResourcePatch{IsActive: new(false)})
			require.NoError(s, err)
		}},
		"in_past": {change: func(*salon) {}, after: 27 * time.Hour},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s, a := asked(t)
			c.change(s)
			scope := later(s.owner, c.after)
			_, err := s.Appointments.Confirm(t.Context(), scope, a.ID, nil, false)
			reasons := schedulingtest.Refusal(t, apperr.NoLongerPossible, err).Members["reasons"].([]booking.Objection)
			require.Len(t, reasons, 1)
			assert.Equal(t, code, reasons[0].Code)
			if code != "in_past" {
				assert.Equal(t, &s.bob.ID, reasons[0].ResourceID)
				assert.Equal(t, new("Bob"), reasons[0].ResourceName)
			}
			read, err := s.Appointments.Get(t.Context(), scope, viewer.Of(scope), a.ID)
			require.NoError(t, err)
			assert.Equal(t, a, read)
			confirmed, err := s.Appointments.Confirm(t.Context(), scope, a.ID, nil, true)
			require.NoError(t, err)
			assert.Equal(t, booking.StatusConfirmed, confirmed.Status)
		})
	}
}

func TestDecline(t *testing.T) {
	t.Parallel()
	s, a := asked(t)
	ctx := t.Context()
	declined, err := s.Appointments.Decline(ctx, s.staff, a.ID, nil, "full")
	require.NoError(t, err)
	assert.Equal(t, booking.StatusDeclined, declined.Status)
	assert.Equal(t, "full", declined.CancellationReason)
	assert.Nil(t, declined.CancelledAt)
	again, err := s.Appointments.Decline(ctx, s.owner, a.ID, nil, "another reason")
	require.NoError(t, err)
	assert.Equal(t, declined, again)
	_, err = s.Appointments.Confirm(ctx, s.owner, a.ID, nil, true)
	schedulingtest.RequireCode(t, apperr.InvalidTransition, err)
	history, err := s.Appointments.History(ctx, s.owner, a.ID, schedulingtest.Page100)
	require.NoError(t, err)
	assert.Equal(t, booking.ActionDeclined, history.Data[0].Action)
	types := s.EventTypes(s.owner)
	assert.Equal(t, "appointment.declined", types[len(types)-1])
	s.Book(s.owner, booking.AppointmentInput{ServiceID: a.ServiceID, CustomerID: s.dan.ID, StartAt: schedulingtest.Noon, ResourceIDs: ids(s.bob)})
}

// Of those who decide at once about what was asked for, the first decides.
func TestParallelDecisions(t *testing.T) {
	t.Parallel()
	for range 4 {
		s, a := asked(t)
		errs := schedulingtest.Parallel(16, func(i int) (err error) {
			if i%2 == 0 {
				_, err = s.Appointments.Confirm(t.Context(), s.owner, a.ID, nil, false)
			} else {
				_, err = s.Appointments.Decline(t.Context(), s.owner, a.ID, nil, "")
			}
			return err
		})
		assert.Equal(t, 8, winners(t, apperr.InvalidTransition, errs), "those who agree with the first")
		decided := 0
		for _, name := range s.EventTypes(s.owner) {
			if name == "appointment.confirmed" || name == "appointment.declined" {
				decided++
			}
		}
		assert.Equal(t, 1, decided)
	}
}

// A new time that a customer chooses has to be approved like the first one.
func TestCustomerMovesWhatNeedsApproval(t *testing.T) {
	t.Parallel()
	s, a := asked(t)
	ctx := t.Context()
	_, err := s.Appointments.Confirm(ctx, s.owner, a.ID, nil, false)
	require.NoError(t, err)
	moved, err := s.Appointments.Reschedule(ctx, s.client, viewer.Of(s.client), a.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon.Add(24 * time.Hour)})
	require.NoError(t, err)
	assert.Equal(t, booking.StatusPending, moved.Status)
	read, err := s.Appointments.Get(ctx, s.owner, viewer.Of(s.owner), a.ID)
	require.NoError(t, err)
	assert.Equal(t, moved, read)
	_, err = s.Appointments.Confirm(ctx, s.owner, a.ID, nil, false)
	require.NoError(t, err)
	moved, err = s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon})
	require.NoError(t, err)
	assert.Equal(t, booking.StatusConfirmed, moved.Status, "the business approves what it does itself")
}

// cutAt books Bob for Carla, for an odd price.
func (s *salon) cutAt(start time.Time) *booking.Appointment {
	s.Helper()
	service := s.ServiceOf(s.owner, catalog.ServiceInput{
		Name: "Cut", DurationMinutes: 60, IsActive: true, Price: &money.Money{Amount: 4501, Currency: "EUR"},
	})
	return s.Book(s.owner, booking.AppointmentInput{ServiceID: service.ID, CustomerID: s.carla.ID, StartAt: start, ResourceIDs: ids(s.bob)})
}

func TestLateCancellation(t *testing.T) {
	t.Parallel()
	start := schedulingtest.Noon.Add(48 * time.Hour)
	at := func(scope *tenancy.Scope, before time.Duration) *tenancy.Scope {
		return later(scope, start.Add(-before).Sub(schedulingtest.Now))
	}
	eur := func(n int64) money.Money { return money.Money{Amount: n, Currency: "EUR"} }
	free := booking.Cancellation{Fee: eur(0), FeePercent: 50, WindowHours: 24}
	late := booking.Cancellation{Late: true, Fee: eur(2251), FeePercent: 50, WindowHours: 24}
	waived := booking.Cancellation{Late: true, Fee: eur(0), FeePercent: 50, WindowHours: 24, Waived: true}
	for name, c := range map[string]struct {
		customer bool
		before   time.Duration
		in       booking.CancelInput
		want     booking.Cancellation
	}{
		"the last instant of the window": {true, 24 * time.Hour, booking.CancelInput{}, free},
		"the first that is late":         {true, 24*time.Hour - time.Microsecond, booking.CancelInput{Reason: "ill"}, late},
		"after the start":                {false, -time.Minute, booking.CancelInput{}, late},
		"waived":                         {false, time.Hour, booking.CancelInput{WaiveFee: true}, waived},
		"nothing to waive":               {false, 30 * time.Hour, booking.CancelInput{WaiveFee: true}, free},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSalon(t)
			ctx := t.Context()
			s.SetPolicy("late_cancellation_fee_percent", 50)
			a := s.cutAt(start)
			scope := at(s.owner, c.before)
			if c.customer {
				scope = at(s.client, c.before)
			}
			if !c.in.WaiveFee {
				terms, err := s.Appointments.Terms(ctx, scope, viewer.Of(scope), a.ID)
				require.NoError(t, err)
				assert.Equal(t, booking.CancellationTerms{Cancellation: c.want, CanCancel: true, FreeUntil: start.Add(-24 * time.Hour)}, terms)
			}
			cancelled, err := s.Appointments.Cancel(ctx, scope, viewer.Of(scope), a.ID, nil, c.in)
			require.NoError(t, err)
			assert.Equal(t, &c.want, cancelled.Cancellation)
			read, err := s.Appointments.Get(ctx, scope, viewer.Of(scope), a.ID)
			require.NoError(t, err)
			assert.Equal(t, cancelled, read)

			// Later policies, and later attempts, change nothing about it.
			s.SetPolicy("late_cancellation_fee_percent", 100)
			again, err := s.Appointments.Cancel(ctx, at(s.owner, 0), viewer.Of(at(s.owner, 0)), a.ID, nil, booking.CancelInput{WaiveFee: true})
			require.NoError(t, err)
			assert.Equal(t, cancelled, again)
			terms, err := s.Appointments.Terms(ctx, at(s.owner, 0), viewer.Of(at(s.owner, 0)), a.ID)
			require.NoError(t, err)
			assert.Equal(t, booking.CancellationTerms{Cancellation: c.want, FreeUntil: start.Add(-24 * time.Hour)}, terms)
		})
	}
}

func TestOnlyOwnersAndManagersWaiveFees(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	a := s.cutAt(schedulingtest.Noon)
	for _, scope := range []*tenancy.Scope{s.client, s.staff} {
		_, err := s.Appointments.Cancel(t.Context(), scope, viewer.Of(scope), a.ID, nil, booking.CancelInput{WaiveFee: true})
		schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
	}
}

// What nobody has approved costs nothing to call off.
func TestCancelPendingIsNeverLate(t *testing.T) {
	t.Parallel()
	s, a := asked(t)
	s.SetPolicy("late_cancellation_fee_percent", 50)
	cancelled, err := s.Appointments.Cancel(t.Context(), later(s.client, 26*time.Hour), viewer.Of(later(s.client, 26*time.Hour)), a.ID, nil, booking.CancelInput{})
	require.NoError(t, err)
	assert.False(t, cancelled.Cancellation.Late)
	assert.Zero(t, cancelled.Cancellation.Fee.Amount)
}

func TestPoliciesBindCustomers(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	in := s.wish(s.ana)
	in.StartAt = schedulingtest.Noon.Add(72 * time.Hour)
	own := s.Book(s.owner, in)
	in.CustomerID, in.ResourceIDs, in.StartAt = s.dan.ID, ids(s.bob), in.StartAt.Add(2*time.Hour)
	foreign := s.Book(s.owner, in)
	to := func(hours int) booking.RescheduleInput {
		return booking.RescheduleInput{StartAt: own.StartAt.Add(time.Duration(hours) * time.Hour)}
	}
	refusedBy := func(policy string, err error) {
		t.Helper()
		assert.Equal(t, policy, schedulingtest.Refusal(t, apperr.RefusedByPolicy, err).Members["policy"])
	}
	moved, err := s.Appointments.Reschedule(ctx, s.client, viewer.Of(s.client), own.ID, nil, to(24))
	require.NoError(t, err)
	assert.Equal(t, booking.StatusConfirmed, moved.Status)
	_, err = s.Appointments.Reschedule(ctx, s.client, viewer.Of(s.client), foreign.ID, nil, to(24))
	schedulingtest.RequireCode(t, apperr.NotFound, err)

	_, err = s.Appointments.Reschedule(ctx, later(s.client, moved.StartAt.Sub(schedulingtest.Now)-23*time.Hour), viewer.Of(later(s.client, moved.StartAt.Sub(schedulingtest.Now)-23*time.Hour)), own.ID, nil, to(72))
	refusedBy("cancellation_window_hours", err)
	s.SetPolicy("customers_can_reschedule", false)
	_, err = s.Appointments.Reschedule(ctx, s.client, viewer.Of(s.client), own.ID, nil, to(72))
	refusedBy("customers_can_reschedule", err)
	s.SetPolicy("customers_can_cancel", false)
	_, err = s.Appointments.Cancel(ctx, s.client, viewer.Of(s.client), own.ID, nil, booking.CancelInput{})
	refusedBy("customers_can_cancel", err)
	terms, err := s.Appointments.Terms(ctx, s.client, viewer.Of(s.client), own.ID)
	require.NoError(t, err)
	assert.False(t, terms.CanCancel)

	// They bind a trusted caller, who is a customer, and not the business.
	_, err = s.Appointments.Cancel(ctx, &tenancy.Scope{Now: schedulingtest.Now, Tenant: s.Tenant, Env: s.Tenant.Live}, viewer.Bearer(own.ID), own.ID, nil, booking.CancelInput{})
	refusedBy("customers_can_cancel", err)
	_, err = s.Appointments.Reschedule(ctx, later(s.owner, moved.StartAt.Sub(schedulingtest.Now)-time.Hour), viewer.Of(later(s.owner, moved.StartAt.Sub(schedulingtest.Now)-time.Hour)), own.ID, nil, to(72))
	require.NoError(t, err)
	_, err = s.Appointments.Cancel(ctx, s.owner, viewer.Of(s.owner), own.ID, nil, booking.CancelInput{})
	require.NoError(t, err)
}

// Whoever knows an appointment's secret acts as its customer, without being signed in.
func TestTrustedCustomers(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	in := s.wish(s.ana)
	in.StartAt = schedulingtest.Noon.Add(72 * time.Hour)
	a := s.Book(s.owner, in)
	nobody := &tenancy.Scope{Now: schedulingtest.Now, Tenant: s.Tenant, Env: s.Tenant.Live}
	_, err := s.Appointments.Get(ctx, nobody, viewer.Of(nobody), a.ID)
	schedulingtest.RequireCode(t, apperr.NotFound, err)
	_, err = s.Appointments.Get(ctx, nobody, viewer.Bearer(a.ID), a.ID)
	require.NoError(t, err)
	_, err = s.Appointments.Reschedule(ctx, nobody, viewer.Bearer(a.ID), a.ID, nil, booking.RescheduleInput{StartAt: in.StartAt.Add(time.Hour)})
	require.NoError(t, err)
	terms, err := s.Appointments.Terms(ctx, nobody, viewer.Bearer(a.ID), a.ID)
	require.NoError(t, err)
	assert.True(t, terms.CanCancel)
	cancelled, err := s.Appointments.Cancel(ctx, nobody, viewer.Bearer(a.ID), a.ID, nil, booking.CancelInput{})
	require.NoError(t, err)
	assert.Equal(t, booking.StatusCancelled, cancelled.Status)
	other := uuid.New()
	_, err = s.Appointments.Get(ctx, nobody, viewer.Bearer(other), other)
	schedulingtest.RequireCode(t, apperr.NotFound, err)
}

// Whether somebody came is for the business to say: customers neither call off nor move what
// has begun.
func TestCustomersLeaveAloneWhatHasBegun(t *testing.T) {
	t.Parallel()
	for name, book := range map[string]func(t *testing.T) (*salon, *booking.Appointment){
		"pending": asked,
		"confirmed": func(t *testing.T) (*salon, *booking.Appointment) {
			t.Helper()
			s := newSalon(t)
			return s, s.cutAt(schedulingtest.Noon)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a := book(t)
			ctx, begun := t.Context(), a.StartAt.Sub(schedulingtest.Now)
			for _, scope := range []*tenancy.Scope{later(s.client, begun), later(s.client, begun+24*time.Hour)} {
				_, err := s.Appointments.Cancel(ctx, scope, viewer.Of(scope), a.ID, nil, booking.CancelInput{})
				schedulingtest.RequireCode(t, apperr.InvalidTransition, err)
				_, err = s.Appointments.Reschedule(ctx, scope, viewer.Of(scope), a.ID, nil, booking.RescheduleInput{StartAt: a.StartAt.Add(72 * time.Hour)})
				schedulingtest.RequireCode(t, apperr.InvalidTransition, err)
				terms, err := s.Appointments.Terms(ctx, scope, viewer.Of(scope), a.ID)
				require.NoError(t, err)
				assert.False(t, terms.CanCancel)
			}
			_, err := s.Appointments.Cancel(ctx, later(&tenancy.Scope{Now: schedulingtest.Now, Tenant: s.Tenant, Env: s.Tenant.Live}, begun), viewer.Bearer(a.ID), a.ID, nil, booking.CancelInput{})
			schedulingtest.RequireCode(t, apperr.InvalidTransition, err)
			_, err = s.Appointments.Cancel(ctx, later(s.owner, begun), viewer.Of(later(s.owner, begun)), a.ID, nil, booking.CancelInput{})
			require.NoError(t, err)
		})
	}
}
