package events_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// What one server announces wakes those who wait on another, also if it is more than fits
// into one notification.
func TestAnnouncementsReachOtherServers(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	here, there := events.NewHub(), events.NewHub()
	done := make(chan struct{}, 2)
	for _, hub := range []*events.Hub{here, there} {
		go func() {
			hub.Run(ctx, db.PlatformPool(), slog.New(slog.DiscardHandler))
			done <- struct{}{}
		}()
	}
	t.Cleanup(func() {
		stop()
		<-done
		<-done
	})
	woken := func(signal <-chan struct{}) {
		select {
		case <-signal:
		case <-ctx.Done():
			require.Fail(t, "nobody was woken")
		}
	}
	listening, end := there.Subscribe(uuid.New())
	woken(listening) // when it begins to listen, it wakes everybody
	end()

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
			woken(signal)
		}
	}
	require.Empty(t, bystander)
}
