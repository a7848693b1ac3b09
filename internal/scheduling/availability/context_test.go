package availability

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// must is for searches that nobody cancels.
func must[T any](result T, err error) T {
	if err != nil {
		panic(err)
	}
	return result
}

func search(s *Snapshot, r *SearchRequest, now time.Time) Result {
	return must(Search(context.Background(), s, r, now))
}

func searchPerResource(s *Snapshot, r *SearchRequest, now time.Time) []ResourceStarts {
	return must(SearchPerResource(context.Background(), s, r, now))
}

func nearestTo(s *Snapshot, r *Request, now time.Time, n int) []Slot {
	return must(Nearest(context.Background(), s, r, now, n))
}

// canceledAfter is a context that is done when it has been asked n times, so that what is
// tested ends in the middle of its work.
type canceledAfter struct {
	context.Context
	n *int
}

func (c canceledAfter) Err() error {
	if *c.n--; *c.n < 0 {
		return context.Canceled
	}
	return nil
}

// TestSearch_canceled holds that all that goes through starts ends with its context, and
// gives an error instead of a part of the answer.
func TestSearch_canceled(t *testing.T) {
	t.Parallel()
	s := shop()
	s.From, s.To = at(0, 0), at(2, 0)
	request := &SearchRequest{From: s.From, To: s.To}
	asked := func(n int) canceledAfter { return canceledAfter{context.Background(), &n} }
	assert.NotEmpty(t, search(&s, request, at(-1, 0)).Slots)
	for _, after := range []int{0, 1, 2} {
		found, err := Search(asked(after), &s, request, at(-1, 0))
		require.ErrorIs(t, err, context.Canceled)
		assert.Empty(t, found.Slots)

		resources, err := SearchPerResource(asked(after), &s, request, at(-1, 0))
		require.ErrorIs(t, err, context.Canceled)
		assert.Empty(t, resources)

		slots, err := Nearest(asked(after), &s, &Request{Start: at(1, 0)}, at(-1, 0), 50)
		require.ErrorIs(t, err, context.Canceled)
		assert.Empty(t, slots)

		_, ok, err := Substitute(asked(after), &s, &Request{Start: at(1, 0)}, at(-1, 0))
		require.ErrorIs(t, err, context.Canceled)
		assert.False(t, ok)
	}
}

// TestSearch_explain_is_bounded holds that an explanation ends where nobody reads on, and that
// the slots do not depend on it.
func TestSearch_explain_is_bounded(t *testing.T) {
	t.Parallel()
	s := shop()
	s.Service.SlotStep = time.Minute
	s.Resources = nil
	for n := range 60 {
		s.Resources = append(s.Resources, one(number(byte(n+1)), Staff))
	}
	s.Closures = []Span{spanAt(0, 0, hoursOf(24), 200)}
	request := &SearchRequest{From: at(0, 0), To: at(3, 0), Explain: true}
	explained := search(&s, request, at(-1, 0))
	require.Len(t, explained.Refused, MaxRefused)
	for _, refusal := range explained.Refused {
		require.LessOrEqual(t, len(refusal.Reasons), MaxReasons)
	}
	silent := *request
	silent.Explain = false
	require.NotEmpty(t, explained.Slots)
	require.Equal(t, search(&s, &silent, at(-1, 0)).Slots, explained.Slots)
}
