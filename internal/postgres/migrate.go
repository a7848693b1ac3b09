package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Migrate applies every migration that the database lacks, each in its own
// transaction. Processes that migrate the same database at the same time wait for
// each other, at most five minutes. It logs in as the role in url, which becomes the
// owner of what it creates. The error names the migration that failed; those before
// it stay applied.
func Migrate(ctx context.Context, url string, migrations fs.FS) error {
	return withProvider(url, migrations, func(p *goose.Provider) (err error) {
		for range maxRoleConflicts {
			if _, err = p.Up(ctx); !isRoleConflict(err) {
				break
			}
		}
		return err
	})
}

// maxRoleConflicts bounds how often a migration is run again after a conflict about roles.
const maxRoleConflicts = 10

// isRoleConflict reports whether a migration failed because another database of the cluster changed the same
// role at the same time: roles belong to the whole cluster. PostgreSQL reports it as a unique_violation of one of
// its own catalogs, or as an internal error.
func isRoleConflict(err error) bool {
	failed, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (failed.Code == "23505" && strings.HasPrefix(failed.ConstraintName, "pg_auth") ||
		failed.Code == "XX000" && failed.Message == "tuple concurrently updated")
}

// Down takes back the migration applied last. On an empty database it does nothing.
func Down(ctx context.Context, url string, migrations fs.FS) error {
	return withProvider(url, migrations, func(p *goose.Provider) error {
		_, err := p.Down(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return nil
		}
		return err
	})
}

// DownTo takes back all migrations above version; 0 takes back everything.
func DownTo(ctx context.Context, url string, migrations fs.FS, version int64) error {
	return withProvider(url, migrations, func(p *goose.Provider) error {
		_, err := p.DownTo(ctx, version)
		return err
	})
}

// Status returns the version that the database is at and the latest one there is. A
// database that was never migrated is at 0.
func Status(ctx context.Context, url string, migrations fs.FS) (current, latest int64, err error) {
	err = withProvider(url, migrations, func(p *goose.Provider) error {
		current, latest, err = p.GetVersions(ctx)
		return err
	})
	return current, latest, err
}

// Version returns the version that the database is at, as a pool sees it whose role
// may read goose_db_version; it is cheap enough for every readiness check.
func Version(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	var version int64
	err := pool.QueryRow(ctx, "SELECT COALESCE(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("reading the version of the database: %w", err)
	}
	return version, nil
}

// withProvider gives do a migration runner on one connection pool of its own.
func withProvider(url string, migrations fs.FS, do func(*goose.Provider) error) error {
	db, err := openSQL(url)
	if err != nil {
		return err
	}
	defer db.Close()
	// A waiting process asks for the lock once a second.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, migrations,
		goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	err = do(p)
	var partial *goose.PartialError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &partial):
		return fmt.Errorf("migrating the database: %s: %w", partial.Failed.Source.Path, explain(partial.Err))
	default:
		return fmt.Errorf("migrating the database: %w", explain(err))
	}
}

func openSQL(url string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database URL is not understood: %w", err)
	}
	return stdlib.OpenDB(*config), nil
}
