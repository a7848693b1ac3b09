// Package schema owns the description of the database: the goose migrations
// that build it, in order. sqlc reads the same files, so a table and the Go
// code that queries it cannot drift apart.
//
// Invariants, proven by the catalogue test in internal/tenancy: every table is
// either a control-plane table (named in that test) or a business table that
// carries env_id, has row-level security enabled and forced, composite keys and
// deferrable composite foreign keys. Every migration goes up and down.
package schema

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// FS holds the migrations.
//
//go:embed [0-9]*.sql
var FS embed.FS

// Latest returns the version of the last migration.
func Latest() (int64, error) {
	files, err := fs.Glob(FS, "*.sql")
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("list migrations: %w", errors.Join(err, fs.ErrNotExist))
	}
	return strconv.ParseInt(strings.SplitN(slices.Max(files), "_", 2)[0], 10, 64)
}
