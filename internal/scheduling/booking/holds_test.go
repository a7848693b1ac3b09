package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

// later is the scope of the same caller after some time.
func later(scope *tenancy.Scope, d time.Duration) *tenancy.Scope {
	next := *scope
	next.Now = scope.Now.Add(d)
	return &next
}

func (b *bundle) hold(scope *tenancy.Scope, in booking.HoldInput) *booking.Hold {
	b.Helper()
	h, err := b.Holds.Create(b.Context(), scope, viewer.Of(scope), in)
	require.NoError(b, err)
	return h
}

// held is a business with one room, and a hold on it at noon.
type held struct {
	*bundle
	scope    *tenancy.Scope
	room     *catalog.Resource
	service  *catalog.Service
	customer *customers.Customer
	hold     *booking.Hold
	// booking is what the hold becomes.
	booking booking.AppointmentInput
}

func setupHeld(t *testing.T) *held {
	t.Helper()
	b := setup(t)
	h := &held{bundle: b, scope: b.Owner()}
	h.room = b.Resource(h.scope, "ROOM", "Quiet Room")
	h.service, h.customer = b.Service(h.scope, "ROOM"), b.Customer(h.scope, "Carla")
	h.hold = b.hold(h.scope, booking.HoldInput{ServiceID: h.service.ID, StartAt: schedulingtest.Noon})
	h.booking = booking.AppointmentInput{ServiceID: h.service.ID, CustomerID: h.customer.ID, StartAt: schedulingtest.Noon, HoldID: &h.hold.ID}
	return h
}

func (h *held) withoutHold() booking.AppointmentInput {
	in := h.booking
	in.HoldID = nil
	return in
}

func TestHoldKeepsItsTime(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	ctx := t.Context()
	assert.Equal(t, schedulingtest.Now.Add(5*time.Minute), h.hold.ExpiresAt)
	assert.Equal(t, []uuid.UUID{h.room.ID}, h.hold.ResourceIDs)
	assert.Equal(t, h.service.Price, h.hold.Price)
	read, err := h.Holds.Get(ctx, h.scope, viewer.Of(h.scope), h.hold.ID)
	require.NoError(t, err)
	assert.Equal(t, h.hold.ExpiresAt, read.ExpiresAt)
	assert.Equal(t, h.hold.Resources, read.Resources)

	_, err = h.Appointments.Create(ctx, h.scope, h.withoutHold())
	conflicts := schedulingtest.Refusal(t, apperr.SlotTaken, err).Members["conflicts"].([]booking.Conflict)
	assert.Equal(t, string(availability.Held), conflicts[0].Reason)
	_, err = h.Holds.Create(ctx, h.scope, viewer.Of(h.scope), booking.HoldInput{ServiceID: h.service.ID, StartAt: schedulingtest.Noon.Add(30 * time.Minute)})
	schedulingtest.RequireCode(t, apperr.SlotTaken, err)
	other := h.Book(h.scope, booking.AppointmentInput{ServiceID: h.service.ID, CustomerID: h.customer.ID, StartAt: schedulingtest.Noon.Add(2 * time.Hour)})
	_, err = h.Appointments.Reschedule(ctx, h.scope, viewer.Of(h.scope), other.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon})
	schedulingtest.RequireCode(t, apperr.SlotTaken, err)

	found, err := h.Search.Slots(ctx, h.scope, booking.AvailabilityInput{
		ServiceID: h.service.ID, From: "2026-11-23T12:00:00Z", To: "2026-11-23T12:01:00Z", Explain: true,
	})
	require.NoError(t, err)
	require.Empty(t, found.Slots)
	assert.Equal(t, availability.Reason{Code: availability.Held, ResourceID: h.room.ID, ObjectID: h.hold.ID}, found.Refused[0].Reasons[0])
	assert.Equal(t, 1, h.Used(h.scope, entitle.MaxAppointments), "a hold uses up nothing")
	assert.Contains(t, h.EventTypes(h.scope), "hold.created")
}

// From the instant of its expiry on, a hold stands in nobody's way, although nothing runs
// that would clear it away.
func TestExpiredHoldNeverBlocks(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(h *held, scope *tenancy.Scope) error{
		"search": func(h *held, scope *tenancy.Scope) error {
			found, err := h.Search.Slots(h.Context(), scope, booking.AvailabilityInput{
				ServiceID: h.service.ID, From: "2026-11-23T12:00:00Z", To: "2026-11-23T12:01:00Z",
			})
			require.Len(h, found.Slots, 1)
			return err
		},
		"create": func(h *held, scope *tenancy.Scope) error {
			_, err := h.Appointments.Create(h.Context(), scope, h.withoutHold())
			return err
		},
		"hold": func(h *held, scope *tenancy.Scope) error {
			_, err := h.Holds.Create(h.Context(), scope, viewer.Of(scope), booking.HoldInput{ServiceID: h.service.ID, StartAt: schedulingtest.Noon})
			return err
		},
		"reschedule": func(h *held, scope *tenancy.Scope) error {
			in := h.withoutHold()
			in.StartAt = schedulingtest.Noon.Add(2 * time.Hour)
			other := h.Book(scope, in)
			_, err := h.Appointments.Reschedule(h.Context(), scope, viewer.Of(scope), other.ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon})
			return err
		},
		"delete the resource": func(h *held, scope *tenancy.Scope) error {
			return h.Resources.Delete(h.Context(), scope, h.room.ID, nil)
		},
		"delete the service": func(h *held, scope *tenancy.Scope) error {
			return h.Services.Delete(h.Context(), scope, h.service.ID, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setupHeld(t)
			h.T = t
			require.NoError(t, use(h, later(h.scope, 5*time.Minute)))
			switch name {
			case "create", "hold", "reschedule":
				assert.Contains(t, h.EventTypes(h.scope), "hold.expired", "whoever clears it says so")
			default:
				assert.NotContains(t, h.EventTypes(h.scope), "hold.expired")
			}
			if name == "hold" {
				list, err := h.Holds.List(t.Context(), later(h.scope, 5*time.Minute), schedulingtest.Page100)
				require.NoError(t, err)
				require.Len(t, list.Data, 1)
				require.NotEqual(t, h.hold.ID, list.Data[0].ID)
			}
		})
	}
}

func TestHoldHoldsUntilItExpires(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	_, err := h.Appointments.Create(t.Context(), later(h.scope, 5*time.Minute-time.Microsecond), h.withoutHold())
	schedulingtest.RequireCode(t, apperr.SlotTaken, err)
	schedulingtest.RequireCode(t, apperr.InUse, h.Resources.Delete(t.Context(), h.scope, h.room.ID, nil))
}

func TestBookHeld(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	ctx := t.Context()
	// What changes after it was held does not matter any more.
	_, err := h.Services.Update(ctx, h.scope, h.service.ID, nil, catalog.ServicePatch{Price: &money.Money{Amount: 9900, Currency: "EUR"}})
	require.NoError(t, err)
	_, err = h.TimeOffs.Create(ctx, h.scope, catalog.TimeOffInput{StartAt: schedulingtest.Noon.Add(-time.Hour), EndAt: schedulingtest.Noon.Add(time.Hour)})
	require.NoError(t, err)
	h.booking.ResourceIDs, h.booking.Notes = []uuid.UUID{h.room.ID}, "by the window"
	booked, err := h.Appointments.Create(ctx, later(h.scope, 5*time.Minute-time.Microsecond), h.booking)
	require.NoError(t, err)
	assert.Equal(t, int64(5000), booked.Price.Amount)
	assert.Equal(t, booking.StatusConfirmed, booked.Status)
	read, err := h.Appointments.Get(ctx, h.scope, viewer.Of(h.scope), booked.ID)
	require.NoError(t, err)
	assert.Equal(t, read, booked)
	h.checkLanes(h.scope)
	hold, err := h.Holds.Get(ctx, later(h.scope, time.Hour), viewer.Of(later(h.scope, time.Hour)), h.hold.ID)
	require.NoError(t, err)
	assert.Equal(t, booking.HoldBooked, hold.Status)
	assert.Equal(t, &booked.ID, hold.AppointmentID)

	// It is an appointment like any other: long after the hold, it still has its time.
	_, err = h.Appointments.Create(ctx, later(h.scope, time.Hour), h.withoutHold())
	schedulingtest.RequireCode(t, apperr.SlotTaken, err)
	_, err = h.Appointments.Create(ctx, later(h.scope, time.Hour), h.booking)
	assert.Equal(t, &booked.ID, schedulingtest.Refusal(t, apperr.HoldUsed, err).Members["appointment_id"])
	schedulingtest.RequireCode(t, apperr.HoldUsed, h.Holds.Release(ctx, h.scope, viewer.Of(h.scope), h.hold.ID))
	types := h.EventTypes(h.scope)
	assert.Subset(t, types, []string{"hold.created", "hold.booked", "appointment.created"})
	require.NoError(t, h.Appointments.Delete(ctx, h.scope, booked.ID, nil))
	_, err = h.Holds.Get(ctx, h.scope, viewer.Of(h.scope), h.hold.ID)
	schedulingtest.RequireCode(t, apperr.NotFound, err)
}

func TestBookHeldMustAgreeWithTheHold(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	ctx := t.Context()
	otherService := h.ServiceOf(h.scope, catalog.ServiceInput{Name: "Other", DurationMinutes: 60, IsActive: true}).ID
	other := h.Resource(h.scope, "ROOM", "Other")
	blocked := h.CustomerOf(h.scope, customers.Input{Name: "Bob", Status: customers.Blocked})
	for pointer, change := range map[string]func(in *booking.AppointmentInput){
		"/service_id":     func(in *booking.AppointmentInput) { in.ServiceID = otherService },
		"/start_at":       func(in *booking.AppointmentInput) { in.StartAt = schedulingtest.Noon.Add(time.Minute) },
		"/resource_ids/0": func(in *booking.AppointmentInput) { in.ResourceIDs = ids(other) },
		"/customer_id":    func(in *booking.AppointmentInput) { in.CustomerID = blocked.ID },
		"/hold_id":        func(in *booking.AppointmentInput) { id := uuid.New(); in.HoldID = &id },
	} {
		in := h.booking
		change(&in)
		_, err := h.Appointments.Create(ctx, h.scope, in)
		schedulingtest.RequireField(t, pointer, err)
	}
	forCarla, err := h.Holds.Create(ctx, h.scope, viewer.Of(h.scope), booking.HoldInput{
		ServiceID: h.service.ID, StartAt: schedulingtest.Noon, ResourceIDs: ids(other), CustomerID: &h.customer.ID,
	})
	require.NoError(t, err)
	in := h.booking
	in.HoldID, in.CustomerID = &forCarla.ID, h.customer.ID
	wrong := in
	wrong.CustomerID = h.CustomerOf(h.scope, customers.Input{Name: "Dora", Status: customers.Active}).ID
	_, err = h.Appointments.Create(ctx, h.scope, wrong)
	schedulingtest.RequireField(t, "/customer_id", err)
	_, err = h.Appointments.Create(ctx, h.scope, in)
	require.NoError(t, err)
	// A quota that is used up leaves the hold as it is.
	h.Limit(entitle.MaxAppointments, 1)
	_, err = h.Appointments.Create(ctx, h.scope, h.booking)
	schedulingtest.RequireCode(t, apperr.QuotaExceeded, err)
	hold, err := h.Holds.Get(ctx, h.scope, viewer.Of(h.scope), h.hold.ID)
	require.NoError(t, err)
	assert.Equal(t, booking.HoldActive, hold.Status)
}

func TestExpiredHoldIsNeverBooked(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	ctx, over := t.Context(), later(h.scope, 5*time.Minute)
	for range 2 {
		_, err := h.Appointments.Create(ctx, over, h.booking)
		assert.Equal(t, h.hold.ExpiresAt, schedulingtest.Refusal(t, apperr.HoldExpired, err).Members["expired_at"])
		// The second time, somebody has cleared it away.
		hold, err := h.Holds.Get(ctx, over, viewer.Of(over), h.hold.ID)
		require.NoError(t, err)
		assert.Equal(t, booking.HoldExpired, hold.Status)
		_, err = h.Holds.Create(ctx, over, viewer.Of(over), booking.HoldInput{ServiceID: h.service.ID, StartAt: schedulingtest.Noon, TTL: time.Minute})
		if err != nil {
			schedulingtest.RequireCode(t, apperr.SlotTaken, err)
		}
	}
	// Not even by a request that has been under way since before the expiry.
	_, err := h.Appointments.Create(ctx, h.scope, h.booking)
	schedulingtest.RequireCode(t, apperr.HoldExpired, err)
	require.NoError(t, h.Holds.Release(ctx, over, viewer.Of(over), h.hold.ID))
}

func TestReleaseHold(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	ctx := t.Context()
	require.NoError(t, h.Holds.Release(ctx, h.scope, viewer.Of(h.scope), h.hold.ID))
	schedulingtest.RequireCode(t, apperr.NotFound, h.Holds.Release(ctx, h.scope, viewer.Of(h.scope), h.hold.ID))
	_, err := h.Appointments.Create(ctx, h.scope, h.booking)
	schedulingtest.RequireField(t, "/hold_id", err)
	_, err = h.Appointments.Create(ctx, h.scope, h.withoutHold())
	require.NoError(t, err)
	assert.Contains(t, h.EventTypes(h.scope), "hold.released")

	over := h.bundle.hold(h.scope, booking.HoldInput{ServiceID: h.service.ID, StartAt: schedulingtest.Noon.Add(3 * time.Hour)})
	require.NoError(t, h.Holds.Release(ctx, later(h.scope, time.Hour), viewer.Of(later(h.scope, time.Hour)), over.ID))
	assert.Equal(t, "hold.expired", h.EventTypes(h.scope)[len(h.EventTypes(h.scope))-1])
}

func TestHoldEndsAtItsStart(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	soon := schedulingtest.Now.Add(10 * time.Minute)
	hold := h.bundle.hold(h.scope, booking.HoldInput{ServiceID: h.service.ID, StartAt: soon, TTL: time.Hour})
	assert.Equal(t, soon, hold.ExpiresAt)
	assert.Equal(t, schedulingtest.Now.Add(time.Minute), h.bundle.hold(h.scope, booking.HoldInput{
		ServiceID: h.service.ID, StartAt: schedulingtest.Noon.Add(24 * time.Hour), TTL: time.Minute,
	}).ExpiresAt)
}

func TestHoldsCountForLimits(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	one := int32(1)
	_, err := h.Services.Update(t.Context(), h.scope, h.service.ID, nil, catalog.ServicePatch{MaxPerDay: patch.Clearable[int32]{Given: true, To: &one}})
	require.NoError(t, err)
	in := h.withoutHold()
	in.StartAt = schedulingtest.Noon.Add(3 * time.Hour)
	_, err = h.Appointments.Create(t.Context(), h.scope, in)
	schedulingtest.RequireCode(t, apperr.LimitDay, err)
	_, err = h.Appointments.Create(t.Context(), later(h.scope, 5*time.Minute), in)
	require.NoError(t, err)
}

func TestWhoSeesHolds(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	ctx := t.Context()
	staffUser, customerUser := h.User(tenancy.RoleStaff), h.User(tenancy.RoleCustomer)
	staff, customer := h.As(tenancy.RoleStaff, staffUser), h.As(tenancy.RoleCustomer, customerUser)
	nobody := &tenancy.Scope{Now: schedulingtest.Now, Tenant: h.Tenant, Env: h.Tenant.Live}

	// Without a record a customer holds nothing.
	in := booking.HoldInput{ServiceID: h.service.ID, StartAt: schedulingtest.Noon.Add(2 * time.Hour)}
	_, err := h.Holds.Create(ctx, customer, viewer.Of(customer), in)
	schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
	_, err = h.Holds.Create(ctx, nobody, viewer.Of(nobody), in)
	schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
	me := h.CustomerOf(h.scope, customers.Input{Name: "Me", Status: customers.Active, UserID: &customerUser})
	in.CustomerID = &h.customer.ID
	_, err = h.Holds.Create(ctx, customer, viewer.Of(customer), in)
	schedulingtest.RequireField(t, "/customer_id", err)
	in.CustomerID = nil
	own := h.bundle.hold(customer, in)
	assert.Equal(t, &me.ID, own.CustomerID)
	_, err = h.Holds.Create(ctx, customer, viewer.Of(customer), booking.HoldInput{ServiceID: h.service.ID, StartAt: schedulingtest.Noon})
	conflicts := schedulingtest.Refusal(t, apperr.SlotTaken, err).Members["conflicts"].([]booking.Conflict)
	assert.Equal(t, string(availability.NotAvailable), conflicts[0].Reason)

	// Staff hold what they are a resource of.
	_, err = h.Holds.Create(ctx, staff, viewer.Of(staff), booking.HoldInput{ServiceID: h.service.ID, StartAt: schedulingtest.Noon.Add(4 * time.Hour)})
	schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
	h.Resource(h.scope, "ROOM", "Mine", schedulingtest.Login(staffUser))
	mine := h.bundle.hold(staff, booking.HoldInput{ServiceID: h.service.ID, StartAt: schedulingtest.Noon.Add(4 * time.Hour)})

	for _, c := range []struct {
		scope *tenancy.Scope
		sees  []uuid.UUID
	}{
		{h.scope, []uuid.UUID{h.hold.ID, own.ID, mine.ID}},
		{staff, []uuid.UUID{mine.ID}},
		{customer, []uuid.UUID{own.ID}},
		{nobody, nil},
		{h.Sandbox(), nil},
	} {
		seen := []uuid.UUID{}
		for _, hold := range schedulingtest.Collect(t, 1, func(p keyset.Page) (keyset.List[booking.Hold], error) {
			return h.Holds.List(ctx, c.scope, p)
		}) {
			seen = append(seen, hold.ID)
		}
		assert.ElementsMatch(t, c.sees, seen)
		for _, hold := range []*booking.Hold{h.hold, own, mine} {
			_, err := h.Holds.Get(ctx, c.scope, viewer.Of(c.scope), hold.ID)
			if assert.ObjectsAreEqual(nil, err) != (len(c.sees) == 3 || len(c.sees) == 1 && c.sees[0] == hold.ID) {
				t.Errorf("GetHold %v of %v", err, c.sees)
			}
			if err != nil {
				schedulingtest.RequireCode(t, apperr.NotFound, h.Holds.Release(ctx, c.scope, viewer.Of(c.scope), hold.ID))
			}
		}
	}
	// A customer books their own hold, and nobody else's.
	_, err = h.Appointments.Create(ctx, customer, booking.AppointmentInput{ServiceID: h.service.ID, CustomerID: me.ID, StartAt: schedulingtest.Noon, HoldID: &h.hold.ID})
	schedulingtest.RequireField(t, "/hold_id", err)
	_, err = h.Appointments.Create(ctx, customer, booking.AppointmentInput{ServiceID: h.service.ID, CustomerID: h.customer.ID, StartAt: own.StartAt, HoldID: &own.ID})
	schedulingtest.RequireField(t, "/customer_id", err)
	_, err = h.Appointments.Create(ctx, customer, booking.AppointmentInput{ServiceID: h.service.ID, CustomerID: me.ID, StartAt: own.StartAt, HoldID: &own.ID})
	require.NoError(t, err)
	_, err = h.Appointments.Create(ctx, customer, booking.AppointmentInput{ServiceID: h.service.ID, CustomerID: me.ID, StartAt: schedulingtest.Noon.Add(6 * time.Hour)})
	require.NoError(t, err)

	// Whoever answers for the caller needs no user.
	public, err := h.Holds.Create(ctx, nobody, viewer.Everything(), booking.HoldInput{ServiceID: h.service.ID, StartAt: schedulingtest.Noon.Add(8 * time.Hour)})
	require.NoError(t, err)
	_, err = h.Holds.Get(ctx, nobody, viewer.Bearer(public.ID), public.ID)
	require.NoError(t, err)
	require.NoError(t, h.Holds.Release(ctx, nobody, viewer.Bearer(public.ID), public.ID))
}

func TestOldHoldsAreRemoved(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	next := later(h.scope, 25*time.Hour)
	next.Now = next.Now.Add(time.Minute)
	h.bundle.hold(next, booking.HoldInput{ServiceID: h.service.ID, StartAt: schedulingtest.Noon.Add(72 * time.Hour)})
	assert.Equal(t, 1, h.Count("SELECT count(*) FROM holds"))
	assert.Equal(t, 1, h.Count("SELECT count(*) FROM allocations"))
}

// However many want one time, by holding or by booking: one has it.
func TestParallelHoldsAndBookingsOfOneSlot(t *testing.T) {
	t.Parallel()
	for name, expired := range map[string]bool{"free": false, "left by an expired hold": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setupHeld(t)
			h.T = t
			scope := h.scope
			if expired {
				scope = later(scope, 5*time.Minute)
			} else {
				require.NoError(t, h.Holds.Release(t.Context(), scope, viewer.Of(scope), h.hold.ID))
			}
			errs := schedulingtest.Parallel(rivals, func(i int) error {
				if i%2 == 0 {
					_, err := h.Holds.Create(t.Context(), scope, viewer.Of(scope), booking.HoldInput{ServiceID: h.service.ID, StartAt: schedulingtest.Noon})
					return err
				}
				_, err := h.Appointments.Create(t.Context(), scope, h.withoutHold())
				return err
			})
			assert.Equal(t, 1, winners(t, apperr.SlotTaken, errs))
			h.checkLanes(scope)
		})
	}
}

// At the instant at which a hold expires for some and not yet for others, either the one
// who books it has the time or one of those who want it, and never both.
func TestBookingAHoldWhileItExpires(t *testing.T) {
	t.Parallel()
	for range 8 {
		h := setupHeld(t)
		over := later(h.scope, 5*time.Minute)
		errs := schedulingtest.Parallel(16, func(i int) error {
			if i == 0 {
				_, err := h.Appointments.Create(t.Context(), h.scope, h.booking)
				return err
			}
			_, err := h.Appointments.Create(t.Context(), over, h.withoutHold())
			return err
		})
		won := winners(t, apperr.SlotTaken, errs[1:])
		if errs[0] == nil {
			assert.Zero(t, won)
		} else {
			schedulingtest.RequireCode(t, apperr.HoldExpired, errs[0])
			assert.Equal(t, 1, won)
		}
		h.checkLanes(h.scope)
	}
}

func TestParallelBookingsOfOneHold(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	errs := schedulingtest.Parallel(rivals, func(int) error {
		_, err := h.Appointments.Create(t.Context(), h.scope, h.booking)
		return err
	})
	assert.Equal(t, 1, winners(t, apperr.HoldUsed, errs))
	h.checkLanes(h.scope)
}

// Several holds that have expired together are cleared by several at once, in whatever
// order they find them.
func TestParallelClearingDoesNotDeadlock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.deadlocksAreErrors()
	scope := b.Owner()
	ana, bob := b.Resource(scope, "STAFF", "Ana"), b.Resource(scope, "STAFF", "Bob")
	one, both := b.Service(scope, "STAFF"), b.Service(scope, "STAFF", "STAFF")
	customer := b.Customer(scope, "Carla")
	for _, r := range []*catalog.Resource{bob, ana} {
		for _, after := range []time.Duration{0, time.Hour} {
			b.hold(scope, booking.HoldInput{ServiceID: one.ID, StartAt: schedulingtest.Noon.Add(after), ResourceIDs: ids(r)})
		}
	}
	over := later(scope, 5*time.Minute)
	errs := schedulingtest.Parallel(rivals, func(i int) error {
		in := booking.AppointmentInput{ServiceID: both.ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon.Add(30 * time.Minute), ResourceIDs: ids(ana, bob)}
		if i%2 == 0 {
			in.ResourceIDs = ids(bob, ana)
		}
		_, err := b.Appointments.Create(t.Context(), over, in)
		return err
	})
	assert.Equal(t, 1, winners(t, apperr.SlotTaken, errs))
	b.checkLanes(scope)
}

// A customer holds as much as the business allows, and no more, however many they ask for at
// once; the business itself is not bound.
func TestCustomersHoldSoMuchAndNoMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, owner := t.Context(), b.Owner()
	b.deadlocksAreErrors()
	b.SetPolicy("max_holds_per_customer", 3)
	b.Resource(owner, "ROOM", "Hall", schedulingtest.Capacity(4))
	service := b.Service(owner, "ROOM")
	user := b.User(tenancy.RoleCustomer)
	customer := b.As(tenancy.RoleCustomer, user)
	carla := b.CustomerOf(owner, customers.Input{Name: "Carla", Status: "ACTIVE", UserID: &user})
	hold := func(scope *tenancy.Scope, i int) (*booking.Hold, error) {
		return b.Holds.Create(ctx, scope, viewer.Of(scope), booking.HoldInput{ServiceID: service.ID, StartAt: schedulingtest.Noon.Add(time.Duration(i) * time.Hour)})
	}
	for i := range 4 {
		_, err := b.Holds.Create(ctx, owner, viewer.Of(owner), booking.HoldInput{
			ServiceID: service.ID, StartAt: schedulingtest.Noon.Add(time.Duration(i) * time.Hour), CustomerID: &carla.ID, TTL: time.Hour,
		})
		require.NoError(t, err)
	}
	errs := schedulingtest.Parallel(16, func(i int) error { _, err := hold(customer, i); return err })
	require.Equal(t, 3, winners(t, apperr.TooManyHolds, errs))
	_, err := hold(customer, 20)
	assert.Equal(t, int32(3), schedulingtest.Refusal(t, apperr.TooManyHolds, err).Members["limit"])

	// What is released, booked or over does not count.
	list, err := b.Holds.List(ctx, customer, schedulingtest.Page100)
	require.NoError(t, err)
	require.NoError(t, b.Holds.Release(ctx, customer, viewer.Of(customer), list.Data[0].ID))
	_, err = hold(customer, 20)
	require.NoError(t, err)
	_, err = b.Appointments.Create(ctx, customer, booking.AppointmentInput{
		ServiceID: service.ID, CustomerID: carla.ID, StartAt: list.Data[1].StartAt, HoldID: &list.Data[1].ID,
	})
	require.NoError(t, err)
	_, err = hold(customer, 21)
	require.NoError(t, err)
	_, err = hold(customer, 22)
	schedulingtest.RequireCode(t, apperr.TooManyHolds, err)
	for i := range 3 {
		_, err = hold(later(customer, booking.DefaultHoldTTL), 30+i)
		require.NoError(t, err)
	}
}

// A hold that is over keeps no resource from being deleted, and what it leaves behind keeps
// nobody from booking what else it held.
func TestHoldsOutliveTheirResources(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.Owner()
	ana, room := b.Resource(scope, "STAFF", "Ana"), b.Resource(scope, "ROOM", "Attic")
	both, customer := b.Service(scope, "STAFF", "ROOM"), b.Customer(scope, "Carla")
	held := b.hold(scope, booking.HoldInput{ServiceID: both.ID, StartAt: schedulingtest.Noon, ResourceIDs: ids(ana, room)})
	over := later(scope, time.Hour)
	require.NoError(t, b.Resources.Delete(ctx, over, ana.ID, nil))

	found, err := b.Holds.Get(ctx, over, viewer.Of(over), held.ID)
	require.NoError(t, err)
	assert.Equal(t, ids(room), found.ResourceIDs)
	_, err = b.Appointments.Create(ctx, over, booking.AppointmentInput{
		ServiceID: b.Service(scope, "ROOM").ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon,
	})
	require.NoError(t, err)
	require.NoError(t, b.Holds.Release(ctx, over, viewer.Of(over), held.ID))
}
