package walk

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

const publicly = "/api/v1/booking/"

// bookPublicly books a service for somebody, and returns the answer and its token.
func bookPublicly(t *testing.T, c *apitest.Client, body m) (*apitest.Response, string) {
	t.Helper()
	answer := c.Post(t, publicly+"appointments", body).Require(t, 201)
	return answer, answer.Object(t)["token"].(string)
}

func somebody(email string) m {
	return m{"name": "Paula Public", "email": email, "phone": "+1 555 0199"}
}

func (o objects) slot(start string) m {
	return m{"service_id": o["service"], "start_at": start, "customer": somebody("paula@example.com")}
}

// From the card of the business to a cancelled appointment, and nobody has signed in.
func TestPublicBooking(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, anyone := tenant.Client(t, tenancy.RoleOwner), tenant.Anonymous()
	o := populate(t, owner)
	owner.Do(t, http.MethodPatch, "/api/v1/business", m{"primary_color": "#102030", "cancellation_window_hours": 12}).Require(t, 200)
	owner.Do(t, http.MethodPatch, "/api/v1/services/"+o["spare_service"], m{"is_active": false}).Require(t, 200)

	card := anyone.Get(t, publicly+"business").Require(t, 200).Object(t)
	require.Equal(t, "#102030", card["primary_color"])
	require.EqualValues(t, 12, card["cancellation_window_hours"])
	for _, hidden := range []string{"id", "version", "resources_can_reschedule", "created_at"} {
		require.NotContains(t, card, hidden)
	}
	require.Equal(t, []string{o["service"]}, anyone.Get(t, publicly+"services").Require(t, 200).IDs(t), "only what can be booked")

	query := publicly + "availability?service_id=" + o["service"] + "&from=2027-03-01T14:00:00Z&to=2027-03-01T15:00:00Z&explain=true"
	starts := func() (free, refused []string) {
		response := anyone.Get(t, query).Require(t, 200)
		require.NotContains(t, string(response.Body), o["resource"])
		var found struct {
			Data []struct {
				StartAt string `json:"start_at"`
			}
			Refused []struct {
				StartAt string `json:"start_at"`
				Reasons []string
			}
		}
		response.Decode(t, &found)
		for _, slot := range found.Data {
			free = append(free, slot.StartAt)
		}
		for _, slot := range found.Refused {
			require.Equal(t, []string{"not_available"}, slot.Reasons)
			refused = append(refused, slot.StartAt)
		}
		return free, refused
	}
	free, _ := starts()
	require.Equal(t, "2027-03-01T14:00:00Z", free[0])
	anyone.Get(t, strings.Replace(query, o["service"], o["spare_service"], 1)).RequireProblem(t, 404, "not_found")

	held := anyone.Post(t, publicly+"holds", m{"service_id": o["service"], "start_at": "2027-03-01T14:00:00Z"}).Require(t, 201).Object(t)
	free, refused := starts()
	require.Equal(t, "2027-03-01T14:30:00Z", free[0])
	require.Equal(t, []string{"2027-03-01T14:00:00Z", "2027-03-01T14:15:00Z"}, refused)
	anyone.Post(t, publicly+"appointments", o.slot("2027-03-01T14:00:00Z")).RequireProblem(t, 409, "slot_taken")

	answer, token := bookPublicly(t, anyone, m{"hold_id": held["id"], "customer": somebody("paula@example.com"), "notes": "first time"})
	require.NotContains(t, string(answer.Body), o["resource"], "ids are for those who work there")
	appointment := answer.Object(t)["appointment"].(m)
	require.Equal(t, "CONFIRMED", appointment["status"])
	require.Equal(t, "2027-03-01T14:00:00Z", appointment["start_at"])
	require.Equal(t, []any{m{"name": "Chair", "type": "STAFF"}}, appointment["resources"])
	found := anyone.Get(t, publicly+"appointments/"+token).Require(t, 200)
	require.Equal(t, appointment, found.Object(t))
	require.Equal(t, true, found.Object(t)["terms"].(m)["can_cancel"])
	require.Equal(t, "2027-03-01T02:00:00Z", found.Object(t)["terms"].(m)["free_until"])

	moved := anyone.Post(t, publicly+"appointments/"+token+"/reschedule", m{"start_at": "2027-03-01T14:15:00Z"}).Require(t, 200).Object(t)
	require.Equal(t, "2027-03-01T14:15:00Z", moved["start_at"], "its own time is not in its way")
	cancelled := anyone.Post(t, publicly+"appointments/"+token+"/cancel", m{"reason": "ill"}).Require(t, 200).Object(t)
	require.Equal(t, "CANCELLED", cancelled["status"])
	require.Equal(t, false, cancelled["terms"].(m)["can_cancel"])
	anyone.Post(t, publicly+"appointments/"+token+"/reschedule", m{"start_at": "2027-03-01T16:00:00Z"}).RequireProblem(t, 409, "invalid_transition")
	free, _ = starts()
	require.Equal(t, "2027-03-01T14:00:00Z", free[0])

	// Those who work there see all of it, and who it was.
	list := owner.Get(t, "/api/v1/appointments?from=2027-03-01T00:00:00Z").Require(t, 200)
	require.Contains(t, string(list.Body), "Paula Public")
	require.Contains(t, string(list.Body), "first time")
}

// Tokens are kept as hashes only, work for one object, and are in no log.
func TestTokensOfPublicBookings(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := apitest.New(t, func(d *app.Dependencies) { d.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	tenant := s.Tenant(t, "a")
	owner, anyone := tenant.Client(t, tenancy.RoleOwner), tenant.Anonymous()
	o := populate(t, owner)
	_, token := bookPublicly(t, anyone, o.slot("2027-03-01T14:00:00Z"))
	_, other := bookPublicly(t, anyone, o.slot("2027-03-02T14:00:00Z"))
	hold := anyone.Post(t, publicly+"holds", m{"service_id": o["service"], "start_at": "2027-03-03T14:00:00Z"}).Require(t, 201).ID(t)
	require.NotEqual(t, token, other)
	var hashes [][]byte
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT array_agg(token_hash) FROM booking_capabilities").Scan(&hashes))
	for _, secret := range []string{token, other, hold} {
		hash := sha256.Sum256([]byte(secret))
		require.Contains(t, hashes, hash[:])
	}
	// One kind of token is not the other kind, and neither is a made-up one.
	for _, wrong := range []string{hold, strings.Repeat("A", 43)} {
		anyone.Get(t, publicly+"appointments/"+wrong).RequireProblem(t, 404, "not_found")
		anyone.Post(t, publicly+"appointments/"+wrong+"/cancel", nil).RequireProblem(t, 404, "not_found")
	}
	anyone.Do(t, http.MethodDelete, publicly+"holds/"+token, nil).RequireProblem(t, 404, "not_found")
	anyone.Post(t, publicly+"appointments", m{"hold_id": token, "customer": somebody("x@example.com")}).RequireProblem(t, 422, "validation_failed")
	anyone.Get(t, publicly+"appointments/"+token+"x").RequireProblem(t, 400, "invalid_request")
	anyone.Do(t, http.MethodPut, publicly+"appointments/"+token, nil).RequireProblem(t, 405, "method_not_allowed")
	// Addresses that do not exist, but have a token in them.
	for _, mistyped := range []string{"appointments/" + token + "/confirm", "appointment/" + token, "appointments/" + token + "/reschedule/" + other} {
		anyone.Get(t, publicly+mistyped).RequireProblem(t, 404, "not_found")
	}
	// Another business and the other world do not know it.
	s.Tenant(t, "b").Anonymous().Get(t, publicly+"appointments/"+token).RequireProblem(t, 404, "not_found")
	anyone.Sandbox().Get(t, publicly+"appointments/"+token).RequireProblem(t, 404, "not_found")
	anyone.Do(t, http.MethodDelete, publicly+"holds/"+hold, nil).Require(t, 204)
	require.Contains(t, log.String(), publicly+"appointments/:token")
	for _, secret := range []string{token, other, hold} {
		require.NotContains(t, log.String(), secret)
	}
}

// Nothing tells whether there is a customer with an address, or what is known of them.
func TestThePublicLearnsNothingAboutCustomers(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, anyone := tenant.Client(t, tenancy.RoleOwner), tenant.Anonymous()
	o := populate(t, owner)
	known := owner.Post(t, "/api/v1/customers", m{"name": "Secret Name", "email": "Known@Example.com", "phone": "+43 1 234"}).Require(t, 201).ID(t)
	before := string(owner.Get(t, "/api/v1/customers/"+known).Require(t, 200).Body)
	count := func() int { return len(owner.Get(t, "/api/v1/customers?limit=100").Require(t, 200).IDs(t)) }
	customers := count()
	book := func(day int, email string) (*apitest.Response, string) {
		return bookPublicly(t, anyone, m{
			"service_id": o["service"], "start_at": fmt.Sprintf("2027-03-%02dT14:00:00Z", day), "customer": somebody(email),
		})
	}
	first, token := book(1, "known@example.COM")
	second, _ := book(2, "new@example.com")
	shape := func(r *apitest.Response) (keys []string) {
		for key := range r.Object(t)["appointment"].(m) {
			keys = append(keys, key)
		}
		return keys
	}
	require.ElementsMatch(t, shape(first), shape(second))
	require.NotContains(t, string(first.Body), "Secret Name")
	require.NotContains(t, string(anyone.Get(t, publicly+"appointments/"+token).Require(t, 200).Body), "Secret Name")
	require.Equal(t, before, string(owner.Get(t, "/api/v1/customers/"+known).Require(t, 200).Body), "what is known does not change")
	require.Equal(t, customers+1, count(), "only the new one is new")
	require.Len(t, owner.Get(t, "/api/v1/appointments?customer_id="+known).Require(t, 200).IDs(t), 1)

	// Many with one new address at once make one customer.
	answers := atOnce(t, 8, anyone, http.MethodPost, publicly+"appointments", func(i int) any {
		return m{
			"service_id": o["service"], "start_at": fmt.Sprintf("2027-04-%02dT14:00:00Z", i+1), "customer": somebody("many@example.com"),
		}
	})
	require.Len(t, answers[201], 8)
	require.Equal(t, customers+2, count())

	// Somebody who is blocked hears what an address hears that has booked too much, whatever they ask for.
	owner.Do(t, http.MethodPatch, "/api/v1/customers/"+known, m{"status": "BLOCKED"}).Require(t, 200)
	owner.Do(t, http.MethodPatch, "/api/v1/business", m{"max_bookings_per_email": 8}).Require(t, 200)
	held := anyone.Post(t, publicly+"holds", m{"service_id": o["service"], "start_at": "2027-03-05T16:00:00Z"}).Require(t, 201).ID(t)
	refused := func(wish m, email string) m {
		wish["customer"] = somebody(email)
		problem := anyone.Post(t, publicly+"appointments", wish).RequireProblem(t, 409, "too_many_bookings")
		delete(problem, "request_id")
		return problem
	}
	for _, wish := range []m{
		{"service_id": o["service"], "start_at": "2027-03-05T14:00:00Z"}, // free
		{"service_id": o["service"], "start_at": "2027-03-02T14:00:00Z"}, // taken
		{"service_id": o["service"], "start_at": "2027-03-05T14:07:00Z"}, // off the grid
		{"hold_id": held},
	} {
		require.Equal(t, refused(wish, "many@example.com"), refused(wish, "Known@example.com"))
	}
	require.Equal(t, customers+2, count(), "whoever is refused is not written down")
}

func TestWhatThePublicCannotDo(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, anyone := tenant.Client(t, tenancy.RoleOwner), tenant.Anonymous()
	o := populate(t, owner)
	anyone.Post(t, publicly+"appointments", m{"customer": somebody("a@example.com")}).RequireProblem(t, 422, "validation_failed")
	anyone.Post(t, publicly+"appointments", m{"service_id": o["service"], "customer": somebody("a@example.com")}).RequireProblem(t, 422, "validation_failed")
	anyone.Post(t, publicly+"appointments", m{
		"service_id": o["service"], "start_at": "2027-03-01T14:00:00Z", "customer": somebody("a@example.com"), "resource_ids": []string{o["resource"]},
	}).RequireProblem(t, 400, "invalid_request")
	anyone.Post(t, publicly+"appointments", o.slot("2026-03-01T14:00:00Z")).RequireProblem(t, 422, "validation_failed")

	// A hold that is over, and one that has been booked.
	hold := func(start string) string {
		return anyone.Post(t, publicly+"holds", m{"service_id": o["service"], "start_at": start, "ttl_seconds": 60}).Require(t, 201).ID(t)
	}
	over, used := hold("2027-03-01T14:00:00Z"), hold("2027-03-02T14:00:00Z")
	bookPublicly(t, anyone, m{"hold_id": used, "customer": somebody("a@example.com")})
	problem := anyone.Post(t, publicly+"appointments", m{"hold_id": used, "customer": somebody("a@example.com")}).RequireProblem(t, 409, "hold_used")
	require.NotContains(t, problem, "appointment_id")
	anyone.Do(t, http.MethodDelete, publicly+"holds/"+used, nil).RequireProblem(t, 409, "hold_used")
	anyone.Post(t, publicly+"appointments", m{
		"hold_id": over, "start_at": "2027-03-01T15:00:00Z", "customer": somebody("a@example.com"),
	}).RequireProblem(t, 422, "validation_failed")
	s.Clock.Advance(time.Minute)
	anyone.Post(t, publicly+"appointments", m{"hold_id": over, "customer": somebody("a@example.com")}).RequireProblem(t, 409, "hold_expired")

	// A service that has to be approved.
	owner.Do(t, http.MethodPatch, "/api/v1/services/"+o["service"], m{"requires_approval": true}).Require(t, 200)
	answer, _ := bookPublicly(t, anyone, o.slot("2027-03-03T14:00:00Z"))
	require.Equal(t, "PENDING", answer.Object(t)["appointment"].(m)["status"])

	// The plan of the business is not the customer's business.
	tenant.Override(t, "max_appointments", 0)
	response := anyone.Post(t, publicly+"appointments", o.slot("2027-03-04T14:00:00Z"))
	problem = response.RequireProblem(t, 403, "booking_closed")
	require.NotContains(t, string(response.Body), "plan")
	require.NotContains(t, problem, "limit")
}

// In the sandbox the public books in the sandbox; a business that is suspended, or a host
// without one, takes no bookings.
func TestWhereThePublicBooks(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, anyone := tenant.Client(t, tenancy.RoleOwner), tenant.Anonymous()
	live, sandbox := populate(t, owner), populate(t, owner.Sandbox())
	before := string(owner.Get(t, "/api/v1/appointments").Require(t, 200).Body)
	answer, token := bookPublicly(t, anyone.Sandbox(), sandbox.slot("2027-03-01T14:00:00Z"))
	require.Equal(t, "true", answer.Header.Get("X-Sandbox-Mode"))
	anyone.Sandbox().Get(t, publicly+"appointments/"+token).Require(t, 200)
	anyone.Get(t, publicly+"appointments/"+token).RequireProblem(t, 404, "not_found")
	anyone.Sandbox().Post(t, publicly+"appointments", live.slot("2027-03-01T14:00:00Z")).RequireProblem(t, 422, "validation_failed")
	require.Equal(t, before, string(owner.Get(t, "/api/v1/appointments").Require(t, 200).Body))

	// Whoever is signed in is nobody here.
	user := tenant.User(t, tenancy.RoleStaff, false)
	bookPublicly(t, s.Login(t, tenant.Host, user.Email), live.slot("2027-03-01T14:00:00Z"))

	_, token = bookPublicly(t, anyone, live.slot("2027-03-02T14:00:00Z"))
	tenant.Set(t, "status", "SUSPENDED")
	for _, path := range []string{"business", "services", "availability?service_id=" + live["service"] + "&from=2027-03-01&to=2027-03-02", "appointments/" + token} {
		anyone.Get(t, publicly+path).RequireProblem(t, 403, "tenant_suspended")
		s.Client("platform.localhost").Get(t, publicly+path).RequireProblem(t, 400, "tenant_required")
	}
	anyone.Post(t, publicly+"holds", m{"service_id": live["service"], "start_at": "2027-03-05T14:00:00Z"}).RequireProblem(t, 403, "tenant_suspended")
	anyone.Post(t, publicly+"appointments", live.slot("2027-03-05T14:00:00Z")).RequireProblem(t, 403, "tenant_suspended")
	anyone.Post(t, publicly+"appointments/"+token+"/cancel", nil).RequireProblem(t, 403, "tenant_suspended")
	anyone.Do(t, http.MethodDelete, publicly+"holds/"+token, nil).RequireProblem(t, 403, "tenant_suspended")
}

// Whoever comes from one address cannot hold the whole day.
func TestAnAddressHoldsSoMuchAndNoMore(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, anyone := tenant.Client(t, tenancy.RoleOwner), tenant.Anonymous()
	o := populate(t, owner)
	owner.Do(t, http.MethodPatch, "/api/v1/business", m{"max_holds_per_customer": 2}).Require(t, 200)
	hold := func(i int) any {
		return m{"service_id": o["service"], "start_at": fmt.Sprintf("2027-04-%02dT14:00:00Z", i+1)}
	}
	answers := atOnce(t, 16, anyone, http.MethodPost, publicly+"holds", hold)
	require.Len(t, answers[201], 2)
	require.Len(t, answers[409], 14)
	for _, refused := range answers[409] {
		require.EqualValues(t, 2, refused.RequireProblem(t, 409, "too_many_holds")["limit"])
	}
	// Booking one makes room, also without anybody else's.
	bookPublicly(t, anyone, m{"hold_id": answers[201][0].ID(t), "customer": somebody("a@example.com")})
	anyone.Post(t, publicly+"holds", hold(20)).Require(t, 201)
	anyone.Post(t, publicly+"holds", hold(21)).RequireProblem(t, 409, "too_many_holds")
	anyone.Sandbox().Post(t, publicly+"holds", hold(21)).RequireProblem(t, 422, "validation_failed") // another world
	owner.Post(t, "/api/v1/holds", hold(21)).Require(t, 201)
	s.Clock.Advance(booking.DefaultHoldTTL)
	anyone.Post(t, publicly+"holds", hold(22)).Require(t, 201)
}

// Whoever tries names and tokens out is slowed down, by their address; others are not.
func TestPublicBookingIsThrottled(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithConfig(limited))
	tenant := s.Tenant(t, "a")
	o := populate(t, tenant.Client(t, tenancy.RoleOwner))
	anyone := tenant.Anonymous()
	refused := func(response *apitest.Response) {
		response.RequireProblem(t, 429, "rate_limited")
		require.NotEmpty(t, response.Header.Get("Retry-After"))
	}
	for guesses := 0; ; guesses++ {
		require.LessOrEqual(t, guesses, 200, "guesses of a token in ten seconds")
		response := anyone.Get(t, publicly+"appointments/"+strings.Repeat("A", 43))
		if response.Status == 429 {
			refused(response)
			break
		}
		response.RequireProblem(t, 404, "not_found")
	}
	for bookings := 0; ; bookings++ {
		require.LessOrEqual(t, bookings, 60, "bookings in ten seconds")
		response := anyone.Post(t, publicly+"appointments", o.slot(fmt.Sprintf("2027-03-%02dT14:00:00Z", bookings%28+1)))
		if response.Status == 429 {
			refused(response)
			break
		}
	}
	s.Clock.Advance(10 * time.Second)
	anyone.Get(t, publicly+"business").Require(t, 200)
}
