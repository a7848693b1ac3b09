// Package currency owns the table of currencies that prices can be in. It calls nobody.
//
// The table is that of ISO 4217 as it is today, in the edition of github.com/bojanz/currency:
// without historic currencies, without metals, without codes for testing and for none.
package currency

import (
	"errors"

	"github.com/bojanz/currency"
)

// Rule is what Check demands, for error texts.
const Rule = "must be the ISO 4217 code of a currency in use, such as USD."

var errCode = errors.New(Rule) //nolint:staticcheck // clients are shown it as a sentence

// Check returns an error unless code is that of a currency, in capitals.
func Check(code string) error {
	if _, ok := currency.GetDigits(code); !ok {
		return errCode
	}
	return nil
}
