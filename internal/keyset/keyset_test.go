package keyset

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

type position struct {
	At time.Time `json:"at"`
	ID string    `json:"id"`
}

func TestCursorGoesThereAndBack(t *testing.T) {
	t.Parallel()
	want := position{At: time.Date(2026, 11, 22, 9, 0, 0, 123000, time.UTC), ID: "x"}
	filters := map[string]any{"status": []string{"PENDING"}}
	var got position
	require.NoError(t, Decode(Encode(filters, want), filters, &got))
	require.Equal(t, want, got)
}

func TestCursorBelongsToItsFilters(t *testing.T) {
	t.Parallel()
	var got position
	err := Decode(Encode("a", position{ID: "x"}), "b", &got)
	require.ErrorIs(t, err, apperr.New(apperr.InvalidCursor, ""))
	require.Zero(t, got)
}

func TestEmptyCursorStartsAtTheBeginning(t *testing.T) {
	t.Parallel()
	got := position{ID: "start"}
	require.NoError(t, Decode("", "a", &got))
	require.Equal(t, "start", got.ID)
}

func TestCut(t *testing.T) {
	t.Parallel()
	page, more := Cut(Page{Limit: 2}, []int{1, 2, 3})
	require.Equal(t, []int{1, 2}, page)
	require.True(t, more)
	page, more = Cut(Page{Limit: 3}, []int{1, 2, 3})
	require.Len(t, page, 3)
	require.False(t, more)
	require.Equal(t, DefaultLimit, Page{}.Size())
	require.Equal(t, MaxLimit, Page{Limit: 1000}.Size())
}

// Any text is either a cursor or an InvalidCursor error, never something else.
func FuzzDecode(f *testing.F) {
	f.Add(Encode("f", position{ID: "x"}))
	f.Add("")
	f.Add("e30")
	f.Add("bnVsbA")
	f.Add("!!!")
	f.Fuzz(func(t *testing.T, cursor string) {
		var got position
		err := Decode(cursor, "f", &got)
		if err == nil {
			return
		}
		var known *apperr.Error
		if !errors.As(err, &known) || known.Code.Name != apperr.InvalidCursor.Name {
			t.Fatalf("%q: %v", cursor, err)
		}
	})
}
