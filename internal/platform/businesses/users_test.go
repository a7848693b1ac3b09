package businesses_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func TestUsers_List(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	a, b := s.Tenant(t, "a"), s.Tenant(t, "b")
	owner, manager := a.User(t, tenancy.RoleOwner, false), a.User(t, tenancy.RoleManager, false)
	inSandbox, other := a.User(t, tenancy.RoleOwner, true), b.User(t, tenancy.RoleOwner, false)
	s.exec(t, "UPDATE users SET is_active = false, name = 'Zoe_' WHERE id = $1", manager.ID)
	for name, test := range map[string]struct {
		filter businesses.UserFilter
		want   []uuid.UUID
	}{
		"everybody":             {businesses.UserFilter{}, []uuid.UUID{s.actor, owner.ID, manager.ID, inSandbox.ID, other.ID}},
		"of a business":         {businesses.UserFilter{Business: &a.ID}, []uuid.UUID{owner.ID, manager.ID, inSandbox.ID}},
		"by role":               {businesses.UserFilter{Role: new(string(tenancy.RoleOwner))}, []uuid.UUID{owner.ID, inSandbox.ID, other.ID}},
		"by role in a business": {businesses.UserFilter{Role: new(string(tenancy.RoleOwner)), Business: &a.ID}, []uuid.UUID{owner.ID, inSandbox.ID}},
		"inactive":              {businesses.UserFilter{IsActive: new(false)}, []uuid.UUID{manager.ID}},
		"of the sandbox":        {businesses.UserFilter{IsSandbox: new(true)}, []uuid.UUID{inSandbox.ID}},
		"inactive in one":       {businesses.UserFilter{IsActive: new(false), Business: &a.ID}, []uuid.UUID{manager.ID}},
		"live in a business":    {businesses.UserFilter{IsSandbox: new(false), Business: &a.ID}, []uuid.UUID{owner.ID, manager.ID}},
		"by name in a business": {businesses.UserFilter{Search: new("zoe"), Business: &a.ID}, []uuid.UUID{manager.ID}},
		"by address":            {businesses.UserFilter{Search: new("OWNER@b.")}, []uuid.UUID{other.ID}},
		"by name, literally":    {businesses.UserFilter{Search: new("e_")}, []uuid.UUID{manager.ID}},
	} {
		for _, sort := range []businesses.Sort{businesses.NewestFirst, businesses.OldestFirst, businesses.ByName, businesses.ByNameDown} {
			t.Run(name+" "+string(sort), func(t *testing.T) {
				t.Parallel()
				filter := test.filter
				filter.Sort = sort
				var found []uuid.UUID
				for page := (keyset.Page{Limit: 2}); ; {
					list, err := s.Users.List(t.Context(), filter, page)
					require.NoError(t, err)
					for _, user := range list.Data {
						found = append(found, user.ID)
					}
					if list.NextCursor == nil {
						break
					}
					page.Cursor = *list.NextCursor
				}
				require.ElementsMatch(t, test.want, found)
			})
		}
	}
}

func TestUsers_Update(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	tenant := s.Tenant(t, "a")
	user := tenant.User(t, tenancy.RoleManager, false)
	got, err := s.Users.Get(t.Context(), user.ID)
	require.NoError(t, err)
	require.Equal(t, &businesses.BusinessReference{ID: tenant.ID, Name: "Tenant a", SchemaName: "a"}, got.Business)
	updated, err := s.Users.Update(t.Context(), s.scope(), user.ID, &got.Version, businesses.UserPatch{Name: new("New"), Role: new(tenancy.RoleStaff)})
	require.NoError(t, err)
	again, err := s.Users.Get(t.Context(), user.ID)
	require.NoError(t, err)
	require.Equal(t, again, updated, "the result is what was written")
	require.Equal(t, tenancy.RoleStaff, again.Role)
	_, err = s.Users.Update(t.Context(), s.scope(), user.ID, &got.Version, businesses.UserPatch{Name: new("Stale")})
	requireCode(t, err, apperr.VersionMismatch)
	_, err = s.Users.Update(t.Context(), s.scope(), uuid.New(), nil, businesses.UserPatch{})
	requireCode(t, err, apperr.NotFound)

	platform, err := s.Users.Get(t.Context(), s.actor)
	require.NoError(t, err)
	require.Nil(t, platform.Business)
	_, err = s.Users.Update(t.Context(), s.scope(), s.actor, nil, businesses.UserPatch{Role: new(tenancy.RoleSuperuser)})
	requireCode(t, err, apperr.RoleNotAllowed)
}
