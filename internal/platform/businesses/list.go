package businesses

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/keyset"
)

// Sort is the order of a list; equal entries are ordered by id.
type Sort string

// The orders; the newest first is the default.
const (
	OldestFirst Sort = "created_at"
	NewestFirst Sort = "-created_at"
	ByName      Sort = "name"
	ByNameDown  Sort = "-name"
)

// position is the last entry of a page; only the fields that the order uses are set.
type position struct {
	CreatedAt time.Time `json:"t,omitzero"`
	Name      string    `json:"n,omitempty"`
	ID        uuid.UUID `json:"i"`
}

func (s Sort) position(createdAt time.Time, name string, id uuid.UUID) position {
	if s == ByName || s == ByNameDown {
		return position{Name: name, ID: id}
	}
	return position{CreatedAt: createdAt, ID: id}
}

// start returns the position after which the page begins. Errors: InvalidCursor.
func (s Sort) start(page keyset.Page, filters any) (position, error) {
	var after position
	if s == NewestFirst {
		after = position{CreatedAt: time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC), ID: uuid.Max}
	}
	err := keyset.Decode(page.Cursor, filters, &after)
	return after, err
}

var escapeLike = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// pattern is the ILIKE pattern for text that contains search literally.
func pattern(search *string) *string {
	if search == nil {
		return nil
	}
	p := "%" + escapeLike.Replace(*search) + "%"
	return &p
}
