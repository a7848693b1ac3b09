package identity

import (
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/keyset"
)

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
