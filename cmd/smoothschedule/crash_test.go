package main

import (
	"bytes"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// A killed server has stored the effect of a request and its response, or neither: repeated with the same
// key, the request is executed exactly once.
func TestServe_killed_runs_idempotent_requests_once(t *testing.T) {
	t.Parallel()
	kit := apitest.New(t, apitest.WithConfig(func(c *app.Config) { c.QuickLogin = false })) // serve refuses a database for development
	kit.Clock.Advance(time.Since(kit.Clock.Now()))                                          // the process has a real clock
	tenant := kit.Tenant(t, "a")
	token := tenant.Client(t, tenancy.RoleOwner).APIToken(t, false, "customers:write").Token()
	count := func(sql string) (n int) {
		require.NoError(t, kit.DB.OwnerPool().QueryRow(t.Context(), sql).Scan(&n))
		return n
	}
	post := func(addr, key string) (*http.Response, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/api/v1/customers", bytes.NewBufferString(`{"name":"Carla"}`))
		require.NoError(t, err)
		request.Host = tenant.Host
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", key)
		return http.DefaultClient.Do(request)
	}

	// Before the commit: the customer is inserted, the answer is written, and the very
	// statement that would keep it waits for a lock of ours.
	server := startServer(t, kit.DB.URL)
	tx, err := kit.DB.OwnerPool().Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "LOCK TABLE idempotency_keys IN SHARE MODE")
	require.NoError(t, err)
	broken := make(chan error, 1)
	go func() {
		answer, err := post(server.addr, "before")
		if err == nil {
			err = answer.Body.Close()
		}
		broken <- err
	}()
	require.Eventually(t, func() bool {
		return count("SELECT count(*) FROM pg_locks WHERE relation = 'idempotency_keys'::regclass AND NOT granted") == 1
	}, 20*time.Second, 5*time.Millisecond)
	require.Error(t, server.stop(t, syscall.SIGKILL))
	require.Error(t, <-broken, "there is no answer")
	require.NoError(t, tx.Rollback(t.Context()))
	require.Eventually(t, func() bool {
		return count("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%KeepIdempotentAnswer%' AND datname = current_database() AND pid <> pg_backend_pid()") == 0
	}, 20*time.Second, 5*time.Millisecond)
	before := count("SELECT count(*) FROM customers")
	require.Equal(t, before, count("SELECT count(*) FROM idempotency_keys"), "an effect has its answer, and no answer is without")

	server = startServer(t, kit.DB.URL)
	answer, err := post(server.addr, "before")
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusCreated, answer.StatusCode)
	require.Equal(t, 1, count("SELECT count(*) FROM customers"))
	require.Equal(t, before == 1, answer.Header.Get("Idempotent-Replayed") == "true")

	// After the commit, before anybody has heard of it.
	go func() {
		answer, err := post(server.addr, "after")
		if err == nil {
			err = answer.Body.Close()
		}
		broken <- err
	}()
	require.Eventually(t, func() bool { return count("SELECT count(*) FROM idempotency_keys") == 2 }, 20*time.Second, time.Millisecond)
	require.Error(t, server.stop(t, syscall.SIGKILL))
	if err := <-broken; err != nil {
		t.Log("killed before the answer:", err)
	}
	server = startServer(t, kit.DB.URL)
	answer, err = post(server.addr, "after")
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusCreated, answer.StatusCode)
	require.Equal(t, "true", answer.Header.Get("Idempotent-Replayed"))
	require.Equal(t, 2, count("SELECT count(*) FROM customers"))
	require.Equal(t, 2, count("SELECT count(*) FROM events WHERE type = 'customer.created'"))
}
