package catalog

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func TestCheckPrice(t *testing.T) {
	t.Parallel()
	business := func(currency string) *tenancy.Tenant { return &tenancy.Tenant{Currency: currency} }
	refused := apperr.New(apperr.ValidationFailed, "")
	for _, amount := range []int64{0, 1} {
		require.NoError(t, checkPrice(&money.Money{Amount: amount, Currency: "NOK"}, business("NOK")))
		require.ErrorIs(t, checkPrice(&money.Money{Amount: amount, Currency: "NOK"}, business("SEK")), refused)
	}
	// A business whose currency is none any more can make its services free, and change it then.
	price := money.Money{Amount: 0, Currency: "EUR"}
	require.NoError(t, checkPrice(&price, business("HRK")))
	require.Equal(t, money.Money{Amount: 0, Currency: "HRK"}, price)
	require.ErrorIs(t, checkPrice(&money.Money{Amount: 1, Currency: "EUR"}, business("HRK")), refused)
}
