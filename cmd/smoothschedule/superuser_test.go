package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// createSuperuser runs `superuser create` on the kit's database and returns what it printed.
func createSuperuser(t *testing.T, kit *apitest.Server, stdin string, args ...string) (string, error) {
	t.Helper()
	path, err := program()
	require.NoError(t, err)
	process := exec.CommandContext(t.Context(), path, append([]string{"superuser", "create"}, args...)...)
	process.Env = append(os.Environ(), "SMOOTHSCHEDULE_DATABASE_URL="+kit.DB.URL)
	process.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	process.Stdout, process.Stderr = &out, &out
	err = process.Run()
	return out.String(), err
}

func TestProgram_SuperuserCreate(t *testing.T) {
	t.Parallel()
	const password = "marble trombone weekday"
	kit := apitest.New(t)
	count := func(sql string, args ...any) (n int) {
		require.NoError(t, kit.DB.OwnerPool().QueryRow(t.Context(), sql, args...).Scan(&n))
		return n
	}
	for _, refused := range []struct{ name, stdin, want string }{
		{"empty", "", "no password"}, {"short", "too short\n", "between 10 and 200"}, {"long", strings.Repeat("long", 51), "between 10 and 200"},
	} {
		out, err := createSuperuser(t, kit, refused.stdin, "--email", "boss@example.com", "--name", "Boss")
		require.Error(t, err, refused.name)
		require.Contains(t, out, refused.want)
	}
	out, err := createSuperuser(t, kit, password, "--email", "not an address", "--name", "Boss")
	require.Error(t, err)
	require.Contains(t, out, "e-mail address")
	out, err = createSuperuser(t, kit, password, "--email", "boss@example.com")
	require.Error(t, err)
	require.Contains(t, out, "--name")
	out, err = createSuperuser(t, kit, password, "--email", "boss@example.com", "--name", "Boss", "--password", password)
	require.Error(t, err, "never as an argument")
	require.Contains(t, out, "Usage:")
	require.Zero(t, count("SELECT count(*) FROM users WHERE tenant_id IS NULL"))

	out, err = createSuperuser(t, kit, password+"\n", "--email", "Boss@Example.com", "--name", "Boss")
	require.NoError(t, err, out)
	require.Contains(t, out, "boss@example.com is a superuser")
	require.NotContains(t, out, password)
	signedIn := kit.Client("platform.localhost").Post(t, "/api/auth/login/", map[string]any{"email": "boss@example.com", "password": password}).
		Require(t, 200).Object(t)
	require.Equal(t, "SUPERUSER", signedIn["user"].(map[string]any)["role"])
	require.Equal(t, 1, count(`SELECT count(*) FROM audit_entries WHERE action = 'user.created' AND outcome = 'SUCCESS' AND tenant_id IS NULL
		AND target_id = (SELECT id::text FROM users WHERE email = 'boss@example.com') AND strpos(detail::text, $1) = 0`, password))

	// Once more, by several at once: nothing changes, and it says so.
	var again sync.WaitGroup
	for range 3 {
		again.Go(func() {
			out, err := createSuperuser(t, kit, "copper lantern sideways", "--email", "boss@example.com", "--name", "Other")
			if err == nil || !strings.Contains(out, "nothing was changed") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	again.Wait()
	require.Equal(t, 1, count("SELECT count(*) FROM users WHERE tenant_id IS NULL AND name = 'Boss'"))
	kit.Client("platform.localhost").Post(t, "/api/auth/login/", map[string]any{"email": "boss@example.com", "password": password}).Require(t, 200)
}
