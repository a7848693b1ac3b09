package walk

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/jobtest"
)

// room is a business with one room, one service and one customer.
type room struct {
	*apitest.Server
	owner             *apitest.Client
	service, customer string
}

func newRoom(t *testing.T) *room {
	t.Helper()
	s := apitest.New(t)
	r := &room{Server: s, owner: s.Tenant(t, "a").Client(t, tenancy.RoleOwner)}
	r.owner.Post(t, "/api/v1/resources", m{"name": "Studio", "type": "ROOM"}).Require(t, 201)
	r.service = r.owner.Post(t, "/api/v1/services", m{"name": "Class", "duration_minutes": 60}).Require(t, 201).ID(t)
	r.customer = r.owner.Post(t, "/api/v1/customers", m{"name": "Carla"}).Require(t, 201).ID(t)
	return r
}

const atNine, atNoon = "2027-03-01T09:00:00Z", "2027-03-01T12:00:00Z"

func (r *room) hold() m { return m{"service_id": r.service, "start_at": atNine} }

func (r *room) booking(start string) m {
	return m{"service_id": r.service, "customer_id": r.customer, "start_at": start}
}

func (r *room) held(hold string) m {
	b := r.booking(atNine)
	b["hold_id"] = hold
	return b
}

// oneOwner proves that nobody shares the time with anybody.
func (r *room) oneOwner(t *testing.T, count int) {
	t.Helper()
	var allocations int
	require.NoError(t, r.DB.OwnerPool().QueryRow(t.Context(),
		"SELECT count(*) FROM allocations WHERE active AND start_at = $1", atNine).Scan(&allocations))
	require.Equal(t, count, allocations)
}

// mixed sends requests of several kinds at once: request n is of kind n modulo their
// number. It returns how many of each kind succeeded; all others must have been refused
// with one of the codes.
func mixed(t *testing.T, c *apitest.Client, n int, kinds []func(i int) *http.Request, codes ...string) []int {
	t.Helper()
	requests := make([]*http.Request, n)
	for i := range requests {
		requests[i] = kinds[i%len(kinds)](i)
	}
	won := make([]int, len(kinds))
	var mu sync.Mutex
	var done sync.WaitGroup
	start := make(chan struct{})
	for i, request := range requests {
		done.Go(func() {
			<-start
			response, err := c.Send(request)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if response.Status < 300 {
				won[i%len(kinds)]++
				return
			}
			if response.Status != 409 {
				t.Errorf("answer %d: %s", response.Status, response.Body)
				return
			}
			require.Contains(t, codes, response.Object(t)["code"])
		})
	}
	close(start)
	done.Wait()
	return won
}

// However many hold or book one time at once, one of them gets it.
func TestHoldsAgainstBookings(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testing.T, *room){
		"a free time": func(*testing.T, *room) {},
		"the time of an expired hold": func(t *testing.T, r *room) {
			t.Helper()
			r.owner.Post(t, "/api/v1/holds", r.hold()).Require(t, 201)
			r.Clock.Advance(5 * time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			other := r.owner.Post(t, "/api/v1/appointments", r.booking(atNoon)).Require(t, 201).ID(t)
			prepare(t, r)
			won := mixed(t, r.owner, rivals, []func(int) *http.Request{
				func(int) *http.Request { return r.owner.Request(t, http.MethodPost, "/api/v1/holds", r.hold()) },
				func(int) *http.Request {
					return r.owner.Request(t, http.MethodPost, "/api/v1/appointments", r.booking(atNine))
				},
			}, "slot_taken")
			require.Equal(t, 1, won[0]+won[1], "%v", won)
			r.oneOwner(t, 1)
			r.owner.Post(t, "/api/v1/appointments/"+other+"/reschedule", m{"start_at": atNine}).RequireProblem(t, 409, "slot_taken")
		})
	}
}

func TestHoldAgainstReschedule(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	other := r.owner.Post(t, "/api/v1/appointments", r.booking(atNoon)).Require(t, 201).ID(t)
	won := mixed(t, r.owner, 32, []func(int) *http.Request{
		func(int) *http.Request { return r.owner.Request(t, http.MethodPost, "/api/v1/holds", r.hold()) },
		func(int) *http.Request {
			return r.owner.Request(t, http.MethodPost, "/api/v1/appointments/"+other+"/reschedule", m{"start_at": atNine})
		},
	}, "slot_taken")
	// Once it is moved, moving it there again changes nothing and succeeds.
	require.Contains(t, [][]int{{1, 0}, {0, 16}}, won)
	r.oneOwner(t, 1)
}

// The same hold becomes one appointment, however often it is confirmed.
func TestManyConfirmOneHold(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	hold := r.owner.Post(t, "/api/v1/holds", r.hold()).Require(t, 201).ID(t)
	answers := atOnce(t, rivals, r.owner, http.MethodPost, "/api/v1/appointments", func(int) any { return r.held(hold) })
	require.Len(t, answers[201], 1)
	require.Len(t, answers[409], rivals-1)
	for _, refused := range answers[409] {
		require.Equal(t, answers[201][0].ID(t), refused.RequireProblem(t, 409, "hold_used")["appointment_id"])
	}
	r.oneOwner(t, 1)
}

// While a hold is confirmed, nobody gets in between.
func TestConfirmAgainstBookings(t *testing.T) {
	t.Parallel()
	for range 4 {
		r := newRoom(t)
		hold := r.owner.Post(t, "/api/v1/holds", r.hold()).Require(t, 201).ID(t)
		won := mixed(t, r.owner, 32, []func(int) *http.Request{
			func(i int) *http.Request {
				if i == 0 {
					return r.owner.Request(t, http.MethodPost, "/api/v1/appointments", r.held(hold))
				}
				return r.owner.Request(t, http.MethodPost, "/api/v1/appointments", r.booking(atNine))
			},
			func(int) *http.Request { return r.owner.Request(t, http.MethodPost, "/api/v1/holds", r.hold()) },
		}, "slot_taken")
		require.Equal(t, []int{1, 0}, won)
		require.Equal(t, "BOOKED", r.owner.Get(t, "/api/v1/holds/"+hold).Require(t, 200).Object(t)["status"])
		r.oneOwner(t, 1)
	}
}

// Between releasing and confirming the same hold, one of both happens.
func TestConfirmAgainstRelease(t *testing.T) {
	t.Parallel()
	for range 4 {
		r := newRoom(t)
		hold := r.owner.Post(t, "/api/v1/holds", r.hold()).Require(t, 201).ID(t)
		requests := []*http.Request{
			r.owner.Request(t, http.MethodPost, "/api/v1/appointments", r.held(hold)),
			r.owner.Request(t, http.MethodDelete, "/api/v1/holds/"+hold, nil),
		}
		statuses := make([]int, 2)
		var done sync.WaitGroup
		for i, request := range requests {
			done.Go(func() {
				response, err := r.owner.Send(request)
				if err != nil {
					t.Error(err)
					return
				}
				statuses[i] = response.Status
			})
		}
		done.Wait()
		require.Contains(t, [][]int{{201, 409}, {422, 204}}, statuses)
	}
}

// What is asked for has its time already: while it is approved, twice or more, nobody gets
// in between.
func TestApprovalAgainstBookings(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	asking := r.owner.Post(t, "/api/v1/services", m{"name": "Consultation", "duration_minutes": 60, "requires_approval": true}).Require(t, 201).ID(t)
	booking := r.booking(atNine)
	booking["service_id"] = asking
	pending := r.owner.Post(t, "/api/v1/appointments", booking).Require(t, 201)
	require.Equal(t, "PENDING", pending.Object(t)["status"])
	won := mixed(t, r.owner, rivals, []func(int) *http.Request{
		func(int) *http.Request {
			return r.owner.Request(t, http.MethodPost, "/api/v1/appointments/"+pending.ID(t)+"/confirm", nil)
		},
		func(int) *http.Request {
			return r.owner.Request(t, http.MethodPost, "/api/v1/appointments", r.booking(atNine))
		},
	}, "slot_taken")
	require.Equal(t, []int{rivals / 2, 0}, won)
	confirmed := r.owner.Get(t, "/api/v1/appointments/"+pending.ID(t)).Require(t, 200).Object(t)
	require.Equal(t, "CONFIRMED", confirmed["status"])
	require.EqualValues(t, 2, confirmed["version"], "of all approvals one has changed it")
	r.oneOwner(t, 1)
}

// One time becomes free, many wait: one of them is offered it, by whichever of the jobs.
func TestManyWaitForOneTime(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	booked := r.owner.Post(t, "/api/v1/appointments", r.booking(atNine)).Require(t, 201).ID(t)
	jobtest.Work(t, r.DB, r.App.Jobs, apitest.Start) // what making the room has freed
	first := ""
	for i := range 8 {
		customer := r.customer
		if i > 0 {
			customer = r.owner.Post(t, "/api/v1/customers", m{"name": "Waits"}).Require(t, 201).ID(t)
		}
		entry := r.owner.Post(t, "/api/v1/waitlist", m{
			"service_id": r.service, "customer_id": customer, "from": atNine, "to": "2027-03-01T09:15:00Z",
		}).Require(t, 201).ID(t)
		if first == "" {
			first = entry
		}
	}
	require.Equal(t, 8, jobtest.Work(t, r.DB, r.App.Jobs, apitest.Start)["waitlist_freed"])
	r.owner.Post(t, "/api/v1/appointments/"+booked+"/cancel", nil).Require(t, 200)
	jobtest.Work(t, r.DB, r.App.Jobs, apitest.Start)
	require.Equal(t, []string{first}, r.owner.Get(t, "/api/v1/waitlist?status=OFFERED").Require(t, 200).IDs(t))
	require.Len(t, r.owner.Get(t, "/api/v1/waitlist?status=WAITING").Require(t, 200).IDs(t), 7)
	hold := r.owner.Get(t, "/api/v1/waitlist/"+first).Require(t, 200).Object(t)["hold_id"].(string)

	var told string
	require.NoError(t, r.DB.OwnerPool().QueryRow(t.Context(), `SELECT data->'hold'->>'id' FROM notifications
		WHERE kind = 'waitlist.offered' AND channel = 'EMAIL' AND customer_id = $1`, r.customer).Scan(&told))
	require.Equal(t, hold, told)

	// Nobody takes it: the sweep ends the offer and the next one has theirs.
	r.Clock.Advance(time.Hour)
	require.NoError(t, r.App.Jobs.Work(t.Context(), "waitlist_lapsed_sweep", []byte(`{}`)))
	jobtest.Work(t, r.DB, r.App.Jobs, apitest.Start.Add(time.Hour))
	r.owner.Post(t, "/api/v1/appointments", r.held(hold)).RequireProblem(t, 409, "hold_expired")
	require.Equal(t, "EXPIRED", r.owner.Get(t, "/api/v1/waitlist/"+first).Require(t, 200).Object(t)["status"])
	second := r.owner.Get(t, "/api/v1/waitlist?status=OFFERED").Require(t, 200).IDs(t)
	require.Len(t, second, 1)
	offered := r.owner.Get(t, "/api/v1/waitlist/"+second[0]).Require(t, 200).Object(t)
	taken := r.held(offered["hold_id"].(string))
	taken["customer_id"] = offered["customer_id"]
	r.owner.Post(t, "/api/v1/appointments", taken).Require(t, 201)
	require.Equal(t, "BOOKED", r.owner.Get(t, "/api/v1/waitlist/"+second[0]).Require(t, 200).Object(t)["status"])
	r.oneOwner(t, 1)
}
