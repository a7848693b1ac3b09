package booking

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
)

// Verdict is what the rule book says about one occurrence of a series.
type Verdict string

// The verdicts.
const (
	// VerdictAvailable has its time and the resources that were asked for.
	VerdictAvailable Verdict = "available"
	// VerdictSubstituted has other resources, or another time on the same day.
	VerdictSubstituted Verdict = "substituted"
	// VerdictConflict cannot take place; the reasons say why.
	VerdictConflict Verdict = "conflict"
)

// OnConflict says what happens to a series of which not every occurrence is free.
type OnConflict string

// What can happen.
const (
	// ConflictFails books all or nothing.
	ConflictFails OnConflict = "fail"
	// ConflictSkips books what is free.
	ConflictSkips OnConflict = "skip"
	// ConflictSubstitutes takes the nearest that is free on the same day, and fails if
	// there is nothing.
	ConflictSubstitutes OnConflict = "substitute"
)

// Occurrence is one appointment of a series, booked or not. It has the form in which errors
// list it.
type Occurrence struct {
	// WantedStartAt is what the rule, or the move, says.
	WantedStartAt time.Time `json:"wanted_start_at"`
	// StartAt and EndAt are where it takes place; for a conflict, where it was wanted.
	StartAt time.Time `json:"start_at"`
	EndAt   time.Time `json:"end_at"`
	Verdict Verdict   `json:"verdict"`
	// ResourceIDs are those it takes; empty for a conflict, never nil.
	ResourceIDs []uuid.UUID `json:"resource_ids"`
	// AppointmentID is nil for what is not booked.
	AppointmentID *uuid.UUID `json:"appointment_id"`
	// Reasons say why it is not available; never nil.
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

// wanted is an occurrence to decide about.
type wanted struct {
	start time.Time
	// service has the duration, buffers and requirements that count for it.
	service availability.Service
	// requested must be taken; kept and preferred are as in availability.Request.
	requested, kept, preferred []uuid.UUID
	// appointmentID is the appointment that is to be moved; nil for a new one.
	appointmentID *uuid.UUID
}

// decideSeries asks the rule book about occurrences, in the order of their starts, each with
// those before it as if they were booked. Only when all have been asked does it look for
// substitutes or alternatives, so that none takes what another is to have. Those that
// name no resources keep to those of the one before, as far as they are free. Errors:
// what is wrong with the request itself, as of decide.
func (s *snapshot) decideSeries(
	ctx context.Context, v viewer.Viewer, list []wanted, mode OnConflict, given []uuid.UUID,
) ([]Occurrence, error) {
	decided := make([]Occurrence, len(list))
	var previous []uuid.UUID
	for i, w := range list {
		decided[i] = Occurrence{
			WantedStartAt: w.start.UTC(), StartAt: w.start.UTC(), EndAt: w.start.UTC().Add(w.service.Duration), Verdict: VerdictAvailable,
			ResourceIDs: []uuid.UUID{}, AppointmentID: w.appointmentID, Reasons: []OccurrenceReason{}, Alternatives: []Slot{},
			service: w.service,
		}
		s.Service = s.counted(w.service)
		request := availability.Request{Start: w.start, Requested: w.requested, Kept: w.kept, Preferred: slices.Concat(w.preferred, previous)}
		decision, err := s.ask(v, request)
		if err != nil {
			return nil, err
		}
		switch {
		case decision.OK:
			decided[i].take(s, decision.Assignments)
			previous = decided[i].ResourceIDs
		case !decision.Reasons[0].Code.Temporal():
			return nil, s.refusal(v, decision.Reasons, given)
		default:
			decided[i].Verdict, decided[i].Reasons = VerdictConflict, newOccurrenceReasons(decision.Reasons)
		}
	}
	for i := range decided {
		if decided[i].Verdict != VerdictConflict {
			continue
		}
		if err := s.resolve(ctx, v, &decided[i], &list[i], mode); err != nil {
			return nil, err
		}
	}
	return decided, nil
}

// counted gives a service the counts of its limits, to which occurrences are added.
func (s *snapshot) counted(service availability.Service) availability.Service {
	service.Limits = s.Service.Limits
	return service
}

// resolve finds what a conflict could do instead, and does it if the mode says so.
func (s *snapshot) resolve(ctx context.Context, v viewer.Viewer, o *Occurrence, w *wanted, mode OnConflict) (err error) {
	s.From, s.To = dayOf(w.start, s.Location)
	request := availability.Request{Start: w.start, Requested: w.requested, Kept: w.kept, Preferred: w.preferred, OffGrid: !v.IsCustomer()}
	s.Service = s.counted(w.service)
	if mode != ConflictSubstitutes {
		o.Alternatives, err = s.alternatives(ctx, v, request)
		return err
	}
	requests := []availability.Request{request}
	if v.IsStaff() {
		requests = s.requestsWithOwn(v, request)
	}
	var best *availability.Slot
	away := func(slot *availability.Slot) time.Duration { return slot.Start.Sub(w.start).Abs() }
	for _, with := range requests {
		slot, ok, err := availability.Substitute(ctx, &s.Snapshot, &with, s.now)
		if err != nil {
			return err
		}
		if ok && (best == nil || away(&slot) < away(best)) {
			best = &slot
		}
	}
	if best != nil {
		o.Verdict, o.StartAt, o.EndAt = VerdictSubstituted, best.Start, best.End
		o.take(s, best.Assignments)
	}
	return nil
}

// dayOf returns the local day of an instant.
func dayOf(at time.Time, loc *time.Location) (from, to time.Time) {
	clock := localtime.NewClock(loc)
	date := clock.DateOf(at)
	return clock.At(date, 0), clock.At(date.AddDays(1), 0)
}

// take gives the occurrence its resources, and makes those that follow see them taken.
func (o *Occurrence) take(s *snapshot, assignments []availability.Assignment) {
	o.assignments = assignments
	from, to := o.service.Window(o.StartAt)
	date := localtime.DateOf(o.StartAt, s.Location)
	if s.Service.Counts != nil {
		s.Service.Counts[date]++
	}
	for _, a := range assignments {
		o.ResourceIDs = append(o.ResourceIDs, a.ResourceID)
		r := s.resource(a.ResourceID)
		r.Busy = append(r.Busy, availability.Interval{
			Lane: a.Lane, Start: from, End: to, BufferBefore: o.service.BufferBefore, BufferAfter: o.service.BufferAfter,
		})
		if r.Counts != nil {
			r.Counts[date]++
		}
	}
}

// forget takes back what an appointment counts for in the limits, because it is to be
// decided anew.
func (s *snapshot) forget(a *Appointment) {
	date := localtime.DateOf(a.StartAt, s.Location)
	if s.Service.Counts != nil {
		s.Service.Counts[date]--
	}
	for _, id := range a.ResourceIDs {
		if r := s.resource(id); r != nil && r.Counts != nil {
			r.Counts[date]--
		}
	}
}

// resource returns the resource with the id, or nil.
func (s *snapshot) resource(id uuid.UUID) *availability.Resource {
	for i := range s.Resources {
		if s.Resources[i].ID == id {
			return &s.Resources[i]
		}
	}
	return nil
}

// conflicts returns the occurrences that cannot take place.
func conflicts(list []Occurrence) []Occurrence {
	return slices.DeleteFunc(slices.Clone(list), func(o Occurrence) bool { return o.Verdict != VerdictConflict })
}

// seriesRefused is the refusal of a series because of its conflicts: a SlotTaken error that
// lists them.
func (s *snapshot) seriesRefused(all, conflicts []Occurrence) error {
	first := &conflicts[0]
	detail := fmt.Sprintf("%d of %d occurrences cannot be booked, the first of them on %s.",
		len(conflicts), len(all), first.WantedStartAt.In(s.Location).Format("Monday, 2006-01-02 at 15:04"))
	taken := []Conflict{}
	for _, r := range first.Reasons {
		if r.ResourceID != nil {
			taken = append(taken, Conflict{ResourceID: *r.ResourceID, ResourceName: s.reference(*r.ResourceID).Name, Reason: r.Code})
		}
	}
	return apperr.New(apperr.SlotTaken, "%s", detail).
		With("conflicts", taken).With("alternatives", first.Alternatives).With("occurrences", conflicts)
}
