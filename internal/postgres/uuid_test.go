//go:build linux || darwin

package postgres

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Ids come back as they went, alone, in arrays, and as null, in both formats of the protocol.
func TestIDsGoAndComeBack(t *testing.T) {
	t.Parallel()
	pool := openPool(t, PoolOptions{URL: emptyDatabase(t)})
	id := uuid.New()
	for name, mode := range map[string]pgx.QueryExecMode{
		"binary": pgx.QueryExecModeCacheStatement, "text": pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var one uuid.UUID
			var pointer, null *uuid.UUID
			var wrapped uuid.NullUUID
			var text string
			var array []uuid.UUID
			kept := id
			var given *uuid.UUID
			null = &kept // must not stay
			err := pool.QueryRow(t.Context(), "SELECT $1::uuid, $1::uuid, NULL::uuid, NULL::uuid, $1::uuid, ARRAY [$1::uuid, $2::uuid, $3::uuid, $4::uuid]",
				mode, id, uuid.Nil, &kept, given).Scan(&one, &pointer, &null, &wrapped, &text, &array)
			require.NoError(t, err)
			require.Equal(t, id, one)
			require.Equal(t, &id, pointer)
			require.Nil(t, null)
			require.False(t, wrapped.Valid)
			require.Equal(t, id.String(), text)
			require.Equal(t, []uuid.UUID{id, uuid.Nil, id, uuid.Nil}, array, "null comes back as the zero id")
		})
	}
	one := uuid.New()
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT NULL::uuid").Scan(&one))
	require.Equal(t, uuid.Nil, one)
}
