package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
)

// HashParams is what a password hash costs.
type HashParams struct {
	// MemoryKiB is the memory of one hash, in KiB.
	MemoryKiB   uint32
	Iterations  uint32
	Parallelism uint8
}

// DefaultHashParams are those that OWASP recommends for argon2id: 19 MiB, two passes.
func DefaultHashParams() HashParams {
	return HashParams{MemoryKiB: 19 * 1024, Iterations: 2, Parallelism: 1}
}

const (
	saltBytes = 16
	keyBytes  = 32
)

// Hasher makes and verifies argon2id hashes, as many at a time as there are
// processors: more would not be quicker, but each takes its memory. It is safe for
// concurrent use.
type Hasher struct {
	params HashParams
	slots  chan struct{}
	// decoy is verified for accounts that do not exist; no password fits it.
	decoy string
}

// NewHasher makes new hashes with the parameters; existing ones are verified with the
// parameters they were made with.
func NewHasher(params HashParams) *Hasher {
	return &Hasher{
		params: params,
		slots:  make(chan struct{}, runtime.GOMAXPROCS(0)),
		decoy:  encodeHash(params, randomBytes(saltBytes), randomBytes(keyBytes)),
	}
}

// Hash returns the hash of a password as a PHC string. It fails only if ctx ends
// while it waits for its turn.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	var hash string
	err := h.inTurn(ctx, func() error {
		salt := randomBytes(saltBytes)
		p := h.params
		hash = encodeHash(p, salt, argon2.IDKey([]byte(password), salt, p.Iterations, p.MemoryKiB, p.Parallelism, keyBytes))
		return nil
	})
	return hash, err
}

// Verify reports whether the password is the one of the hash. It fails if ctx ends
// while it waits for its turn, or if the hash is not one of Hash's.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	var fits bool
	err := h.inTurn(ctx, func() (err error) {
		fits, err = verifyHash(hash, password)
		return err
	})
	return fits, err
}

// inTurn runs fn while it holds one of the slots.
func (h *Hasher) inTurn(ctx context.Context, fn func() error) error {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		return fn()
	case <-ctx.Done():
		return fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
}

func verifyHash(hash, password string) (bool, error) {
	p, salt, key, err := decodeHash(hash)
	if err != nil {
		return false, err
	}
	got := argon2.IDKey([]byte(password), salt, p.Iterations, p.MemoryKiB, p.Parallelism, keyBytes)
	return subtle.ConstantTimeCompare(got, key) == 1, nil
}

// encodeHash writes the PHC string format:
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>, both in base64 without padding.
func encodeHash(p HashParams, salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, p.MemoryKiB, p.Iterations, p.Parallelism, b64.EncodeToString(salt), b64.EncodeToString(key))
}

var errMalformedHash = errors.New("password hash is malformed")

// maxMemoryKiB keeps a hash that was tampered with from taking all memory.
const maxMemoryKiB = 1 << 20

func decodeHash(hash string) (p HashParams, salt, key []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errMalformedHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Iterations, &p.Parallelism); err != nil {
		return p, nil, nil, fmt.Errorf("%w: %w", errMalformedHash, err)
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if err := errors.Join(saltErr, keyErr); err != nil {
		return p, nil, nil, fmt.Errorf("%w: %w", errMalformedHash, err)
	}
	if p.Iterations == 0 || p.Parallelism == 0 || p.MemoryKiB > maxMemoryKiB || len(salt) == 0 || len(key) != keyBytes {
		return p, nil, nil, errMalformedHash
	}
	return p, salt, key, nil
}

// randomBytes never fails: crypto/rand ends the program instead.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
