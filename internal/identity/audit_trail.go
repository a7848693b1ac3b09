package identity

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// AuditTrail is the service that shows who did, or was refused, what.
type AuditTrail struct {
	store *store.Store
}

// NewAuditTrail reads the trail from the store.
func NewAuditTrail(store *store.Store) *AuditTrail { return &AuditTrail{store: store} }

// List returns what was done in the request's business and mode, the newest first. In
// the live mode that includes what concerns no mode, such as what the platform did to
// the business. Where users of the platform come from is theirs. Errors: InvalidCursor.
func (s *AuditTrail) List(
	ctx context.Context, scope *tenancy.Scope, filter audit.Filter, page keyset.Page,
) (keyset.List[audit.Recorded], error) {
	if err := inTenant(scope); err != nil {
		return keyset.List[audit.Recorded]{}, err
	}
	filter.TenantID, filter.EnvID, filter.WithModeless = &scope.Tenant.ID, &scope.Env.ID, !scope.SandboxMode()
	list, err := audit.List(ctx, s.store.Control(), filter, page)
	if err != nil {
		return keyset.List[audit.Recorded]{}, err
	}
	for i, entry := range list.Data {
		if ofPlatform(entry.ActorRole) || ofPlatform(entry.ImpersonatorRole) {
			list.Data[i].Address = nil
		}
	}
	return list, nil
}

func ofPlatform(role *tenancy.Role) bool { return role != nil && role.Platform() }

// ListAll returns what was done anywhere, the newest first. Errors: InvalidCursor.
func (s *AuditTrail) ListAll(ctx context.Context, filter audit.Filter, page keyset.Page) (list keyset.List[audit.Recorded], err error) {
	filter.Anywhere = true
	err = s.store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		list, err = audit.List(ctx, tx, filter, page)
		return err
	})
	return list, err
}
