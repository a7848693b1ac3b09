package businesses_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

func TestOverrides(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	tenant, other := s.Tenant(t, "a"), s.Tenant(t, "b")
	create := func(in businesses.OverrideInput) businesses.Override {
		override, err := s.Overrides.Create(t.Context(), s.scope(), tenant.ID, in)
		require.NoError(t, err)
		return override
	}
	has := func() bool { return tenant.Scope(t, false).Entitlements.Has(entitle.UseWebhooks) }
	name := string(entitle.UseWebhooks)
	denied := create(businesses.OverrideInput{Name: name, Value: json.RawMessage("false"), Reason: " Abuse "})
	require.Equal(t, "Abuse", denied.Reason)
	require.Equal(t, apitest.Start, denied.From)
	require.Equal(t, s.actor, denied.Actor.ID)
	require.False(t, has())
	granted := create(businesses.OverrideInput{
		Name: name, Value: json.RawMessage("true"), Reason: "Trial", From: new(apitest.Start.Add(time.Hour)), To: new(apitest.Start.Add(2 * time.Hour)),
	})
	require.False(t, has(), "it has not begun")
	s.Clock.Advance(time.Hour)
	require.True(t, has(), "the last one applies")
	s.Clock.Advance(time.Hour)
	require.False(t, has(), "it has ended")

	end := func(id uuid.UUID) error { return s.Overrides.End(t.Context(), s.scope(), tenant.ID, id) }
	requireCode(t, end(granted.ID), apperr.NotFound)
	requireCode(t, s.Overrides.End(t.Context(), s.scope(), other.ID, denied.ID), apperr.NotFound)
	require.NoError(t, end(denied.ID))
	require.True(t, has())
	requireCode(t, end(denied.ID), apperr.NotFound)

	page := keyset.Page{Limit: 1}
	list, err := s.Overrides.List(t.Context(), tenant.ID, page)
	require.NoError(t, err)
	require.Equal(t, granted.ID, list.Data[0].ID, "the newest first")
	page.Cursor = *list.NextCursor
	list, err = s.Overrides.List(t.Context(), tenant.ID, page)
	require.NoError(t, err)
	require.Nil(t, list.NextCursor)
	require.Equal(t, denied.ID, list.Data[0].ID)
	require.Equal(t, s.actor, list.Data[0].EndedBy.ID)
	require.False(t, list.Data[0].Active(s.Clock.Now()))
	_, err = s.Overrides.List(t.Context(), other.ID, page)
	requireCode(t, err, apperr.InvalidCursor)
	_, err = s.Overrides.List(t.Context(), uuid.New(), keyset.Page{Limit: 1})
	requireCode(t, err, apperr.NotFound)
	require.Equal(t, []string{"override.created", "override.created", "override.ended"}, s.events(t, tenant.ID, "override."))
	require.Equal(t, []string{"override.created", "override.created", "override.ended"}, s.trail(t, tenant.ID))
}

func TestOverrides_Create_Refuses(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	tenant := s.Tenant(t, "a")
	for name, test := range map[string]struct {
		in      businesses.OverrideInput
		pointer string
	}{
		"an unknown name":        {businesses.OverrideInput{Name: "can_fly", Value: json.RawMessage("true"), Reason: "x"}, "/name"},
		"a number for a feature": {businesses.OverrideInput{Name: "can_export_data", Value: json.RawMessage("3"), Reason: "x"}, "/value"},
		"a negative limit":       {businesses.OverrideInput{Name: "max_users", Value: json.RawMessage("-1"), Reason: "x"}, "/value"},
		"an empty reason":        {businesses.OverrideInput{Name: "max_users", Value: json.RawMessage("1"), Reason: " "}, "/reason"},
		"an end before its begin": {businesses.OverrideInput{
			Name: "max_users", Value: json.RawMessage("1"), Reason: "x", To: new(apitest.Start),
		}, "/to"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := s.Overrides.Create(t.Context(), s.scope(), tenant.ID, test.in)
			requireCode(t, err, apperr.ValidationFailed, test.pointer)
		})
	}
	_, err := s.Overrides.Create(t.Context(), s.scope(), uuid.New(), businesses.OverrideInput{Name: "max_users", Value: json.RawMessage("1"), Reason: "x"})
	requireCode(t, err, apperr.NotFound)
}
