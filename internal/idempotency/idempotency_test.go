package idempotency_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/idempotency"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/envtest"
)

// request is a new request with the key, and its scope.
type request struct {
	*idempotency.Request
	scope *tenancy.Scope
}

func withKey(scope *tenancy.Scope, key string) request {
	ofToken := *scope
	ofToken.Principal = &tenancy.Principal{Token: &tenancy.Token{ID: uuid.MustParse("019aa4b2-5a34-7d06-9c5e-000000000801")}}
	r, inSession := idempotency.New(&ofToken, key, []byte("request"))
	return request{r, inSession}
}

func open(r request) bool { return r.scope.Session.(*store.Session).Open() }

var created = idempotency.Answer{Status: 201, Headers: map[string][]string{"Etag": {`"1"`}}, Body: []byte(`{"id":1}`)}

// Until the answer is stored, only the request sees its changes.
func TestRequest_Commit(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	request := withKey(b.A, "key")
	b.Insert(t, request.scope, "held")
	require.True(t, open(request))
	require.Equal(t, 1, envtest.Count(t, b.Store.Reader(request.scope), "resources"), "the request sees what it has done")
	require.Zero(t, envtest.Count(t, b.Store.Reader(b.A), "resources"), "nobody else does")
	require.Zero(t, envtest.Count(t, b.DB.OwnerPool(), "events"))
	var inProgress *apperr.Error
	require.ErrorAs(t, b.Store.InEnv(t.Context(), withKey(b.A, "key").scope, nil), &inProgress)
	require.Equal(t, apperr.IdempotencyInProgress, inProgress.Code)

	require.NoError(t, request.Commit(t.Context(), b.Store, request.scope, created))
	require.Equal(t, 1, envtest.Count(t, b.Store.Reader(b.A), "resources"))
	require.Equal(t, 1, envtest.Count(t, b.DB.OwnerPool(), "events"))
	require.NoError(t, request.Rollback(t.Context()), "there is nothing left to abandon")
	var replay *idempotency.ReplayError
	require.ErrorAs(t, b.Store.InEnv(t.Context(), withKey(b.A, "key").scope, nil), &replay)
	require.Equal(t, created, replay.Answer)
	require.Equal(t, 1, envtest.Count(t, b.DB.OwnerPool(), "resources"))
}

func TestRequest_Rollback(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	request := withKey(b.A, "key")
	b.Insert(t, request.scope, "undone")
	require.NoError(t, request.Rollback(t.Context()))
	require.Zero(t, envtest.Count(t, b.DB.OwnerPool(), "resources"))
	require.Zero(t, envtest.Count(t, b.DB.OwnerPool(), "idempotency_keys"))
	again := withKey(b.A, "key")
	b.Insert(t, again.scope, "the key is free")
	require.NoError(t, again.Rollback(t.Context()))
	// A panic gives the key back too.
	other := withKey(b.A, "other")
	require.Panics(t, func() {
		_ = b.Store.InEnv(t.Context(), other.scope, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), envtest.InsertResource, b.A.Env.ID, uuid.New(), "panic")
			require.NoError(t, err)
			panic("on the way")
		})
	})
	require.False(t, open(other))
	again = withKey(b.A, "other")
	b.Insert(t, again.scope, "this one too")
	require.NoError(t, again.Rollback(t.Context()))
}

// Further transactions of a request are committed with the first; one that fails undoes only itself.
func TestRequest_joins_transactions(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	request := withKey(b.A, "key")
	b.Insert(t, request.scope, "first")
	failure := errors.New("no")
	require.ErrorIs(t, b.Store.InEnv(t.Context(), request.scope, func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), envtest.InsertResource, b.A.Env.ID, uuid.New(), "refused")
		require.NoError(t, err)
		tx.Emit("resource.created", nil)
		return failure
	}), failure)
	require.Error(t, b.Store.InEnv(t.Context(), request.scope, func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "SELECT 1/0")
		return err
	}))
	b.Insert(t, request.scope, "second")
	require.Zero(t, envtest.Count(t, b.DB.OwnerPool(), "resources"))

	// Another environment, or another role, cannot be part of it: better nothing than half.
	require.Error(t, b.Store.InSandbox(t.Context(), request.scope, func(*store.Tx) error { return nil }))
	ctx := t.Context()
	require.Error(t, b.Store.InPlatform(ctx, request.scope, func(pgx.Tx) error { return nil }))

	require.NoError(t, request.Commit(t.Context(), b.Store, request.scope, created))
	require.Equal(t, 2, envtest.Count(t, b.DB.OwnerPool(), "resources"))
	require.Equal(t, 2, envtest.Count(t, b.DB.OwnerPool(), "events"))

	plain := withKey(b.A, "plain")
	throttle := func(key string) func(pgx.Tx) error {
		return func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO login_throttles (key, failures, window_started_at) VALUES ($1, 1, now())", key)
			return err
		}
	}
	require.NoError(t, b.Store.InControl(ctx, plain.scope, throttle("one")))
	require.NoError(t, b.Store.InControl(ctx, plain.scope, throttle("two")))
	require.Error(t, b.Store.InControl(ctx, plain.scope, throttle("two")), "a duplicate")
	require.Zero(t, envtest.Count(t, b.DB.OwnerPool(), "login_throttles"))
	require.NoError(t, plain.Commit(t.Context(), b.Store, plain.scope, created))
	require.Equal(t, 2, envtest.Count(t, b.DB.OwnerPool(), "login_throttles"))
}

func TestRequest_Commit_without_changes(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	request := withKey(b.A, "key")
	require.NoError(t, request.Commit(t.Context(), b.Store, request.scope, created))
	require.Equal(t, 1, envtest.Count(t, b.DB.OwnerPool(), "idempotency_keys"))
}

// OnEvents is called once, after the commit, also if the first attempt was aborted.
func TestRequest_Commit_announces_events(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	ctx := t.Context()
	var announced []uuid.UUID
	b.Store.OnEvents(func(envID uuid.UUID) { announced = append(announced, envID) })
	attempts := 0
	change := func(scope *tenancy.Scope) {
		require.NoError(t, b.Store.InEnv(ctx, scope, func(tx *store.Tx) error {
			attempts++
			tx.Emit("resource.created", nil)
			if attempts%2 == 1 {
				_, err := tx.Exec(ctx, "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$")
				return err
			}
			tx.OnCommit(envtest.Write(envtest.InsertResource, scope.Env.ID, uuid.New(), "room"))
			return nil
		}))
	}
	request := withKey(b.A, "key")
	change(request.scope)
	require.Empty(t, announced)
	require.NoError(t, request.Commit(t.Context(), b.Store, request.scope, created))
	require.Equal(t, []uuid.UUID{b.A.Env.ID}, announced)
	var replay *idempotency.ReplayError
	require.ErrorAs(t, b.Store.InEnv(ctx, withKey(b.A, "key").scope, nil), &replay)

	require.NoError(t, b.Store.Atomically(ctx, b.A, func(joined *tenancy.Scope) error {
		change(joined)
		change(joined)
		require.Len(t, announced, 1)
		return nil
	}))
	require.Len(t, announced, 2)
	undone := withKey(b.A, "another key")
	change(undone.scope)
	require.NoError(t, undone.Rollback(ctx))
	require.Len(t, announced, 2)
	require.Equal(t, 8, attempts)
	for table, n := range map[string]int{"resources": 3, "events": 3, "idempotency_keys": 1} {
		require.Equal(t, n, envtest.Count(t, b.DB.OwnerPool(), table), table)
	}
}
