package scheduling_test

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
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// salon is a business with two stylists (one with a login), a room and a machine, a
// service that needs staff and a room, and two customers (one with a login).
type salon struct {
	*bundle
	owner                   *tenancy.Scope
	staff, client           *tenancy.Scope
	ana, bob, room, machine *scheduling.Resource
	cut                     *scheduling.Service
	carla, dan              *scheduling.Customer
}

func newSalon(t *testing.T) *salon {
	t.Helper()
	b := setup(t)
	s := &salon{bundle: b, owner: b.owner()}
	staffUser, clientUser := b.user(tenancy.RoleStaff), b.user(tenancy.RoleCustomer)
	s.staff, s.client = b.as(tenancy.RoleStaff, staffUser), b.as(tenancy.RoleCustomer, clientUser)
	s.ana, s.bob = b.resource(s.owner, "STAFF", "Ana"), b.resource(s.owner, "STAFF", "Bob", login(staffUser))
	s.room, s.machine = b.resource(s.owner, "ROOM", "Attic"), b.resource(s.owner, "EQUIPMENT", "Machine")
	s.cut = b.serviceOf(s.owner, scheduling.ServiceInput{
		Name: "Cut", DurationMinutes: 45, BufferBeforeMinutes: 5, BufferAfterMinutes: 10, IsActive: true,
		Price:        &scheduling.Money{Amount: 4500, Currency: "EUR"},
		Requirements: []scheduling.Requirement{{ResourceType: "ROOM"}, {ResourceType: "STAFF"}},
	})
	s.carla = b.customerOf(s.owner, scheduling.CustomerInput{Name: "Carla", Status: "ACTIVE", UserID: &clientUser})
	s.dan = b.customer(s.owner, "Dan")
	return s
}

// wish is a cut for Carla at noon.
func (s *salon) wish(resources ...*scheduling.Resource) scheduling.AppointmentInput {
	in := scheduling.AppointmentInput{ServiceID: s.cut.ID, CustomerID: s.carla.ID, StartAt: noon}
	for _, r := range resources {
		in.ResourceIDs = append(in.ResourceIDs, r.ID)
	}
	return in
}

func ids(resources ...*scheduling.Resource) []uuid.UUID {
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
	in.StartAt = noon.In(time.FixedZone("", -5*3600))
	a := s.book(s.owner, in)

	assert.Equal(t, &scheduling.Appointment{
		ID: a.ID, Status: "CONFIRMED", StartAt: noon, EndAt: noon.Add(45 * time.Minute), ServiceID: s.cut.ID, CustomerID: s.carla.ID,
		ResourceIDs: ids(s.bob, s.room),
		Service:     scheduling.Reference{ID: s.cut.ID, Name: "Cut"}, Customer: scheduling.Reference{ID: s.carla.ID, Name: "Carla"},
		Resources: []scheduling.ResourceReference{
			{ID: s.bob.ID, Name: "Bob", Type: "STAFF"}, {ID: s.room.ID, Name: "Attic", Type: "ROOM"},
		},
		BufferBeforeMinutes: 5, BufferAfterMinutes: 10, Price: scheduling.Money{Amount: 4500, Currency: "EUR"},
		Notes: "Brings her own shampoo", CreatedAt: now, UpdatedAt: now, Version: 1,
	}, a)
	got, err := s.appointments.Get(ctx, s.owner, a.ID)
	require.NoError(t, err)
	assert.Equal(t, a, got, "what is returned is what is kept")

	assert.Equal(t, 2, s.count(`SELECT count(*) FROM allocations
		WHERE active AND lane = 0 AND start_at = $1 AND end_at = $2`, noon.Add(-5*time.Minute), noon.Add(55*time.Minute)))
	assert.Equal(t, 1, s.used(s.owner, entitle.MaxAppointments))
	assert.Equal(t, 1, s.count("SELECT count(*) FROM appointments WHERE quota_period = '2026-11-01' AND service_version = 1"))
	raw, err := json.Marshal(a)
	require.NoError(t, err)
	assert.JSONEq(t, string(raw), s.lastEvent(s.owner))
	assert.Equal(t, 1, strings.Count(string(raw), `"start_at":`))
}

func TestBookChoosesResources(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	first := s.book(s.owner, s.wish())
	assert.Equal(t, ids(s.ana, s.room), first.ResourceIDs)

	second := s.resource(s.owner, "ROOM", "Basement")
	assert.Equal(t, ids(s.bob, second), s.book(s.owner, s.wish()).ResourceIDs)

	_, err := s.appointments.Create(t.Context(), s.owner, s.wish())
	taken := refusal(t, apperr.SlotTaken, err)
	assert.ElementsMatch(t, []scheduling.Conflict{
		{ResourceID: s.room.ID, ResourceName: "Attic", Reason: "booked"},
		{ResourceID: second.ID, ResourceName: "Basement", Reason: "booked"},
	}, taken.Members["conflicts"])

	anything := s.service(s.owner)
	in := s.wish(s.machine, s.resource(s.owner, "STAFF", "Cleo"))
	in.ServiceID = anything.ID
	assert.Len(t, s.book(s.owner, in).ResourceIDs, 2, "without requirements it takes what is named")
	in.ResourceIDs = nil
	_, err = s.appointments.Create(t.Context(), s.owner, in)
	assert.Len(t, refusal(t, apperr.SlotTaken, err).Members["conflicts"], 5, "staff or a room, not equipment")
}

func TestBookRespectsBuffers(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	s.book(s.owner, s.wish(s.ana))
	for minutes, free := range map[int]bool{0: false, 59: false, 60: true, -59: false, -60: true} {
		in := s.wish(s.ana)
		in.StartAt = noon.Add(time.Duration(minutes) * time.Minute)
		a, err := s.appointments.Create(t.Context(), s.owner, in)
		if !free {
			requireCode(t, apperr.SlotTaken, err)
			continue
		}
		require.NoError(t, err, minutes)
		require.NoError(t, s.appointments.Delete(t.Context(), s.owner, a.ID, nil))
	}
}

func TestLongestAppointmentsAreNotOverlooked(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	long := s.serviceOf(s.owner, scheduling.ServiceInput{
		Name: "Retreat", DurationMinutes: 1440, BufferBeforeMinutes: 720, BufferAfterMinutes: 720, IsActive: true,
	})
	in := s.wish(s.ana)
	in.ServiceID = long.ID
	s.book(s.owner, in)
	short := s.serviceOf(s.owner, scheduling.ServiceInput{Name: "Hello", DurationMinutes: 1, IsActive: true})
	in.ServiceID = short.ID
	for at, free := range map[time.Duration]bool{
		-12*time.Hour - time.Minute: true, -12 * time.Hour: false, 36*time.Hour - time.Minute: false, 36 * time.Hour: true,
	} {
		in.StartAt = noon.Add(at)
		_, err := s.appointments.Create(t.Context(), s.owner, in)
		if free {
			require.NoError(t, err, at)
		} else {
			requireCode(t, apperr.SlotTaken, err)
		}
	}
}

func TestBookWithWrongReferences(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	box := s.sandbox()
	foreignService, foreignCustomer, foreignResource := s.service(box), s.customer(box, "Nobody"), s.resource(box, "STAFF", "Nobody")
	off := s.resource(s.owner, "STAFF", "Off", func(in *scheduling.ResourceInput) { in.IsActive = false })
	offService := s.serviceOf(s.owner, scheduling.ServiceInput{Name: "Off", DurationMinutes: 1})
	equipped := s.service(s.owner, "STAFF", "EQUIPMENT", "EQUIPMENT")
	blocked := s.customerOf(s.owner, scheduling.CustomerInput{Name: "Bad", Status: "BLOCKED"})
	gone := s.customerOf(s.owner, scheduling.CustomerInput{Name: "Gone", Status: "INACTIVE"})

	for name, test := range map[string]struct {
		change  func(*scheduling.AppointmentInput)
		pointer string
	}{
		"unknown service":           {func(in *scheduling.AppointmentInput) { in.ServiceID = uuid.New() }, "/service_id"},
		"service of the other mode": {func(in *scheduling.AppointmentInput) { in.ServiceID = foreignService.ID }, "/service_id"},
		"inactive service":          {func(in *scheduling.AppointmentInput) { in.ServiceID = offService.ID }, "/service_id"},
		"unknown customer":          {func(in *scheduling.AppointmentInput) { in.CustomerID = uuid.New() }, "/customer_id"},
		"customer of the other mode": {
			func(in *scheduling.AppointmentInput) { in.CustomerID = foreignCustomer.ID }, "/customer_id",
		},
		"blocked customer":  {func(in *scheduling.AppointmentInput) { in.CustomerID = blocked.ID }, "/customer_id"},
		"inactive customer": {func(in *scheduling.AppointmentInput) { in.CustomerID = gone.ID }, "/customer_id"},
		"both unknown": {
			func(in *scheduling.AppointmentInput) { in.ServiceID, in.CustomerID = uuid.New(), uuid.New() }, "/customer_id",
		},
		"unknown resource": {
			func(in *scheduling.AppointmentInput) { in.ResourceIDs = []uuid.UUID{s.ana.ID, uuid.New()} }, "/resource_ids/1",
		},
		"resource of the other mode": {
			func(in *scheduling.AppointmentInput) { in.ResourceIDs = []uuid.UUID{foreignResource.ID} }, "/resource_ids/0",
		},
		"inactive resource": {func(in *scheduling.AppointmentInput) { in.ResourceIDs = ids(s.room, off) }, "/resource_ids/1"},
		"resource of a type that is not needed": {
			func(in *scheduling.AppointmentInput) { in.ResourceIDs = ids(s.machine) }, "/resource_ids/0",
		},
		"one too many":              {func(in *scheduling.AppointmentInput) { in.ResourceIDs = ids(s.ana, s.bob) }, "/resource_ids/1"},
		"not enough of a type":      {func(in *scheduling.AppointmentInput) { in.ServiceID = equipped.ID }, "/resource_ids"},
		"not a whole minute":        {func(in *scheduling.AppointmentInput) { in.StartAt = noon.Add(time.Second) }, "/start_at"},
		"not even a whole second":   {func(in *scheduling.AppointmentInput) { in.StartAt = noon.Add(1) }, "/start_at"},
		"before anything":           {func(in *scheduling.AppointmentInput) { in.StartAt = time.Time{} }, "/start_at"},
		"a year with five digits":   {func(in *scheduling.AppointmentInput) { in.StartAt = noon.AddDate(8000, 0, 0) }, "/start_at"},
		"the first year that is no": {func(in *scheduling.AppointmentInput) { in.StartAt = time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC) }, "/start_at"},
	} {
		in := s.wish()
		test.change(&in)
		_, err := s.appointments.Create(t.Context(), s.owner, in)
		requireField(t, test.pointer, err)
		assert.Equal(t, 0, s.count("SELECT count(*) FROM appointments"), name)
	}
	assert.Equal(t, 0, s.used(s.owner, entitle.MaxAppointments))
}

func TestStaffBookThemselves(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	a := s.book(s.staff, s.wish())
	assert.Equal(t, ids(s.bob, s.room), a.ResourceIDs, "their own resource, although Ana comes first")

	_, err := s.appointments.Create(ctx, s.staff, s.wish())
	taken := refusal(t, apperr.SlotTaken, err)
	assert.Equal(t, s.bob.ID, taken.Members["conflicts"].([]scheduling.Conflict)[0].ResourceID, "Ana is free, but not theirs")

	later := s.wish(s.room)
	later.StartAt = noon.Add(3 * time.Hour)
	assert.Equal(t, ids(s.bob, s.room), s.book(s.staff, later).ResourceIDs)
	later.ResourceIDs = ids(s.ana)
	_, err = s.appointments.Create(ctx, s.staff, later)
	requireCode(t, apperr.RoleNotAllowed, err)
	later.ResourceIDs = ids(s.ana, s.room)
	_, err = s.appointments.Create(ctx, s.staff, later)
	requireCode(t, apperr.RoleNotAllowed, err)
	later.ResourceIDs = []uuid.UUID{uuid.New()}
	_, err = s.appointments.Create(ctx, s.staff, later)
	requireField(t, "/resource_ids/0", err)

	anything := later
	anything.ServiceID, anything.ResourceIDs = s.service(s.owner).ID, ids(s.ana)
	_, err = s.appointments.Create(ctx, s.staff, anything)
	requireCode(t, apperr.RoleNotAllowed, err)
	anything.ResourceIDs = nil
	anything.StartAt = noon.Add(6 * time.Hour)
	assert.Equal(t, ids(s.bob), s.book(s.staff, anything).ResourceIDs)

	_, err = s.appointments.Create(ctx, s.as(tenancy.RoleStaff, uuid.New()), s.wish())
	requireCode(t, apperr.RoleNotAllowed, err)
	onlyRoom := later
	onlyRoom.ServiceID, onlyRoom.ResourceIDs = s.service(s.owner, "ROOM").ID, nil
	_, err = s.appointments.Create(ctx, s.staff, onlyRoom)
	requireCode(t, apperr.RoleNotAllowed, err)
}

func TestAppointmentsOfOthersDoNotExist(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	in := s.wish(s.ana)
	in.CustomerID = s.dan.ID
	foreign := s.book(s.owner, in)
	in = s.wish(s.bob)
	in.StartAt = noon.Add(2 * time.Hour)
	own := s.book(s.owner, in)
	nobody := s.bundle.owner()
	nobody.Principal = nil

	for name, scope := range map[string]*tenancy.Scope{
		"staff": s.staff, "customer": s.client, "nobody": nobody, "other mode": s.sandbox(), "unknown role": s.as("WIZARD", uuid.New()),
	} {
		for action, err := range s.touch(scope, foreign.ID) {
			requireCode(t, apperr.NotFound, err)
			_ = action
		}
		_, err := s.appointments.Get(ctx, scope, own.ID)
		if name == "staff" || name == "customer" {
			require.NoError(t, err)
		} else {
			requireCode(t, apperr.NotFound, err)
		}
	}
	got, err := s.appointments.Get(ctx, s.owner, foreign.ID)
	require.NoError(t, err)
	assert.Equal(t, foreign, got, "nothing was changed")

	for action, err := range s.touch(s.owner, uuid.New()) {
		requireCode(t, apperr.NotFound, err)
		_ = action
	}
	_, err = s.appointments.Cancel(ctx, s.client, own.ID, nil, scheduling.CancelInput{Reason: "ill"})
	require.NoError(t, err)
	_, err = s.appointments.Get(ctx, s.staff, own.ID)
	require.NoError(t, err, "staff see what they were booked for, cancelled or not")
}

// touch does everything to an appointment that needs it to exist.
func (s *salon) touch(scope *tenancy.Scope, id uuid.UUID) map[string]error {
	ctx := s.Context()
	errs := map[string]error{}
	_, errs["get"] = s.appointments.Get(ctx, scope, id)
	_, errs["history"] = s.appointments.History(ctx, scope, id, keyset.Page{})
	_, errs["update"] = s.appointments.Update(ctx, scope, id, nil, scheduling.AppointmentPatch{Notes: new("x")})
	_, errs["reschedule"] = s.appointments.Reschedule(ctx, scope, id, nil, scheduling.RescheduleInput{StartAt: noon.Add(time.Hour)})
	_, errs["cancel"] = s.appointments.Cancel(ctx, scope, id, nil, scheduling.CancelInput{})
	_, errs["confirm"] = s.appointments.Confirm(ctx, scope, id, nil, false)
	_, errs["decline"] = s.appointments.Decline(ctx, scope, id, nil, "")
	_, errs["terms"] = s.appointments.Terms(ctx, scope, id)
	_, errs["complete"] = s.appointments.Complete(ctx, scope, id, nil)
	_, errs["no-show"] = s.appointments.MarkNoShow(ctx, scope, id, nil)
	errs["delete"] = s.appointments.Delete(ctx, scope, id, nil)
	return errs
}

func TestListAppointments(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	talk := s.serviceOf(s.owner, scheduling.ServiceInput{Name: "Talk", DurationMinutes: 30, RequiresApproval: true, IsActive: true})
	var all []uuid.UUID
	add := func(hour int, service *scheduling.Service, customer *scheduling.Customer, resources ...*scheduling.Resource) uuid.UUID {
		t.Helper()
		all = append(all, s.book(s.owner, scheduling.AppointmentInput{
			ServiceID: service.ID, CustomerID: customer.ID, StartAt: noon.Add(time.Duration(hour) * time.Hour), ResourceIDs: ids(resources...),
		}).ID)
		return all[len(all)-1]
	}
	a := add(0, s.cut, s.carla, s.ana)
	b := add(0, talk, s.dan, s.bob)
	c := add(1, talk, s.carla, s.bob)
	d := add(2, s.cut, s.dan, s.bob)
	e := add(24, talk, s.carla, s.ana)
	_, err := s.appointments.Cancel(ctx, s.owner, d, nil, scheduling.CancelInput{})
	require.NoError(t, err)

	read := func(scope *tenancy.Scope, filter scheduling.AppointmentFilter, limit int) []uuid.UUID {
		t.Helper()
		list := []uuid.UUID{}
		for _, a := range collect(t, limit, func(p keyset.Page) (keyset.List[scheduling.Appointment], error) {
			return s.appointments.List(ctx, scope, filter, p)
		}) {
			list = append(list, a.ID)
			one, err := s.appointments.Get(ctx, scope, a.ID)
			require.NoError(t, err)
			assert.Equal(t, *one, a, "a list shows the same as a single one")
		}
		return list
	}
	for limit := 1; limit <= 6; limit++ {
		assert.Equal(t, all, read(s.owner, scheduling.AppointmentFilter{}, limit))
	}
	for name, test := range map[string]struct {
		scope  *tenancy.Scope
		filter scheduling.AppointmentFilter
		want   []uuid.UUID
	}{
		"from is inclusive":     {s.owner, scheduling.AppointmentFilter{From: new(noon.Add(time.Hour))}, []uuid.UUID{c, d, e}},
		"to is exclusive":       {s.owner, scheduling.AppointmentFilter{To: new(noon.Add(time.Hour))}, []uuid.UUID{a, b}},
		"both":                  {s.owner, scheduling.AppointmentFilter{From: new(noon.Add(1)), To: new(noon.Add(24 * time.Hour))}, []uuid.UUID{c, d}},
		"to a nanosecond after": {s.owner, scheduling.AppointmentFilter{To: new(noon.Add(1))}, []uuid.UUID{a, b}},
		"an empty range":        {s.owner, scheduling.AppointmentFilter{From: new(noon.Add(1)), To: &noon}, []uuid.UUID{}},
		"one status":            {s.owner, scheduling.AppointmentFilter{Statuses: []string{"PENDING"}}, []uuid.UUID{b, c, e}},
		"two statuses":          {s.owner, scheduling.AppointmentFilter{Statuses: []string{"CANCELLED", "CONFIRMED"}}, []uuid.UUID{a, d}},
		"a resource":            {s.owner, scheduling.AppointmentFilter{ResourceID: &s.bob.ID}, []uuid.UUID{b, c, d}},
		"a room":                {s.owner, scheduling.AppointmentFilter{ResourceID: &s.room.ID}, []uuid.UUID{a, d}},
		"a customer":            {s.owner, scheduling.AppointmentFilter{CustomerID: &s.dan.ID}, []uuid.UUID{b, d}},
		"a service":             {s.owner, scheduling.AppointmentFilter{ServiceID: &talk.ID}, []uuid.UUID{b, c, e}},
		"nobody's":              {s.owner, scheduling.AppointmentFilter{CustomerID: new(uuid.New())}, []uuid.UUID{}},
		"all at once":           {s.owner, scheduling.AppointmentFilter{From: &noon, Statuses: []string{"PENDING"}, ResourceID: &s.bob.ID, CustomerID: &s.carla.ID, ServiceID: &talk.ID}, []uuid.UUID{c}},
		"all but the customer":  {s.owner, scheduling.AppointmentFilter{From: &noon, Statuses: []string{"PENDING"}, ResourceID: &s.bob.ID, ServiceID: &talk.ID}, []uuid.UUID{b, c}},
		"staff":                 {s.staff, scheduling.AppointmentFilter{}, []uuid.UUID{b, c, d}},
		"staff and a resource":  {s.staff, scheduling.AppointmentFilter{ResourceID: &s.room.ID}, []uuid.UUID{d}},
		"staff and a colleague": {s.staff, scheduling.AppointmentFilter{ResourceID: &s.ana.ID}, []uuid.UUID{}},
		"staff and a customer":  {s.staff, scheduling.AppointmentFilter{CustomerID: &s.carla.ID}, []uuid.UUID{c}},
		"staff of nothing":      {s.as(tenancy.RoleStaff, uuid.New()), scheduling.AppointmentFilter{}, []uuid.UUID{}},
		"a customer's own":      {s.client, scheduling.AppointmentFilter{}, []uuid.UUID{a, c, e}},
		"asking for oneself":    {s.client, scheduling.AppointmentFilter{CustomerID: &s.carla.ID}, []uuid.UUID{a, c, e}},
		"asking for another":    {s.client, scheduling.AppointmentFilter{CustomerID: &s.dan.ID}, []uuid.UUID{}},
		"a client's resource":   {s.client, scheduling.AppointmentFilter{ResourceID: &s.ana.ID}, []uuid.UUID{a, e}},
		"a login without more":  {s.as(tenancy.RoleCustomer, uuid.New()), scheduling.AppointmentFilter{}, []uuid.UUID{}},
		"the other mode":        {s.sandbox(), scheduling.AppointmentFilter{}, []uuid.UUID{}},
		"a manager":             {s.as(tenancy.RoleManager, uuid.New()), scheduling.AppointmentFilter{}, all},
		"a superuser":           {s.as(tenancy.RoleSuperuser, uuid.New()), scheduling.AppointmentFilter{}, all},
		"far away instants":     {s.owner, scheduling.AppointmentFilter{From: new(time.Time{}), To: new(noon.AddDate(9000, 0, 0))}, all},
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
		in.StartAt = noon.Add(time.Duration(i) * time.Hour)
		s.book(s.owner, in)
	}
	page, err := s.appointments.List(ctx, s.owner, scheduling.AppointmentFilter{From: &noon}, keyset.Page{Limit: 1})
	require.NoError(t, err)
	next := keyset.Page{Limit: 5, Cursor: *page.NextCursor}
	page, err = s.appointments.List(ctx, s.owner, scheduling.AppointmentFilter{From: new(noon.In(time.FixedZone("", 3600)))}, next)
	require.NoError(t, err, "the same instant in another spelling")
	assert.Len(t, page.Data, 2)
	_, err = s.appointments.List(ctx, s.owner, scheduling.AppointmentFilter{}, next)
	requireCode(t, apperr.InvalidCursor, err)
	next.Cursor = "nonsense"
	_, err = s.appointments.List(ctx, s.owner, scheduling.AppointmentFilter{}, next)
	requireCode(t, apperr.InvalidCursor, err)
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	const refused = "refused"
	actions := map[string]func(uuid.UUID) (*scheduling.Appointment, error){
		"CONFIRMED": func(id uuid.UUID) (*scheduling.Appointment, error) {
			return s.appointments.Confirm(ctx, s.owner, id, nil, false)
		},
		"DECLINED": func(id uuid.UUID) (*scheduling.Appointment, error) {
			return s.appointments.Decline(ctx, s.owner, id, nil, "a reason")
		},
		"COMPLETED": func(id uuid.UUID) (*scheduling.Appointment, error) {
			return s.appointments.Complete(ctx, s.owner, id, nil)
		},
		"NO_SHOW": func(id uuid.UUID) (*scheduling.Appointment, error) {
			return s.appointments.MarkNoShow(ctx, s.owner, id, nil)
		},
		"CANCELLED": func(id uuid.UUID) (*scheduling.Appointment, error) {
			return s.appointments.Cancel(ctx, s.owner, id, nil, scheduling.CancelInput{Reason: "a reason"})
		},
	}
	allowed := map[[2]string]bool{
		{"PENDING", "CONFIRMED"}: true, {"PENDING", "COMPLETED"}: true, {"PENDING", "NO_SHOW"}: true, {"PENDING", "CANCELLED"}: true,
		{"PENDING", "DECLINED"}:    true,
		{"CONFIRMED", "COMPLETED"}: true, {"CONFIRMED", "NO_SHOW"}: true, {"CONFIRMED", "CANCELLED"}: true,
	}
	ask := s.serviceOf(s.owner, scheduling.ServiceInput{Name: "Ask", DurationMinutes: 10, RequiresApproval: true, IsActive: true})
	for _, from := range []string{"PENDING", "CONFIRMED", "COMPLETED", "CANCELLED", "DECLINED", "NO_SHOW"} {
		for to, act := range actions {
			in := s.wish(s.ana)
			in.ServiceID = ask.ID
			a := s.book(s.owner, in)
			require.Equal(t, "PENDING", a.Status)
			if from != "PENDING" {
				var err error
				a, err = actions[from](a.ID)
				require.NoError(t, err)
			}
			events := len(s.eventTypes(s.owner))

			got, err := act(a.ID)
			switch {
			case from == to:
				require.NoError(t, err)
				assert.Equal(t, a, got, "%s again changes nothing", to)
				assert.Len(t, s.eventTypes(s.owner), events)
			case !allowed[[2]string{from, to}]:
				assert.Equal(t, from, refusal(t, apperr.InvalidTransition, err).Members["current_status"], refused)
			default:
				require.NoError(t, err)
				s.checkTransition(a, got, to)
			}
			require.NoError(t, s.appointments.Delete(ctx, s.owner, a.ID, nil))
		}
	}
}

func (s *salon) checkTransition(before, after *scheduling.Appointment, to string) {
	s.Helper()
	want := *before
	want.Status, want.Version = to, before.Version+1
	if to == "CANCELLED" {
		want.CancellationReason, want.CancelledAt = "a reason", &now
		want.Cancellation = &scheduling.Cancellation{Fee: scheduling.Money{Currency: before.Price.Currency}, WindowHours: 24}
	}
	if to == "DECLINED" {
		want.CancellationReason = "a reason"
	}
	assert.Equal(s, &want, after)
	kept, err := s.appointments.Get(s.Context(), s.owner, after.ID)
	require.NoError(s, err)
	assert.Equal(s, after, kept)
	holds := to == "CONFIRMED"
	assert.Equal(s, holds, s.count("SELECT count(*) FROM allocations WHERE appointment_id = $1 AND active", after.ID) > 0)
	types := s.eventTypes(s.owner)
	assert.Equal(s, "appointment."+strings.ToLower(to), types[len(types)-1])
}

func TestOnlyOpenAppointmentsHoldTheirTime(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	for _, end := range []func(uuid.UUID) error{
		func(id uuid.UUID) error {
			_, err := s.appointments.Cancel(ctx, s.owner, id, nil, scheduling.CancelInput{})
			return err
		},
		func(id uuid.UUID) error { _, err := s.appointments.Complete(ctx, s.owner, id, nil); return err },
		func(id uuid.UUID) error { _, err := s.appointments.MarkNoShow(ctx, s.owner, id, nil); return err },
		func(id uuid.UUID) error { return s.appointments.Delete(ctx, s.owner, id, nil) },
	} {
		a := s.book(s.owner, s.wish(s.ana))
		_, err := s.appointments.Create(ctx, s.owner, s.wish(s.ana))
		requireCode(t, apperr.SlotTaken, err)
		require.NoError(t, end(a.ID))
	}
	s.book(s.owner, s.wish(s.ana))
	assert.Equal(t, 4, s.used(s.owner, entitle.MaxAppointments), "only deleting gives the quota back")
}

func TestReschedule(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	a := s.book(s.owner, s.wish(s.ana))
	_, err := s.services.Update(ctx, s.owner, s.cut.ID, nil, scheduling.ServicePatch{
		DurationMinutes: new(int32(120)), BufferAfterMinutes: new(int32(300)), Price: &scheduling.Money{Amount: 1, Currency: "EUR"},
		IsActive: new(false), Requirements: &[]scheduling.Requirement{{ResourceType: "EQUIPMENT"}},
	})
	require.NoError(t, err)

	moved, err := s.appointments.Reschedule(ctx, s.owner, a.ID, new(int32(1)), scheduling.RescheduleInput{StartAt: noon.Add(30 * time.Minute)})
	require.NoError(t, err, "its own time does not stand in its way")
	want := *a
	want.StartAt, want.EndAt, want.Version = noon.Add(30*time.Minute), noon.Add(75*time.Minute), 2
	assert.Equal(t, &want, moved, "everything else is as it was booked")
	kept, err := s.appointments.Get(ctx, s.owner, a.ID)
	require.NoError(t, err)
	assert.Equal(t, moved, kept)
	assert.Equal(t, 2, s.count("SELECT count(*) FROM allocations WHERE start_at = $1 AND end_at = $2", noon.Add(25*time.Minute), noon.Add(85*time.Minute)))

	_, err = s.appointments.Reschedule(ctx, s.owner, a.ID, new(int32(1)), scheduling.RescheduleInput{StartAt: noon})
	requireCode(t, apperr.VersionMismatch, err)
	same, err := s.appointments.Reschedule(ctx, s.owner, a.ID, nil, scheduling.RescheduleInput{StartAt: moved.StartAt})
	require.NoError(t, err)
	assert.Equal(t, moved, same, "a move to where it is changes nothing")
	_, err = s.appointments.Reschedule(ctx, s.owner, a.ID, nil, scheduling.RescheduleInput{StartAt: noon.Add(time.Second)})
	requireField(t, "/start_at", err)
	_, err = s.appointments.Reschedule(ctx, s.owner, a.ID, nil, scheduling.RescheduleInput{StartAt: noon, ResourceIDs: ids(s.bob)})
	requireField(t, "/resource_ids/0", err)

	changed, err := s.appointments.Reschedule(ctx, s.owner, a.ID, nil, scheduling.RescheduleInput{StartAt: noon, ResourceIDs: ids(s.machine)})
	require.NoError(t, err)
	assert.Equal(t, ids(s.machine), changed.ResourceIDs, "resources are chosen as the service requires now")
	assert.Equal(t, 1, s.used(s.owner, entitle.MaxAppointments))
	types := s.eventTypes(s.owner)
	assert.Equal(t, []string{"appointment.created", "service.updated", "appointment.rescheduled", "appointment.rescheduled"}, types[len(types)-4:])

	_, err = s.appointments.Cancel(ctx, s.owner, a.ID, nil, scheduling.CancelInput{})
	require.NoError(t, err)
	_, err = s.appointments.Reschedule(ctx, s.owner, a.ID, nil, scheduling.RescheduleInput{StartAt: noon})
	assert.Equal(t, "CANCELLED", refusal(t, apperr.InvalidTransition, err).Members["current_status"])
}

func TestRescheduleConflicts(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	a := s.book(s.owner, s.wish(s.bob))
	in := s.wish(s.ana)
	in.StartAt = noon.Add(2 * time.Hour)
	blocking := s.book(s.owner, in)
	second := s.resource(s.owner, "ROOM", "Basement")

	_, err := s.appointments.Reschedule(ctx, s.owner, a.ID, nil, scheduling.RescheduleInput{StartAt: blocking.StartAt, ResourceIDs: ids(s.bob, s.room)})
	assert.Equal(t, []scheduling.Conflict{{ResourceID: s.room.ID, ResourceName: "Attic", Reason: "booked"}},
		refusal(t, apperr.SlotTaken, err).Members["conflicts"], "it gets what is named, or nothing")
	kept, err := s.appointments.Get(ctx, s.owner, a.ID)
	require.NoError(t, err)
	assert.Equal(t, a, kept)
	moved, err := s.appointments.Reschedule(ctx, s.owner, a.ID, nil, scheduling.RescheduleInput{StartAt: blocking.StartAt})
	require.NoError(t, err)
	assert.Equal(t, ids(s.bob, second), moved.ResourceIDs, "its room is taken, another is free")
	moved, err = s.appointments.Reschedule(ctx, s.owner, a.ID, nil, scheduling.RescheduleInput{StartAt: noon, ResourceIDs: ids(s.ana)})
	require.NoError(t, err)
	assert.Equal(t, ids(s.ana, second), moved.ResourceIDs, "what is left open stays if it can")

	_, err = s.resources.Update(ctx, s.owner, s.ana.ID, nil, scheduling.ResourcePatch{IsActive: new(false)})
	require.NoError(t, err)
	moved, err = s.appointments.Reschedule(ctx, s.owner, a.ID, nil, scheduling.RescheduleInput{StartAt: noon.Add(24 * time.Hour)})
	require.NoError(t, err)
	assert.Equal(t, ids(s.bob, second), moved.ResourceIDs, "who is not active does nothing more")
	_, err = s.resources.Update(ctx, s.owner, s.bob.ID, nil, scheduling.ResourcePatch{IsActive: new(false)})
	require.NoError(t, err)
	_, err = s.appointments.Reschedule(ctx, s.owner, a.ID, nil, scheduling.RescheduleInput{StartAt: noon.Add(48 * time.Hour)})
	requireField(t, "/resource_ids", err)
}

func TestStaffRescheduleTheirOwn(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	a := s.book(s.owner, s.wish(s.bob))
	_, err := s.appointments.Reschedule(ctx, s.staff, a.ID, nil, scheduling.RescheduleInput{StartAt: noon.Add(5 * time.Hour)})
	assert.Equal(t, "resources_can_reschedule", refusal(t, apperr.RefusedByPolicy, err).Members["policy"])
	s.policy("resources_can_reschedule", true)
	later := noon.Add(5 * time.Hour)
	moved, err := s.appointments.Reschedule(ctx, s.staff, a.ID, nil, scheduling.RescheduleInput{StartAt: later})
	require.NoError(t, err)
	assert.Equal(t, ids(s.bob, s.room), moved.ResourceIDs)
	_, err = s.appointments.Reschedule(ctx, s.staff, a.ID, nil, scheduling.RescheduleInput{StartAt: later, ResourceIDs: ids(s.ana)})
	requireCode(t, apperr.RoleNotAllowed, err)
	_, err = s.appointments.Reschedule(ctx, s.staff, a.ID, nil, scheduling.RescheduleInput{StartAt: noon, ResourceIDs: ids(s.room)})
	require.NoError(t, err)
}

func TestAppointmentHistory(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	a := s.book(s.owner, s.wish(s.ana))
	_, err := s.appointments.Update(ctx, s.owner, a.ID, new(int32(1)), scheduling.AppointmentPatch{Notes: new("quiet")})
	require.NoError(t, err)
	_, err = s.appointments.Update(ctx, s.owner, a.ID, new(int32(1)), scheduling.AppointmentPatch{Notes: new("late")})
	requireCode(t, apperr.VersionMismatch, err)
	requireCode(t, apperr.VersionMismatch, s.appointments.Delete(ctx, s.owner, a.ID, new(int32(1))))
	_, err = s.appointments.Confirm(ctx, s.owner, a.ID, new(int32(1)), false)
	requireCode(t, apperr.VersionMismatch, err)
	_, err = s.appointments.Reschedule(ctx, s.owner, a.ID, nil, scheduling.RescheduleInput{StartAt: noon.Add(time.Hour), ResourceIDs: ids(s.bob)})
	require.NoError(t, err)
	_, err = s.appointments.Cancel(ctx, s.client, a.ID, new(int32(3)), scheduling.CancelInput{Reason: "ill"})
	require.NoError(t, err)

	read := func(p keyset.Page) (keyset.List[scheduling.AppointmentChange], error) {
		return s.appointments.History(ctx, s.client, a.ID, p)
	}
	got := collect(t, 1, read)
	assert.Equal(t, collect(t, 10, read), got)
	strings := func(list ...*scheduling.Resource) (texts []any) {
		for _, r := range list {
			texts = append(texts, r.ID.String())
		}
		return texts
	}
	at := func(d time.Duration) string { return noon.Add(d).Format(time.RFC3339) }
	assert.Equal(t, []scheduling.AppointmentChange{
		{Version: 2, Action: "UPDATED", ActorUserID: &s.owner.Principal.UserID, OccurredAt: now, Changes: map[string]scheduling.FieldChange{
			"notes": {From: "", To: "quiet"},
		}},
		{Version: 3, Action: "RESCHEDULED", ActorUserID: &s.owner.Principal.UserID, OccurredAt: now, Changes: map[string]scheduling.FieldChange{
			"start_at":     {From: at(0), To: at(time.Hour)},
			"end_at":       {From: at(45 * time.Minute), To: at(105 * time.Minute)},
			"resource_ids": {From: strings(s.ana, s.room), To: strings(s.bob, s.room)},
		}},
		{Version: 4, Action: "CANCELLED", ActorUserID: &s.client.Principal.UserID, OccurredAt: now, Changes: map[string]scheduling.FieldChange{
			"status":              {From: "CONFIRMED", To: "CANCELLED"},
			"cancellation_reason": {From: "", To: "ill"},
		}},
	}, got)

	require.NoError(t, s.appointments.Delete(ctx, s.owner, a.ID, new(int32(4))))
	assert.Equal(t, 0, s.count("SELECT count(*) FROM appointment_changes"))
	assert.Equal(t, 0, s.count("SELECT count(*) FROM allocations"))
	assert.Equal(t, 0, s.used(s.owner, entitle.MaxAppointments))
}

func TestAppointmentQuotaGoesBackToItsMonth(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	s.limit(entitle.MaxAppointments, 1)
	ctx := t.Context()
	a := s.book(s.owner, s.wish())
	in := s.wish()
	in.StartAt = noon.Add(5 * time.Hour)
	_, err := s.appointments.Create(ctx, s.owner, in)
	requireCode(t, apperr.QuotaExceeded, err)
	assert.Equal(t, 1, s.count("SELECT count(*) FROM appointments"), "the refused one left nothing")

	december := s.bundle.owner()
	december.Now = time.Date(2026, time.December, 2, 0, 0, 0, 0, time.UTC)
	december.Entitlements.Now = december.Now
	inDecember := s.wish()
	inDecember.StartAt = december.Now.Add(12 * time.Hour)
	s.book(december, inDecember)
	require.NoError(t, s.appointments.Delete(ctx, december, a.ID, nil))
	s.book(s.owner, in)
	inDecember.StartAt = december.Now.Add(17 * time.Hour)
	_, err = s.appointments.Create(ctx, december, inDecember)
	requireCode(t, apperr.QuotaExceeded, err)
}
