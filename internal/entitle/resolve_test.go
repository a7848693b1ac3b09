package entitle

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	noon  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	limit = func(n int64) *int64 { return &n }
)

func override(name, value string, from time.Duration, to ...time.Duration) Override {
	o := Override{Name: name, Value: json.RawMessage(value), From: noon.Add(from)}
	if len(to) > 0 {
		end := noon.Add(to[0])
		o.To = &end
	}
	return o
}

// withholding are the states of a tenant, and why nothing works in them, if so.
var withholding = map[string]struct {
	suspended bool
	grace     *time.Time
	source    Source
}{
	"active":              {},
	"suspended":           {suspended: true, source: FromSuspension},
	"in grace":            {grace: new(noon.Add(time.Microsecond))},
	"grace is over":       {grace: new(noon), source: FromPastDue},
	"grace is long over":  {grace: new(noon.Add(-time.Hour)), source: FromPastDue},
	"suspended, in grace": {suspended: true, grace: new(noon.Add(time.Hour)), source: FromSuspension},
	"suspended, past due": {suspended: true, grace: new(noon.Add(-time.Hour)), source: FromSuspension},
}

// Every combination of suspension, grace, override and plan, for one feature.
func TestFeatureResolution(t *testing.T) {
	t.Parallel()
	plans := map[string]*PlanVersion{
		"none": nil, "silent": {}, "off": {Features: map[Feature]bool{UseWebhooks: false}},
		"on": {Features: map[Feature]bool{UseWebhooks: true}},
	}
	overrides := map[string][]Override{
		"none":       nil,
		"grant":      {override("can_use_webhooks", "true", -time.Hour)},
		"deny":       {override("can_use_webhooks", "false", -time.Hour)},
		"other name": {override("can_export_data", "true", -time.Hour)},
		"ended":      {override("can_use_webhooks", "true", -2*time.Hour, 0)},
		"to come":    {override("can_use_webhooks", "true", time.Microsecond)},
		"broken":     {override("can_use_webhooks", "7", -time.Hour)},
		"last wins":  {override("can_use_webhooks", "true", -2*time.Hour), override("can_use_webhooks", "false", -time.Hour)},
	}
	active := map[string]*bool{"grant": new(true), "deny": new(false), "last wins": new(false)}
	for planName, plan := range plans {
		for overrideName, list := range overrides {
			for stateName, state := range withholding {
				t.Run(fmt.Sprintf("plan %s, override %s, %s", planName, overrideName, stateName), func(t *testing.T) {
					t.Parallel()
					want := FeatureValue{Source: FromDefault}
					if planName == "on" || planName == "off" {
						want = FeatureValue{Enabled: planName == "on", Source: FromPlan}
					}
					if v := active[overrideName]; v != nil {
						want = FeatureValue{Enabled: *v, Source: FromOverride}
					}
					if state.source != "" {
						want = FeatureValue{Source: state.source}
					}
					g := Grants{Suspended: state.suspended, GraceUntil: state.grace, Overrides: list, Plan: plan}
					require.Equal(t, want, g.Feature(UseWebhooks, noon))
				})
			}
		}
	}
}

// The same for one quota.
func TestQuotaResolutionInEveryState(t *testing.T) {
	t.Parallel()
	plans := map[string]*PlanVersion{
		"none": nil, "silent": {}, "three": {Limits: map[Quota]*int64{MaxUsers: limit(3)}}, "unlimited": {Limits: map[Quota]*int64{MaxUsers: nil}},
	}
	byPlan := map[string]QuotaValue{
		"none": {limit(0), FromDefault}, "silent": {limit(0), FromDefault}, "three": {limit(3), FromPlan}, "unlimited": {nil, FromPlan},
	}
	overrides := map[string][]Override{
		"none": nil, "raised": {override("max_users", "10", -time.Hour)}, "lowered": {override("max_users", "0", -time.Hour)},
		"lifted": {override("max_users", "null", -time.Hour)}, "broken": {override("max_users", "true", -time.Hour)},
		"ended": {override("max_users", "10", -time.Hour, 0)}, "to come": {override("max_users", "10", time.Microsecond)},
	}
	byOverride := map[string]*QuotaValue{
		"raised": {limit(10), FromOverride}, "lowered": {limit(0), FromOverride}, "lifted": {nil, FromOverride},
	}
	for planName, plan := range plans {
		for overrideName, list := range overrides {
			for stateName, state := range withholding {
				want := byPlan[planName]
				if v := byOverride[overrideName]; v != nil {
					want = *v
				}
				if state.source != "" {
					want = QuotaValue{limit(0), state.source}
				}
				g := Grants{Suspended: state.suspended, GraceUntil: state.grace, Overrides: list, Plan: plan}
				require.Equal(t, want, g.Quota(MaxUsers, noon), "plan %s, override %s, %s", planName, overrideName, stateName)
			}
		}
	}
}

func TestQuotaResolution(t *testing.T) {
	t.Parallel()
	plan := &PlanVersion{Limits: map[Quota]*int64{MaxResources: limit(3), MaxUsers: nil}}
	tests := map[string]struct {
		grants Grants
		quota  Quota
		want   QuotaValue
	}{
		"plan":                       {Grants{Plan: plan}, MaxResources, QuotaValue{limit(3), FromPlan}},
		"unlimited by plan":          {Grants{Plan: plan}, MaxUsers, QuotaValue{nil, FromPlan}},
		"plan does not name it":      {Grants{Plan: plan}, MaxServices, QuotaValue{limit(0), FromDefault}},
		"no plan":                    {Grants{}, MaxServices, QuotaValue{limit(0), FromDefault}},
		"raised":                     {Grants{Plan: plan, Overrides: []Override{override("max_resources", "10", 0)}}, MaxResources, QuotaValue{limit(10), FromOverride}},
		"lowered to nothing":         {Grants{Plan: plan, Overrides: []Override{override("max_resources", "0", 0)}}, MaxResources, QuotaValue{limit(0), FromOverride}},
		"made unlimited":             {Grants{Plan: plan, Overrides: []Override{override("max_resources", "null", 0)}}, MaxResources, QuotaValue{nil, FromOverride}},
		"a negative value is broken": {Grants{Plan: plan, Overrides: []Override{override("max_resources", "-1", 0)}}, MaxResources, QuotaValue{limit(3), FromPlan}},
		"a boolean is broken":        {Grants{Plan: plan, Overrides: []Override{override("max_resources", "true", 0)}}, MaxResources, QuotaValue{limit(3), FromPlan}},
		"override has ended":         {Grants{Plan: plan, Overrides: []Override{override("max_resources", "10", -time.Hour, 0)}}, MaxResources, QuotaValue{limit(3), FromPlan}},
		"suspended":                  {Grants{Plan: plan, Suspended: true, Overrides: []Override{override("max_resources", "10", 0)}}, MaxResources, QuotaValue{limit(0), FromSuspension}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, tt.grants.Quota(tt.quota, noon))
		})
	}
}

func TestValidateOverride(t *testing.T) {
	t.Parallel()
	for _, ok := range [][2]string{{"can_use_webhooks", "true"}, {"max_users", "0"}, {"max_users", "null"}} {
		require.NoError(t, ValidateOverride(ok[0], json.RawMessage(ok[1])), ok)
	}
	for _, bad := range [][2]string{{"can_use_webhooks", "null"}, {"can_use_webhooks", "1"}, {"max_users", "-1"}, {"max_users", "1.5"}, {"max_users", "true"}, {"can_fly", "true"}} {
		require.Error(t, ValidateOverride(bad[0], json.RawMessage(bad[1])), bad)
	}
}

// The month is the tenant's, not the server's.
func TestPeriodIsTheMonthOfTheTenant(t *testing.T) {
	t.Parallel()
	auckland, err := time.LoadLocation("Pacific/Auckland")
	require.NoError(t, err)
	// 30 November 12:00 UTC is 1 December 01:00 in Auckland.
	set := &Set{Now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Location: auckland}
	require.Equal(t, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), set.Period(MaxAppointments))
	require.Equal(t, time.Date(2026, 12, 31, 11, 0, 0, 0, time.UTC), *set.ResetsAt(MaxAppointments))
	require.Equal(t, StockPeriod, set.Period(MaxResources))
	require.Nil(t, set.ResetsAt(MaxResources))
}

func TestEveryNameHasADisplayName(t *testing.T) {
	t.Parallel()
	require.Len(t, featureNames, len(Features()))
	require.Len(t, quotaNames, len(Quotas()))
	for _, f := range Features() {
		require.True(t, f.Valid(), f)
	}
	for _, q := range Quotas() {
		require.True(t, q.Valid(), q)
	}
}
