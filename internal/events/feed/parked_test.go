package feed_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/events/feed"
)

// maxAttempts is how often an event is tried by itself.
const maxAttempts = 10

// poisonous is a consumer that fails at one event while *fails.
func poisonous(sequence int64, fails *bool, tried *int) feed.Consumer {
	return recorder("one", func(batch []events.Stored) error {
		for _, e := range batch {
			if e.Sequence == sequence && *fails {
				if len(batch) == 1 {
					*tried++
				}
				return errors.New("poison\x00 " + strings.Repeat("é", 1000))
			}
		}
		return nil
	})
}

func TestRunner_Park(t *testing.T) {
	t.Parallel()
	w := setup(t)
	env := w.environment(t)
	fails, tried := true, 0
	r := w.runner(poisonous(3, &fails, &tried))
	w.emit(t, env, 7)
	for attempt := 1; attempt < maxAttempts; attempt++ {
		_, err := r.Work(t.Context())
		require.ErrorContains(t, err, "poison")
		require.Equal(t, attempt, tried)
		require.Equal(t, upTo(1, 2), w.effects(t, "one", env), "in order: nothing behind it is handled")
		wait := min(time.Second<<(attempt-1), 5*time.Minute)
		w.advance(wait - 500*time.Millisecond)
		require.Zero(t, work(t, r), "too early")
		require.Equal(t, attempt, tried)
		w.advance(time.Second)
	}
	parked, err := r.ListParked(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, parked)
	_, err = r.Work(t.Context())
	require.ErrorContains(t, err, "poison")
	require.Equal(t, []int64{1, 2, 4, 5, 6, 7}, w.effects(t, "one", env))
	require.EqualValues(t, 7, w.position(t, "one", env))
	require.Zero(t, work(t, r))
	require.Equal(t, maxAttempts, tried)

	parked, err = r.ListParked(t.Context(), "one")
	require.NoError(t, err)
	require.Len(t, parked, 1)
	require.Contains(t, parked[0].Error, "poison")
	want := feed.ParkedEvent{
		EnvID: env, Consumer: "one", Sequence: 3, Type: "test.done", Attempts: maxAttempts, Error: parked[0].Error, ParkedAt: parked[0].ParkedAt,
	}
	require.Equal(t, want, parked[0])
	require.InDelta(t, 1, metric(t, r, "smoothschedule_feed_parked_events"), 0)
	others, err := r.ListParked(t.Context(), "other")
	require.NoError(t, err)
	require.Empty(t, others)

	// It can be tried again, until it succeeds.
	require.ErrorContains(t, r.RetryParked(t.Context(), parked[0]), "poison")
	parked, err = r.ListParked(t.Context(), "")
	require.NoError(t, err)
	require.EqualValues(t, maxAttempts+1, parked[0].Attempts)
	fails = false
	require.NoError(t, r.RetryParked(t.Context(), parked[0]))
	require.Equal(t, []int64{1, 2, 4, 5, 6, 7, 3}, w.effects(t, "one", env))
	require.ErrorIs(t, r.RetryParked(t.Context(), parked[0]), apperr.New(apperr.NotFound, ""))
	require.Equal(t, []int64{1, 2, 4, 5, 6, 7, 3}, w.effects(t, "one", env))
	stranger := feed.ParkedEvent{EnvID: env, Consumer: "other", Sequence: 3}
	require.ErrorIs(t, r.RetryParked(t.Context(), stranger), apperr.New(apperr.NotFound, ""))
}

// An event that succeeds at last is not parked, and leaves nothing behind for the next one.
func TestRunner_Retry(t *testing.T) {
	t.Parallel()
	w := setup(t)
	env := w.environment(t)
	fails, tried := true, 0
	r := w.runner(poisonous(1, &fails, &tried))
	w.emit(t, env, 1)
	for range maxAttempts - 1 {
		_, err := r.Work(t.Context())
		require.Error(t, err)
		w.advance(5 * time.Minute)
	}
	fails = false
	require.Equal(t, 1, work(t, r))
	require.Equal(t, upTo(1, 1), w.effects(t, "one", env))
	var failures int
	var message string
	require.NoError(t, w.db.OwnerPool().QueryRow(t.Context(), "SELECT failures, last_error FROM feed_positions WHERE consumer = 'one'").Scan(&failures, &message))
	require.Zero(t, failures)
	require.Empty(t, message)
}

// A parked event goes with its event.
func TestParkedEvents_Expire(t *testing.T) {
	t.Parallel()
	w := setup(t)
	env := w.environment(t)
	fails, tried := true, 0
	r := w.runner(poisonous(1, &fails, &tried))
	w.emit(t, env, 1)
	for range maxAttempts {
		_, _ = r.Work(t.Context())
		w.advance(5 * time.Minute)
	}
	list := func() []feed.ParkedEvent {
		parked, err := r.ListParked(t.Context(), "")
		require.NoError(t, err)
		return parked
	}
	require.Len(t, list(), 1)
	_, err := w.db.OwnerPool().Exec(t.Context(), "DELETE FROM events")
	require.NoError(t, err)
	require.Empty(t, list())
}

func TestRunner_Collectors(t *testing.T) {
	t.Parallel()
	w := setup(t)
	fails, tried := true, 0
	r := w.runner(poisonous(2, &fails, &tried))
	one, other := w.environment(t), w.environment(t)
	w.emit(t, one, 2)
	w.emit(t, other, 1)
	require.InDelta(t, 2, metric(t, r, "smoothschedule_feed_environments_behind"), 0)
	require.InDelta(t, 0, metric(t, r, "smoothschedule_feed_oldest_event_age_seconds"), 20)
	w.advance(time.Hour)
	require.InDelta(t, 3600, metric(t, r, "smoothschedule_feed_oldest_event_age_seconds"), 20)
	_, err := r.Work(t.Context())
	require.Error(t, err)
	w.advance(time.Minute)
	require.InDelta(t, 1, metric(t, r, "smoothschedule_feed_environments_behind"), 0)
	require.InDelta(t, 3660, metric(t, r, "smoothschedule_feed_oldest_event_age_seconds"), 20)
	require.InDelta(t, 2, metric(t, r, "smoothschedule_feed_failures_total"), 0, "in a batch, and by itself")
	fails = false
	require.Equal(t, 1, work(t, r))
	w.advance(time.Minute)
	require.InDelta(t, 0, metric(t, r, "smoothschedule_feed_environments_behind"), 0)
	require.InDelta(t, 0, metric(t, r, "smoothschedule_feed_oldest_event_age_seconds"), 0)
	require.InDelta(t, 3, metric(t, r, "smoothschedule_feed_events_total"), 0)
}

// metric is the first value of a metric.
func metric(t *testing.T, r *feed.Runner, name string) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(r.Collectors()...)
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == name {
			m := family.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	require.Fail(t, "no metric", name)
	return 0
}
