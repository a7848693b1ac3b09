package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// MaxSearchDays is the longest range that can be searched.
const MaxSearchDays = 62

// maxRange is that range as a time. Two days are for zones and the date at its end, which
// is included.
const maxRange = (MaxSearchDays + 2) * 24 * time.Hour

// AvailabilityInput is what somebody would like to choose from.
type AvailabilityInput struct {
	ServiceID uuid.UUID
	// From and To are dates ("2026-12-01", in Timezone; To is included) or instants (RFC
	// 3339; To is not included).
	From, To string
	// ResourceIDs must all be taken; to SearchPerResource they are those to list.
	ResourceIDs []uuid.UUID
	// Timezone is an IANA name; nil is the zone of the business.
	Timezone *string
	// Limit is the greatest number of slots, or of each resource; zero is no limit.
	Limit int
	// Explain asks for what is refused, too.
	Explain bool
}

// Availability is what can be booked.
type Availability struct {
	Timezone string
	// Snapshot changes with every change in the environment.
	Snapshot string
	availability.Result
}

// Slot is a time that can be booked, in the form in which errors offer it.
type Slot struct {
	StartAt     time.Time   `json:"start_at"`
	EndAt       time.Time   `json:"end_at"`
	ResourceIDs []uuid.UUID `json:"resource_ids"`
}

// AvailabilityPerResource is when each resource can be booked by name.
type AvailabilityPerResource struct {
	Timezone string
	Snapshot string
	// Duration is how long the customer is there.
	Duration time.Duration
	// Resources are in the order of their ids.
	Resources []availability.ResourceStarts
}

// Search returns the slots in which a service can be booked. It asks the same rules as
// Create. Customers hear only reasons that tell nothing about others. Errors: NotFound
// for the service, ValidationFailed.
func (s *Appointments) Search(ctx context.Context, scope *tenancy.Scope, in AvailabilityInput) (*Availability, error) {
	found, err := s.look(ctx, scope, in, wish{explain: in.Explain})
	if err != nil {
		return nil, err
	}
	result := &Availability{Timezone: found.zone.String(), Snapshot: found.tag()}
	result.Result, err = availability.Search(ctx, &found.taken.Snapshot, &found.request, scope.Now)
	if err != nil {
		return nil, err
	}
	if viewer.Of(scope).IsCustomer() {
		for i := range result.Refused {
			result.Refused[i].Reasons = availability.PublicReasons(result.Refused[i].Reasons)
		}
	}
	return result, nil
}

// SearchPerResource returns, for each of the resources or, if none is named, for all that
// will do, the starts at which the service can be booked with it. Errors: those of Search;
// ValidationFailed for a service that takes several resources.
func (s *Appointments) SearchPerResource(ctx context.Context, scope *tenancy.Scope, in AvailabilityInput) (*AvailabilityPerResource, error) {
	found, err := s.look(ctx, scope, in, wish{only: len(in.ResourceIDs) > 0})
	if err != nil {
		return nil, err
	}
	if len(found.taken.Service.Requirements) > 1 {
		return nil, apperr.NewInvalid("?service_id", "takes several resources: name one in resource_ids of GET /api/v1/availability instead.")
	}
	resources, err := availability.SearchPerResource(ctx, &found.taken.Snapshot, &found.request, scope.Now)
	if err != nil {
		return nil, err
	}
	return &AvailabilityPerResource{
		Timezone: found.zone.String(), Snapshot: found.tag(), Duration: found.taken.Service.Duration, Resources: resources,
	}, nil
}

// looked is what is searched, and how.
type looked struct {
	zone    *time.Location
	taken   *snapshot
	request availability.SearchRequest
}

// tag names the state of things that was looked at.
func (l *looked) tag() string { return strconv.FormatInt(l.taken.sequence, 36) }

// look takes the snapshot for a search and makes sure that what it names exists.
func (s *Appointments) look(ctx context.Context, scope *tenancy.Scope, in AvailabilityInput, w wish) (*looked, error) {
	zone, from, to, err := in.times(scope.Tenant.Location)
	if err != nil {
		return nil, err
	}
	w.serviceID, w.requested = in.ServiceID, in.ResourceIDs
	taken, err := s.survey(ctx, scope, w, from, to)
	if err != nil {
		return nil, err
	}
	if taken.service == nil {
		return nil, apperr.NewNotFound("service")
	}
	for i, id := range in.ResourceIDs {
		if taken.reference(id) == nil {
			return nil, apperr.NewInvalid("?resource_ids", "There is no resource with the id at place %d.", i+1)
		}
	}
	return &looked{zone: zone, taken: taken, request: availability.SearchRequest{
		From: from, To: to, Requested: in.ResourceIDs, Limit: in.Limit, Explain: in.Explain,
	}}, nil
}

// times returns the zone of the request and the instants between which slots may start.
func (in AvailabilityInput) times(business *time.Location) (zone *time.Location, from, to time.Time, err error) {
	zone = business
	if in.Timezone != nil {
		if zone, err = tzdata.Load(*in.Timezone); err != nil {
			return nil, from, to, apperr.NewInvalid("?timezone", "%s", tzdata.Rule)
		}
	}
	if from, err = dateOrInstant(in.From, zone, 0); err != nil {
		return nil, from, to, apperr.NewInvalid("?from", "must be a date, such as 2026-12-01, or an instant, such as 2026-12-01T09:00:00Z.")
	}
	if to, err = dateOrInstant(in.To, zone, 1); err != nil {
		return nil, from, to, apperr.NewInvalid("?to", "must be a date, such as 2026-12-01, or an instant, such as 2026-12-01T09:00:00Z.")
	}
	switch {
	case from.Before(localtime.Earliest) || to.After(localtime.Latest):
		return nil, from, to, apperr.NewInvalid("?from", "must lie between the years 1970 and 2999.")
	case !from.Before(to):
		return nil, from, to, apperr.NewInvalid("?to", "must be after from.")
	case to.Sub(from) > maxRange:
		return nil, from, to, apperr.NewInvalid("?to", "must be at most 62 days after from.")
	}
	return zone, from, to, nil
}

// dateOrInstant reads an instant, or a date as its first instant, or as that of the
// day which is days later.
func dateOrInstant(text string, zone *time.Location, days int) (time.Time, error) {
	if len(text) != len(time.DateOnly) {
		return time.Parse(time.RFC3339, text)
	}
	date, err := localtime.Parse(text)
	if err != nil {
		return time.Time{}, err
	}
	return localtime.At(date.AddDays(days), 0, zone), nil
}

// survey takes a snapshot of all starts from from to to, in one round trip if the catalogue
// is known.
func (s *Appointments) survey(ctx context.Context, scope *tenancy.Scope, w wish, from, to time.Time) (*snapshot, error) {
	w.startAt, w.until = from, to
	var counts []schedulingdb.CountBookingsByDateRow
	var buffers []schedulingdb.ListBuffersRow
	var sequence int64
	also := func(taken *snapshot) []batch.Statement {
		reads := []batch.Statement{batch.Read(s.queries.GetLastSequence, scope.Env.ID, &sequence)}
		if taken.limited() {
			reads = append(reads, batch.Read(s.queries.CountBookingsByDate, w.counted(scope, taken.ids(), from, to), &counts))
		}
		if w.explain {
			reads = append(reads, batch.Read(s.queries.ListBuffers, schedulingdb.ListBuffersParams{
				EnvID: scope.Env.ID, FromAt: from.Add(-longestAllocation), ToAt: to.Add(longestAllocation),
			}, &buffers))
		}
		return reads
	}
	taken, err := s.take(ctx, s.store.Reader(scope), scope, w, also)
	if err != nil {
		return nil, fmt.Errorf("survey: %w", err)
	}
	taken.From, taken.To, taken.sequence = from, to, sequence
	taken.addBuffers(buffers)
	if taken.limited() {
		taken.addCounts(counts)
	}
	return taken, nil
}

// alternativesOffered is how many a refusal offers.
const alternativesOffered = 3

// alternativesWithin says how far before and after the start alternatives may lie: farther
// only where the first finds too few. Nearly always it suffices, and it is the cheaper
// the shorter it is.
var alternativesWithin = [...]time.Duration{24 * time.Hour, 7 * 24 * time.Hour}

// offer adds the nearest free slots to the refusal of a viewer's wish: they are what whoever is
// refused asks for next, and are accepted then. Other errors pass as they are. It looks anew,
// after the transaction that was refused, and so also finds what rivals have left.
func (s *Appointments) offer(ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, w wish, refusal error) error {
	taken, ok := anotherMayDo(refusal)
	if !ok {
		return refusal
	}
	alternatives := []Slot{}
	for _, within := range alternativesWithin {
		found, err := s.nearest(ctx, scope, v, w, within)
		if err != nil {
			return errors.Join(err, refusal)
		}
		if alternatives = found; len(found) >= alternativesOffered {
			break
		}
	}
	return taken.With("alternatives", alternatives)
}

// nearest returns the alternatives to a wish that lie within a time before and after it.
func (s *Appointments) nearest(
	ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, w wish, within time.Duration,
) ([]Slot, error) {
	// The resources to choose from must be known, so that others than those named can be offered.
	asked := w
	asked.requested = nil
	from, to := w.startAt.Add(-within), w.startAt.Add(within)
	snapshot, err := s.survey(ctx, scope, asked, from, to)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(w.requested, func(id uuid.UUID) bool { return snapshot.reference(id) == nil }) {
		// Nobody takes equipment by itself for a service that states nothing.
		asked.requested = snapshot.sameTypes(w.requested)
		asked.only = len(asked.requested) > 0
		if snapshot, err = s.survey(ctx, scope, asked, from, to); err != nil {
			return nil, err
		}
	}
	request := availability.Request{Start: w.startAt, Kept: w.kept}
	for _, id := range w.requested {
		if snapshot.reference(id) != nil {
			request.Requested = append(request.Requested, id)
		}
	}
	return snapshot.alternatives(ctx, v, request)
}

// alternatives are the nearest slots that decide would accept from the viewer instead of the
// request; never nil.
func (s *snapshot) alternatives(ctx context.Context, v viewer.Viewer, request availability.Request) ([]Slot, error) {
	request.OffGrid = !v.IsCustomer()
	requests := []availability.Request{request}
	if v.IsStaff() {
		requests = s.requestsWithOwn(v, request)
	}
	var found []availability.Slot
	for i := range requests {
		nearest, err := availability.Nearest(ctx, &s.Snapshot, &requests[i], s.now, alternativesOffered)
		if err != nil {
			return nil, err
		}
		for _, slot := range nearest {
			if !slices.ContainsFunc(found, func(known availability.Slot) bool { return known.Start.Equal(slot.Start) }) {
				found = append(found, slot)
			}
		}
	}
	slots := []Slot{}
	for _, slot := range found[:min(len(found), alternativesOffered)] {
		slots = append(slots, Slot{StartAt: slot.Start, EndAt: slot.End, ResourceIDs: slot.ResourceIDs()})
	}
	return slots, nil
}

// sameTypes are the active resources, whether candidates or not, that are of the types of some.
func (s *snapshot) sameTypes(ids []uuid.UUID) []uuid.UUID {
	types := s.typesOf(ids)
	var same []uuid.UUID
	for i := range s.catalogue.Resources() {
		if r := &s.catalogue.Resources()[i].Rules; r.Active && slices.Contains(types, r.Type) {
			same = append(same, r.ID)
		}
	}
	return same
}
