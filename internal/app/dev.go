package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/postgres/embedded"
	"github.com/smoothschedule/smoothschedule/schema"
)

// Dev runs a development server with migrations and demo businesses. Unless a database is configured, it
// starts its own. It prints the start-up sheet to out and runs until ctx or the database ends. With reset,
// it deletes its own database first; it never deletes a configured one.
func Dev(ctx context.Context, c Config, environment map[string]string, reset bool, out io.Writer) error {
	c = c.forDev(environment)
	log := NewLogger(c)
	listener, err := listen(ctx, c.Addr, "ADDR")
	if err != nil {
		return err
	}
	defer listener.Close()
	if reset {
		if err := resetDatabase(ctx, c); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	database, stop, err := devDatabase(ctx, cancel, c, log)
	if err != nil {
		return err
	}
	defer stop()
	if err := postgres.Migrate(ctx, migrationURL(c, database), schema.FS); err != nil {
		return err
	}
	return withApp(ctx, c, database, log, func(a *App) error {
		if err := a.claimForDevelopment(ctx); err != nil {
			return err
		}
		created, err := a.seedDemo(ctx, time.Now())
		if err != nil {
			return fmt.Errorf("create the demo businesses: %w", err)
		}
		token, err := a.demoToken(ctx, demoBusinesses()[0].subdomain, time.Now())
		if err != nil {
			return fmt.Errorf("find the demo token: %w", err)
		}
		if err := a.printSheet(out, listener.Addr().String(), token, created); err != nil {
			return err
		}
		if err := a.serve(ctx, database, listener, log); err != nil {
			return err
		}
		return unlessInterrupted(context.Cause(ctx))
	})
}

var errDatabaseEnded = errors.New("the embedded PostgreSQL stopped unexpectedly; its log is in the data directory")

// unlessInterrupted returns the cause of the end, or nil after Ctrl-C.
func unlessInterrupted(cause error) error {
	if errors.Is(cause, errDatabaseEnded) {
		return cause
	}
	return nil
}

// devDatabase returns the URL of the configured database, or starts one.
func devDatabase(ctx context.Context, cancel context.CancelCauseFunc, c Config, log *slog.Logger) (url string, stop func(), err error) {
	if c.DatabaseURL != "" {
		return c.DatabaseURL, func() {}, nil
	}
	dir, err := dataDir(c)
	if err != nil {
		return "", nil, err
	}
	binaries, err := embedded.FindBinaries(ctx, log)
	if err != nil {
		return "", nil, err
	}
	server, err := embedded.Start(ctx, embedded.Options{DataDir: dir, Binaries: binaries, Log: log})
	if err != nil {
		return "", nil, err
	}
	go func() {
		<-server.Done()
		cancel(errDatabaseEnded)
	}()
	return server.URL("postgres"), func() {
		finish, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer done()
		if err := server.Stop(finish); err != nil {
			log.Error("stop PostgreSQL", "error", err)
		}
	}, nil
}

func resetDatabase(ctx context.Context, c Config) error {
	if c.DatabaseURL != "" {
		return fmt.Errorf("--reset only deletes the database that dev starts itself, but %sDATABASE_URL is set", Prefix)
	}
	dir, err := dataDir(c)
	if err != nil {
		return err
	}
	return embedded.Remove(ctx, dir)
}

func dataDir(c Config) (string, error) {
	if c.DataDir == "" {
		return embedded.DefaultDataDir()
	}
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		return "", fmt.Errorf("%sDATA_DIR=%s: %w", Prefix, c.DataDir, err)
	}
	return filepath.Join(dir, "postgres"), nil
}

func migrationURL(c Config, database string) string {
	if c.MigrationURL != "" {
		return c.MigrationURL
	}
	return database
}

// Migrate applies all migrations ("up"), reverts the last one ("down") or prints the version ("status") of
// the configured database or, without one, of the database of dev.
func Migrate(ctx context.Context, c Config, direction string, out io.Writer) error {
	log := NewLogger(c)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	url := c.MigrationURL
	if url == "" {
		database, stop, err := devDatabase(ctx, cancel, c, log)
		if err != nil {
			return err
		}
		defer stop()
		url = database
	}
	var err error
	switch direction {
	case "up":
		err = postgres.Migrate(ctx, url, schema.FS)
	case "down":
		err = postgres.Down(ctx, url, schema.FS)
	case "status":
	default:
		return fmt.Errorf("migrate %q: the directions are up, down and status", direction)
	}
	if err != nil {
		return err
	}
	current, latest, err := postgres.Status(ctx, url, schema.FS)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "The database is at version %d of %d.\n", current, latest)
	return err
}

// Environment returns the environment variables of the process.
func Environment() map[string]string {
	environment := map[string]string{}
	for _, entry := range os.Environ() {
		for i := 1; i < len(entry); i++ {
			if entry[i] == '=' {
				environment[entry[:i]] = entry[i+1:]
				break
			}
		}
	}
	return environment
}
