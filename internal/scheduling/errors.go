package scheduling

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// SQLSTATEs of violated constraints, and of InsertAppointment.
const (
	foreignKeyViolation = "23503"
	checkViolation      = "23514"
	uniqueViolation     = "23505"
)

// violation is a constraint and how it was violated; a foreign key and a unique index
// may have the same name.
type violation struct{ state, constraint string }

// refusals are the constraints that a write can run into although its input fits the
// contract, and what to say then.
var refusals = map[violation]func() *apperr.Error{
	{foreignKeyViolation, "resources_user"}:        noSuchUser,
	{foreignKeyViolation, "customers_user"}:        noSuchUser,
	{foreignKeyViolation, "schedules_resource"}:    func() *apperr.Error { return apperr.NewNotFound("resource") },
	{foreignKeyViolation, "time_off_resource"}:     func() *apperr.Error { return noSuchReference("/resource_id", "resource") },
	{foreignKeyViolation, "appointments_service"}:  func() *apperr.Error { return noSuchReference("/service_id", "service") },
	{foreignKeyViolation, "appointments_customer"}: func() *apperr.Error { return noSuchReference("/customer_id", "customer") },
	{checkViolation, "services_currency"}:          func() *apperr.Error { return foreignCurrency("that of the business") },
	{uniqueViolation, "customers_user"}: func() *apperr.Error {
		const detail = "The user is the login of another customer."
		return apperr.New(apperr.AlreadyExists, detail).WithFields(apperr.Field{Pointer: "/user_id", Detail: detail})
	},
}

func foreignCurrency(want string) *apperr.Error {
	return apperr.NewInvalid("/price/currency", "must be %s: services are priced in the currency of their business.", want)
}

func noSuchUser() *apperr.Error { return noSuchReference("/user_id", "user") }

func noSuchReference(pointer, noun string) *apperr.Error {
	return apperr.NewInvalid(pointer, "There is no %s with this id.", noun)
}

// refused translates the error of an insert or update: a violated constraint becomes
// what it means to the client, anything else stays as it is.
func refused(err error) error {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return err
	}
	if refusal, ok := refusals[violation{pgErr.Code, pgErr.ConstraintName}]; ok {
		return refusal().WithCause(err)
	}
	return err
}

// stillUsed translates the error of a delete: a foreign key in the way means that
// something refers to the object, and advice says what to do instead.
func stillUsed(err error, advice string) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == foreignKeyViolation {
		return apperr.New(apperr.InUse, "%s", advice).WithCause(err)
	}
	return err
}
