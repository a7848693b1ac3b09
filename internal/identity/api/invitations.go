package api

import (
	"context"
	"net/http"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListInvitations lists the invitations into the business.
func (s *Server) ListInvitations(
	ctx context.Context, r identityoapi.ListInvitationsRequestObject,
) (identityoapi.ListInvitationsResponseObject, error) {
	filter := identity.InvitationFilter{Status: (*string)(r.Params.Status)}
	list, err := s.Invitations.List(ctx, tenancy.ScopeFrom(ctx), filter, keyset.NewPage(r.Params.Limit, r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	return identityoapi.ListInvitations200JSONResponse{
		Data: convert.All(list.Data, ToAPIInvitation), NextCursor: convert.Nullable(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// CreateInvitation invites somebody into the business.
func (s *Server) CreateInvitation(
	ctx context.Context, r identityoapi.CreateInvitationRequestObject,
) (identityoapi.CreateInvitationResponseObject, error) {
	invitation, err := s.Invitations.Create(ctx, tenancy.ScopeFrom(ctx), FromAPIInvitationCreate(*r.Body))
	if err != nil {
		return nil, err
	}
	return identityoapi.CreateInvitation201JSONResponse(ToAPIInvitation(invitation)), nil
}

// GetInvitation returns an invitation.
func (s *Server) GetInvitation(
	ctx context.Context, r identityoapi.GetInvitationRequestObject,
) (identityoapi.GetInvitationResponseObject, error) {
	invitation, err := s.Invitations.Get(ctx, tenancy.ScopeFrom(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return identityoapi.GetInvitation200JSONResponse(ToAPIInvitation(invitation)), nil
}

// ResendInvitation gives an invitation a new token.
func (s *Server) ResendInvitation(
	ctx context.Context, r identityoapi.ResendInvitationRequestObject,
) (identityoapi.ResendInvitationResponseObject, error) {
	invitation, err := s.Invitations.Resend(ctx, tenancy.ScopeFrom(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return identityoapi.ResendInvitation200JSONResponse(ToAPIInvitation(invitation)), nil
}

// RevokeInvitation ends an invitation.
func (s *Server) RevokeInvitation(
	ctx context.Context, r identityoapi.RevokeInvitationRequestObject,
) (identityoapi.RevokeInvitationResponseObject, error) {
	if err := s.Invitations.Revoke(ctx, tenancy.ScopeFrom(ctx), r.ID); err != nil {
		return nil, err
	}
	return identityoapi.RevokeInvitation204Response{}, nil
}

// LookUpInvitation shows what a token opens.
func (s *Server) LookUpInvitation(
	ctx context.Context, r identityoapi.LookUpInvitationRequestObject,
) (identityoapi.LookUpInvitationResponseObject, error) {
	open, err := s.Invitations.LookUp(ctx, tenancy.ScopeFrom(ctx), r.Body.Token)
	if err != nil {
		return nil, err
	}
	return identityoapi.LookUpInvitation200JSONResponse{
		FoundsBusiness: open.FoundsBusiness, BusinessName: open.BusinessName, Email: open.Email, Name: open.Name,
		Role: identityoapi.Role(open.Role), IsSandbox: open.IsSandbox, ExpiresAt: open.ExpiresAt,
	}, nil
}

// AcceptInvitation turns an invitation into a user who is signed in.
func (s *Server) AcceptInvitation(
	ctx context.Context, r identityoapi.AcceptInvitationRequestObject,
) (identityoapi.AcceptInvitationResponseObject, error) {
	scope := tenancy.ScopeFrom(ctx)
	accepted, err := s.Invitations.Accept(ctx, scope, FromAPIInvitationAccept(*r.Body))
	if err != nil {
		return nil, err
	}
	response := identityoapi.AcceptInvitation201JSONResponse{Body: ToAPISignedIn(accepted.SignedIn, accepted.Tenant)}
	if scope.AtHost().Tenant == nil {
		return response, nil // the cookies would be in nobody's way but their own
	}
	cookie := s.cookie(accepted.Token, accepted.ExpiresAt)
	response.Headers.SetCookie = &cookie
	return acceptResponse{response, s.deviceCookie(accepted.Device, scope.RealNow())}, nil
}

// acceptResponse is a loginResponse to the acceptance of an invitation.
type acceptResponse struct {
	identityoapi.AcceptInvitation201JSONResponse
	cookie string
}

// VisitAcceptInvitationResponse writes the answer.
func (r acceptResponse) VisitAcceptInvitationResponse(w http.ResponseWriter) error {
	return r.AcceptInvitation201JSONResponse.VisitAcceptInvitationResponse(cookieWriter{w, r.cookie})
}

// FromAPIInvitationCreate converts an invitation to be.
func FromAPIInvitationCreate(in identityoapi.InvitationCreate) identity.InvitationInput {
	return identity.InvitationInput{
		Email: string(in.Email), Name: orEmpty((*string)(in.Name)), Role: tenancy.Role(in.Role), CustomerID: in.CustomerID, ResourceID: in.ResourceID,
	}
}

// FromAPIInvitationAccept converts what somebody accepts an invitation with.
func FromAPIInvitationAccept(in identityoapi.InvitationAccept) identity.AcceptInput {
	return identity.AcceptInput{Token: in.Token, Password: in.Password, Name: orEmpty((*string)(in.Name)), Username: orEmpty((*string)(in.Username))}
}

// ToAPIInvitation converts an invitation.
func ToAPIInvitation(i identity.Invitation) identityoapi.Invitation {
	return identityoapi.Invitation{
		ID: i.ID, Email: i.Email, Name: i.Name, Role: identityoapi.InvitationRole(i.Role), CustomerID: convert.Nullable(i.CustomerID),
		ResourceID: convert.Nullable(i.ResourceID), InvitedBy: i.InvitedBy, IsSandbox: i.IsSandbox, Status: identityoapi.InvitationStatus(i.Status),
		ExpiresAt: i.ExpiresAt, AcceptedAt: convert.Nullable(i.AcceptedAt), RevokedAt: convert.Nullable(i.RevokedAt), UserID: convert.Nullable(i.UserID),
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, Token: unlessEmpty(i.Token),
	}
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func unlessEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
