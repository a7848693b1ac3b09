package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// newYorkAt has the rules of a New York whose clocks stand at one offset all year.
func newYorkAt(hours int) booking.LoadZone {
	return func(name string) (*time.Location, error) {
		if name == "America/New_York" {
			return time.FixedZone(name, hours*3600), nil
		}
		return time.LoadLocation(name)
	}
}

// june is a Tuesday at ten in New York, in summer.
var june = time.Date(2027, time.June, 1, 14, 0, 0, 0, time.UTC)

// day books cuts for Ana: four that follow each other closely, from june on, and one in
// winter.
func (s *salon) day() (list []*booking.Appointment) {
	s.Helper()
	for _, start := range []time.Time{june, june.Add(time.Hour), june.Add(2 * time.Hour), june.Add(3 * time.Hour), tenOClock} {
		in := s.wish(s.ana)
		in.StartAt = start
		list = append(list, s.Book(s.owner, in))
	}
	return list
}

func (s *salon) start(id uuid.UUID) (at time.Time) {
	s.Helper()
	require.NoError(s, s.DB.OwnerPool().QueryRow(s.Context(), "SELECT start_at FROM appointments WHERE id = $1", id).Scan(&at))
	return at.UTC()
}

func TestAppointmentsRememberWhatTheClockShows(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	shown := func(id uuid.UUID) (local time.Time) {
		var zone string
		var version *string
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(),
			"SELECT local_start_at, timezone, tzdata_version FROM appointments WHERE id = $1", id).Scan(&local, &zone, &version))
		assert.Equal(t, "America/New_York", zone)
		if release := tzdata.Current().Version; release != "" {
			assert.Equal(t, &release, version)
		}
		return local
	}
	booked := s.day()[0]
	require.Equal(t, "2027-06-01 10:00", shown(booked.ID).Format("2006-01-02 15:04"))
	_, err := s.Appointments.Reschedule(t.Context(), s.owner, viewer.Of(s.owner), booked.ID, nil, booking.RescheduleInput{StartAt: june.Add(9 * time.Hour)})
	require.NoError(t, err)
	require.Equal(t, "2027-06-01 19:00", shown(booked.ID).Format("2006-01-02 15:04"))

	held, err := s.Holds.Create(t.Context(), s.owner, viewer.Of(s.owner), booking.HoldInput{ServiceID: s.cut.ID, StartAt: june.Add(days(1))})
	require.NoError(t, err)
	in := s.wish()
	in.StartAt, in.HoldID = held.StartAt, &held.ID
	require.Equal(t, "2027-06-02 10:00", shown(s.Book(s.owner, in).ID).Format("2006-01-02 15:04"))

	course := s.course(s.bob)
	course.StartAt, course.RRule = june.Add(days(10)), "FREQ=WEEKLY;COUNT=2"
	id := *s.bookSeries(s.owner, course).ID
	require.Equal(t, "2027-06-18 10:00", shown(s.appointmentsOf(id)[1].ID).Format("2006-01-02 15:04"))
	_, err = s.Series.Reschedule(t.Context(), s.owner, id, nil, booking.SeriesMove{
		SeriesSelection: booking.SeriesSelection{Scope: booking.ScopeAll}, StartTime: new("08:30"),
	})
	require.NoError(t, err)
	require.Equal(t, "2027-06-18 08:30", shown(s.appointmentsOf(id)[1].ID).Format("2006-01-02 15:04"))
}

// Without summer time, what was booked for ten o'clock in June is an hour later; each of
// four neighbours moves to where the next one was.
func TestNewRulesOfAZone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		offset int
		// moved are those of the day that move, and by how much.
		moved []int
		by    time.Duration
	}{
		"no summer time":  {-5, []int{0, 1, 2, 3}, time.Hour},
		"double summer":   {-3, []int{0, 1, 2, 3, 4}, -time.Hour},
		"always summer":   {-4, []int{4}, -time.Hour},
		"nothing changed": {0, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSalon(t)
			ctx := t.Context()
			list := s.day()
			s.Exec("UPDATE services SET min_notice_minutes = 525600, horizon_days = 1, max_per_day = 4")
			load := newYorkAt(test.offset)
			if test.offset == 0 {
				load = time.LoadLocation
			}
			before := len(s.EventTypes(s.owner))
			report, err := s.TimeZones.Check(ctx, s.owner, load)
			require.NoError(t, err)
			assert.Equal(t, 5, report.Checked)
			require.Len(t, report.Changes, len(test.moved))
			for i := range list {
				require.Equal(t, list[i].StartAt, s.start(list[i].ID), "it was only looked at")
			}

			report, err = s.TimeZones.Apply(ctx, s.owner, load)
			require.NoError(t, err)
			require.Len(t, report.Changes, len(test.moved))
			for _, change := range report.Changes {
				require.Nil(t, change.Refusal)
			}
			for i, a := range list {
				by, version := time.Duration(0), int32(1)
				for _, n := range test.moved {
					if n == i {
						by, version = test.by, 2
						if test.offset == -3 && i == 4 {
							by = -2 * time.Hour
						}
					}
				}
				moved, err := s.Appointments.Get(ctx, s.owner, viewer.Of(s.owner), a.ID)
				require.NoError(t, err)
				assert.Equal(t, a.StartAt.Add(by), moved.StartAt)
				assert.Equal(t, version, moved.Version)
				assert.Equal(t, a.ResourceIDs, moved.ResourceIDs)
				assert.Equal(t, int(version)-1, s.Count("SELECT count(*) FROM appointment_changes WHERE appointment_id = $1 AND action = 'RESCHEDULED'", a.ID))
			}
			assert.Len(t, s.EventTypes(s.owner), before+len(test.moved))
			s.checkLanes(s.owner)

			// Again: all are where their clocks show what they should.
			report, err = s.TimeZones.Apply(ctx, s.owner, load)
			require.NoError(t, err)
			require.Empty(t, report.Changes)
			require.Equal(t, 5, report.Checked)
		})
	}
}

// What is in the way is reported, and nothing is forced.
func TestNewRulesThatCannotBeKept(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	list := s.day()
	_, err := s.Appointments.Cancel(ctx, s.owner, viewer.Of(s.owner), list[0].ID, nil, booking.CancelInput{})
	require.NoError(t, err)
	// A time off is an instant; it does not move along.
	_, err = s.TimeOffs.Create(ctx, s.owner, catalog.TimeOffInput{ResourceID: &s.ana.ID, StartAt: june.Add(4 * time.Hour), EndAt: june.Add(5 * time.Hour)})
	require.NoError(t, err)
	s.Exec("UPDATE appointments SET local_start_at = NULL, timezone = NULL WHERE id = $1", list[4].ID)
	for range 2 {
		report, err := s.TimeZones.Apply(ctx, s.owner, newYorkAt(-5))
		require.NoError(t, err)
		require.Equal(t, list[3].ID, report.Changes[0].AppointmentID, "the last one goes first")
		require.Equal(t, "slot_taken", report.Changes[0].Refusal.Code.Name)
		assert.Contains(t, report.Changes[0].Refusal.Detail, "Ana is away")
		// Those before it stand behind it.
		require.Len(t, report.Changes, 3)
		for _, change := range report.Changes {
			require.NotNil(t, change.Refusal)
			require.Equal(t, change.From, s.start(change.AppointmentID))
		}
	}
	assert.Equal(t, "2027-03-01 10:00", func() (local string) {
		require.NoError(t, s.DB.OwnerPool().QueryRow(ctx, "SELECT to_char(local_start_at, 'YYYY-MM-DD HH24:MI') FROM appointments WHERE id = $1", list[4].ID).Scan(&local))
		return local
	}(), "it has been noted")
	// When the way is free, they go.
	s.Exec("DELETE FROM time_off")
	report, err := s.TimeZones.Apply(ctx, s.owner, newYorkAt(-5))
	require.NoError(t, err)
	for _, change := range report.Changes {
		require.Nil(t, change.Refusal)
		require.Equal(t, change.To, s.start(change.AppointmentID))
	}
	require.Equal(t, june, s.start(list[0].ID), "a cancelled one stays")
	s.checkLanes(s.owner)
}
