package scheduling

// Money is an amount in minor units of its currency (cents, for USD).
type Money struct {
	Amount int64 `json:"amount"`
	// Currency is an ISO 4217 code.
	Currency string `json:"currency"`
}
