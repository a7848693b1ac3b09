package businesses

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/smoothschedule/smoothschedule/gen/db/admindb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

var queries = admindb.New()

// refusals are the constraints that a write can run into although its input fits the
// contract, and what to say then.
var refusals = map[string]func() *apperr.Error{
	"plans_code_key":          func() *apperr.Error { return taken("/code", "There is already a plan with this code.") },
	"plans_rank_key":          func() *apperr.Error { return taken("/rank", "There is already a plan with this rank.") },
	"plan_versions_one_draft": func() *apperr.Error { return taken("/version", "The plan has a draft already.") },
}

func taken(pointer, detail string) *apperr.Error {
	return apperr.New(apperr.AlreadyExists, "%s", detail).WithFields(apperr.Field{Pointer: pointer, Detail: detail})
}

// refused translates the error of an insert or update: a violated constraint becomes
// what it means to the client, anything else stays as it is.
func refused(err error) error {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return err
	}
	if refusal, ok := refusals[pgErr.ConstraintName]; ok {
		return refusal().WithCause(err)
	}
	return err
}
