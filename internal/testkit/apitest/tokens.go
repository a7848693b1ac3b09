package apitest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// APIToken makes an API token with the scopes, which the client must be allowed to give,
// and returns a client that uses it, at the client's host.
func (c *Client) APIToken(tb testing.TB, sandbox bool, scopes ...string) *Client {
	tb.Helper()
	var created struct{ Token string }
	c.Post(tb, "/api/v1/tokens", map[string]any{"name": "Test", "scopes": scopes, "is_sandbox": sandbox}).
		Require(tb, 201).Decode(tb, &created)
	require.NotEmpty(tb, created.Token)
	return c.server.Client(c.host).WithToken(created.Token)
}
