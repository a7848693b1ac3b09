package businesses

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/smoothschedule/smoothschedule/gen/db/admindb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

var queries = admindb.New()

// refusals has the error of each constraint that valid input can violate.
var refusals = map[string]func() *apperr.Error{
	"plans_code_key":          func() *apperr.Error { return taken("/code", "There is already a plan with this code.") },
	"plans_rank_key":          func() *apperr.Error { return taken("/rank", "There is already a plan with this rank.") },
	"plan_versions_one_draft": func() *apperr.Error { return taken("/version", "The plan has a draft already.") },
}

func taken(pointer, detail string) *apperr.Error {
	return apperr.New(apperr.AlreadyExists, "%s", detail).WithFields(apperr.Field{Pointer: pointer, Detail: detail})
}

// refused replaces the violation of a constraint in refusals by its error. Other errors are
// returned unchanged.
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
