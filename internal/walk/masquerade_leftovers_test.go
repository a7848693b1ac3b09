package walk

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// access is everything in the database that lets somebody in, or data out: users with their roles,
// addresses and passwords, domains of their own that are served, where webhooks go, and all rows with a column
// that is named like a credential, in whatever table. Sessions of masquerades end with them,
// and answers that are kept for repeated requests are no rows of their own.
func access(t *testing.T, s *apitest.Server) map[string]bool {
	t.Helper()
	ctx := t.Context()
	rows, err := s.DB.OwnerPool().Query(ctx, `SELECT c.table_name, array_agg(c.column_name::text ORDER BY c.column_name)
		FROM information_schema.columns c JOIN information_schema.tables USING (table_schema, table_name)
		WHERE table_type = 'BASE TABLE' AND table_schema = 'public' AND table_name NOT IN ('goose_db_version', 'idempotency_keys')
			AND (column_name ~ '(hash|secret|token|password|plaintext|ciphertext|sealed)' AND column_name !~ '(token_id|secret_id)s?$'
				OR (table_name, column_name) IN (('users', 'role'), ('users', 'email'), ('users', 'is_active'), ('domains', 'verified_at'), ('webhook_endpoints', 'url')))
		GROUP BY c.table_name`)
	require.NoError(t, err)
	type table struct {
		Name    string
		Columns []string
	}
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	require.NoError(t, err)
	require.Greater(t, len(tables), 5)
	kept := map[string]bool{}
	for _, table := range tables {
		where := map[string]string{"sessions": " WHERE impersonator_id IS NULL", "domains": " WHERE kind = 'CUSTOM'"}[table.Name]
		rows, err := s.DB.OwnerPool().Query(ctx, "SELECT jsonb_build_array("+strings.Join(table.Columns, ", ")+")::text FROM "+table.Name+where)
		require.NoError(t, err)
		values, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		for _, value := range values {
			kept[table.Name+" "+value] = true
		}
	}
	return kept
}

// credentialsIn are the values in an answer that are named like credentials, or look like one.
func credentialsIn(body []byte) []string {
	var found []string
	var look func(name string, value any)
	look = func(name string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, part := range value {
				look(name, part)
			}
		case []any:
			for _, part := range value {
				look(name, part)
			}
		case string:
			if contract.IsCredential(name) || strings.HasPrefix(value, "whsec_") || strings.HasPrefix(value, "ss_") && len(value) > 30 {
				found = append(found, value)
			}
		}
	}
	var parsed any
	if json.Unmarshal(body, &parsed) == nil {
		look("", parsed)
	}
	return found
}

// Whoever works as another user, with all of the user's rights, leaves nothing behind that lets anybody in,
// and sees nothing that would, whatever the operation.
func TestMasquerade_LeavesNoAccessBehind(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	superuser := s.Platform(t, tenancy.RoleSuperuser)
	asManager := func() *apitest.Client {
		manager := s.Platform(t, tenancy.RolePlatformManager)
		return superuser.As(t, "platform.localhost", uuid.MustParse(me(t, manager)["id"].(string)))
	}
	platform := populatePlatform(t, superuser)
	worked := 0
	for i, op := range s.App.Contract.Operations() {
		g, f := s.App.Gates[op.ID], fixtures[op.ID]
		if g.Access == gate.Public {
			continue // who asks makes no difference
		}
		o, client := maps.Clone(platform), asManager()
		if g.Access != gate.Platform {
			tenant := s.Tenant(t, fmt.Sprint("t", i))
			owner := tenant.Client(t, tenancy.RoleOwner)
			o = populateAll(t, owner)
			if f.before != nil {
				f.before(t, owner, o)
			}
			o["session"] = s.SessionID(t, owner)
			owner.Post(t, "/api/v1/tokens", m{"name": "Test", "scopes": []string{"customers:write"}, "is_sandbox": true}).Require(t, 201)
			client = superuser.As(t, tenant.Host, uuid.MustParse(me(t, owner)["id"].(string)))
		}
		before := access(t, s)
		path, body := f.call(op, o)
		answer := f.in(client).Do(t, op.Method, path, body)
		if g.Masquerade == gate.MasqueradeNever {
			answer.RequireProblem(t, 403, "masquerade_refused")
		} else if g.Access != gate.Platform || !contract.Writes(op.Method) { // the platform's objects are shared by all of them
			answer.Require(t, f.want)
			worked++
		}
		client.Do(t, http.MethodDelete, "/api/auth/masquerade/", nil)

		for _, credential := range credentialsIn(answer.Body) {
			require.Equal(t, gate.MasqueradeAlways, g.Masquerade, "%s shows %s", op.ID, credential)
			client.WithToken(credential).Get(t, "/api/auth/me/").RequireProblem(t, 401, "unauthenticated")
		}
		for kept := range access(t, s) {
			require.True(t, before[kept], "%s leaves behind: %s", op.ID, kept)
		}
	}
	require.Greater(t, worked, 60)
}

// Support may look at everything; none of it is a credential with which it could write after all.
func TestMasquerade_ShowsNoCredential(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	s, tenant, owner, o := p.server, p.tenant, p.owner, p.objects
	populateBookings(t, owner, o)
	for _, c := range []*apitest.Client{owner, owner.Sandbox()} {
		token := c.Post(t, "/api/v1/tokens", m{"name": "Till", "scopes": []string{"services:write"}, "is_sandbox": true}).Require(t, 201)
		require.NotEmpty(t, credentialsIn(token.Body))
		o["token"] = token.ID(t)
		require.Len(t, credentialsIn(c.Get(t, "/api/v1/tokens/"+o["token"]).Require(t, 200).Body), 1, "the owner may read it")
	}
	support := s.Platform(t, tenancy.RolePlatformSupport).As(t, tenant.Host, uuid.MustParse(me(t, owner)["id"].(string)))
	read := 0
	for _, op := range s.App.Contract.Operations() {
		g, f := s.App.Gates[op.ID], fixtures[op.ID]
		if contract.Writes(op.Method) || g.Access == gate.Public || g.Access == gate.Platform || g.Masquerade == gate.MasqueradeNever {
			continue
		}
		path, _ := f.call(op, o)
		require.Empty(t, credentialsIn(support.Do(t, op.Method, path, nil).Require(t, f.want).Body), op.ID)
		require.Empty(t, credentialsIn(support.Sandbox().Do(t, op.Method, path, nil).Body), op.ID)
		read++
	}
	require.Greater(t, read, 30)
	require.True(t, slices.ContainsFunc(s.App.Contract.Operations(), func(op *contract.Operation) bool { return op.ShowsCredential() }))
}
