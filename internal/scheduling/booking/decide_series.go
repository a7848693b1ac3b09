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
)

// wanted is an occurrence to decide about.
type wanted struct {
	start time.Time
	// service has its duration, buffers and requirements.
	service availability.Service
	// requested must be taken; kept and preferred are as in availability.Request.
	requested, kept, preferred []uuid.UUID
	// appointmentID is the appointment that moves; nil for a new one.
	appointmentID *uuid.UUID
}

// decideSeries decides occurrences in the order of their starts, each as if those before it were booked. Only
// after all of them does it search substitutes or alternatives, so that none takes the time of another. Without
// requested resources an occurrence prefers those of the one before. Errors: those of decide about the request itself.
func (d decider) decideSeries(
	ctx context.Context, list []wanted, mode OnConflict, given []uuid.UUID,
) ([]Occurrence, error) {
	decided := make([]Occurrence, len(list))
	var previous []uuid.UUID
	for i, w := range list {
		decided[i] = Occurrence{
			WantedStartAt: w.start.UTC(), StartAt: w.start.UTC(), EndAt: w.start.UTC().Add(w.service.Duration), Verdict: VerdictAvailable,
			ResourceIDs: []uuid.UUID{}, AppointmentID: w.appointmentID, Reasons: []OccurrenceReason{}, Alternatives: []Slot{},
			service: w.service,
		}
		d.Service = withCounts(w.service, d.Service)
		request := availability.Request{Start: w.start, Requested: w.requested, Kept: w.kept, Preferred: slices.Concat(w.preferred, previous)}
		decision, err := d.ask(request)
		if err != nil {
			return nil, err
		}
		switch {
		case decision.OK:
			decided[i].take(d.snapshot, decision.Assignments)
			previous = decided[i].ResourceIDs
		case !decision.Reasons[0].Code.Temporal():
			return nil, d.refusal(decision.Reasons, given)
		default:
			decided[i].Verdict, decided[i].Reasons = VerdictConflict, newOccurrenceReasons(decision.Reasons)
		}
	}
	for i := range decided {
		if decided[i].Verdict != VerdictConflict {
			continue
		}
		if err := d.resolve(ctx, &decided[i], &list[i], mode); err != nil {
			return nil, err
		}
	}
	return decided, nil
}

// withCounts returns a service with the limits and counts of another, to which occurrences are added.
func withCounts(service, counted availability.Service) availability.Service {
	service.Limits = counted.Limits
	return service
}

// resolve finds alternatives for a conflict, or substitutes it if the mode says so.
func (d decider) resolve(ctx context.Context, o *Occurrence, w *wanted, mode OnConflict) (err error) {
	d.From, d.To = dayOf(w.start, d.Location)
	request := availability.Request{Start: w.start, Requested: w.requested, Kept: w.kept, Preferred: w.preferred, OffGrid: !d.viewer.IsCustomer()}
	d.Service = withCounts(w.service, d.Service)
	if mode != ConflictSubstitutes {
		o.Alternatives, err = d.alternatives(ctx, request)
		return err
	}
	requests := []availability.Request{request}
	if d.viewer.IsStaff() {
		requests = d.requestsWithOwn(request)
	}
	var best *availability.Slot
	away := func(slot *availability.Slot) time.Duration { return slot.Start.Sub(w.start).Abs() }
	for _, with := range requests {
		slot, ok, err := availability.Substitute(ctx, &d.Snapshot, &with, d.now)
		if err != nil {
			return err
		}
		if ok && (best == nil || away(&slot) < away(best)) {
			best = &slot
		}
	}
	if best != nil {
		o.Verdict, o.StartAt, o.EndAt = VerdictSubstituted, best.Start, best.End
		o.take(d.snapshot, best.Assignments)
	}
	return nil
}

// take gives the occurrence its resources, and adds it to the snapshot for the following ones.
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

// conflicts returns the occurrences that cannot take place.
func conflicts(list []Occurrence) []Occurrence {
	return slices.DeleteFunc(slices.Clone(list), func(o Occurrence) bool { return o.Verdict != VerdictConflict })
}

// seriesRefused is a SlotTaken error that lists the conflicts of a series.
func seriesRefused(s *snapshot, all, conflicts []Occurrence) error {
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
