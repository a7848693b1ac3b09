package identity

import (
	"crypto/sha256"
	"encoding/base64"
)

// TokenPrefix marks session tokens, so that scanners for leaked secrets know them.
const TokenPrefix = "ss_session_"

// newToken returns a session token: the prefix and 256 random bits.
func newToken() string {
	return TokenPrefix + base64.RawURLEncoding.EncodeToString(randomBytes(32))
}

// hashToken returns what is stored of a token. A plain sum is enough: unlike a
// password, a token cannot be guessed.
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
