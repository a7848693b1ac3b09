package events_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

var quiet = slog.New(slog.DiscardHandler)

// warnings gets a value for each line of a log.
type warnings chan struct{}

func (w warnings) Write(line []byte) (int, error) {
	w <- struct{}{}
	return len(line), nil
}

// run connects a hub with the database, and returns when it listens; the function ends it.
func run(t *testing.T, db *dbtest.DB, hub *events.Hub, log *slog.Logger) (stop func()) {
	t.Helper()
	listens, end := hub.Subscribe(uuid.New()) // all hear when it begins to listen
	defer end()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { hub.Run(ctx, db.PlatformPool(), log) })
	heard(t, listens)
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(stop)
	return stop
}

func heard(t *testing.T, signal <-chan struct{}) {
	t.Helper()
	select {
	case <-signal:
	case <-time.After(10 * time.Second):
		require.FailNow(t, "nothing was heard")
	}
}

// A server that stops tells the others of its last events, also of those that came just after
// others.
func TestAHubThatStopsTellsTheRest(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	here, there := events.NewHub(), events.NewHub()
	run(t, db, there, quiet)
	for range 5 { // with luck, one alone could arrive anyway
		stop := run(t, db, here, quiet)
		first, last := uuid.New(), uuid.New()
		hearsFirst, endFirst := there.Subscribe(first)
		hearsLast, endLast := there.Subscribe(last)
		here.Announce(first)
		heard(t, hearsFirst)
		here.Announce(last)
		stop()
		heard(t, hearsLast)
		endFirst()
		endLast()
	}
}

// What could not be told because the database did not answer is told when it does.
func TestAHubTellsWhatItCouldNotTell(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	ctx := t.Context()
	here, there := events.NewHub(), events.NewHub()
	run(t, db, there, quiet)
	warned := make(warnings, 100)
	run(t, db, here, slog.New(slog.NewTextHandler(warned, nil)))
	env := uuid.New()
	hears, end := there.Subscribe(env)
	defer end()
	_, err := db.OwnerPool().Exec(ctx, "REVOKE EXECUTE ON FUNCTION pg_notify(text, text) FROM PUBLIC")
	require.NoError(t, err)
	here.Announce(env)
	heard(t, warned)
	require.Empty(t, hears)
	_, err = db.OwnerPool().Exec(ctx, "GRANT EXECUTE ON FUNCTION pg_notify(text, text) TO PUBLIC")
	require.NoError(t, err)
	heard(t, hears)
}

// What one server announces wakes those who wait on another, also if it is more than fits
// into one notification.
func TestAnnouncementsReachOtherServers(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	here, there := events.NewHub(), events.NewHub()
	run(t, db, here, quiet)
	run(t, db, there, quiet)
	environments := make([]uuid.UUID, 450)
	signals := make([]<-chan struct{}, len(environments))
	for i := range environments {
		environments[i] = uuid.New()
		signals[i], _ = there.Subscribe(environments[i])
	}
	bystander, _ := there.Subscribe(uuid.New())
	for range 2 {
		for _, envID := range environments {
			here.Announce(envID)
		}
		for _, signal := range signals {
			heard(t, signal)
		}
	}
	require.Empty(t, bystander)
}
