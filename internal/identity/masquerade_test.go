package identity

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// cast is one user of each role: those of the platform, and those of demo in both modes.
func (b *bundle) cast(t *testing.T) (live, sandbox map[tenancy.Role]User) {
	t.Helper()
	live, sandbox = map[tenancy.Role]User{}, map[tenancy.Role]User{}
	for _, role := range tenancy.Roles() {
		if role.Platform() {
			live[role] = b.platformUser(t, string(role)+"@platform.example", role)
			continue
		}
		live[role] = b.user(t, b.request(t, "demo", "", ""), string(role)+"@demo.example", role)
		sandbox[role] = b.user(t, b.request(t, "demo", "", "true"), string(role)+"@demo.example", role)
	}
	return live, sandbox
}

// home is the host where users of the role sign in.
func home(role tenancy.Role) string {
	if role.Platform() {
		return ""
	}
	return "demo"
}

// Every pair of roles: whoever works as another one has the higher rank, and sales and
// customers work as nobody.
func TestMasqueradeByRoles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	users, _ := b.cast(t)
	below := map[tenancy.Role]int{ // how many of Roles each reaches, from the lowest
		tenancy.RoleSuperuser: 7, tenancy.RolePlatformManager: 6, tenancy.RolePlatformSupport: 5, tenancy.RolePlatformSales: 0,
		tenancy.RoleOwner: 3, tenancy.RoleManager: 2, tenancy.RoleStaff: 1, tenancy.RoleCustomer: 0,
	}
	roles := tenancy.Roles()
	for i, actor := range roles {
		token := b.login(t, home(actor), "", users[actor].Email)
		for j, target := range roles {
			allowed := j >= len(roles)-below[actor]
			require.Equal(t, allowed, MasqueradeAllowed(actor, target), "%s as %s", actor, target)
			started, err := b.sessions.StartMasquerade(t.Context(), b.request(t, home(actor), token, ""), users[target].ID)
			if !allowed {
				code := apperr.RoleNotAllowed
				if !actor.Platform() && target.Platform() {
					code = apperr.NotFound // a business does not hear who is on the platform
				}
				requireCode(t, code, err)
				continue
			}
			require.Less(t, i, j)
			require.NoError(t, err)
			require.Equal(t, users[target].ID, started.User.ID)
			require.Equal(t, actor == tenancy.RolePlatformSupport, started.ReadOnly)
			scope := b.request(t, home(target), started.Token, "")
			require.Equal(t, target, scope.Principal.Role)
			require.Equal(t, &tenancy.Impersonator{UserID: users[actor].ID, Role: actor, MayWrite: !started.ReadOnly}, scope.Principal.Impersonator)
		}
	}
	require.Equal(t, 64-24-16, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'access.denied' AND target_type = 'user'"))
}

// However masquerades are stacked, each is below the one beneath, none lives longer, and
// what was read-only once stays so.
func TestMasqueradesOnlyDescend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	users, _ := b.cast(t)
	random := rand.New(rand.NewPCG(1, 2))
	roles := tenancy.Roles()
	tokens := map[tenancy.Role]string{}
	for _, role := range roles {
		tokens[role] = b.login(t, home(role), "", users[role].Email)
	}
	deepest := 0
	for range 60 {
		actor := roles[random.IntN(len(roles))]
		token, stack, readOnly := tokens[actor], []tenancy.Role{actor}, false
		ends := b.now.Add(SessionLifetime)
		for range 12 {
			target := roles[random.IntN(len(roles))]
			top := stack[len(stack)-1]
			started, err := b.sessions.StartMasquerade(t.Context(), b.request(t, home(top), token, ""), users[target].ID)
			if err != nil {
				require.False(t, MasqueradeAllowed(top, target), "%s as %s: %v", top, target, err)
				continue
			}
			readOnly = readOnly || top == tenancy.RolePlatformSupport
			stack, token = append(stack, target), started.Token
			deepest = max(deepest, len(stack))
			require.False(t, started.SignedIn.ExpiresAt.After(ends))
			ends = started.SignedIn.ExpiresAt
			require.Equal(t, readOnly, started.ReadOnly)
			require.Len(t, started.Stack, len(stack)-1)
			for n, beneath := range started.Stack {
				require.Equal(t, stack[n], beneath.Role)
				require.Greater(t, beneath.Role.Rank(), target.Rank(), "%v", stack)
			}
			require.Equal(t, users[actor].ID, b.request(t, home(target), token, "").Principal.Impersonator.UserID)
		}
	}
	require.Greater(t, deepest, 4, "the test must get somewhere")
}

// Users of a business reach those of their business and mode; the platform, at a host,
// likewise; the others do not exist.
func TestMasqueradeStaysInItsWorld(t *testing.T) {
	t.Parallel()
	b := setup(t)
	live, sandbox := b.cast(t)
	other := b.tenant(t, "other", "enterprise")
	stranger := b.user(t, b.request(t, "other", "", ""), "staff@other.example", tenancy.RoleStaff)
	require.NotNil(t, other)
	owner := b.login(t, "demo", "", live[tenancy.RoleOwner].Email)
	tester := b.login(t, "demo", "true", sandbox[tenancy.RoleOwner].Email)
	superuser := b.login(t, "", "", live[tenancy.RoleSuperuser].Email)
	for name, tt := range map[string]struct {
		domain, token, mode string
		target              uuid.UUID
		found               bool
	}{
		"own staff":                                  {"demo", owner, "", live[tenancy.RoleStaff].ID, true},
		"staff of the sandbox in live mode":          {"demo", owner, "", sandbox[tenancy.RoleStaff].ID, false},
		"staff of the sandbox in sandbox mode":       {"demo", owner, "true", sandbox[tenancy.RoleStaff].ID, true},
		"live staff in sandbox mode":                 {"demo", owner, "true", live[tenancy.RoleStaff].ID, false},
		"live staff for a user of the sandbox":       {"demo", tester, "false", live[tenancy.RoleStaff].ID, false},
		"sandbox staff for a user of the sandbox":    {"demo", tester, "", sandbox[tenancy.RoleStaff].ID, true},
		"somebody else's staff":                      {"demo", owner, "", stranger.ID, false},
		"nobody":                                     {"demo", owner, "", uuid.New(), false},
		"everybody for the platform":                 {"", superuser, "", stranger.ID, true},
		"sandbox users for the platform":             {"", superuser, "", sandbox[tenancy.RoleOwner].ID, true},
		"at another host, for the platform":          {"demo", superuser, "", stranger.ID, false},
		"in another mode, for the platform":          {"demo", superuser, "true", live[tenancy.RoleOwner].ID, false},
		"the platform's users at a business's host":  {"demo", superuser, "", live[tenancy.RolePlatformSupport].ID, false},
		"the right host and mode, for the platform":  {"demo", superuser, "true", sandbox[tenancy.RoleOwner].ID, true},
		"the platform's users at the platform's own": {"", superuser, "", live[tenancy.RolePlatformSupport].ID, true},
	} {
		started, err := b.sessions.StartMasquerade(t.Context(), b.request(t, tt.domain, tt.token, tt.mode), tt.target)
		if !tt.found {
			requireCode(t, apperr.NotFound, err)
			continue
		}
		require.NoError(t, err, name)
		if started.User.IsSandbox { // and cannot leave it
			require.True(t, b.request(t, "demo", started.Token, "false").SandboxMode(), name)
		}
	}
}

// A session ends with every one beneath it, whatever ended that.
func TestMasqueradeEndsWithWhatIsBeneath(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, b *bundle, users map[tenancy.Role]User, owner *tenancy.Scope){
		"logout": func(t *testing.T, b *bundle, _ map[tenancy.Role]User, owner *tenancy.Scope) {
			t.Helper()
			require.NoError(t, b.sessions.Logout(t.Context(), owner))
		},
		"a new password": func(t *testing.T, b *bundle, users map[tenancy.Role]User, _ *tenancy.Scope) {
			t.Helper()
			token := b.login(t, "demo", "", users[tenancy.RoleOwner].Email)
			require.NoError(t, b.changePassword(t, b.request(t, "demo", token, ""), goodPassword, "a much better one"))
		},
		"deactivation": func(t *testing.T, b *bundle, users map[tenancy.Role]User, _ *tenancy.Scope) {
			t.Helper()
			b.exec(t, "UPDATE users SET is_active = false WHERE id = $1", users[tenancy.RoleOwner].ID)
		},
		"deletion": func(t *testing.T, b *bundle, users map[tenancy.Role]User, _ *tenancy.Scope) {
			t.Helper()
			b.exec(t, "DELETE FROM users WHERE id = $1", users[tenancy.RoleOwner].ID)
		},
		"a lower role": func(t *testing.T, b *bundle, users map[tenancy.Role]User, _ *tenancy.Scope) {
			t.Helper()
			b.exec(t, "UPDATE users SET role = 'TENANT_STAFF' WHERE id = $1", users[tenancy.RoleOwner].ID)
		},
		"the one in the middle": func(t *testing.T, b *bundle, users map[tenancy.Role]User, _ *tenancy.Scope) {
			t.Helper()
			b.exec(t, "UPDATE users SET is_active = false WHERE id = $1", users[tenancy.RoleManager].ID)
		},
		"another role of the user": func(t *testing.T, b *bundle, users map[tenancy.Role]User, _ *tenancy.Scope) {
			t.Helper()
			_, boss := b.as(t, "", "boss@demo.example", tenancy.RoleOwner)
			role := tenancy.RoleManager
			_, err := b.users.Update(t.Context(), boss, users[tenancy.RoleStaff].ID, nil, UserPatch{Role: &role})
			require.NoError(t, err)
		},
		"time": func(t *testing.T, b *bundle, _ map[tenancy.Role]User, _ *tenancy.Scope) {
			t.Helper()
			b.now = b.now.Add(MasqueradeLifetime)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			users, _ := b.cast(t)
			owner := b.request(t, "demo", b.login(t, "demo", "", users[tenancy.RoleOwner].Email), "")
			manager, err := b.sessions.StartMasquerade(t.Context(), owner, users[tenancy.RoleManager].ID)
			require.NoError(t, err)
			staff, err := b.sessions.StartMasquerade(t.Context(), b.request(t, "demo", manager.Token, ""), users[tenancy.RoleStaff].ID)
			require.NoError(t, err)
			require.True(t, b.works(t, staff.Token))
			end(t, b, users, owner)
			require.False(t, b.works(t, staff.Token))
		})
	}
}

func TestMasqueradeDoesNotOutliveTheSessionBeneath(t *testing.T) {
	t.Parallel()
	b := setup(t)
	users, _ := b.cast(t)
	token := b.login(t, "demo", "", users[tenancy.RoleOwner].Email)
	b.now = b.now.Add(SessionLifetime - time.Minute)
	started, err := b.sessions.StartMasquerade(t.Context(), b.request(t, "demo", token, ""), users[tenancy.RoleStaff].ID)
	require.NoError(t, err)
	require.Equal(t, b.now.Add(time.Minute), started.SignedIn.ExpiresAt)
}

func TestMasqueradeIsUnwoundOneByOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	users, _ := b.cast(t)
	token := b.login(t, "", "", users[tenancy.RoleSuperuser].Email)
	tokens := []string{token}
	climb := []tenancy.Role{tenancy.RolePlatformManager, tenancy.RoleOwner, tenancy.RoleStaff}
	beneath := []tenancy.Role{tenancy.RoleSuperuser}
	for _, role := range climb {
		top := beneath[len(beneath)-1]
		started, err := b.sessions.StartMasquerade(t.Context(), b.request(t, home(top), tokens[len(tokens)-1], ""), users[role].ID)
		require.NoError(t, err)
		tokens, beneath = append(tokens, started.Token), append(beneath, role)
	}
	for i := len(climb); i > 0; i-- {
		scope := b.request(t, home(beneath[i]), tokens[i], "")
		current, err := b.sessions.CurrentMasquerade(t.Context(), scope)
		require.NoError(t, err)
		require.Len(t, current.Stack, i)
		ended, err := b.sessions.EndMasquerade(t.Context(), scope)
		require.NoError(t, err)
		require.Equal(t, users[beneath[i-1]].ID, ended.User.ID)
		if i == 1 {
			require.Nil(t, ended.Masquerade)
		} else {
			require.Len(t, ended.Masquerade.Stack, i-1)
		}
		require.False(t, b.works(t, tokens[i]))
		require.True(t, b.works(t, tokens[i-1]))
	}
	scope := b.request(t, "", token, "")
	_, err := b.sessions.EndMasquerade(t.Context(), scope)
	requireCode(t, apperr.InvalidTransition, err)
	current, err := b.sessions.CurrentMasquerade(t.Context(), scope)
	require.NoError(t, err)
	require.Nil(t, current)
}

func TestMasqueradeAsSomebodyWhoMayNotSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	users, _ := b.cast(t)
	superuser := b.request(t, "", b.login(t, "", "", users[tenancy.RoleSuperuser].Email), "")
	b.exec(t, "UPDATE users SET is_active = false WHERE id = $1", users[tenancy.RoleStaff].ID)
	_, err := b.sessions.StartMasquerade(t.Context(), superuser, users[tenancy.RoleStaff].ID)
	requirePointer(t, apperr.ValidationFailed, "/user_id", err)
	b.exec(t, "UPDATE tenants SET status = 'SUSPENDED' WHERE id = $1", b.demo.ID)
	_, err = b.sessions.StartMasquerade(t.Context(), superuser, users[tenancy.RoleOwner].ID)
	requireCode(t, apperr.TenantSuspended, err)
	require.NoError(t, b.sessions.Logout(t.Context(), superuser))
	_, err = b.sessions.StartMasquerade(t.Context(), superuser, users[tenancy.RolePlatformManager].ID)
	requireCode(t, apperr.Unauthorized, err)
	require.Zero(t, b.count(t, "SELECT count(*) FROM sessions WHERE impersonator_id IS NOT NULL"))
}

// The trail and the feed know both; the user does not see the session among their own.
func TestMasqueradeIsRecordedWithBoth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	users, _ := b.cast(t)
	superuser := b.request(t, "", b.login(t, "", "", users[tenancy.RoleSuperuser].Email), "")
	started, err := b.sessions.StartMasquerade(t.Context(), superuser, users[tenancy.RoleOwner].ID)
	require.NoError(t, err)
	require.Equal(t, &TenantReference{ID: b.demo.ID, Name: "The demo", Domain: "demo"}, started.Tenant)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM audit_entries WHERE action = 'masquerade.started' AND actor_user_id = $1
		AND target_id = $2 AND tenant_id = $3 AND impersonator_user_id IS NULL`, users[tenancy.RoleSuperuser].ID, users[tenancy.RoleOwner].ID.String(), b.demo.ID))

	scope := b.request(t, "demo", started.Token, "")
	created, err := b.users.Create(t.Context(), scope, UserInput{
		Email: "new@demo.example", Name: "New", Role: tenancy.RoleStaff, Password: "a first password",
	})
	require.NoError(t, err)
	both := []any{users[tenancy.RoleOwner].ID, users[tenancy.RoleSuperuser].ID, created.ID.String()}
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM audit_entries WHERE action = 'user.created' AND actor_user_id = $1
		AND actor_role = 'TENANT_OWNER' AND impersonator_user_id = $2 AND impersonator_role = 'SUPERUSER' AND target_id = $3`, both...))
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM events WHERE type = 'user.created' AND actor_user_id = $1
		AND impersonator_user_id = $2 AND data->>'id' = $3`, both...))

	own := b.request(t, "demo", b.login(t, "demo", "", users[tenancy.RoleOwner].Email), "")
	list, err := b.sessions.List(t.Context(), own, keyset.Page{})
	require.NoError(t, err)
	require.Len(t, list.Data, 1)
	require.Zero(t, b.count(t, "SELECT count(*) FROM sessions x WHERE strpos(x::text, $1) > 0", started.Token))
	require.True(t, slices.ContainsFunc(list.Data, func(s Session) bool { return s.IsCurrent }))
}
