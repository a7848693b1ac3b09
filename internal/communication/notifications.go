// Package communication owns what people are told: the notifications that other domains
// ask for. Its queries are gen/db/communicationdb.
//
// It calls tenancy for the database; internal/app gives it to the domains that have
// something to tell, which know it only by the function they need. Invariants: a
// notification exists exactly if the transaction that is the reason for it is committed;
// it says what to tell whom, and nothing in the transaction sends anything.
package communication

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/communicationdb"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ChannelEmail is how people are told.
const ChannelEmail = "EMAIL"

// Notifications is the service for notifications.
type Notifications struct {
	queries *communicationdb.Queries
}

// NewNotifications writes notifications in the transactions of those who have something
// to tell.
func NewNotifications() *Notifications { return &Notifications{queries: communicationdb.New()} }

// NotifyCustomer notes that a customer is to be told of something. Kind is
// "<noun>.<what happened>", as of events; data must be encodable as JSON.
func (s *Notifications) NotifyCustomer(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, kind string, customerID uuid.UUID, data any,
) error {
	return s.insert(ctx, tx, scope, kind, data, communicationdb.InsertNotificationParams{CustomerID: &customerID})
}

// NotifyOwners notes that the active owners of the business are to be told of something, each
// at the address of the live world, which is theirs in both modes. Otherwise as NotifyCustomer.
func (s *Notifications) NotifyOwners(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, kind string, data any) error {
	addresses, err := s.queries.ListOwnerAddresses(ctx, tx, scope.Tenant.ID)
	if err != nil {
		return fmt.Errorf("list owners: %w", err)
	}
	for _, address := range addresses {
		if err := s.insert(ctx, tx, scope, kind, data, communicationdb.InsertNotificationParams{Address: &address}); err != nil {
			return err
		}
	}
	return nil
}

// insert writes a notification to the recipient that to names.
func (s *Notifications) insert(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, kind string, data any, to communicationdb.InsertNotificationParams,
) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make notification id: %w", err)
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode notification %s: %w", kind, err)
	}
	to.EnvID, to.ID, to.Kind, to.Channel, to.Data = scope.Env.ID, id, kind, ChannelEmail, raw
	to.Now, to.RecordedAt = scope.Now, scope.RealNow()
	if err := s.queries.InsertNotification(ctx, tx, to); err != nil {
		return fmt.Errorf("insert notification %s: %w", kind, err)
	}
	return nil
}
