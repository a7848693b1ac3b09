package availability

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// source is where a random case comes from: a generator, or the bytes of a fuzzer.
type source interface{ IntN(n int) int }

// fuzzed reads choices from bytes; when they run out, it chooses 0.
type fuzzed struct{ data []byte }

func (f *fuzzed) IntN(n int) int {
	if len(f.data) == 0 {
		return 0
	}
	choice := int(f.data[0]) % n
	f.data = f.data[1:]
	return choice
}

// drawCase makes a small case in which all rules have something to say.
func drawCase(s source) (Snapshot, Request) {
	types := []ResourceType{Staff, Room, Equipment}
	snapshot := Snapshot{Service: Service{
		Active:       s.IntN(20) > 0,
		Duration:     time.Duration(1+s.IntN(4)) * 15 * time.Minute,
		BufferBefore: time.Duration(s.IntN(3)) * 5 * time.Minute,
		BufferAfter:  time.Duration(s.IntN(3)) * 5 * time.Minute,
	}}
	resources := s.IntN(6)
	for i := range resources {
		r := Resource{ID: number(byte(i)), Type: types[s.IntN(3)], Active: s.IntN(8) > 0, Capacity: 1 + s.IntN(3)}
		for range s.IntN(4) {
			from := -60 + 5*s.IntN(36)
			r.Busy = append(r.Busy, minutes(s.IntN(3), from, from+5*(1+s.IntN(8))))
		}
		snapshot.Resources = append(snapshot.Resources, r)
	}
	for range s.IntN(4) {
		var q Requirement
		for range s.IntN(3) {
			q.ResourceIDs = append(q.ResourceIDs, number(byte(s.IntN(6))))
		}
		for range s.IntN(3) {
			q.Types = append(q.Types, types[s.IntN(3)])
		}
		snapshot.Service.Requirements = append(snapshot.Service.Requirements, q)
	}
	request := Request{Start: noon}
	for range s.IntN(3) {
		request.Requested = append(request.Requested, number(byte(s.IntN(7))))
	}
	for range s.IntN(3) {
		request.Preferred = append(request.Preferred, number(byte(s.IntN(7))))
	}
	return snapshot, request
}

// possible tries every way to give resources to requirements; it is meant to be
// obviously right rather than fast.
func possible(snapshot *Snapshot, request *Request, usable func(Resource) bool) bool {
	requested := map[uuid.UUID]bool{}
	for _, id := range request.Requested {
		requested[id] = true
	}
	requirements := snapshot.Service.Requirements
	if len(requirements) == 0 {
		if requirements = make([]Requirement, len(requested)); len(requested) == 0 {
			requirements = []Requirement{{Types: []ResourceType{Staff, Room}}}
		}
	}
	used := map[uuid.UUID]bool{}
	var try func(q int) bool
	try = func(q int) bool {
		if q == len(requirements) {
			for id := range requested {
				if !used[id] {
					return false
				}
			}
			return true
		}
		for _, r := range snapshot.Resources {
			fits := len(requirements[q].Types) == 0
			for _, t := range requirements[q].Types {
				fits = fits || t == r.Type
			}
			if len(requirements[q].ResourceIDs) > 0 {
				fits = false
				for _, id := range requirements[q].ResourceIDs {
					fits = fits || id == r.ID
				}
			}
			if used[r.ID] || !fits || !usable(r) {
				continue
			}
			used[r.ID] = true
			if try(q + 1) {
				return true
			}
			used[r.ID] = false
		}
		return false
	}
	return try(0)
}

// freeLane returns the lowest free lane, minute by minute, or -1.
func freeLane(s Service, r Resource) int {
	from, to := s.Window(noon)
	for lane := range r.Capacity {
		taken := false
		for at := from; at.Before(to); at = at.Add(time.Minute) {
			for _, b := range r.Busy {
				taken = taken || b.Lane == lane && !at.Before(b.Start) && at.Before(b.End)
			}
		}
		if !taken {
			return lane
		}
	}
	return -1
}

// checkCase compares the decision of a case with what trying everything gives.
func checkCase(t *testing.T, snapshot Snapshot, request Request) {
	t.Helper()
	service := snapshot.Service
	free := func(r Resource) bool { return r.Active && freeLane(service, r) >= 0 }
	got := Decide(&snapshot, &request)

	require.Equal(t, service.Active && possible(&snapshot, &request, free), got.OK, "%+v %+v", snapshot, request)
	require.Equal(t, got.OK, len(got.Reasons) == 0)
	if got.OK {
		checkAssignments(t, snapshot, request, got.Assignments)
		return
	}
	require.Empty(t, got.Assignments)
	temporal := slices.ContainsFunc(got.Reasons, func(r Reason) bool { return r.Code.Temporal() })
	for _, r := range got.Reasons {
		require.Equal(t, temporal, r.Code.Temporal(), "one decision, one kind of reason: %v", got.Reasons)
	}
	// Another time may do exactly if the reasons say so.
	active := func(r Resource) bool { return r.Active }
	require.Equal(t, service.Active && possible(&snapshot, &request, active), temporal, "%v: %+v %+v", got.Reasons, snapshot, request)
	for _, r := range got.Reasons {
		if r.Code.Temporal() {
			i := slices.IndexFunc(snapshot.Resources, func(c Resource) bool { return c.ID == r.ResourceID })
			require.Negative(t, freeLane(service, snapshot.Resources[i]))
			require.Equal(t, snapshot.Resources[i].Capacity == 1, r.Code == Booked)
		}
	}
}

func checkAssignments(t *testing.T, snapshot Snapshot, request Request, assignments []Assignment) {
	t.Helper()
	taken := map[uuid.UUID]bool{}
	for q, a := range assignments {
		i := slices.IndexFunc(snapshot.Resources, func(c Resource) bool { return c.ID == a.ResourceID })
		require.GreaterOrEqual(t, i, 0)
		require.True(t, snapshot.Resources[i].Active)
		require.False(t, taken[a.ResourceID], "taken twice")
		taken[a.ResourceID] = true
		require.Equal(t, freeLane(snapshot.Service, snapshot.Resources[i]), a.Lane)
		if len(snapshot.Service.Requirements) > 0 {
			require.Len(t, assignments, len(snapshot.Service.Requirements))
			require.True(t, snapshot.Service.Requirements[q].accepts(&snapshot.Resources[i]))
		}
	}
	for _, id := range request.Requested {
		require.True(t, taken[id], "requested but not taken")
	}
}

func TestDecideAgreesWithTryingEverything(t *testing.T) {
	t.Parallel()
	granted, refused := 0, map[Code]int{}
	for seed := range uint64(20_000) {
		snapshot, request := drawCase(rand.New(rand.NewPCG(seed, 1)))
		checkCase(t, snapshot, request)
		if d := Decide(&snapshot, &request); d.OK {
			granted++
		} else {
			refused[d.Reasons[0].Code]++
		}
	}
	// A generator that never reaches a rule would prove nothing about it.
	require.Greater(t, granted, 1000)
	for _, code := range []Code{ServiceInactive, ResourceNotFound, ResourceInactive, ResourceNotEligible, RequirementUnmet, Booked, Capacity} {
		require.Greater(t, refused[code], 30, code)
	}
}

func TestDecideDoesNotDependOnTheOrderOfResources(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2_000) {
		random := rand.New(rand.NewPCG(seed, 2))
		snapshot, request := drawCase(random)
		want := Decide(&snapshot, &request)
		shuffled := snapshot
		shuffled.Resources = slices.Clone(snapshot.Resources)
		random.Shuffle(len(shuffled.Resources), func(i, j int) {
			shuffled.Resources[i], shuffled.Resources[j] = shuffled.Resources[j], shuffled.Resources[i]
		})
		got := Decide(&shuffled, &request)
		require.Equal(t, want.Assignments, got.Assignments)
		require.Equal(t, byResource(want.Reasons), byResource(got.Reasons))
	}
}

func byResource(reasons []Reason) []Reason {
	return slices.SortedFunc(slices.Values(reasons), func(a, b Reason) int { return bytes.Compare(a.ResourceID[:], b.ResourceID[:]) })
}

func FuzzDecide(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 3, 1, 1, 4, 0, 7, 2, 3, 0, 12, 7, 1, 1, 1, 1, 2, 2, 1, 0, 1, 2, 1, 0})
	f.Add(bytes.Repeat([]byte{5, 2, 9}, 40))
	f.Fuzz(func(t *testing.T, data []byte) {
		snapshot, request := drawCase(&fuzzed{data})
		checkCase(t, snapshot, request)
	})
}
