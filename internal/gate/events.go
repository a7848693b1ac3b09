package gate

import (
	"errors"
	"fmt"
	"slices"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// EventGates are the gates of event types, for the feed and for webhooks. The gate of an event type is
// that of the operation that returns the same object, which x-gate-of in openapi/events.yaml names.
type EventGates struct {
	types []string
	gates map[string]Gate
}

// LoadEvents finds the gate of every event type. It returns all mistakes in the contract: types without
// x-gate-of, or whose x-gate-of is not an operation with tenant access that reads.
func LoadEvents(c *contract.Contract, gates Gates) (*EventGates, error) {
	events := &EventGates{gates: map[string]Gate{}}
	var mistakes []error
	for _, t := range c.EventTypes() {
		g, ok := gates[t.GateOf]
		switch {
		case t.GateOf == "":
			mistakes = append(mistakes, fmt.Errorf("event %s: x-gate-of is missing", t.Name))
		case !ok:
			mistakes = append(mistakes, fmt.Errorf("event %s: x-gate-of: unknown operation %q", t.Name, t.GateOf))
		case g.Access != Tenant || !g.reads:
			mistakes = append(mistakes, fmt.Errorf("event %s: x-gate-of: %s is not a read with tenant access", t.Name, t.GateOf))
		}
		events.types = append(events.types, t.Name)
		events.gates[t.Name] = g
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, fmt.Errorf("events of the contract: %w", err)
	}
	return events, nil
}

// Types returns all event types in alphabetical order. The caller must not change the slice.
func (es *EventGates) Types() []string { return es.types }

// Scope returns the scope that API tokens need for events of the type. It is empty if API tokens do not
// get them.
func (es *EventGates) Scope(eventType string) apitoken.Scope { return es.gates[eventType].Scope }

// Check returns nil if the principal may read events of the type. Errors: ScopeRequired and
// TokenNotAccepted for API tokens; RoleNotAllowed for users, unknown types and a nil principal.
func (es *EventGates) Check(p *tenancy.Principal, eventType string) error {
	g, ok := es.gates[eventType]
	switch {
	case !ok || p == nil:
		return apperr.New(apperr.RoleNotAllowed, "Events of the type %s cannot be read.", eventType)
	case p.Token != nil && g.Scope == "":
		return apperr.New(apperr.TokenNotAccepted, "API tokens cannot read events of the type %s. Sign in.", eventType)
	case p.Token != nil && !apitoken.Allows(p.Token.Scopes, g.Scope):
		return apperr.New(apperr.ScopeRequired, "For events of the type %s the API token requires the scope %s.", eventType, g.Scope).
			With("required_scope", g.Scope).With("granted_scopes", p.Token.Scopes)
	case p.Token == nil && !slices.Contains(g.Roles, p.Role):
		return apperr.New(apperr.RoleNotAllowed, "Your role, %s, may not read events of the type %s.", p.Role, eventType).
			With("allowed_roles", g.Roles)
	}
	return nil
}
