// Package gate owns the rules of who may call an operation: it decodes x-gate of
// the contract and turns it into a decision, in a fixed order: 401 nobody is
// signed in, 400 no business, 403 suspended, role or scope, masquerade, feature.
//
// It calls entitle through the request's scope. Invariants: every operation has a
// gate, whose words are all known, or the server does not start; nothing is bound
// from the request before its gate has said yes.
package gate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Access says who may call an operation at all.
type Access string

// The kinds of access: everyone; whoever is signed in; whoever is signed in, on
// behalf of a business; users of the platform.
const (
	Public   Access = "public"
	User     Access = "user"
	Tenant   Access = "tenant"
	Platform Access = "platform"
)

// Gate is the x-gate of one operation.
type Gate struct {
	Access Access `json:"access"`
	// Roles are those that may call it; required for tenant and platform access.
	Roles []tenancy.Role `json:"roles,omitempty"`
	// Scope lets API tokens that have it call the operation; without one none can.
	Scope apitoken.Scope `json:"scope,omitempty"`
	// Feature must be in the tenant's plan.
	Feature entitle.Feature `json:"feature,omitempty"`
	// Quota is what the operation uses up. It documents, and drives tests; Reserve enforces.
	Quota entitle.Quota `json:"quota,omitempty"`
	// Idempotent says that the operation accepts an Idempotency-Key.
	Idempotent bool `json:"idempotent,omitempty"`
	// Masquerade says what those who work as somebody else may do; see its values.
	Masquerade Masquerade `json:"masquerade,omitempty"`

	// reads is whether the operation changes nothing.
	reads bool
}

// Masquerade says whether an operation may be called by somebody who works as another user.
type Masquerade string

// Without a word, reading is allowed, and writing unless the masquerade is read-only.
const (
	// MasqueradeNever is for what only the users themselves may do, such as changing the password.
	MasqueradeNever Masquerade = "never"
	// MasqueradeAlways is for writes that change nothing of the user's, such as ending the masquerade.
	MasqueradeAlways Masquerade = "always"
	// MasqueradeRedacted is for reads that leave credentials out of the answer to a masquerade.
	MasqueradeRedacted Masquerade = "redacted"
)

// Gates holds the gate of every operation, by operation id.
type Gates map[string]Gate

// Load decodes the gates of all operations. Every mistake in the contract is
// reported: a missing gate, an unknown word, roles that do not fit the access.
func Load(c *contract.Contract) (Gates, error) {
	gates := Gates{}
	var mistakes []error
	for _, op := range c.Operations() {
		g, err := decode(op.Gate)
		err = cmp.Or(err, g.checkMethod(op.Method), g.checkCredentials(op))
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("operation %s: %w", op.ID, err))
			continue
		}
		g.reads = !contract.Writes(op.Method)
		gates[op.ID] = g
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, fmt.Errorf("gates of the contract: %w", err)
	}
	return gates, nil
}

func decode(raw json.RawMessage) (Gate, error) {
	var g Gate
	if len(raw) == 0 {
		return g, errors.New("x-gate is missing")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&g); err != nil {
		return g, fmt.Errorf("x-gate: %w", err)
	}
	return g, g.check()
}

func (g Gate) check() error {
	if err := g.checkRoles(); err != nil {
		return err
	}
	if g.Feature != "" && !g.Feature.Valid() {
		return fmt.Errorf("x-gate: unknown feature %q", g.Feature)
	}
	if g.Quota != "" && !g.Quota.Valid() {
		return fmt.Errorf("x-gate: unknown quota %q", g.Quota)
	}
	if !slices.Contains([]Masquerade{"", MasqueradeNever, MasqueradeAlways, MasqueradeRedacted}, g.Masquerade) {
		return fmt.Errorf("x-gate: unknown masquerade %q", g.Masquerade)
	}
	if g.Masquerade != "" && g.Access == Public {
		return errors.New("x-gate: access public does not look at who asks, so masquerade means nothing")
	}
	if g.Access != Tenant && (g.Feature != "" || g.Quota != "") {
		return fmt.Errorf("x-gate: access %s has no plan to look at", g.Access)
	}
	return nil
}

// checkMethod sees to it that a token that may only read changes nothing, and that a
// key is accepted where repeating a request would repeat its effect.
func (g Gate) checkMethod(method string) error {
	if g.Scope != "" && (!g.Scope.Valid() || g.Scope.Writes() != contract.Writes(method)) {
		return fmt.Errorf("x-gate: scope %q is unknown or does not fit %s", g.Scope, method)
	}
	if g.Scope != "" && g.Access != Tenant {
		return fmt.Errorf("x-gate: access %s takes no scope", g.Access)
	}
	if g.Idempotent && method != http.MethodPost {
		return fmt.Errorf("x-gate: idempotent is a word for POST, not for %s", method)
	}
	return nil
}

// checkCredentials sees to it that each operation with a credential in its body or answers
// says what it is in a masquerade: what gives access must neither outlive it nor be seen in it.
func (g Gate) checkCredentials(op *contract.Operation) error {
	shows := op.ShowsCredential()
	switch {
	case g.Masquerade == MasqueradeRedacted && (!shows || contract.Writes(op.Method)):
		return errors.New("x-gate: masquerade redacted is for reads whose answers have a credential")
	case g.Access == Public || g.Masquerade != "":
		return nil
	case shows || op.TakesCredential():
		return errors.New("x-gate: masquerade must be said, because the body or an answer has a credential")
	}
	return nil
}

func (g Gate) checkRoles() error {
	switch g.Access {
	case Public, User:
		if len(g.Roles) > 0 {
			return fmt.Errorf("x-gate: access %s takes no roles", g.Access)
		}
	case Tenant, Platform:
		if len(g.Roles) == 0 {
			return fmt.Errorf("x-gate: access %s needs roles", g.Access)
		}
	default:
		return fmt.Errorf("x-gate: unknown access %q", g.Access)
	}
	for i, role := range g.Roles {
		if !role.Valid() || slices.Contains(g.Roles[:i], role) {
			return fmt.Errorf("x-gate: role %q is unknown or there twice", role)
		}
		if g.Access == Platform && !role.Platform() {
			return fmt.Errorf("x-gate: %s is not a role of the platform", role)
		}
	}
	return nil
}

// MayGive reports whether a user of the role may give the scope to an API token: only if
// they may call every operation that it opens.
func (gs Gates) MayGive(role tenancy.Role, scope apitoken.Scope) bool {
	for _, g := range gs {
		if g.Scope != "" && apitoken.Allows([]apitoken.Scope{scope}, g.Scope) && !slices.Contains(g.Roles, role) {
			return false
		}
	}
	return true
}

// Check decides whether the request may pass, and with which error it may not.
func (g Gate) Check(ctx context.Context, scope *tenancy.Scope) error {
	if err := g.CheckPath(ctx, scope, false); err != nil {
		return err
	}
	if err := g.checkRights(scope.Principal); err != nil {
		return err
	}
	if err := g.checkMasquerade(scope); err != nil {
		return err
	}
	return g.checkFeature(ctx, scope)
}

// checkMasquerade is the only place where a masquerade is less than the user it is as.
func (g Gate) checkMasquerade(scope *tenancy.Scope) error {
	if scope.ImpersonatorID() == nil || g.Access == Public || g.Masquerade == MasqueradeAlways {
		return nil
	}
	if g.Masquerade == MasqueradeNever {
		return apperr.New(apperr.MasqueradeRefused, "This can only be done by the users themselves, not by somebody who works as them.")
	}
	if !g.reads && !scope.Principal.Impersonator.MayWrite {
		return apperr.New(apperr.MasqueradeRefused, "This masquerade may look at everything and change nothing.")
	}
	return nil
}

// checkRights looks at the scopes of an API token, and at the role of a user.
func (g Gate) checkRights(p *tenancy.Principal) error {
	switch {
	case g.Access == Public:
		return nil
	case p.Token != nil && g.Scope == "":
		return apperr.New(apperr.TokenNotAccepted, "This cannot be done with an API token. Sign in.")
	case p.Token != nil && !apitoken.Allows(p.Token.Scopes, g.Scope):
		return apperr.New(apperr.ScopeRequired, "The API token needs the scope %s.", g.Scope).
			With("required_scope", g.Scope).With("granted_scopes", p.Token.Scopes)
	case p.Token == nil && g.Access != User && !slices.Contains(g.Roles, p.Role):
		return apperr.New(apperr.RoleNotAllowed, "Your role, %s, may not do this.", p.Role).
			With("allowed_roles", g.Roles)
	}
	return nil
}

// CheckPath decides what holds for every method of a path: sign-in, business,
// suspension, and, if withFeature is set, the feature. A request with a method that
// the path does not have gets these answers before it hears that.
func (g Gate) CheckPath(ctx context.Context, scope *tenancy.Scope, withFeature bool) error {
	if g.Access == Public {
		return nil
	}
	if scope.Principal == nil {
		return apperr.New(apperr.Unauthorized, `Sign in, and send the token as "Authorization: Bearer <token>". One that is unknown, expired or revoked does not count.`)
	}
	if g.Access == Tenant {
		if scope.Tenant == nil {
			return apperr.New(apperr.TenantRequired,
				"This address belongs to no business. Use the address of one, such as demo.localhost.")
		}
		if scope.Tenant.Suspended() && !scope.Principal.Role.Platform() {
			return apperr.New(apperr.TenantSuspended, "This business is suspended. Please contact support.")
		}
	}
	if withFeature {
		return g.checkFeature(ctx, scope)
	}
	return nil
}

func (g Gate) checkFeature(ctx context.Context, scope *tenancy.Scope) error {
	if g.Feature == "" {
		return nil
	}
	return scope.Entitlements.Require(ctx, g.Feature)
}

// Table prints all gates, one operation or event type a line, for people and for the golden file.
func Table(c *contract.Contract, gates Gates) string {
	var b strings.Builder
	for _, op := range c.Operations() {
		g := gates[op.ID]
		fmt.Fprintf(&b, "%-7s %-40s %-24s access=%s", op.Method, op.Path, op.ID, g.Access)
		if len(g.Roles) > 0 {
			names := make([]string, len(g.Roles))
			for i, role := range g.Roles {
				names[i] = string(role)
			}
			fmt.Fprintf(&b, " roles=%s", strings.Join(names, ","))
		}
		if g.Scope != "" {
			fmt.Fprintf(&b, " scope=%s", g.Scope)
		}
		if g.Feature != "" {
			fmt.Fprintf(&b, " feature=%s", g.Feature)
		}
		if g.Quota != "" {
			fmt.Fprintf(&b, " quota=%s", g.Quota)
		}
		if g.Masquerade != "" {
			fmt.Fprintf(&b, " masquerade=%s", g.Masquerade)
		}
		if g.Idempotent {
			b.WriteString(" idempotent")
		}
		b.WriteString("\n")
	}
	for _, t := range c.EventTypes() {
		fmt.Fprintf(&b, "EVENT   %-40s %-24s scope=%s\n", t.Name, t.GateOf, gates[t.GateOf].Scope)
	}
	return b.String()
}
