package audit_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

func TestList(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	_, err := db.AppPool().Exec(t.Context(), `INSERT INTO audit_entries (id, occurred_at, action, outcome) VALUES ($1, now(), 'test.done', 'SUCCESS')`, uuid.New())
	require.NoError(t, err)
	page := keyset.Page{Limit: 10}

	t.Run("shows nothing with the zero filter", func(t *testing.T) {
		t.Parallel()
		list, err := audit.List(t.Context(), db.PlatformPool(), audit.Filter{}, page)
		require.NoError(t, err)
		require.Empty(t, list.Data)
	})
	t.Run("shows everything only if it is asked for", func(t *testing.T) {
		t.Parallel()
		list, err := audit.List(t.Context(), db.PlatformPool(), audit.Filter{Anywhere: true}, page)
		require.NoError(t, err)
		require.Len(t, list.Data, 1)
	})
}
