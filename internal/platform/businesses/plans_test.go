package businesses_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
)

// plan adds a plan whose only version is a draft.
func (s *setup) plan(t *testing.T, code string) businesses.Plan {
	t.Helper()
	plan, err := s.Plans.Create(t.Context(), s.scope(), businesses.PlanInput{Code: code, Name: code, Content: businesses.PlanContent{
		Features: map[entitle.Feature]bool{entitle.ExportData: true}, Limits: map[entitle.Quota]*int64{entitle.MaxUsers: new(int64(2))},
		Price: &businesses.Money{Amount: 500, Currency: "EUR"}, Interval: new(entitle.Yearly),
	}})
	require.NoError(t, err)
	return plan
}

func TestPlans_Create(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	plan := s.plan(t, "club")
	require.Len(t, plan.Versions, 1)
	draft := plan.Versions[0]
	require.Equal(t, "DRAFT", draft.Status)
	require.Equal(t, businesses.Money{Amount: 500, Currency: "EUR"}, draft.Price)
	require.EqualValues(t, 2, *draft.Limits[entitle.MaxUsers])

	plans, err := s.Plans.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, plan.ID, plans[len(plans)-1].ID, "without a rank it is the largest")
	got, err := s.Plans.Get(t.Context(), plan.ID)
	require.NoError(t, err)
	require.Equal(t, plan, got)
	_, err = s.Plans.Get(t.Context(), uuid.New())
	requireCode(t, err, apperr.NotFound)

	_, err = s.Plans.Create(t.Context(), s.scope(), businesses.PlanInput{Code: "club", Name: "Club", Content: businesses.PlanContent{
		Price: &businesses.Money{Currency: "EUR"}, Interval: new(entitle.Monthly),
	}})
	requireCode(t, err, apperr.AlreadyExists, "/code")
	_, err = s.Plans.Create(t.Context(), s.scope(), businesses.PlanInput{Code: "other", Name: "Other", Rank: &plan.Rank, Content: businesses.PlanContent{
		Price: &businesses.Money{Currency: "EUR"}, Interval: new(entitle.Monthly),
	}})
	requireCode(t, err, apperr.AlreadyExists, "/rank")
	_, err = s.Plans.Create(t.Context(), s.scope(), businesses.PlanInput{Code: "other", Name: "Other", Content: businesses.PlanContent{
		Features: map[entitle.Feature]bool{"can_fly/~": true}, Limits: map[entitle.Quota]*int64{"max_wings": nil},
	}})
	requireCode(t, err, apperr.ValidationFailed, "/features/can_fly~1~0", "/limits/max_wings")
	require.Len(t, all[string](t, s, "SELECT code FROM plans"), len(plans), "nothing is left of them")
}

func TestPlans_Versions(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	ctx, plan := t.Context(), s.plan(t, "club")
	requireCode(t, s.Plans.DeleteDraft(ctx, s.scope(), plan.ID, 1), apperr.InUse) // the only version
	_, err := s.Plans.CreateDraft(ctx, s.scope(), plan.ID)
	requireCode(t, err, apperr.AlreadyExists)
	_, err = s.Plans.Archive(ctx, s.scope(), plan.ID, 1)
	requireCode(t, err, apperr.InvalidTransition)
	first, err := s.Plans.Publish(ctx, s.scope(), plan.ID, 1)
	require.NoError(t, err)
	require.Equal(t, "PUBLISHED", first.Status)

	draft, err := s.Plans.CreateDraft(ctx, s.scope(), plan.ID)
	require.NoError(t, err)
	require.EqualValues(t, 2, draft.Version)
	require.Equal(t, first.Limits, draft.Limits, "a copy of the published version")
	changed, err := s.Plans.UpdateDraft(ctx, s.scope(), plan.ID, 2, &draft.Revision, businesses.PlanContent{
		Features: map[entitle.Feature]bool{entitle.WhiteLabel: true}, Limits: map[entitle.Quota]*int64{entitle.MaxUsers: nil},
	})
	require.NoError(t, err)
	require.Equal(t, map[entitle.Feature]bool{entitle.ExportData: true, entitle.WhiteLabel: true}, changed.Features, "merged")
	require.Equal(t, map[entitle.Quota]*int64{entitle.MaxUsers: nil}, changed.Limits)
	require.Equal(t, first.Price, changed.Price)
	_, err = s.Plans.UpdateDraft(ctx, s.scope(), plan.ID, 2, &draft.Revision, businesses.PlanContent{})
	requireCode(t, err, apperr.VersionMismatch)

	_, err = s.Plans.Publish(ctx, s.scope(), plan.ID, 2)
	require.NoError(t, err)
	got, err := s.Plans.Get(ctx, plan.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"PUBLISHED", "ARCHIVED"}, []string{got.Versions[0].Status, got.Versions[1].Status})
	for _, number := range []int32{1, 2} {
		_, err = s.Plans.UpdateDraft(ctx, s.scope(), plan.ID, number, nil, businesses.PlanContent{})
		requireCode(t, err, apperr.InvalidTransition)
		requireCode(t, s.Plans.DeleteDraft(ctx, s.scope(), plan.ID, number), apperr.InvalidTransition)
		_, err = s.Plans.Publish(ctx, s.scope(), plan.ID, number)
		requireCode(t, err, apperr.InvalidTransition)
	}
	_, err = s.Plans.Publish(ctx, s.scope(), plan.ID, 3)
	requireCode(t, err, apperr.NotFound)

	_, err = s.Plans.CreateDraft(ctx, s.scope(), plan.ID)
	require.NoError(t, err)
	require.NoError(t, s.Plans.DeleteDraft(ctx, s.scope(), plan.ID, 3))
	_, err = s.Plans.Archive(ctx, s.scope(), plan.ID, 2)
	require.NoError(t, err)
	require.Equal(t, []string{
		"plan.created", "plan.published", "plan.draft_created", "plan.draft_updated", "plan.published", "plan.draft_created", "plan.draft_deleted", "plan.archived",
	}, all[string](t, s, "SELECT action FROM audit_entries WHERE target_type = 'plan' AND target_id = $1 ORDER BY id", plan.ID.String()))
}

func TestOffers_List(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	tenant := s.Tenant(t, "a")
	tenant.Override(t, string(entitle.UseWebhooks), false)
	plan := s.plan(t, "club")
	list := func() []businesses.Offer {
		offers, err := s.Offers.List(t.Context(), tenant.Scope(t, false))
		require.NoError(t, err)
		return offers
	}
	before := list()
	require.Len(t, before, 4, "drafts are not offered")
	enterprise := before[3]
	require.True(t, enterprise.IsCurrent)
	require.Empty(t, enterprise.Features)
	require.Len(t, before[0].Features, len(entitle.Features())-1, "free has none; webhooks are off already")
	_, err := s.Plans.Publish(t.Context(), s.scope(), plan.ID, 1)
	require.NoError(t, err)
	offers := list()
	require.Len(t, offers, 5)
	require.Equal(t, "club", offers[4].Code)
	for _, quota := range offers[4].Quotas {
		require.False(t, quota.Raised(), quota.Quota)
	}
	_, err = s.Offers.List(t.Context(), s.scope())
	requireCode(t, err, apperr.TenantRequired)
}
