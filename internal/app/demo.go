package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// DemoPassword is that of every demo user. It is public, which is why serve refuses
// databases that hold them.
const DemoPassword = "demo-password"

// seedDemo makes what a developer needs to look around: users of the platform and
// three businesses (domain.md section 11). Businesses that are there already are left
// as they are; `dev --reset` starts afresh.
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
	return a.Store.InPlatform(ctx, func(tx pgx.Tx) error {
		for _, p := range identity.KnownPersonas() {
			if !p.Role.Platform() {
				continue
			}
			_, err := identity.CreatePlatformUser(ctx, tx, identity.NewUser{
				Email: identity.PersonaEmail(p.Name, tenancy.PlatformLabel), Name: demoNames[p.Name], Role: p.Role, PasswordHash: hash,
			}, now)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// seedBusiness makes a business through the same services that requests use, so
// that quotas count and events tell of it.
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
	if _, err := a.Schedules.Replace(ctx, scope, nil, nil, scheduling.HoursInput{Weekly: b.hours}); err != nil {
		return err
	}
	resources, err := a.seedResources(ctx, scope, b, users)
	if err != nil {
		return err
	}
	services, err := a.seedServices(ctx, scope, b, resources)
	if err != nil {
		return err
	}
	customers, err := a.seedCustomers(ctx, scope, b, users)
	if err != nil {
		return err
	}
	return a.seedAppointments(ctx, scope, b, services, customers, resources)
}

func (a *App) seedUsers(ctx context.Context, scope *tenancy.Scope, b demoBusiness, hash string) (map[string]uuid.UUID, error) {
	users := map[string]uuid.UUID{}
	err := a.Store.InEnv(ctx, scope, func(tx *tenancy.Tx) error {
		for _, p := range identity.KnownPersonas() {
			if p.Role.Platform() {
				continue
			}
			user, err := identity.CreateUser(ctx, tx, scope, identity.NewUser{
				Email: identity.PersonaEmail(p.Name, b.subdomain), Name: demoNames[p.Name], Role: p.Role, PasswordHash: hash,
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

func (a *App) seedResources(ctx context.Context, scope *tenancy.Scope, b demoBusiness, users map[string]uuid.UUID) (map[string]uuid.UUID, error) {
	resources := map[string]uuid.UUID{}
	for _, r := range b.resources {
		in := scheduling.ResourceInput{Name: r.name, Type: r.kind, Description: r.description, Capacity: r.capacity, IsActive: true}
		if r.persona != "" {
			id := users[r.persona]
			in.UserID = &id
		}
		created, err := a.Resources.Create(ctx, scope, in)
		if err != nil {
			return nil, err
		}
		resources[r.name] = created.ID
	}
	return resources, nil
}

func (a *App) seedServices(ctx context.Context, scope *tenancy.Scope, b demoBusiness, resources map[string]uuid.UUID) (map[string]uuid.UUID, error) {
	services := map[string]uuid.UUID{}
	for _, s := range b.services {
		in := scheduling.ServiceInput{
			Name: s.name, Description: s.description, DurationMinutes: s.minutes, BufferAfterMinutes: s.bufferAfter,
			Price: &scheduling.Money{Amount: s.price, Currency: scope.Tenant.Currency}, RequiresApproval: s.approval, IsActive: true,
		}
		for _, need := range s.needs {
			requirement := scheduling.Requirement{ResourceType: need.kind, ResourceIDs: []uuid.UUID{}}
			for _, name := range need.names {
				requirement.ResourceIDs = append(requirement.ResourceIDs, resources[name])
			}
			in.Requirements = append(in.Requirements, requirement)
		}
		created, err := a.Services.Create(ctx, scope, in)
		if err != nil {
			return nil, err
		}
		services[s.name] = created.ID
	}
	return services, nil
}

func (a *App) seedCustomers(ctx context.Context, scope *tenancy.Scope, b demoBusiness, users map[string]uuid.UUID) ([]uuid.UUID, error) {
	var customers []uuid.UUID
	for i, c := range b.customers {
		in := scheduling.CustomerInput{
			Name: c.name, Email: c.email, Phone: c.phone, City: c.city, State: c.state, Zip: c.zip, Status: "ACTIVE", Tags: c.tags,
		}
		if i == 0 { // the first one is the persona
			id := users["customer"]
			in.UserID = &id
		}
		created, err := a.Customers.Create(ctx, scope, in)
		if err != nil {
			return nil, err
		}
		customers = append(customers, created.ID)
	}
	return customers, nil
}

// seedAppointments fills the open days from tomorrow on, so that everything is in the
// future and within the hours, in the business's own zone. A slot that is taken already
// is passed over.
func (a *App) seedAppointments(
	ctx context.Context, scope *tenancy.Scope, b demoBusiness,
	services map[string]uuid.UUID, customers []uuid.UUID, resources map[string]uuid.UUID,
) error {
	days := b.openDays(localtime.DateOf(scope.Now, scope.Tenant.Location))
	for i, plan := range b.appointments {
		in := scheduling.AppointmentInput{
			ServiceID: services[plan.service], CustomerID: customers[i%len(customers)],
			StartAt: localtime.At(days[plan.day], plan.hour*60+plan.minute, scope.Tenant.Location),
			Notes:   plan.notes,
		}
		for _, name := range plan.resources {
			in.ResourceIDs = append(in.ResourceIDs, resources[name])
		}
		if _, err := a.Appointments.Create(ctx, scope, in); err != nil && !errors.Is(err, apperr.New(apperr.SlotTaken, "")) {
			return err
		}
	}
	return nil
}

// openDays are the dates after today on which the demo has appointments.
func (b demoBusiness) openDays(today localtime.Date) []localtime.Date {
	last := 0
	for _, plan := range b.appointments {
		last = max(last, plan.day)
	}
	var days []localtime.Date
	for date := today.AddDays(1); len(days) <= last; date = date.AddDays(1) {
		weekday := strings.ToUpper(date.Weekday().String())
		if slices.ContainsFunc(b.hours, func(h scheduling.DayHours) bool { return h.Day == weekday }) {
			days = append(days, date)
		}
	}
	return days
}
