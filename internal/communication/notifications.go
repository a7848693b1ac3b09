// Package communication owns the notifications to customers and owners that other domains request. Its queries are gen/db/communicationdb.
//
// It calls store for the database. Other domains call it through small interfaces of their own,
// which internal/app connects. Invariants: a notification commits with the change that is its
// reason, or not at all; nothing is sent inside the transaction.
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

// ChannelEmail is the channel of all notifications.
const ChannelEmail = "EMAIL"

// Notifications is the service for notifications.
type Notifications struct {
	queries *communicationdb.Queries
}

// NewNotifications returns the service; it writes in the transactions of its callers.
func NewNotifications() *Notifications { return &Notifications{queries: communicationdb.New()} }

// NotifyCustomer adds a notification to a customer. Kind is
// "<noun>.<what happened>", as of events; data must be encodable as JSON.
func (s *Notifications) NotifyCustomer(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, kind string, customerID uuid.UUID, data any,
) error {
	return s.insert(ctx, tx, scope, kind, data, communicationdb.InsertNotificationParams{CustomerID: &customerID})
}

// NotifyOwners adds a notification to each active owner of the business, at the address in the
// live environment, in both modes. Kind and data are those of NotifyCustomer.
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

// insert adds a notification; to has the recipient.
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
