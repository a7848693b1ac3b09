package identity

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/currency"
	"github.com/smoothschedule/smoothschedule/internal/names"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// CreateTenantInput is what a new tenant is made of.
type CreateTenantInput struct {
	// ID is made if it is zero.
	ID   uuid.UUID
	Name string
	// Subdomain is the label of the tenant's host; with - as _ it names the live environment.
	Subdomain string
	// PlanCode is that of a plan with a published version, which the tenant is pinned to.
	PlanCode string
	// Timezone is an IANA name, Currency an ISO 4217 code.
	Timezone string
	Currency string
	// CustomDomains are served at once: the caller knows that they are the tenant's.
	CustomDomains []string
	Now           time.Time
}

// reservedSubdomains are labels of hosts that are, or may become, the platform's own.
var reservedSubdomains = []string{
	tenancy.PlatformLabel, "www", "api", "admin", "app", "auth", "login", "account", "billing", "mail", "smtp", "docs", "help",
	"support", "status", "blog", "static", "assets", "cdn", "webhooks", "localhost", "autoconfig", "autodiscover",
}

const sandboxSuffix = "_sandbox"

var (
	// The name of the sandbox environment has to fit in 63 characters too.
	subdomainForm = regexp.MustCompile(`^[a-z](?:[a-z0-9-]{0,53}[a-z0-9])?$`)
	domainForm    = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
)

// CreateTenant adds a tenant with its two environments, their
// event feeds and its hosts. Errors: ValidationFailed with every field that is wrong,
// AlreadyExists.
func CreateTenant(ctx context.Context, store *store.Store, in CreateTenantInput) (*tenancy.Tenant, error) {
	var tenant *tenancy.Tenant
	err := store.InPlatform(ctx, nil, func(tx pgx.Tx) (err error) {
		tenant, err = InsertTenant(ctx, tx, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return tenant, nil
}

// InsertTenant is CreateTenant inside a transaction of Store.InPlatform, for callers
// with more to do in it.
func InsertTenant(ctx context.Context, tx pgx.Tx, in CreateTenantInput) (*tenancy.Tenant, error) {
	tenant, err := in.tenant()
	if err != nil {
		return nil, err
	}
	plan, err := queries.GetPublishedPlanVersion(ctx, tx, in.PlanCode)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, apperr.NewInvalid("/plan", "There is no plan with the code %q.", in.PlanCode)
	}
	if err != nil {
		return nil, fmt.Errorf("get published plan version: %w", err)
	}
	err = queries.InsertTenant(ctx, tx, identitydb.InsertTenantParams{
		ID: tenant.ID, Name: tenant.Name, PlanVersionID: plan, Timezone: tenant.Timezone, Currency: tenant.Currency, Now: in.Now,
	})
	if err != nil {
		return nil, refused(fmt.Errorf("insert tenant: %w", err))
	}
	for _, env := range []tenancy.Environment{tenant.Live, tenant.Sandbox} {
		made, err := insertEnvironment(ctx, tx, env)
		if err != nil {
			return nil, err
		}
		if !made {
			return nil, taken("/subdomain", "This subdomain is taken.")
		}
	}
	return tenant, insertDomains(ctx, tx, tenant.ID, in)
}

// tenant validates the input and names everything that does not exist yet.
func (in CreateTenantInput) tenant() (*tenancy.Tenant, error) {
	location, err := in.validate()
	if err != nil {
		return nil, err
	}
	var ids [3]uuid.UUID
	for i := range ids {
		if ids[i], err = uuid.NewV7(); err != nil {
			return nil, fmt.Errorf("make tenant ids: %w", err)
		}
	}
	if in.ID != uuid.Nil {
		ids[0] = in.ID
	}
	name := environmentName(in.Subdomain)
	return &tenancy.Tenant{
		ID: ids[0], Name: names.Clean(in.Name), Status: tenancy.StatusActive, Timezone: in.Timezone, Location: location,
		Currency: in.Currency, SandboxEnabled: true,
		Live:    tenancy.Environment{ID: ids[1], TenantID: ids[0], Name: name},
		Sandbox: tenancy.Environment{ID: ids[2], TenantID: ids[0], Name: name + sandboxSuffix, IsSandbox: true},
	}, nil
}

func (in CreateTenantInput) validate() (*time.Location, error) {
	var wrong []apperr.Field
	if names.Check(in.Name) != nil {
		wrong = append(wrong, apperr.Field{Pointer: "/name", Detail: names.Rule})
	}
	if detail := checkSubdomain(in.Subdomain); detail != "" {
		wrong = append(wrong, apperr.Field{Pointer: "/subdomain", Detail: detail})
	}
	location, err := tzdata.Load(in.Timezone)
	if err != nil {
		wrong = append(wrong, apperr.Field{Pointer: "/timezone", Detail: tzdata.Rule})
	}
	if currency.Check(in.Currency) != nil {
		wrong = append(wrong, apperr.Field{Pointer: "/currency", Detail: currency.Rule})
	}
	for _, domain := range in.CustomDomains {
		if !domainForm.MatchString(domain) || len(domain) > 253 {
			wrong = append(wrong, apperr.Field{Pointer: "/custom_domains", Detail: "must be names of hosts in lower case, such as book.salon.example."})
		}
	}
	if len(wrong) > 0 {
		return nil, apperr.New(apperr.ValidationFailed, "The business cannot be created like this.").WithFields(wrong...)
	}
	return location, nil
}

// environmentName is the name of the live environment of a tenant with the subdomain.
func environmentName(subdomain string) string { return strings.ReplaceAll(subdomain, "-", "_") }

// checkSubdomain says what is wrong with a subdomain, or nothing.
func checkSubdomain(subdomain string) string {
	switch {
	case !subdomainForm.MatchString(subdomain):
		return "must begin with a letter, go on with letters, digits and hyphens in lower case, not end with a hyphen, and have 55 characters at the most."
	case slices.Contains(reservedSubdomains, subdomain):
		return "is reserved."
	case strings.HasSuffix(subdomain, strings.ReplaceAll(sandboxSuffix, "_", "-")):
		return "must not end with -sandbox, which is how sandboxes are named."
	}
	return ""
}

// insertEnvironment reports whether the environment, or another one with its name, was
// not there yet.
func insertEnvironment(ctx context.Context, tx pgx.Tx, env tenancy.Environment) (bool, error) {
	rows, err := queries.InsertEnvironment(ctx, tx, identitydb.InsertEnvironmentParams{
		ID: env.ID, TenantID: env.TenantID, Name: env.Name, IsSandbox: env.IsSandbox,
	})
	if err != nil {
		return false, fmt.Errorf("insert environment %s: %w", env.Name, err)
	}
	if rows == 0 {
		return false, nil
	}
	if err := queries.InsertEventSequence(ctx, tx, env.ID); err != nil {
		return false, fmt.Errorf("start event feed of %s: %w", env.Name, err)
	}
	return true, nil
}

func insertDomains(ctx context.Context, tx pgx.Tx, tenantID uuid.UUID, in CreateTenantInput) error {
	for i, name := range append([]string{in.Subdomain}, in.CustomDomains...) {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make domain id: %w", err)
		}
		params := identitydb.InsertDomainParams{ID: id, TenantID: tenantID, Kind: "CUSTOM", Name: name, VerifiedAt: &in.Now}
		if i == 0 {
			params.Kind, params.IsPrimary = "SUBDOMAIN", true
		}
		if err := queries.DeleteReservation(ctx, tx, identitydb.DeleteReservationParams{Name: name, Now: in.Now}); err != nil {
			return fmt.Errorf("free domain %s: %w", name, err)
		}
		if err := queries.InsertDomain(ctx, tx, params); err != nil {
			if refusal := refused(err); errors.Is(refusal, apperr.New(apperr.AlreadyExists, "")) {
				return taken("/domain", "One of the domains is taken.").WithCause(err)
			}
			return fmt.Errorf("insert domain %s: %w", name, err)
		}
	}
	return nil
}

// FindTenant returns the id of the tenant that a domain, or a subdomain, belongs to,
// verified or not. Errors: NotFound.
func FindTenant(ctx context.Context, store *store.Store, domain string) (uuid.UUID, error) {
	id, err := queries.GetTenantIDByDomain(ctx, store.Control(), domain)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, apperr.New(apperr.NotFound, "No business has the domain %q.", domain)
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("get tenant by domain: %w", err)
	}
	return id, nil
}

// CreateMissingSandboxes makes the sandbox environments that tenants lack, and returns
// the names of those it made. Two calls at the same time share the work.
func CreateMissingSandboxes(ctx context.Context, store *store.Store) ([]string, error) {
	var created []string
	err := store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		tenants, err := queries.ListTenantsWithoutSandbox(ctx, tx)
		if err != nil {
			return fmt.Errorf("list tenants without sandbox: %w", err)
		}
		for _, tenant := range tenants {
			id, err := uuid.NewV7()
			if err != nil {
				return fmt.Errorf("make environment id: %w", err)
			}
			env := tenancy.Environment{ID: id, TenantID: tenant.TenantID, Name: tenant.Name + sandboxSuffix, IsSandbox: true}
			made, err := insertEnvironment(ctx, tx, env)
			if err != nil {
				return err
			}
			if made {
				created = append(created, env.Name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return created, nil
}
