package booking_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

// publicSalon is a business that the public books from addresses of the network.
type publicSalon struct {
	*bundle
	service *catalog.Service
	public  *booking.PublicBooking
}

func newPublicSalon(t *testing.T) *publicSalon {
	t.Helper()
	b := setup(t)
	b.Resource(b.Owner(), "ROOM", "Studio")
	return &publicSalon{b, b.Service(b.Owner(), "ROOM"), b.PublicBooking}
}

// from is the scope of a request of nobody.
func (s *publicSalon) from(address string) *tenancy.Scope {
	scope := *s.Owner()
	scope.Principal, scope.Address = nil, netip.MustParseAddr(address)
	return &scope
}

// book books the nth hour for an e-mail address, and returns the token.
func (s *publicSalon) book(scope *tenancy.Scope, n int, email string) (string, error) {
	start := schedulingtest.Noon.Add(time.Duration(n) * time.Hour)
	token, _, err := s.public.Book(s.Context(), scope, booking.PublicBookingInput{
		ServiceID: &s.service.ID, StartAt: &start, Customer: booking.PublicCustomer{Name: "Rita", Email: email},
	})
	return token, err
}

// Whoever asks at the same time gets as many as are allowed, and not one more.
func TestPublicBooking_Book_IsLimited(t *testing.T) {
	t.Parallel()
	const parallel = 24
	for name, test := range map[string]struct {
		policy  string
		address func(i int) string
		email   func(i int) string
	}{
		"for an e-mail address, written in any case": {
			"max_bookings_per_email", func(i int) string { return fmt.Sprintf("198.51.100.%d", i+1) },
			func(i int) string { return []string{"rita@example.com", "Rita@Example.com"}[i%2] },
		},
		"for a network": {
			"max_bookings_per_address", func(i int) string { return fmt.Sprintf("2001:db8:7:9::%x", i+1) },
			func(i int) string { return fmt.Sprintf("rita%d@example.com", i) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newPublicSalon(t)
			s.SetPolicy(test.policy, 4)
			tokens := make([]string, parallel)
			errs := schedulingtest.Parallel(parallel, func(i int) (err error) {
				tokens[i], err = s.book(s.from(test.address(i)), i, test.email(i))
				return err
			})
			require.Equal(t, 4, winners(t, apperr.TooManyBookings, errs))
			s.checkLanes(s.Owner())

			scope := s.from(test.address(0))
			_, err := s.book(scope, 100, test.email(0))
			assert.Equal(t, int32(4), schedulingtest.Refusal(t, apperr.TooManyBookings, err).Members["limit"])
			_, err = s.book(s.from("203.0.113.9"), 101, "stranger@example.com")
			require.NoError(t, err, "it is nobody else's limit")
			for _, token := range tokens {
				if token != "" {
					_, err := s.public.Cancel(t.Context(), scope, token, "")
					require.NoError(t, err)
					break
				}
			}
			_, err = s.book(scope, 102, test.email(0))
			require.NoError(t, err, "a cancelled one does not count")
			_, err = s.book(scope, 103, test.email(0))
			schedulingtest.RequireCode(t, apperr.TooManyBookings, err)

			later := s.from(test.address(0))
			later.Now = schedulingtest.Noon.Add(90 * 24 * time.Hour)
			_, err = s.book(later, 91*24, test.email(0))
			require.NoError(t, err, "nor does one that is over")
			assert.Equal(t, 1, s.Count("SELECT count(*) FROM public_bookings"), "and nothing is left of it")
		})
	}
}

// An appointment that has moved counts until it is over.
func TestPublicBooking_Book_CountsWhatHasMoved(t *testing.T) {
	t.Parallel()
	s := newPublicSalon(t)
	s.SetPolicy("max_bookings_per_email", 1)
	scope := s.from("198.51.100.1")
	token, err := s.book(scope, 0, "rita@example.com")
	require.NoError(t, err)
	_, err = s.public.Reschedule(t.Context(), scope, token, schedulingtest.Noon.Add(10*24*time.Hour))
	require.NoError(t, err)
	for day := 2; day < 5; day++ {
		scope.Now = schedulingtest.Noon.Add(time.Duration(day) * 24 * time.Hour)
		_, err = s.book(scope, 300+day, "Stranger@example.com")
		if day == 2 {
			require.NoError(t, err)
		}
		_, err = s.book(scope, 400+day, "rita@example.com")
		schedulingtest.RequireCode(t, apperr.TooManyBookings, err)
	}
	scope.Now = schedulingtest.Noon.Add(11 * 24 * time.Hour)
	_, err = s.book(scope, 500, "rita@example.com")
	require.NoError(t, err)
}
