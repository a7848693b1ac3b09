package identity

import (
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestToken(t *testing.T) {
	t.Parallel()
	first, second := newToken(), newToken()
	require.Regexp(t, `^ss_session_[A-Za-z0-9_-]{43}$`, first)
	require.NotEqual(t, first, second)
	sum := sha256.Sum256([]byte(first))
	require.Equal(t, sum[:], hashToken(first), "the server looks sessions up by the SHA-256 of the whole token")
}
