package identity

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// parametersOf is password_parameters of the database.
func parametersOf(hash string) string { return hash[:strings.LastIndex(hash, "$")+1] }

func TestHash(t *testing.T) {
	t.Parallel()
	h := NewHasher(cheap)
	hash, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	require.NotContains(t, hash, "correct")
	again, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	require.NotEqual(t, hash, again, "each hash has its own salt")
	for password, want := range map[string]bool{"correct horse": true, "Correct horse": false, "correct horse ": false, "": false} {
		got, err := hashLike(parametersOf(hash), password)
		require.NoError(t, err)
		require.Equal(t, want, got == hash, "%q", password)
	}
}

// The vector is one of the reference implementation's (src/test.c of phc-winner-argon2).
func TestHashLike_ReferenceHash(t *testing.T) {
	t.Parallel()
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	got, err := hashLike(parametersOf(hash), "password")
	require.NoError(t, err)
	require.Equal(t, hash, got)
}

func TestDefaultHash(t *testing.T) {
	t.Parallel()
	hash, err := NewHasher(DefaultHashParams()).Hash(t.Context(), "x")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), hash)
	require.NoError(t, checkHash(hash))
	_, salt, err := decodeParameters(parametersOf(hash))
	require.NoError(t, err)
	require.Len(t, salt, 16)
}

func TestCheckHash(t *testing.T) {
	t.Parallel()
	const salt, key = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for name, hash := range map[string]string{
		"empty":          "",
		"other function": "$argon2i$v=19$m=8,t=1,p=1$" + salt + "$" + key,
		"other version":  "$argon2id$v=16$m=8,t=1,p=1$" + salt + "$" + key,
		"no passes":      "$argon2id$v=19$m=8,t=0,p=1$" + salt + "$" + key,
		"no lanes":       "$argon2id$v=19$m=8,t=1,p=0$" + salt + "$" + key,
		"all memory":     "$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + key,
		"no parameters":  "$argon2id$v=19$$" + salt + "$" + key,
		"no salt":        "$argon2id$v=19$m=8,t=1,p=1$$" + key,
		"short key":      "$argon2id$v=19$m=8,t=1,p=1$" + salt + "$AAAA",
		"bad base64":     "$argon2id$v=19$m=8,t=1,p=1$" + salt + "$!!!!",
		"trailing":       "$argon2id$v=19$m=8,t=1,p=1$" + salt + "$" + key + "$",
	} {
		require.ErrorIs(t, checkHash(hash), errMalformedHash, name)
		_, err := hashLike(hash, "password") // with a digest
		require.ErrorIs(t, err, errMalformedHash, name)
	}
}

// The decoy must cost as much as the hash of an account that exists.
func TestDecoyCostsTheSame(t *testing.T) {
	t.Parallel()
	h := NewHasher(cheap)
	hash, err := h.Hash(t.Context(), "x")
	require.NoError(t, err)
	own, ownSalt, err := decodeParameters(parametersOf(hash))
	require.NoError(t, err)
	decoy, decoySalt, err := decodeParameters(h.decoy)
	require.NoError(t, err)
	require.Equal(t, own, decoy)
	require.Len(t, decoySalt, len(ownSalt))
}

func TestHasherTakesTurns(t *testing.T) {
	t.Parallel()
	h := NewHasher(cheap)
	var running, tooMany atomic.Int32
	var group sync.WaitGroup
	for range 8 * runtime.GOMAXPROCS(0) {
		group.Go(func() {
			_ = h.inTurn(t.Context(), func() error {
				if int(running.Add(1)) > runtime.GOMAXPROCS(0) {
					tooMany.Add(1)
				}
				time.Sleep(time.Millisecond)
				running.Add(-1)
				return nil
			})
		})
	}
	group.Wait()
	require.Zero(t, tooMany.Load())
}

func TestHasherStopsWaiting(t *testing.T) {
	t.Parallel()
	h := NewHasher(cheap)
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Hash(ctx, "x")
	require.ErrorIs(t, err, context.Canceled)
}
