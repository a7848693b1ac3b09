package store

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// PlatformTx is a transaction that sees every environment, and can add events to the feed of each.
type PlatformTx struct {
	pgx.Tx
	events map[uuid.UUID][]events.Event
}

// EmitIn is Tx.Emit for one environment.
func (tx *PlatformTx) EmitIn(envID uuid.UUID, eventType string, data any) {
	tx.events[envID] = append(tx.events[envID], events.Event{Type: eventType, Data: data})
}

// EnvironmentTx is a PlatformTx with Emit for one environment. Row-level security does not
// apply: statements must name the environment themselves.
type EnvironmentTx struct {
	*PlatformTx
	envID uuid.UUID
}

// In returns the transaction for work in an environment.
func (tx *PlatformTx) In(envID uuid.UUID) *EnvironmentTx { return &EnvironmentTx{tx, envID} }

// Emit is Tx.Emit.
func (tx *EnvironmentTx) Emit(eventType string, data any) { tx.EmitIn(tx.envID, eventType, data) }

// Administer is InPlatform with events, on the real clock, retried like InEnv. Events are written last and in a fixed
// order of environments, so that two such transactions wait for each other instead of deadlocking.
func (s *Store) Administer(ctx context.Context, scope *tenancy.Scope, fn func(tx *PlatformTx) error) error {
	return retry(ctx, func() error {
		tx := &PlatformTx{events: map[uuid.UUID][]events.Event{}}
		err := s.InPlatform(ctx, scope, func(inner pgx.Tx) error {
			tx.Tx = inner
			if err := fn(tx); err != nil {
				return err
			}
			return tx.appendEvents(ctx, scope)
		})
		if err == nil {
			s.notifyAll(tx)
		}
		return err
	})
}

func (s *Store) notifyAll(tx *PlatformTx) {
	if s.onEvents == nil {
		return
	}
	for envID := range tx.events {
		s.onEvents(envID)
	}
}

func (tx *PlatformTx) appendEvents(ctx context.Context, scope *tenancy.Scope) error {
	environments := slices.SortedFunc(maps.Keys(tx.events), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	for _, env := range environments {
		if err := events.Append(ctx, tx.Tx, env, scope.Actor(), scope.RealNow(), tx.events[env]); err != nil {
			return err
		}
	}
	return nil
}
