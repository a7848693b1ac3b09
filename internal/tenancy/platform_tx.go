package tenancy

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/events"
)

// PlatformTx is a transaction that sees every environment, and can tell each of them
// what happened.
type PlatformTx struct {
	pgx.Tx
	events map[uuid.UUID][]events.Event
}

// EmitIn is Tx.Emit for one environment.
func (tx *PlatformTx) EmitIn(envID uuid.UUID, eventType string, data any) {
	tx.events[envID] = append(tx.events[envID], events.Event{Type: eventType, Data: data})
}

// EnvironmentTx is a PlatformTx as work in one environment knows it. The statements name
// the environment themselves; no row security helps.
type EnvironmentTx struct {
	*PlatformTx
	envID uuid.UUID
}

// In returns the transaction as one in an environment.
func (tx *PlatformTx) In(envID uuid.UUID) *EnvironmentTx { return &EnvironmentTx{tx, envID} }

// Emit is Tx.Emit.
func (tx *EnvironmentTx) Emit(eventType string, data any) { tx.EmitIn(tx.envID, eventType, data) }

// Administer is InPlatform for changes that environments hear of, on the real clock. The events are the last
// statements of the transaction, in a fixed order of environments, so that two such
// transactions wait for each other instead of blocking each other.
func (s *Store) Administer(ctx context.Context, scope *Scope, fn func(tx *PlatformTx) error) error {
	var err error
	for range maxAttempts {
		tx := &PlatformTx{events: map[uuid.UUID][]events.Event{}}
		err = s.InPlatform(ctx, func(inner pgx.Tx) error {
			tx.Tx = inner
			if err := fn(tx); err != nil {
				return err
			}
			return tx.appendEvents(ctx, scope)
		})
		if err == nil {
			s.tellAll(tx)
		}
		if !sacrificed(err) {
			return err
		}
	}
	return apperr.New(apperr.Busy, "Too many requests change the same objects at the same time. Try again.").WithCause(err)
}

// tellAll lets whoever wants to know hear of events that have been committed.
func (s *Store) tellAll(tx *PlatformTx) {
	if s.onEvents == nil {
		return
	}
	for envID := range tx.events {
		s.onEvents(envID)
	}
}

func (tx *PlatformTx) appendEvents(ctx context.Context, scope *Scope) error {
	environments := slices.SortedFunc(maps.Keys(tx.events), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	for _, env := range environments {
		if err := events.Append(ctx, tx.Tx, env, scope.actor(), scope.RealNow(), tx.events[env]); err != nil {
			return err
		}
	}
	return nil
}
