package api

import (
	"context"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// GetMe says who is signed in, where and in which mode.
func (s *Server) GetMe(ctx context.Context, _ identityoapi.GetMeRequestObject) (identityoapi.GetMeResponseObject, error) {
	scope := tenancy.ScopeFrom(ctx)
	user, err := s.Users.Me(ctx, scope)
	if err != nil {
		return nil, err
	}
	masquerade, err := s.Sessions.CurrentMasquerade(ctx, scope)
	if err != nil {
		return nil, err
	}
	return identityoapi.GetMe200JSONResponse{
		User: ToAPIUser(user), Tenant: ToAPITenant(scope.Tenant), SandboxMode: scope.SandboxMode(), Masquerade: ToAPIMasquerade(masquerade),
	}, nil
}

// ListUsers lists those who work for the business.
func (s *Server) ListUsers(ctx context.Context, r identityoapi.ListUsersRequestObject) (identityoapi.ListUsersResponseObject, error) {
	list, err := s.Users.List(ctx, tenancy.ScopeFrom(ctx), FromAPIUserFilter(r.Params), keyset.NewPage(r.Params.Limit, r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	return identityoapi.ListUsers200JSONResponse{
		Data: convert.All(list.Data, ToAPIUser), NextCursor: convert.Nullable(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// CreateUser adds a user.
func (s *Server) CreateUser(ctx context.Context, r identityoapi.CreateUserRequestObject) (identityoapi.CreateUserResponseObject, error) {
	user, err := s.Users.Create(ctx, tenancy.ScopeFrom(ctx), FromAPIUserCreate(*r.Body))
	if err != nil {
		return nil, err
	}
	return identityoapi.CreateUser201JSONResponse{
		Body: ToAPIUser(user), Headers: identityoapi.CreateUser201ResponseHeaders{ETag: etag.Format(user.Version)},
	}, nil
}

// GetUser returns a user.
func (s *Server) GetUser(ctx context.Context, r identityoapi.GetUserRequestObject) (identityoapi.GetUserResponseObject, error) {
	user, err := s.Users.Get(ctx, tenancy.ScopeFrom(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return identityoapi.GetUser200JSONResponse{
		Body: ToAPIUser(user), Headers: identityoapi.GetUser200ResponseHeaders{ETag: etag.Format(user.Version)},
	}, nil
}

// UpdateUser changes a user.
func (s *Server) UpdateUser(ctx context.Context, r identityoapi.UpdateUserRequestObject) (identityoapi.UpdateUserResponseObject, error) {
	version, err := etag.Parse(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	user, err := s.Users.Update(ctx, tenancy.ScopeFrom(ctx), r.ID, version, FromAPIUserUpdate(*r.Body))
	if err != nil {
		return nil, err
	}
	return identityoapi.UpdateUser200JSONResponse{
		Body: ToAPIUser(user), Headers: identityoapi.UpdateUser200ResponseHeaders{ETag: etag.Format(user.Version)},
	}, nil
}

// CreatePasswordReset makes a reset with which a user chooses a new password.
func (s *Server) CreatePasswordReset(
	ctx context.Context, r identityoapi.CreatePasswordResetRequestObject,
) (identityoapi.CreatePasswordResetResponseObject, error) {
	reset, err := s.PasswordResets.Create(ctx, tenancy.ScopeFrom(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return identityoapi.CreatePasswordReset201JSONResponse{Token: reset.Token, ExpiresAt: reset.ExpiresAt}, nil
}

// DeleteUser removes a user.
func (s *Server) DeleteUser(ctx context.Context, r identityoapi.DeleteUserRequestObject) (identityoapi.DeleteUserResponseObject, error) {
	version, err := etag.Parse(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := s.Users.Delete(ctx, tenancy.ScopeFrom(ctx), r.ID, version); err != nil {
		return nil, err
	}
	return identityoapi.DeleteUser204Response{}, nil
}
