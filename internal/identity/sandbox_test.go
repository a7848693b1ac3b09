package identity

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func TestSandboxStatus(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user, _ := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	token := b.login(t, "demo", "", user.Email)
	status, err := b.sandbox.Status(b.request(t, "demo", token, "true"))
	require.NoError(t, err)
	require.Equal(t, SandboxStatus{
		Mode: true, Enabled: true, LiveName: "demo", SandboxName: "demo_sandbox", ActiveName: "demo_sandbox",
	}, status)
	status, err = b.sandbox.Status(b.request(t, "demo", token, ""))
	require.NoError(t, err)
	require.Equal(t, SandboxStatus{Enabled: true, LiveName: "demo", SandboxName: "demo_sandbox", ActiveName: "demo"}, status)
}

func TestToggle(t *testing.T) {
	t.Parallel()
	on, off := new(true), new(false)
	for name, test := range map[string]struct {
		sandboxUser, disabled, session bool
		header                         string
		want                           *bool
		mode                           bool
		refusal                        *apperr.Code
	}{
		"flip on":                       {mode: true},
		"flip off":                      {session: true, mode: false},
		"flips the session, not header": {header: "true", mode: true},
		"on":                            {want: on, mode: true},
		"on again":                      {session: true, want: on, mode: true},
		"off":                           {session: true, want: off},
		"off again":                     {want: off},
		"disabled: on":                  {disabled: true, want: on, refusal: &apperr.SandboxDisabled},
		"disabled: flip":                {disabled: true, refusal: &apperr.SandboxDisabled},
		"disabled: off":                 {disabled: true, session: true, want: off},
		"user of the sandbox: off":      {sandboxUser: true, session: true, want: off, refusal: &apperr.InvalidTransition},
		"user of the sandbox: flip":     {sandboxUser: true, session: true, refusal: &apperr.InvalidTransition},
		"user of the sandbox: on":       {sandboxUser: true, session: true, want: on, mode: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			mode := ""
			if test.sandboxUser {
				mode = "true"
			}
			b.user(t, b.request(t, "demo", "", mode), "owner@demo.example", tenancy.RoleOwner)
			token := b.login(t, "demo", mode, "owner@demo.example")
			b.exec(t, "UPDATE sessions SET sandbox_mode = $1", test.session)
			b.exec(t, "UPDATE tenants SET sandbox_enabled = $1", !test.disabled)

			status, err := b.sandbox.Toggle(t.Context(), b.request(t, "demo", token, test.header), test.want)
			toggled := b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'sandbox.toggled'")
			if test.refusal != nil {
				requireCode(t, *test.refusal, err)
				require.Zero(t, toggled)
				require.Equal(t, test.session, b.request(t, "demo", token, "").Principal.SessionSandbox, "nothing has changed")
				return
			}
			require.NoError(t, err)
			require.Equal(t, 1, toggled)
			next := b.request(t, "demo", token, "")
			want, err := b.sandbox.Status(next)
			require.NoError(t, err)
			require.Equal(t, want, status, "the status is that of the next request")
			require.Equal(t, test.mode, next.SandboxMode())
		})
	}
}

func TestToggleOfEndedSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	require.NoError(t, b.sessions.Logout(t.Context(), scope))
	_, err := b.sandbox.Toggle(t.Context(), scope, nil)
	requireCode(t, apperr.Unauthorized, err)
}

// fill puts a row into business tables of an environment, counted where they are.
func (b *bundle) fill(t *testing.T, env tenancy.Environment) {
	t.Helper()
	for _, sql := range []string{
		`INSERT INTO resources (env_id, id, name, type, user_id, created_at, updated_at)
		 SELECT $1, gen_random_uuid(), 'r', 'STAFF', (SELECT id FROM users WHERE env_id = $1 LIMIT 1), now(), now()`,
		`INSERT INTO customers (env_id, id, name, created_at, updated_at) SELECT $1, gen_random_uuid(), 'c', now(), now()`,
		`INSERT INTO usage_counters (env_id, quota, period, used) VALUES ($1, 'max_resources', '0001-01-01', 1), ($1, 'max_appointments', '2026-10-01', 9)`,
	} {
		b.exec(t, sql, env.ID)
	}
}

// rows counts the rows of an environment by table, for every table that has environments.
func (b *bundle) rows(t *testing.T, env tenancy.Environment) map[string]int {
	t.Helper()
	tables, err := b.db.OwnerPool().Query(t.Context(), `SELECT table_name::text FROM information_schema.columns
		WHERE table_schema = 'public' AND column_name = 'env_id'
			AND table_name NOT IN ('audit_entries', 'catalogue_versions', 'current_catalogues')`) // they are about it, not in it
	require.NoError(t, err)
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	require.NoError(t, err)
	counts := map[string]int{}
	for _, name := range names {
		if n := b.count(t, "SELECT count(*) FROM "+name+" WHERE env_id = $1", env.ID); n > 0 {
			counts[name] = n
		}
	}
	return counts
}

func TestResetSandbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	acme := b.tenant(t, "acme-auto", "enterprise")
	for _, domain := range []string{"demo", "acme-auto"} {
		for _, mode := range []string{"", "true"} {
			scope := b.request(t, domain, "", mode)
			b.user(t, scope, "owner@x.example", tenancy.RoleOwner)
			b.user(t, scope, "customer@x.example", tenancy.RoleCustomer)
			b.fill(t, scope.Env)
		}
	}
	untouched := []tenancy.Environment{b.demo.Live, acme.Live, acme.Sandbox}
	before := make([]map[string]int, len(untouched))
	for i, env := range untouched {
		before[i] = b.rows(t, env)
		require.Len(t, before[i], 6, "events, event_sequences, usage_counters, users, resources, customers")
	}
	scope := b.request(t, "demo", b.login(t, "demo", "", "owner@x.example"), "") // called in live

	status, err := b.sandbox.Reset(t.Context(), scope)
	require.NoError(t, err)
	require.Equal(t, "demo", status.ActiveName)
	for i, env := range untouched {
		require.Equal(t, before[i], b.rows(t, env), env.Name)
	}
	require.Equal(t, map[string]int{"event_sequences": 1, "events": 1}, b.rows(t, b.demo.Sandbox))
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM events WHERE env_id = $1 AND type = 'sandbox.reset' AND sequence = 2
		AND data = '{"environment": "demo_sandbox"}'`, b.demo.Sandbox.ID), "the feed goes on where it was")
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'sandbox.reset' AND env_id = $1", b.demo.Sandbox.ID))

	_, err = b.sandbox.Reset(t.Context(), scope)
	require.NoError(t, err, "an empty one can be emptied")
}

// The sandbox user who asks stays, and is counted, even above the limit.
func TestResetSandboxKeepsWhoAsks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	manager, scope := b.as(t, "true", "manager@demo.example", tenancy.RoleManager)
	b.as(t, "true", "owner@demo.example", tenancy.RoleOwner)
	b.fill(t, b.demo.Sandbox)
	b.limitUsers(t, 0)
	scope.Entitlements.Overrides = append(scope.Entitlements.Overrides, entitle.Override{Name: "max_users", Value: []byte("0")})
	_, err := b.sandbox.Reset(t.Context(), scope)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"event_sequences": 1, "events": 1, "users": 1, "usage_counters": 1}, b.rows(t, b.demo.Sandbox))
	require.Equal(t, 1, b.usedUsers(t, b.demo.Sandbox))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM users WHERE id = $1", manager.ID))
}

func TestResetSandboxThatIsOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	b.fill(t, b.demo.Sandbox)
	scope.Tenant.SandboxEnabled = false
	_, err := b.sandbox.Reset(t.Context(), scope)
	requireCode(t, apperr.SandboxDisabled, err)
	require.Equal(t, 1, b.rows(t, b.demo.Sandbox)["resources"])
}

// Whatever is created while the sandbox is emptied, counter and users agree in the end.
func TestResetSandboxUnderConcurrency(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	inside := b.request(t, "demo", b.login(t, "demo", "", "owner@demo.example"), "true")
	for round := range 5 {
		var group sync.WaitGroup
		for i := range 12 {
			group.Go(func() {
				if i%4 == 3 {
					if _, err := b.sandbox.Reset(t.Context(), scope); err != nil {
						t.Errorf("reset: %v", err)
					}
					return
				}
				if _, err := b.users.Create(t.Context(), inside, newInput(fmt.Sprintf("u%d-%d@demo.example", round, i), tenancy.RoleStaff)); err != nil {
					t.Errorf("create: %v", err)
				}
			})
		}
		group.Wait()
		b.usedUsers(t, b.demo.Sandbox)
	}
}

// The case that locking the counters is for: a creation that has counted and not yet
// committed when the emptying begins, in a sandbox that had no counter.
func TestResetSandboxWaitsForWhatIsCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	inside := b.request(t, "demo", "", "true")
	done := make(chan error, 1)
	err := b.store.InEnv(t.Context(), inside, func(tx *store.Tx) error {
		_, err := CreateUser(t.Context(), tx, inside, NewUser{Email: "a@b.example", Name: "a", Role: tenancy.RoleStaff, PasswordHash: b.hash})
		if err != nil {
			return err
		}
		go func() {
			_, err := b.sandbox.Reset(t.Context(), scope)
			done <- err
		}()
		return b.waitForLock(t.Context())
	})
	require.NoError(t, err)
	require.NoError(t, <-done)
	require.Zero(t, b.usedUsers(t, b.demo.Sandbox))
}

// waitForLock returns when somebody waits for a lock in the test's database, or fails
// after ten seconds.
func (b *bundle) waitForLock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		var waiting bool
		err := b.db.OwnerPool().QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waiting)
		if waiting || err != nil {
			return err
		}
	}
}
