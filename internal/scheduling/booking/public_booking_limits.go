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

// booker identifies whose bookings are counted. The ids are different in every environment.
type booker struct{ networkID, emailID uuid.UUID }

func bookerOf(scope *tenancy.Scope, given PublicCustomer) booker {
	return booker{
		networkID: uuid.NewSHA1(scope.Env.ID, []byte(scope.Network())),
		emailID:   uuid.NewSHA1(scope.Env.ID, []byte("mailto:"+strings.ToLower(given.Email))),
	}
}

// lockNetwork serializes counts of the bookings of a network until the transaction ends. It is always taken before the
// lock of the e-mail address, which PublicBooking.customer takes.
func lockNetwork(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, b booker) error {
	err := queries.LockBookingNetwork(ctx, tx, schedulingdb.LockBookingNetworkParams{EnvID: scope.Env.ID, NetworkID: b.networkID})
	if err != nil {
		return fmt.Errorf("lock network: %w", err)
	}
	return nil
}

// allowBooking returns a TooManyBookings error unless the booker may have one more future appointment. Network and
// e-mail address are locked.
func allowBooking(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, p schedulingdb.GetPoliciesRow, b booker,
) error {
	counted, err := queries.CountPublicBookings(ctx, tx, schedulingdb.CountPublicBookingsParams{
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

// countPublicBooking counts the appointment, with the commit.
func countPublicBooking(tx *store.Tx, scope *tenancy.Scope, b booker, booked *Appointment) {
	params := schedulingdb.InsertPublicBookingParams{
		EnvID: scope.Env.ID, AppointmentID: booked.ID, NetworkID: b.networkID, EmailID: b.emailID, DueAt: booked.EndAt, Now: scope.Now,
	}
	tx.OnCommit(batch.Write(queries.InsertPublicBooking, params).Doing("insert public booking"))
}
