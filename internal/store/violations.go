package store

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// SQLSTATEs of violated constraints.
const (
	foreignKeyViolation = "23503"
	uniqueViolation     = "23505"
	checkViolation      = "23514"
)

// Violation is a constraint and how it was violated: a foreign key and a unique index may have the
// same name.
type Violation struct{ state, constraint string }

// ForeignKey is the violation of a foreign key.
func ForeignKey(constraint string) Violation { return Violation{foreignKeyViolation, constraint} }

// Unique is the violation of a unique constraint or index.
func Unique(constraint string) Violation { return Violation{uniqueViolation, constraint} }

// Check is the violation of a check constraint.
func Check(constraint string) Violation { return Violation{checkViolation, constraint} }

// Violations are the constraints that input can violate although it fits the contract, and the
// errors that clients get.
type Violations map[Violation]func() *apperr.Error

// Translate returns the client's error for a violated constraint, and other errors as they are.
func (v Violations) Translate(err error) error {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return err
	}
	if refusal, ok := v[Violation{pgErr.Code, pgErr.ConstraintName}]; ok {
		return refusal().WithCause(err)
	}
	return err
}

// InUse translates the error of a DELETE that a foreign key prevents into an InUse error with the
// advice; other errors are returned as they are.
func InUse(err error, advice string) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == foreignKeyViolation {
		return apperr.New(apperr.InUse, "%s", advice).WithCause(err)
	}
	return err
}
