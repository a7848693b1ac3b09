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
// nothing, how many may be for a host where nobody lives, and how many may lack the sign-in, or the
// path or method, without which they can only be refused. Each of the first two costs a question
// to the database.
const failureLimit = 60

const (
	// maxProven is how many tokens, and how many hosts, a node remembers that have worked.
	maxProven = 10_000
	// maxBlocked is how many addresses a node remembers that are over their limit.
	maxBlocked = 10_000
)

// unknown keeps an address that sends one token after the other that opens nothing, or asks for one
// host after the other where nobody lives, from asking the database about each. Who is behind the same address with one that has
// worked on this node does not notice.
type unknown struct {
	policy Policy
	// proven are hashes of tokens, or names of hosts, that have worked.
	proven *lru.Cache
	// blocked holds until when an address is over its limit: its network -> time.Time.
	blocked *lru.Cache
	// some is whether anything was ever blocked: as long as nothing is, nobody looks.
	some atomic.Bool
}

func newUnknown(policy string) (*unknown, error) {
	proven, err := lru.New(maxProven)
	if err != nil {
		return nil, fmt.Errorf("what has worked: %w", err)
	}
	blocked, err := lru.New(maxBlocked)
	if err != nil {
		return nil, fmt.Errorf("addresses over their limit: %w", err)
	}
	return &unknown{policy: Policy{Name: policy, Quota: failureLimit}, proven: proven, blocked: blocked}, nil
}

// Admit says whether the token with the hash, sent from the address, may be looked up. It may
// not if too many of the address have opened nothing lately, unless this one has worked on
// this node before.
func (l *Limiter) Admit(address netip.Addr, tokenHash []byte) (Decision, bool) {
	return l.admit(l.tokens, address, string(tokenHash))
}

// AdmitHost is Admit for the host that a request is for, known by its name.
func (l *Limiter) AdmitHost(address netip.Addr, host string) (Decision, bool) {
	return l.admit(l.hosts, address, host)
}

func (l *Limiter) admit(u *unknown, address netip.Addr, key string) (Decision, bool) {
	if l.mode != On || !u.some.Load() {
		return Decision{}, true
	}
	until, blocked := u.blocked.Get(tenancy.NetworkOf(address))
	if !blocked {
		return Decision{}, true
	}
	wait := until.(time.Time).Sub(l.clock())
	if wait <= 0 || u.proven.Contains(key) {
		return Decision{}, true
	}
	l.refused.WithLabelValues(u.policy.Name).Inc()
	return Decision{Policy: u.policy, Reset: Window, RetryAfter: wait}, false
}

// Worked notes that the token with the hash has opened something.
func (l *Limiter) Worked(tokenHash []byte) {
	if l.mode == On {
		l.tokens.proven.Add(string(tokenHash), nil)
	}
}

// HostWorked notes that somebody lives at the host.
func (l *Limiter) HostWorked(host string) {
	if l.mode == On {
		l.hosts.proven.Add(host, nil)
	}
}

// Failed counts a token from the address that opened nothing, and decides; applies is false if
// nobody counts. Nodes with the same Redis count together, and each finds out for itself.
func (l *Limiter) Failed(ctx context.Context, address netip.Addr, tokenHash []byte) (decision Decision, applies bool) {
	return l.failed(ctx, l.tokens, address, string(tokenHash))
}

// HostFailed is Failed for a host where nobody lives.
func (l *Limiter) HostFailed(ctx context.Context, address netip.Addr, host string) (decision Decision, applies bool) {
	return l.failed(ctx, l.hosts, address, host)
}

func (l *Limiter) failed(ctx context.Context, u *unknown, address netip.Addr, key string) (decision Decision, applies bool) {
	if l.mode != On {
		return Decision{}, false
	}
	u.proven.Remove(key) // it has worked, and does not any more
	decision, applies = l.decide(ctx, ofNetwork(u.policy, address))
	if applies && !decision.Allowed {
		u.blocked.Add(tenancy.NetworkOf(address), l.clock().Add(decision.RetryAfter))
		u.some.Store(true)
	}
	return decision, applies
}

// Pointless counts a request from the address that can only be refused, because it lacks the sign-in that
// it needs, or its path or method does not exist, and decides; applies as for Failed. Nothing else is counted with
// these, so nobody who asks for something else notices.
func (l *Limiter) Pointless(ctx context.Context, address netip.Addr) (decision Decision, applies bool) {
	if l.mode != On {
		return Decision{}, false
	}
	return l.decide(ctx, ofNetwork(Policy{Name: "address-refusals", Quota: failureLimit}, address))
}

func ofNetwork(policy Policy, address netip.Addr) bucket {
	return bucket{policy: policy, key: policy.Name + ":" + tenancy.NetworkOf(address)}
}
