package booking

import (
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
)

// Verdict is the decision about one occurrence of a series.
type Verdict string

// The verdicts.
const (
	// VerdictAvailable has the wanted time and resources.
	VerdictAvailable Verdict = "available"
	// VerdictSubstituted has other resources, or another time on the same day.
	VerdictSubstituted Verdict = "substituted"
	// VerdictConflict cannot take place, for the reasons given.
	VerdictConflict Verdict = "conflict"
)

// OnConflict says what happens to a series with conflicts.
type OnConflict string

// The modes.
const (
	// ConflictFails books all or nothing.
	ConflictFails OnConflict = "fail"
	// ConflictSkips books what is free.
	ConflictSkips OnConflict = "skip"
	// ConflictSubstitutes takes the nearest free time on the same day, and fails if there is none.
	ConflictSubstitutes OnConflict = "substitute"
)

// Occurrence is one appointment of a series, booked or not, in the form in which errors list it.
type Occurrence struct {
	// WantedStartAt is the start by the rule, or by the move.
	WantedStartAt time.Time `json:"wanted_start_at"`
	// StartAt and EndAt are when it takes place; for a conflict, when it was wanted.
	StartAt time.Time `json:"start_at"`
	EndAt   time.Time `json:"end_at"`
	Verdict Verdict   `json:"verdict"`
	// ResourceIDs are empty for a conflict, never nil.
	ResourceIDs []uuid.UUID `json:"resource_ids"`
	// AppointmentID is nil unless it is booked.
	AppointmentID *uuid.UUID `json:"appointment_id"`
	// Reasons are why it is not available; never nil.
	Reasons []OccurrenceReason `json:"reasons"`
	// Alternatives are the nearest free slots on the same day; only for conflicts, never nil.
	Alternatives []Slot `json:"alternatives"`

	assignments []availability.Assignment
	service     availability.Service
}

// OccurrenceReason is availability.Reason in the form in which errors list it.
type OccurrenceReason struct {
	Code       string     `json:"code"`
	ResourceID *uuid.UUID `json:"resource_id,omitempty"`
	ObjectID   *uuid.UUID `json:"object_id,omitempty"`
}

func newOccurrenceReasons(reasons []availability.Reason) []OccurrenceReason {
	list := make([]OccurrenceReason, len(reasons))
	for i, r := range reasons {
		list[i].Code = string(r.Code)
		if r.ResourceID != uuid.Nil {
			list[i].ResourceID = &r.ResourceID
		}
		if r.ObjectID != uuid.Nil {
			list[i].ObjectID = &r.ObjectID
		}
	}
	return list
}
