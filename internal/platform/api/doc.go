// Package api owns the HTTP side of the platform: it turns requests of the contract (gen/api/admin,
// gen/api/developer) into calls of the services in internal/platform/businesses and
// internal/platform/developer, and their results into answers.
//
// Each document of the contract has a server: Console has openapi/admin.yaml, Developer has
// openapi/developer.yaml.
//
// Invariants: no rules and no SQL here; every handler converts, calls once, and
// converts back. The gates and the validation of the contract have run before.
//
// A compile error after regenerating the contract means that an operation was added or
// changed: the handler belongs in the file of its noun.
package api
