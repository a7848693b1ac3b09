package identity

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/google/uuid"
)

// TokenPrefix marks session tokens, so that scanners for leaked secrets know them.
const TokenPrefix = "ss_session_"

// The prefixes of the tokens of invitations: to work for, or be a customer of, a
// business, and to found one.
const (
	InvitationPrefix       = "ss_invitation_"
	TenantInvitationPrefix = "ss_business_invitation_"
)

// PasswordResetPrefix is the prefix of the tokens of password resets.
const PasswordResetPrefix = "ss_password_reset_"

// newPasswordResetToken returns the token of a password reset: the prefix and 256 random bits.
func newPasswordResetToken() string {
	return PasswordResetPrefix + base64.RawURLEncoding.EncodeToString(randomBytes(32))
}

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

// newInvitationToken returns the token of an invitation into an environment: the prefix,
// the environment, where the invitation is looked for, and 256 random bits.
func newInvitationToken(envID uuid.UUID) string {
	return InvitationPrefix + base64.RawURLEncoding.EncodeToString(append(envID[:], randomBytes(32)...))
}

// environmentOf returns the environment that a token of an invitation names, whether or
// not there is one.
func environmentOf(token string) (envID uuid.UUID, ok bool) {
	encoded, ok := strings.CutPrefix(token, InvitationPrefix)
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if !ok || err != nil || len(raw) != len(envID)+32 {
		return uuid.Nil, false
	}
	return uuid.UUID(raw[:len(envID)]), true
}

// newTenantInvitationToken returns the token of an invitation to found a business.
func newTenantInvitationToken() string {
	return TenantInvitationPrefix + base64.RawURLEncoding.EncodeToString(randomBytes(32))
}
