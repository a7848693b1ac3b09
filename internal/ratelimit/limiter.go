// Package ratelimit owns how many requests a client may make: per API token and per user,
// and per address where nobody needs to be signed in; reads and writes apart, and less in
// the sandbox. What opens nothing is counted per address, too: tokens, hosts where nobody lives, and requests that
// can only be refused. The algorithm is GCRA, by throttled: nobody is locked out, and what is
// over the limit is refused until time has given it back.
//
// It calls throttled, Redis if there is one, and tenancy for who asks. httpapi asks it
// for every request. Invariants: nodes with the same Redis share each bucket; without
// Redis, or while it does not answer, each node counts by itself. A limit that cannot be
// looked up never stops the product: it fails open to the node's own count, which still
// bounds what one client can do.
package ratelimit

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/throttled/throttled/v2"
	"github.com/throttled/throttled/v2/store/goredisstore.v9"
	"github.com/throttled/throttled/v2/store/memstore"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Which requests are limited.
const (
	// On limits everybody.
	On = "on"
	// TokensOnly limits API tokens and nobody else.
	TokensOnly = "tokens"
	// Off limits nobody.
	Off = "off"
)

const (
	// maxBuckets is how many clients a node remembers; beyond, those of the longest silence
	// are forgotten, and begin anew.
	maxBuckets = 100_000
	// redisTimeout bounds what a request waits for Redis.
	redisTimeout = 100 * time.Millisecond
	// pause is for how long Redis is left alone after it did not answer.
	pause = time.Second
	// attempts to write a bucket that others write at the same time.
	attempts    = 100
	redisPrefix = "smoothschedule:ratelimit:"
)

// Options are what a Limiter needs.
type Options struct {
	// Mode is On, TokensOnly or Off.
	Mode string
	// RedisURL, such as redis://cache.internal:6379/0, lets nodes share their counts; optional.
	RedisURL string
	Log      *slog.Logger
	// Now is the clock of the node's own counts; Redis has its own.
	Now func() time.Time
}

// Decision is what became of a request.
type Decision struct {
	Policy Policy
	// Allowed is false for a request that is over the limit.
	Allowed bool
	// Remaining is how many more requests would be allowed right now.
	Remaining int
	// Reset is when all of the quota is there again.
	Reset time.Duration
	// RetryAfter is when the next request will be allowed, if this one was not.
	RetryAfter time.Duration
}

// Limiter counts requests. It is safe for concurrent use.
type Limiter struct {
	mode   string
	log    *slog.Logger
	local  *counts
	shared *counts       // nil without Redis
	client *redis.Client // likewise
	// now is the clock that pauses are measured with.
	now         func() time.Time
	pausedUntil atomic.Int64

	tokens, hosts *unknown
	// clock is that of the node's own counts.
	clock func() time.Time

	refused  *prometheus.CounterVec
	failures prometheus.Counter
}

// New fails if the address of Redis is not understood; that Redis answers is not needed.
func New(o Options) (*Limiter, error) {
	memory, err := memstore.New(maxBuckets)
	if err != nil {
		return nil, fmt.Errorf("rate limits in memory: %w", err)
	}
	memory.SetTimeNow(o.Now)
	tokens, err := newUnknown("address-failures")
	if err != nil {
		return nil, err
	}
	hosts, err := newUnknown("address-hosts")
	if err != nil {
		return nil, err
	}
	l := &Limiter{
		tokens: tokens, hosts: hosts, clock: o.Now,
		mode: o.Mode, log: o.Log, now: time.Now, local: newCounts(throttled.WrapStoreWithContext(memory)),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "smoothschedule_rate_limited_total", Help: "Requests that were refused because they were too many, by policy.",
		}, []string{"policy"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "smoothschedule_rate_limit_redis_failures_total",
			Help: "Times that Redis did not answer, so that the node counted by itself.",
		}),
	}
	if o.RedisURL == "" {
		return l, nil
	}
	options, err := redis.ParseURL(o.RedisURL)
	if err != nil {
		return nil, fmt.Errorf("the URL of Redis is not understood: %w", err)
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = redisTimeout, redisTimeout, redisTimeout
	options.PoolTimeout, options.MaxRetries, options.DialerRetries = redisTimeout, -1, 1
	options.ContextTimeoutEnabled = true
	l.client = redis.NewClient(options)
	store, err := goredisstore.NewCtx(l.client, redisPrefix)
	if err != nil {
		return nil, fmt.Errorf("rate limits in Redis: %w", err)
	}
	l.shared = newCounts(store)
	return l, nil
}

// Close ends the connections to Redis.
func (l *Limiter) Close() error {
	if l.client == nil {
		return nil
	}
	return l.client.Close()
}

// Collectors are the metrics: refused requests, and failures of Redis.
func (l *Limiter) Collectors() []prometheus.Collector {
	return []prometheus.Collector{l.refused, l.failures}
}

// Take counts one request of the scope's client, and decides. applies is false if the
// client is not limited at all.
func (l *Limiter) Take(ctx context.Context, scope *tenancy.Scope, public, writes bool) (decision Decision, applies bool) {
	byToken := !public && scope.Principal != nil && scope.Principal.Token != nil
	if l.mode == Off || (l.mode == TokensOnly && !byToken) {
		return Decision{}, false
	}
	return l.decide(ctx, bucketOf(scope, public, writes))
}

// Denied counts a request of the scope's client that it may not make, and decides; applies as
// for Take. Denials have a bucket of their own: they are no use of the product, but each is
// written down.
func (l *Limiter) Denied(ctx context.Context, scope *tenancy.Scope) (decision Decision, applies bool) {
	if p := scope.Principal; p == nil || l.mode == Off || (l.mode == TokensOnly && p.Token == nil) {
		return Decision{}, false
	}
	return l.decide(ctx, denials(scope))
}

func (l *Limiter) decide(ctx context.Context, b bucket) (decision Decision, applies bool) {
	decision, err := l.take(ctx, b)
	if err != nil {
		l.log.ErrorContext(ctx, "rate limit", "policy", b.policy.Name, "error", err)
		return Decision{}, false
	}
	if !decision.Allowed {
		l.refused.WithLabelValues(b.policy.Name).Inc()
	}
	return decision, true
}

// take asks Redis, and the node's own counts while Redis does not answer.
func (l *Limiter) take(ctx context.Context, b bucket) (Decision, error) {
	if l.shared == nil || l.now().UnixNano() < l.pausedUntil.Load() {
		return l.local.take(ctx, b)
	}
	bounded, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	decision, err := l.shared.take(bounded, b)
	if err == nil {
		return decision, nil
	}
	if ctx.Err() == nil { // not the client's doing, who went away
		l.failures.Inc()
		l.pausedUntil.Store(l.now().Add(pause).UnixNano())
		l.log.WarnContext(ctx, "Redis does not answer; this node counts requests by itself", "error", err)
	}
	return l.local.take(ctx, b)
}

// counts are the buckets of one store.
type counts struct {
	store throttled.GCRAStoreCtx
	// limiters holds one for each quota: int -> *throttled.GCRARateLimiterCtx.
	limiters sync.Map
}

func newCounts(store throttled.GCRAStoreCtx) *counts { return &counts{store: store} }

func (c *counts) take(ctx context.Context, b bucket) (Decision, error) {
	limiter, err := c.limiter(b.policy.Quota)
	if err != nil {
		return Decision{}, err
	}
	limited, result, err := limiter.RateLimitCtx(ctx, b.key, 1)
	if err != nil {
		return Decision{}, err
	}
	return Decision{
		Policy: b.policy, Allowed: !limited, Remaining: result.Remaining, Reset: result.ResetAfter,
		RetryAfter: max(result.RetryAfter, 0),
	}, nil
}

func (c *counts) limiter(quota int) (*throttled.GCRARateLimiterCtx, error) {
	if kept, ok := c.limiters.Load(quota); ok {
		return kept.(*throttled.GCRARateLimiterCtx), nil
	}
	limiter, err := throttled.NewGCRARateLimiterCtx(c.store, throttled.RateQuota{
		MaxRate: throttled.PerDuration(quota, Window), MaxBurst: quota - 1,
	})
	if err != nil {
		return nil, fmt.Errorf("rate limit of %d: %w", quota, err)
	}
	limiter.SetMaxCASAttemptsLimit(attempts)
	kept, _ := c.limiters.LoadOrStore(quota, limiter)
	return kept.(*throttled.GCRARateLimiterCtx), nil
}
