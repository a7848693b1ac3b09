// Package gate owns the authorization of operations. It decodes x-gate of the contract and checks
// requests in a fixed order: 401 not authenticated; 400 no business; 403 business suspended, role or
// scope, impersonation, feature.
//
// It calls entitle through the scope of the request. Invariants: the server does not start if an
// operation has no gate or a gate with an unknown word; no request is bound before its gate allows it.
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

// Access is the kind of caller that an operation requires.
type Access string

// The kinds of access: everyone; authenticated callers; authenticated callers in a business; users of
// the platform.
const (
	Public   Access = "public"
	User     Access = "user"
	Tenant   Access = "tenant"
	Platform Access = "platform"
)

// Gate is the x-gate of one operation.
type Gate struct {
	Access Access `json:"access"`
	// Roles may call the operation; required for tenant and platform access.
	Roles []tenancy.Role `json:"roles,omitempty"`
	// Scope is the scope that API tokens need. If empty, API tokens are not accepted.
	Scope apitoken.Scope `json:"scope,omitempty"`
	// Feature must be included in the plan of the tenant.
	Feature entitle.Feature `json:"feature,omitempty"`
	// Quota is the quota that the operation uses. It is documentation and drives tests;
	// entitle.Reserve enforces it.
	Quota entitle.Quota `json:"quota,omitempty"`
	// Idempotent means that the operation accepts an Idempotency-Key.
	Idempotent bool `json:"idempotent,omitempty"`
	// Masquerade is the rule for impersonation; see its values.
	Masquerade Masquerade `json:"masquerade,omitempty"`

	// reads means that the operation changes nothing.
	reads bool
}

// Masquerade is the rule of an operation for impersonation. If empty, reads are allowed, and writes
// unless the impersonation is read-only.
type Masquerade string

// The rules for impersonation.
const (
	// MasqueradeNever is for operations that only the user may call, such as changing the password.
	MasqueradeNever Masquerade = "never"
	// MasqueradeAlways is for writes that change nothing of the user's, such as ending the
	// impersonation.
	MasqueradeAlways Masquerade = "always"
	// MasqueradeRedacted is for reads that omit credentials during impersonation.
	MasqueradeRedacted Masquerade = "redacted"
)

// Gates are the gates of all operations by operation ID.
type Gates map[string]Gate

// Load decodes the gates of all operations. It returns all mistakes in the contract: missing gates,
// unknown words, roles that do not match the access.
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
		return errors.New("x-gate: access public does not authenticate, so masquerade is not allowed")
	}
	if g.Access != Tenant && (g.Feature != "" || g.Quota != "") {
		return fmt.Errorf("x-gate: access %s has no plan, so feature and quota are not allowed", g.Access)
	}
	return nil
}

// checkMethod requires a read scope for reads and a write scope for writes, and allows idempotent only
// for POST.
func (g Gate) checkMethod(method string) error {
	if g.Scope != "" && (!g.Scope.Valid() || g.Scope.Writes() != contract.Writes(method)) {
		return fmt.Errorf("x-gate: scope %q is unknown or not allowed for %s", g.Scope, method)
	}
	if g.Scope != "" && g.Access != Tenant {
		return fmt.Errorf("x-gate: access %s takes no scope", g.Access)
	}
	if g.Idempotent && method != http.MethodPost {
		return fmt.Errorf("x-gate: idempotent is only allowed for POST, not for %s", method)
	}
	return nil
}

// checkCredentials requires a rule for impersonation of every operation with a credential in its body
// or responses: credentials must not be readable during impersonation, nor let it continue after its
// end.
func (g Gate) checkCredentials(op *contract.Operation) error {
	shows := op.ShowsCredential()
	switch {
	case g.Masquerade == MasqueradeRedacted && (!shows || contract.Writes(op.Method)):
		return errors.New("x-gate: masquerade redacted is only allowed for reads with a credential in a response")
	case g.Access == Public || g.Masquerade != "":
		return nil
	case shows || op.TakesCredential():
		return errors.New("x-gate: masquerade is required, because the body or a response has a credential")
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
			return fmt.Errorf("x-gate: role %q is unknown or repeated", role)
		}
		if g.Access == Platform && !role.Platform() {
			return fmt.Errorf("x-gate: %s is not a platform role", role)
		}
	}
	return nil
}

// MayGive reports whether a user with the role may grant the scope to an API token: only if the user
// may call every operation that the scope allows.
func (gs Gates) MayGive(role tenancy.Role, scope apitoken.Scope) bool {
	for _, g := range gs {
		if g.Scope != "" && apitoken.Allows([]apitoken.Scope{scope}, g.Scope) && !slices.Contains(g.Roles, role) {
			return false
		}
	}
	return true
}

// Check returns nil if the request is allowed. Errors: those of CheckPath, then TokenNotAccepted,
// ScopeRequired, RoleNotAllowed, MasqueradeRefused and FeatureNotInPlan.
func (g Gate) Check(ctx context.Context, scope *tenancy.Scope) error {
	if err := g.CheckPath(ctx, scope, false); err != nil {
		return err
	}
	if err := g.checkRights(scope.Principal); err != nil {
		return err
	}
	if err := g.checkImpersonation(scope); err != nil {
		return err
	}
	return g.checkFeature(ctx, scope)
}

// checkImpersonation is the only place where an impersonator has fewer rights than the user.
func (g Gate) checkImpersonation(scope *tenancy.Scope) error {
	if scope.ImpersonatorID() == nil || g.Access == Public || g.Masquerade == MasqueradeAlways {
		return nil
	}
	if g.Masquerade == MasqueradeNever {
		return apperr.New(apperr.MasqueradeRefused, "Not allowed during impersonation: only the user can do this.")
	}
	if !g.reads && !scope.Principal.Impersonator.MayWrite {
		return apperr.New(apperr.MasqueradeRefused, "This impersonation is read-only.")
	}
	return nil
}

// checkRights checks the scopes of an API token, or the role of a user.
func (g Gate) checkRights(p *tenancy.Principal) error {
	switch {
	case g.Access == Public:
		return nil
	case p.Token != nil && g.Scope == "":
		return apperr.New(apperr.TokenNotAccepted, "API tokens are not accepted here. Sign in.")
	case p.Token != nil && !apitoken.Allows(p.Token.Scopes, g.Scope):
		return apperr.New(apperr.ScopeRequired, "The API token requires the scope %s.", g.Scope).
			With("required_scope", g.Scope).With("granted_scopes", p.Token.Scopes)
	case p.Token == nil && g.Access != User && !slices.Contains(g.Roles, p.Role):
		return apperr.New(apperr.RoleNotAllowed, "Your role, %s, does not allow this.", p.Role).
			With("allowed_roles", g.Roles)
	}
	return nil
}

// CheckPath checks what applies to every method of a path: authentication, business, suspension and,
// with withFeature, the feature. Unsupported methods are checked too, before 405. Errors:
// Unauthorized, TenantRequired, TenantSuspended, FeatureNotInPlan.
func (g Gate) CheckPath(ctx context.Context, scope *tenancy.Scope, withFeature bool) error {
	if g.Access == Public {
		return nil
	}
	if scope.Principal == nil {
		return apperr.New(apperr.Unauthorized, `Sign in and send the token as "Authorization: Bearer <token>". The token is missing, unknown, expired or revoked.`)
	}
	if g.Access == Tenant {
		if scope.Tenant == nil {
			return apperr.New(apperr.TenantRequired,
				"This host belongs to no business. Use the host of a business, for example demo.localhost.")
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

// Table formats all gates, one operation or event type per line, for people and for the golden file.
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
