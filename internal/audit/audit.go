// Package audit owns the audit trail: sign-ins, denied access, changes of mode, and
// administration, with their actors. The trail is insert-only; the database refuses updates and
// deletes.
//
// It calls its own queries (gen/db/tenancydb). Invariants: an entry holds no
// secret, and names the environment explicitly.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Outcome is the result of the recorded attempt.
type Outcome string

// The outcomes.
const (
	Success Outcome = "SUCCESS"
	Denied  Outcome = "DENIED"
	Failure Outcome = "FAILURE"
)

// Entry is one line of the trail. Tenant, environment, actor, impersonator, address and
// request are taken from the scope.
type Entry struct {
	// Action is "<noun>.<what>", such as "session.created" or "access.denied".
	Action  string
	Outcome Outcome
	// TargetType and TargetID name the object of the action, if there is one.
	TargetType string
	TargetID   string
	// Detail must be encodable as JSON and hold no secret; nil is empty.
	Detail map[string]any
	// Actor and ActorRole replace the scope's principal where there is none yet, as at sign-in.
	Actor     *uuid.UUID
	ActorRole tenancy.Role
	// TenantID replaces the scope's tenant for actions of the platform on a business: the entry is
	// in the trail of that business.
	TenantID *uuid.UUID
}

var queries = tenancydb.New()

// Record adds the entry to the trail. Inside a transaction, pass the transaction: the entry then
// commits with the change that it records.
func Record(ctx context.Context, db tenancydb.DBTX, scope *tenancy.Scope, entry Entry) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make audit id: %w", err)
	}
	params := tenancydb.InsertAuditEntryParams{
		ID: id, OccurredAt: scope.RealNow(), Action: entry.Action, Outcome: string(entry.Outcome),
		TargetType: entry.TargetType, TargetID: entry.TargetID, RequestID: scope.RequestID,
		Address: address(scope.Address), Detail: json.RawMessage("{}"),
	}
	if entry.Detail != nil {
		if params.Detail, err = json.Marshal(entry.Detail); err != nil {
			return fmt.Errorf("encode audit detail: %w", err)
		}
	}
	switch {
	case entry.TenantID != nil:
		params.TenantID = entry.TenantID
	case scope.Tenant != nil:
		params.TenantID = &scope.Tenant.ID
	}
	if scope.Env.ID != uuid.Nil && (entry.TenantID == nil || *entry.TenantID == scope.Env.TenantID) {
		params.EnvID = &scope.Env.ID
	}
	params.ActorUserID, params.ActorRole = actor(scope, entry)
	params.ActorTokenID = scope.ActorTokenID()
	if entry.Actor == nil && scope.ImpersonatorID() != nil {
		role := string(scope.Principal.Impersonator.Role)
		params.ImpersonatorUserID, params.ImpersonatorRole = scope.ImpersonatorID(), &role
	}
	if err := queries.InsertAuditEntry(ctx, db, params); err != nil {
		return fmt.Errorf("record %s: %w", entry.Action, err)
	}
	return nil
}

func actor(scope *tenancy.Scope, entry Entry) (*uuid.UUID, *string) {
	id, role := entry.Actor, string(entry.ActorRole)
	if id == nil && scope.Principal != nil {
		id, role = scope.ActorID(), string(scope.Principal.Role)
	}
	if role == "" {
		return id, nil
	}
	return id, &role
}

func address(a netip.Addr) *netip.Addr {
	if !a.IsValid() {
		return nil
	}
	a = a.WithZone("")
	return &a
}
