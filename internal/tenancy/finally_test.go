package tenancy_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// What is sent finally runs with the commit, in its order, before the events.
func TestAStatementGoesWithTheCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	finally := func(tx *tenancy.Tx, id uuid.UUID, name string) {
		tx.Finally(func(db tenancy.DB) error {
			if _, err := db.Exec(ctx, insertResource, b.a.Env.ID, id, name); err != nil {
				return fmt.Errorf("insert %s: %w", name, err)
			}
			return nil
		})
	}
	resources := func() int { return count(t, b.store.Reader(b.a), "resources") }
	events := func() int { return count(t, b.store.Reader(b.a), "events") }

	require.NoError(t, b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
		require.Zero(t, count(t, tx, "resources"))
		finally(tx, uuid.New(), "one")
		finally(tx, uuid.New(), "two")
		require.Zero(t, resources())
		tx.Emit("resource.created", nil)
		return nil
	}))
	require.Equal(t, []int{2, 1}, []int{resources(), events()})

	require.NoError(t, b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
		finally(tx, uuid.New(), "first of all")
		return nil
	}), "it may be all there is")
	require.Equal(t, 3, resources())

	require.NoError(t, b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
		finally(tx, uuid.New(), "not the last one")
		require.Equal(t, 4, count(t, tx, "resources"), "what comes after it sees it")
		_, err := tx.Exec(ctx, insertResource, b.a.Env.ID, uuid.New(), "after")
		return err
	}))
	require.Equal(t, 5, resources())

	id := uuid.New()
	for name, also := range map[string]func(tx *tenancy.Tx){
		"at the commit": func(*tenancy.Tx) {},
		"before another statement": func(tx *tenancy.Tx) {
			_, err := tx.Exec(ctx, "SELECT 1")
			require.ErrorContains(t, err, "insert again: ")
		},
	} {
		err := b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
			tx.Emit("resource.created", nil)
			finally(tx, id, "once")
			finally(tx, id, "again")
			also(tx)
			return nil
		})
		require.Error(t, err, name)
		require.Equal(t, []int{5, 1}, []int{resources(), events()}, "%s: nothing of it stays", name)
	}
}

// A transaction that is not as usual is tried once more, carefully, also if it has joined
// another one.
func TestWhatIsNotAsUsualIsDoneCarefully(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	var careful []bool
	change := func(scope *tenancy.Scope, emits string) error {
		return b.store.InEnv(ctx, scope, func(tx *tenancy.Tx) error {
			careful = append(careful, tx.Careful())
			tx.Emit(emits, nil)
			if tx.Careful() {
				_, err := tx.Exec(ctx, insertResource, scope.Env.ID, uuid.New(), "carefully")
				return err
			}
			tx.Finally(func(db tenancy.DB) error {
				if _, err := db.Exec(ctx, "SELECT 1 / (random() * 0)::int"); err != nil {
					return entitle.ErrNotAsUsual
				}
				return nil
			})
			return nil
		})
	}
	require.NoError(t, change(b.a, "resource.created"))
	require.Equal(t, []bool{false, true}, careful)
	require.Equal(t, 1, count(t, b.store.Reader(b.a), "resources"))
	require.Equal(t, 1, count(t, b.store.Reader(b.a), "events"), "not that of the first attempt")

	careful = nil
	require.NoError(t, b.store.Together(ctx, b.a, func(whole *tenancy.Scope) error {
		if err := change(whole, "resource.created"); err != nil {
			return err
		}
		return change(whole, "resource.updated")
	}))
	require.Equal(t, []bool{false, true, false, true}, careful)
	require.Equal(t, 3, count(t, b.store.Reader(b.a), "resources"))
	require.Equal(t, 3, count(t, b.store.Reader(b.a), "events"))
}
