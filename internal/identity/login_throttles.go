package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// throttleWindow is how long failures are remembered.
const throttleWindow = 15 * time.Minute

// An account that has failed accountThreshold times in a window is blocked for accountBlock by
// each further failure.
const (
	accountThreshold = 5
	accountBlock     = time.Minute
)

// throttle counts the failures of one account, one address, or one browser that an account knows.
type throttle struct {
	key string
	// threshold is the number of failures in a window from which each blocks.
	threshold int32
	block     time.Duration
}

// accountThrottle counts guesses at one account, whether it exists or not. The key
// does not show the address to whoever reads the table.
func accountThrottle(tenant *tenancy.Tenant, sandbox bool, email string) throttle {
	id := "platform"
	if tenant != nil {
		id = tenant.ID.String()
	}
	sum := sha256.Sum256([]byte(id + "|" + strconv.FormatBool(sandbox) + "|" + email))
	return throttle{key: "account:" + hex.EncodeToString(sum[:])[:32], threshold: accountThreshold, block: accountBlock}
}

// addressThrottle counts guesses from one address at whatever account. Of IPv6 the
// network counts, because one customer of a provider has a whole /64.
func addressThrottle(address netip.Addr) throttle {
	key := address.WithZone("").String()
	if address.Is6() {
		if network, err := address.WithZone("").Prefix(64); err == nil {
			key = network.String()
		}
	}
	return throttle{key: "address:" + key, threshold: 50, block: 5 * time.Minute}
}

// checkThrottles returns a TooManyAttempts error while one of them blocks.
func checkThrottles(ctx context.Context, db identitydb.DBTX, throttles []throttle, now time.Time) error {
	keys := make([]string, len(throttles))
	for i, t := range throttles {
		keys[i] = t.key
	}
	until, err := queries.GetLoginBlock(ctx, db, keys)
	if err != nil {
		return fmt.Errorf("read login block: %w", err)
	}
	if wait := until.Sub(now); wait > 0 {
		return apperr.New(apperr.TooManyAttempts, "Too many attempts have failed. Try again in %.0f seconds.",
			math.Ceil(wait.Seconds())).WithRetryAfter(wait)
	}
	return nil
}

// countFailure counts in statements of its own: whatever becomes of the request, and
// even if its client has gone, the failure is not forgotten.
func countFailure(ctx context.Context, db identitydb.DBTX, throttles []throttle, now time.Time) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	for _, t := range throttles {
		_, err := queries.NoteLoginFailure(ctx, db, identitydb.NoteLoginFailureParams{
			Key: t.key, Now: now, Threshold: t.threshold, BlockUntil: now.Add(t.block), WindowStart: now.Add(-throttleWindow),
		})
		if err != nil {
			return fmt.Errorf("count login failure: %w", err)
		}
	}
	return nil
}

// detached returns a context for what must be written down although the client has
// hung up: a guess must not be free for those who do not wait for the answer.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}
