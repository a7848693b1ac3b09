package tenancy_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// keyed is the scope of a new request with the key.
func keyed(scope *tenancy.Scope, key string) *tenancy.Scope {
	request := *scope
	request.Principal = &tenancy.Principal{Token: &tenancy.Token{ID: uuid.MustParse("019aa4b2-5a34-7d06-9c5e-000000000801")}}
	request.Idempotency = tenancy.NewIdempotency(&request, key, []byte("request"))
	return &request
}

var created = tenancy.Answer{Status: 201, Headers: map[string][]string{"Etag": {`"1"`}}, Body: []byte(`{"id":1}`)}

// Until the answer is kept, what the request has done exists for itself alone.
func TestEffectAndAnswerLastTogether(t *testing.T) {
	t.Parallel()
	b := setup(t)
	request := keyed(b.a, "key")
	b.insert(t, request, "parked")
	require.True(t, request.Idempotency.Parked())
	require.Equal(t, 1, count(t, b.store.Reader(request), "resources"), "the request sees what it has done")
	require.Zero(t, count(t, b.store.Reader(b.a), "resources"), "nobody else does")
	require.Zero(t, count(t, b.db.OwnerPool(), "events"))
	var inProgress *apperr.Error
	require.ErrorAs(t, b.store.InEnv(t.Context(), keyed(b.a, "key"), nil), &inProgress)
	require.Equal(t, apperr.IdempotencyInProgress, inProgress.Code)

	require.NoError(t, b.store.Keep(t.Context(), request, created))
	require.Equal(t, 1, count(t, b.store.Reader(b.a), "resources"))
	require.Equal(t, 1, count(t, b.db.OwnerPool(), "events"))
	require.NoError(t, request.Idempotency.Abandon(t.Context()), "there is nothing left to abandon")
	var replay *tenancy.ReplayError
	require.ErrorAs(t, b.store.InEnv(t.Context(), keyed(b.a, "key"), nil), &replay)
	require.Equal(t, created, replay.Answer)
	require.Equal(t, 1, count(t, b.db.OwnerPool(), "resources"))
}

func TestWhatIsAbandonedDidNotHappen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	request := keyed(b.a, "key")
	b.insert(t, request, "abandoned")
	require.NoError(t, request.Idempotency.Abandon(t.Context()))
	require.Zero(t, count(t, b.db.OwnerPool(), "resources"))
	require.Zero(t, count(t, b.db.OwnerPool(), "idempotency_keys"))
	again := keyed(b.a, "key")
	b.insert(t, again, "the key is free")
	require.NoError(t, again.Idempotency.Abandon(t.Context()))
	// A panic gives the key back too.
	other := keyed(b.a, "other")
	require.Panics(t, func() {
		_ = b.store.InEnv(t.Context(), other, func(tx *tenancy.Tx) error {
			_, err := tx.Exec(t.Context(), insertResource, b.a.Env.ID, uuid.New(), "panic")
			require.NoError(t, err)
			panic("on the way")
		})
	})
	require.False(t, other.Idempotency.Parked())
	again = keyed(b.a, "other")
	b.insert(t, again, "this one too")
	require.NoError(t, again.Idempotency.Abandon(t.Context()))
}

// What a request does in further transactions lasts with the first, or not at all; one
// that fails takes only itself back.
func TestFurtherTransactionsJoin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	request := keyed(b.a, "key")
	b.insert(t, request, "first")
	failure := errors.New("no")
	require.ErrorIs(t, b.store.InEnv(t.Context(), request, func(tx *tenancy.Tx) error {
		_, err := tx.Exec(t.Context(), insertResource, b.a.Env.ID, uuid.New(), "refused")
		require.NoError(t, err)
		tx.Emit("resource.created", nil)
		return failure
	}), failure)
	require.Error(t, b.store.InEnv(t.Context(), request, func(tx *tenancy.Tx) error {
		_, err := tx.Exec(t.Context(), "SELECT 1/0")
		return err
	}))
	b.insert(t, request, "second")
	require.Zero(t, count(t, b.db.OwnerPool(), "resources"))

	// Another environment, or another role, cannot be part of it: better nothing than half.
	require.Error(t, b.store.InSandbox(t.Context(), request, func(*tenancy.Tx) error { return nil }))
	ctx := tenancy.WithScope(t.Context(), request)
	require.Error(t, b.store.InPlatform(ctx, func(pgx.Tx) error { return nil }))

	require.NoError(t, b.store.Keep(ctx, request, created))
	require.Equal(t, 2, count(t, b.db.OwnerPool(), "resources"))
	require.Equal(t, 2, count(t, b.db.OwnerPool(), "events"))

	plain := keyed(b.a, "plain")
	ctx = tenancy.WithScope(t.Context(), plain)
	throttle := func(key string) func(pgx.Tx) error {
		return func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO login_throttles (key, failures, window_started_at) VALUES ($1, 1, now())", key)
			return err
		}
	}
	require.NoError(t, b.store.InControl(ctx, throttle("one")))
	require.NoError(t, b.store.InControl(ctx, throttle("two")))
	require.Error(t, b.store.InControl(ctx, throttle("two")), "a duplicate")
	require.Zero(t, count(t, b.db.OwnerPool(), "login_throttles"))
	require.NoError(t, b.store.Keep(ctx, plain, created))
	require.Equal(t, 2, count(t, b.db.OwnerPool(), "login_throttles"))
}

// Without anything to change, the answer is kept by itself.
func TestAnAnswerWithoutEffectIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	request := keyed(b.a, "key")
	require.NoError(t, b.store.Keep(tenancy.WithScope(t.Context(), request), request, created))
	require.Equal(t, 1, count(t, b.db.OwnerPool(), "idempotency_keys"))
}

// Of events is told once what is committed, and not before: also of a request with a key, which
// was the victim of a deadlock at first.
func TestEventsAreToldWithTheAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	var told []uuid.UUID
	b.store.OnEvents(func(envID uuid.UUID) { told = append(told, envID) })
	attempts := 0
	change := func(scope *tenancy.Scope) {
		require.NoError(t, b.store.InEnv(ctx, scope, func(tx *tenancy.Tx) error {
			attempts++
			tx.Emit("resource.created", nil)
			insert := func(db tenancy.DB) error {
				_, err := db.Exec(ctx, insertResource, scope.Env.ID, uuid.New(), "room")
				return err
			}
			if attempts%2 == 1 {
				_, err := tx.Exec(ctx, "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$")
				return err
			}
			tx.Finally(insert)
			return nil
		}))
	}
	request := keyed(b.a, "key")
	change(request)
	require.Empty(t, told)
	require.NoError(t, b.store.Keep(ctx, request, created))
	require.Equal(t, []uuid.UUID{b.a.Env.ID}, told)
	var replay *tenancy.ReplayError
	require.ErrorAs(t, b.store.InEnv(ctx, keyed(b.a, "key"), nil), &replay)

	require.NoError(t, b.store.Together(ctx, b.a, func(whole *tenancy.Scope) error {
		change(whole)
		change(whole)
		require.Len(t, told, 1)
		return nil
	}))
	require.Len(t, told, 2)
	abandoned := keyed(b.a, "another key")
	change(abandoned)
	require.NoError(t, abandoned.Idempotency.Abandon(ctx))
	require.Len(t, told, 2)
	require.Equal(t, 8, attempts)
	for table, n := range map[string]int{"resources": 3, "events": 3, "idempotency_keys": 1} {
		require.Equal(t, n, count(t, b.db.OwnerPool(), table), table)
	}
}
