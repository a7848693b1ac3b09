// Package idempotency makes the effect and the answer of a request with an Idempotency-Key
// happen together, once per key.
//
// It calls store (whose Session holds the transaction until the answer is known) and its own
// queries. Invariants: effect and answer are committed in one transaction, so a crash leaves
// neither; an answer is stored encrypted with the client's key, which is stored nowhere.
package idempotency

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Lifetime is for how long an answer is kept.
const Lifetime = 24 * time.Hour

var queries = tenancydb.New()

// Answer is a successful answer.
type Answer struct {
	Status  int
	Headers map[string][]string
	Body    []byte
}

// ReplayError stops a request whose key has an answer already.
type ReplayError struct{ Answer Answer }

func (*ReplayError) Error() string { return "the answer to this Idempotency-Key is stored" }

// Request is a request with an Idempotency-Key. Its transactions run in a store.Session, which
// acquires the key with its first statement; Commit stores the answer in the same transaction.
// It is not safe for concurrent use.
type Request struct {
	session             *store.Session
	principalID, envID  uuid.UUID
	keyHash, requestMAC []byte
	// answers encrypts the answer with a key derived from the client's.
	answers cipher.AEAD
	// now is on the real clock, so that a test clock does not change the lifetime of answers.
	now time.Time
}

// anonymousClients is the namespace of the ids of clients without principal.
var anonymousClients = uuid.MustParse("5f0c7a50-6a3f-4a53-9d6b-0d2f6c7b8e11")

// New returns the request, and its scope with the session. fingerprint is everything that must be
// equal for the key to stand for the same request: operation, path, query and body. A key is
// valid for one principal and environment.
func New(scope *tenancy.Scope, key string, fingerprint []byte) (*Request, *tenancy.Scope) {
	r := &Request{envID: scope.Env.ID, now: scope.RealNow()}
	switch {
	case scope.Principal == nil:
		r.principalID = uuid.NewSHA1(anonymousClients, []byte(scope.Address.String()))
	case scope.Principal.Token != nil:
		r.principalID = scope.Principal.Token.ID
	default:
		r.principalID = scope.Principal.UserID
	}
	hash := sha256.Sum256([]byte(key))
	r.keyHash = hash[:]
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(fingerprint)
	r.requestMAC = mac.Sum(nil)
	r.answers = newCipher(key)
	r.session = store.NewSession(r.acquireKey)
	inSession := *scope
	inSession.Session = r.session
	return r, &inSession
}

func newCipher(key string) cipher.AEAD {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("smoothschedule idempotent answer"))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		panic("idempotency: AES takes a key of 32 bytes: " + err.Error())
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("idempotency: AES has the block size of GCM: " + err.Error())
	}
	return aead
}

// associatedData binds an encrypted answer to its row.
func (r *Request) associatedData() []byte {
	return slices.Concat(r.principalID[:], r.envID[:], r.keyHash, r.requestMAC)
}

// acquireKey locks the key until the transaction ends. Errors: ReplayError; IdempotencyInProgress;
// IdempotencyKeyReused.
func (r *Request) acquireKey(ctx context.Context, db store.DB) error {
	acquired, err := queries.TryLockIdempotencyKey(ctx, db, r.lockID())
	if err != nil {
		return fmt.Errorf("lock idempotency key: %w", err)
	}
	if !acquired {
		return apperr.New(apperr.IdempotencyInProgress, "A request with this Idempotency-Key is still running. Try again.").
			WithRetryAfter(time.Second)
	}
	row, err := queries.GetIdempotentAnswer(ctx, db, tenancydb.GetIdempotentAnswerParams{
		PrincipalID: r.principalID, EnvID: r.envID, KeyHash: r.keyHash, Now: r.now,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("get idempotent answer: %w", err)
	}
	if !hmac.Equal(row.RequestMac, r.requestMAC) {
		return apperr.New(apperr.IdempotencyKeyReused, "This Idempotency-Key was used for another request. Take a new one.")
	}
	body, err := r.answers.Open(nil, nil, row.Body, r.associatedData())
	if err != nil {
		return fmt.Errorf("decrypt an idempotent answer: %w", err)
	}
	answer := Answer{Status: int(row.Status), Body: body}
	if err := json.Unmarshal(row.Headers, &answer.Headers); err != nil {
		return fmt.Errorf("decode headers of an idempotent answer: %w", err)
	}
	return &ReplayError{Answer: answer}
}

// lockID is the number of the advisory lock. Keys that share one by chance only wait for each other.
func (r *Request) lockID() int64 {
	sum := sha256.New()
	sum.Write(r.principalID[:])
	sum.Write(r.envID[:])
	sum.Write(r.keyHash)
	return int64(binary.BigEndian.Uint64(sum.Sum(nil)))
}

// Commit commits the changes of the request together with its answer. A request without changes
// stores its answer too. Errors: ReplayError, IdempotencyInProgress and IdempotencyKeyReused, if
// the request has run no transaction yet; Busy if PostgreSQL aborted it.
func (r *Request) Commit(ctx context.Context, s *store.Store, scope *tenancy.Scope, answer Answer) error {
	headers, err := json.Marshal(answer.Headers)
	if err != nil {
		return errors.Join(fmt.Errorf("encode headers of an answer: %w", err), r.Rollback(ctx))
	}
	return r.session.Commit(ctx, s, scope, batch.Write(queries.KeepIdempotentAnswer, tenancydb.KeepIdempotentAnswerParams{
		PrincipalID: r.principalID, EnvID: r.envID, KeyHash: r.keyHash, RequestMac: r.requestMAC,
		Status: int32(answer.Status), Headers: headers, Body: r.answers.Seal(nil, nil, answer.Body, r.associatedData()),
		Now: r.now, ExpiresAt: r.now.Add(Lifetime),
	}).Doing("store idempotent answer"))
}

// Rollback undoes what the request has changed and not committed.
func (r *Request) Rollback(ctx context.Context) error { return r.session.Rollback(ctx) }

// DeleteExpired removes answers older than Lifetime. It may run at any time, also concurrently.
func DeleteExpired(ctx context.Context, s *store.Store, now time.Time) (int64, error) {
	n, err := queries.DeleteOldIdempotencyKeys(ctx, s.Control(), now)
	if err != nil {
		return n, fmt.Errorf("delete expired idempotency keys: %w", err)
	}
	return n, nil
}
