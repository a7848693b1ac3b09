package identity

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func newInput(email string, role tenancy.Role) UserInput {
	return UserInput{Email: email, Name: "Somebody", Role: role, Password: "a first password"}
}

func TestCreateUser(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, mode := range []string{"", "true"} {
		_, scope := b.as(t, mode, "owner@demo.example", tenancy.RoleOwner)
		created, err := b.users.Create(t.Context(), scope, UserInput{
			Email: " Sam@Demo.example ", Name: "Sam Staff", Role: tenancy.RoleStaff, Password: "a first password",
		})
		require.NoError(t, err)
		require.Equal(t, "sam@demo.example", created.Email)
		require.Equal(t, created.Email, created.Username)
		require.Equal(t, "Sam Staff", created.Name)
		require.Equal(t, mode == "true", created.IsSandbox, "the mode is inherited (R-144)")
		require.Equal(t, int32(1), created.Version)
		require.Equal(t, b.now, created.CreatedAt)
		require.Equal(t, 1, b.count(t, "SELECT count(*) FROM users WHERE id = $1 AND env_id = $2 AND tenant_id = $3",
			created.ID, scope.Env.ID, b.demo.ID))
		require.Equal(t, 2, b.usedUsers(t, scope.Env))

		got, err := b.users.Get(t.Context(), scope, created.ID)
		require.NoError(t, err)
		require.Equal(t, created, got)
		_, err = b.sessions.Login(t.Context(), b.request(t, "demo", "", mode), LoginInput{Email: "sam@demo.example", Password: "a first password"})
		require.NoError(t, err)

		var data string
		require.NoError(t, b.db.OwnerPool().QueryRow(t.Context(),
			"SELECT data::text FROM events WHERE env_id = $1 AND type = 'user.created' ORDER BY sequence DESC LIMIT 1", scope.Env.ID).Scan(&data))
		want, err := json.Marshal(created)
		require.NoError(t, err)
		require.JSONEq(t, string(want), data)
		require.Equal(t, 1, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'user.created' AND target_id = $1 AND actor_user_id = $2",
			created.ID.String(), scope.Principal.UserID))
	}
}

func TestCreateUserRefusesInput(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	for name, test := range map[string]struct {
		change  func(*UserInput)
		pointer string
		code    apperr.Code
	}{
		"no address":     {func(in *UserInput) { in.Email = "nobody" }, "/email", apperr.ValidationFailed},
		"display name":   {func(in *UserInput) { in.Email = "Sam <sam@demo.example>" }, "/email", apperr.ValidationFailed},
		"long address":   {func(in *UserInput) { in.Email = strings.Repeat("x", 250) + "@demo.example" }, "/email", apperr.ValidationFailed},
		"blank name":     {func(in *UserInput) { in.Name = "  " }, "/name", apperr.ValidationFailed},
		"blank username": {func(in *UserInput) { in.Username = "  " }, "/username", apperr.ValidationFailed},
		"customer":       {func(in *UserInput) { in.Role = tenancy.RoleCustomer }, "/role", apperr.ValidationFailed},
		"platform":       {func(in *UserInput) { in.Role = tenancy.RoleSuperuser }, "/role", apperr.ValidationFailed},
		"unknown role":   {func(in *UserInput) { in.Role = "EMPEROR" }, "/role", apperr.ValidationFailed},
		"same address":   {func(in *UserInput) { in.Email, in.Username = "OWNER@demo.example", "x" }, "/email", apperr.AlreadyExists},
		"same username":  {func(in *UserInput) { in.Username = "owner@demo.example" }, "/username", apperr.AlreadyExists},
	} {
		in := newInput("sam@demo.example", tenancy.RoleStaff)
		test.change(&in)
		_, err := b.users.Create(t.Context(), scope, in)
		require.Error(t, err, name)
		requirePointer(t, test.code, test.pointer, err)
	}
	require.Equal(t, 1, b.usedUsers(t, scope.Env))
}

// Nobody gives a role above their own, and nobody changes or makes anybody who is not below them, in whatever way.
func TestRanks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	roles := []tenancy.Role{tenancy.RoleOwner, tenancy.RoleManager, tenancy.RoleStaff}
	gives := map[tenancy.Role]int{tenancy.RoleSuperuser: 0, tenancy.RoleOwner: 0, tenancy.RoleManager: 1, tenancy.RoleStaff: 2, tenancy.RoleCustomer: 3}
	above := map[tenancy.Role]int{tenancy.RoleSuperuser: 0, tenancy.RoleOwner: 1, tenancy.RoleManager: 2, tenancy.RoleStaff: 3, tenancy.RoleCustomer: 3}
	denied := 0
	b.user(t, b.request(t, "demo", "", ""), "keeper@demo.example", tenancy.RoleOwner)
	for actor, first := range above {
		_, scope := b.as(t, "", strings.ToLower(string(actor))+"@actor.example", actor)
		for i, role := range roles {
			name := fmt.Sprintf("%s and %s", actor, role)
			checkFrom := func(first int, err error) {
				t.Helper()
				if i >= first {
					require.NoError(t, err, name)
				} else {
					requireCode(t, apperr.RoleNotAllowed, err)
					denied++
				}
			}
			check := func(err error) {
				t.Helper()
				checkFrom(first, err)
			}
			email := strings.ToLower(string(actor) + "-" + string(role))
			_, err := b.users.Create(t.Context(), scope, newInput(email+"@new.example", role))
			check(err)
			target := b.user(t, scope, email+"@target.example", role)
			_, err = b.users.Update(t.Context(), scope, target.ID, nil, UserPatch{Name: new("Renamed")})
			check(err)
			_, err = b.users.Update(t.Context(), scope, target.ID, nil, UserPatch{Email: new(email + "@taken.example")})
			check(err)
			_, err = b.resets.Create(t.Context(), scope, target.ID)
			check(err)
			_, err = b.users.Update(t.Context(), scope, target.ID, nil, UserPatch{IsActive: new(false)})
			check(err)
			if first < len(roles) {
				lowest := b.user(t, scope, email+"@lowest.example", tenancy.RoleStaff)
				_, err = b.users.Update(t.Context(), scope, lowest.ID, nil, UserPatch{Role: &role})
				checkFrom(gives[actor], err)
			}
			check(b.users.Delete(t.Context(), scope, target.ID, nil))
		}
	}
	require.Positive(t, denied)
	require.Equal(t, denied, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'access.denied' AND outcome = 'DENIED'"))
}

func TestUsersOfOthersDoNotExist(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tenant(t, "acme-auto", "enterprise")
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	live := b.request(t, "demo", "", "")
	for name, stranger := range map[string]User{
		"another business": b.user(t, b.request(t, "acme-auto", "", ""), "sam@acme.example", tenancy.RoleStaff),
		"the other mode":   b.user(t, b.request(t, "demo", "", "true"), "sam@demo.example", tenancy.RoleStaff),
		"a customer":       b.user(t, live, "customer@demo.example", tenancy.RoleCustomer),
		"the platform":     b.platformUser(t, "super@platform.example", tenancy.RoleSuperuser),
		"nobody":           {ID: uuid.New()},
	} {
		_, err := b.users.Get(t.Context(), scope, stranger.ID)
		requireCode(t, apperr.NotFound, err)
		_, err = b.users.Update(t.Context(), scope, stranger.ID, nil, UserPatch{Name: new("Mine")})
		requireCode(t, apperr.NotFound, err)
		_, err = b.users.Update(t.Context(), scope, stranger.ID, nil, UserPatch{IsActive: new(false)})
		requireCode(t, apperr.NotFound, err)
		requireCode(t, apperr.NotFound, b.users.Delete(t.Context(), scope, stranger.ID, nil))
		require.Zero(t, b.count(t, "SELECT count(*) FROM users WHERE id = $1 AND (name = 'Mine' OR NOT is_active)", stranger.ID), name)
	}
	require.Equal(t, 5, b.count(t, "SELECT count(*) FROM users"))
	list, err := b.users.List(t.Context(), scope, UserFilter{}, keyset.Page{})
	require.NoError(t, err)
	require.Len(t, list.Data, 1)
}

// The same address may exist in both modes of a business, in another one, and on the platform.
func TestEmailIsUniquePerTenantAndMode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tenant(t, "acme-auto", "enterprise")
	const email = "same@mail.example"
	b.user(t, b.request(t, "demo", "", ""), email, tenancy.RoleStaff)
	b.user(t, b.request(t, "demo", "", "true"), email, tenancy.RoleStaff)
	b.user(t, b.request(t, "acme-auto", "", ""), email, tenancy.RoleStaff)
	b.platformUser(t, email, tenancy.RolePlatformSales)
	_, err := b.createPlatformUser(t, NewUser{Email: email, Name: "x", Role: tenancy.RoleSuperuser, PasswordHash: b.hash})
	requirePointer(t, apperr.AlreadyExists, "/email", err)
	scope := b.request(t, "demo", "", "true")
	err = b.store.InEnv(t.Context(), scope, func(tx *store.Tx) error {
		_, err := CreateUser(t.Context(), tx, scope, NewUser{Email: email, Name: "x", Role: tenancy.RoleCustomer, PasswordHash: b.hash})
		return err
	})
	requirePointer(t, apperr.AlreadyExists, "/email", err)
}

func TestSeedingRefusesWrongRolesAndHashes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	scope := b.request(t, "demo", "", "")
	create := func(in NewUser) error {
		in.Email, in.Name = "x@y.example", "x"
		return b.store.InEnv(t.Context(), scope, func(tx *store.Tx) error {
			_, err := CreateUser(t.Context(), tx, scope, in)
			return err
		})
	}
	require.ErrorContains(t, create(NewUser{Role: tenancy.RoleSuperuser, PasswordHash: b.hash}), "not a role of a tenant")
	require.ErrorIs(t, create(NewUser{Role: tenancy.RoleOwner, PasswordHash: "plain text"}), errMalformedHash)
	_, err := b.createPlatformUser(t, NewUser{Role: tenancy.RoleOwner, PasswordHash: b.hash})
	require.ErrorContains(t, err, "not a role of the platform")
}

// 64 at once under a limit of 10: exactly 10 get in, and the rest hear why not.
func TestUserQuotaUnderConcurrency(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limitUsers(t, 10)
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	var created, refused atomic.Int32
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			_, err := b.users.Create(t.Context(), scope, newInput(fmt.Sprintf("u%d@demo.example", i), tenancy.RoleStaff))
			switch {
			case err == nil:
				created.Add(1)
			case strings.HasPrefix(err.Error(), apperr.QuotaExceeded.Name):
				refused.Add(1)
			default:
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	group.Wait()
	require.Equal(t, int32(9), created.Load(), "the owner is the tenth")
	require.Equal(t, int32(55), refused.Load())
	require.Equal(t, 10, b.usedUsers(t, scope.Env))

	// The sandbox has its own counter, and customers are not counted.
	b.user(t, b.request(t, "demo", "", "true"), "sandbox@demo.example", tenancy.RoleStaff)
	b.user(t, scope, "customer@demo.example", tenancy.RoleCustomer)

	// A deletion gives back; deactivation does not.
	list, err := b.users.List(t.Context(), scope, UserFilter{Role: new(tenancy.RoleStaff)}, keyset.Page{})
	require.NoError(t, err)
	_, err = b.users.Update(t.Context(), scope, list.Data[0].ID, nil, UserPatch{IsActive: new(false)})
	require.NoError(t, err)
	_, err = b.users.Create(t.Context(), scope, newInput("late@demo.example", tenancy.RoleStaff))
	requireCode(t, apperr.QuotaExceeded, err)
	require.NoError(t, b.users.Delete(t.Context(), scope, list.Data[0].ID, nil))
	_, err = b.users.Create(t.Context(), scope, newInput("late@demo.example", tenancy.RoleStaff))
	require.NoError(t, err)
	require.Equal(t, 10, b.usedUsers(t, scope.Env))
}

func TestLastOwner(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, super := b.as(t, "", "super@platform.example", tenancy.RoleSuperuser)
	owner, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	b.user(t, b.request(t, "demo", "", "true"), "owner@demo.example", tenancy.RoleOwner) // of the other mode, no help here
	idle := b.user(t, scope, "idle@demo.example", tenancy.RoleOwner)
	_, err := b.users.Update(t.Context(), super, idle.ID, nil, UserPatch{IsActive: new(false)})
	require.NoError(t, err)

	for _, by := range []*tenancy.Scope{scope, super} {
		_, err = b.users.Update(t.Context(), by, owner.ID, nil, UserPatch{IsActive: new(false)})
		requireCode(t, apperr.LastOwner, err)
		_, err = b.users.Update(t.Context(), by, owner.ID, nil, UserPatch{Role: new(tenancy.RoleManager)})
		requireCode(t, apperr.LastOwner, err)
		requireCode(t, apperr.LastOwner, b.users.Delete(t.Context(), by, owner.ID, nil))
	}
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM users WHERE id = $1 AND role = 'TENANT_OWNER' AND is_active", owner.ID))

	// What takes nobody away is allowed, and an inactive owner can go.
	_, err = b.users.Update(t.Context(), scope, owner.ID, nil, UserPatch{
		Name: new("Still here"), Role: new(tenancy.RoleOwner), IsActive: new(true),
	})
	require.NoError(t, err)
	require.NoError(t, b.users.Delete(t.Context(), super, idle.ID, nil))
}

// Of the last two owners, removed at the same time in whichever way, one survives.
func TestLastTwoOwnersUnderConcurrency(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, super := b.as(t, "", "super@platform.example", tenancy.RoleSuperuser)
	removals := []func(User) error{
		func(u User) error { return b.users.Delete(t.Context(), super, u.ID, nil) },
		func(u User) error {
			_, err := b.users.Update(t.Context(), super, u.ID, nil, UserPatch{Role: new(tenancy.RoleStaff)})
			return err
		},
		func(u User) error {
			_, err := b.users.Update(t.Context(), super, u.ID, nil, UserPatch{IsActive: new(false)})
			return err
		},
	}
	for round := range 12 {
		b.exec(t, "DELETE FROM users WHERE tenant_id IS NOT NULL")
		b.exec(t, "DELETE FROM usage_counters")
		owners := []User{b.user(t, super, "a@demo.example", tenancy.RoleOwner), b.user(t, super, "b@demo.example", tenancy.RoleOwner)}
		begin := make(chan struct{})
		results := make([]error, 2)
		var group sync.WaitGroup
		for i := range owners {
			group.Go(func() {
				<-begin
				results[i] = removals[(round+i*(round/3))%3](owners[i])
			})
		}
		close(begin)
		group.Wait()
		failed := 0
		for _, err := range results {
			if err != nil {
				requireCode(t, apperr.LastOwner, err)
				failed++
			}
		}
		require.Equal(t, 1, failed, "round %d", round)
		require.Equal(t, 1, b.count(t, "SELECT count(*) FROM users WHERE role = 'TENANT_OWNER' AND is_active"), "round %d", round)
	}
}

func TestWhatEndsSessions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	for i, test := range []struct {
		name  string
		patch UserPatch
		ends  bool
	}{
		{"name", UserPatch{Name: new("Renamed")}, false},
		{"address", UserPatch{Email: new("new@demo.example")}, false},
		{"same role", UserPatch{Role: new(tenancy.RoleStaff)}, false},
		{"still active", UserPatch{IsActive: new(true)}, false},
		{"role", UserPatch{Role: new(tenancy.RoleManager)}, true},
		{"deactivation", UserPatch{IsActive: new(false)}, true},
	} {
		email := fmt.Sprintf("sam%d@demo.example", i)
		sam := b.user(t, scope, email, tenancy.RoleStaff)
		token := b.login(t, "demo", "", email)
		_, err := b.users.Update(t.Context(), scope, sam.ID, nil, test.patch)
		require.NoError(t, err, test.name)
		revoked := b.count(t, "SELECT count(*) FROM sessions WHERE user_id = $1 AND revoked_at IS NOT NULL", sam.ID)
		require.Equal(t, test.ends, revoked == 1, test.name)
		require.Equal(t, !test.ends, b.works(t, token), test.name)
	}
	sam := b.user(t, scope, "sam@demo.example", tenancy.RoleStaff)
	token := b.login(t, "demo", "", "sam@demo.example")
	require.NoError(t, b.users.Delete(t.Context(), scope, sam.ID, nil))
	require.False(t, b.works(t, token))

	// Coming back does not bring old sessions back.
	idle := b.user(t, scope, "idle@demo.example", tenancy.RoleStaff)
	token = b.login(t, "demo", "", "idle@demo.example")
	for _, active := range []bool{false, true} {
		_, err := b.users.Update(t.Context(), scope, idle.ID, nil, UserPatch{IsActive: &active})
		require.NoError(t, err)
	}
	require.False(t, b.works(t, token))
}

func TestUpdateUser(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	sam := b.user(t, scope, "sam@demo.example", tenancy.RoleStaff)
	scope.Now = b.now.Add(time.Hour)
	updated, err := b.users.Update(t.Context(), scope, sam.ID, &sam.Version, UserPatch{
		Email: new(" Samuel@Demo.example"), Username: new("sam"), Name: new("Samuel"), Role: new(tenancy.RoleManager),
		IsActive: new(false),
	})
	require.NoError(t, err)
	want := sam
	want.Email, want.Username, want.Name, want.Role = "samuel@demo.example", "sam", "Samuel", tenancy.RoleManager
	want.IsActive, want.Version, want.UpdatedAt = false, 2, scope.Now
	require.Equal(t, want, updated)

	_, err = b.users.Update(t.Context(), scope, sam.ID, &sam.Version, UserPatch{Name: new("Late")})
	requireCode(t, apperr.VersionMismatch, err)
	requireCode(t, apperr.VersionMismatch, b.users.Delete(t.Context(), scope, sam.ID, &sam.Version))
	for pointer, patch := range map[string]UserPatch{
		"/email": {Email: new("nobody")}, "/role": {Role: new(tenancy.RoleCustomer)}, "/name": {Name: new(" ")}, "/username": {Username: new("")},
	} {
		_, err = b.users.Update(t.Context(), scope, sam.ID, nil, patch)
		requirePointer(t, apperr.ValidationFailed, pointer, err)
	}
	_, err = b.users.Update(t.Context(), scope, sam.ID, nil, UserPatch{Email: new("owner@demo.example")})
	requirePointer(t, apperr.AlreadyExists, "/email", err)

	var detail string
	require.NoError(t, b.db.OwnerPool().QueryRow(t.Context(),
		"SELECT detail::text FROM audit_entries WHERE action = 'user.updated' AND target_id = $1", sam.ID.String()).Scan(&detail))
	require.JSONEq(t, `{"fields": ["email", "is_active", "name", "role", "username"],
		"role": {"from": "TENANT_STAFF", "to": "TENANT_MANAGER"}, "is_active": {"from": true, "to": false}}`, detail)
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM events WHERE type = 'user.updated' AND data->>'email' = 'samuel@demo.example'"))
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	sam := b.user(t, scope, "sam@demo.example", tenancy.RoleStaff)
	b.exec(t, `INSERT INTO resources (env_id, id, name, type, user_id, created_at, updated_at)
		VALUES ($1, gen_random_uuid(), 'Sam', 'STAFF', $2, now(), now())`, scope.Env.ID, sam.ID)
	require.NoError(t, b.users.Delete(t.Context(), scope, sam.ID, &sam.Version))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM resources WHERE user_id IS NULL"), "resources stay")
	require.Equal(t, 1, b.usedUsers(t, scope.Env))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM events WHERE type = 'user.deleted' AND data->>'id' = $1", sam.ID.String()))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'user.deleted' AND target_id = $1", sam.ID.String()))
	requireCode(t, apperr.NotFound, b.users.Delete(t.Context(), scope, sam.ID, nil))
}

func TestListUsers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	var ids []uuid.UUID
	for i := range 5 {
		b.now = b.now.Add(time.Duration(i%2) * time.Minute) // some at the same instant
		role := tenancy.RoleStaff
		if i == 0 {
			role = tenancy.RoleManager
		}
		ids = append(ids, b.user(t, b.request(t, "demo", "", ""), fmt.Sprintf("u%d@demo.example", i), role).ID)
	}
	b.exec(t, "UPDATE users SET is_active = false WHERE id = $1", ids[1])
	read := func(filter UserFilter) (seen []uuid.UUID) {
		page := keyset.Page{Limit: 1} // so that pages end between users of the same instant
		for {
			list, err := b.users.List(t.Context(), scope, filter, page)
			require.NoError(t, err)
			for _, u := range list.Data {
				seen = append(seen, u.ID)
			}
			if list.NextCursor == nil {
				return seen
			}
			page.Cursor = *list.NextCursor
		}
	}
	require.Equal(t, []uuid.UUID{ids[4], ids[3], ids[2], ids[1], ids[0], scope.Principal.UserID}, read(UserFilter{}))
	require.Equal(t, ids[:1], read(UserFilter{Role: new(tenancy.RoleManager)}))
	require.Equal(t, ids[1:2], read(UserFilter{IsActive: new(false)}))
	require.Equal(t, []uuid.UUID{ids[4], ids[3], ids[2]}, read(UserFilter{Role: new(tenancy.RoleStaff), IsActive: new(true)}))

	list, err := b.users.List(t.Context(), scope, UserFilter{}, keyset.Page{Limit: 1})
	require.NoError(t, err)
	_, err = b.users.List(t.Context(), scope, UserFilter{IsActive: new(true)}, keyset.Page{Cursor: *list.NextCursor})
	requireCode(t, apperr.InvalidCursor, err)
}

func TestUsersNeedTenantAndPrincipal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	anonymous, super := b.request(t, "demo", "", ""), b.platformUser(t, "super@platform.example", tenancy.RoleSuperuser)
	platform := b.request(t, "", b.login(t, "", "", super.Email), "")
	calls := map[string]func(*tenancy.Scope) error{
		"create": func(s *tenancy.Scope) error {
			_, err := b.users.Create(t.Context(), s, newInput("x@y.example", tenancy.RoleStaff))
			return err
		},
		"update": func(s *tenancy.Scope) error {
			_, err := b.users.Update(t.Context(), s, uuid.New(), nil, UserPatch{Name: new("x")})
			return err
		},
		"delete": func(s *tenancy.Scope) error { return b.users.Delete(t.Context(), s, uuid.New(), nil) },
	}
	for _, call := range calls {
		requireCode(t, apperr.Unauthorized, call(anonymous))
		requireCode(t, apperr.TenantRequired, call(platform))
	}
	_, err := b.users.List(t.Context(), platform, UserFilter{}, keyset.Page{})
	requireCode(t, apperr.TenantRequired, err)
	_, err = b.users.Get(t.Context(), platform, super.ID)
	requireCode(t, apperr.TenantRequired, err)
	_, err = b.users.Me(t.Context(), anonymous)
	requireCode(t, apperr.Unauthorized, err)
}
