package ratelimit

import (
	"strings"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Window is the time over which the numbers of the tables count.
const Window = 10 * time.Second

// numbers are requests in a Window: so many at once, and then as many as the time that
// has passed gives back.
type numbers struct{ reads, writes int }

// The one table of limits; docs/api/rate-limits.md shows the same numbers, and a test
// compares them. In the sandbox it is half.
var (
	// tokenLimits are those of API tokens, by the code of the business's plan.
	tokenLimits = map[string]numbers{
		"free":         {reads: 100, writes: 40},
		"professional": {reads: 200, writes: 80},
		"business":     {reads: 500, writes: 200},
		"enterprise":   {reads: 2000, writes: 800},
	}
	// otherPlan is for plans that the table does not name.
	otherPlan = numbers{reads: 200, writes: 80}
	// userLimits are those of a signed-in user, on whatever plan.
	userLimits = numbers{reads: 500, writes: 200}
	// addressLimits are those of a client's address, on operations that need no sign-in.
	addressLimits = numbers{reads: 200, writes: 60}
)

// denialLimit is how many requests in a Window a client may be refused with 403.
const denialLimit = 60

// Policy is a limit for a kind of client and a kind of request.
type Policy struct {
	// Name is the one in the headers: "token-reads", "user-writes-sandbox".
	Name string
	// Quota is the number of requests in a Window.
	Quota int
}

// bucket is who shares a limit, and which limit it is.
type bucket struct {
	policy Policy
	key    string
}

// bucketOf chooses the bucket of a request: the address for operations that need no
// sign-in, else the API token or the user.
func bucketOf(scope *tenancy.Scope, public, writes bool) bucket {
	switch {
	case public || scope.Principal == nil:
		return newBucket("address", addressLimits, scope.Network(), writes, scope.SandboxMode())
	case scope.Principal.Token != nil:
		return newBucket("token", tokenNumbers(scope), scope.Principal.Token.ID.String(), writes, scope.SandboxMode())
	}
	return newBucket("user", userLimits, scope.Principal.UserID.String(), writes, scope.SandboxMode())
}

// denials is the bucket of a client's refused requests, in both modes.
func denials(scope *tenancy.Scope) bucket {
	who := scope.Principal.UserID.String()
	if scope.Principal.Token != nil {
		who = scope.Principal.Token.ID.String()
	}
	policy := Policy{Name: "denials", Quota: denialLimit}
	return bucket{policy: policy, key: policy.Name + ":" + who}
}

func newBucket(kind string, n numbers, key string, writes, sandbox bool) bucket {
	b := bucket{policy: Policy{Name: kind + "-reads", Quota: n.reads}}
	if writes {
		b.policy = Policy{Name: kind + "-writes", Quota: n.writes}
	}
	if sandbox {
		b.policy = Policy{Name: b.policy.Name + "-sandbox", Quota: b.policy.Quota / 2}
	}
	b.key = b.policy.Name + ":" + key
	return b
}

func tokenNumbers(scope *tenancy.Scope) numbers {
	if scope.Entitlements == nil || scope.Entitlements.Plan == nil {
		return otherPlan
	}
	if n, ok := tokenLimits[strings.ToLower(scope.Entitlements.Plan.Code)]; ok {
		return n
	}
	return otherPlan
}
