package walk

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// A service is priced in the currency of its business, which changes only while no service of
// either mode has a price.
func TestCurrencyOfServices(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner) // in USD
	service := func(c *apitest.Client, price m) *apitest.Response {
		return c.Post(t, "/api/v1/services", m{"name": "S", "duration_minutes": 60, "price": price})
	}
	change := func(currency string) *apitest.Response {
		return owner.Do(t, http.MethodPatch, "/api/v1/business", m{"currency": currency})
	}
	for _, amount := range []int{0, 900} {
		problem := service(owner, m{"amount": amount, "currency": "SEK"}).RequireProblem(t, 422, "validation_failed")
		require.Equal(t, []string{"/price/currency"}, fullPointers(problem))
	}
	priced := service(owner.Sandbox(), m{"amount": 900, "currency": "USD"}).Require(t, 201).ID(t)
	free := service(owner, m{"amount": 0, "currency": "USD"}).Require(t, 201).ID(t)
	problem := owner.Do(t, http.MethodPatch, "/api/v1/services/"+free, m{"price": m{"amount": 1, "currency": "CHF"}}).RequireProblem(t, 422, "validation_failed")
	require.Equal(t, []string{"/price/currency"}, fullPointers(problem))

	problem = change("KWD").RequireProblem(t, 409, "in_use")
	require.Equal(t, []string{"/currency"}, fullPointers(problem))
	change("USD").Require(t, 200)
	owner.Sandbox().Do(t, http.MethodPatch, "/api/v1/services/"+priced, m{"price": m{"amount": 0, "currency": "USD"}}).Require(t, 200)
	require.Equal(t, "KWD", change("KWD").Require(t, 200).Object(t)["currency"])
	for client, id := range map[*apitest.Client]string{owner: free, owner.Sandbox(): priced} {
		found := client.Get(t, "/api/v1/services/"+id).Require(t, 200)
		require.Equal(t, m{"amount": 0.0, "currency": "KWD"}, found.Object(t)["price"], "services that are free follow")
	}
	require.Equal(t, `"2"`, owner.Get(t, "/api/v1/services/"+free).Header.Get("ETag"))
	service(owner, m{"amount": 1, "currency": "USD"}).RequireProblem(t, 422, "validation_failed")
	service(owner, m{"amount": 1, "currency": "KWD"}).Require(t, 201)
}

// A price from before that is in another currency can be read and put right.
func TestCurrencyOfServices_FromBefore(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	id := owner.Post(t, "/api/v1/services", m{"name": "S", "duration_minutes": 60, "price": m{"amount": 5, "currency": "USD"}}).Require(t, 201).ID(t)
	for _, sql := range []string{
		"ALTER TABLE services DISABLE TRIGGER services_currency", "UPDATE services SET price_currency = 'EUR'",
		"ALTER TABLE services ENABLE TRIGGER services_currency",
	} {
		_, err := s.DB.OwnerPool().Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	path := "/api/v1/services/" + id
	owner.Do(t, http.MethodPatch, path, m{"name": "Renamed"}).Require(t, 200)
	owner.Do(t, http.MethodPatch, path, m{"price": m{"amount": 7, "currency": "EUR"}}).RequireProblem(t, 422, "validation_failed")
	owner.Do(t, http.MethodPatch, "/api/v1/business", m{"currency": "PLN"}).RequireProblem(t, 409, "in_use")
	owner.Do(t, http.MethodPatch, path, m{"price": m{"amount": 7, "currency": "USD"}}).Require(t, 200)
}

// Prices and the currency of the business cannot overtake each other.
func TestCurrencyOfServices_UnderConcurrency(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	currencies := []string{"USD", "DKK", "CZK"}
	for round := range 4 {
		service := owner.Post(t, "/api/v1/services", m{"name": "S", "duration_minutes": 60}).Require(t, 201).ID(t)
		var requests []*http.Request
		for i := range 18 {
			currency := currencies[i/3%len(currencies)]
			switch i % 3 {
			case 0:
				requests = append(requests, owner.Request(t, http.MethodPatch, "/api/v1/business", m{"currency": currency}))
			case 1:
				requests = append(requests, owner.Request(t, http.MethodPost, "/api/v1/services", m{
					"name": fmt.Sprint(i), "duration_minutes": 60, "price": m{"amount": 100, "currency": currency},
				}))
			default:
				requests = append(requests, owner.Request(t, http.MethodPatch, "/api/v1/services/"+service, m{"price": m{"amount": 50, "currency": currency}}))
			}
		}
		var work sync.WaitGroup
		start := make(chan struct{})
		for _, request := range requests {
			work.Go(func() {
				<-start
				response, err := owner.Send(request)
				if err != nil {
					t.Error(err)
					return
				}
				if response.Status >= 500 {
					t.Errorf("%s %s: %d %s", request.Method, request.URL, response.Status, response.Body)
				}
			})
		}
		close(start)
		work.Wait()
		var strangers int
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), `SELECT count(*) FROM services s JOIN environments e ON e.id = s.env_id
			JOIN tenants t ON t.id = e.tenant_id WHERE s.price_currency <> t.currency`).Scan(&strangers))
		require.Zero(t, strangers, "round %d", round)
		_, err := s.DB.OwnerPool().Exec(t.Context(), "UPDATE services SET price_amount = 0")
		require.NoError(t, err)
	}
}
