package identity

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Both modes share the settings, and they count from the next request on.
func TestBusinessSettings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	businesses := NewBusinesses(b.store)
	_, owner := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	sandbox := b.request(t, "demo", b.login(t, "demo", "", "owner@demo.example"), "true")
	require.True(t, sandbox.SandboxMode())

	found, err := businesses.Get(ctx, owner)
	require.NoError(t, err)
	require.Equal(t, Business{
		ID: b.demo.ID, Name: "The demo", Timezone: "America/New_York", Currency: "USD", PrimaryColor: "#3B82F6",
		SecondaryColor: "#10B981", Policies: Policies{
			CancellationWindowHours: 24, CustomersCanCancel: true, CustomersCanReschedule: true, WaitlistOfferMinutes: 60, MaxHoldsPerCustomer: 5,
			MaxBookingsPerEmail: 10, MaxBookingsPerAddress: 50,
		}, CreatedAt: b.now, UpdatedAt: b.now, Version: 1,
	}, found)

	updated, err := businesses.Update(ctx, sandbox, new(int32(1)), BusinessPatch{
		Name: new("Salon"), Timezone: new("Europe/Berlin"), PrimaryColor: new("#aabbcc"),
		LogoURLGiven: true, LogoURL: new("https://cdn.example.com/logo.png"), LateCancellationFeePercent: new(int32(50)),
		ResourcesCanReschedule: new(true), Currency: new("USD"),
	})
	require.NoError(t, err)
	require.Equal(t, "Salon", updated.Name)
	require.Equal(t, "#AABBCC", updated.PrimaryColor)
	for _, scope := range []*tenancy.Scope{owner, sandbox} {
		found, err = businesses.Get(ctx, scope)
		require.NoError(t, err)
		require.Equal(t, updated, found)
	}
	next := b.request(t, "demo", "", "")
	require.Equal(t, "Europe/Berlin", next.Tenant.Location.String())
	require.Equal(t, "Salon", next.Tenant.Name)

	// The change is in the live feed, whatever the mode, and in the trail with what changed.
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM events WHERE env_id = $1 AND type = 'business.updated'", b.demo.Live.ID))
	var detail []byte
	require.NoError(t, b.db.OwnerPool().QueryRow(ctx, "SELECT detail FROM audit_entries WHERE action = 'business.updated'").Scan(&detail))
	var changed map[string]map[string]any
	require.NoError(t, json.Unmarshal(detail, &changed))
	require.Equal(t, map[string]any{"from": "The demo", "to": "Salon"}, changed["name"])
	require.NotContains(t, changed, "currency", "it is what it was")
	require.Len(t, changed, 6)

	cleared, err := businesses.Update(ctx, owner, nil, BusinessPatch{LogoURLGiven: true})
	require.NoError(t, err)
	require.Nil(t, cleared.LogoURL)
	_, err = businesses.Update(ctx, owner, new(int32(1)), BusinessPatch{Name: new("Late")})
	requireCode(t, apperr.VersionMismatch, err)
}

func TestBusinessSettingsThatCannotBe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	businesses := NewBusinesses(b.store)
	_, owner := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	for _, c := range []struct {
		pointer string
		patch   BusinessPatch
	}{
		{"/logo_url", BusinessPatch{LogoURLGiven: true, LogoURL: new("http://example.com/x.png")}},
		{"/logo_url", BusinessPatch{LogoURLGiven: true, LogoURL: new("javascript:alert(1)")}},
		{"/logo_url", BusinessPatch{LogoURLGiven: true, LogoURL: new("https://user:pass@example.com/x.png")}},
		{"/logo_url", BusinessPatch{LogoURLGiven: true, LogoURL: new("https:///x.png")}},
		{"/contact_email", BusinessPatch{ContactEmail: new("Salon <x@example.com>")}},
	} {
		_, err := businesses.Update(t.Context(), owner, nil, c.patch)
		requirePointer(t, apperr.ValidationFailed, c.pointer, err)
	}
	_, inSandbox := b.as(t, "true", "tester@demo.example", tenancy.RoleOwner)
	_, err := businesses.Update(t.Context(), inSandbox, nil, BusinessPatch{Name: new("X")})
	requireCode(t, apperr.RoleNotAllowed, err)
	_, err = businesses.Get(t.Context(), &tenancy.Scope{Now: b.now})
	requireCode(t, apperr.TenantRequired, err)
}

// Of changes to one version at the same time, one is made.
func TestParallelChangesOfBusinessSettings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	businesses := NewBusinesses(b.store)
	_, owner := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	errs := make([]error, 16)
	var done sync.WaitGroup
	for i := range errs {
		done.Go(func() {
			_, errs[i] = businesses.Update(t.Context(), owner, new(int32(1)), BusinessPatch{CancellationWindowHours: new(int32(i))})
		})
	}
	done.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			requireCode(t, apperr.VersionMismatch, err)
		}
	}
	require.Equal(t, 1, won)
}

// The server can change settings, and neither the plan nor the status of a tenant.
func TestTheServerChangesNothingElseOfATenant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, column := range []string{"status", "plan_version_id", "sandbox_enabled", "id"} {
		_, err := b.db.AppPool().Exec(t.Context(), "UPDATE tenants SET "+column+" = "+column)
		require.ErrorContains(t, err, "permission denied", column)
	}
}
