package dbtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// URLVariable names the environment variable that makes the tests use a server of
// yours. Its user must be a superuser, or able to create databases, roles and the
// extensions of the schema.
const URLVariable = "SMOOTHSCHEDULE_TEST_DATABASE_URL"

// timeZone has a fractional offset and daylight saving time, to catch code that
// leaves the zone to the database.
const timeZone = "Canada/Newfoundland"

// server is a PostgreSQL server to make databases on.
type server struct {
	admin *url.URL // of a database to connect to for work on other ones
	// foreign is a server that was not started by this package, which therefore keeps
	// leftovers of crashed runs and has settings of its own.
	foreign bool
}

// current is this process's server, once there was a need for it.
var current struct {
	sync.Mutex
	server *server
}

// sharedServer returns the server, starting it if nobody has. A failure is not
// remembered.
func sharedServer(ctx context.Context) (*server, error) {
	current.Lock()
	defer current.Unlock()
	if current.server != nil {
		return current.server, nil
	}
	s, err := findServer(ctx)
	if err != nil {
		return nil, err
	}
	current.server = s
	return s, nil
}

func findServer(ctx context.Context) (*server, error) {
	text := os.Getenv(URLVariable)
	if text != "" {
		return newServer(text, true)
	}
	text, err := join(ctx)
	if err != nil {
		return nil, fmt.Errorf("there is no test database server: %w", err)
	}
	return newServer(text, false)
}

func newServer(text string, foreign bool) (*server, error) {
	admin, err := url.Parse(text)
	if err != nil || (admin.Scheme != "postgres" && admin.Scheme != "postgresql") {
		return nil, errors.New(URLVariable + " must be a URL like postgres://user:password@host:5432/postgres")
	}
	return &server{admin: admin, foreign: foreign}, nil
}

// url is the connection URL of one of the server's databases.
func (s *server) url(database string) string {
	u := *s.admin
	u.Path = "/" + database
	return u.String()
}

// asAdmin runs do on a connection of its own.
func (s *server) asAdmin(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.admin.String())
	if err != nil {
		return fmt.Errorf("connecting to the test database server: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = conn.Close(ctx) // do has its result already
	}()
	return do(conn)
}
