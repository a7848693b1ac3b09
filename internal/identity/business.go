package identity

import (
	"context"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Business is a tenant as its owner sets it up: how it presents itself, and its
// policies. Both modes share it. Its JSON form is the data of the event
// business.updated.
type Business struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
	// Timezone is an IANA name, Currency an ISO 4217 code.
	Timezone string `json:"timezone"`
	Currency string `json:"currency"`
	// PrimaryColor and SecondaryColor are #RRGGBB, in capitals.
	PrimaryColor   string `json:"primary_color"`
	SecondaryColor string `json:"secondary_color"`
	// LogoURL is an https URL, or nil.
	LogoURL      *string `json:"logo_url"`
	ContactEmail string  `json:"contact_email"`
	ContactPhone string  `json:"contact_phone"`
	Address      string  `json:"address"`
	Policies
	// WhiteLabelEnabled hides the platform's branding. It is false while the plan does not
	// include that, whatever was chosen.
	WhiteLabelEnabled bool      `json:"white_label_enabled"`
	CreatedAt         time.Time `json:"created_at"`
	UpdatedAt         time.Time `json:"updated_at"`
	Version           int32     `json:"version"`
}

// Policies say who may change appointments, and what it costs; scheduling enforces them.
type Policies struct {
	// CancellationWindowHours before the start, cancelling becomes late, which costs
	// LateCancellationFeePercent of the price.
	CancellationWindowHours    int32 `json:"cancellation_window_hours"`
	LateCancellationFeePercent int32 `json:"late_cancellation_fee_percent"`
	// ResourcesCanReschedule lets staff move the appointments they are a resource of.
	ResourcesCanReschedule bool `json:"resources_can_reschedule"`
	CustomersCanCancel     bool `json:"customers_can_cancel"`
	CustomersCanReschedule bool `json:"customers_can_reschedule"`
	// WaitlistOfferMinutes is how long a place is kept for somebody on the waitlist.
	WaitlistOfferMinutes int32 `json:"waitlist_offer_minutes"`
	// MaxHoldsPerCustomer is how many holds a customer, or an address from which nobody has
	// signed in, may have at a time.
	MaxHoldsPerCustomer int32 `json:"max_holds_per_customer"`
	// MaxBookingsPerEmail and MaxBookingsPerAddress are how many appointments to come the public
	// may have booked for an e-mail address, and from an address of the network.
	MaxBookingsPerEmail   int32 `json:"max_bookings_per_email"`
	MaxBookingsPerAddress int32 `json:"max_bookings_per_address"`
}

// BusinessPatch changes the fields that are not nil.
type BusinessPatch struct {
	Name, Timezone, Currency            *string
	PrimaryColor, SecondaryColor        *string
	LogoURLGiven                        bool // LogoURL counts, nil included
	LogoURL                             *string
	ContactEmail, ContactPhone, Address *string
	CancellationWindowHours             *int32
	LateCancellationFeePercent          *int32
	ResourcesCanReschedule              *bool
	CustomersCanCancel                  *bool
	CustomersCanReschedule              *bool
	WaitlistOfferMinutes                *int32
	MaxHoldsPerCustomer                 *int32
	MaxBookingsPerEmail                 *int32
	MaxBookingsPerAddress               *int32
	WhiteLabelEnabled                   *bool
}

// Businesses is the service for the settings of a business.
type Businesses struct {
	store *store.Store
}

// NewBusinesses keeps settings in the store.
func NewBusinesses(store *store.Store) *Businesses { return &Businesses{store: store} }

// Get returns the settings of the scope's business. Errors: TenantRequired.
func (s *Businesses) Get(ctx context.Context, scope *tenancy.Scope) (Business, error) {
	if err := inTenant(scope); err != nil {
		return Business{}, err
	}
	row, err := queries.GetBusiness(ctx, s.store.Control(), scope.Tenant.ID)
	if err != nil {
		return Business{}, fmt.Errorf("get business: %w", err)
	}
	return newBusiness(row).asEntitled(scope), nil
}

// asEntitled is the business as it presents itself under its present plan.
func (b Business) asEntitled(scope *tenancy.Scope) Business {
	b.WhiteLabelEnabled = b.WhiteLabelEnabled && scope.Entitlements.Has(entitle.WhiteLabel)
	return b
}

// Card is Get for the public. Further error: TenantSuspended.
func (s *Businesses) Card(ctx context.Context, scope *tenancy.Scope) (Business, error) {
	if scope.Tenant != nil && scope.Tenant.Suspended() {
		return Business{}, apperr.New(apperr.TenantSuspended, "This business takes no bookings at present.")
	}
	return s.Get(ctx, scope)
}

// Update changes the settings, in whatever mode the request is; with a version, only if
// they are at that version. The change is in the audit trail and, because it is one for
// both modes, in the feed of the live environment. Requests that have begun go on with
// the settings they found.
//
// Errors: TenantRequired, VersionMismatch, ValidationFailed, RoleNotAllowed for users of
// the sandbox, who must not change what the live business shares, FeatureNotInPlan for
// white label, InUse for another currency while services have prices.
func (s *Businesses) Update(ctx context.Context, scope *tenancy.Scope, version *int32, patch BusinessPatch) (Business, error) {
	if err := inTenant(scope); err != nil {
		return Business{}, err
	}
	if scope.Principal != nil && scope.Principal.IsSandbox {
		return Business{}, apperr.New(apperr.RoleNotAllowed, "Users of the sandbox cannot change settings, which the live business shares.")
	}
	if err := patch.validate(); err != nil {
		return Business{}, err
	}
	if patch.WhiteLabelEnabled != nil && *patch.WhiteLabelEnabled {
		if err := scope.Entitlements.Require(ctx, entitle.WhiteLabel); err != nil {
			return Business{}, err
		}
	}
	var updated Business
	err := s.store.InEnv(ctx, scope.InLive(), func(tx *store.Tx) error {
		row, err := queries.GetBusinessForUpdate(ctx, tx, scope.Tenant.ID)
		if err != nil {
			return fmt.Errorf("lock business: %w", err)
		}
		current := newBusiness(identitydb.GetBusinessRow(row))
		if err := etag.Check(version, current.Version, "business"); err != nil {
			return err
		}
		var noted changes
		updated, noted = patch.apply(current)
		updated.Version, updated.UpdatedAt = current.Version+1, scope.RealNow()
		if err := queries.UpdateBusiness(ctx, tx, updated.params(scope.RealNow())); err != nil {
			return refused(fmt.Errorf("update business: %w", err))
		}
		updated = updated.asEntitled(scope)
		tx.Emit("business.updated", updated)
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "business.updated", Outcome: audit.Success, TargetType: "business", TargetID: updated.ID.String(),
			Detail: noted,
		})
	})
	if err != nil {
		return Business{}, err
	}
	return updated, nil
}

// validate checks what the contract cannot.
func (p *BusinessPatch) validate() error {
	var wrong []apperr.Field
	if p.LogoURL != nil && !isHTTPS(*p.LogoURL) {
		wrong = append(wrong, apperr.Field{Pointer: "/logo_url", Detail: "must be an https URL."})
	}
	if p.ContactEmail != nil && *p.ContactEmail != "" {
		if parsed, err := mail.ParseAddress(*p.ContactEmail); err != nil || parsed.Address != *p.ContactEmail {
			wrong = append(wrong, apperr.Field{Pointer: "/contact_email", Detail: "must be an e-mail address."})
		}
	}
	if len(wrong) > 0 {
		return apperr.New(apperr.ValidationFailed, "The settings cannot be like this.").WithFields(wrong...)
	}
	return nil
}

// isHTTPS is whether a page can show what is there: no other scheme, no user, a host.
func isHTTPS(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil
}

// settingChange is what the audit trail says about one setting.
type settingChange struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// changes are the settings that differ, by their JSON names.
type changes map[string]any

func change[T comparable](noted changes, name string, field, value *T) {
	if value != nil && *value != *field {
		noted[name] = settingChange{*field, *value}
		*field = *value
	}
}

// apply returns the settings as changed, and what differs.
func (p *BusinessPatch) apply(b Business) (Business, changes) {
	noted := changes{}
	change(noted, "name", &b.Name, p.Name)
	change(noted, "timezone", &b.Timezone, p.Timezone)
	change(noted, "currency", &b.Currency, p.Currency)
	change(noted, "primary_color", &b.PrimaryColor, upper(p.PrimaryColor))
	change(noted, "secondary_color", &b.SecondaryColor, upper(p.SecondaryColor))
	if p.LogoURLGiven {
		noted["logo_url"] = settingChange{b.LogoURL, p.LogoURL}
		b.LogoURL = p.LogoURL
	}
	change(noted, "contact_email", &b.ContactEmail, p.ContactEmail)
	change(noted, "contact_phone", &b.ContactPhone, p.ContactPhone)
	change(noted, "address", &b.Address, p.Address)
	change(noted, "cancellation_window_hours", &b.CancellationWindowHours, p.CancellationWindowHours)
	change(noted, "late_cancellation_fee_percent", &b.LateCancellationFeePercent, p.LateCancellationFeePercent)
	change(noted, "resources_can_reschedule", &b.ResourcesCanReschedule, p.ResourcesCanReschedule)
	change(noted, "customers_can_cancel", &b.CustomersCanCancel, p.CustomersCanCancel)
	change(noted, "customers_can_reschedule", &b.CustomersCanReschedule, p.CustomersCanReschedule)
	change(noted, "waitlist_offer_minutes", &b.WaitlistOfferMinutes, p.WaitlistOfferMinutes)
	change(noted, "max_holds_per_customer", &b.MaxHoldsPerCustomer, p.MaxHoldsPerCustomer)
	change(noted, "max_bookings_per_email", &b.MaxBookingsPerEmail, p.MaxBookingsPerEmail)
	change(noted, "max_bookings_per_address", &b.MaxBookingsPerAddress, p.MaxBookingsPerAddress)
	change(noted, "white_label_enabled", &b.WhiteLabelEnabled, p.WhiteLabelEnabled)
	return b, noted
}

func upper(text *string) *string {
	if text == nil {
		return nil
	}
	capitals := strings.ToUpper(*text)
	return &capitals
}

// params are all columns that can be changed.
func (b Business) params(now time.Time) identitydb.UpdateBusinessParams {
	return identitydb.UpdateBusinessParams{
		ID: b.ID, Name: b.Name, Timezone: b.Timezone, Currency: b.Currency, PrimaryColor: b.PrimaryColor,
		SecondaryColor: b.SecondaryColor, LogoUrl: b.LogoURL, ContactEmail: b.ContactEmail, ContactPhone: b.ContactPhone,
		Address: b.Address, CancellationWindowHours: b.CancellationWindowHours,
		LateCancellationFeePercent: b.LateCancellationFeePercent, ResourcesCanReschedule: b.ResourcesCanReschedule,
		CustomersCanCancel: b.CustomersCanCancel, CustomersCanReschedule: b.CustomersCanReschedule,
		WaitlistOfferMinutes: b.WaitlistOfferMinutes, MaxHoldsPerCustomer: b.MaxHoldsPerCustomer,
		MaxBookingsPerEmail: b.MaxBookingsPerEmail, MaxBookingsPerAddress: b.MaxBookingsPerAddress, WhiteLabelEnabled: b.WhiteLabelEnabled, Version: b.Version, Now: now,
	}
}

func newBusiness(row identitydb.GetBusinessRow) Business {
	return Business{
		ID: row.ID, Name: row.Name, Timezone: row.Timezone, Currency: row.Currency, PrimaryColor: row.PrimaryColor,
		SecondaryColor: row.SecondaryColor, LogoURL: row.LogoUrl, ContactEmail: row.ContactEmail, ContactPhone: row.ContactPhone,
		Address: row.Address, Policies: Policies{
			CancellationWindowHours: row.CancellationWindowHours, LateCancellationFeePercent: row.LateCancellationFeePercent,
			ResourcesCanReschedule: row.ResourcesCanReschedule, CustomersCanCancel: row.CustomersCanCancel,
			CustomersCanReschedule: row.CustomersCanReschedule, WaitlistOfferMinutes: row.WaitlistOfferMinutes,
			MaxHoldsPerCustomer: row.MaxHoldsPerCustomer, MaxBookingsPerEmail: row.MaxBookingsPerEmail,
			MaxBookingsPerAddress: row.MaxBookingsPerAddress,
		},
		WhiteLabelEnabled: row.WhiteLabelEnabled, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(), Version: row.Version,
	}
}
