package tenancy

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
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// IdempotencyLifetime is for how long the answer to a request with a key is kept.
const IdempotencyLifetime = 24 * time.Hour

// Answer is what a client was told: always of success.
type Answer struct {
	Status  int
	Headers map[string][]string
	Body    []byte
}

// Idempotency makes the effect and the answer of one request happen together, once for
// its key. It travels in the request's Scope. The Store lets it in at both ends of the
// transaction: at the beginning it takes the key, and at the end, instead of a commit,
// it parks the transaction until the answer has been written; then Finish keeps the
// answer in that same transaction and commits. A crash in between leaves neither.
//
// It belongs to one request and is not safe for concurrent use.
type Idempotency struct {
	principalID, envID  uuid.UUID
	keyHash, requestMAC []byte
	// sealing encrypts the answer. Its key is made of the client's, which is stored
	// nowhere: an answer may hold what only the client may know.
	sealing cipher.AEAD
	// now is on the real clock: a test clock must not make an answer too old, or too new.
	now time.Time
	// keyless is only one transaction, without a key: see Store.Together.
	keyless bool

	parked parked
}

// parked is a transaction that waits for the answer.
type parked interface {
	tenancydb.DBTX
	// keep runs the statement and commits.
	keep(ctx context.Context, statement func(tenancydb.DBTX) error) error
	// abandon rolls back; both give the connection back.
	abandon(ctx context.Context) error
}

// namespace makes ids of the addresses of anonymous clients.
var namespace = uuid.MustParse("5f0c7a50-6a3f-4a53-9d6b-0d2f6c7b8e11")

// NewIdempotency is for a request of the scope's client with the key. The request is
// everything that must be the same for the key to stand for it: operation, path, query
// and body. A key means nothing outside the client and the environment it was used in.
func NewIdempotency(scope *Scope, key string, request []byte) *Idempotency {
	i := &Idempotency{envID: scope.Env.ID, now: scope.RealNow()}
	switch {
	case scope.Principal == nil:
		i.principalID = uuid.NewSHA1(namespace, []byte(scope.Address.String()))
	case scope.Principal.Token != nil:
		i.principalID = scope.Principal.Token.ID
	default:
		i.principalID = scope.Principal.UserID
	}
	hash := sha256.Sum256([]byte(key))
	i.keyHash = hash[:]
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(request)
	i.requestMAC = mac.Sum(nil)
	i.sealing = newSealing(key)
	return i
}

func newSealing(key string) cipher.AEAD {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("smoothschedule idempotent answer"))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		panic("tenancy: a key of 32 bytes is one for AES: " + err.Error())
	}
	sealing, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("tenancy: AES has the block size of GCM: " + err.Error())
	}
	return sealing
}

// place is what a sealed answer is bound to: in another row, it cannot be opened.
func (i *Idempotency) place() []byte {
	return slices.Concat(i.principalID[:], i.envID[:], i.keyHash, i.requestMAC)
}

// ReplayError stops a request whose key has an answer already.
type ReplayError struct{ Answer Answer }

func (*ReplayError) Error() string { return "the answer to this Idempotency-Key is known" }

var errAnotherWorld = errors.New("an idempotent request is in a transaction of another role or environment already")

// claim takes the key for the transaction, as its first statements. Errors: ReplayError;
// IdempotencyInProgress; IdempotencyKeyReused.
func (i *Idempotency) claim(ctx context.Context, db tenancydb.DBTX) error {
	if i == nil || i.keyless {
		return nil
	}
	queries := tenancydb.New()
	free, err := queries.TryLockIdempotencyKey(ctx, db, i.lock())
	if err != nil {
		return fmt.Errorf("lock idempotency key: %w", err)
	}
	if !free {
		return apperr.New(apperr.IdempotencyInProgress, "A request with this Idempotency-Key is still running. Try again.").
			WithRetryAfter(time.Second)
	}
	row, err := queries.GetIdempotentAnswer(ctx, db, tenancydb.GetIdempotentAnswerParams{
		PrincipalID: i.principalID, EnvID: i.envID, KeyHash: i.keyHash, Now: i.now,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("get idempotent answer: %w", err)
	}
	if !hmac.Equal(row.RequestMac, i.requestMAC) {
		return apperr.New(apperr.IdempotencyKeyReused, "This Idempotency-Key was used for another request. Take a new one.")
	}
	body, err := i.sealing.Open(nil, nil, row.Body, i.place())
	if err != nil {
		return fmt.Errorf("open an idempotent answer: %w", err)
	}
	answer := Answer{Status: int(row.Status), Body: body}
	if err := json.Unmarshal(row.Headers, &answer.Headers); err != nil {
		return fmt.Errorf("read headers of an idempotent answer: %w", err)
	}
	return &ReplayError{Answer: answer}
}

// lock is the number of the advisory lock. Two keys that share one by chance only make
// each other wait.
func (i *Idempotency) lock() int64 {
	sum := sha256.New()
	sum.Write(i.principalID[:])
	sum.Write(i.envID[:])
	sum.Write(i.keyHash)
	return int64(binary.BigEndian.Uint64(sum.Sum(nil)))
}

// Parked reports whether the request has done something that waits for its answer.
func (i *Idempotency) Parked() bool { return i != nil && i.parked != nil }

// park keeps the transaction open until the answer is known; without a key it does not.
func (i *Idempotency) park(p parked) bool {
	if i == nil {
		return false
	}
	i.parked = p
	return true
}

// Finish keeps the answer and commits what the request has done, both or neither. Errors:
// Busy if PostgreSQL sacrificed the transaction.
func (i *Idempotency) Finish(ctx context.Context, answer Answer) error {
	p := i.parked
	i.parked = nil
	headers, err := json.Marshal(answer.Headers)
	if err != nil {
		return errors.Join(fmt.Errorf("encode headers of an answer: %w", err), p.abandon(ctx))
	}
	body := i.sealing.Seal(nil, nil, answer.Body, i.place())
	err = p.keep(ctx, func(db tenancydb.DBTX) error {
		return tenancydb.New().KeepIdempotentAnswer(ctx, db, tenancydb.KeepIdempotentAnswerParams{
			PrincipalID: i.principalID, EnvID: i.envID, KeyHash: i.keyHash, RequestMac: i.requestMAC,
			Status: int32(answer.Status), Headers: headers, Body: body,
			Now: i.now, ExpiresAt: i.now.Add(IdempotencyLifetime),
		})
	})
	if sacrificed(err) {
		return busy(err)
	}
	if err != nil {
		return fmt.Errorf("keep idempotent answer: %w", err)
	}
	return nil
}

// Abandon takes back what the request has done. Without anything to take back, and after
// Finish, it does nothing.
func (i *Idempotency) Abandon(ctx context.Context) error {
	if i.parked == nil {
		return nil
	}
	p := i.parked
	i.parked = nil
	return p.abandon(ctx)
}

// SweepIdempotencyKeys removes answers that are too old to count. It may run at any
// time, also twice at once.
func SweepIdempotencyKeys(ctx context.Context, store *Store, now time.Time) (int64, error) {
	n, err := tenancydb.New().DeleteOldIdempotencyKeys(ctx, store.Control(), now)
	if err != nil {
		return n, fmt.Errorf("delete old idempotency keys: %w", err)
	}
	return n, nil
}

// parkedTx is a transaction inside an environment; its events are appended already.
type parkedTx struct {
	*Tx
	committed func()
}

func (p parkedTx) keep(ctx context.Context, statement func(tenancydb.DBTX) error) error {
	defer p.conn.Release()
	p.Finally(func(db DB) error { return statement(db) })
	if err := p.commit(ctx, &Scope{}); err != nil { // without events, whoever it is does not matter
		return errors.Join(err, p.rollback(ctx))
	}
	p.committed()
	return nil
}

func (p parkedTx) abandon(ctx context.Context) error {
	defer p.conn.Release()
	return p.rollback(ctx)
}

// parkedPlain is a transaction outside of environments.
type parkedPlain struct {
	pgx.Tx
	pool *pgxpool.Pool
	conn *pgxpool.Conn
}

func (p parkedPlain) keep(ctx context.Context, statement func(tenancydb.DBTX) error) error {
	defer p.conn.Release()
	if err := statement(p.Tx); err != nil {
		return errors.Join(err, rollbackPlain(ctx, p.Tx))
	}
	return p.Commit(ctx)
}

func (p parkedPlain) abandon(ctx context.Context) error {
	defer p.conn.Release()
	return rollbackPlain(ctx, p.Tx)
}

// rollbackPlain also works when ctx has ended.
func rollbackPlain(ctx context.Context, tx pgx.Tx) error {
	finish, cancel := cleanupContext(ctx)
	defer cancel()
	return tx.Rollback(finish)
}

// joinPlain runs a further transaction of the same request inside the parked one, so
// that all of them last, or none.
func (i *Idempotency) joinPlain(ctx context.Context, pool *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	p, ok := i.parked.(parkedPlain)
	if !ok || p.pool != pool {
		return errAnotherWorld
	}
	return pgx.BeginFunc(ctx, p.Tx, fn)
}

// joinEnv is joinPlain inside an environment.
func (i *Idempotency) joinEnv(ctx context.Context, envID uuid.UUID, scope *Scope, fn func(tx *Tx) error) error {
	p, ok := i.parked.(parkedTx)
	if !ok || p.envID != envID {
		return errAnotherWorld
	}
	if _, err := p.Exec(ctx, "savepoint joined"); err != nil {
		return fmt.Errorf("join a transaction: %w", err)
	}
	err := fn(p.Tx)
	if err == nil {
		err = p.end(ctx, scope)
	}
	if err != nil {
		p.last, p.events = nil, nil
		finish, cancel := cleanupContext(ctx)
		defer cancel()
		_, rollbackErr := p.Exec(finish, "rollback to savepoint joined")
		return errors.Join(err, rollbackErr)
	}
	return nil
}

// inPlain runs fn in a transaction of the pool, outside of environments.
func inPlain(ctx context.Context, pool *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	scope := ScopeFrom(ctx)
	if err := scope.Confirm(ctx); err != nil {
		return err
	}
	i := scope.Idempotency
	if i == nil {
		return pgx.BeginFunc(ctx, pool, fn)
	}
	if i.Parked() {
		return i.joinPlain(ctx, pool, fn)
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquire a connection: %w", err)
	}
	parked := false
	defer func() {
		if !parked {
			conn.Release() // which closes it, and so rolls back, if a panic left the transaction open
		}
	}()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	if err := i.claim(ctx, tx); err != nil {
		return errors.Join(err, rollbackPlain(ctx, tx))
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, rollbackPlain(ctx, tx))
	}
	parked = i.park(parkedPlain{tx, pool, conn})
	return nil
}
