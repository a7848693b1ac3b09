package audit_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// start is the instant of the first entry of a test.
var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// actions lists what a filter finds, in pages of the size.
func actions(t *testing.T, db *dbtest.DB, filter audit.Filter, size int) []string {
	t.Helper()
	found, page := []string{}, keyset.Page{Limit: size}
	for {
		list, err := audit.List(t.Context(), db.PlatformPool(), filter, page)
		require.NoError(t, err)
		require.LessOrEqual(t, len(list.Data), size)
		for _, entry := range list.Data {
			found = append(found, entry.Action)
		}
		if list.NextCursor == nil {
			return found
		}
		page.Cursor = *list.NextCursor
	}
}

func TestList_Filters(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	user, impersonator, other := uuid.New(), uuid.New(), uuid.New()
	a, b := &tenancy.Tenant{ID: uuid.New()}, &tenancy.Tenant{ID: uuid.New()}
	live := tenancy.Environment{ID: uuid.New(), TenantID: a.ID}
	sandbox := tenancy.Environment{ID: uuid.New(), TenantID: a.ID, IsSandbox: true}
	as := func(id uuid.UUID) *tenancy.Principal { return &tenancy.Principal{UserID: id, Role: tenancy.RoleOwner} }
	impersonation := as(user)
	impersonation.Impersonator = &tenancy.Impersonator{UserID: impersonator, Role: tenancy.RoleSuperuser}
	for i, e := range []struct {
		scope tenancy.Scope
		entry audit.Entry
	}{
		{tenancy.Scope{Tenant: a, Env: live, Principal: as(user)}, audit.Entry{Action: "live.done", Outcome: audit.Success, TargetType: "room", TargetID: "1"}},
		{tenancy.Scope{Tenant: a, Env: sandbox, Principal: as(other)}, audit.Entry{Action: "sandbox.done", Outcome: audit.Denied, TargetType: "room", TargetID: "2"}},
		{tenancy.Scope{Tenant: a, Principal: impersonation}, audit.Entry{Action: "modeless.done", Outcome: audit.Failure, TargetType: "user", TargetID: "1"}},
		{tenancy.Scope{Tenant: b, Principal: as(other)}, audit.Entry{Action: "other.done", Outcome: audit.Success}},
		{tenancy.Scope{}, audit.Entry{Action: "platform.done", Outcome: audit.Success}},
	} {
		e.scope.Now = start.Add(time.Duration(i) * time.Hour)
		require.NoError(t, audit.Record(t.Context(), db.AppPool(), &e.scope, e.entry))
	}
	for name, test := range map[string]struct {
		filter audit.Filter
		want   []string // the newest first
	}{
		"zero shows nothing":                   {audit.Filter{}, []string{}},
		"without a tenant shows nothing":       {audit.Filter{Action: new("other.done"), WithModeless: true}, []string{}},
		"anywhere":                             {audit.Filter{Anywhere: true}, []string{"platform.done", "other.done", "modeless.done", "sandbox.done", "live.done"}},
		"tenant":                               {audit.Filter{TenantID: &a.ID}, []string{"modeless.done", "sandbox.done", "live.done"}},
		"environment":                          {audit.Filter{TenantID: &a.ID, EnvID: &live.ID}, []string{"live.done"}},
		"environment, with entries of neither": {audit.Filter{TenantID: &a.ID, EnvID: &live.ID, WithModeless: true}, []string{"modeless.done", "live.done"}},
		"environment of another tenant":        {audit.Filter{TenantID: &b.ID, EnvID: &live.ID}, []string{}},
		"actor":                                {audit.Filter{TenantID: &a.ID, Actor: &user}, []string{"modeless.done", "live.done"}},
		"impersonator":                         {audit.Filter{TenantID: &a.ID, Actor: &impersonator}, []string{"modeless.done"}},
		"action":                               {audit.Filter{Anywhere: true, Action: new("other.done")}, []string{"other.done"}},
		"target type":                          {audit.Filter{TenantID: &a.ID, TargetType: new("room")}, []string{"sandbox.done", "live.done"}},
		"target":                               {audit.Filter{TenantID: &a.ID, TargetType: new("room"), Target: new("2")}, []string{"sandbox.done"}},
		"outcome":                              {audit.Filter{TenantID: &a.ID, Outcome: new(string(audit.Failure))}, []string{"modeless.done"}},
		"from is inclusive, to exclusive": {
			audit.Filter{Anywhere: true, From: new(start.Add(time.Hour)), To: new(start.Add(3 * time.Hour))}, []string{"modeless.done", "sandbox.done"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{1, 2, 10} {
				require.Equal(t, test.want, actions(t, db, test.filter, size), "pages of %d", size)
			}
		})
	}
}

func TestList_Cursors(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant := uuid.New()
	record := func(action string, at time.Time) {
		require.NoError(t, audit.Record(t.Context(), db.AppPool(), &tenancy.Scope{Now: at}, audit.Entry{Action: action, Outcome: audit.Success, TenantID: &tenant}))
	}
	var want []string
	for i := range 7 { // all at one instant: ids decide
		want = append(want, "test."+string(rune('a'+i)))
		record(want[i], start)
	}
	slices.Reverse(want)
	filter := audit.Filter{TenantID: &tenant}
	require.Equal(t, want, actions(t, db, filter, 3))

	first, err := audit.List(t.Context(), db.PlatformPool(), filter, keyset.Page{Limit: 3})
	require.NoError(t, err)
	record("test.later", start.Add(time.Hour))
	next := keyset.Page{Limit: 3, Cursor: *first.NextCursor}
	second, err := audit.List(t.Context(), db.PlatformPool(), filter, next)
	require.NoError(t, err)
	require.Equal(t, want[3], second.Data[0].Action, "a new entry moves no page")

	var refused *apperr.Error
	_, err = audit.List(t.Context(), db.PlatformPool(), audit.Filter{TenantID: &tenant, Action: new("test.b")}, next)
	require.ErrorAs(t, err, &refused)
	require.Equal(t, apperr.InvalidCursor, refused.Code, "a cursor belongs to its filter")
	_, err = audit.List(t.Context(), db.PlatformPool(), audit.Filter{}, next)
	require.ErrorAs(t, err, &refused, "also for the zero filter")
}
