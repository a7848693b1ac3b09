package api

import (
	"context"

	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"

	adminoapi "github.com/smoothschedule/smoothschedule/gen/api/admin"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListPlatformUsers lists the users of the whole platform.
func (s *Console) ListPlatformUsers(
	ctx context.Context, r adminoapi.ListPlatformUsersRequestObject,
) (adminoapi.ListPlatformUsersResponseObject, error) {
	list, err := s.Users.List(ctx, FromAPIUserFilter(r.Params), keyset.NewPage(r.Params.Limit, r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	return adminoapi.ListPlatformUsers200JSONResponse{
		Data: convert.All(list.Data, ToAPIUser), NextCursor: convert.Nullable(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// GetPlatformUser returns a user.
func (s *Console) GetPlatformUser(
	ctx context.Context, r adminoapi.GetPlatformUserRequestObject,
) (adminoapi.GetPlatformUserResponseObject, error) {
	user, err := s.Users.Get(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return adminoapi.GetPlatformUser200JSONResponse{
		Body: ToAPIUser(user), Headers: adminoapi.GetPlatformUser200ResponseHeaders{ETag: etag.Format(user.Version)},
	}, nil
}

// UpdatePlatformUser changes a user.
func (s *Console) UpdatePlatformUser(
	ctx context.Context, r adminoapi.UpdatePlatformUserRequestObject,
) (adminoapi.UpdatePlatformUserResponseObject, error) {
	version, err := etag.Parse(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	user, err := s.Users.Update(ctx, tenancy.ScopeFrom(ctx), r.ID, version, FromAPIUserUpdate(*r.Body))
	if err != nil {
		return nil, err
	}
	return adminoapi.UpdatePlatformUser200JSONResponse{
		Body: ToAPIUser(user), Headers: adminoapi.UpdatePlatformUser200ResponseHeaders{ETag: etag.Format(user.Version)},
	}, nil
}

// FromAPIUserFilter converts the filters of the list of users.
func FromAPIUserFilter(in adminoapi.ListPlatformUsersParams) businesses.UserFilter {
	return businesses.UserFilter{
		Search: in.Search, Business: in.Business, Role: (*string)(in.Role), IsActive: in.IsActive, IsSandbox: in.IsSandbox,
		Sort: fromAPISort(in.Sort),
	}
}

// FromAPIUserUpdate converts the changes of a user.
func FromAPIUserUpdate(in adminoapi.PlatformUserUpdate) businesses.UserPatch {
	return businesses.UserPatch{
		Email: (*string)(in.Email), Username: (*string)(in.Username), Name: (*string)(in.Name), Role: (*tenancy.Role)(in.Role), IsActive: in.IsActive,
	}
}

// ToAPIUser converts a user.
func ToAPIUser(u businesses.User) adminoapi.PlatformUser {
	out := adminoapi.PlatformUser{
		ID: u.ID, Email: u.Email, Username: u.Username, Name: u.Name, Role: adminoapi.AnyRole(u.Role), IsSandbox: u.IsSandbox,
		IsActive: u.IsActive, IsStaff: u.Role.Platform(), IsSuperuser: u.Role == tenancy.RoleSuperuser,
		TenantID: nullable.NewNullNullable[uuid.UUID](), Business: nullable.NewNullNullable[adminoapi.BusinessReference](),
		LastLoginAt: convert.Nullable(u.LastLoginAt), CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, Version: u.Version,
	}
	if b := u.Business; b != nil {
		out.TenantID = nullable.NewNullableWithValue(b.ID)
		out.Business = nullable.NewNullableWithValue(adminoapi.BusinessReference{ID: b.ID, Name: b.Name, SchemaName: b.SchemaName})
	}
	return out
}
