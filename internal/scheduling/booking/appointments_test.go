package booking_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

// salon is a business with two stylists (one with a login), a room and a machine, a
// service that needs staff and a room, and two customers (one with a login).
type salon struct {
	*bundle
	owner                   *tenancy.Scope
	staff, client           *tenancy.Scope
	ana, bob, room, machine *catalog.Resource
	cut                     *catalog.Service
	carla, dan              *customers.Customer
}

func newSalon(t *testing.T) *salon {
	t.Helper()
	b := setup(t)
	s := &salon{bundle: b, owner: b.Owner()}
	staffUser, clientUser := b.User(tenancy.RoleStaff), b.User(tenancy.RoleCustomer)
	s.staff, s.client = b.As(tenancy.RoleStaff, staffUser), b.As(tenancy.RoleCustomer, clientUser)
	s.ana, s.bob = b.Resource(s.owner, "STAFF", "Ana"), b.Resource(s.owner, "STAFF", "Bob", schedulingtest.Login(staffUser))
	s.room, s.machine = b.Resource(s.owner, "ROOM", "Attic"), b.Resource(s.owner, "EQUIPMENT", "Machine")
	s.cut = b.ServiceOf(s.owner, catalog.ServiceInput{
		Name: "Cut", DurationMinutes: 45, BufferBeforeMinutes: 5, BufferAfterMinutes: 10, IsActive: true,
		Price:        &money.Money{Amount: 4500, Currency: "EUR"},
		Requirements: []catalog.Requirement{{ResourceType: "ROOM"}, {ResourceType: "STAFF"}},
	})
	s.carla = b.CustomerOf(s.owner, customers.Input{Name: "Carla", Status: "ACTIVE", UserID: &clientUser})
	s.dan = b.Customer(s.owner, "Dan")
	return s
}

// wish is a cut for Carla at noon.
func (s *salon) wish(resources ...*catalog.Resource) booking.AppointmentInput {
	in := booking.AppointmentInput{ServiceID: s.cut.ID, CustomerID: s.carla.ID, StartAt: schedulingtest.Noon}
	for _, r := range resources {
		in.ResourceIDs = append(in.ResourceIDs, r.ID)
	}
	return in
}

func ids(resources ...*catalog.Resource) []uuid.UUID {
	list := []uuid.UUID{}
	for _, r := range resources {
		list = append(list, r.ID)
	}
	return list
}

func TestBookAppointment(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	in := s.wish(s.bob)
	in.Notes = "Brings her own shampoo"
	in.StartAt = schedulingtest.Noon.In(time.FixedZone("", -5*3600))
	a := s.Book(s.owner, in)

	assert.Equal(t, &booking.Appointment{
		ID: a.ID, Status: "CONFIRMED", StartAt: schedulingtest.Noon, EndAt: schedulingtest.Noon.Add(45 * time.Minute), ServiceID: s.cut.ID, CustomerID: s.carla.ID,
		ResourceIDs: ids(s.bob, s.room),
		Service:     booking.Reference{ID: s.cut.ID, Name: "Cut"}, Customer: booking.Reference{ID: s.carla.ID, Name: "Carla"},
		Resources: []booking.ResourceReference{
			{ID: s.bob.ID, Name: "Bob", Type: "STAFF"}, {ID: s.room.ID, Name: "Attic", Type: "ROOM"},
		},
		BufferBeforeMinutes: 5, BufferAfterMinutes: 10, Price: money.Money{Amount: 4500, Currency: "EUR"},
		Notes: "Brings her own shampoo", CreatedAt: schedulingtest.Now, UpdatedAt: schedulingtest.Now, Version: 1,
	}, a)
	got, err := s.Appointments.Get(ctx, s.owner, viewer.Of(s.owner), a.ID)
	require.NoError(t, err)
	assert.Equal(t, a, got, "what is returned is what is kept")

	assert.Equal(t, 2, s.Count(`SELECT count(*) FROM allocations
		WHERE active AND lane = 0 AND start_at = $1 AND end_at = $2`, schedulingtest.Noon.Add(-5*time.Minute), schedulingtest.Noon.Add(55*time.Minute)))
	assert.Equal(t, 1, s.Used(s.owner, entitle.MaxAppointments))
	assert.Equal(t, 1, s.Count("SELECT count(*) FROM appointments WHERE quota_period = '2026-11-01' AND service_version = 1"))
	raw, err := json.Marshal(a)
	require.NoError(t, err)
	assert.JSONEq(t, string(raw), s.LastEvent(s.owner))
	assert.Equal(t, 1, strings.Count(string(raw), `"start_at":`))
}

func TestBookChoosesResources(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	first := s.Book(s.owner, s.wish())
	assert.Equal(t, ids(s.ana, s.room), first.ResourceIDs)

	second := s.Resource(s.owner, "ROOM", "Basement")
	assert.Equal(t, ids(s.bob, second), s.Book(s.owner, s.wish()).ResourceIDs)

	_, err := s.Appointments.Create(t.Context(), s.owner, s.wish())
	taken := schedulingtest.Refusal(t, apperr.SlotTaken, err)
	assert.ElementsMatch(t, []booking.Conflict{
		{ResourceID: s.room.ID, ResourceName: "Attic", Reason: "booked"},
		{ResourceID: second.ID, ResourceName: "Basement", Reason: "booked"},
	}, taken.Members["conflicts"])

	anything := s.Service(s.owner)
	in := s.wish(s.machine, s.Resource(s.owner, "STAFF", "Cleo"))
	in.ServiceID = anything.ID
	assert.Len(t, s.Book(s.owner, in).ResourceIDs, 2, "without requirements it takes what is named")
	in.ResourceIDs = nil
	_, err = s.Appointments.Create(t.Context(), s.owner, in)
	assert.Len(t, schedulingtest.Refusal(t, apperr.SlotTaken, err).Members["conflicts"], 5, "staff or a room, not equipment")
}

func TestBookRespectsBuffers(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	s.Book(s.owner, s.wish(s.ana))
	for minutes, free := range map[int]bool{0: false, 59: false, 60: true, -59: false, -60: true} {
		in := s.wish(s.ana)
		in.StartAt = schedulingtest.Noon.Add(time.Duration(minutes) * time.Minute)
		a, err := s.Appointments.Create(t.Context(), s.owner, in)
		if !free {
			schedulingtest.RequireCode(t, apperr.SlotTaken, err)
			continue
		}
		require.NoError(t, err, minutes)
		require.NoError(t, s.Appointments.Delete(t.Context(), s.owner, a.ID, nil))
	}
}

func TestLongestAppointmentsAreNotOverlooked(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	long := s.ServiceOf(s.owner, catalog.ServiceInput{
		Name: "Retreat", DurationMinutes: 1440, BufferBeforeMinutes: 720, BufferAfterMinutes: 720, IsActive: true,
	})
	in := s.wish(s.ana)
	in.ServiceID = long.ID
	s.Book(s.owner, in)
	short := s.ServiceOf(s.owner, catalog.ServiceInput{Name: "Hello", DurationMinutes: 1, IsActive: true})
	in.ServiceID = short.ID
	for at, free := range map[time.Duration]bool{
		-12*time.Hour - time.Minute: true, -12 * time.Hour: false, 36*time.Hour - time.Minute: false, 36 * time.Hour: true,
	} {
		in.StartAt = schedulingtest.Noon.Add(at)
		_, err := s.Appointments.Create(t.Context(), s.owner, in)
		if free {
			require.NoError(t, err, at)
		} else {
			schedulingtest.RequireCode(t, apperr.SlotTaken, err)
		}
	}
}

func TestBookWithWrongReferences(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	box := s.Sandbox()
	foreignService, foreignCustomer, foreignResource := s.Service(box), s.Customer(box, "Nobody"), s.Resource(box, "STAFF", "Nobody")
	off := s.Resource(s.owner, "STAFF", "Off", func(in *catalog.ResourceInput) { in.IsActive = false })
	offService := s.ServiceOf(s.owner, catalog.ServiceInput{Name: "Off", DurationMinutes: 1})
	equipped := s.Service(s.owner, "STAFF", "EQUIPMENT", "EQUIPMENT")
	blocked := s.CustomerOf(s.owner, customers.Input{Name: "Bad", Status: "BLOCKED"})
	gone := s.CustomerOf(s.owner, customers.Input{Name: "Gone", Status: "INACTIVE"})

	for name, test := range map[string]struct {
		change  func(*booking.AppointmentInput)
		pointer string
	}{
		"unknown service":           {func(in *booking.AppointmentInput) { in.ServiceID = uuid.New() }, "/service_id"},
		"service of the other mode": {func(in *booking.AppointmentInput) { in.ServiceID = foreignService.ID }, "/service_id"},
		"inactive service":          {func(in *booking.AppointmentInput) { in.ServiceID = offService.ID }, "/service_id"},
		"unknown customer":          {func(in *booking.AppointmentInput) { in.CustomerID = uuid.New() }, "/customer_id"},
		"customer of the other mode": {
			func(in *booking.AppointmentInput) { in.CustomerID = foreignCustomer.ID }, "/customer_id",
		},
		"blocked customer":  {func(in *booking.AppointmentInput) { in.CustomerID = blocked.ID }, "/customer_id"},
		"inactive customer": {func(in *booking.AppointmentInput) { in.CustomerID = gone.ID }, "/customer_id"},
		"both unknown": {
			func(in *booking.AppointmentInput) { in.ServiceID, in.CustomerID = uuid.New(), uuid.New() }, "/customer_id",
		},
		"unknown resource": {
			func(in *booking.AppointmentInput) { in.ResourceIDs = []uuid.UUID{s.ana.ID, uuid.New()} }, "/resource_ids/1",
		},
		"resource of the other mode": {
			func(in *booking.AppointmentInput) { in.ResourceIDs = []uuid.UUID{foreignResource.ID} }, "/resource_ids/0",
		},
		"inactive resource": {func(in *booking.AppointmentInput) { in.ResourceIDs = ids(s.room, off) }, "/resource_ids/1"},
		"resource of a type that is not needed": {
			func(in *booking.AppointmentInput) { in.ResourceIDs = ids(s.machine) }, "/resource_ids/0",
		},
		"one too many":              {func(in *booking.AppointmentInput) { in.ResourceIDs = ids(s.ana, s.bob) }, "/resource_ids/1"},
		"not enough of a type":      {func(in *booking.AppointmentInput) { in.ServiceID = equipped.ID }, "/resource_ids"},
		"not a whole minute":        {func(in *booking.AppointmentInput) { in.StartAt = schedulingtest.Noon.Add(time.Second) }, "/start_at"},
		"not even a whole second":   {func(in *booking.AppointmentInput) { in.StartAt = schedulingtest.Noon.Add(1) }, "/start_at"},
		"before anything":           {func(in *booking.AppointmentInput) { in.StartAt = time.Time{} }, "/start_at"},
		"a year with five digits":   {func(in *booking.AppointmentInput) { in.StartAt = schedulingtest.Noon.AddDate(8000, 0, 0) }, "/start_at"},
		"the first year that is no": {func(in *booking.AppointmentInput) { in.StartAt = time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC) }, "/start_at"},
	} {
		in := s.wish()
		test.change(&in)
		_, err := s.Appointments.Create(t.Context(), s.owner, in)
		schedulingtest.RequireField(t, test.pointer, err)
		assert.Equal(t, 0, s.Count("SELECT count(*) FROM appointments"), name)
	}
	assert.Equal(t, 0, s.Used(s.owner, entitle.MaxAppointments))
}

func TestStaffBookThemselves(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	a := s.Book(s.staff, s.wish())
	assert.Equal(t, ids(s.bob, s.room), a.ResourceIDs, "their own resource, although Ana comes first")

	_, err := s.Appointments.Create(ctx, s.staff, s.wish())
	taken := schedulingtest.Refusal(t, apperr.SlotTaken, err)
	assert.Equal(t, s.bob.ID, taken.Members["conflicts"].([]booking.Conflict)[0].ResourceID, "Ana is free, but not theirs")

	later := s.wish(s.room)
	later.StartAt = schedulingtest.Noon.Add(3 * time.Hour)
	assert.Equal(t, ids(s.bob, s.room), s.Book(s.staff, later).ResourceIDs)
	later.ResourceIDs = ids(s.ana)
	_, err = s.Appointments.Create(ctx, s.staff, later)
	schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
	later.ResourceIDs = ids(s.ana, s.room)
	_, err = s.Appointments.Create(ctx, s.staff, later)
	schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
	later.ResourceIDs = []uuid.UUID{uuid.New()}
	_, err = s.Appointments.Create(ctx, s.staff, later)
	schedulingtest.RequireField(t, "/resource_ids/0", err)

	anything := later
	anything.ServiceID, anything.ResourceIDs = s.Service(s.owner).ID, ids(s.ana)
	_, err = s.Appointments.Create(ctx, s.staff, anything)
	schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
	anything.ResourceIDs = nil
	anything.StartAt = schedulingtest.Noon.Add(6 * time.Hour)
	assert.Equal(t, ids(s.bob), s.Book(s.staff, anything).ResourceIDs)

	_, err = s.Appointments.Create(ctx, s.As(tenancy.RoleStaff, uuid.New()), s.wish())
	schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
	onlyRoom := later
	onlyRoom.ServiceID, onlyRoom.ResourceIDs = s.Service(s.owner, "ROOM").ID, nil
	_, err = s.Appointments.Create(ctx, s.staff, onlyRoom)
	schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
}

func TestAppointmentsOfOthersDoNotExist(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	in := s.wish(s.ana)
	in.CustomerID = s.dan.ID
	foreign := s.Book(s.owner, in)
	in = s.wish(s.bob)
	in.StartAt = schedulingtest.Noon.Add(2 * time.Hour)
	own := s.Book(s.owner, in)
	nobody := s.Owner()
	nobody.Principal = nil

	for name, scope := range map[string]*tenancy.Scope{
		"staff": s.staff, "customer": s.client, "nobody": nobody, "other mode": s.Sandbox(), "unknown role": s.As("WIZARD", uuid.New()),
	} {
		for action, err := range s.touch(scope, foreign.ID) {
			schedulingtest.RequireCode(t, apperr.NotFound, err)
			_ = action
		}
		_, err := s.Appointments.Get(ctx, scope, viewer.Of(scope), own.ID)
		if name == "staff" || name == "customer" {
			require.NoError(t, err)
		} else {
			schedulingtest.RequireCode(t, apperr.NotFound, err)
		}
	}
	got, err := s.Appointments.Get(ctx, s.owner, viewer.Of(s.owner), foreign.ID)
	require.NoError(t, err)
	assert.Equal(t, foreign, got, "nothing was changed")

	for action, err := range s.touch(s.owner, uuid.New()) {
		schedulingtest.RequireCode(t, apperr.NotFound, err)
		_ = action
	}
	_, err = s.Appointments.Cancel(ctx, s.client, viewer.Of(s.client), own.ID, nil, booking.CancelInput{Reason: "ill"})
	require.NoError(t, err)
	_, err = s.Appointments.Get(ctx, s.staff, viewer.Of(s.staff), own.ID)
	require.NoError(t, err, "staff see what they were booked for, cancelled or not")
}

// touch does everything to an appointment that needs it to exist.
func (s *salon) touch(scope *tenancy.Scope, id uuid.UUID) map[string]error {
	ctx := s.Context()
	errs := map[string]error{}
	_, errs["get"] = s.Appointments.Get(ctx, scope, viewer.Of(scope), id)
	_, errs["history"] = s.Appointments.History(ctx, scope, id, keyset.Page{})
	_, errs["update"] = s.Appointments.Update(ctx, scope, id, nil, booking.AppointmentPatch{Notes: new("x")})
	_, errs["reschedule"] = s.Appointments.Reschedule(ctx, scope, viewer.Of(scope), id, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon.Add(time.Hour)})
	_, errs["cancel"] = s.Appointments.Cancel(ctx, scope, viewer.Of(scope), id, nil, booking.CancelInput{})
	_, errs["confirm"] = s.Appointments.Confirm(ctx, scope, id, nil, false)
	_, errs["decline"] = s.Appointments.Decline(ctx, scope, id, nil, "")
	_, errs["terms"] = s.Appointments.Terms(ctx, scope, viewer.Of(scope), id)
	_, errs["complete"] = s.Appointments.Complete(ctx, scope, id, nil)
	_, errs["no-show"] = s.Appointments.MarkNoShow(ctx, scope, id, nil)
	errs["delete"] = s.Appointments.Delete(ctx, scope, id, nil)
	return errs
}

func TestListAppointments(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	talk := s.ServiceOf(s.owner, catalog.ServiceInput{Name: "Talk", DurationMinutes: 30, RequiresApproval: true, IsActive: true})
	var all []uuid.UUID
	add := func(hour int, service *catalog.Service, customer *customers.Customer, resources ...*catalog.Resource) uuid.UUID {
		t.Helper()
		all = append(all, s.Book(s.owner, booking.AppointmentInput{
			ServiceID: service.ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon.Add(time.Duration(hour) * time.Hour), ResourceIDs: ids(resources...),
		}).ID)
		return all[len(all)-1]
	}
	a := add(0, s.cut, s.carla, s.ana)
	b := add(0, talk, s.dan, s.bob)
	c := add(1, talk, s.carla, s.bob)
	d := add(2, s.cut, s.dan, s.bob)
	e := add(24, talk, s.carla, s.ana)
	_, err := s.Appointments.Cancel(ctx, s.owner, viewer.Of(s.owner), d, nil, booking.CancelInput{})
	require.NoError(t, err)

	read := func(scope *tenancy.Scope, filter booking.AppointmentFilter, limit int) []uuid.UUID {
		t.Helper()
		list := []uuid.UUID{}
		for _, a := range schedulingtest.Collect(t, limit, func(p keyset.Page) (keyset.List[booking.Appointment], error) {
			return s.Appointments.List(ctx, scope, filter, p)
		}) {
			list = append(list, a.ID)
			one, err := s.Appointments.Get(ctx, scope, viewer.Of(scope), a.ID)
			require.NoError(t, err)
			assert.Equal(t, *one, a, "a list shows the same as a single one")
		}
		return list
	}
	for limit := 1; limit <= 6; limit++ {
		assert.Equal(t, all, read(s.owner, booking.AppointmentFilter{}, limit))
	}
	for name, test := range map[string]struct {
		scope  *tenancy.Scope
		filter booking.AppointmentFilter
		want   []uuid.UUID
	}{
		"from is inclusive":     {s.owner, booking.AppointmentFilter{From: new(schedulingtest.Noon.Add(time.Hour))}, []uuid.UUID{c, d, e}},
		"to is exclusive":       {s.owner, booking.AppointmentFilter{To: new(schedulingtest.Noon.Add(time.Hour))}, []uuid.UUID{a, b}},
		"both":                  {s.owner, booking.AppointmentFilter{From: new(schedulingtest.Noon.Add(1)), To: new(schedulingtest.Noon.Add(24 * time.Hour))}, []uuid.UUID{c, d}},
		"to a nanosecond after": {s.owner, booking.AppointmentFilter{To: new(schedulingtest.Noon.Add(1))}, []uuid.UUID{a, b}},
		"an empty range":        {s.owner, booking.AppointmentFilter{From: new(schedulingtest.Noon.Add(1)), To: &schedulingtest.Noon}, []uuid.UUID{}},
		"one status":            {s.owner, booking.AppointmentFilter{Statuses: []string{"PENDING"}}, []uuid.UUID{b, c, e}},
		"two statuses":          {s.owner, booking.AppointmentFilter{Statuses: []string{"CANCELLED", "CONFIRMED"}}, []uuid.UUID{a, d}},
		"a resource":            {s.owner, booking.AppointmentFilter{ResourceID: &s.bob.ID}, []uuid.UUID{b, c, d}},
		"a room":                {s.owner, booking.AppointmentFilter{ResourceID: &s.room.ID}, []uuid.UUID{a, d}},
		"a customer":            {s.owner, booking.AppointmentFilter{CustomerID: &s.dan.ID}, []uuid.UUID{b, d}},
		"a service":             {s.owner, booking.AppointmentFilter{ServiceID: &talk.ID}, []uuid.UUID{b, c, e}},
		"nobody's":              {s.owner, booking.AppointmentFilter{CustomerID: new(uuid.New())}, []uuid.UUID{}},
		"all at once":           {s.owner, booking.AppointmentFilter{From: &schedulingtest.Noon, Statuses: []string{"PENDING"}, ResourceID: &s.bob.ID, CustomerID: &s.carla.ID, ServiceID: &talk.ID}, []uuid.UUID{c}},
		"all but the customer":  {s.owner, booking.AppointmentFilter{From: &schedulingtest.Noon, Statuses: []string{"PENDING"}, ResourceID: &s.bob.ID, ServiceID: &talk.ID}, []uuid.UUID{b, c}},
		"staff":                 {s.staff, booking.AppointmentFilter{}, []uuid.UUID{b, c, d}},
		"staff and a resource":  {s.staff, booking.AppointmentFilter{ResourceID: &s.room.ID}, []uuid.UUID{d}},
		"staff and a colleague": {s.staff, booking.AppointmentFilter{ResourceID: &s.ana.ID}, []uuid.UUID{}},
		"staff and a customer":  {s.staff, booking.AppointmentFilter{CustomerID: &s.carla.ID}, []uuid.UUID{c}},
		"staff of nothing":      {s.As(tenancy.RoleStaff, uuid.New()), booking.AppointmentFilter{}, []uuid.UUID{}},
		"a customer's own":      {s.client, booking.AppointmentFilter{}, []uuid.UUID{a, c, e}},
		"asking for oneself":    {s.client, booking.AppointmentFilter{CustomerID: &s.carla.ID}, []uuid.UUID{a, c, e}},
		"asking for another":    {s.client, booking.AppointmentFilter{CustomerID: &s.dan.ID}, []uuid.UUID{}},
		"a client's resource":   {s.client, booking.AppointmentFilter{ResourceID: &s.ana.ID}, []uuid.UUID{a, e}},
		"a login without more":  {s.As(tenancy.RoleCustomer, uuid.New()), booking.AppointmentFilter{}, []uuid.UUID{}},
		"the other mode":        {s.Sandbox(), booking.AppointmentFilter{}, []uuid.UUID{}},
		"a manager":             {s.As(tenancy.RoleManager, uuid.New()), booking.AppointmentFilter{}, all},
		"a superuser":           {s.As(tenancy.RoleSuperuser, uuid.New()), booking.AppointmentFilter{}, all},
		"far away instants":     {s.owner, booking.AppointmentFilter{From: new(time.Time{}), To: new(schedulingtest.Noon.AddDate(9000, 0, 0))}, all},
	} {
		for _, limit := range []int{2, 50} {
			assert.Equal(t, test.want, read(test.scope, test.filter, limit), name)
		}
	}
}

func TestAppointmentCursorFitsItsFilter(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	for i := range 3 {
		in := s.wish(s.ana)
		in.StartAt = schedulingtest.Noon.Add(time.Duration(i) * time.Hour)
		s.Book(s.owner, in)
	}
	page, err := s.Appointments.List(ctx, s.owner, booking.AppointmentFilter{From: &schedulingtest.Noon}, keyset.Page{Limit: 1})
	require.NoError(t, err)
	next := keyset.Page{Limit: 5, Cursor: *page.NextCursor}
	page, err = s.Appointments.List(ctx, s.owner, booking.AppointmentFilter{From: new(schedulingtest.Noon.In(time.FixedZone("", 3600)))}, next)
	require.NoError(t, err, "the same instant in another spelling")
	assert.Len(t, page.Data, 2)
	_, err = s.Appointments.List(ctx, s.owner, booking.AppointmentFilter{}, next)
	schedulingtest.RequireCode(t, apperr.InvalidCursor, err)
	next.Cursor = "nonsense"
	_, err = s.Appointments.List(ctx, s.owner, booking.AppointmentFilter{}, next)
	schedulingtest.RequireCode(t, apperr.InvalidCursor, err)
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	const refused = "refused"
	actions := map[string]func(uuid.UUID) (*booking.Appointment, error){
		"CONFIRMED": func(id uuid.UUID) (*booking.Appointment, error) {
			return s.Appointments.Confirm(ctx, s.owner, id, nil, false)
		},
		"DECLINED": func(id uuid.UUID) (*booking.Appointment, error) {
			return s.Appointments.Decline(ctx, s.owner, id, nil, "a reason")
		},
		"COMPLETED": func(id uuid.UUID) (*booking.Appointment, error) {
			return s.Appointments.Complete(ctx, s.owner, id, nil)
		},
		"NO_SHOW": func(id uuid.UUID) (*booking.Appointment, error) {
			return s.Appointments.MarkNoShow(ctx, s.owner, id, nil)
		},
		"CANCELLED": func(id uuid.UUID) (*booking.Appointment, error) {
			return s.Appointments.Cancel(ctx, s.owner, viewer.Of(s.owner), id, nil, booking.CancelInput{Reason: "a reason"})
		},
	}
	allowed := map[[2]string]bool{
		{"PENDING", "CONFIRMED"}: true, {"PENDING", "COMPLETED"}: true, {"PENDING", "NO_SHOW"}: true, {"PENDING", "CANCELLED"}: true,
		{"PENDING", "DECLINED"}:    true,
		{"CONFIRMED", "COMPLETED"}: true, {"CONFIRMED", "NO_SHOW"}: true, {"CONFIRMED", "CANCELLED"}: true,
	}
	ask := s.ServiceOf(s.owner, catalog.ServiceInput{Name: "Ask", DurationMinutes: 10, RequiresApproval: true, IsActive: true})
	for _, from := range []string{"PENDING", "CONFIRMED", "COMPLETED", "CANCELLED", "DECLINED", "NO_SHOW"} {
		for to, act := range actions {
			in := s.wish(s.ana)
			in.ServiceID = ask.ID
			a := s.Book(s.owner, in)
			require.Equal(t, "PENDING", a.Status)
			if from != "PENDING" {
				var err error
				a, err = actions[from](a.ID)
				require.NoError(t, err)
			}
			events := len(s.EventTypes(s.owner))

			got, err := act(a.ID)
			switch {
			case from == to:
				require.NoError(t, err)
				assert.Equal(t, a, got, "%s again changes nothing", to)
				assert.Len(t, s.EventTypes(s.owner), events)
			case !allowed[[2]string{from, to}]:
				assert.Equal(t, from, schedulingtest.Refusal(t, apperr.InvalidTransition, err).Members["current_status"], refused)
			default:
				require.NoError(t, err)
				s.checkTransition(a, got, to)
			}
			require.NoError(t, s.Appointments.Delete(ctx, s.owner, a.ID, nil))
		}
	}
}

func (s *salon) checkTransition(before, after *booking.Appointment, to string) {
	s.Helper()
	want := *before
	want.Status, want.Version = to, before.Version+1
	if to == "CANCELLED" {
		want.CancellationReason, want.CancelledAt = "a reason", &schedulingtest.Now
		want.Cancellation = &booking.Cancellation{Fee: money.Money{Currency: before.Price.Currency}, WindowHours: 24}
	}
	if to == "DECLINED" {
		want.CancellationReason = "a reason"
	}
	assert.Equal(s, &want, after)
	kept, err := s.Appointments.Get(s.Context(), s.owner, viewer.Of(s.owner), after.ID)
	require.NoError(s, err)
	assert.Equal(s, after, kept)
	holds := to == "CONFIRMED"
	assert.Equal(s, holds, s.Count("SELECT count(*) FROM allocations WHERE appointment_id = $1 AND active", after.ID) > 0)
	types := s.EventTypes(s.owner)
	assert.Equal(s, "appointment."+strings.ToLower(to), types[len(types)-1])
}

func TestOnlyOpenAppointmentsHoldTheirTime(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	for _, end := range []func(uuid.UUID) error{
		func(id uuid.UUID) error {
			_, err := s.Appointments.Cancel(ctx, s.owner, viewer.Of(s.owner), id, nil, booking.CancelInput{})
			return err
		},
		func(id uuid.UUID) error { _, err := s.Appointments.Complete(ctx, s.owner, id, nil); return err },
		func(id uuid.UUID) error { _, err := s.Appointments.MarkNoShow(ctx, s.owner, id, nil); return err },
		func(id uuid.UUID) error { return s.Appointments.Delete(ctx, s.owner, id, nil) },
	} {
		a := s.Book(s.owner, s.wish(s.ana))
		_, err := s.Appointments.Create(ctx, s.owner, s.wish(s.ana))
		schedulingtest.RequireCode(t, apperr.SlotTaken, err)
		require.NoError(t, end(a.ID))
	}
	s.Book(s.owner, s.wish(s.ana))
	assert.Equal(t, 4, s.Used(s.owner, entitle.MaxAppointments), "only deleting gives the quota back")
}

func TestReschedule(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	a := s.Book(s.owner, s.wish(s.ana))
	_, err := s.Services.Update(ctx, s.owner, s.cut.ID, nil, catalog.ServicePatch{
		DurationMinutes: new(int32(120)), BufferAfterMinutes: new(int32(300)), Price: &money.Money{Amount: 1, Currency: "EUR"},
		IsActive: new(false), Requirements: &[]catalog.Requirement{{ResourceType: "EQUIPMENT"}},
	})
	require.NoError(t, err)

	moved, err := s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, new(int32(1)), booking.RescheduleInput{StartAt: schedulingtest.Noon.Add(30 * time.Minute)})
	require.NoError(t, err, "its own time does not stand in its way")
	want := *a
	want.StartAt, want.EndAt, want.Version = schedulingtest.Noon.Add(30*time.Minute), schedulingtest.Noon.Add(75*time.Minute), 2
	assert.Equal(t, &want, moved, "everything else is as it was booked")
	kept, err := s.Appointments.Get(ctx, s.owner, viewer.Of(s.owner), a.ID)
	require.NoError(t, err)
	assert.Equal(t, moved, kept)
	assert.Equal(t, 2, s.Count("SELECT count(*) FROM allocations WHERE start_at = $1 AND end_at = $2", schedulingtest.Noon.Add(25*time.Minute), schedulingtest.Noon.Add(85*time.Minute)))

	_, err = s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, new(int32(1)), booking.RescheduleInput{StartAt: schedulingtest.Noon})
	schedulingtest.RequireCode(t, apperr.VersionMismatch, err)
	same, err := s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, nil, booking.RescheduleInput{StartAt: moved.StartAt})
	require.NoError(t, err)
	assert.Equal(t, moved, same, "a move to where it is changes nothing")
	_, err = s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon.Add(time.Second)})
	schedulingtest.RequireField(t, "/start_at", err)
	_, err = s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon, ResourceIDs: ids(s.bob)})
	schedulingtest.RequireField(t, "/resource_ids/0", err)

	changed, err := s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon, ResourceIDs: ids(s.machine)})
	require.NoError(t, err)
	assert.Equal(t, ids(s.machine), changed.ResourceIDs, "resources are chosen as the service requires now")
	assert.Equal(t, 1, s.Used(s.owner, entitle.MaxAppointments))
	types := s.EventTypes(s.owner)
	assert.Equal(t, []string{"appointment.created", "service.updated", "appointment.rescheduled", "appointment.rescheduled"}, types[len(types)-4:])

	_, err = s.Appointments.Cancel(ctx, s.owner, viewer.Of(s.owner), a.ID, nil, booking.CancelInput{})
	require.NoError(t, err)
	_, err = s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon})
	assert.Equal(t, "CANCELLED", schedulingtest.Refusal(t, apperr.InvalidTransition, err).Members["current_status"])
}

func TestRescheduleConflicts(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	a := s.Book(s.owner, s.wish(s.bob))
	in := s.wish(s.ana)
	in.StartAt = schedulingtest.Noon.Add(2 * time.Hour)
	blocking := s.Book(s.owner, in)
	second := s.Resource(s.owner, "ROOM", "Basement")

	_, err := s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, nil, booking.RescheduleInput{StartAt: blocking.StartAt, ResourceIDs: ids(s.bob, s.room)})
	assert.Equal(t, []booking.Conflict{{ResourceID: s.room.ID, ResourceName: "Attic", Reason: "booked"}},
		schedulingtest.Refusal(t, apperr.SlotTaken, err).Members["conflicts"], "it gets what is named, or nothing")
	kept, err := s.Appointments.Get(ctx, s.owner, viewer.Of(s.owner), a.ID)
	require.NoError(t, err)
	assert.Equal(t, a, kept)
	moved, err := s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, nil, booking.RescheduleInput{StartAt: blocking.StartAt})
	require.NoError(t, err)
	assert.Equal(t, ids(s.bob, second), moved.ResourceIDs, "its room is taken, another is free")
	moved, err = s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon, ResourceIDs: ids(s.ana)})
	require.NoError(t, err)
	assert.Equal(t, ids(s.ana, second), moved.ResourceIDs, "what is left open stays if it can")

	_, err = s.Resources.Update(ctx, s.owner, s.ana.ID, nil, catalog.ResourcePatch{IsActive: new(false)})
	require.NoError(t, err)
	moved, err = s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon.Add(24 * time.Hour)})
	require.NoError(t, err)
	assert.Equal(t, ids(s.bob, second), moved.ResourceIDs, "who is not active does nothing more")
	_, err = s.Resources.Update(ctx, s.owner, s.bob.ID, nil, catalog.ResourcePatch{IsActive: new(false)})
	require.NoError(t, err)
	_, err = s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon.Add(48 * time.Hour)})
	schedulingtest.RequireField(t, "/resource_ids", err)
}

func TestStaffRescheduleTheirOwn(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	a := s.Book(s.owner, s.wish(s.bob))
	_, err := s.Appointments.Reschedule(ctx, s.staff, viewer.Of(s.staff), a.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon.Add(5 * time.Hour)})
	assert.Equal(t, "resources_can_reschedule", schedulingtest.Refusal(t, apperr.RefusedByPolicy, err).Members["policy"])
	s.SetPolicy("resources_can_reschedule", true)
	later := schedulingtest.Noon.Add(5 * time.Hour)
	moved, err := s.Appointments.Reschedule(ctx, s.staff, viewer.Of(s.staff), a.ID, nil, booking.RescheduleInput{StartAt: later})
	require.NoError(t, err)
	assert.Equal(t, ids(s.bob, s.room), moved.ResourceIDs)
	_, err = s.Appointments.Reschedule(ctx, s.staff, viewer.Of(s.staff), a.ID, nil, booking.RescheduleInput{StartAt: later, ResourceIDs: ids(s.ana)})
	schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
	_, err = s.Appointments.Reschedule(ctx, s.staff, viewer.Of(s.staff), a.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon, ResourceIDs: ids(s.room)})
	require.NoError(t, err)
}

func TestAppointmentHistory(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	a := s.Book(s.owner, s.wish(s.ana))
	_, err := s.Appointments.Update(ctx, s.owner, a.ID, new(int32(1)), booking.AppointmentPatch{Notes: new("quiet")})
	require.NoError(t, err)
	_, err = s.Appointments.Update(ctx, s.owner, a.ID, new(int32(1)), booking.AppointmentPatch{Notes: new("late")})
	schedulingtest.RequireCode(t, apperr.VersionMismatch, err)
	schedulingtest.RequireCode(t, apperr.VersionMismatch, s.Appointments.Delete(ctx, s.owner, a.ID, new(int32(1))))
	_, err = s.Appointments.Confirm(ctx, s.owner, a.ID, new(int32(1)), false)
	schedulingtest.RequireCode(t, apperr.VersionMismatch, err)
	_, err = s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), a.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon.Add(time.Hour), ResourceIDs: ids(s.bob)})
	require.NoError(t, err)
	_, err = s.Appointments.Cancel(ctx, s.client, viewer.Of(s.client), a.ID, new(int32(3)), booking.CancelInput{Reason: "ill"})
	require.NoError(t, err)

	read := func(p keyset.Page) (keyset.List[booking.AppointmentChange], error) {
		return s.Appointments.History(ctx, s.client, a.ID, p)
	}
	got := schedulingtest.Collect(t, 1, read)
	assert.Equal(t, schedulingtest.Collect(t, 10, read), got)
	strings := func(list ...*catalog.Resource) (texts []any) {
		for _, r := range list {
			texts = append(texts, r.ID.String())
		}
		return texts
	}
	at := func(d time.Duration) string { return schedulingtest.Noon.Add(d).Format(time.RFC3339) }
	assert.Equal(t, []booking.AppointmentChange{
		{Version: 2, Action: "UPDATED", ActorUserID: &s.owner.Principal.UserID, OccurredAt: schedulingtest.Now, Changes: map[string]booking.FieldChange{
			"notes": {From: "", To: "quiet"},
		}},
		{Version: 3, Action: "RESCHEDULED", ActorUserID: &s.owner.Principal.UserID, OccurredAt: schedulingtest.Now, Changes: map[string]booking.FieldChange{
			"start_at":     {From: at(0), To: at(time.Hour)},
			"end_at":       {From: at(45 * time.Minute), To: at(105 * time.Minute)},
			"resource_ids": {From: strings(s.ana, s.room), To: strings(s.bob, s.room)},
		}},
		{Version: 4, Action: "CANCELLED", ActorUserID: &s.client.Principal.UserID, OccurredAt: schedulingtest.Now, Changes: map[string]booking.FieldChange{
			"status":              {From: "CONFIRMED", To: "CANCELLED"},
			"cancellation_reason": {From: "", To: "ill"},
		}},
	}, got)

	require.NoError(t, s.Appointments.Delete(ctx, s.owner, a.ID, new(int32(4))))
	assert.Equal(t, 0, s.Count("SELECT count(*) FROM appointment_changes"))
	assert.Equal(t, 0, s.Count("SELECT count(*) FROM allocations"))
	assert.Equal(t, 0, s.Used(s.owner, entitle.MaxAppointments))
}

func TestAppointmentQuotaGoesBackToItsMonth(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	s.Limit(entitle.MaxAppointments, 1)
	ctx := t.Context()
	a := s.Book(s.owner, s.wish())
	in := s.wish()
	in.StartAt = schedulingtest.Noon.Add(5 * time.Hour)
	_, err := s.Appointments.Create(ctx, s.owner, in)
	schedulingtest.RequireCode(t, apperr.QuotaExceeded, err)
	assert.Equal(t, 1, s.Count("SELECT count(*) FROM appointments"), "the refused one left nothing")

	december := s.Owner()
	december.Now = time.Date(2026, time.December, 2, 0, 0, 0, 0, time.UTC)
	december.Entitlements.Now = december.Now
	inDecember := s.wish()
	inDecember.StartAt = december.Now.Add(12 * time.Hour)
	s.Book(december, inDecember)
	require.NoError(t, s.Appointments.Delete(ctx, december, a.ID, nil))
	s.Book(s.owner, in)
	inDecember.StartAt = december.Now.Add(17 * time.Hour)
	_, err = s.Appointments.Create(ctx, december, inDecember)
	schedulingtest.RequireCode(t, apperr.QuotaExceeded, err)
}
