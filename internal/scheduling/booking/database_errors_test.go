package booking_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

// traced lets the services of the bundle use a pool whose errors are collected.
func (b *bundle) traced() *dbtest.Errors {
	b.Helper()
	tracer := &dbtest.Errors{}
	config := b.DB.AppPool().Config()
	config.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	require.NoError(b, err)
	b.Cleanup(pool.Close)
	b.Use(b.NewBooking(store.New(pool, b.DB.PlatformPool()), catalog.NewCache()))
	return tracer
}

// Whoever alerts on errors of the database must not be woken because two people wanted the
// same time, or because a month or a plan begins or ends.
func TestAppointments_LeaveNoErrorInTheLogOfTheDatabase(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(b *bundle, scope *tenancy.Scope, in booking.AppointmentInput){
		"lost races": func(b *bundle, scope *tenancy.Scope, in booking.AppointmentInput) {
			errs := schedulingtest.Parallel(rivals, func(int) error {
				_, err := b.Appointments.Create(b.Context(), scope, in)
				return err
			})
			assert.Equal(b, 1, winners(b.T, apperr.SlotTaken, errs))
		},
		"lost races for holds": func(b *bundle, scope *tenancy.Scope, in booking.AppointmentInput) {
			errs := schedulingtest.Parallel(rivals, func(int) error {
				_, err := b.Holds.Create(b.Context(), scope, viewer.Of(scope), booking.HoldInput{ServiceID: in.ServiceID, StartAt: in.StartAt})
				return err
			})
			assert.Equal(b, 1, winners(b.T, apperr.SlotTaken, errs))
		},
		"first bookings of a month": func(b *bundle, scope *tenancy.Scope, in booking.AppointmentInput) {
			require.NoError(b, errors.Join(schedulingtest.Parallel(20, func(i int) error {
				in := in
				in.StartAt = in.StartAt.Add(time.Duration(i) * time.Hour)
				_, err := b.Appointments.Create(b.Context(), scope, in)
				return err
			})...))
		},
		"a full plan": func(b *bundle, scope *tenancy.Scope, in booking.AppointmentInput) {
			b.Limit(entitle.MaxAppointments, 3)
			errs := schedulingtest.Parallel(20, func(i int) error {
				in := in
				in.StartAt = in.StartAt.Add(time.Duration(i) * time.Hour)
				_, err := b.Appointments.Create(b.Context(), scope, in)
				return err
			})
			assert.Equal(b, 3, winners(b.T, apperr.QuotaExceeded, errs))
		},
		"moves to one time": func(b *bundle, scope *tenancy.Scope, in booking.AppointmentInput) {
			booked := make([]uuid.UUID, 8)
			for i := range booked {
				in := in
				in.StartAt = in.StartAt.Add(time.Duration(i+1) * time.Hour)
				created, err := b.Appointments.Create(b.Context(), scope, in)
				require.NoError(b, err)
				booked[i] = created.ID
			}
			errs := schedulingtest.Parallel(len(booked), func(i int) error {
				_, err := b.Appointments.Reschedule(b.Context(), scope, viewer.Of(scope), booked[i], nil, booking.RescheduleInput{StartAt: in.StartAt})
				return err
			})
			assert.Equal(b, 1, winners(b.T, apperr.SlotTaken, errs))
		},
		"series over each other": func(b *bundle, scope *tenancy.Scope, in booking.AppointmentInput) {
			errs := schedulingtest.Parallel(8, func(int) error {
				_, err := b.Series.Create(b.Context(), scope, booking.SeriesInput{
					ServiceID: in.ServiceID, CustomerID: in.CustomerID, StartAt: in.StartAt, RRule: "FREQ=DAILY;COUNT=5", OnConflict: booking.ConflictFails,
				})
				return err
			})
			assert.Equal(b, 1, winners(b.T, apperr.SlotTaken, errs))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			scope := b.Owner()
			b.Resource(scope, "ROOM", "Studio")
			in := booking.AppointmentInput{
				ServiceID: b.Service(scope, "ROOM").ID, CustomerID: b.Customer(scope, "Dora").ID, StartAt: schedulingtest.Noon.Add(24 * time.Hour),
			}
			tracer := b.traced()
			test(b, scope, in)
			assert.Empty(t, tracer.Take())
		})
	}
}
