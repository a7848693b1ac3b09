package secretbox_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/secretbox"
)

func key(fill byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32)) }

func box(t *testing.T, keys ...string) *secretbox.Box {
	t.Helper()
	b, err := secretbox.New(keys...)
	require.NoError(t, err)
	return b
}

func TestOnlyTheKeyAndThePurposeOpenASecret(t *testing.T) {
	t.Parallel()
	secret, old := []byte("whsec_something"), box(t, key(1))
	sealed, err := old.Seal(secret, "webhook a")
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "whsec")
	again, err := old.Seal(secret, "webhook a")
	require.NoError(t, err)
	require.NotEqual(t, sealed, again, "nonces are random")

	for _, b := range []*secretbox.Box{old, box(t, key(2), key(1))} { // a new key in front
		opened, err := b.Open(sealed, "webhook a")
		require.NoError(t, err)
		require.Equal(t, secret, opened)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		_, err := old.Open(changed, "webhook a")
		require.Error(t, err, i)
	}
	_, err = old.Open(sealed, "webhook b")
	require.Error(t, err)
	for n := range 8 {
		_, err = old.Open(sealed[:n], "webhook a")
		require.Error(t, err)
	}
	_, err = box(t, key(2)).Open(sealed, "webhook a")
	require.Error(t, err)

	replaced, err := box(t, key(2), key(1)).Seal(secret, "webhook a")
	require.NoError(t, err)
	_, err = old.Open(replaced, "webhook a")
	require.Error(t, err, "the first key seals")
}

func TestKeysAreChecked(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"", "x", "c2hvcnQ=", key(1) + "A"} {
		_, err := secretbox.New(wrong)
		require.ErrorContains(t, err, "openssl rand")
	}
	_, err := box(t).Seal([]byte("x"), "")
	require.ErrorIs(t, err, secretbox.ErrNoKey)
	_, err = box(t).Open([]byte("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), "")
	require.Error(t, err)
}
