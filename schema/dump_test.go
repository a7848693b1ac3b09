//go:build dump

package schema_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/postgres/embedded"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// dumpMajor is the version of PostgreSQL whose pg_dump writes dump.sql; others format it differently.
const dumpMajor = 15

// TestWriteDump writes dump.sql, the schema that the migrations result in, for reading only:
// without River's tables, goose's table, and the partitions, which depend on the date.
func TestWriteDump(t *testing.T) {
	t.Parallel()
	binaries, err := embedded.FindBinaries(t.Context(), nil)
	require.NoError(t, err)
	if binaries.Major != dumpMajor {
		t.Logf("dump.sql is left as it is: PostgreSQL %d writes it, and this is %s (set %s)", dumpMajor, binaries.Version, embedded.BinDirVariable)
		return
	}
	command := exec.CommandContext(t.Context(), filepath.Join(binaries.Dir, "pg_dump"), "--schema-only", "--no-owner",
		"--exclude-schema=river", "--exclude-table=goose_db_version", "--exclude-table=audit_partitions.*", dbtest.New(t).URL)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	dump, err := command.Output()
	require.NoError(t, err, stderr.String())
	require.Contains(t, string(dump), "CREATE TABLE public.appointments")
	require.NoError(t, os.WriteFile("dump.sql", normalize(dump), 0o644))
}

// noise is what says nothing about the schema, or differs between minor versions and runs.
var noise = regexp.MustCompile(`(?m)^(--.*|SET [a-z_]+ = .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)\n`)

func normalize(dump []byte) []byte {
	dump = noise.ReplaceAll(dump, nil)
	dump = regexp.MustCompile(`\n{3,}`).ReplaceAll(dump, []byte("\n\n"))
	header := "-- The schema that the migrations result in, written by `task schema:dump`. For reading only.\n\n"
	return append([]byte(header), append(bytes.TrimSpace(dump), '\n')...)
}
