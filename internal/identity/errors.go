package identity

import (
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/names"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// refusals are the constraints that a write can run into although its input fits the
// contract, and what to say then.
var refusals = map[string]func() *apperr.Error{
	"users_email":          func() *apperr.Error { return taken("/email", "There is already a user with this e-mail address.") },
	"users_username":       func() *apperr.Error { return taken("/username", "There is already a user with this user name.") },
	"users_email_check":    invalidEmail,
	"users_username_check": func() *apperr.Error { return apperr.NewInvalid("/username", "%s", names.Rule) },
	"users_name_check":     func() *apperr.Error { return apperr.NewInvalid("/name", "%s", names.Rule) },
	"tenants_pkey":         func() *apperr.Error { return taken("/id", "There is already a business with this id.") },
	"tenants_name_check":   func() *apperr.Error { return apperr.NewInvalid("/name", "%s", names.Rule) },
	"tenants_currency_of_services": func() *apperr.Error {
		const detail = "Services have prices in the currency that the business has now. Set their prices to 0 in both modes, and change it then."
		return apperr.New(apperr.InUse, detail).WithFields(apperr.Field{Pointer: "/currency", Detail: detail})
	},
	"domains_name_key":  func() *apperr.Error { return taken("/domain", "Another business has this domain.") },
	"domains_of_tenant": func() *apperr.Error { return taken("/name", "The business has this domain already.") },
	"invitations_email": func() *apperr.Error {
		return taken("/email", "This address is invited already. Send that invitation again, or revoke it.")
	},
	"invitations_email_check":        invalidEmail,
	"tenant_invitations_email_check": invalidEmail,
	"invitations_customer":           func() *apperr.Error { return apperr.NewInvalid("/customer_id", "There is no customer with this id.") },
	"invitations_resource":           func() *apperr.Error { return apperr.NewInvalid("/resource_id", "There is no resource with this id.") },
	"tenant_invitations_subdomain": func() *apperr.Error {
		return taken("/subdomain", "A business with this subdomain is invited already. Send that invitation again, or revoke it.")
	},
}

func taken(pointer, detail string) *apperr.Error {
	return apperr.New(apperr.AlreadyExists, "%s", detail).WithFields(apperr.Field{Pointer: pointer, Detail: detail})
}

func invalidEmail() *apperr.Error {
	return apperr.NewInvalid("/email", "This is not an e-mail address that mail can be sent to.")
}

// refused translates the error of an insert or update: a violated constraint becomes
// what it means to the client, anything else stays as it is.
func refused(err error) error {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return err
	}
	if refusal, ok := refusals[pgErr.ConstraintName]; ok {
		return refusal().WithCause(err)
	}
	return err
}

func tenantSuspended() error {
	return apperr.New(apperr.TenantSuspended, "This business is suspended. Please contact support.")
}

// principalOf returns who asks. The gates have seen to it that there is somebody; a
// caller that is not behind a gate gets their error.
func principalOf(scope *tenancy.Scope) (*tenancy.Principal, error) {
	if scope.Principal == nil {
		return nil, apperr.New(apperr.Unauthorized, "Sign in first.")
	}
	return scope.Principal, nil
}

// inTenant returns a TenantRequired error if the request belongs to no business.
func inTenant(scope *tenancy.Scope) error {
	if scope.Tenant == nil || scope.Env.ID == uuid.Nil {
		return apperr.New(apperr.TenantRequired, "This request belongs to no business.")
	}
	return nil
}
