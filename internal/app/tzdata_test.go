package app_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// All environments are checked, with rules in which New York has no daylight saving time.
func TestApp_CheckZones(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	noSummer := func(name string) (*time.Location, error) { return time.FixedZone(name, -5*3600), nil }
	book := func(c *apitest.Client) string {
		resource := c.Post(t, "/api/v1/resources", map[string]any{"name": "R", "type": "ROOM"}).Require(t, 201).ID(t)
		service := c.Post(t, "/api/v1/services", map[string]any{"name": "S", "duration_minutes": 60}).Require(t, 201).ID(t)
		customer := c.Post(t, "/api/v1/customers", map[string]any{"name": "C"}).Require(t, 201).ID(t)
		return c.Post(t, "/api/v1/appointments", map[string]any{
			"service_id": service, "customer_id": customer, "resource_ids": []string{resource}, "start_at": "2027-06-01T14:00:00Z",
		}).Require(t, 201).ID(t)
	}
	live, sandbox := book(owner), book(owner.Sandbox())
	start := func(c *apitest.Client, id string) any {
		return c.Get(t, "/api/v1/appointments/"+id).Require(t, 200).Object(t)["start_at"]
	}
	var out bytes.Buffer
	require.NoError(t, s.App.CheckZones(t.Context(), s.Clock.Now(), noSummer, false, &out))
	require.Contains(t, out.String(), live+"  2027-06-01 10:00 in America/New_York  2027-06-01T14:00:00Z  -> 2027-06-01T15:00:00Z  would move")
	require.Contains(t, out.String(), "2 upcoming appointments, 2 of them at another instant now, 0 of those cannot be moved.")
	require.Equal(t, "2027-06-01T14:00:00Z", start(owner, live))

	// In the sandbox something is in the way.
	owner.Sandbox().Post(t, "/api/v1/time-off", map[string]any{"start_at": "2027-06-01T15:00:00Z", "end_at": "2027-06-01T16:00:00Z"}).Require(t, 201)
	out.Reset()
	require.ErrorContains(t, s.App.CheckZones(t.Context(), s.Clock.Now(), noSummer, true, &out), "cannot be moved")
	require.Regexp(t, "(?m)^a +"+live+".* moved$", out.String())
	require.Regexp(t, "(?m)^a_sandbox +"+sandbox+".* stays: R is not open at this time.$", out.String())
	require.Equal(t, "2027-06-01T15:00:00Z", start(owner, live))
	require.Equal(t, "2027-06-01T14:00:00Z", start(owner.Sandbox(), sandbox))
}

// Environments and appointments with an unknown zone are reported, and the others are checked.
func TestApp_CheckZones_continues_after_errors(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	broken, sound := s.Tenant(t, "a"), s.Tenant(t, "b")
	owner := sound.Client(t, tenancy.RoleOwner)
	service := owner.Post(t, "/api/v1/services", map[string]any{"name": "S", "duration_minutes": 60}).Require(t, 201).ID(t)
	customer := owner.Post(t, "/api/v1/customers", map[string]any{"name": "C"}).Require(t, 201).ID(t)
	var ids []string
	for _, start := range []string{"2027-06-01T14:00:00Z", "2027-06-02T14:00:00Z"} {
		resource := owner.Post(t, "/api/v1/resources", map[string]any{"name": "R", "type": "ROOM"}).Require(t, 201).ID(t)
		ids = append(ids, owner.Post(t, "/api/v1/appointments", map[string]any{
			"service_id": service, "customer_id": customer, "resource_ids": []string{resource}, "start_at": start,
		}).Require(t, 201).ID(t))
	}
	exec := func(sql string, id any) {
		_, err := s.DB.OwnerPool().Exec(t.Context(), sql, id)
		require.NoError(t, err)
	}
	exec("UPDATE tenants SET timezone = 'Atlantis/Capital' WHERE id = $1", broken.ID)
	exec("UPDATE appointments SET timezone = 'Atlantis/Port' WHERE id = $1", ids[0])
	noSummer := func(name string) (*time.Location, error) {
		if name != "America/New_York" {
			return tzdata.Load(name)
		}
		return time.FixedZone(name, -5*3600), nil
	}
	for _, apply := range []bool{false, true} {
		var out bytes.Buffer
		require.ErrorContains(t, s.App.CheckZones(t.Context(), s.Clock.Now(), noSummer, apply, &out), "could not be checked")
		require.Regexp(t, `(?m)^a  failed: .*Atlantis/Capital`, out.String())
		require.Regexp(t, `(?m)^a_sandbox  failed: .*Atlantis/Capital`, out.String())
		require.Regexp(t, `(?m)^b +`+ids[0]+` +failed: .*Atlantis/Port`, out.String())
		require.Regexp(t, `(?m)^b +`+ids[1]+` +2027-06-02 10:00 in America/New_York .*(moved|would move)`, out.String())
	}

	// Each of the two alone is an error as well.
	check := func() error { return s.App.CheckZones(t.Context(), s.Clock.Now(), noSummer, false, io.Discard) }
	exec("UPDATE tenants SET timezone = 'America/New_York' WHERE id = $1", broken.ID)
	require.ErrorContains(t, check(), "could not be checked")
	exec("UPDATE appointments SET timezone = 'America/New_York' WHERE id = $1", ids[0])
	require.NoError(t, check())
	exec("UPDATE tenants SET timezone = 'Atlantis/Capital' WHERE id = $1", broken.ID)
	require.ErrorContains(t, check(), "could not be checked")
}

// With the current rules no appointment has moved.
func TestTzdata(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	s.Tenant(t, "a")
	var out bytes.Buffer
	for _, apply := range []bool{false, true} {
		require.NoError(t, app.Tzdata(t.Context(), config(t, s.DB), apply, &out))
	}
	require.Contains(t, out.String(), "Time zone database: ")
	require.Contains(t, out.String(), "0 upcoming appointments, 0 of them at another instant now, 0 of those cannot be moved.")
	require.ErrorContains(t, app.Tzdata(t.Context(), app.Config{}, false, &out), "DATABASE_URL is missing")
}
