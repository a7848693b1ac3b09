package walk

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// A plan goes from draft to published to archived; what was published never changes, and
// businesses keep the version they have.
func TestTheLifeOfAPlan(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a") // on Enterprise
	owner := tenant.Client(t, tenancy.RoleOwner)
	manager := s.Platform(t, tenancy.RolePlatformManager)

	plans := manager.Get(t, "/api/platform/plans/").Require(t, 200).Object(t)["data"].([]any)
	require.Len(t, plans, 4)
	enterprise := plans[3].(m)
	require.EqualValues(t, 1, enterprise["versions"].([]any)[0].(m)["tenants"])
	path := "/api/platform/plans/" + enterprise["id"].(string)

	draft := manager.Post(t, path+"/versions/", nil).Require(t, 201)
	require.Equal(t, "DRAFT", draft.Object(t)["status"])
	require.EqualValues(t, 2, draft.Object(t)["version"])
	require.Equal(t, true, draft.Object(t)["features"].(m)["can_white_label"], "a copy of the published version")
	manager.Post(t, path+"/versions/", nil).RequireProblem(t, 409, "already_exists")

	change := m{"features": m{"can_white_label": false}, "limits": m{"max_resources": 7}}
	changed := manager.WithHeader("If-Match", draft.Header.Get("ETag")).Do(t, http.MethodPatch, path+"/versions/2/", change).Require(t, 200).Object(t)
	require.EqualValues(t, 7, changed["limits"].(m)["max_resources"])
	require.Nil(t, changed["limits"].(m)["max_users"], "what is not named stays")
	manager.WithHeader("If-Match", draft.Header.Get("ETag")).Do(t, http.MethodPatch, path+"/versions/2/", change).RequireProblem(t, 412, "version_mismatch")
	problem := manager.Do(t, http.MethodPatch, path+"/versions/2/", m{"features": m{"can_fly": true}, "limits": m{"max_wings": 2}}).
		RequireProblem(t, 422, "validation_failed")
	require.Equal(t, "/features/can_fly", problem["errors"].([]any)[0].(m)["pointer"])
	require.Equal(t, "/limits/max_wings", problem["errors"].([]any)[1].(m)["pointer"])

	require.Equal(t, "PUBLISHED", manager.Post(t, path+"/versions/2/publish/", nil).Require(t, 200).Object(t)["status"])
	for _, version := range []string{"1", "2"} { // archived, published
		manager.Do(t, http.MethodPatch, path+"/versions/"+version+"/", change).RequireProblem(t, 409, "invalid_transition")
		manager.Do(t, http.MethodDelete, path+"/versions/"+version+"/", nil).RequireProblem(t, 409, "invalid_transition")
		manager.Post(t, path+"/versions/"+version+"/publish/", nil).RequireProblem(t, 409, "invalid_transition")
	}
	manager.Post(t, path+"/versions/1/archive/", nil).RequireProblem(t, 409, "invalid_transition")

	entitlements := owner.Get(t, "/api/v1/entitlements").Require(t, 200).Object(t)
	require.EqualValues(t, 1, entitlements["plan"].(m)["version"], "pinned")
	require.Nil(t, entitlements["quotas"].(m)["max_resources"].(m)["limit"])

	catalogue := owner.Get(t, "/api/v1/plans").Require(t, 200).Object(t)["data"].([]any)
	require.Len(t, catalogue, 4)
	free, offered := catalogue[0].(m), catalogue[3].(m)
	require.Empty(t, free["adds_features"])
	require.Len(t, free["loses_features"], 9)
	require.EqualValues(t, 2, offered["version"])
	require.Equal(t, false, offered["is_current"], "another version of the plan it has")
	require.Equal(t, []any{m{"name": "can_white_label", "display_name": "White Label"}}, offered["loses_features"])

	manager.Post(t, path+"/versions/2/archive/", nil).Require(t, 200)
	require.Len(t, owner.Get(t, "/api/v1/plans").Require(t, 200).Object(t)["data"], 3, "off the market")
}

// Of many who begin a draft, or publish it, at once, one does.
func TestOneDraftAtATime(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	manager := s.Platform(t, tenancy.RolePlatformManager)
	o := populatePlatform(t, manager)
	path := "/api/platform/plans/" + o["published_plan"] + "/versions/"
	answers := atOnce(t, 8, manager, http.MethodPost, path, func(int) any { return nil })
	require.Len(t, answers[201], 1)
	require.Len(t, answers[409], 7)
	answers = atOnce(t, 8, manager, http.MethodPost, path+"2/publish/", func(int) any { return nil })
	require.Len(t, answers[200], 1)
	require.Len(t, answers[409], 7)
	draft := manager.Post(t, "/api/platform/plans/", m{
		"code": "only", "name": "Only", "price": m{"amount": 0, "currency": "USD"}, "interval": "YEAR",
	}).Require(t, 201).Object(t)
	require.EqualValues(t, 103, draft["rank"], "the largest")
	manager.Do(t, http.MethodDelete, "/api/platform/plans/"+draft["id"].(string)+"/versions/1/", nil).RequireProblem(t, 409, "in_use")
	manager.Post(t, "/api/platform/plans/", m{
		"code": "only", "name": "Only", "price": m{"amount": 0, "currency": "USD"}, "interval": "YEAR",
	}).RequireProblem(t, 409, "already_exists")
}
