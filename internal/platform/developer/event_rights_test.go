package developer_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// eventGates are those of the contract.
func eventGates(t *testing.T, s *apitest.Server) *gate.EventGates {
	t.Helper()
	gates, err := gate.LoadEvents(s.App.Contract, s.App.Gates)
	require.NoError(t, err)
	return gates
}

// requireRefused fails unless the answer refuses a token an event type whose scope it lacks.
func requireRefused(t *testing.T, response *apitest.Response, scope apitoken.Scope, pointer string) {
	t.Helper()
	code := "scope_required"
	if scope == "" {
		code = "token_not_accepted"
	}
	problem := response.RequireProblem(t, 403, code)
	if scope != "" {
		require.Equal(t, string(scope), problem["required_scope"])
	}
	if pointer != "" {
		require.Equal(t, pointer, problem["errors"].([]any)[0].(object)["pointer"])
	}
}

type feedPage struct {
	Data []struct {
		Sequence int64
		Type     string
	}
	NextAfter int64 `json:"next_after"`
}

func feedOf(t *testing.T, c *apitest.Client, query string) (page feedPage) {
	t.Helper()
	c.Get(t, "/api/v1/events?"+query).Require(t, 200).Decode(t, &page)
	return page
}

// somethingHappens makes events of several nouns, of which API tokens may read all but users.
func somethingHappens(t *testing.T, owner *apitest.Client) {
	t.Helper()
	customer(t, owner)
	owner.Post(t, "/api/v1/services", object{"name": "S", "duration_minutes": 30}).Require(t, 201)
	owner.Post(t, "/api/v1/resources", object{"name": "R", "type": "ROOM"}).Require(t, 201)
	owner.Post(t, "/api/v1/time-off", object{"start_at": "2027-04-01T09:00:00Z", "end_at": "2027-04-01T10:00:00Z"}).Require(t, 201)
	owner.Post(t, "/api/v1/users", object{"email": "u@a.example", "name": "U", "role": "TENANT_STAFF", "password": "a first password"}).Require(t, 201)
	customer(t, owner)
}

func TestEvents_List(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	gates := eventGates(t, s)
	somethingHappens(t, owner)
	all := feedOf(t, owner, "limit=100")
	for _, scope := range apitoken.Scopes() {
		t.Run("with "+string(scope), func(t *testing.T) {
			t.Parallel()
			granted := slices.Compact([]apitoken.Scope{"events:read", scope})
			token := owner.APIToken(t, false, slices.Compact([]string{"events:read", string(scope)})...)
			may := func(eventType string) bool {
				needed := gates.Scope(eventType)
				return needed != "" && apitoken.Allows(granted, needed)
			}
			want := feedPage{NextAfter: all.NextAfter}
			for _, e := range all.Data {
				if may(e.Type) {
					want.Data = append(want.Data, e)
				}
			}
			for _, query := range []string{"limit=100", "limit=100&types=*", "limit=100&types=*,webhook.ping"} {
				if strings.Contains(query, "webhook") && !may("webhook.ping") {
					continue
				}
				got := feedOf(t, token, query)
				require.ElementsMatch(t, want.Data, got.Data, query)
				require.Equal(t, want.NextAfter, got.NextAfter, "it passes over what may not be read")
			}
			var paged feedPage
			for after := "0"; ; {
				page := feedOf(t, token, "limit=1&after="+after)
				if paged.NextAfter = page.NextAfter; len(page.Data) == 0 {
					break
				}
				paged.Data = append(paged.Data, page.Data...)
				after = strconv.FormatInt(page.NextAfter, 10)
			}
			require.Equal(t, want, paged, "page by page it is the same")
			for _, eventType := range gates.Types() {
				noun, _, _ := strings.Cut(eventType, ".")
				for _, wanted := range []string{eventType, noun + ".*", "*," + eventType} {
					response := token.Get(t, "/api/v1/events?types="+wanted)
					if may(eventType) {
						response.Require(t, 200)
					} else {
						requireRefused(t, response, gates.Scope(eventType), "?types")
					}
				}
			}
		})
	}
}

// webhookOf makes a webhook with an API token, and returns both.
func webhookOf(t *testing.T, owner *apitest.Client, url string, eventTypes []string, scopes ...string) (token *apitest.Client, id string) {
	t.Helper()
	token = owner.APIToken(t, false, append(scopes, "webhooks:write")...)
	id, _ = addWebhook(t, token, url, eventTypes...)
	return token, id
}

// emit lets an event of each type happen, with no data.
func emit(t *testing.T, s *apitest.Server, tenant *apitest.Tenant, types ...string) {
	t.Helper()
	require.NoError(t, s.App.Store.InEnv(t.Context(), tenant.Scope(t, false), func(tx *store.Tx) error {
		for _, eventType := range types {
			tx.Emit(eventType, object{})
		}
		return nil
	}))
	s.WorkFeed(t)
}

// delivered are the types of what is, or was, on its way to a webhook.
func delivered(t *testing.T, c *apitest.Client, id string) (types []string) {
	t.Helper()
	for _, d := range deliveries(t, c, id) {
		types = append(types, d["event_type"].(string))
	}
	slices.Sort(types)
	return slices.Compact(types)
}

func TestWebhooks_CreateByToken(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	gates := eventGates(t, s)
	t.Run("chooses only types that it may read", func(t *testing.T) {
		t.Parallel()
		for _, scope := range []string{"services:write", "schedules:read", "entitlements:read"} {
			token := owner.APIToken(t, false, "webhooks:write", scope)
			granted := []apitoken.Scope{"webhooks:write", apitoken.Scope(scope)}
			for _, eventType := range gates.Types() {
				noun, _, _ := strings.Cut(eventType, ".")
				for _, wanted := range []string{eventType, noun + ".*"} {
					response := token.Post(t, "/api/v1/webhooks", object{"url": "https://example.com/", "event_types": []string{"*", wanted}})
					if needed := gates.Scope(eventType); needed != "" && apitoken.Allows(granted, needed) {
						id := response.Require(t, 201).ID(t)
						token.Do(t, http.MethodDelete, "/api/v1/webhooks/"+id, nil).Require(t, 204)
					} else {
						requireRefused(t, response, needed, "/event_types")
					}
				}
			}
		}
	})
	t.Run("gets of all types those that the token may read", func(t *testing.T) {
		t.Parallel()
		tenant := s.Tenant(t, "b")
		owner := tenant.Client(t, tenancy.RoleOwner)
		_, some := webhookOf(t, owner, "https://example.com/some", []string{"*"}, "customers:write", "schedules:read")
		_, fewer := webhookOf(t, owner, "https://example.com/fewer", []string{"*"})
		everything, _ := addWebhook(t, owner, "https://example.com/all", "*")
		shown := owner.Get(t, "/api/v1/webhooks/"+some).Require(t, 200).Object(t)
		require.Equal(t, []any{"customers:read", "schedules:read", "webhooks:read"}, shown["read_scopes"])
		require.Equal(t, []any{"*"}, shown["event_types"])
		require.Equal(t, []any{"*"}, owner.Get(t, "/api/v1/webhooks/"+everything).Require(t, 200).Object(t)["read_scopes"])
		var list struct{ Data []object }
		owner.Get(t, "/api/v1/tokens").Require(t, 200).Decode(t, &list)
		for _, token := range list.Data { // what was allowed when they were made stays so
			owner.Do(t, http.MethodDelete, "/api/v1/tokens/"+token["id"].(string), nil).Require(t, 204)
		}
		ping := slices.Index(gates.Types(), "webhook.ping") // which is sent to one endpoint only
		catalogue := slices.Delete(slices.Clone(gates.Types()), ping, ping+1)
		emit(t, s, tenant, catalogue...)
		require.Equal(t, catalogue, delivered(t, owner, everything))
		may := func(scopes ...apitoken.Scope) (types []string) {
			for _, eventType := range catalogue {
				if slices.Contains(scopes, gates.Scope(eventType)) {
					types = append(types, eventType)
				}
			}
			return types
		}
		require.Equal(t, may("customers:read", "schedules:read", "webhooks:read"), delivered(t, owner, some))
		require.Equal(t, may("webhooks:read"), delivered(t, owner, fewer))
		// Of types that only a later version knows, the nouns decide; of a noun that is not known, no token gets any.
		emit(t, s, tenant, "customer.merged", "invoice.paid")
		require.Subset(t, delivered(t, owner, everything), []string{"customer.merged", "invoice.paid"})
		require.Contains(t, delivered(t, owner, some), "customer.merged")
		require.NotContains(t, delivered(t, owner, some), "invoice.paid")
		require.NotContains(t, delivered(t, owner, fewer), "customer.merged")
	})
}

func TestWebhooks_UpdateByToken(t *testing.T) { //nolint:tparallel // its subtests run one after the other
	t.Parallel()
	s, owner := setup(t)
	r := newReceiver(t, nil)
	id, _ := addWebhook(t, owner, r.URL, "customer.*", "service.created")
	all, _ := addWebhook(t, owner, r.URL, "*")
	path := "/api/v1/webhooks/" + id
	few, most := owner.APIToken(t, false, "webhooks:write", "services:read"), owner.APIToken(t, false, "webhooks:write", "services:read", "customers:read")
	patch := func(c *apitest.Client, body object) *apitest.Response { return c.Do(t, http.MethodPatch, path, body) }

	t.Run("changes what shows nothing", func(t *testing.T) {
		patch(few, object{"description": "mine", "is_enabled": false}).Require(t, 200)
		requireRefused(t, few.Post(t, path+"/rotate-secret", nil), "customers:read", "")
		most.Post(t, path+"/rotate-secret", nil).Require(t, 200)
	})
	t.Run("cannot let events be sent that it may not read", func(t *testing.T) {
		for _, body := range []object{{"is_enabled": true}, {"url": "https://example.com/elsewhere"}, {"event_types": []string{"customer.deleted"}}} {
			requireRefused(t, patch(few, body), "customers:read", "")
		}
		few.Do(t, http.MethodPatch, "/api/v1/webhooks/"+all, object{"url": "https://example.com/elsewhere"}).Require(t, 403)
		require.Equal(t, r.URL, owner.Get(t, path).Require(t, 200).Object(t)["url"])
		patch(most, object{"is_enabled": true, "url": r.URL + "/most"}).Require(t, 200)
		require.Equal(t, []any{"customers:read", "services:read", "webhooks:read"}, owner.Get(t, path).Require(t, 200).Object(t)["read_scopes"])
		patch(owner, object{"url": r.URL}).Require(t, 200)
		patch(most, object{"is_enabled": true}).Require(t, 200)
	})
	t.Run("cannot have them sent once more", func(t *testing.T) {
		customer(t, owner)
		s.WorkJobs(t)
		delivery := deliveries(t, owner, id)[0]["id"].(string)
		r.take()
		requireRefused(t, few.Post(t, path+"/replay", object{"since": apitest.Start}), "customers:read", "")
		requireRefused(t, few.Post(t, path+"/deliveries/"+delivery+"/replay", nil), "customers:read", "")
		s.WorkJobs(t)
		require.Empty(t, r.take())
		most.Post(t, path+"/deliveries/"+delivery+"/replay", nil).Require(t, 202)
		require.EqualValues(t, 1, most.Post(t, path+"/replay", object{"since": apitest.Start}).Require(t, 202).Object(t)["replayed"])
		few.Post(t, path+"/ping", nil).Require(t, 202)
		s.WorkJobs(t)
		require.ElementsMatch(t, []string{"customer.created", "webhook.ping"}, types(t, r.take()))
	})
	t.Run("gets nothing that was on its way to somebody else", func(t *testing.T) {
		r.set(status(500))
		customer(t, owner)
		owner.Post(t, "/api/v1/services", object{"name": "S", "duration_minutes": 30}).Require(t, 201)
		s.WorkJobs(t)
		r.take()
		mine := newReceiver(t, nil)
		taken := patch(few, object{"url": mine.URL, "event_types": []string{"*"}}).Require(t, 200).Object(t)
		require.Equal(t, []any{"services:read", "webhooks:read"}, taken["read_scopes"])
		s.Clock.Advance(time.Hour)
		s.WorkJobs(t)
		require.NotContains(t, types(t, mine.take()), "customer.created")
		byType := map[string]object{}
		for _, d := range deliveries(t, owner, id) {
			if _, later := byType[d["event_type"].(string)]; !later {
				byType[d["event_type"].(string)] = d
			}
		}
		require.Equal(t, "CANCELLED", byType["customer.created"]["status"])
		require.Equal(t, "SUCCEEDED", byType["service.created"]["status"])
		// Not even the owner sends it there, until they choose its types themselves.
		again := path + "/deliveries/" + byType["customer.created"]["id"].(string) + "/replay"
		owner.Post(t, again, nil).RequireProblem(t, 422, "validation_failed")
		owner.Post(t, path+"/replay", object{"since": apitest.Start}).Require(t, 202)
		s.WorkJobs(t)
		require.NotContains(t, types(t, mine.take()), "customer.created")
		patch(owner, object{"event_types": []string{"*"}}).Require(t, 200)
		owner.Post(t, again, nil).Require(t, 202)
		s.WorkJobs(t)
		require.Contains(t, types(t, mine.take()), "customer.created")
	})
}

// What an endpoint wanted before, and could not be sent, does not go to the URL of a token that may not
// read it.
func TestWebhooks_UpdateByToken_OtherURL(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	failing, theirs := newReceiver(t, status(500)), newReceiver(t, nil)
	id, _ := addWebhook(t, owner, failing.URL, "*")
	path := "/api/v1/webhooks/" + id
	owner.Post(t, "/api/v1/resources", object{"name": "R", "type": "ROOM"}).Require(t, 201)
	s.WorkJobs(t)
	owner.Do(t, http.MethodPatch, path, object{"event_types": []string{"service.*"}}).Require(t, 200)
	token := owner.APIToken(t, false, "webhooks:write", "services:read", "holds:read")
	moved := token.Do(t, http.MethodPatch, path, object{"url": theirs.URL}).Require(t, 200).Object(t)
	require.Equal(t, []any{"holds:read", "services:read", "webhooks:read"}, moved["read_scopes"])
	other := owner.APIToken(t, false, "webhooks:write", "services:read", "customers:read")
	moved = other.Do(t, http.MethodPatch, path, object{"url": theirs.URL + "/other"}).Require(t, 200).Object(t)
	require.Equal(t, []any{"services:read", "webhooks:read"}, moved["read_scopes"], "it never becomes more that way")
	s.Clock.Advance(time.Hour)
	s.WorkJobs(t)
	require.NotContains(t, types(t, theirs.take()), "resource.created")
	moved = owner.Do(t, http.MethodPatch, path, object{"url": theirs.URL}).Require(t, 200).Object(t)
	require.Equal(t, []any{"services:read", "webhooks:read"}, moved["read_scopes"], "nor because somebody else moves it")
}

// What the sandbox has sent shows events as well, and the addresses of customers.
func TestOutbox_List(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	sandbox := owner.Sandbox()
	r := newReceiver(t, nil)
	addWebhook(t, sandbox, r.URL, "customer.created", "service.created")
	customer(t, sandbox)
	sandbox.Post(t, "/api/v1/services", object{"name": "S", "duration_minutes": 30}).Require(t, 201)
	s.WorkJobs(t)
	_, err := s.DB.OwnerPool().Exec(t.Context(), `INSERT INTO notifications (env_id, id, kind, channel, customer_id, data, created_at, recorded_at)
		SELECT env_id, gen_random_uuid(), 'waitlist.offered', 'EMAIL', id, '{}', $1, $1 FROM customers`, apitest.Start)
	require.NoError(t, err)
	for scopes, want := range map[string][]string{
		"":                             nil,
		"services:read":                {"service.created"},
		"customers:write":              {"customer.created"},
		"waitlist:read":                nil,
		"waitlist:read customers:read": {"customer.created", "waitlist.offered"},
	} {
		var list struct{ Data []object }
		token := owner.APIToken(t, true, append(strings.Fields(scopes), "sandbox:read")...)
		token.Get(t, "/api/v1/sandbox/outbox").Require(t, 200).Decode(t, &list)
		var subjects []string
		for _, effect := range list.Data {
			subjects = append(subjects, effect["subject"].(string))
		}
		require.ElementsMatch(t, want, subjects, scopes)
	}
	require.Len(t, sandbox.Get(t, "/api/v1/sandbox/outbox").Require(t, 200).Object(t)["data"], 3)
}

// The database limits webhooks by the same scopes as the contract.
func TestEventScope(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	gates := eventGates(t, s)
	for _, eventType := range append([]string{"invoice.paid"}, gates.Types()...) {
		var scope string
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT COALESCE(event_scope($1), '')", eventType).Scan(&scope))
		require.Equal(t, string(gates.Scope(eventType)), scope, "%s: event_scope needs a migration", eventType)
	}
}
