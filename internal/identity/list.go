package identity

import (
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/keyset"
)

// List is a page of a list.
type List[T any] struct {
	// Data is never nil.
	Data []T
	// NextCursor leads to the next page; nil on the last one.
	NextCursor *string
}

// position is where a page ends. The lists here are in the order of creation, the
// newest first; ids settle ties.
type position struct {
	CreatedAt time.Time `json:"t"`
	ID        uuid.UUID `json:"i"`
}

// start comes before everything that has been created.
func start() position {
	return position{CreatedAt: time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC), ID: uuid.Max}
}

// decode returns the position that the page begins after. Errors: InvalidCursor.
func decode(page keyset.Page, filters any) (position, error) {
	after := start()
	err := keyset.Decode(page.Cursor, filters, &after)
	return after, err
}

// newList makes a page of up to one row more than the page has room for.
func newList[R, T any](page keyset.Page, rows []R, filters any, convert func(R) T, end func(T) position) List[T] {
	rows, more := keyset.Cut(page, rows)
	list := List[T]{Data: make([]T, len(rows))}
	for i, row := range rows {
		list.Data[i] = convert(row)
	}
	if more {
		cursor := keyset.Encode(filters, end(list.Data[len(list.Data)-1]))
		list.NextCursor = &cursor
	}
	return list
}

// rowLimit is the number of rows to read for a page: one more tells whether another
// page follows.
func rowLimit(page keyset.Page) int32 { return int32(page.Size()) + 1 }
