package scheduling_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// asked is a salon with a consultation that Carla has asked for, at noon with Bob.
func asked(t *testing.T) (*salon, *scheduling.Appointment) {
	t.Helper()
	s := newSalon(t)
	service := s.serviceOf(s.owner, scheduling.ServiceInput{
		Name: "Consultation", DurationMinutes: 60, RequiresApproval: true, IsActive: true, MinNoticeMinutes: 600,
		Price: &scheduling.Money{Amount: 10001, Currency: "EUR"},
	})
	a := s.book(s.owner, scheduling.AppointmentInput{ServiceID: service.ID, CustomerID: s.carla.ID, StartAt: noon, ResourceIDs: ids(s.bob)})
	require.Equal(t, scheduling.StatusPending, a.Status)
	return s, a
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	s, a := asked(t)
	ctx := t.Context()
	// What is pending holds its time already.
	_, err := s.appointments.Create(ctx, s.owner, scheduling.AppointmentInput{
		ServiceID: a.ServiceID, CustomerID: s.dan.ID, StartAt: noon, ResourceIDs: ids(s.bob),
	})
	requireCode(t, apperr.SlotTaken, err)
	// The notice was long enough when it was asked for.
	confirmed, err := s.appointments.Confirm(ctx, later(s.staff, 26*time.Hour), a.ID, nil, false)
	require.NoError(t, err)
	assert.Equal(t, scheduling.StatusConfirmed, confirmed.Status)
	assert.Equal(t, int32(2), confirmed.Version)
	again, err := s.appointments.Confirm(ctx, s.owner, a.ID, nil, false)
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
			_, err := s.timeOffs.Create(s.Context(), s.owner, scheduling.TimeOffInput{ResourceID: &s.bob.ID, StartAt: noon, EndAt: noon.Add(time.Hour)})
			require.NoError(s, err)
		}},
		"closed": {change: func(s *salon) {
			_, err := s.timeOffs.Create(s.Context(), s.owner, scheduling.TimeOffInput{StartAt: noon, EndAt: noon.Add(time.Hour)})
			require.NoError(s, err)
		}},
		"resource_inactive": {change: func(s *salon) {
			_, err := s.resources.Update(s.Context(), s.owner, s.bob.ID, nil, scheduling.ResourcePatch{IsActive: new(false)})
			require.NoError(s, err)
		}},
		"in_past": {change: func(*salon) {}, after: 27 * time.Hour},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s, a := asked(t)
			c.change(s)
			scope := later(s.owner, c.after)
			_, err := s.appointments.Confirm(t.Context(), scope, a.ID, nil, false)
			reasons := refusal(t, apperr.NoLongerPossible, err).Members["reasons"].([]scheduling.Objection)
			require.Len(t, reasons, 1)
			assert.Equal(t, code, reasons[0].Code)
			if code != "in_past" {
				assert.Equal(t, &s.bob.ID, reasons[0].ResourceID)
				assert.Equal(t, new("Bob"), reasons[0].ResourceName)
			}
			read, err := s.appointments.Get(t.Context(), scope, a.ID)
			require.NoError(t, err)
			assert.Equal(t, a, read)
			confirmed, err := s.appointments.Confirm(t.Context(), scope, a.ID, nil, true)
			require.NoError(t, err)
			assert.Equal(t, scheduling.StatusConfirmed, confirmed.Status)
		})
	}
}

func TestDecline(t *testing.T) {
	t.Parallel()
	s, a := asked(t)
	ctx := t.Context()
	declined, err := s.appointments.Decline(ctx, s.staff, a.ID, nil, "full")
	require.NoError(t, err)
	assert.Equal(t, scheduling.StatusDeclined, declined.Status)
	assert.Equal(t, "full", declined.CancellationReason)
	assert.Nil(t, declined.CancelledAt)
	again, err := s.appointments.Decline(ctx, s.owner, a.ID, nil, "another reason")
	require.NoError(t, err)
	assert.Equal(t, declined, again)
	_, err = s.appointments.Confirm(ctx, s.owner, a.ID, nil, true)
	requireCode(t, apperr.InvalidTransition, err)
	history, err := s.appointments.History(ctx, s.owner, a.ID, page100)
	require.NoError(t, err)
	assert.Equal(t, scheduling.ActionDeclined, history.Data[0].Action)
	types := s.eventTypes(s.owner)
	assert.Equal(t, "appointment.declined", types[len(types)-1])
	s.book(s.owner, scheduling.AppointmentInput{ServiceID: a.ServiceID, CustomerID: s.dan.ID, StartAt: noon, ResourceIDs: ids(s.bob)})
}

// Of those who decide at once about what was asked for, the first decides.
func TestParallelDecisions(t *testing.T) {
	t.Parallel()
	for range 4 {
		s, a := asked(t)
		errs := together(16, func(i int) (err error) {
			if i%2 == 0 {
				_, err = s.appointments.Confirm(t.Context(), s.owner, a.ID, nil, false)
			} else {
				_, err = s.appointments.Decline(t.Context(), s.owner, a.ID, nil, "")
			}
			return err
		})
		assert.Equal(t, 8, winners(t, apperr.InvalidTransition, errs), "those who agree with the first")
		decided := 0
		for _, name := range s.eventTypes(s.owner) {
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
	_, err := s.appointments.Confirm(ctx, s.owner, a.ID, nil, false)
	require.NoError(t, err)
	moved, err := s.appointments.Reschedule(ctx, s.client, a.ID, nil, scheduling.RescheduleInput{StartAt: noon.Add(24 * time.Hour)})
	require.NoError(t, err)
	assert.Equal(t, scheduling.StatusPending, moved.Status)
	read, err := s.appointments.Get(ctx, s.owner, a.ID)
	require.NoError(t, err)
	assert.Equal(t, moved, read)
	_, err = s.appointments.Confirm(ctx, s.owner, a.ID, nil, false)
	require.NoError(t, err)
	moved, err = s.appointments.Reschedule(ctx, s.owner, a.ID, nil, scheduling.RescheduleInput{StartAt: noon})
	require.NoError(t, err)
	assert.Equal(t, scheduling.StatusConfirmed, moved.Status, "the business approves what it does itself")
}

// cutAt books Bob for Carla, for an odd price.
func (s *salon) cutAt(start time.Time) *scheduling.Appointment {
	s.Helper()
	service := s.serviceOf(s.owner, scheduling.ServiceInput{
		Name: "Cut", DurationMinutes: 60, IsActive: true, Price: &scheduling.Money{Amount: 4501, Currency: "EUR"},
	})
	return s.book(s.owner, scheduling.AppointmentInput{ServiceID: service.ID, CustomerID: s.carla.ID, StartAt: start, ResourceIDs: ids(s.bob)})
}

func TestLateCancellation(t *testing.T) {
	t.Parallel()
	start := noon.Add(48 * time.Hour)
	at := func(scope *tenancy.Scope, before time.Duration) *tenancy.Scope {
		return later(scope, start.Add(-before).Sub(now))
	}
	eur := func(n int64) scheduling.Money { return scheduling.Money{Amount: n, Currency: "EUR"} }
	free := scheduling.Cancellation{Fee: eur(0), FeePercent: 50, WindowHours: 24}
	late := scheduling.Cancellation{Late: true, Fee: eur(2251), FeePercent: 50, WindowHours: 24}
	waived := scheduling.Cancellation{Late: true, Fee: eur(0), FeePercent: 50, WindowHours: 24, Waived: true}
	for name, c := range map[string]struct {
		customer bool
		before   time.Duration
		in       scheduling.CancelInput
		want     scheduling.Cancellation
	}{
		"the last instant of the window": {true, 24 * time.Hour, scheduling.CancelInput{}, free},
		"the first that is late":         {true, 24*time.Hour - time.Microsecond, scheduling.CancelInput{Reason: "ill"}, late},
		"after the start":                {false, -time.Minute, scheduling.CancelInput{}, late},
		"waived":                         {false, time.Hour, scheduling.CancelInput{WaiveFee: true}, waived},
		"nothing to waive":               {false, 30 * time.Hour, scheduling.CancelInput{WaiveFee: true}, free},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSalon(t)
			ctx := t.Context()
			s.policy("late_cancellation_fee_percent", 50)
			a := s.cutAt(start)
			scope := at(s.owner, c.before)
			if c.customer {
				scope = at(s.client, c.before)
			}
			if !c.in.WaiveFee {
				terms, err := s.appointments.Terms(ctx, scope, a.ID)
				require.NoError(t, err)
				assert.Equal(t, scheduling.CancellationTerms{Cancellation: c.want, CanCancel: true, FreeUntil: start.Add(-24 * time.Hour)}, terms)
			}
			cancelled, err := s.appointments.Cancel(ctx, scope, a.ID, nil, c.in)
			require.NoError(t, err)
			assert.Equal(t, &c.want, cancelled.Cancellation)
			read, err := s.appointments.Get(ctx, scope, a.ID)
			require.NoError(t, err)
			assert.Equal(t, cancelled, read)

			// Later policies, and later attempts, change nothing about it.
			s.policy("late_cancellation_fee_percent", 100)
			again, err := s.appointments.Cancel(ctx, at(s.owner, 0), a.ID, nil, scheduling.CancelInput{WaiveFee: true})
			require.NoError(t, err)
			assert.Equal(t, cancelled, again)
			terms, err := s.appointments.Terms(ctx, at(s.owner, 0), a.ID)
			require.NoError(t, err)
			assert.Equal(t, scheduling.CancellationTerms{Cancellation: c.want, FreeUntil: start.Add(-24 * time.Hour)}, terms)
		})
	}
}

func TestOnlyOwnersAndManagersWaiveFees(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	a := s.cutAt(noon)
	for _, scope := range []*tenancy.Scope{s.client, s.staff} {
		_, err := s.appointments.Cancel(t.Context(), scope, a.ID, nil, scheduling.CancelInput{WaiveFee: true})
		requireCode(t, apperr.RoleNotAllowed, err)
	}
}

// What nobody has approved costs nothing to call off.
func TestCancelPendingIsNeverLate(t *testing.T) {
	t.Parallel()
	s, a := asked(t)
	s.policy("late_cancellation_fee_percent", 50)
	cancelled, err := s.appointments.Cancel(t.Context(), later(s.client, 26*time.Hour), a.ID, nil, scheduling.CancelInput{})
	require.NoError(t, err)
	assert.False(t, cancelled.Cancellation.Late)
	assert.Zero(t, cancelled.Cancellation.Fee.Amount)
}

func TestPoliciesBindCustomers(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	in := s.wish(s.ana)
	in.StartAt = noon.Add(72 * time.Hour)
	own := s.book(s.owner, in)
	in.CustomerID, in.ResourceIDs, in.StartAt = s.dan.ID, ids(s.bob), in.StartAt.Add(2*time.Hour)
	foreign := s.book(s.owner, in)
	to := func(hours int) scheduling.RescheduleInput {
		return scheduling.RescheduleInput{StartAt: own.StartAt.Add(time.Duration(hours) * time.Hour)}
	}
	refusedBy := func(policy string, err error) {
		t.Helper()
		assert.Equal(t, policy, refusal(t, apperr.RefusedByPolicy, err).Members["policy"])
	}
	moved, err := s.appointments.Reschedule(ctx, s.client, own.ID, nil, to(24))
	require.NoError(t, err)
	assert.Equal(t, scheduling.StatusConfirmed, moved.Status)
	_, err = s.appointments.Reschedule(ctx, s.client, foreign.ID, nil, to(24))
	requireCode(t, apperr.NotFound, err)

	_, err = s.appointments.Reschedule(ctx, later(s.client, moved.StartAt.Sub(now)-23*time.Hour), own.ID, nil, to(72))
	refusedBy("cancellation_window_hours", err)
	s.policy("customers_can_reschedule", false)
	_, err = s.appointments.Reschedule(ctx, s.client, own.ID, nil, to(72))
	refusedBy("customers_can_reschedule", err)
	s.policy("customers_can_cancel", false)
	_, err = s.appointments.Cancel(ctx, s.client, own.ID, nil, scheduling.CancelInput{})
	refusedBy("customers_can_cancel", err)
	terms, err := s.appointments.Terms(ctx, s.client, own.ID)
	require.NoError(t, err)
	assert.False(t, terms.CanCancel)

	// They bind a trusted caller, who is a customer, and not the business.
	_, err = s.appointments.CancelFor(ctx, &tenancy.Scope{Now: now, Tenant: s.tenant, Env: s.tenant.Live}, own.ID, nil, scheduling.CancelInput{})
	refusedBy("customers_can_cancel", err)
	_, err = s.appointments.Reschedule(ctx, later(s.owner, moved.StartAt.Sub(now)-time.Hour), own.ID, nil, to(72))
	require.NoError(t, err)
	_, err = s.appointments.Cancel(ctx, s.owner, own.ID, nil, scheduling.CancelInput{})
	require.NoError(t, err)
}

// Whoever knows an appointment's secret acts as its customer, without being signed in.
func TestTrustedCustomers(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	in := s.wish(s.ana)
	in.StartAt = noon.Add(72 * time.Hour)
	a := s.book(s.owner, in)
	nobody := &tenancy.Scope{Now: now, Tenant: s.tenant, Env: s.tenant.Live}
	_, err := s.appointments.Get(ctx, nobody, a.ID)
	requireCode(t, apperr.NotFound, err)
	_, err = s.appointments.GetFor(ctx, nobody, a.ID)
	require.NoError(t, err)
	_, err = s.appointments.RescheduleFor(ctx, nobody, a.ID, nil, scheduling.RescheduleInput{StartAt: in.StartAt.Add(time.Hour)})
	require.NoError(t, err)
	terms, err := s.appointments.TermsFor(ctx, nobody, a.ID)
	require.NoError(t, err)
	assert.True(t, terms.CanCancel)
	cancelled, err := s.appointments.CancelFor(ctx, nobody, a.ID, nil, scheduling.CancelInput{})
	require.NoError(t, err)
	assert.Equal(t, scheduling.StatusCancelled, cancelled.Status)
	_, err = s.appointments.GetFor(ctx, nobody, uuid.New())
	requireCode(t, apperr.NotFound, err)
}

// Whether somebody came is for the business to say: customers neither call off nor move what
// has begun.
func TestCustomersLeaveAloneWhatHasBegun(t *testing.T) {
	t.Parallel()
	for name, book := range map[string]func(t *testing.T) (*salon, *scheduling.Appointment){
		"pending": asked,
		"confirmed": func(t *testing.T) (*salon, *scheduling.Appointment) {
			t.Helper()
			s := newSalon(t)
			return s, s.cutAt(noon)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a := book(t)
			ctx, begun := t.Context(), a.StartAt.Sub(now)
			for _, scope := range []*tenancy.Scope{later(s.client, begun), later(s.client, begun+24*time.Hour)} {
				_, err := s.appointments.Cancel(ctx, scope, a.ID, nil, scheduling.CancelInput{})
				requireCode(t, apperr.InvalidTransition, err)
				_, err = s.appointments.Reschedule(ctx, scope, a.ID, nil, scheduling.RescheduleInput{StartAt: a.StartAt.Add(72 * time.Hour)})
				requireCode(t, apperr.InvalidTransition, err)
				terms, err := s.appointments.Terms(ctx, scope, a.ID)
				require.NoError(t, err)
				assert.False(t, terms.CanCancel)
			}
			_, err := s.appointments.CancelFor(ctx, later(&tenancy.Scope{Now: now, Tenant: s.tenant, Env: s.tenant.Live}, begun), a.ID, nil, scheduling.CancelInput{})
			requireCode(t, apperr.InvalidTransition, err)
			_, err = s.appointments.Cancel(ctx, later(s.owner, begun), a.ID, nil, scheduling.CancelInput{})
			require.NoError(t, err)
		})
	}
}
