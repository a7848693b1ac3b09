package businesses_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// ids lists the businesses that a filter finds, read in pages of two.
func (s *setup) ids(t *testing.T, filter businesses.BusinessFilter) (found []uuid.UUID) {
	t.Helper()
	page := keyset.Page{Limit: 2}
	for {
		list, err := s.Businesses.List(t.Context(), s.scope(), filter, page)
		require.NoError(t, err)
		require.LessOrEqual(t, len(list.Data), 2)
		for _, b := range list.Data {
			found = append(found, b.ID)
		}
		if list.NextCursor == nil {
			return found
		}
		page.Cursor = *list.NextCursor
	}
}

func TestBusinesses_List(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	a := s.Tenant(t, "aurora")
	s.Clock.Advance(time.Minute)
	b, c := s.Tenant(t, "birch"), s.Tenant(t, "cedar") // created at the same instant
	a.Set(t, "name", "Zoo 100%")
	a.User(t, tenancy.RoleOwner, false)
	b.Set(t, "status", tenancy.StatusTrial)
	c.User(t, tenancy.RoleManager, false)
	s.exec(t, `INSERT INTO domains (id, tenant_id, kind, name, verified_at) VALUES (gen_random_uuid(), $1, 'CUSTOM', 'book.forest.example', now())`, c.ID)
	_, err := s.Subscriptions.Change(t.Context(), s.scope(), b.ID, businesses.PlanChangeInput{PlanCode: "free", When: businesses.Now})
	require.NoError(t, err)

	later, last := b.ID, c.ID // equal instants are ordered by id
	if later.String() > last.String() {
		later, last = last, later
	}
	for name, test := range map[string]struct {
		filter businesses.BusinessFilter
		want   []uuid.UUID
	}{
		"newest first":                     {businesses.BusinessFilter{Sort: businesses.NewestFirst}, []uuid.UUID{last, later, a.ID}},
		"oldest first":                     {businesses.BusinessFilter{Sort: businesses.OldestFirst}, []uuid.UUID{a.ID, later, last}},
		"by name":                          {businesses.BusinessFilter{Sort: businesses.ByName}, []uuid.UUID{b.ID, c.ID, a.ID}},
		"by name, descending":              {businesses.BusinessFilter{Sort: businesses.ByNameDown}, []uuid.UUID{a.ID, c.ID, b.ID}},
		"by status":                        {businesses.BusinessFilter{Status: new(tenancy.StatusTrial), Sort: businesses.ByName}, []uuid.UUID{b.ID}},
		"by plan":                          {businesses.BusinessFilter{PlanCode: new("enterprise"), Sort: businesses.ByName}, []uuid.UUID{c.ID, a.ID}},
		"search in names, ignoring case":   {businesses.BusinessFilter{Search: new("zOO"), Sort: businesses.ByName}, []uuid.UUID{a.ID}},
		"search takes % literally":         {businesses.BusinessFilter{Search: new("0%"), Sort: businesses.ByName}, []uuid.UUID{a.ID}},
		"search takes _ literally":         {businesses.BusinessFilter{Search: new("bir_h"), Sort: businesses.ByName}, nil},
		"search in environments":           {businesses.BusinessFilter{Search: new("aurora"), Sort: businesses.ByName}, []uuid.UUID{a.ID}},
		"search in domains":                {businesses.BusinessFilter{Search: new("forest.ex"), Sort: businesses.ByName}, []uuid.UUID{c.ID}},
		"search in addresses of owners":    {businesses.BusinessFilter{Search: new("owner@aurora"), Sort: businesses.ByName}, []uuid.UUID{a.ID}},
		"search skips other users' emails": {businesses.BusinessFilter{Search: new("@cedar.example"), Sort: businesses.ByName}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, s.ids(t, test.filter))
		})
	}
	t.Run("refuses a cursor of other filters", func(t *testing.T) {
		t.Parallel()
		list, err := s.Businesses.List(t.Context(), s.scope(), businesses.BusinessFilter{Sort: businesses.ByName}, keyset.Page{Limit: 1})
		require.NoError(t, err)
		_, err = s.Businesses.List(t.Context(), s.scope(), businesses.BusinessFilter{Sort: businesses.NewestFirst}, keyset.Page{Limit: 1, Cursor: *list.NextCursor})
		requireCode(t, err, apperr.InvalidCursor)
	})
}

func TestBusinesses_Get(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	tenant := s.Tenant(t, "a")
	first := tenant.User(t, tenancy.RoleOwner, false)
	s.Clock.Advance(time.Minute)
	tenant.User(t, tenancy.RoleOwner, false)
	tenant.User(t, tenancy.RoleManager, false)
	tenant.User(t, tenancy.RoleOwner, true)
	tenant.Override(t, string(entitle.UseWebhooks), false)
	tenant.Set(t, "timezone", "Atlantis/Capital") // unknown

	got, err := s.Businesses.Get(t.Context(), s.scope(), tenant.ID)
	require.NoError(t, err)
	require.Equal(t, &businesses.Person{ID: first.ID, Name: first.Name, Email: first.Email}, got.Owner, "the first owner")
	require.EqualValues(t, 3, got.UserCount, "users of the live environment")
	require.Equal(t, []string{"a", "a_sandbox", "a"}, []string{got.SchemaName, got.SandboxSchemaName, got.Domain})
	require.Equal(t, businesses.PlanReference{Code: "enterprise", Name: "Enterprise", Version: 1}, got.Plan)
	require.Len(t, got.Features, len(entitle.Features()))
	require.False(t, got.Features[entitle.UseWebhooks], "overrides count")
	require.True(t, got.Features[entitle.ExportData])

	s.exec(t, "UPDATE users SET is_active = false WHERE id = $1", first.ID)
	tenant.Set(t, "status", tenancy.StatusSuspended)
	got, err = s.Businesses.Get(t.Context(), s.scope(), tenant.ID)
	require.NoError(t, err)
	require.NotNil(t, got.Owner)
	require.NotEqual(t, first.ID, got.Owner.ID, "the first active owner")
	require.False(t, got.Features[entitle.ExportData], "a suspended business has no features")

	_, err = s.Businesses.Get(t.Context(), s.scope(), uuid.New())
	requireCode(t, err, apperr.NotFound)
}

func TestBusinesses_Create(t *testing.T) { //nolint:tparallel // its subtests build on each other
	t.Parallel()
	s := newSetup(t)
	input := businesses.BusinessInput{
		Name: "Salon", Subdomain: "salon", PlanCode: "free", Timezone: "Europe/Vienna", Currency: "EUR", Status: tenancy.StatusTrial,
		Owner: &businesses.OwnerInput{Email: "nora@salon.example", Name: "Nora"},
	}
	created, err := s.Businesses.Create(t.Context(), s.scope(), input, apitest.Password)
	require.NoError(t, err)
	require.Equal(t, tenancy.StatusTrial, created.Status)
	require.Equal(t, "nora@salon.example", created.Owner.Email)
	require.EqualValues(t, 1, created.UserCount)
	require.Equal(t, []string{"business.created"}, s.trail(t, created.ID))
	s.Login(t, "salon.localhost", "nora@salon.example")

	count := func() int { return one[int](t, s, "SELECT count(*)::int FROM tenants") }
	before := count()
	for name, test := range map[string]struct {
		change   func(*businesses.BusinessInput)
		password string
		code     apperr.Code
		pointer  string
	}{
		"an owner's weak password": {func(*businesses.BusinessInput) {}, "nora-salon", apperr.ValidationFailed, "/owner/password"},
		"a taken subdomain":        {func(in *businesses.BusinessInput) { in.Subdomain = "salon" }, apitest.Password, apperr.AlreadyExists, "/subdomain"},
		"an unknown plan":          {func(in *businesses.BusinessInput) { in.PlanCode = "gold" }, apitest.Password, apperr.ValidationFailed, "/plan_code"},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			in := input
			owner := *input.Owner
			in.Subdomain, in.Owner = "other", &owner
			test.change(&in)
			_, err := s.Businesses.Create(t.Context(), s.scope(), in, test.password)
			requireCode(t, err, test.code, test.pointer)
			require.Equal(t, before, count())
		})
	}
}

func TestBusinesses_Update(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	tenant := s.Tenant(t, "a")
	update := func(version *int32, patch businesses.BusinessPatch) (businesses.Business, error) {
		return s.Businesses.Update(t.Context(), s.scope(), tenant.ID, version, patch)
	}
	suspended, err := update(nil, businesses.BusinessPatch{Status: new(tenancy.StatusSuspended)})
	require.NoError(t, err)
	require.Equal(t, apitest.Start, *suspended.SuspendedAt)
	s.Clock.Advance(time.Hour)
	again, err := update(&suspended.Version, businesses.BusinessPatch{Status: new(tenancy.StatusSuspended), Name: new("New")})
	require.NoError(t, err)
	require.Equal(t, apitest.Start, *again.SuspendedAt, "it has been suspended since")
	require.Equal(t, "New", again.Name)
	_, err = update(&suspended.Version, businesses.BusinessPatch{Status: new(tenancy.StatusActive)})
	requireCode(t, err, apperr.VersionMismatch)
	active, err := update(nil, businesses.BusinessPatch{Status: new(tenancy.StatusActive)})
	require.NoError(t, err)
	require.Nil(t, active.SuspendedAt)
	require.Equal(t, []string{"business.suspended", "business.administered", "business.reactivated"}, s.events(t, tenant.ID, "business."))
	require.Equal(t, []string{"business.updated", "business.updated", "business.updated"}, s.trail(t, tenant.ID))
	_, err = s.Businesses.Update(t.Context(), s.scope(), uuid.New(), nil, businesses.BusinessPatch{})
	requireCode(t, err, apperr.NotFound)
}

func TestBusinesses_Update_GracePeriod(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	tenant := s.Tenant(t, "a")
	update := func(patch businesses.BusinessPatch) (businesses.Business, error) {
		return s.Businesses.Update(t.Context(), s.scope(), tenant.ID, nil, patch)
	}
	_, err := update(businesses.BusinessPatch{GraceUntil: new(apitest.Start.Add(time.Hour))})
	requireCode(t, err, apperr.ValidationFailed, "/grace_until")

	pastDue, err := update(businesses.BusinessPatch{BillingStatus: new("PAST_DUE")})
	require.NoError(t, err)
	require.Equal(t, apitest.Start.Add(14*24*time.Hour), *pastDue.Subscription.GraceUntil, "the default")
	s.Clock.Advance(time.Hour)
	renamed, err := update(businesses.BusinessPatch{Name: new("New")})
	require.NoError(t, err)
	require.Equal(t, pastDue.Subscription.GraceUntil, renamed.Subscription.GraceUntil, "other changes keep it")
	shorter, err := update(businesses.BusinessPatch{GraceUntil: new(s.Clock.Now().Add(time.Minute))})
	require.NoError(t, err)
	require.True(t, shorter.Features[entitle.ExportData])
	s.Clock.Advance(time.Minute)
	over, err := s.Businesses.Get(t.Context(), s.scope(), tenant.ID)
	require.NoError(t, err)
	require.False(t, over.Features[entitle.ExportData], "the grace period is over")
	settled, err := update(businesses.BusinessPatch{BillingStatus: new("CURRENT")})
	require.NoError(t, err)
	require.Nil(t, settled.Subscription.GraceUntil)
	require.True(t, settled.Features[entitle.ExportData])
	require.Equal(t, []string{"subscription.past_due", "subscription.past_due", "subscription.settled"}, s.events(t, tenant.ID, "subscription."))
}
