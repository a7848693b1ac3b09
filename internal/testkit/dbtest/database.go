package dbtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/internal/postgres"
)

const (
	templatePrefix = "sstemplate_"
	clonePrefix    = "sstest_" // followed by the Unix time of birth and a random part
	// templateLock is the key of the advisory lock under which templates are made.
	templateLock = 0x5353_7465_6d70
	// abandonedAfter is when a clone on a foreign server must be a crashed run's.
	abandonedAfter = 6 * time.Hour
)

// templateName is a function of the migrations' names and contents.
func templateName(migrations fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(migrations, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(migrations, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(sum, "%s\x00%d\x00%s", path, len(content), content)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("reading the migrations: %w", err)
	}
	return templatePrefix + hex.EncodeToString(sum.Sum(nil)[:10]), nil
}

// clone makes a database with the migrations applied and returns its name.
func (s *server) clone(ctx context.Context, migrations fs.FS) (string, error) {
	template, err := templateName(migrations)
	if err != nil {
		return "", err
	}
	name := cloneName()
	err = s.asAdmin(ctx, func(conn *pgx.Conn) error {
		if err := s.ensureTemplate(ctx, conn, template, migrations); err != nil {
			return err
		}
		return s.copy(ctx, conn, name, template)
	})
	return name, err
}

func cloneName() string {
	return clonePrefix + strconv.FormatInt(time.Now().Unix(), 10) + "_" + strings.ToLower(rand.Text()[:12])
}

// copy makes a database from a template. Copying files is quicker than writing the copy to
// the log as well, which the default strategy does.
func (s *server) copy(ctx context.Context, conn *pgx.Conn, name, template string) error {
	return s.create(ctx, conn, name, "TEMPLATE "+quote(template)+" STRATEGY file_copy")
}

// ensureTemplate makes the template unless it is there. Binaries that need the same
// one at the same time wait for the first.
func (s *server) ensureTemplate(ctx context.Context, conn *pgx.Conn, name string, migrations fs.FS) error {
	if done, err := isTemplate(ctx, conn, name); done || err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return fmt.Errorf("waiting for the template database: %w", err)
	}
	defer func() {
		// Should this fail, the end of the session does it.
		_, _ = conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", templateLock)
	}()
	if done, err := isTemplate(ctx, conn, name); done || err != nil {
		return err
	}
	if s.foreign {
		if err := s.dropAbandoned(ctx, conn); err != nil {
			return err
		}
	}
	if err := dropNow(ctx, conn, name); err != nil { // half-made, by a binary that was killed
		return err
	}
	if err := s.create(ctx, conn, name, "TEMPLATE template0"); err != nil {
		return err
	}
	if err := postgres.Migrate(ctx, s.url(name), migrations); err != nil {
		return err
	}
	// Nobody may connect, because a template in use cannot be copied.
	if _, err := conn.Exec(ctx, "ALTER DATABASE "+quote(name)+" WITH ALLOW_CONNECTIONS false IS_TEMPLATE true"); err != nil {
		return fmt.Errorf("completing the template database: %w", err)
	}
	return nil
}

func isTemplate(ctx context.Context, conn *pgx.Conn, name string) (bool, error) {
	var is bool
	err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)", name).Scan(&is)
	if err != nil {
		return false, fmt.Errorf("looking for the template database: %w", err)
	}
	return is, nil
}

func (s *server) create(ctx context.Context, conn *pgx.Conn, name, how string) error {
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+quote(name)+" "+how); err != nil {
		return fmt.Errorf("creating the database %s: %w", name, err)
	}
	if !s.foreign {
		return nil
	}
	if _, err := conn.Exec(ctx, "ALTER DATABASE "+quote(name)+" SET timezone = '"+timeZone+"'"); err != nil {
		return fmt.Errorf("setting the time zone of %s: %w", name, err)
	}
	return nil
}

// drop removes a database, whoever is still connected.
func (s *server) drop(ctx context.Context, name string) error {
	return s.asAdmin(ctx, func(conn *pgx.Conn) error { return dropNow(ctx, conn, name) })
}

func dropNow(ctx context.Context, conn *pgx.Conn, name string) error {
	if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("dropping the database %s: %w", name, err)
	}
	return nil
}

// dropAbandoned removes the clones that crashed runs left on a foreign server.
func (s *server) dropAbandoned(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", clonePrefix)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		if !abandoned(name, time.Now()) {
			continue
		}
		if err := dropNow(ctx, conn, name); err != nil {
			return err
		}
	}
	return nil
}

func abandoned(name string, now time.Time) bool {
	born, _, _ := strings.Cut(strings.TrimPrefix(name, clonePrefix), "_")
	seconds, err := strconv.ParseInt(born, 10, 64)
	return err == nil && now.Sub(time.Unix(seconds, 0)) > abandonedAfter
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
