package events

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Stored is an event of a feed.
type Stored struct {
	// Sequence counts the events of the environment, from 1.
	Sequence int64
	ID       uuid.UUID
	Type     string
	// Version is that of the form of Data.
	Version int32
	// OccurredAt is on the clock of the environment.
	OccurredAt time.Time
	Actor      Actor
	Data       json.RawMessage
}
