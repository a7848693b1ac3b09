// Package apitoken owns the form of API tokens and the closed list of their scopes.
//
// A token is its prefix, which names the mode, 30 random characters and 6 of a
// checksum. The prefix lets scanners for leaked secrets find it, and the checksum
// lets them, and the server, tell a real one from a made-up one without asking the
// database.
//
// It calls nobody. Invariants: Parse accepts exactly what New can return; a token
// appears in no error.
package apitoken

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// The prefixes of sandbox and live tokens.
const (
	TestPrefix = "ss_test_"
	LivePrefix = "ss_live_"
)

const (
	alphabet       = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	entropyLength  = 30
	checksumLength = 6
	// Length is that of every token, in bytes.
	Length = len(LivePrefix) + entropyLength + checksumLength
	// hintLength is how much of the random part a prefix shows.
	hintLength = 4
)

// ErrMalformed is the error for what cannot be a token: a wrong length, a foreign
// character or a wrong checksum.
var ErrMalformed = errors.New("not an API token")

// Token is an API token of the right form; whether it works, the database knows.
type Token struct {
	secret  string
	sandbox bool
}

// New makes a token of the mode from the system's randomness.
func New(sandbox bool) Token {
	prefix := LivePrefix
	if sandbox {
		prefix = TestPrefix
	}
	// 62 * 4 = 248: larger bytes would make some characters likelier than others.
	const fair = 248
	body := make([]byte, 0, entropyLength)
	var random [64]byte
	for len(body) < entropyLength {
		rand.Read(random[:]) // never fails; it ends the program instead
		for _, b := range random {
			if b < fair && len(body) < entropyLength {
				body = append(body, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	unsigned := prefix + string(body)
	return Token{secret: unsigned + checksum(unsigned), sandbox: sandbox}
}

// Looks reports whether a bearer token claims to be an API token.
func Looks(bearer string) bool {
	return strings.HasPrefix(bearer, TestPrefix) || strings.HasPrefix(bearer, LivePrefix)
}

// Parse reads a token. Error: ErrMalformed.
func Parse(s string) (Token, error) {
	if len(s) != Length || !Looks(s) {
		return Token{}, ErrMalformed
	}
	for _, c := range []byte(s[len(LivePrefix):]) {
		if strings.IndexByte(alphabet, c) < 0 {
			return Token{}, ErrMalformed
		}
	}
	unsigned, sum := s[:Length-checksumLength], s[Length-checksumLength:]
	if checksum(unsigned) != sum {
		return Token{}, ErrMalformed
	}
	return Token{secret: s, sandbox: strings.HasPrefix(s, TestPrefix)}, nil
}

// Sandbox reports whether the token is one of the sandbox.
func (t Token) Sandbox() bool { return t.sandbox }

// Hash is the SHA-256 of the token, by which it is found. A plain sum is enough:
// 30 characters of 62 cannot be guessed.
func (t Token) Hash() []byte {
	sum := sha256.Sum256([]byte(t.secret))
	return sum[:]
}

// Prefix is the beginning of the token, by which people recognise it.
func (t Token) Prefix() string { return t.secret[:len(LivePrefix)+hintLength] }

// Reveal is the token itself. It belongs into one answer and nowhere else.
func (t Token) Reveal() string { return t.secret }

// String keeps the secret out of logs.
func (t Token) String() string { return t.Prefix() + "…" }

// GoString keeps the secret out of %#v.
func (t Token) GoString() string { return fmt.Sprintf("apitoken.Token(%s)", t) }

// checksum is the CRC-32 (IEEE) in base 62, padded on the left.
func checksum(s string) string {
	n := crc32.ChecksumIEEE([]byte(s))
	var digits [checksumLength]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = alphabet[n%uint32(len(alphabet))]
		n /= uint32(len(alphabet))
	}
	return string(digits[:])
}
