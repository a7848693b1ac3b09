package keyset

import (
	"time"

	"github.com/google/uuid"
)

// ByName is the position in a list ordered by name and id. The zero value is before every name.
type ByName struct {
	Name string    `json:"n"`
	ID   uuid.UUID `json:"i"`
}

// ByTime is the position in a list ordered by time and id.
type ByTime struct {
	At time.Time `json:"t"`
	ID uuid.UUID `json:"i"`
}

// EndOfTime is after every stored instant: where lists in descending order begin.
var EndOfTime = time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)
