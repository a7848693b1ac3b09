package app

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// seeder fills an environment through the services that requests use, so that quotas are counted and
// events are emitted.
type seeder struct {
	schedules    *catalog.Schedules
	resources    *catalog.Resources
	services     *catalog.Services
	customers    *customers.Customers
	appointments *booking.Appointments
}

func (a *App) seeder() seeder {
	return seeder{a.Scheduling.Schedules, a.Scheduling.Resources, a.Scheduling.Services, a.Scheduling.Customers, a.Scheduling.Booking.Appointments}
}

// Fill implements developer.SampleMaker. Hours are replaced rather than added, so existing ones, and ones
// set concurrently, are AlreadyExists.
func (s seeder) Fill(ctx context.Context, scope *tenancy.Scope) (made developer.SampleData, err error) {
	hours, err := s.schedules.Get(ctx, scope, nil)
	if err != nil {
		return made, err
	}
	if !hours.IsSet {
		made, err = s.seed(ctx, scope, sampleBusiness(), nil, &hours.Version)
	}
	if hours.IsSet || errors.Is(err, apperr.New(apperr.VersionMismatch, "")) {
		return developer.SampleData{}, apperr.New(apperr.AlreadyExists, "The sandbox already has business hours. Empty it first.")
	}
	return made, err
}

// seed creates the hours, resources, services, customers and appointments of the business in the
// environment of the scope. users are the users linked to them, by persona. With a version, hours are only
// replaced at that version (VersionMismatch).
func (s seeder) seed(
	ctx context.Context, scope *tenancy.Scope, b demoBusiness, users map[string]uuid.UUID, version *int32,
) (made developer.SampleData, err error) {
	if _, err := s.schedules.Replace(ctx, scope, nil, version, catalog.HoursInput{Weekly: b.hours}); err != nil {
		return made, err
	}
	resources, err := s.seedResources(ctx, scope, b, users)
	if err != nil {
		return made, err
	}
	services, err := s.seedServices(ctx, scope, b, resources)
	if err != nil {
		return made, err
	}
	customers, err := s.seedCustomers(ctx, scope, b, users)
	if err != nil {
		return made, err
	}
	booked, err := s.seedAppointments(ctx, scope, b, services, customers, resources)
	if err != nil {
		return made, err
	}
	return developer.SampleData{Resources: len(resources), Services: len(services), Customers: len(customers), Appointments: booked}, nil
}

func (s seeder) seedResources(ctx context.Context, scope *tenancy.Scope, b demoBusiness, users map[string]uuid.UUID) (map[string]uuid.UUID, error) {
	resources := map[string]uuid.UUID{}
	for _, r := range b.resources {
		in := catalog.ResourceInput{Name: r.name, Type: r.kind, Description: r.description, Capacity: r.capacity, IsActive: true}
		if r.persona != "" {
			id := users[r.persona]
			in.UserID = &id
		}
		created, err := s.resources.Create(ctx, scope, in)
		if err != nil {
			return nil, err
		}
		resources[r.name] = created.ID
	}
	return resources, nil
}

func (s seeder) seedServices(ctx context.Context, scope *tenancy.Scope, b demoBusiness, resources map[string]uuid.UUID) (map[string]uuid.UUID, error) {
	services := map[string]uuid.UUID{}
	for _, v := range b.services {
		in := catalog.ServiceInput{
			Name: v.name, Description: v.description, DurationMinutes: v.minutes, BufferAfterMinutes: v.bufferAfter,
			Price: &money.Money{Amount: v.price, Currency: scope.Tenant.Currency}, RequiresApproval: v.approval, IsActive: true,
		}
		for _, need := range v.needs {
			requirement := catalog.Requirement{ResourceType: need.kind, ResourceIDs: []uuid.UUID{}}
			for _, name := range need.names {
				requirement.ResourceIDs = append(requirement.ResourceIDs, resources[name])
			}
			in.Requirements = append(in.Requirements, requirement)
		}
		created, err := s.services.Create(ctx, scope, in)
		if err != nil {
			return nil, err
		}
		services[v.name] = created.ID
	}
	return services, nil
}

func (s seeder) seedCustomers(ctx context.Context, scope *tenancy.Scope, b demoBusiness, users map[string]uuid.UUID) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	for i, c := range b.customers {
		in := customers.Input{
			Name: c.name, Email: c.email, Phone: c.phone, City: c.city, State: c.state, Zip: c.zip, Status: "ACTIVE", Tags: c.tags,
		}
		if id, ok := users["customer"]; ok && i == 0 { // the first customer is the persona
			in.UserID = &id
		}
		created, err := s.customers.Create(ctx, scope, in)
		if err != nil {
			return nil, err
		}
		ids = append(ids, created.ID)
	}
	return ids, nil
}

// seedAppointments books appointments on open days from tomorrow on, in the time zone of the business, so
// that they are in the future and within the hours. It skips slots that are taken.
func (s seeder) seedAppointments(
	ctx context.Context, scope *tenancy.Scope, b demoBusiness,
	services map[string]uuid.UUID, customers []uuid.UUID, resources map[string]uuid.UUID,
) (booked int, err error) {
	days := b.openDays(localtime.DateOf(scope.Now, scope.Tenant.Location))
	for i, plan := range b.appointments {
		in := booking.AppointmentInput{
			ServiceID: services[plan.service], CustomerID: customers[i%len(customers)],
			StartAt: localtime.At(days[plan.day], plan.hour*60+plan.minute, scope.Tenant.Location),
			Notes:   plan.notes,
		}
		for _, name := range plan.resources {
			in.ResourceIDs = append(in.ResourceIDs, resources[name])
		}
		_, err := s.appointments.Create(ctx, scope, in)
		if errors.Is(err, apperr.New(apperr.SlotTaken, "")) {
			continue
		}
		if err != nil {
			return booked, err
		}
		booked++
	}
	return booked, nil
}

// openDays returns the open dates after today, as many as the demo appointments need.
func (b demoBusiness) openDays(today localtime.Date) []localtime.Date {
	last := 0
	for _, plan := range b.appointments {
		last = max(last, plan.day)
	}
	var days []localtime.Date
	for date := today.AddDays(1); len(days) <= last; date = date.AddDays(1) {
		weekday := strings.ToUpper(date.Weekday().String())
		if slices.ContainsFunc(b.hours, func(h catalog.DayHours) bool { return h.Day == weekday }) {
			days = append(days, date)
		}
	}
	return days
}
