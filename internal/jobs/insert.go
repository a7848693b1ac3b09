package jobs

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Schema is where River's tables are (schema/00033_jobs.sql).
const Schema = "river"

// Args are the arguments of a job. They are kept as JSON and may be read by whoever
// operates the database: ids only. Kind names the work, for ever: jobs that wait carry it.
//
// Args may say more about their jobs with the method InsertOpts() river.InsertOpts.
type Args = river.JobArgs

// InEnv is embedded by the arguments of jobs that work in one environment.
type InEnv struct {
	EnvID uuid.UUID `json:"env_id"`
}

// In is the environment of a scope.
func In(scope *tenancy.Scope) InEnv { return InEnv{scope.Env.ID} }

// Environment is that in which the job works.
func (e InEnv) Environment() uuid.UUID { return e.EnvID }

// EnvArgs are the arguments of a job that works in one environment.
type EnvArgs interface {
	Args
	Environment() uuid.UUID
}

// DB is a transaction: *store.Tx or pgx.Tx.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Option changes how one job is inserted.
type Option func(*river.InsertOpts)

// At lets the job wait until an instant of the real clock. Leave it out for "now".
func At(at time.Time) Option {
	return func(o *river.InsertOpts) { o.ScheduledAt = at }
}

// Insert adds a job in the caller's transaction: it exists, and is worked, exactly if
// that commits. It may not be called after the transaction's last statement.
func Insert(ctx context.Context, tx DB, args Args, options ...Option) error {
	client, err := inserter()
	if err != nil {
		return err
	}
	opts := &river.InsertOpts{}
	for _, change := range options {
		change(opts)
	}
	if _, err := client.InsertTx(ctx, asPgxTx(tx), args, opts); err != nil {
		return fmt.Errorf("insert job %s: %w", args.Kind(), err)
	}
	return nil
}

// inserter has no pool: River then only inserts, through the transactions it is given.
var inserter = sync.OnceValues(func() (*river.Client[pgx.Tx], error) {
	return river.NewClient(riverpgxv5.New(nil), &river.Config{Schema: Schema})
})

func asPgxTx(db DB) pgx.Tx {
	if tx, ok := db.(pgx.Tx); ok {
		return tx
	}
	return statements{db: db}
}

// statements lets River write through a transaction of the Store, which is not a pgx.Tx
// because nobody but the Store may end it. River inserts with these methods alone; the
// others are not there, and would panic.
type statements struct {
	pgx.Tx
	db DB
}

func (s statements) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return s.db.Exec(ctx, sql, args...)
}

func (s statements) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return s.db.Query(ctx, sql, args...) //nolint:rowserrcheck // the rows are River's
}

func (s statements) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return s.db.QueryRow(ctx, sql, args...)
}

// Conn is where River looks for the mode of the connection; without one it takes pgx's default,
// which is ours.
func (s statements) Conn() *pgx.Conn { return nil }
