package scheduling

import (
	"github.com/smoothschedule/smoothschedule/internal/currency"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Money is an amount in minor units of its currency (cents for USD, whole yen for JPY, fils for KWD).
type Money struct {
	Amount int64 `json:"amount"`
	// Currency is an ISO 4217 code.
	Currency string `json:"currency"`
}

// checkPrice demands that a price is in the currency of the business; the database does so
// again, in case that changes meanwhile. A business whose own currency is not one any more can
// make its services free, in whatever currency that is said. Errors: ValidationFailed.
func checkPrice(price *Money, business *tenancy.Tenant) error {
	if price.Amount == 0 && currency.Check(business.Currency) != nil {
		price.Currency = business.Currency
	}
	if price.Currency != business.Currency {
		return foreignCurrency(business.Currency)
	}
	return nil
}
