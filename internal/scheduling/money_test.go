package scheduling

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func TestCheckPrice(t *testing.T) {
	t.Parallel()
	business := func(currency string) *tenancy.Tenant { return &tenancy.Tenant{Currency: currency} }
	refused := apperr.New(apperr.ValidationFailed, "")
	for _, amount := range []int64{0, 1} {
		require.NoError(t, checkPrice(&Money{amount, "NOK"}, business("NOK")))
		require.ErrorIs(t, checkPrice(&Money{amount, "NOK"}, business("SEK")), refused)
	}
	// A business whose currency is none any more can make its services free, and change it then.
	price := Money{0, "EUR"}
	require.NoError(t, checkPrice(&price, business("HRK")))
	require.Equal(t, Money{0, "HRK"}, price)
	require.ErrorIs(t, checkPrice(&Money{1, "EUR"}, business("HRK")), refused)
}
