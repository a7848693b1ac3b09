package availability

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// number makes an id that sorts by n.
func number(n byte) uuid.UUID { return uuid.UUID{15: n} }

var (
	ana, bob, cleo = number(1), number(2), number(3)
	room1, room2   = number(11), number(12)
	laser          = number(21)
)

// minutes makes an interval relative to noon.
func minutes(lane, from, to int) Interval {
	return Interval{Lane: lane, Start: noon.Add(time.Duration(from) * time.Minute), End: noon.Add(time.Duration(to) * time.Minute)}
}

func one(id uuid.UUID, t ResourceType, busy ...Interval) Resource {
	return Resource{ID: id, Type: t, Active: true, Capacity: 1, Busy: busy}
}

func lanesOf(r Resource, capacity int) Resource {
	r.Capacity = capacity
	return r
}

// loaded has as many bookings in the night before noon, one minute each.
func loaded(r Resource, weight, load int) Resource {
	r.Weight = weight
	for i := range load {
		r.Busy = append(r.Busy, minutes(0, i-400, i-399))
	}
	return r
}

func inactive(r Resource) Resource {
	r.Active = false
	return r
}

func anyOf(types ...ResourceType) Requirement { return Requirement{Types: types} }
func oneOf(ids ...uuid.UUID) Requirement      { return Requirement{ResourceIDs: ids} }

func hour(requirements ...Requirement) Service {
	return Service{Active: true, Duration: time.Hour, Requirements: requirements}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	buffered := hour(anyOf(Staff))
	buffered.BufferBefore, buffered.BufferAfter = 10*time.Minute, 20*time.Minute
	off := hour()
	off.Active = false

	tests := map[string]struct {
		service   Service
		resources []Resource
		requested []uuid.UUID
		preferred []uuid.UUID
		want      []Assignment
		reasons   []Reason
	}{
		"an idle resource": {
			service: hour(anyOf(Staff)), resources: []Resource{one(ana, Staff)},
			want: []Assignment{{ana, 0}},
		},
		"touching ends do not conflict": {
			service: hour(anyOf(Staff)), resources: []Resource{one(ana, Staff, minutes(0, -30, 0), minutes(0, 60, 90))},
			want: []Assignment{{ana, 0}},
		},
		"a minute at the end is too much": {
			service: hour(anyOf(Staff)), resources: []Resource{one(ana, Staff, minutes(0, 59, 90))},
			reasons: []Reason{{Code: Booked, ResourceID: ana}},
		},
		"an interval around it": {
			service: hour(anyOf(Staff)), resources: []Resource{one(ana, Staff, minutes(0, -600, 600))},
			reasons: []Reason{{Code: Booked, ResourceID: ana}},
		},
		"buffers fit exactly": {
			service: buffered, resources: []Resource{one(ana, Staff, minutes(0, -30, -10), minutes(0, 80, 90))},
			want: []Assignment{{ana, 0}},
		},
		"the buffer before is taken": {
			service: buffered, resources: []Resource{one(ana, Staff, minutes(0, -30, -9))},
			reasons: []Reason{{Code: Buffer, ResourceID: ana}},
		},
		"the buffer after is taken": {
			service: buffered, resources: []Resource{one(ana, Staff, minutes(0, 79, 90))},
			reasons: []Reason{{Code: Buffer, ResourceID: ana}},
		},
		"the lowest free lane": {
			service:   hour(anyOf(Staff)),
			resources: []Resource{lanesOf(one(ana, Staff, minutes(0, 0, 10), minutes(2, 0, 10), minutes(1, 90, 99)), 3)},
			want:      []Assignment{{ana, 1}},
		},
		"all lanes are taken": {
			service:   hour(anyOf(Staff)),
			resources: []Resource{lanesOf(one(ana, Staff, minutes(0, 0, 10), minutes(1, 30, 40)), 2)},
			reasons:   []Reason{{Code: Capacity, ResourceID: ana}},
		},
		"a lane beyond the capacity does not count": {
			service: hour(anyOf(Staff)), resources: []Resource{one(ana, Staff, minutes(5, 0, 60))},
			want: []Assignment{{ana, 0}},
		},
		"the last lane of the largest capacity": {
			service: hour(anyOf(Staff)), resources: []Resource{lanesOf(one(ana, Staff, full(MaxCapacity-1)...), MaxCapacity)},
			want: []Assignment{{ana, MaxCapacity - 1}},
		},
		"no lane of the largest capacity": {
			service: hour(anyOf(Staff)), resources: []Resource{lanesOf(one(ana, Staff, full(MaxCapacity)...), MaxCapacity)},
			reasons: []Reason{{Code: Capacity, ResourceID: ana}},
		},
		"the lowest id of equals": {
			service: hour(anyOf(Staff)), resources: []Resource{one(bob, Staff), one(ana, Staff)},
			want: []Assignment{{ana, 0}},
		},
		"the lowest load before the lowest id": {
			service: hour(anyOf(Staff)), resources: []Resource{loaded(one(ana, Staff), 0, 2), loaded(one(bob, Staff), 0, 1)},
			want: []Assignment{{bob, 0}},
		},
		"the highest weight before the lowest load": {
			service: hour(anyOf(Staff)), resources: []Resource{loaded(one(ana, Staff), 1, 0), loaded(one(bob, Staff), 2, 9)},
			want: []Assignment{{bob, 0}},
		},
		"a preferred one before the highest weight": {
			service: hour(anyOf(Staff)), resources: []Resource{loaded(one(ana, Staff), 1, 0), loaded(one(bob, Staff), 2, 0)},
			preferred: []uuid.UUID{ana}, want: []Assignment{{ana, 0}},
		},
		"a preferred one before the lowest load": {
			service: hour(anyOf(Staff)), resources: []Resource{loaded(one(ana, Staff), 0, 1), one(bob, Staff)},
			preferred: []uuid.UUID{ana}, want: []Assignment{{ana, 0}},
		},
		"a preferred one that is busy is not taken": {
			service: hour(anyOf(Staff)), resources: []Resource{one(ana, Staff, minutes(0, 0, 60)), one(bob, Staff)},
			preferred: []uuid.UUID{ana, cleo}, want: []Assignment{{bob, 0}},
		},
		"a requested one before a preferred one": {
			service: hour(anyOf(Staff)), resources: []Resource{one(ana, Staff), one(bob, Staff)},
			requested: []uuid.UUID{bob}, preferred: []uuid.UUID{ana}, want: []Assignment{{bob, 0}},
		},
		"a requested one twice is once": {
			service: hour(anyOf(Staff)), resources: []Resource{one(ana, Staff), one(bob, Staff)},
			requested: []uuid.UUID{bob, bob}, want: []Assignment{{bob, 0}},
		},
		"a requested one that is busy": {
			service: hour(anyOf(Staff)), resources: []Resource{one(ana, Staff), one(bob, Staff, minutes(0, 0, 60))},
			requested: []uuid.UUID{bob}, reasons: []Reason{{Code: Booked, ResourceID: bob}},
		},
		"requested ones that do not exist": {
			service: hour(anyOf(Staff)), resources: []Resource{one(ana, Staff)},
			requested: []uuid.UUID{cleo, ana, bob},
			reasons:   []Reason{{Code: ResourceNotFound, ResourceID: cleo}, {Code: ResourceNotFound, ResourceID: bob}},
		},
		"a requested one that is inactive": {
			service: hour(anyOf(Staff)), resources: []Resource{inactive(one(ana, Staff, minutes(0, 0, 60)))},
			requested: []uuid.UUID{ana}, reasons: []Reason{{Code: ResourceInactive, ResourceID: ana}},
		},
		"a requested one of the wrong type": {
			service: hour(anyOf(Staff)), resources: []Resource{one(ana, Staff), one(room1, Room)},
			requested: []uuid.UUID{room1}, reasons: []Reason{{Code: ResourceNotEligible, ResourceID: room1}},
		},
		"a requested one too many": {
			service: hour(anyOf(Staff)), resources: []Resource{one(ana, Staff), one(bob, Staff)},
			requested: []uuid.UUID{ana, bob}, reasons: []Reason{{Code: ResourceNotEligible, ResourceID: bob}},
		},
		"inactive ones are not chosen": {
			service: hour(anyOf(Staff)), resources: []Resource{inactive(one(ana, Staff)), one(bob, Staff)},
			want: []Assignment{{bob, 0}},
		},
		"only inactive ones": {
			service: hour(anyOf(Staff)), resources: []Resource{inactive(one(ana, Staff))},
			reasons: []Reason{{Code: RequirementUnmet}},
		},
		"an inactive service": {
			service: off, resources: []Resource{one(ana, Staff)}, requested: []uuid.UUID{cleo},
			reasons: []Reason{{Code: ServiceInactive}},
		},
		"staff and room at once": {
			service: hour(anyOf(Staff), anyOf(Room)), resources: []Resource{one(room1, Room), one(ana, Staff)},
			want: []Assignment{{ana, 0}, {room1, 0}},
		},
		"the room is taken, and only that is said": {
			service:   hour(anyOf(Staff), anyOf(Room)),
			resources: []Resource{one(ana, Staff), one(bob, Staff, minutes(0, 0, 1)), one(room1, Room, minutes(0, 0, 1))},
			reasons:   []Reason{{Code: Booked, ResourceID: room1}},
		},
		"the room cannot be had at any time": {
			service: hour(anyOf(Staff), anyOf(Room)), resources: []Resource{one(ana, Staff, minutes(0, 0, 1))},
			reasons: []Reason{{Code: RequirementUnmet, Requirement: 1}},
		},
		"the room cannot be had at any time, and the requested staff is busy": {
			service: hour(anyOf(Staff), anyOf(Room)), resources: []Resource{one(ana, Staff, minutes(0, 0, 1))},
			requested: []uuid.UUID{ana}, reasons: []Reason{{Code: RequirementUnmet, Requirement: 1}},
		},
		"two of a kind are two resources": {
			service: hour(anyOf(Staff), anyOf(Staff)), resources: []Resource{lanesOf(one(ana, Staff), 5)},
			reasons: []Reason{{Code: RequirementUnmet, Requirement: 1}},
		},
		"the better one for the first requirement": {
			service: hour(anyOf(Staff), anyOf(Staff)), resources: []Resource{one(bob, Staff), one(ana, Staff)},
			want: []Assignment{{ana, 0}, {bob, 0}},
		},
		"the first choice gives way to who has no other": {
			service: hour(anyOf(Staff), oneOf(ana)), resources: []Resource{one(ana, Staff), one(bob, Staff)},
			want: []Assignment{{bob, 0}, {ana, 0}},
		},
		"a requested one moves but stays": {
			service: hour(oneOf(ana, bob), oneOf(ana, cleo), oneOf(ana)), requested: []uuid.UUID{ana},
			resources: []Resource{one(ana, Staff), one(bob, Staff), one(cleo, Staff)},
			want:      []Assignment{{bob, 0}, {cleo, 0}, {ana, 0}},
		},
		"requested ones in the order of the requirements": {
			service:   hour(anyOf(Staff), anyOf(Room), anyOf(Equipment)),
			resources: []Resource{one(ana, Staff), one(room1, Room), one(room2, Room), one(laser, Equipment)},
			requested: []uuid.UUID{laser, room2, ana}, want: []Assignment{{ana, 0}, {room2, 0}, {laser, 0}},
		},
		"a named one that is of another type than usual": {
			service: hour(oneOf(laser)), resources: []Resource{one(laser, Equipment)},
			want: []Assignment{{laser, 0}},
		},
		"no requirements: staff or a room": {
			service: hour(), resources: []Resource{one(number(0), Equipment), one(room1, Room, minutes(0, 0, 1)), one(room2, Room)},
			want: []Assignment{{room2, 0}},
		},
		"no requirements: equipment is not chosen": {
			service: hour(), resources: []Resource{one(laser, Equipment)},
			reasons: []Reason{{Code: RequirementUnmet}},
		},
		"no requirements: whatever is requested": {
			service: hour(), resources: []Resource{one(ana, Staff), one(laser, Equipment)},
			requested: []uuid.UUID{laser, ana}, want: []Assignment{{laser, 0}, {ana, 0}},
		},
		"nothing at all": {
			service: hour(), reasons: []Reason{{Code: RequirementUnmet}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			snapshot := Snapshot{Service: test.service, Resources: test.resources}
			got := Decide(&snapshot, &Request{Start: noon, Requested: test.requested, Preferred: test.preferred, OffGrid: true}, noon)
			if test.want != nil {
				require.True(t, got.OK, "reasons: %v", got.Reasons)
				assert.Empty(t, got.Reasons)
			} else {
				require.False(t, got.OK)
				assert.NotEmpty(t, got.Reasons)
			}
			assert.Equal(t, test.want, got.Assignments)
			assert.Equal(t, test.reasons, got.Reasons)
		})
	}
}

// full takes the lanes below n.
func full(n int) []Interval {
	busy := make([]Interval, n)
	for lane := range busy {
		busy[lane] = minutes(lane, 0, 60)
	}
	return busy
}
