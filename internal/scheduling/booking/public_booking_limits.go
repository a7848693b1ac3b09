package booking

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// booker is whose bookings are counted: numbers that tell nobody who was where else.
type booker struct{ networkID, emailID uuid.UUID }

func bookerOf(scope *tenancy.Scope, given PublicCustomer) booker {
	return booker{
		networkID: uuid.NewSHA1(scope.Env.ID, []byte(scope.Network())),
		emailID:   uuid.NewSHA1(scope.Env.ID, []byte("mailto:"+strings.ToLower(given.Email))),
	}
}

// lockNetwork lets nobody else count the bookings of the network until the transaction ends. The
// lock of the e-mail address, which PublicBooking.customer takes, comes after it.
func (s *PublicBooking) lockNetwork(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, b booker) error {
	err := s.appointments.queries.LockBookingNetwork(ctx, tx, schedulingdb.LockBookingNetworkParams{EnvID: scope.Env.ID, NetworkID: b.networkID})
	if err != nil {
		return fmt.Errorf("lock network: %w", err)
	}
	return nil
}

// allowBooking returns a TooManyBookings error unless whoever it is may have one appointment more
// to come. Network and e-mail address are locked.
func (s *PublicBooking) allowBooking(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, p schedulingdb.GetPoliciesRow, b booker,
) error {
	counted, err := s.appointments.queries.CountPublicBookings(ctx, tx, schedulingdb.CountPublicBookingsParams{
		EnvID: scope.Env.ID, NetworkID: b.networkID, EmailID: b.emailID, Now: scope.Now,
	})
	if err != nil {
		return fmt.Errorf("count public bookings: %w", err)
	}
	if counted.OfEmail >= p.MaxBookingsPerEmail {
		return tooManyOfEmail(p)
	}
	if counted.OfNetwork >= p.MaxBookingsPerAddress {
		return apperr.New(apperr.TooManyBookings, "At most %d appointments to come can be booked from one network. Get in touch with the business.",
			p.MaxBookingsPerAddress).With("limit", p.MaxBookingsPerAddress)
	}
	return nil
}

func tooManyOfEmail(p schedulingdb.GetPoliciesRow) error {
	return apperr.New(apperr.TooManyBookings, "At most %d appointments to come can be booked for one e-mail address. Get in touch with the business.",
		p.MaxBookingsPerEmail).With("limit", p.MaxBookingsPerEmail)
}

// note counts the appointment, with the commit.
func (s *PublicBooking) note(tx *store.Tx, scope *tenancy.Scope, b booker, booked *Appointment) {
	params := schedulingdb.InsertPublicBookingParams{
		EnvID: scope.Env.ID, AppointmentID: booked.ID, NetworkID: b.networkID, EmailID: b.emailID, DueAt: booked.EndAt, Now: scope.Now,
	}
	tx.OnCommit(batch.Write(s.appointments.queries.InsertPublicBooking, params).Doing("insert public booking"))
}
