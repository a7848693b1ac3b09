package walk

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// However often a customer asks at once: they wait once.
func TestRivalsForAPlaceInTheLine(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	customer := owner.Post(t, "/api/v1/customers", m{"name": "Eager"}).Require(t, 201).ID(t)
	answers := atOnce(t, 16, owner, http.MethodPost, "/api/v1/waitlist", func(i int) any {
		return m{
			"service_id": o["service"], "customer_id": customer,
			"from": fmt.Sprintf("2027-03-01T09:%02d:00Z", i), "to": fmt.Sprintf("2027-03-02T09:%02d:00Z", i),
		}
	})
	require.Len(t, answers[201], 1)
	require.Len(t, answers[409], 15)
	for _, refused := range answers[409] {
		refused.RequireProblem(t, 409, "already_exists")
	}
}
