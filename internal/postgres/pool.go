package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// PoolOptions says how a pool connects. Zero values mean the defaults.
type PoolOptions struct {
	// URL is a connection URL or a keyword/value string.
	URL string
	// Role is what every connection works as; the login role must be a member of it
	// or a superuser. Empty means the login role itself.
	Role string
	// MaxConns is 10 by default.
	MaxConns int32
	// ApplicationName is shown in pg_stat_activity; "smoothschedule" by default.
	ApplicationName string
	// StatementTimeout ends a statement that runs longer; 30 s by default.
	StatementTimeout time.Duration
	// Tracer is called for every statement; nil is none.
	Tracer pgx.QueryTracer
}

const (
	defaultMaxConns         = 10
	defaultApplicationName  = "smoothschedule"
	defaultStatementTimeout = 30 * time.Second
	idleInTransaction       = 30 * time.Second
	lockTimeout             = 10 * time.Second
	connectTimeout          = 5 * time.Second
)

// NewPool opens a pool and makes sure that one connection works. Each connection is
// in the role, in UTC, with time limits on statements, locks and idle transactions,
// and with plans that do not depend on parameter values, since the plans of queries
// under row security are otherwise made anew for each environment.
//
// The role is part of the login, so RESET ROLE and DISCARD ALL return to it, and a
// connection that comes out in another role, for instance behind a pooler that drops
// start-up parameters, is never handed out. Errors say what to do about the usual
// causes and contain no password.
func NewPool(ctx context.Context, o PoolOptions) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("the database URL is not understood: %w", err)
	}
	if mode := config.ConnConfig.DefaultQueryExecMode; mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol {
		return nil, fmt.Errorf("the database URL has default_query_exec_mode for %q, which does not ask PostgreSQL for the types of parameters: "+
			"leave it out, or take cache_describe", mode)
	}
	o.apply(config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("opening the database pool: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connecting to the database: %w", explain(err))
	}
	return pool, nil
}

func (o PoolOptions) apply(config *pgxpool.Config) {
	config.MaxConns = cmp.Or(o.MaxConns, defaultMaxConns)
	config.MaxConnLifetime = 30 * time.Minute
	config.MaxConnLifetimeJitter = 5 * time.Minute
	config.MaxConnIdleTime = 5 * time.Minute
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	config.ConnConfig.Tracer = o.Tracer
	params := config.ConnConfig.RuntimeParams
	params["application_name"] = cmp.Or(o.ApplicationName, defaultApplicationName)
	params["timezone"] = "UTC"
	params["plan_cache_mode"] = "force_generic_plan"
	params["statement_timeout"] = milliseconds(cmp.Or(o.StatementTimeout, defaultStatementTimeout))
	params["idle_in_transaction_session_timeout"] = milliseconds(idleInTransaction)
	params["lock_timeout"] = milliseconds(lockTimeout)
	if o.Role != "" {
		params["role"] = o.Role
	}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		registerUUID(conn.TypeMap())
		if o.Role == "" {
			return nil
		}
		return checkRole(ctx, conn, o.Role)
	}
}

func milliseconds(d time.Duration) string {
	return strconv.FormatInt(d.Milliseconds(), 10)
}

// checkRole is the last line of defense of row security: a connection in another role
// could see too much.
func checkRole(ctx context.Context, conn *pgx.Conn, want string) error {
	var got string
	if err := conn.QueryRow(ctx, "SELECT current_user").Scan(&got); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("the connection works as the role %q instead of %q: "+
			"connect to PostgreSQL directly, not through a pooler that ignores start-up parameters", got, want)
	}
	return nil
}

// advice is what helps against an error of a connection attempt, by SQLSTATE.
var advice = map[string]string{
	"28P01": "check the user and the password in the database URL",
	"28000": "the server does not let this user in; check the database URL and pg_hba.conf",
	"3D000": "create the database, or correct its name in the database URL",
	"53300": "the server has no free connections; raise max_connections or lower the pools' sizes",
	"57P03": "the server is starting or stopping; try again in a moment",
	"22023": "a role is missing; run `smoothschedule migrate` on this database first",
	"42501": "the login role lacks the right; grant it membership in the roles smoothschedule_app, smoothschedule_platform and smoothschedule_administration, " +
		"or migrate as the owner of the database",
}

// explain adds advice to the errors that are common when a server is set up.
func explain(err error) error {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		if hint, ok := advice[refused.Code]; ok {
			return fmt.Errorf("%w (%s)", err, hint)
		}
		return err
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return fmt.Errorf("%w (is PostgreSQL running, and is the address in the database URL right?)", err)
	}
	return err
}
