package identity

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

const (
	// MaxCustomDomains is how many names of its own a business may claim.
	MaxCustomDomains = 20
	// SubdomainReserved is for how long nobody else gets a subdomain that was given up.
	SubdomainReserved = 90 * 24 * time.Hour
	// MaxReserved is how many subdomains are kept for a business that it has given up: who
	// moves on and on would take them from everybody else.
	MaxReserved = 5
	// dnsTimeout bounds one look at the DNS.
	dnsTimeout = 5 * time.Second

	customDomain  = "CUSTOM"
	recordLabel   = "_smoothschedule."
	recordContent = "smoothschedule-verification="
)

// Domain is a host of a business.
type Domain struct {
	ID uuid.UUID
	// Name is the label before a base of the installation, or a whole name.
	Name      string
	IsCustom  bool
	IsPrimary bool
	// VerifiedAt is since when requests are served; nil while they are not.
	VerifiedAt *time.Time
	// CheckedAt is when the record of a custom domain was looked for last, and MissingSince since
	// when it has been missing; nil while it is there.
	CheckedAt    *time.Time
	MissingSince *time.Time
	// SuspendedAt is when the domain was taken out of service because the record was missing for long.
	SuspendedAt *time.Time
	// ReservedUntil is set for a subdomain that was given up.
	ReservedUntil *time.Time
	// RecordName and RecordValue are the TXT record that proves a custom domain.
	RecordName  string
	RecordValue string
	CreatedAt   time.Time
}

// TXTResolver looks up the TXT records of a name, as net.Resolver does.
type TXTResolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// NewTXTResolver asks the DNS server at the address (host:port), or, without one, those
// of the machine.
func NewTXTResolver(server string) TXTResolver {
	if server == "" {
		return net.DefaultResolver
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, server)
	}}
}

// Domains is the service for the hosts of a business. Both of its modes share them.
type Domains struct {
	store *store.Store
	dns   TXTResolver
	bases []string
}

// NewDomains keeps domains in the store and has the DNS prove them; bases are the host
// names of the installation, which nobody can claim.
func NewDomains(store *store.Store, dns TXTResolver, bases []string) *Domains {
	return &Domains{store: store, dns: dns, bases: bases}
}

func newDomain(row identitydb.Domain) Domain {
	domain := Domain{
		ID: row.ID, Name: row.Name, IsCustom: row.Kind == customDomain, IsPrimary: row.IsPrimary, VerifiedAt: inUTC(row.VerifiedAt),
		ReservedUntil: inUTC(row.ReservedUntil), CreatedAt: row.CreatedAt.UTC(),
		CheckedAt: inUTC(row.CheckedAt), MissingSince: inUTC(row.MissingSince), SuspendedAt: inUTC(row.SuspendedAt),
	}
	if domain.IsCustom && row.VerificationToken != "" {
		domain.RecordName, domain.RecordValue = recordLabel+row.Name, recordContent+row.VerificationToken
	}
	return domain
}

// List returns the domains of the business, the newest first, with subdomains that it
// gave up not long ago. Errors: InvalidCursor.
func (s *Domains) List(ctx context.Context, scope *tenancy.Scope, page keyset.Page) (keyset.List[Domain], error) {
	if err := inTenant(scope); err != nil {
		return keyset.List[Domain]{}, err
	}
	after, err := decode(page, scope.Tenant.ID)
	if err != nil {
		return keyset.List[Domain]{}, err
	}
	rows, err := queries.ListDomains(ctx, s.store.Control(), identitydb.ListDomainsParams{
		TenantID: scope.Tenant.ID, Now: scope.RealNow(), BeforeCreatedAt: after.CreatedAt, BeforeID: after.ID, RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[Domain]{}, fmt.Errorf("list domains: %w", err)
	}
	return keyset.NewList(page, rows, scope.Tenant.ID, newDomain, func(d Domain) position { return position{d.CreatedAt, d.ID} }), nil
}

// Get returns a domain of the business. Errors: NotFound.
func (s *Domains) Get(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (Domain, error) {
	if err := inTenant(scope); err != nil {
		return Domain{}, err
	}
	row, err := queries.GetDomain(ctx, s.store.Control(), identitydb.GetDomainParams{ID: id, TenantID: scope.Tenant.ID})
	if err != nil {
		return Domain{}, domainError("get", err)
	}
	return newDomain(row), nil
}

// Create claims a name of the business's own. It is served once it is verified; a claim
// keeps nobody else from the name. Errors: ValidationFailed, AlreadyExists,
// RoleNotAllowed for users of the sandbox.
func (s *Domains) Create(ctx context.Context, scope *tenancy.Scope, name string) (Domain, error) {
	name, err := normalizeDomain(name, s.bases)
	if err != nil {
		return Domain{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Domain{}, fmt.Errorf("make domain id: %w", err)
	}
	var row identitydb.Domain
	err = s.change(ctx, scope, "domain.created", func(tx pgx.Tx) (identitydb.Domain, error) {
		n, err := queries.CountCustomDomains(ctx, tx, scope.Tenant.ID)
		if err != nil {
			return row, fmt.Errorf("count domains: %w", err)
		}
		if n >= MaxCustomDomains {
			return row, apperr.NewInvalid("/name", "A business can have %d names of its own. Delete one that is not used.", MaxCustomDomains)
		}
		row, err = queries.InsertCustomDomain(ctx, tx, identitydb.InsertCustomDomainParams{
			ID: id, TenantID: scope.Tenant.ID, Name: name, VerificationToken: hex.EncodeToString(randomBytes(16)), Now: scope.RealNow(),
		})
		if err != nil {
			return row, domainError("insert", err)
		}
		return row, nil
	})
	return newDomain(row), err
}

// Verify looks for the TXT record of a custom domain, and serves the domain if it is
// there. What is verified already stays so. The DNS is asked before the transaction.
// Errors: NotFound, InvalidTransition for a subdomain, DomainNotVerified, AlreadyExists if
// another business has proved the name, ServiceUnavailable if the DNS does not answer.
func (s *Domains) Verify(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (Domain, error) {
	domain, err := s.Get(ctx, scope, id)
	if err != nil || domain.VerifiedAt != nil {
		return domain, err
	}
	if !domain.IsCustom {
		return Domain{}, apperr.New(apperr.InvalidTransition, "Only a name of your own can be verified.")
	}
	if err := s.prove(ctx, domain); err != nil {
		return Domain{}, err
	}
	var row identitydb.Domain
	err = s.change(ctx, scope, "domain.verified", func(tx pgx.Tx) (identitydb.Domain, error) {
		row, err = queries.SetDomainVerified(ctx, tx, identitydb.SetDomainVerifiedParams{ID: id, TenantID: scope.Tenant.ID, Now: scope.RealNow()})
		if err != nil {
			return row, domainError("verify", err)
		}
		return row, nil
	})
	return newDomain(row), err
}

// prove asks the DNS. The dot at the end keeps resolvers from trying other names.
func (s *Domains) prove(ctx context.Context, domain Domain) error {
	ctx, cancel := context.WithTimeout(ctx, dnsTimeout)
	defer cancel()
	records, err := s.dns.LookupTXT(ctx, domain.RecordName+".")
	var failure *net.DNSError
	if err != nil && (!errors.As(err, &failure) || !failure.IsNotFound) {
		return apperr.New(apperr.ServiceUnavailable, "The DNS does not answer for this domain at the moment. Try again.").WithCause(err)
	}
	if slices.Contains(records, domain.RecordValue) {
		return nil
	}
	return apperr.New(apperr.DomainNotVerified, "The TXT record is not there. New records can take a while to be seen.").
		With("record_name", domain.RecordName).With("record_value", domain.RecordValue)
}

// MakePrimary makes a domain that is served the one that the business shows. Errors:
// NotFound, InvalidTransition for one that is not served.
func (s *Domains) MakePrimary(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (Domain, error) {
	var row identitydb.Domain
	err := s.change(ctx, scope, "domain.made_primary", func(tx pgx.Tx) (identitydb.Domain, error) {
		var err error
		if row, err = queries.GetDomain(ctx, tx, identitydb.GetDomainParams{ID: id, TenantID: scope.Tenant.ID}); err != nil {
			return row, domainError("get", err)
		}
		if row.VerifiedAt == nil {
			return row, apperr.New(apperr.InvalidTransition, "The domain is not served, so it cannot be the primary one.")
		}
		row, err = setPrimary(ctx, tx, scope.Tenant.ID, id)
		return row, err
	})
	return newDomain(row), err
}

func setPrimary(ctx context.Context, tx pgx.Tx, tenantID, id uuid.UUID) (identitydb.Domain, error) {
	if err := queries.ClearPrimaryDomain(ctx, tx, tenantID); err != nil {
		return identitydb.Domain{}, fmt.Errorf("clear primary domain: %w", err)
	}
	row, err := queries.SetPrimaryDomain(ctx, tx, identitydb.SetPrimaryDomainParams{ID: id, TenantID: tenantID})
	if err != nil {
		return row, domainError("set primary", err)
	}
	return row, nil
}

// Delete gives a custom domain up; if it was the primary one, the subdomain is again.
// Errors: NotFound, InUse for the subdomain, which can only be changed.
func (s *Domains) Delete(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) error {
	return s.change(ctx, scope, "domain.deleted", func(tx pgx.Tx) (identitydb.Domain, error) {
		row, err := queries.GetDomain(ctx, tx, identitydb.GetDomainParams{ID: id, TenantID: scope.Tenant.ID})
		if err != nil {
			return row, domainError("get", err)
		}
		if row.Kind != customDomain {
			return row, apperr.New(apperr.InUse, "A business keeps its subdomain. Change it instead.")
		}
		if _, err := queries.DeleteCustomDomain(ctx, tx, identitydb.DeleteCustomDomainParams{ID: id, TenantID: scope.Tenant.ID}); err != nil {
			return row, fmt.Errorf("delete domain: %w", err)
		}
		if !row.IsPrimary {
			return row, nil
		}
		subdomain, err := queries.GetSubdomain(ctx, tx, scope.Tenant.ID)
		if err != nil {
			return row, fmt.Errorf("get subdomain: %w", err)
		}
		_, err = setPrimary(ctx, tx, scope.Tenant.ID, subdomain.ID)
		return row, err
	})
}

// ChangeSubdomain moves the business to another subdomain at once. Nobody else gets the
// old one for 90 days, and its host tells where the business is. The names of the
// environments stay. Errors: ValidationFailed, also for one change too many, AlreadyExists.
func (s *Domains) ChangeSubdomain(ctx context.Context, scope *tenancy.Scope, name string) (Domain, error) {
	if detail := checkSubdomain(name); detail != "" {
		return Domain{}, apperr.NewInvalid("/subdomain", "The subdomain %s", detail)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Domain{}, fmt.Errorf("make domain id: %w", err)
	}
	var row identitydb.Domain
	err = s.change(ctx, scope, "domain.subdomain_changed", func(tx pgx.Tx) (identitydb.Domain, error) {
		row, err = queries.GetSubdomain(ctx, tx, scope.Tenant.ID)
		if err != nil {
			return row, fmt.Errorf("get subdomain: %w", err)
		}
		if row.Name == name {
			return row, nil
		}
		row, err = moveSubdomain(ctx, tx, scope, row, id, name)
		return row, err
	})
	return newDomain(row), err
}

func moveSubdomain(
	ctx context.Context, tx pgx.Tx, scope *tenancy.Scope, old identitydb.Domain, id uuid.UUID, name string,
) (identitydb.Domain, error) {
	environment := environmentName(name)
	isTaken, err := queries.SubdomainIsTaken(ctx, tx, identitydb.SubdomainIsTakenParams{
		Subdomain: name, EnvironmentNames: []string{environment, environment + sandboxSuffix}, ExceptTenantID: &scope.Tenant.ID, Now: scope.RealNow(),
	})
	if err != nil {
		return old, fmt.Errorf("look for a subdomain: %w", err)
	}
	if isTaken {
		return old, taken("/subdomain", "This subdomain is taken.")
	}
	reserved, err := queries.CountReservations(ctx, tx, identitydb.CountReservationsParams{
		TenantID: scope.Tenant.ID, Now: scope.RealNow(), ExceptName: name,
	})
	if err != nil {
		return old, fmt.Errorf("count reserved subdomains: %w", err)
	}
	if reserved >= MaxReserved {
		return old, apperr.NewInvalid("/subdomain", "A business can give up %d subdomains in 90 days. Go back to one of them, or wait.", MaxReserved)
	}
	err = queries.DeleteReservation(ctx, tx, identitydb.DeleteReservationParams{Name: name, Now: scope.RealNow(), TenantID: &scope.Tenant.ID})
	if err != nil {
		return old, fmt.Errorf("free a subdomain: %w", err)
	}
	now := scope.RealNow()
	err = queries.ReserveDomain(ctx, tx, identitydb.ReserveDomainParams{
		ID: old.ID, TenantID: scope.Tenant.ID, ReservedUntil: now.Add(SubdomainReserved),
	})
	if err != nil {
		return old, fmt.Errorf("reserve the old subdomain: %w", err)
	}
	err = queries.InsertDomain(ctx, tx, identitydb.InsertDomainParams{
		ID: id, TenantID: scope.Tenant.ID, Kind: "SUBDOMAIN", Name: name, IsPrimary: old.IsPrimary, VerifiedAt: &now,
	})
	if err != nil {
		refusal := refused(err)
		if errors.Is(refusal, apperr.New(apperr.AlreadyExists, "")) {
			return old, taken("/subdomain", "This subdomain is taken.").WithCause(err)
		}
		return old, fmt.Errorf("insert subdomain: %w", err)
	}
	return queries.GetDomain(ctx, tx, identitydb.GetDomainParams{ID: id, TenantID: scope.Tenant.ID})
}

// change runs fn while no other change of the tenant's domains runs, and records what
// came of it in the trail of what both modes share.
func (s *Domains) change(
	ctx context.Context, scope *tenancy.Scope, action string, fn func(tx pgx.Tx) (identitydb.Domain, error),
) error {
	if err := inTenant(scope); err != nil {
		return err
	}
	if scope.Principal != nil && scope.Principal.IsSandbox {
		return apperr.New(apperr.RoleNotAllowed, "Users of the sandbox cannot change settings, which the live business shares.")
	}
	shared := *scope
	shared.Env = tenancy.Environment{}
	return s.store.InPlatform(ctx, scope, func(tx pgx.Tx) error {
		if err := queries.LockTenantForDomains(ctx, tx, scope.Tenant.ID); err != nil {
			return fmt.Errorf("lock tenant: %w", err)
		}
		row, err := fn(tx)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, &shared, audit.Entry{
			Action: action, Outcome: audit.Success, TargetType: "domain", TargetID: row.ID.String(), Detail: map[string]any{"name": row.Name},
		})
	})
}

func domainError(doing string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.NewNotFound("domain")
	}
	return refused(fmt.Errorf("%s domain: %w", doing, err))
}

// hasSuffixLabel reports whether a name is the suffix, or below it.
func hasSuffixLabel(name, suffix string) bool {
	return name == suffix || strings.HasSuffix(name, "."+suffix)
}
