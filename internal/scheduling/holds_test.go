package scheduling_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// later is the scope of the same caller after some time.
func later(scope *tenancy.Scope, d time.Duration) *tenancy.Scope {
	next := *scope
	next.Now = scope.Now.Add(d)
	return &next
}

func (b *bundle) hold(scope *tenancy.Scope, in scheduling.HoldInput) *scheduling.Hold {
	b.Helper()
	h, err := b.appointments.CreateHold(b.Context(), scope, in)
	require.NoError(b, err)
	return h
}

// held is a business with one room, and a hold on it at noon.
type held struct {
	*bundle
	scope    *tenancy.Scope
	room     *scheduling.Resource
	service  *scheduling.Service
	customer *scheduling.Customer
	hold     *scheduling.Hold
	// booking is what the hold becomes.
	booking scheduling.AppointmentInput
}

func setupHeld(t *testing.T) *held {
	t.Helper()
	b := setup(t)
	h := &held{bundle: b, scope: b.owner()}
	h.room = b.resource(h.scope, "ROOM", "Quiet Room")
	h.service, h.customer = b.service(h.scope, "ROOM"), b.customer(h.scope, "Carla")
	h.hold = b.hold(h.scope, scheduling.HoldInput{ServiceID: h.service.ID, StartAt: noon})
	h.booking = scheduling.AppointmentInput{ServiceID: h.service.ID, CustomerID: h.customer.ID, StartAt: noon, HoldID: &h.hold.ID}
	return h
}

func (h *held) withoutHold() scheduling.AppointmentInput {
	in := h.booking
	in.HoldID = nil
	return in
}

func TestHoldKeepsItsTime(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	ctx := t.Context()
	assert.Equal(t, now.Add(5*time.Minute), h.hold.ExpiresAt)
	assert.Equal(t, []uuid.UUID{h.room.ID}, h.hold.ResourceIDs)
	assert.Equal(t, h.service.Price, h.hold.Price)
	read, err := h.appointments.GetHold(ctx, h.scope, h.hold.ID)
	require.NoError(t, err)
	assert.Equal(t, h.hold.ExpiresAt, read.ExpiresAt)
	assert.Equal(t, h.hold.Resources, read.Resources)

	_, err = h.appointments.Create(ctx, h.scope, h.withoutHold())
	conflicts := refusal(t, apperr.SlotTaken, err).Members["conflicts"].([]scheduling.Conflict)
	assert.Equal(t, string(availability.Held), conflicts[0].Reason)
	_, err = h.appointments.CreateHold(ctx, h.scope, scheduling.HoldInput{ServiceID: h.service.ID, StartAt: noon.Add(30 * time.Minute)})
	requireCode(t, apperr.SlotTaken, err)
	other := h.book(h.scope, scheduling.AppointmentInput{ServiceID: h.service.ID, CustomerID: h.customer.ID, StartAt: noon.Add(2 * time.Hour)})
	_, err = h.appointments.Reschedule(ctx, h.scope, other.ID, nil, scheduling.RescheduleInput{StartAt: noon})
	requireCode(t, apperr.SlotTaken, err)

	found, err := h.appointments.Search(ctx, h.scope, scheduling.AvailabilityInput{
		ServiceID: h.service.ID, From: "2026-11-23T12:00:00Z", To: "2026-11-23T12:01:00Z", Explain: true,
	})
	require.NoError(t, err)
	require.Empty(t, found.Slots)
	assert.Equal(t, availability.Reason{Code: availability.Held, ResourceID: h.room.ID, ObjectID: h.hold.ID}, found.Refused[0].Reasons[0])
	assert.Equal(t, 1, h.used(h.scope, entitle.MaxAppointments), "a hold uses up nothing")
	assert.Contains(t, h.eventTypes(h.scope), "hold.created")
}

// From the instant of its expiry on, a hold stands in nobody's way, although nothing runs
// that would clear it away.
func TestExpiredHoldNeverBlocks(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(h *held, scope *tenancy.Scope) error{
		"search": func(h *held, scope *tenancy.Scope) error {
			found, err := h.appointments.Search(h.Context(), scope, scheduling.AvailabilityInput{
				ServiceID: h.service.ID, From: "2026-11-23T12:00:00Z", To: "2026-11-23T12:01:00Z",
			})
			require.Len(h, found.Slots, 1)
			return err
		},
		"create": func(h *held, scope *tenancy.Scope) error {
			_, err := h.appointments.Create(h.Context(), scope, h.withoutHold())
			return err
		},
		"hold": func(h *held, scope *tenancy.Scope) error {
			_, err := h.appointments.CreateHold(h.Context(), scope, scheduling.HoldInput{ServiceID: h.service.ID, StartAt: noon})
			return err
		},
		"reschedule": func(h *held, scope *tenancy.Scope) error {
			in := h.withoutHold()
			in.StartAt = noon.Add(2 * time.Hour)
			other := h.book(scope, in)
			_, err := h.appointments.Reschedule(h.Context(), scope, other.ID, nil, scheduling.RescheduleInput{StartAt: noon})
			return err
		},
		"delete the resource": func(h *held, scope *tenancy.Scope) error {
			return h.resources.Delete(h.Context(), scope, h.room.ID, nil)
		},
		"delete the service": func(h *held, scope *tenancy.Scope) error {
			return h.services.Delete(h.Context(), scope, h.service.ID, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setupHeld(t)
			h.T = t
			require.NoError(t, use(h, later(h.scope, 5*time.Minute)))
			switch name {
			case "create", "hold", "reschedule":
				assert.Contains(t, h.eventTypes(h.scope), "hold.expired", "whoever clears it says so")
			default:
				assert.NotContains(t, h.eventTypes(h.scope), "hold.expired")
			}
			if name == "hold" {
				list, err := h.appointments.ListHolds(t.Context(), later(h.scope, 5*time.Minute), page100)
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
	_, err := h.appointments.Create(t.Context(), later(h.scope, 5*time.Minute-time.Microsecond), h.withoutHold())
	requireCode(t, apperr.SlotTaken, err)
	requireCode(t, apperr.InUse, h.resources.Delete(t.Context(), h.scope, h.room.ID, nil))
}

func TestBookHeld(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	ctx := t.Context()
	// What changes after it was held does not matter any more.
	_, err := h.services.Update(ctx, h.scope, h.service.ID, nil, scheduling.ServicePatch{Price: &scheduling.Money{Amount: 9900, Currency: "EUR"}})
	require.NoError(t, err)
	_, err = h.timeOffs.Create(ctx, h.scope, scheduling.TimeOffInput{StartAt: noon.Add(-time.Hour), EndAt: noon.Add(time.Hour)})
	require.NoError(t, err)
	h.booking.ResourceIDs, h.booking.Notes = []uuid.UUID{h.room.ID}, "by the window"
	booked, err := h.appointments.Create(ctx, later(h.scope, 5*time.Minute-time.Microsecond), h.booking)
	require.NoError(t, err)
	assert.Equal(t, int64(5000), booked.Price.Amount)
	assert.Equal(t, scheduling.StatusConfirmed, booked.Status)
	read, err := h.appointments.Get(ctx, h.scope, booked.ID)
	require.NoError(t, err)
	assert.Equal(t, read, booked)
	h.checkLanes(h.scope)
	hold, err := h.appointments.GetHold(ctx, later(h.scope, time.Hour), h.hold.ID)
	require.NoError(t, err)
	assert.Equal(t, scheduling.HoldBooked, hold.Status)
	assert.Equal(t, &booked.ID, hold.AppointmentID)

	// It is an appointment like any other: long after the hold, it still has its time.
	_, err = h.appointments.Create(ctx, later(h.scope, time.Hour), h.withoutHold())
	requireCode(t, apperr.SlotTaken, err)
	_, err = h.appointments.Create(ctx, later(h.scope, time.Hour), h.booking)
	assert.Equal(t, &booked.ID, refusal(t, apperr.HoldUsed, err).Members["appointment_id"])
	requireCode(t, apperr.HoldUsed, h.appointments.ReleaseHold(ctx, h.scope, h.hold.ID))
	types := h.eventTypes(h.scope)
	assert.Subset(t, types, []string{"hold.created", "hold.booked", "appointment.created"})
	require.NoError(t, h.appointments.Delete(ctx, h.scope, booked.ID, nil))
	_, err = h.appointments.GetHold(ctx, h.scope, h.hold.ID)
	requireCode(t, apperr.NotFound, err)
}

func TestBookHeldMustAgreeWithTheHold(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	ctx := t.Context()
	otherService := h.serviceOf(h.scope, scheduling.ServiceInput{Name: "Other", DurationMinutes: 60, IsActive: true}).ID
	other := h.resource(h.scope, "ROOM", "Other")
	blocked := h.customerOf(h.scope, scheduling.CustomerInput{Name: "Bob", Status: scheduling.CustomerBlocked})
	for pointer, change := range map[string]func(in *scheduling.AppointmentInput){
		"/service_id":     func(in *scheduling.AppointmentInput) { in.ServiceID = otherService },
		"/start_at":       func(in *scheduling.AppointmentInput) { in.StartAt = noon.Add(time.Minute) },
		"/resource_ids/0": func(in *scheduling.AppointmentInput) { in.ResourceIDs = ids(other) },
		"/customer_id":    func(in *scheduling.AppointmentInput) { in.CustomerID = blocked.ID },
		"/hold_id":        func(in *scheduling.AppointmentInput) { id := uuid.New(); in.HoldID = &id },
	} {
		in := h.booking
		change(&in)
		_, err := h.appointments.Create(ctx, h.scope, in)
		requireField(t, pointer, err)
	}
	forCarla, err := h.appointments.CreateHold(ctx, h.scope, scheduling.HoldInput{
		ServiceID: h.service.ID, StartAt: noon, ResourceIDs: ids(other), CustomerID: &h.customer.ID,
	})
	require.NoError(t, err)
	in := h.booking
	in.HoldID, in.CustomerID = &forCarla.ID, h.customer.ID
	wrong := in
	wrong.CustomerID = h.customerOf(h.scope, scheduling.CustomerInput{Name: "Dora", Status: scheduling.CustomerActive}).ID
	_, err = h.appointments.Create(ctx, h.scope, wrong)
	requireField(t, "/customer_id", err)
	_, err = h.appointments.Create(ctx, h.scope, in)
	require.NoError(t, err)
	// A quota that is used up leaves the hold as it is.
	h.limit(entitle.MaxAppointments, 1)
	_, err = h.appointments.Create(ctx, h.scope, h.booking)
	requireCode(t, apperr.QuotaExceeded, err)
	hold, err := h.appointments.GetHold(ctx, h.scope, h.hold.ID)
	require.NoError(t, err)
	assert.Equal(t, scheduling.HoldActive, hold.Status)
}

func TestExpiredHoldIsNeverBooked(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	ctx, over := t.Context(), later(h.scope, 5*time.Minute)
	for range 2 {
		_, err := h.appointments.Create(ctx, over, h.booking)
		assert.Equal(t, h.hold.ExpiresAt, refusal(t, apperr.HoldExpired, err).Members["expired_at"])
		// The second time, somebody has cleared it away.
		hold, err := h.appointments.GetHold(ctx, over, h.hold.ID)
		require.NoError(t, err)
		assert.Equal(t, scheduling.HoldExpired, hold.Status)
		_, err = h.appointments.CreateHold(ctx, over, scheduling.HoldInput{ServiceID: h.service.ID, StartAt: noon, TTL: time.Minute})
		if err != nil {
			requireCode(t, apperr.SlotTaken, err)
		}
	}
	// Not even by a request that has been under way since before the expiry.
	_, err := h.appointments.Create(ctx, h.scope, h.booking)
	requireCode(t, apperr.HoldExpired, err)
	require.NoError(t, h.appointments.ReleaseHold(ctx, over, h.hold.ID))
}

func TestReleaseHold(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	ctx := t.Context()
	require.NoError(t, h.appointments.ReleaseHold(ctx, h.scope, h.hold.ID))
	requireCode(t, apperr.NotFound, h.appointments.ReleaseHold(ctx, h.scope, h.hold.ID))
	_, err := h.appointments.Create(ctx, h.scope, h.booking)
	requireField(t, "/hold_id", err)
	_, err = h.appointments.Create(ctx, h.scope, h.withoutHold())
	require.NoError(t, err)
	assert.Contains(t, h.eventTypes(h.scope), "hold.released")

	over := h.bundle.hold(h.scope, scheduling.HoldInput{ServiceID: h.service.ID, StartAt: noon.Add(3 * time.Hour)})
	require.NoError(t, h.appointments.ReleaseHold(ctx, later(h.scope, time.Hour), over.ID))
	assert.Equal(t, "hold.expired", h.eventTypes(h.scope)[len(h.eventTypes(h.scope))-1])
}

func TestHoldEndsAtItsStart(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	soon := now.Add(10 * time.Minute)
	hold := h.bundle.hold(h.scope, scheduling.HoldInput{ServiceID: h.service.ID, StartAt: soon, TTL: time.Hour})
	assert.Equal(t, soon, hold.ExpiresAt)
	assert.Equal(t, now.Add(time.Minute), h.bundle.hold(h.scope, scheduling.HoldInput{
		ServiceID: h.service.ID, StartAt: noon.Add(24 * time.Hour), TTL: time.Minute,
	}).ExpiresAt)
}

func TestHoldsCountForLimits(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	one := int32(1)
	_, err := h.services.Update(t.Context(), h.scope, h.service.ID, nil, scheduling.ServicePatch{MaxPerDay: scheduling.Clearable[int32]{Given: true, To: &one}})
	require.NoError(t, err)
	in := h.withoutHold()
	in.StartAt = noon.Add(3 * time.Hour)
	_, err = h.appointments.Create(t.Context(), h.scope, in)
	requireCode(t, apperr.LimitDay, err)
	_, err = h.appointments.Create(t.Context(), later(h.scope, 5*time.Minute), in)
	require.NoError(t, err)
}

func TestWhoSeesHolds(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	ctx := t.Context()
	staffUser, customerUser := h.user(tenancy.RoleStaff), h.user(tenancy.RoleCustomer)
	staff, customer := h.as(tenancy.RoleStaff, staffUser), h.as(tenancy.RoleCustomer, customerUser)
	nobody := &tenancy.Scope{Now: now, Tenant: h.tenant, Env: h.tenant.Live}

	// Without a record a customer holds nothing.
	in := scheduling.HoldInput{ServiceID: h.service.ID, StartAt: noon.Add(2 * time.Hour)}
	_, err := h.appointments.CreateHold(ctx, customer, in)
	requireCode(t, apperr.RoleNotAllowed, err)
	_, err = h.appointments.CreateHold(ctx, nobody, in)
	requireCode(t, apperr.RoleNotAllowed, err)
	me := h.customerOf(h.scope, scheduling.CustomerInput{Name: "Me", Status: scheduling.CustomerActive, UserID: &customerUser})
	in.CustomerID = &h.customer.ID
	_, err = h.appointments.CreateHold(ctx, customer, in)
	requireField(t, "/customer_id", err)
	in.CustomerID = nil
	own := h.bundle.hold(customer, in)
	assert.Equal(t, &me.ID, own.CustomerID)
	_, err = h.appointments.CreateHold(ctx, customer, scheduling.HoldInput{ServiceID: h.service.ID, StartAt: noon})
	conflicts := refusal(t, apperr.SlotTaken, err).Members["conflicts"].([]scheduling.Conflict)
	assert.Equal(t, string(availability.NotAvailable), conflicts[0].Reason)

	// Staff hold what they are a resource of.
	_, err = h.appointments.CreateHold(ctx, staff, scheduling.HoldInput{ServiceID: h.service.ID, StartAt: noon.Add(4 * time.Hour)})
	requireCode(t, apperr.RoleNotAllowed, err)
	h.resource(h.scope, "ROOM", "Mine", login(staffUser))
	mine := h.bundle.hold(staff, scheduling.HoldInput{ServiceID: h.service.ID, StartAt: noon.Add(4 * time.Hour)})

	for _, c := range []struct {
		scope *tenancy.Scope
		sees  []uuid.UUID
	}{
		{h.scope, []uuid.UUID{h.hold.ID, own.ID, mine.ID}},
		{staff, []uuid.UUID{mine.ID}},
		{customer, []uuid.UUID{own.ID}},
		{nobody, nil},
		{h.sandbox(), nil},
	} {
		seen := []uuid.UUID{}
		for _, hold := range collect(t, 1, func(p keyset.Page) (keyset.List[scheduling.Hold], error) {
			return h.appointments.ListHolds(ctx, c.scope, p)
		}) {
			seen = append(seen, hold.ID)
		}
		assert.ElementsMatch(t, c.sees, seen)
		for _, hold := range []*scheduling.Hold{h.hold, own, mine} {
			_, err := h.appointments.GetHold(ctx, c.scope, hold.ID)
			if assert.ObjectsAreEqual(nil, err) != (len(c.sees) == 3 || len(c.sees) == 1 && c.sees[0] == hold.ID) {
				t.Errorf("GetHold %v of %v", err, c.sees)
			}
			if err != nil {
				requireCode(t, apperr.NotFound, h.appointments.ReleaseHold(ctx, c.scope, hold.ID))
			}
		}
	}
	// A customer books their own hold, and nobody else's.
	_, err = h.appointments.Create(ctx, customer, scheduling.AppointmentInput{ServiceID: h.service.ID, CustomerID: me.ID, StartAt: noon, HoldID: &h.hold.ID})
	requireField(t, "/hold_id", err)
	_, err = h.appointments.Create(ctx, customer, scheduling.AppointmentInput{ServiceID: h.service.ID, CustomerID: h.customer.ID, StartAt: own.StartAt, HoldID: &own.ID})
	requireField(t, "/customer_id", err)
	_, err = h.appointments.Create(ctx, customer, scheduling.AppointmentInput{ServiceID: h.service.ID, CustomerID: me.ID, StartAt: own.StartAt, HoldID: &own.ID})
	require.NoError(t, err)
	_, err = h.appointments.Create(ctx, customer, scheduling.AppointmentInput{ServiceID: h.service.ID, CustomerID: me.ID, StartAt: noon.Add(6 * time.Hour)})
	require.NoError(t, err)

	// Whoever answers for the caller needs no user.
	public, err := h.appointments.CreateHoldFor(ctx, nobody, scheduling.HoldInput{ServiceID: h.service.ID, StartAt: noon.Add(8 * time.Hour)})
	require.NoError(t, err)
	_, err = h.appointments.GetHoldFor(ctx, nobody, public.ID)
	require.NoError(t, err)
	require.NoError(t, h.appointments.ReleaseHoldFor(ctx, nobody, public.ID))
}

func TestOldHoldsAreRemoved(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	next := later(h.scope, 25*time.Hour)
	next.Now = next.Now.Add(time.Minute)
	h.bundle.hold(next, scheduling.HoldInput{ServiceID: h.service.ID, StartAt: noon.Add(72 * time.Hour)})
	assert.Equal(t, 1, h.count("SELECT count(*) FROM holds"))
	assert.Equal(t, 1, h.count("SELECT count(*) FROM allocations"))
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
				require.NoError(t, h.appointments.ReleaseHold(t.Context(), scope, h.hold.ID))
			}
			errs := together(rivals, func(i int) error {
				if i%2 == 0 {
					_, err := h.appointments.CreateHold(t.Context(), scope, scheduling.HoldInput{ServiceID: h.service.ID, StartAt: noon})
					return err
				}
				_, err := h.appointments.Create(t.Context(), scope, h.withoutHold())
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
		errs := together(16, func(i int) error {
			if i == 0 {
				_, err := h.appointments.Create(t.Context(), h.scope, h.booking)
				return err
			}
			_, err := h.appointments.Create(t.Context(), over, h.withoutHold())
			return err
		})
		won := winners(t, apperr.SlotTaken, errs[1:])
		if errs[0] == nil {
			assert.Zero(t, won)
		} else {
			requireCode(t, apperr.HoldExpired, errs[0])
			assert.Equal(t, 1, won)
		}
		h.checkLanes(h.scope)
	}
}

func TestParallelBookingsOfOneHold(t *testing.T) {
	t.Parallel()
	h := setupHeld(t)
	errs := together(rivals, func(int) error {
		_, err := h.appointments.Create(t.Context(), h.scope, h.booking)
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
	scope := b.owner()
	ana, bob := b.resource(scope, "STAFF", "Ana"), b.resource(scope, "STAFF", "Bob")
	one, both := b.service(scope, "STAFF"), b.service(scope, "STAFF", "STAFF")
	customer := b.customer(scope, "Carla")
	for _, r := range []*scheduling.Resource{bob, ana} {
		for _, after := range []time.Duration{0, time.Hour} {
			b.hold(scope, scheduling.HoldInput{ServiceID: one.ID, StartAt: noon.Add(after), ResourceIDs: ids(r)})
		}
	}
	over := later(scope, 5*time.Minute)
	errs := together(rivals, func(i int) error {
		in := scheduling.AppointmentInput{ServiceID: both.ID, CustomerID: customer.ID, StartAt: noon.Add(30 * time.Minute), ResourceIDs: ids(ana, bob)}
		if i%2 == 0 {
			in.ResourceIDs = ids(bob, ana)
		}
		_, err := b.appointments.Create(t.Context(), over, in)
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
	ctx, owner := t.Context(), b.owner()
	b.deadlocksAreErrors()
	b.policy("max_holds_per_customer", 3)
	b.resource(owner, "ROOM", "Hall", capacity(4))
	service := b.service(owner, "ROOM")
	user := b.user(tenancy.RoleCustomer)
	customer := b.as(tenancy.RoleCustomer, user)
	carla := b.customerOf(owner, scheduling.CustomerInput{Name: "Carla", Status: "ACTIVE", UserID: &user})
	hold := func(scope *tenancy.Scope, i int) (*scheduling.Hold, error) {
		return b.appointments.CreateHold(ctx, scope, scheduling.HoldInput{ServiceID: service.ID, StartAt: noon.Add(time.Duration(i) * time.Hour)})
	}
	for i := range 4 {
		_, err := b.appointments.CreateHold(ctx, owner, scheduling.HoldInput{
			ServiceID: service.ID, StartAt: noon.Add(time.Duration(i) * time.Hour), CustomerID: &carla.ID, TTL: time.Hour,
		})
		require.NoError(t, err)
	}
	errs := together(16, func(i int) error { _, err := hold(customer, i); return err })
	require.Equal(t, 3, winners(t, apperr.TooManyHolds, errs))
	_, err := hold(customer, 20)
	assert.Equal(t, int32(3), refusal(t, apperr.TooManyHolds, err).Members["limit"])

	// What is released, booked or over does not count.
	list, err := b.appointments.ListHolds(ctx, customer, page100)
	require.NoError(t, err)
	require.NoError(t, b.appointments.ReleaseHold(ctx, customer, list.Data[0].ID))
	_, err = hold(customer, 20)
	require.NoError(t, err)
	_, err = b.appointments.Create(ctx, customer, scheduling.AppointmentInput{
		ServiceID: service.ID, CustomerID: carla.ID, StartAt: list.Data[1].StartAt, HoldID: &list.Data[1].ID,
	})
	require.NoError(t, err)
	_, err = hold(customer, 21)
	require.NoError(t, err)
	_, err = hold(customer, 22)
	requireCode(t, apperr.TooManyHolds, err)
	for i := range 3 {
		_, err = hold(later(customer, scheduling.DefaultHoldTTL), 30+i)
		require.NoError(t, err)
	}
}

// A hold that is over keeps no resource from being deleted, and what it leaves behind keeps
// nobody from booking what else it held.
func TestHoldsOutliveTheirResources(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	ana, room := b.resource(scope, "STAFF", "Ana"), b.resource(scope, "ROOM", "Attic")
	both, customer := b.service(scope, "STAFF", "ROOM"), b.customer(scope, "Carla")
	held := b.hold(scope, scheduling.HoldInput{ServiceID: both.ID, StartAt: noon, ResourceIDs: ids(ana, room)})
	over := later(scope, time.Hour)
	require.NoError(t, b.resources.Delete(ctx, over, ana.ID, nil))

	found, err := b.appointments.GetHold(ctx, over, held.ID)
	require.NoError(t, err)
	assert.Equal(t, ids(room), found.ResourceIDs)
	_, err = b.appointments.Create(ctx, over, scheduling.AppointmentInput{
		ServiceID: b.service(scope, "ROOM").ID, CustomerID: customer.ID, StartAt: noon,
	})
	require.NoError(t, err)
	require.NoError(t, b.appointments.ReleaseHold(ctx, over, held.ID))
}
