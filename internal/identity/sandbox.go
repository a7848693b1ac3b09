package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// SandboxStatus says which mode a request and its session are in.
type SandboxStatus struct {
	// Mode is that of the request, SessionMode that of the session's requests which
	// do not name one; true is the sandbox.
	Mode        bool
	SessionMode bool
	// Enabled is whether the tenant may use its sandbox.
	Enabled bool
	// LiveName and SandboxName are the names of the two environments, ActiveName that
	// of Mode.
	LiveName    string
	SandboxName string
	ActiveName  string
}

// Sandbox is the service for the second world of a tenant.
type Sandbox struct {
	store *store.Store
}

// NewSandbox works on the store.
func NewSandbox(store *store.Store) *Sandbox { return &Sandbox{store: store} }

// Status returns the mode of the request and of its session.
func (s *Sandbox) Status(scope *tenancy.Scope) (SandboxStatus, error) {
	principal, err := principalOf(scope)
	if err != nil {
		return SandboxStatus{}, err
	}
	if err := inTenant(scope); err != nil {
		return SandboxStatus{}, err
	}
	return statusOf(scope.Tenant, scope.SandboxMode(), principal.SessionSandbox), nil
}

func statusOf(tenant *tenancy.Tenant, mode, sessionMode bool) SandboxStatus {
	status := SandboxStatus{
		Mode: mode, SessionMode: sessionMode, Enabled: SandboxEnabled(tenant),
		LiveName: tenant.Live.Name, SandboxName: tenant.Sandbox.Name, ActiveName: tenant.Live.Name,
	}
	if mode {
		status.ActiveName = tenant.Sandbox.Name
	}
	return status
}

// SandboxEnabled reports whether a tenant may use its sandbox and has one.
func SandboxEnabled(tenant *tenancy.Tenant) bool {
	return tenant.SandboxEnabled && tenant.Sandbox.ID != uuid.Nil
}

// Toggle sets the mode of the session to want, or, if that is nil, to the other one
// . The status is that of the session's next request without X-Sandbox-Mode.
// Errors: SandboxDisabled; InvalidTransition for users of the sandbox who want to leave it.
func (s *Sandbox) Toggle(ctx context.Context, scope *tenancy.Scope, want *bool) (SandboxStatus, error) {
	principal, err := principalOf(scope)
	if err != nil {
		return SandboxStatus{}, err
	}
	if err := inTenant(scope); err != nil {
		return SandboxStatus{}, err
	}
	mode := !principal.SessionSandbox
	if want != nil {
		mode = *want
	}
	if mode && !SandboxEnabled(scope.Tenant) {
		return SandboxStatus{}, sandboxDisabled()
	}
	if !mode && principal.IsSandbox {
		return SandboxStatus{}, apperr.New(apperr.InvalidTransition, "Users of the sandbox cannot leave it.")
	}
	err = s.store.InControl(ctx, scope, func(tx pgx.Tx) error {
		rows, err := queries.SetSessionSandboxMode(ctx, tx, identitydb.SetSessionSandboxModeParams{
			ID: principal.SessionID, UserID: principal.UserID, SandboxMode: mode,
		})
		if err != nil {
			return fmt.Errorf("set mode of session: %w", err)
		}
		if rows == 0 {
			return apperr.New(apperr.Unauthorized, "Your session has just ended. Sign in again.")
		}
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "sandbox.toggled", Outcome: audit.Success, TargetType: "session", TargetID: principal.SessionID.String(),
			Detail: map[string]any{"sandbox_mode": mode},
		})
	})
	if err != nil {
		return SandboxStatus{}, err
	}
	return statusOf(scope.Tenant, mode, mode), nil
}

func sandboxDisabled() error {
	return apperr.New(apperr.SandboxDisabled, "The sandbox of this business is switched off.")
}

// Reset empties the sandbox of the tenant in one transaction, from whichever mode it
// is called: business rows, users but for the one who asks, and what the quotas
// counted. The live world is not touched. Errors: SandboxDisabled.
func (s *Sandbox) Reset(ctx context.Context, scope *tenancy.Scope) (SandboxStatus, error) {
	principal, err := principalOf(scope)
	if err != nil {
		return SandboxStatus{}, err
	}
	if err := inTenant(scope); err != nil {
		return SandboxStatus{}, err
	}
	if !SandboxEnabled(scope.Tenant) {
		return SandboxStatus{}, sandboxDisabled()
	}
	inside := *scope
	inside.Env, inside.Now, inside.Ahead = scope.Tenant.Sandbox, scope.RealNow(), 0 // the clock is reset too
	err = s.store.InSandbox(ctx, &inside, func(tx *store.Tx) error { return reset(ctx, tx, &inside) })
	if err != nil {
		return SandboxStatus{}, err
	}
	return statusOf(scope.Tenant, scope.SandboxMode(), principal.SessionSandbox), nil
}

func reset(ctx context.Context, tx *store.Tx, scope *tenancy.Scope) error {
	unlimited := withoutLimits(scope)
	// Whoever creates something raises its counter. With the counters held, what was
	// counted before is committed, and goes; what comes later waits, stays, and is
	// counted anew. Otherwise a counter and what it counts could part for ever.
	for _, quota := range entitle.Quotas() {
		if err := entitle.Reserve(ctx, tx, unlimited, quota, 0); err != nil {
			return err
		}
	}
	if err := queries.EmptyEnvironment(ctx, tx); err != nil {
		return fmt.Errorf("empty the sandbox: %w", err)
	}
	if err := queries.DeleteTestClock(ctx, tx, scope.Tenant.ID); err != nil {
		return fmt.Errorf("reset the clock of the sandbox: %w", err)
	}
	err := queries.DeleteSandboxUsers(ctx, tx, identitydb.DeleteSandboxUsersParams{
		TenantID: scope.Tenant.ID, ExceptID: scope.Principal.UserID,
	})
	if err != nil {
		return fmt.Errorf("delete users of the sandbox: %w", err)
	}
	if scope.Principal.IsSandbox && worksForTenant(scope.Principal.Role) {
		if err := entitle.Reserve(ctx, tx, unlimited, entitle.MaxUsers, 1); err != nil {
			return err
		}
	}
	tx.Emit("sandbox.reset", map[string]string{"environment": scope.Env.Name})
	return audit.Record(ctx, tx, scope, audit.Entry{
		Action: "sandbox.reset", Outcome: audit.Success, TargetType: "environment", TargetID: scope.Env.ID.String(),
	})
}

// withoutLimits returns entitlements that count in the scope's environment and never
// refuse: what exists already is counted even if the plan would not allow it any more.
func withoutLimits(scope *tenancy.Scope) *entitle.Set {
	set := *scope.Entitlements
	set.EnvID, set.Suspended, set.GraceUntil = scope.Env.ID, false, nil
	set.Overrides = slices.Clone(set.Overrides)
	for _, quota := range entitle.Quotas() {
		set.Overrides = append(set.Overrides, entitle.Override{Name: string(quota), Value: json.RawMessage("null")})
	}
	return &set
}
