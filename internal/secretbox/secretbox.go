// Package secretbox owns how secrets that the product must be able to read again, such as
// those that sign webhooks, are kept in the database: encrypted with a key that is not there.
//
// It calls nobody. Invariants: AES-256-GCM with a random nonce (NIST SP 800-38D); what is
// sealed for one purpose cannot be opened for another.
package secretbox

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

const (
	keySize = 32
	idSize  = 4
)

// Box seals and opens secrets. It is safe for concurrent use.
type Box struct {
	// first seals; the zero value has no keys.
	first [idSize]byte
	keys  map[[idSize]byte]cipher.AEAD
}

// New makes a box of keys, each 32 random bytes in base64. The first seals, all open: to
// change the key, put the new one in front and keep the old one. A box without keys fails
// whenever it is used.
func New(keys ...string) (*Box, error) {
	b := &Box{keys: map[[idSize]byte]cipher.AEAD{}}
	for i, text := range keys {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("key %d is not %d bytes in base64; `openssl rand -base64 %[2]d` makes one", i+1, keySize)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(key)
		id := [idSize]byte(sum[:idSize])
		if i == 0 {
			b.first = id
		}
		b.keys[id] = aead
	}
	return b, nil
}

var (
	// ErrNoKey is returned by Seal if the box has no keys.
	ErrNoKey  = errors.New("no key is configured for secrets")
	errOpened = errors.New("the secret cannot be opened: its key is missing, or it is not the one that was sealed")
)

// Seal encrypts a secret. Purpose says what it belongs to; the same is needed to open it.
// Errors: ErrNoKey.
func (b *Box) Seal(secret []byte, purpose string) ([]byte, error) {
	aead, ok := b.keys[b.first]
	if !ok {
		return nil, ErrNoKey
	}
	return aead.Seal(b.first[:], nil, secret, []byte(purpose)), nil
}

// Open decrypts what Seal returned for the purpose.
func (b *Box) Open(sealed []byte, purpose string) ([]byte, error) {
	if len(sealed) < idSize {
		return nil, errOpened
	}
	aead, ok := b.keys[[idSize]byte(sealed[:idSize])]
	if !ok {
		return nil, errOpened
	}
	secret, err := aead.Open(nil, nil, sealed[idSize:], []byte(purpose))
	if err != nil {
		return nil, errOpened
	}
	return secret, nil
}
