package developer_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

type m = map[string]any

type token struct {
	ID        string
	Token     *string
	Prefix    string
	Scopes    []string
	IsSandbox bool    `json:"is_sandbox"`
	LastUsed  *string `json:"last_used_at"`
	CreatedBy *string `json:"created_by"`
	Version   int
	Previous  *struct {
		Prefix    string
		ExpiresAt time.Time `json:"expires_at"`
	}
}

func create(t *testing.T, c *apitest.Client, body m) token {
	t.Helper()
	var created token
	c.Post(t, "/api/v1/tokens", body).Require(t, 201).Decode(t, &created)
	require.NotNil(t, created.Token)
	return created
}

func get(t *testing.T, c *apitest.Client, id string) token {
	t.Helper()
	var found token
	c.Get(t, "/api/v1/tokens/"+id).Require(t, 200).Decode(t, &found)
	return found
}

func as(c *apitest.Client, secret *string) *apitest.Client { return c.WithToken(*secret) }

// A live token is shown once; one of the sandbox stays readable.
func TestALiveTokenIsShownOnce(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	for _, sandbox := range []bool{false, true} {
		created := create(t, owner, m{"name": " Website ", "scopes": []string{"services:read", "customers:write"}, "is_sandbox": sandbox})
		require.Equal(t, []string{"customers:write", "services:read"}, created.Scopes)
		require.Equal(t, sandbox, created.IsSandbox)
		require.True(t, strings.HasPrefix(*created.Token, created.Prefix))
		parsed, err := apitoken.Parse(*created.Token)
		require.NoError(t, err)
		require.Equal(t, sandbox, parsed.Sandbox())
		require.NotNil(t, created.CreatedBy)
		require.Nil(t, created.LastUsed)

		found := get(t, owner, created.ID)
		if sandbox {
			require.Equal(t, created.Token, found.Token)
		} else {
			require.Nil(t, found.Token)
		}
		require.NotContains(t, string(owner.Get(t, "/api/v1/tokens?is_sandbox=false").Require(t, 200).Body), *created.Token)
		as(owner, created.Token).Get(t, "/api/v1/services").Require(t, 200)
		require.NotNil(t, get(t, owner, created.ID).LastUsed)
	}
}

// Nothing in the database holds a live token in clear — no table, whatever
// was done with the token.
func TestALiveTokenIsStoredNowhere(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	live := create(t, owner, m{"name": "Live", "scopes": []string{"services:read", "customers:write"}})
	test := create(t, owner, m{"name": "Test", "scopes": []string{"services:read"}, "is_sandbox": true})
	as(owner, live.Token).Get(t, "/api/v1/services").Require(t, 200)
	as(owner, live.Token).Get(t, "/api/v1/resources").RequireProblem(t, 403, "scope_required")
	as(owner, live.Token).Post(t, "/api/v1/customers", m{"name": "Carla"}).Require(t, 201)
	var rotated token
	owner.Post(t, "/api/v1/tokens/"+live.ID+"/rotate", nil).Require(t, 200).Decode(t, &rotated)

	pool := s.DB.OwnerPool()
	rows, err := pool.Query(t.Context(), `SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
		WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Greater(t, len(tables), 15)
	holding := func(secret string) []string {
		found := []string{}
		for _, table := range tables {
			var n int
			random := secret[len(apitoken.LivePrefix):]
			require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM "+table+" t WHERE strpos(t::text, $1) > 0", random).Scan(&n))
			if n > 0 {
				found = append(found, table)
			}
		}
		return found
	}
	require.Equal(t, []string{"public.api_token_secrets"}, holding(*test.Token), "the search would find one")
	require.Empty(t, holding(*live.Token))
	require.Empty(t, holding(*rotated.Token))
}

// The database itself refuses it, whoever asks and however.
func TestTheDatabaseRefusesALiveToken(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	live := create(t, owner, m{"name": "Live", "scopes": []string{"services:read"}})
	test := create(t, owner, m{"name": "Test", "scopes": []string{"services:read"}, "is_sandbox": true})
	refused := func(constraint, sql string, args ...any) {
		t.Helper()
		_, err := s.DB.OwnerPool().Exec(t.Context(), sql, args...)
		require.ErrorContains(t, err, constraint)
	}
	const noPlaintext = "api_token_secrets_no_live_plaintext"
	refused(noPlaintext, "UPDATE api_token_secrets SET plaintext = $2 WHERE token_id = $1", live.ID, *live.Token)
	refused(noPlaintext, "UPDATE api_token_secrets SET plaintext = $2 WHERE token_id = $1", live.ID, *test.Token)
	refused(noPlaintext, "UPDATE api_token_secrets SET plaintext = $2 WHERE token_id = $1", test.ID, *live.Token)
	another := apitoken.New(false)
	insert := `INSERT INTO api_token_secrets (hash, token_id, is_sandbox, prefix, plaintext, created_at, replaced_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, now(), now(), now())`
	refused(noPlaintext, insert, another.Hash(), live.ID, false, another.Prefix(), another.Reveal())
	// Lying about the mode does not help: it is that of the token, which is that of the environment.
	refused("api_token_secrets_", insert, another.Hash(), live.ID, true, another.Prefix(), another.Reveal())
	refused("api_token_secrets_token", insert, apitoken.New(true).Hash(), live.ID, true, "ss_test_abcd", nil)
	refused("api_token_secrets_mode", "UPDATE api_token_secrets SET is_sandbox = true, plaintext = $2 WHERE token_id = $1", live.ID, "ss_test_x")
	refused("api_token_secrets_token", "UPDATE api_tokens SET is_sandbox = true WHERE id = $1", live.ID)
	refused("api_tokens_environment", "INSERT INTO api_tokens SELECT gen_random_uuid(), tenant_id, env_id, true, name, scopes, null, null, null, now(), now(), null, 1 FROM api_tokens WHERE id = $1", live.ID)
	// Nor does a live token that is dressed up as one of the sandbox: the hash would not be its own.
	disguised := apitoken.TestPrefix + strings.TrimPrefix(another.Reveal(), apitoken.LivePrefix)
	refused(noPlaintext, insert, another.Hash(), test.ID, true, disguised[:12], disguised)
}

// Counting queries costs nothing else.
type counter struct{ n atomic.Int64 }

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	if d.SQL != "-- ping" {
		c.n.Add(1)
	}
	return ctx
}
func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (c *counter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	c.n.Add(int64(d.Batch.Len()))
	return ctx
}
func (c *counter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (c *counter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

func counting(t *testing.T) (*apitest.Server, *counter) {
	t.Helper()
	db, count := dbtest.New(t), &counter{}
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: db.URL, Role: dbtest.AppRole, Tracer: count})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return apitest.NewOn(t, db, apitest.WithPools(pool, db.PlatformPool())), count
}

// A made-up token is refused before the database hears of it, and a real one costs no
// more queries than a session.
func TestQueriesOfATokenLookUp(t *testing.T) {
	t.Parallel()
	s, count := counting(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	program := owner.APIToken(t, false, "services:read")
	queriesOf := func(c *apitest.Client) int64 {
		c.Get(t, "/api/v1/services").Require(t, 200) // warms caches, and notes the use
		before := count.n.Load()
		c.Get(t, "/api/v1/services").Require(t, 200)
		return count.n.Load() - before
	}
	require.Equal(t, queriesOf(owner), queriesOf(program))
	require.Positive(t, queriesOf(program))

	before := count.n.Load()
	secret := program.Token()
	for _, fake := range []string{
		secret[:len(secret)-1] + "_", secret + "0", secret[:20], "ss_live_", "ss_test_" + strings.TrimPrefix(secret, "ss_live_"),
		flipped(secret),
	} {
		response := owner.WithToken(fake).Get(t, "/api/v1/services")
		response.RequireProblem(t, 401, "unauthenticated")
		require.NotContains(t, string(response.Body), fake)
		require.NotEmpty(t, response.Header.Get("WWW-Authenticate"))
	}
	require.Equal(t, before, count.n.Load())
	// One that is well formed and unknown costs the one query.
	owner.WithToken(apitoken.New(false).Reveal()).Get(t, "/api/v1/services").RequireProblem(t, 401, "unauthenticated")
	require.Equal(t, before+1, count.n.Load())
}

// flipped changes one random character and leaves the checksum.
func flipped(secret string) string {
	changed := byte('x')
	if secret[15] == changed {
		changed = 'y'
	}
	return secret[:15] + string(changed) + secret[16:]
}

// The token decides the mode.
func TestTheTokenDecidesTheMode(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	worlds := map[bool]string{}
	for sandbox, c := range map[bool]*apitest.Client{false: owner, true: owner.Sandbox()} {
		worlds[sandbox] = c.Post(t, "/api/v1/customers", m{"name": "Carla"}).Require(t, 201).ID(t)
	}
	for sandbox, id := range worlds {
		program := owner.APIToken(t, sandbox, "customers:write")
		for _, c := range []*apitest.Client{program, program.WithHeader("X-Sandbox-Mode", fmt.Sprint(sandbox))} {
			response := c.Get(t, "/api/v1/customers").Require(t, 200)
			require.Equal(t, []string{id}, response.IDs(t))
			require.Equal(t, fmt.Sprint(sandbox), response.Header.Get("X-Sandbox-Mode"))
		}
		program.WithHeader("X-Sandbox-Mode", fmt.Sprint(!sandbox)).Get(t, "/api/v1/customers").RequireProblem(t, 400, "mode_contradiction")
		program.Get(t, "/api/v1/customers/"+worlds[!sandbox]).RequireProblem(t, 404, "not_found")
	}
	test := owner.APIToken(t, true, "customers:read")
	tenant.Set(t, "sandbox_enabled", false)
	test.Get(t, "/api/v1/customers").RequireProblem(t, 403, "sandbox_disabled")
	owner.Post(t, "/api/v1/tokens", m{"name": "Test", "scopes": []string{"customers:read"}, "is_sandbox": true}).RequireProblem(t, 403, "sandbox_disabled")
}

// Whoever is in the sandbox makes, and sees, no way into the live world.
func TestTheSandboxDoesNotReachLiveTokens(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, inside := tenant.Client(t, tenancy.RoleOwner), tenant.SandboxClient(t, tenancy.RoleOwner)
	live := create(t, owner, m{"name": "Live", "scopes": []string{"services:read"}})
	test := create(t, inside, m{"name": "Test", "scopes": []string{"services:read"}})
	require.True(t, test.IsSandbox, "the mode of the request is the default")
	for _, c := range []*apitest.Client{inside, owner.Sandbox()} {
		c.Post(t, "/api/v1/tokens", m{"name": "Live", "scopes": []string{"services:read"}, "is_sandbox": false}).RequireProblem(t, 400, "mode_contradiction")
		require.Equal(t, []string{test.ID}, c.Get(t, "/api/v1/tokens").Require(t, 200).IDs(t))
		require.Empty(t, c.Get(t, "/api/v1/tokens?is_sandbox=false").Require(t, 200).IDs(t))
		path := "/api/v1/tokens/" + live.ID
		c.Get(t, path).RequireProblem(t, 404, "not_found")
		c.Do(t, http.MethodPatch, path, m{"name": "Mine"}).RequireProblem(t, 404, "not_found")
		c.Post(t, path+"/rotate", nil).RequireProblem(t, 404, "not_found")
		c.Do(t, http.MethodDelete, path, nil).RequireProblem(t, 404, "not_found")
	}
	require.ElementsMatch(t, []string{live.ID, test.ID}, owner.Get(t, "/api/v1/tokens").Require(t, 200).IDs(t))
	require.Equal(t, []string{test.ID}, owner.Get(t, "/api/v1/tokens?is_sandbox=true").Require(t, 200).IDs(t))
	// Emptying the sandbox keeps what leads to it.
	owner.Post(t, "/api/sandbox/reset/", nil).Require(t, 200)
	as(owner, test.Token).Get(t, "/api/v1/services").Require(t, 200)
	require.Nil(t, get(t, owner, test.ID).CreatedBy, "its maker was a user of the sandbox")
}

func TestATokenBelongsToOneBusiness(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant, other := s.Tenant(t, "a"), s.Tenant(t, "b")
	owner, stranger := tenant.Client(t, tenancy.RoleOwner), other.Client(t, tenancy.RoleOwner)
	program := owner.APIToken(t, false, "services:read")
	program.WithHost(other.Host).Get(t, "/api/v1/services").RequireProblem(t, 403, "tenant_mismatch")
	program.WithHost("platform.localhost").Get(t, "/api/v1/services").RequireProblem(t, 403, "tenant_mismatch")
	program.WithHost("localhost").Get(t, "/api/v1/services").Require(t, 200) // the token's business
	require.Empty(t, stranger.Get(t, "/api/v1/tokens").Require(t, 200).IDs(t))
	tenant.Set(t, "status", "SUSPENDED")
	program.Get(t, "/api/v1/services").RequireProblem(t, 403, "tenant_suspended")
	tenant.Set(t, "status", "ACTIVE")
	program.Get(t, "/api/v1/services").Require(t, 200)
	// In a cookie it is nothing.
	owner.WithToken("").WithHeader("Cookie", "smoothschedule_session="+program.Token()).Get(t, "/api/v1/services").RequireProblem(t, 401, "unauthenticated")
}

func TestRotation(t *testing.T) {
	t.Parallel()
	for _, sandbox := range []bool{false, true} {
		s := apitest.New(t)
		owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
		first := create(t, owner, m{"name": "Website", "scopes": []string{"services:read"}, "is_sandbox": sandbox})
		path := "/api/v1/tokens/" + first.ID
		rotate := func(seconds int) token {
			var rotated token
			owner.Post(t, path+"/rotate", m{"overlap_seconds": seconds}).Require(t, 200).Decode(t, &rotated)
			require.Equal(t, first.ID, rotated.ID)
			return rotated
		}
		works := func(want int, secrets ...*string) {
			t.Helper()
			for _, secret := range secrets {
				as(owner, secret).Get(t, "/api/v1/services").Require(t, want)
			}
		}
		second := rotate(3600)
		require.Equal(t, first.Prefix, second.Previous.Prefix)
		require.True(t, second.Previous.ExpiresAt.Equal(s.Clock.Now().Add(time.Hour)))
		require.Equal(t, 2, second.Version)
		works(200, first.Token, second.Token)
		s.Clock.Advance(time.Hour)
		works(401, first.Token)
		works(200, second.Token)
		require.Nil(t, get(t, owner, first.ID).Previous)

		third := rotate(3600)
		fourth := rotate(3600)
		works(401, second.Token) // only the last one has an overlap
		works(200, third.Token, fourth.Token)
		fifth := rotate(0)
		works(401, fourth.Token)
		require.Nil(t, fifth.Previous)
		if sandbox {
			require.Equal(t, fifth.Token, get(t, owner, first.ID).Token)
		}
		owner.WithHeader("If-Match", `"1"`).Post(t, path+"/rotate", nil).RequireProblem(t, 412, "version_mismatch")
		last := rotate(60)
		owner.Do(t, http.MethodDelete, path, nil).Require(t, 204)
		works(401, fifth.Token, last.Token) // revoked means all of it
		owner.Get(t, path).RequireProblem(t, 404, "not_found")
		owner.Post(t, path+"/rotate", nil).RequireProblem(t, 404, "not_found")
	}
}

func TestExpiryAndRenaming(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	body := m{"name": "Website", "scopes": []string{"services:read"}, "expires_at": s.Clock.Now()}
	owner.Post(t, "/api/v1/tokens", body).RequireProblem(t, 422, "validation_failed")
	body["expires_at"] = s.Clock.Now().Add(time.Minute)
	created := create(t, owner, body)
	as(owner, created.Token).Get(t, "/api/v1/services").Require(t, 200)
	s.Clock.Advance(time.Minute)
	as(owner, created.Token).Get(t, "/api/v1/services").RequireProblem(t, 401, "unauthenticated")
	owner.Post(t, "/api/v1/tokens/"+created.ID+"/rotate", nil).RequireProblem(t, 422, "validation_failed")
	body["expires_at"] = nil
	create(t, owner, body)

	path := "/api/v1/tokens/" + created.ID
	owner.WithHeader("If-Match", `"9"`).Do(t, http.MethodPatch, path, m{"name": "New"}).RequireProblem(t, 412, "version_mismatch")
	renamed := owner.WithHeader("If-Match", `"1"`).Do(t, http.MethodPatch, path, m{"name": "New"}).Require(t, 200)
	require.Equal(t, "New", renamed.Object(t)["name"])
	require.Equal(t, `"2"`, renamed.Header.Get("ETag"))
	owner.Do(t, http.MethodPatch, path, m{"scopes": []string{"services:write"}}).RequireProblem(t, 400, "invalid_request")
	for _, wrong := range []m{
		{"name": "X", "scopes": []string{}},
		{"name": "X", "scopes": []string{"services:delete"}},
		{"name": "X", "scopes": []string{"services:read", "services:read"}},
		{"name": "  ", "scopes": []string{"services:read"}},
		{"scopes": []string{"services:read"}},
		{"name": "X"},
	} {
		owner.Post(t, "/api/v1/tokens", wrong).RequireProblem(t, 400, "invalid_request")
	}
}

// last_used_at is written once a minute at the most, however many requests come at once.
func TestLastUseIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	created := create(t, owner, m{"name": "Website", "scopes": []string{"services:read"}})
	writes := func() (n int) {
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT n FROM uses").Scan(&n))
		return n
	}
	_, err := s.DB.OwnerPool().Exec(t.Context(), `CREATE TABLE uses AS SELECT 0 AS n;
		CREATE FUNCTION count_use() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN UPDATE public.uses SET n = n + 1; RETURN NEW; END $$;
		CREATE TRIGGER count_use AFTER UPDATE ON api_tokens FOR EACH ROW EXECUTE FUNCTION count_use()`)
	require.NoError(t, err)
	for minute := range 3 {
		done := make(chan error)
		for range 16 {
			request := as(owner, created.Token).Request(t, http.MethodGet, "/api/v1/services", nil)
			go func() { _, err := owner.Send(request); done <- err }()
		}
		for range 16 {
			require.NoError(t, <-done)
		}
		require.Equal(t, minute+1, writes())
		s.Clock.Advance(time.Minute)
		as(owner, created.Token).Get(t, "/api/v1/services").Require(t, 200)
		require.Equal(t, minute+1, writes(), "to the minute, and not more often")
		s.Clock.Advance(time.Microsecond)
	}
	require.Equal(t, 1, get(t, owner, created.ID).Version, "being used is no change")
}

// What a token does is the token's doing, not its maker's.
func TestATokenIsTheActor(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	created := create(t, owner, m{"name": "Website", "scopes": []string{"customers:write"}})
	as(owner, created.Token).Post(t, "/api/v1/customers", m{"name": "Carla"}).Require(t, 201)
	as(owner, created.Token).Get(t, "/api/v1/services").RequireProblem(t, 403, "scope_required")
	one := func(sql string) (user, token *string) {
		t.Helper()
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), sql).Scan(&user, &token))
		return user, token
	}
	for _, sql := range []string{
		"SELECT actor_user_id::text, actor_token_id::text FROM events WHERE type = 'customer.created'",
		"SELECT actor_user_id::text, actor_token_id::text FROM audit_entries WHERE action = 'access.denied'",
	} {
		user, token := one(sql)
		require.Nil(t, user, sql)
		require.Equal(t, &created.ID, token, sql)
	}
	user, byToken := one("SELECT actor_user_id::text, actor_token_id::text FROM audit_entries WHERE action = 'token.created'")
	require.Equal(t, created.CreatedBy, user)
	require.Nil(t, byToken)
}
