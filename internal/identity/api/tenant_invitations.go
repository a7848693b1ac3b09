package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListTenantInvitations lists the invitations to found businesses.
func (s *Server) ListTenantInvitations(
	ctx context.Context, r identityoapi.ListTenantInvitationsRequestObject,
) (identityoapi.ListTenantInvitationsResponseObject, error) {
	filter := identity.InvitationFilter{Status: (*string)(r.Params.Status)}
	list, err := s.Invitations.ListForTenants(ctx, tenancy.ScopeFrom(ctx), filter, keyset.NewPage(r.Params.Limit, r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	response := identityoapi.ListTenantInvitations200JSONResponse{
		Data: make([]identityoapi.TenantInvitation, len(list.Data)), NextCursor: convert.Nullable(list.NextCursor), HasMore: list.NextCursor != nil,
	}
	for i, invitation := range list.Data {
		if response.Data[i], err = ToAPITenantInvitation(invitation); err != nil {
			return nil, err
		}
	}
	return response, nil
}

// CreateTenantInvitation invites somebody to found a business.
func (s *Server) CreateTenantInvitation(
	ctx context.Context, r identityoapi.CreateTenantInvitationRequestObject,
) (identityoapi.CreateTenantInvitationResponseObject, error) {
	input, err := FromAPITenantInvitationCreate(*r.Body)
	if err != nil {
		return nil, err
	}
	invitation, err := s.Invitations.CreateForTenant(ctx, tenancy.ScopeFrom(ctx), input)
	if err != nil {
		return nil, err
	}
	body, err := ToAPITenantInvitation(invitation)
	return identityoapi.CreateTenantInvitation201JSONResponse(body), err
}

// GetTenantInvitation returns an invitation to found a business.
func (s *Server) GetTenantInvitation(
	ctx context.Context, r identityoapi.GetTenantInvitationRequestObject,
) (identityoapi.GetTenantInvitationResponseObject, error) {
	invitation, err := s.Invitations.GetForTenant(ctx, tenancy.ScopeFrom(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	body, err := ToAPITenantInvitation(invitation)
	return identityoapi.GetTenantInvitation200JSONResponse(body), err
}

// ResendTenantInvitation gives an invitation to found a business a new token.
func (s *Server) ResendTenantInvitation(
	ctx context.Context, r identityoapi.ResendTenantInvitationRequestObject,
) (identityoapi.ResendTenantInvitationResponseObject, error) {
	invitation, err := s.Invitations.ResendForTenant(ctx, tenancy.ScopeFrom(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	body, err := ToAPITenantInvitation(invitation)
	return identityoapi.ResendTenantInvitation200JSONResponse(body), err
}

// RevokeTenantInvitation ends an invitation to found a business.
func (s *Server) RevokeTenantInvitation(
	ctx context.Context, r identityoapi.RevokeTenantInvitationRequestObject,
) (identityoapi.RevokeTenantInvitationResponseObject, error) {
	if err := s.Invitations.RevokeForTenant(ctx, tenancy.ScopeFrom(ctx), r.ID); err != nil {
		return nil, err
	}
	return identityoapi.RevokeTenantInvitation204Response{}, nil
}

// FromAPITenantInvitationCreate converts an invitation to be. Errors: ValidationFailed if
// the two places for calendar sync contradict each other.
func FromAPITenantInvitationCreate(in identityoapi.TenantInvitationCreate) (identity.TenantInvitationInput, error) {
	input := identity.TenantInvitationInput{
		Email: string(in.Email), BusinessName: string(in.BusinessName), Subdomain: in.Subdomain, PlanCode: "free",
		Timezone: "UTC", Currency: "USD", Grants: identity.Grants{},
	}
	if in.PlanCode != nil {
		input.PlanCode = *in.PlanCode
	}
	if in.Timezone != nil {
		input.Timezone = *in.Timezone
	}
	if in.Currency != nil {
		input.Currency = *in.Currency
	}
	// The contract has the names already; this way they are nowhere else.
	for _, part := range []any{in.Features, in.Limits} {
		raw, err := json.Marshal(part)
		if err != nil {
			return input, fmt.Errorf("encode grants: %w", err)
		}
		if string(raw) == "null" { // it was not given
			continue
		}
		if err := json.Unmarshal(raw, &input.Grants); err != nil {
			return input, fmt.Errorf("decode grants: %w", err)
		}
	}
	if in.CanUseCalendarSync == nil {
		return input, nil
	}
	const name = string(entitle.UseCalendarSync)
	value, err := json.Marshal(*in.CanUseCalendarSync)
	if given, ok := input.Grants[name]; ok && string(given) != string(value) {
		return input, apperr.NewInvalid("/"+name, "It contradicts /features/%s.", name)
	}
	input.Grants[name] = value
	return input, err
}

// ToAPITenantInvitation converts an invitation to found a business.
func ToAPITenantInvitation(i identity.TenantInvitation) (identityoapi.TenantInvitation, error) {
	out := identityoapi.TenantInvitation{
		ID: i.ID, Email: i.Email, BusinessName: i.BusinessName, Subdomain: i.Subdomain, PlanCode: i.PlanCode, Timezone: i.Timezone,
		Currency: i.Currency, Features: map[string]bool{}, Limits: map[string]*identityoapi.GrantedLimit{}, InvitedBy: convert.Nullable(i.InvitedBy),
		Status: identityoapi.InvitationStatus(i.Status), ExpiresAt: i.ExpiresAt, AcceptedAt: convert.Nullable(i.AcceptedAt),
		RevokedAt: convert.Nullable(i.RevokedAt), TenantID: convert.Nullable(i.TenantID), CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt,
		Token: unlessEmpty(i.Token),
	}
	var mistakes []error
	for name, value := range i.Grants {
		if entitle.Feature(name).Valid() {
			var enabled bool
			mistakes = append(mistakes, json.Unmarshal(value, &enabled))
			out.Features[name] = enabled
			continue
		}
		var limit *identityoapi.GrantedLimit
		mistakes = append(mistakes, json.Unmarshal(value, &limit))
		out.Limits[name] = limit
	}
	out.CanUseCalendarSync = out.Features[string(entitle.UseCalendarSync)]
	return out, errors.Join(mistakes...)
}
