package currency_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/currency"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for code := range strings.FieldsSeq("USD EUR JPY KWD CHF XAF XOF XPF XCD XCG SLE VES") {
		require.NoError(t, currency.Check(code), code)
	}
	historic, testing, metals, funds := "DEM FRF HRK BGN ANG CUC SLL", "XTS XXX ZZZ", "XAU XAG XPT XPD", "XDR XUA XSU"
	for code := range strings.FieldsSeq(historic + " " + testing + " " + metals + " " + funds + " usd Usd US USDD") {
		require.Error(t, currency.Check(code), code)
	}
	require.Error(t, currency.Check(""))
}
