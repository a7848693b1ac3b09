package walk

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Work is shared out by the day: whoever has the least to do is offered, and is who is
// taken when nobody in particular is asked for.
func TestWorkIsSharedOut(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	chairs := []string{o["resource"]}
	for i := range 2 {
		chairs = append(chairs, owner.Post(t, "/api/v1/resources", m{"name": fmt.Sprintf("Chair %d", i+2), "type": "STAFF"}).Require(t, 201).ID(t))
	}
	taken := map[string]int{}
	for i := range 6 {
		start := fmt.Sprintf("2027-03-01T%02d:00:00Z", 15+i)
		found, _ := search(t, owner, o["service"], "from="+start+"&to=2027-03-02&limit=1")
		booked := owner.Post(t, "/api/v1/appointments", m{"service_id": o["service"], "customer_id": o["customer"], "start_at": start}).Require(t, 201)
		var got struct {
			ResourceIDs []string `json:"resource_ids"`
		}
		booked.Decode(t, &got)
		require.Equal(t, found.Data[0].ResourceIDs, got.ResourceIDs, "what is offered is what is taken")
		taken[got.ResourceIDs[0]]++
	}
	for _, chair := range chairs {
		require.Equal(t, 2, taken[chair])
	}
}
