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

// EventGates say who may read events, in the feed and from webhooks. An event shows an object,
// so its gate is that of the operation which shows the same object: x-gate-of in
// openapi/events.yaml names it.
type EventGates struct {
	types []string
	gates map[string]Gate
}

// LoadEvents finds the gate of every event type. Every mistake in the contract is reported: a
// type without x-gate-of, or with one that names no operation that reads for a business.
func LoadEvents(c *contract.Contract, gates Gates) (*EventGates, error) {
	events := &EventGates{gates: map[string]Gate{}}
	var mistakes []error
	for _, t := range c.EventTypes() {
		g, ok := gates[t.GateOf]
		switch {
		case t.GateOf == "":
			mistakes = append(mistakes, fmt.Errorf("event %s: x-gate-of is missing", t.Name))
		case !ok:
			mistakes = append(mistakes, fmt.Errorf("event %s: x-gate-of: there is no operation %q", t.Name, t.GateOf))
		case g.Access != Tenant || !g.reads:
			mistakes = append(mistakes, fmt.Errorf("event %s: x-gate-of: %s does not read for a business", t.Name, t.GateOf))
		}
		events.types = append(events.types, t.Name)
		events.gates[t.Name] = g
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, fmt.Errorf("events of the contract: %w", err)
	}
	return events, nil
}

// Types lists all event types, in alphabetical order. Nobody may change the list.
func (es *EventGates) Types() []string { return es.types }

// Scope is the scope that API tokens need for an event of the type; empty if none gets it.
func (es *EventGates) Scope(eventType string) apitoken.Scope { return es.gates[eventType].Scope }

// Check decides whether somebody may read events of a type. Errors: ScopeRequired and
// TokenNotAccepted for API tokens, RoleNotAllowed for users. Nobody may read a type that does
// not exist, and somebody who is not signed in may read none.
func (es *EventGates) Check(p *tenancy.Principal, eventType string) error {
	g, ok := es.gates[eventType]
	switch {
	case !ok || p == nil:
		return apperr.New(apperr.RoleNotAllowed, "Events of the type %s cannot be read.", eventType)
	case p.Token != nil && g.Scope == "":
		return apperr.New(apperr.TokenNotAccepted, "API tokens cannot read events of the type %s. Sign in.", eventType)
	case p.Token != nil && !apitoken.Allows(p.Token.Scopes, g.Scope):
		return apperr.New(apperr.ScopeRequired, "For events of the type %s the API token needs the scope %s.", eventType, g.Scope).
			With("required_scope", g.Scope).With("granted_scopes", p.Token.Scopes)
	case p.Token == nil && !slices.Contains(g.Roles, p.Role):
		return apperr.New(apperr.RoleNotAllowed, "Your role, %s, may not read events of the type %s.", p.Role, eventType).
			With("allowed_roles", g.Roles)
	}
	return nil
}
