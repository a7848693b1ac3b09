package availability

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// points is a list of spans as the set of integers from 0 to 39 that they have.
func points(spans []span) (set [40]bool) {
	for _, s := range spans {
		for i := s.from; i < s.to; i++ {
			set[i] = true
		}
	}
	return set
}

func requireInOrder(t *testing.T, spans []span) {
	t.Helper()
	for i, s := range spans {
		require.Less(t, s.from, s.to, "empty")
		require.True(t, i == 0 || spans[i-1].to < s.from, "%v", spans)
	}
}

func TestSpansAreSets(t *testing.T) {
	t.Parallel()
	draw := func(random *rand.Rand) (spans []span) {
		for range random.IntN(6) {
			from := micros(random.IntN(35))
			spans = append(spans, span{from, from + micros(random.IntN(8)-2)})
		}
		return spans
	}
	for seed := range uint64(5_000) {
		random := rand.New(rand.NewPCG(seed, 5))
		a, b := draw(random), draw(random)
		inA, inB := points(a), points(b)
		a, b = union(slices.Clone(a)), union(slices.Clone(b))
		requireInOrder(t, a)
		require.Equal(t, inA, points(a))
		both, without := intersect(nil, a, b), subtract(nil, a, b)
		requireInOrder(t, without)
		inBoth, inWithout := points(both), points(without)
		for i := range inA {
			require.Equal(t, inA[i] && inB[i], inBoth[i])
			require.Equal(t, inA[i] && !inB[i], inWithout[i])
		}
		for _, s := range both {
			require.Less(t, s.from, s.to)
		}
	}
}
