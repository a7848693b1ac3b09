package identity

import (
	"context"
	"crypto/rand"
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

// Hasher makes argon2id hashes, as many at a time as there are
// processors: more would not be quicker, but each takes its memory. It is safe for
// concurrent use.
type Hasher struct {
	params HashParams
	slots  chan struct{}
	// decoy stands for the parameters of accounts that do not exist, and decoyKey for their key of devices.
	decoy    string
	decoyKey []byte
}

// NewHasher makes new hashes with the parameters; passwords are verified with the
// parameters that their hashes were made with.
func NewHasher(params HashParams) *Hasher {
	return &Hasher{
		params:   params,
		slots:    make(chan struct{}, runtime.GOMAXPROCS(0)),
		decoy:    encodeParameters(params, randomBytes(saltBytes)),
		decoyKey: randomBytes(keyBytes),
	}
}

// Hash returns the hash of a password as a PHC string. It fails only if ctx ends
// while it waits for its turn.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	var hash string
	err := h.inTurn(ctx, func() error {
		hash = newHash(h.params, randomBytes(saltBytes), password)
		return nil
	})
	return hash, err
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

// hashLike hashes a password with the parameters of an existing hash: the result is that hash if the password
// is its. It fails if the parameters are not those of one of Hash's.
func hashLike(parameters, password string) (string, error) {
	p, salt, err := decodeParameters(parameters)
	if err != nil {
		return "", err
	}
	return newHash(p, salt, password), nil
}

// newHash writes the PHC string format:
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>, both in base64 without padding.
func newHash(p HashParams, salt []byte, password string) string {
	key := argon2.IDKey([]byte(password), salt, p.Iterations, p.MemoryKiB, p.Parallelism, keyBytes)
	return encodeParameters(p, salt) + base64.RawStdEncoding.EncodeToString(key)
}

// encodeParameters writes what precedes the key in a hash.
func encodeParameters(p HashParams, salt []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$",
		argon2.Version, p.MemoryKiB, p.Iterations, p.Parallelism, base64.RawStdEncoding.EncodeToString(salt))
}

var errMalformedHash = errors.New("password hash is malformed")

// maxMemoryKiB keeps a hash that was tampered with from taking all memory.
const maxMemoryKiB = 1 << 20

// checkHash fails for what is not one of Hash's.
func checkHash(hash string) error {
	end := strings.LastIndex(hash, "$") + 1
	key, err := base64.RawStdEncoding.DecodeString(hash[end:])
	if err != nil {
		return fmt.Errorf("%w: %w", errMalformedHash, err)
	}
	if len(key) != keyBytes {
		return errMalformedHash
	}
	_, _, err = decodeParameters(hash[:end])
	return err
}

func decodeParameters(parameters string) (p HashParams, salt []byte, err error) {
	parts := strings.Split(parameters, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) || parts[5] != "" {
		return p, nil, errMalformedHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Iterations, &p.Parallelism); err != nil {
		return p, nil, fmt.Errorf("%w: %w", errMalformedHash, err)
	}
	salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return p, nil, fmt.Errorf("%w: %w", errMalformedHash, err)
	}
	if p.Iterations == 0 || p.Parallelism == 0 || p.MemoryKiB > maxMemoryKiB || len(salt) == 0 {
		return p, nil, errMalformedHash
	}
	return p, salt, nil
}

// randomBytes never fails: crypto/rand ends the program instead.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
