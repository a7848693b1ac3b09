// Package money owns the form of amounts of money. It calls nothing.
package money

// Money is an amount in minor units of its currency (cents for USD, whole yen for JPY, fils for KWD).
type Money struct {
	Amount int64 `json:"amount"`
	// Currency is an ISO 4217 code.
	Currency string `json:"currency"`
}
