package api

import (
	"context"
	"encoding/json"
	"fmt"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListAudit lists what was done in the business.
func (s *Server) ListAudit(ctx context.Context, r identityoapi.ListAuditRequestObject) (identityoapi.ListAuditResponseObject, error) {
	filter := audit.Filter{
		Actor: r.Params.Actor, Action: r.Params.Action, TargetType: r.Params.TargetType, Target: r.Params.Target,
		Outcome: (*string)(r.Params.Outcome), From: r.Params.From, To: r.Params.To,
	}
	list, err := s.AuditTrail.List(ctx, tenancy.ScopeFrom(ctx), filter, keyset.NewPage(r.Params.Limit, r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out, err := toAPIAuditList(list)
	return identityoapi.ListAudit200JSONResponse(out), err
}

// ListPlatformAudit lists what was done anywhere.
func (s *Server) ListPlatformAudit(
	ctx context.Context, r identityoapi.ListPlatformAuditRequestObject,
) (identityoapi.ListPlatformAuditResponseObject, error) {
	filter := audit.Filter{
		TenantID: r.Params.TenantID, Actor: r.Params.Actor, Action: r.Params.Action, TargetType: r.Params.TargetType,
		Target: r.Params.Target, Outcome: (*string)(r.Params.Outcome), From: r.Params.From, To: r.Params.To,
	}
	list, err := s.AuditTrail.ListAll(ctx, filter, keyset.NewPage(r.Params.Limit, r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out, err := toAPIAuditList(list)
	return identityoapi.ListPlatformAudit200JSONResponse(out), err
}

func toAPIAuditList(list keyset.List[audit.Recorded]) (identityoapi.AuditList, error) {
	out := identityoapi.AuditList{
		Data: make([]identityoapi.AuditEntry, len(list.Data)), NextCursor: convert.Nullable(list.NextCursor), HasMore: list.NextCursor != nil,
	}
	for i, entry := range list.Data {
		var err error
		if out.Data[i], err = ToAPIAuditEntry(entry); err != nil {
			return out, err
		}
	}
	return out, nil
}

// ToAPIAuditEntry converts an entry of the trail.
func ToAPIAuditEntry(e audit.Recorded) (identityoapi.AuditEntry, error) {
	out := identityoapi.AuditEntry{
		ID: e.ID, OccurredAt: e.OccurredAt, TenantID: convert.Nullable(e.TenantID), EnvironmentID: convert.Nullable(e.EnvID),
		ActorID: convert.Nullable(e.ActorID), ActorRole: convert.Nullable((*string)(e.ActorRole)), TokenID: convert.Nullable(e.TokenID),
		ImpersonatorID: convert.Nullable(e.ImpersonatorID), ImpersonatorRole: convert.Nullable((*string)(e.ImpersonatorRole)),
		Action: e.Action, TargetType: e.TargetType, TargetID: e.TargetID, Outcome: identityoapi.AuditOutcome(e.Outcome),
		RequestID: e.RequestID, Address: convert.Nullable(addressText(e.Address)),
	}
	if err := json.Unmarshal(e.Detail, &out.Detail); err != nil {
		return out, fmt.Errorf("read detail of audit entry %s: %w", e.ID, err)
	}
	return out, nil
}
