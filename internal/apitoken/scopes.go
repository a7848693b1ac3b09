package apitoken

import (
	"slices"
	"strings"
)

// Scope is something an API token may do: "<noun>:read" or "<noun>:write".
type Scope string

// scopes is the closed list. The contract's enum ApiTokenScope and the table in
// docs/api/authentication.md repeat it, and tests compare them. Every scope is named by
// an operation.
var scopes = []Scope{
	"appointments:read", "appointments:write",
	"availability:read",
	"business:read", // its settings are those of both modes, so no token of one may change them
	"customers:read", "customers:write",
	"entitlements:read",
	"events:read",
	"holds:read", "holds:write",
	"resources:read", "resources:write",
	"sandbox:read", "sandbox:write",
	"schedules:read", "schedules:write",
	"series:read", "series:write",
	"services:read", "services:write",
	"waitlist:read", "waitlist:write",
	"webhooks:read", "webhooks:write",
}

// Scopes lists every scope.
func Scopes() []Scope { return slices.Clone(scopes) }

// Valid reports whether s is one of Scopes.
func (s Scope) Valid() bool { return slices.Contains(scopes, s) }

// Noun is what the scope is about.
func (s Scope) Noun() string {
	noun, _, _ := strings.Cut(string(s), ":")
	return noun
}

// Writes reports whether the scope allows changes.
func (s Scope) Writes() bool { return strings.HasSuffix(string(s), ":write") }

// Allows reports whether a token with the scopes may do what needs the wanted one:
// write implies read.
func Allows(granted []Scope, wanted Scope) bool {
	for _, s := range granted {
		if s == wanted || (s.Writes() && s.Noun() == wanted.Noun()) {
			return true
		}
	}
	return false
}

// Readable lists, in the order of the list, the ":read" scopes that the granted ones include.
func Readable(granted []Scope) []Scope {
	readable := []Scope{}
	for _, s := range scopes {
		if !s.Writes() && Allows(granted, s) {
			readable = append(readable, s)
		}
	}
	return readable
}
