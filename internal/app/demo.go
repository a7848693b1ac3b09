package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// DemoPassword is the password of all demo users. It is public, so serve refuses databases with demo
// users.
const DemoPassword = "demo-password"

// seedDemo creates demo data: platform users and three businesses (domain.md section 11). Existing
// businesses are not changed.
func (a *App) seedDemo(ctx context.Context, now time.Time) (created bool, err error) {
	now = now.UTC().Truncate(time.Microsecond)
	hash, err := a.Hasher.Hash(ctx, DemoPassword)
	if err != nil {
		return false, err
	}
	if err := a.seedPlatform(ctx, hash, now); err != nil {
		return false, err
	}
	for _, business := range demoBusinesses() {
		_, err := identity.FindTenant(ctx, a.Store, business.subdomain)
		if err == nil {
			continue
		}
		if !errors.Is(err, apperr.New(apperr.NotFound, "")) {
			return false, err
		}
		if err := a.seedBusiness(ctx, business, hash, now); err != nil {
			return false, fmt.Errorf("%s: %w", business.subdomain, err)
		}
		created = true
	}
	return created, nil
}

func (a *App) seedPlatform(ctx context.Context, hash string, now time.Time) error {
	exists, err := identity.PersonasExist(ctx, a.Store)
	if err != nil || exists {
		return err
	}
	return a.Store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		for _, p := range identity.KnownPersonas() {
			if !p.Role.Platform() {
				continue
			}
			_, err := identity.CreatePlatformUser(ctx, tx, identity.NewUser{
				Email: identity.PersonaEmail(p.Name, tenancy.PlatformLabel), Name: demoNames[p.Name], Role: p.Role, PasswordHash: hash, ChosenByOwner: true,
			}, now)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// seedBusiness creates a business through the services that requests use, so that quotas are counted and
// events are emitted.
func (a *App) seedBusiness(ctx context.Context, b demoBusiness, hash string, now time.Time) error {
	_, err := identity.CreateTenant(ctx, a.Store, identity.CreateTenantInput{
		Name: b.name, Subdomain: b.subdomain, PlanCode: b.plan, Timezone: b.timezone, Currency: "USD", Now: now,
	})
	if err != nil {
		return err
	}
	scope, err := a.Resolver.Resolve(ctx, tenancy.Request{RequestID: "demo", Now: now, Host: tenancy.Host{Domain: b.subdomain}})
	if err != nil {
		return err
	}
	users, err := a.seedUsers(ctx, scope, b, hash)
	if err != nil {
		return err
	}
	scope.Principal = &tenancy.Principal{UserID: users["owner"], Role: tenancy.RoleOwner, TenantID: &scope.Tenant.ID}
	if err := a.seedToken(ctx, scope); err != nil {
		return err
	}
	_, err = a.seeder().seed(ctx, scope, b, users, nil)
	return err
}

func (a *App) seedUsers(ctx context.Context, scope *tenancy.Scope, b demoBusiness, hash string) (map[string]uuid.UUID, error) {
	users := map[string]uuid.UUID{}
	err := a.Store.InEnv(ctx, scope, func(tx *store.Tx) error {
		for _, p := range identity.KnownPersonas() {
			if p.Role.Platform() {
				continue
			}
			user, err := identity.CreateUser(ctx, tx, scope, identity.NewUser{
				Email: identity.PersonaEmail(p.Name, b.subdomain), Name: demoNames[p.Name], Role: p.Role, PasswordHash: hash, ChosenByOwner: true,
			})
			if err != nil {
				return err
			}
			users[p.Name] = user.ID
		}
		return nil
	})
	return users, err
}
