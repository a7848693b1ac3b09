package schema_test

import (
	"testing"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/names"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// What the server takes for a name the database takes too, and white space neither, for every
// character there is: alone, and beside a letter.
func TestIsName(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	refused := func(prefix string) map[rune]bool {
		rows, err := db.OwnerPool().Query(t.Context(), `SELECT i FROM generate_series(1, 1114111) i
			WHERE i NOT BETWEEN 55296 AND 57343 AND NOT is_name($1 || chr(i))`, prefix)
		require.NoError(t, err)
		list, err := pgx.CollectRows(rows, pgx.RowTo[int32])
		require.NoError(t, err)
		set := make(map[rune]bool, len(list))
		for _, i := range list {
			set[i] = true
		}
		return set
	}
	alone, inside := refused(""), refused("a")
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if r >= 0xD800 && r <= 0xDFFF {
			continue
		}
		if names.Check(string(r)) == nil && alone[r] {
			t.Fatalf("%U is a name for the server, and none for the database", r)
		}
		invisible := unicode.In(r, unicode.Z, unicode.Cc, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
		if invisible && !alone[r] {
			t.Fatalf("%U is a name for the database", r)
		}
		if (names.Check("a"+string(r)+"a") != nil) != inside[r] {
			t.Fatalf("%U inside of a name: the database refuses it: %t", r, inside[r])
		}
	}
	var long, tooLong bool
	require.NoError(t, db.OwnerPool().QueryRow(t.Context(), "SELECT is_name(repeat('😀', $1)), is_name(repeat('a', $1 + 1))", names.MaxLength).
		Scan(&long, &tooLong))
	require.True(t, long)
	require.False(t, tooLong)
}
