package bench

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// The same read with a session and with an API token, in turns, so that both have the same
// machine. token/session is how many times longer it takes with a token.
func BenchmarkTokenBesideSession(b *testing.B) {
	shop := open(b)
	token := shop.owner.APIToken(b, false, "appointments:read")
	read := func(c *apitest.Client, n int) time.Duration {
		request := c.Request(b, http.MethodGet, path+"/"+shop.appointments[n%booked], nil)
		start := time.Now()
		answer, err := c.Send(request)
		took := time.Since(start)
		require.NoError(b, err)
		require.Equal(b, http.StatusOK, answer.Status)
		return took
	}
	var bySession, byToken time.Duration
	read(shop.owner, 0)
	read(token, 0)
	n := 0
	for b.Loop() {
		bySession += read(shop.owner, n)
		byToken += read(token, n)
		n++
	}
	b.ReportMetric(float64(bySession.Nanoseconds())/float64(n), "session-ns/op")
	b.ReportMetric(float64(byToken.Nanoseconds())/float64(n), "token-ns/op")
	b.ReportMetric(float64(byToken)/float64(bySession), "token/session")
}
