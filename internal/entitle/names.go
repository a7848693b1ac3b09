// Package entitle owns what a tenant is entitled to: the closed lists of feature
// and quota names, the pure resolution of a plan and its overrides, and the
// counters that quotas are kept with.
//
// It calls only its own queries (gen/db/entitledb). Invariants: these lists have every name
// that exists; a feature that neither plan nor override grants is off; a counter
// is raised only by Reserve and Reservation, in the transaction that adds what is counted, and
// never above its limit. A new feature or quota is a name here, and a value in plan versions.
package entitle

// Feature is the name of a function that a plan may include.
type Feature string

// The features.
const (
	SendSMSReminders Feature = "can_send_sms_reminders"
	UseMaskedCalling Feature = "can_use_masked_calling"
	UseCustomDomain  Feature = "can_use_custom_domain"
	WhiteLabel       Feature = "can_white_label"
	CreatePlugins    Feature = "can_create_plugins"
	UseWebhooks      Feature = "can_use_webhooks"
	UseCalendarSync  Feature = "can_use_calendar_sync"
	UseAnalytics     Feature = "can_use_analytics"
	ExportData       Feature = "can_export_data"
)

// Features lists every feature, in the order in which they are shown.
func Features() []Feature {
	return []Feature{
		SendSMSReminders, UseMaskedCalling, UseCustomDomain, WhiteLabel, CreatePlugins,
		UseWebhooks, UseCalendarSync, UseAnalytics, ExportData,
	}
}

var featureNames = map[Feature]string{
	SendSMSReminders: "SMS Reminders",
	UseMaskedCalling: "Masked Calling",
	UseCustomDomain:  "Custom Domains",
	WhiteLabel:       "White Label",
	CreatePlugins:    "Plugins",
	UseWebhooks:      "Webhooks",
	UseCalendarSync:  "Calendar Sync",
	UseAnalytics:     "Analytics",
	ExportData:       "Data Export",
}

// DisplayName returns the name for people, or "" for an unknown feature.
func (f Feature) DisplayName() string { return featureNames[f] }

// Valid reports whether f is one of Features.
func (f Feature) Valid() bool { return featureNames[f] != "" }

// Quota is the name of a number that a plan limits.
type Quota string

// The quotas.
const (
	MaxResources      Quota = "max_resources"
	MaxUsers          Quota = "max_users"
	MaxServices       Quota = "max_services"
	MaxEmailTemplates Quota = "max_email_templates"
	MaxAutomatedTasks Quota = "max_automated_tasks"
	MaxAppointments   Quota = "max_appointments"
)

// Quotas lists every quota, in the order in which they are shown.
func Quotas() []Quota {
	return []Quota{MaxResources, MaxUsers, MaxServices, MaxEmailTemplates, MaxAutomatedTasks, MaxAppointments}
}

var quotaNames = map[Quota]string{
	MaxResources:      "resources",
	MaxUsers:          "users",
	MaxServices:       "services",
	MaxEmailTemplates: "email templates",
	MaxAutomatedTasks: "automated tasks",
	MaxAppointments:   "appointments",
}

// DisplayName returns what is counted, in the plural, or "" for an unknown quota.
func (q Quota) DisplayName() string { return quotaNames[q] }

// Valid reports whether q is one of Quotas.
func (q Quota) Valid() bool { return quotaNames[q] != "" }

// Monthly reports whether the count restarts with each calendar month in the
// tenant's time zone; the other quotas count existing objects.
func (q Quota) Monthly() bool { return q == MaxAppointments }
