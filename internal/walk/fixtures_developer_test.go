package walk

import (
	"testing"

	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// developerFixtures are those of openapi/developer.yaml.
var developerFixtures = map[string]fixture{
	"listTokens":  {want: 200, lists: "token", bothModes: true},
	"createToken": {body: static(m{"name": "Website", "scopes": []string{"appointments:write", "customers:read"}}), want: 201},
	"getToken":    {id: "token", want: 200},
	"updateToken": {id: "token", body: static(m{"name": "Old website"}), want: 200},
	"rotateToken": {id: "token", body: static(m{"overlap_seconds": 60}), want: 200},
	"revokeToken": {id: "token", want: 204},

	"listEvents": {want: 200, lists: "resource"},

	"getSandboxClock":   {want: 200},
	"setSandboxClock":   {body: static(m{"advance_seconds": 60}), want: 200},
	"listSandboxOutbox": {want: 200, lists: "customer", bothModes: true},
	"createSampleData":  {sandbox: true, want: 201},

	"listWebhooks":          {want: 200, lists: "webhook"},
	"createWebhook":         {body: static(m{"url": "https://example.com/other", "event_types": []string{"appointment.*", "customer.created"}, "description": "CRM"}), want: 201, scopes: []string{"appointments:read", "customers:read"}},
	"getWebhook":            {id: "webhook", want: 200},
	"updateWebhook":         {id: "webhook", body: static(m{"is_enabled": false}), want: 200},
	"deleteWebhook":         {id: "webhook", want: 204},
	"rotateWebhookSecret":   {id: "webhook", want: 200, scopes: []string{"customers:read"}},
	"pingWebhook":           {id: "webhook", want: 202},
	"replayWebhook":         {id: "webhook", body: static(m{"since": "2026-11-01T00:00:00Z"}), want: 202, scopes: []string{"customers:read"}},
	"listWebhookDeliveries": {id: "webhook", want: 200, lists: "delivery"},
	"replayWebhookDelivery": {id: "webhook", more: []string{"delivery"}, want: 202},
}

// populateDeveloper adds the nouns of the developer platform.
func populateDeveloper(tb testing.TB, c *apitest.Client, o objects) {
	tb.Helper()
	o.create(tb, c, "token", "/api/v1/tokens", m{"name": "Website", "scopes": []string{"services:read"}})
	o.create(tb, c, "webhook", "/api/v1/webhooks", m{"url": "https://example.com/hooks", "event_types": []string{"customer.deleted"}})
	o["delivery"] = c.Post(tb, "/api/v1/webhooks/"+o["webhook"]+"/ping", nil).Require(tb, 202).ID(tb)
}
