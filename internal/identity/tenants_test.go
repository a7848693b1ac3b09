package identity

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func (b *bundle) input(subdomain string) CreateTenantInput {
	return CreateTenantInput{
		Name: "Some business", Subdomain: subdomain, PlanCode: "free", Timezone: "Europe/Berlin", Currency: "EUR", Now: b.now,
	}
}

func TestCreateTenant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.input("acme-auto")
	in.ID, in.CustomDomains = uuid.New(), []string{"book.acme.example"}
	tenant, err := CreateTenant(t.Context(), b.store, in)
	require.NoError(t, err)
	require.Equal(t, in.ID, tenant.ID)
	require.Equal(t, "acme_auto", tenant.Live.Name)
	require.Equal(t, "acme_auto_sandbox", tenant.Sandbox.Name)
	for _, domain := range []string{"acme-auto", "book.acme.example"} {
		scope := b.request(t, domain, "", "")
		require.Equal(t, tenant, scope.Tenant)
		require.Equal(t, tenant.Live, scope.Env)
		require.Equal(t, tenant.Sandbox, b.request(t, domain, "", "true").Env)
		require.Equal(t, "free", scope.Entitlements.Plan.Code)
		found, err := FindTenant(t.Context(), b.store, domain)
		require.NoError(t, err)
		require.Equal(t, tenant.ID, found)
	}
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM domains WHERE tenant_id = $1 AND kind = 'SUBDOMAIN' AND is_primary", tenant.ID))
	// Both worlds can be written to, so both have a feed.
	b.user(t, b.request(t, "acme-auto", "", ""), "a@b.example", tenancy.RoleOwner)
	b.user(t, b.request(t, "acme-auto", "", "true"), "a@b.example", tenancy.RoleOwner)

	_, err = FindTenant(t.Context(), b.store, "nowhere")
	requireCode(t, apperr.NotFound, err)
}

func TestCreateTenantRefusesInput(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, test := range map[string]struct {
		change  func(*CreateTenantInput)
		pointer string
		code    apperr.Code
	}{
		"no name":          {func(in *CreateTenantInput) { in.Name = " " }, "/name", apperr.ValidationFailed},
		"long name":        {func(in *CreateTenantInput) { in.Name = strings.Repeat("x", 256) }, "/name", apperr.ValidationFailed},
		"no subdomain":     {func(in *CreateTenantInput) { in.Subdomain = "" }, "/subdomain", apperr.ValidationFailed},
		"upper case":       {func(in *CreateTenantInput) { in.Subdomain = "Acme" }, "/subdomain", apperr.ValidationFailed},
		"underscore":       {func(in *CreateTenantInput) { in.Subdomain = "a_b" }, "/subdomain", apperr.ValidationFailed},
		"dot":              {func(in *CreateTenantInput) { in.Subdomain = "a.b" }, "/subdomain", apperr.ValidationFailed},
		"hyphen at end":    {func(in *CreateTenantInput) { in.Subdomain = "a-" }, "/subdomain", apperr.ValidationFailed},
		"digit first":      {func(in *CreateTenantInput) { in.Subdomain = "1a" }, "/subdomain", apperr.ValidationFailed},
		"long subdomain":   {func(in *CreateTenantInput) { in.Subdomain = strings.Repeat("a", 56) }, "/subdomain", apperr.ValidationFailed},
		"platform":         {func(in *CreateTenantInput) { in.Subdomain = "platform" }, "/subdomain", apperr.ValidationFailed},
		"www":              {func(in *CreateTenantInput) { in.Subdomain = "www" }, "/subdomain", apperr.ValidationFailed},
		"like a sandbox":   {func(in *CreateTenantInput) { in.Subdomain = "other-sandbox" }, "/subdomain", apperr.ValidationFailed},
		"taken":            {func(in *CreateTenantInput) { in.Subdomain = "demo" }, "/subdomain", apperr.AlreadyExists},
		"same id":          {func(in *CreateTenantInput) { in.ID = b.demo.ID }, "/id", apperr.AlreadyExists},
		"no plan":          {func(in *CreateTenantInput) { in.PlanCode = "gold" }, "/plan", apperr.ValidationFailed},
		"no zone":          {func(in *CreateTenantInput) { in.Timezone = "" }, "/timezone", apperr.ValidationFailed},
		"server's zone":    {func(in *CreateTenantInput) { in.Timezone = "Local" }, "/timezone", apperr.ValidationFailed},
		"unknown zone":     {func(in *CreateTenantInput) { in.Timezone = "Europe/Atlantis" }, "/timezone", apperr.ValidationFailed},
		"zone as path":     {func(in *CreateTenantInput) { in.Timezone = "../../etc/passwd" }, "/timezone", apperr.ValidationFailed},
		"currency":         {func(in *CreateTenantInput) { in.Currency = "usd" }, "/currency", apperr.ValidationFailed},
		"domain is label":  {func(in *CreateTenantInput) { in.CustomDomains = []string{"acme"} }, "/custom_domains", apperr.ValidationFailed},
		"domain upper":     {func(in *CreateTenantInput) { in.CustomDomains = []string{"Book.acme.example"} }, "/custom_domains", apperr.ValidationFailed},
		"domain twice":     {func(in *CreateTenantInput) { in.CustomDomains = []string{"a.example", "a.example"} }, "/domain", apperr.AlreadyExists},
		"domain with port": {func(in *CreateTenantInput) { in.CustomDomains = []string{"a.example:80"} }, "/custom_domains", apperr.ValidationFailed},
	} {
		in := b.input("acme-auto")
		test.change(&in)
		_, err := CreateTenant(t.Context(), b.store, in)
		require.Error(t, err, name)
		requirePointer(t, test.code, test.pointer, err)
	}
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM tenants"), "nothing is left of those that failed")
	require.Equal(t, 2, b.count(t, "SELECT count(*) FROM environments"))

	_, err := CreateTenant(t.Context(), b.store, CreateTenantInput{Now: b.now})
	require.Len(t, refusal(t, apperr.ValidationFailed, err).Fields, 4, "everything wrong is named at once")
	_, err = CreateTenant(t.Context(), b.store, b.input(strings.Repeat("a", 55)))
	require.NoError(t, err, "the longest one")
}

func TestCreateMissingSandboxes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tenant(t, "acme-auto", "free")
	b.tenant(t, "mompop", "free")
	for range 50 { // the race between two unique constraints needs some luck to show
		b.exec(t, "DELETE FROM environments WHERE name IN ('acme_auto_sandbox', 'demo_sandbox')")
		begin := make(chan struct{})
		results := make([][]string, 6)
		var group sync.WaitGroup
		for i := range results {
			group.Go(func() {
				<-begin
				names, err := CreateMissingSandboxes(t.Context(), b.store)
				if err != nil {
					t.Errorf("unexpected: %v", err)
				}
				results[i] = names
			})
		}
		close(begin)
		group.Wait()
		require.ElementsMatch(t, []string{"acme_auto_sandbox", "demo_sandbox"}, slices.Concat(results...))
	}
	b.user(t, b.request(t, "demo", "", "true"), "a@b.example", tenancy.RoleOwner) // it has a feed

	made, err := CreateMissingSandboxes(t.Context(), b.store)
	require.NoError(t, err)
	require.Empty(t, made)
}

// The case that has to wait: another run has made the sandbox and not yet committed.
func TestCreateMissingSandboxesSharesTheWork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, "DELETE FROM environments WHERE name = 'demo_sandbox'")
	type result struct {
		names []string
		err   error
	}
	done := make(chan result, 1)
	require.NoError(t, b.store.InPlatform(t.Context(), nil, func(tx pgx.Tx) error {
		made, err := insertEnvironment(t.Context(), tx, b.demo.Sandbox)
		if err != nil || !made {
			return errors.Join(err, errors.New("not made"))
		}
		go func() {
			names, err := CreateMissingSandboxes(t.Context(), b.store)
			done <- result{names, err}
		}()
		return b.waitForLock(t.Context())
	}))
	got := <-done
	require.NoError(t, got.err)
	require.Empty(t, got.names)
}
