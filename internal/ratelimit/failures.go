package ratelimit

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// failureLimit is how many requests of an address in a Window may have a token that opens
// nothing. Each costs a question to the database.
const failureLimit = 60

const (
	// maxProven is how many tokens a node remembers that have worked.
	maxProven = 10_000
	// maxBlocked is how many addresses a node remembers that are over their limit.
	maxBlocked = 10_000
)

// unknownTokens keeps an address that sends one token after the other that opens nothing from
// asking the database about each. Who is behind the same address with a token that has
// worked on this node does not notice.
type unknownTokens struct {
	// proven are hashes of tokens that have worked.
	proven *lru.Cache
	// blocked holds until when an address is over its limit: its network -> time.Time.
	blocked *lru.Cache
	// some is whether anything was ever blocked: as long as nothing is, nobody looks.
	some atomic.Bool
}

func newUnknownTokens() (*unknownTokens, error) {
	proven, err := lru.New(maxProven)
	if err != nil {
		return nil, fmt.Errorf("tokens that work: %w", err)
	}
	blocked, err := lru.New(maxBlocked)
	if err != nil {
		return nil, fmt.Errorf("addresses over their limit: %w", err)
	}
	return &unknownTokens{proven: proven, blocked: blocked}, nil
}

func failurePolicy() Policy { return Policy{Name: "address-failures", Quota: failureLimit} }

// Admit says whether the token with the hash, sent from the address, may be looked up. It may
// not if too many of the address have opened nothing lately, unless this one has worked on
// this node before.
func (l *Limiter) Admit(address netip.Addr, tokenHash []byte) (Decision, bool) {
	if l.mode != On || !l.unknown.some.Load() {
		return Decision{}, true
	}
	until, blocked := l.unknown.blocked.Get(tenancy.NetworkOf(address))
	if !blocked {
		return Decision{}, true
	}
	wait := until.(time.Time).Sub(l.clock())
	if wait <= 0 || l.unknown.proven.Contains(string(tokenHash)) {
		return Decision{}, true
	}
	policy := failurePolicy()
	l.refused.WithLabelValues(policy.Name).Inc()
	return Decision{Policy: policy, Reset: Window, RetryAfter: wait}, false
}

// Worked notes that the token with the hash has opened something.
func (l *Limiter) Worked(tokenHash []byte) {
	if l.mode == On {
		l.unknown.proven.Add(string(tokenHash), nil)
	}
}

// Failed counts a token from the address that opened nothing, and decides; applies is false if
// nobody counts. Nodes with the same Redis count together, and each finds out for itself.
func (l *Limiter) Failed(ctx context.Context, address netip.Addr, tokenHash []byte) (decision Decision, applies bool) {
	if l.mode != On {
		return Decision{}, false
	}
	l.unknown.proven.Remove(string(tokenHash)) // it has worked, and does not any more
	b := bucket{policy: failurePolicy(), key: failurePolicy().Name + ":" + tenancy.NetworkOf(address)}
	decision, applies = l.decide(ctx, b)
	if applies && !decision.Allowed {
		l.unknown.blocked.Add(tenancy.NetworkOf(address), l.clock().Add(decision.RetryAfter))
		l.unknown.some.Store(true)
	}
	return decision, applies
}
