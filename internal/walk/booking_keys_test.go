package walk

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// Whoever is not signed in repeats a booking safely too. The answer holds what only they
// may know, and cannot be read from what is stored.
func TestAnAnonymousBookingIsRepeatedSafely(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	s, tenant, o := p.server, p.tenant, p.objects
	op := s.Operation(t, "createBookingHold")
	path, body := fixtures["createBookingHold"].call(op, o)
	keyed := tenant.Anonymous().WithHeader("Idempotency-Key", uuid.NewString())
	first := keyed.Post(t, path, body).Require(t, fixtures["createBookingHold"].want)
	again := keyed.Post(t, path, body).Require(t, fixtures["createBookingHold"].want)
	require.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))
	require.Equal(t, string(first.Body), string(again.Body))
	token := first.ID(t)
	require.Zero(t, count(t, s, "SELECT count(*) FROM idempotency_keys k WHERE position($1::bytea IN k.body) > 0", []byte(token)))
}
