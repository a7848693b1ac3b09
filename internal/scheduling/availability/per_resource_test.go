package availability

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// expectedPerResource asks Decide about every start and every resource.
func expectedPerResource(w *world) (slots []Slot) {
	s := &w.snapshot
	kind := effectiveRequirements(s.Service.Requirements, 0)[0]
	var ids []uuid.UUID
	for i := range s.Resources {
		named := slices.Contains(w.request.Requested, s.Resources[i].ID)
		if named || len(w.request.Requested) == 0 && kind.accepts(&s.Resources[i]) {
			ids = append(ids, s.Resources[i].ID)
		}
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	p := newPlan(s, nil, nil, w.now, s.bounded(w.request.From, w.request.To))
	for at := range p.grid(p.starts) {
		for _, id := range ids {
			if d := Decide(s, &Request{Start: at.time(), Requested: []uuid.UUID{id}}, w.now); d.OK {
				slots = append(slots, Slot{Start: at.time(), End: (at + p.duration).time(), Assignments: d.Assignments})
			}
		}
	}
	return slots
}

func TestSearchPerResourceAgreesWithDecide(t *testing.T) {
	t.Parallel()
	found, several, nothing := 0, 0, 0
	for seed := range uint64(1_500) {
		w := drawWorld(rand.New(rand.NewPCG(seed, 5)))
		got := SearchPerResource(&w.snapshot, &w.request, w.now)
		if len(w.snapshot.Service.Requirements) > 1 {
			require.Empty(t, got.Slots, "seed %d", seed)
			continue
		}
		want := expectedPerResource(w)
		require.Equal(t, want, got.Slots, "seed %d", seed)
		require.Empty(t, got.Refused)
		require.False(t, got.Truncated)
		if found += len(want); len(want) == 0 {
			nothing++
			continue
		}
		for i := 1; i < len(want); i++ {
			if want[i].Start.Equal(want[i-1].Start) {
				several++
			}
		}
		for _, limit := range []int{1, len(want)/2 + 1, len(want)} {
			request := w.request
			request.Limit = limit
			got := SearchPerResource(&w.snapshot, &request, w.now)
			require.Equal(t, want[:limit], got.Slots, "seed %d", seed)
			require.Equal(t, limit < len(want), got.Truncated, "seed %d", seed)
		}
	}
	// Cases in which nothing is free, or one resource alone, would prove little.
	require.Greater(t, found, 10_000)
	require.Greater(t, several, 1_000)
	require.Greater(t, nothing, 50)
}
