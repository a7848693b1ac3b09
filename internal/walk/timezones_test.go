package walk

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// Whatever zone a business may have works everywhere: links too.
func TestTimezones_AreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	service := owner.Post(t, "/api/v1/services", m{"name": "S", "duration_minutes": 60}).Require(t, 201).ID(t)
	for _, zone := range []string{"US/Pacific", "Etc/GMT-14", "EST5EDT", "Asia/Kathmandu"} {
		owner.Do(t, http.MethodPatch, "/api/v1/business", m{"timezone": zone}).Require(t, 200)
		owner.Get(t, "/api/v1/availability?service_id="+service+"&from=2027-02-01&to=2027-02-01&timezone="+zone).Require(t, 200)
		owner.Post(t, "/api/v1/time-off", m{
			"start_at": "2027-01-05T10:00:00Z", "end_at": "2027-01-05T11:00:00Z", "rrule": "FREQ=DAILY;COUNT=2",
		}).Require(t, 201)
	}
}

// A zone that is stored and is none makes no 500, hides no other business, and stops no job.
func TestTimezones_Unknown(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	manager := s.Platform(t, tenancy.RolePlatformManager)
	yearly := manager.Post(t, "/api/platform/plans/", m{
		"code": "yearly", "name": "Yearly", "rank": 77, "price": m{"amount": 1200, "currency": "EUR"}, "interval": "YEAR",
	}).Require(t, 201)
	manager.Post(t, "/api/platform/plans/"+yearly.ID(t)+"/versions/1/publish/", nil).Require(t, 200)
	broken, sound := s.Tenant(t, "a"), s.Tenant(t, "b")
	for _, tenant := range []*apitest.Tenant{broken, sound} {
		manager.Post(t, "/api/platform/businesses/"+tenant.ID.String()+"/plan/", m{"plan_code": "yearly", "when": "period_end"}).Require(t, 200)
	}
	owner := broken.Client(t, tenancy.RoleOwner)
	_, err := s.DB.OwnerPool().Exec(t.Context(), "UPDATE tenants SET timezone = 'Atlantis/Capital' WHERE id = $1", broken.ID)
	require.NoError(t, err)

	problem := owner.Get(t, "/api/v1/services").RequireProblem(t, 403, "timezone_unknown")
	require.Contains(t, problem["detail"], "Atlantis/Capital")
	require.ElementsMatch(t, []string{broken.ID.String(), sound.ID.String()}, manager.Get(t, "/api/platform/businesses/").Require(t, 200).IDs(t))
	require.NoError(t, s.App.Platform.Subscriptions.Settle(t.Context(), s.Clock.Now().Add(60*24*time.Hour)))
	require.Len(t, events(t, s, sound, "subscription.plan_changed"), 1)
	require.Len(t, events(t, s, broken, "subscription.plan_changed"), 1)
}

// Of time off, and of hours, the zone is their own.
func TestTimezones_UnknownOfResource(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	resource := owner.Post(t, "/api/v1/resources", m{"name": "R", "type": "ROOM"}).Require(t, 201).ID(t)
	service := owner.Post(t, "/api/v1/services", m{"name": "S", "duration_minutes": 60}).Require(t, 201).ID(t)
	owner.Do(t, http.MethodPut, "/api/v1/resources/"+resource+"/hours", m{"timezone": "Asia/Tokyo", "weekly": []any{}}).Require(t, 200)
	_, err := s.DB.OwnerPool().Exec(t.Context(), "UPDATE schedules SET timezone = 'Atlantis/Capital'")
	require.NoError(t, err)
	problem := owner.Get(t, "/api/v1/availability?service_id="+service+"&from=2027-02-01&to=2027-02-01").RequireProblem(t, 403, "timezone_unknown")
	require.Contains(t, problem["detail"], "Atlantis/Capital")
}
