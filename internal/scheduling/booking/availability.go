package booking

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// MaxSearchDays is the longest range that can be searched.
const MaxSearchDays = 62

// maxRange is MaxSearchDays as a duration, with two days for time zones and the last date, which is inclusive.
const maxRange = (MaxSearchDays + 2) * 24 * time.Hour

// AvailabilityInput says what to search.
type AvailabilityInput struct {
	ServiceID uuid.UUID
	// From and To are dates ("2026-12-01", in Timezone; To is included) or instants (RFC
	// 3339; To is not included).
	From, To string
	// ResourceIDs must all be taken; for PerResource they are those to list.
	ResourceIDs []uuid.UUID
	// Timezone is an IANA name; nil is the zone of the business.
	Timezone *string
	// Limit is the greatest number of slots, or of each resource; zero is no limit.
	Limit int
	// Explain also returns the refused starts with reasons.
	Explain bool
}

// Availability is what can be booked.
type Availability struct {
	Timezone string
	// Snapshot is an opaque tag that changes with every change in the environment.
	Snapshot string
	availability.Result
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

// Search is the service that finds times to book. It decides as booking does.
type Search struct{ engine *engine }

// Slots returns the slots in which a service can be booked. Customers get only reasons that reveal nothing
// about other customers. Errors: NotFound for the service, ValidationFailed.
func (s *Search) Slots(ctx context.Context, scope *tenancy.Scope, in AvailabilityInput) (*Availability, error) {
	found, err := s.load(ctx, scope, in, bookingRequest{explaining: in.Explain})
	if err != nil {
		return nil, err
	}
	result := &Availability{Timezone: found.zone.String(), Snapshot: found.tag()}
	result.Result, err = availability.Search(ctx, &found.snapshot.Snapshot, &found.request, scope.Now)
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

// PerResource returns, for each of the requested or else all eligible resources, the starts at which the
// service can be booked with it. Errors: those of Slots; ValidationFailed for a service that takes several resources.
func (s *Search) PerResource(ctx context.Context, scope *tenancy.Scope, in AvailabilityInput) (*AvailabilityPerResource, error) {
	found, err := s.load(ctx, scope, in, bookingRequest{onlyRequested: len(in.ResourceIDs) > 0})
	if err != nil {
		return nil, err
	}
	if len(found.snapshot.Service.Requirements) > 1 {
		return nil, apperr.NewInvalid("?service_id", "takes several resources: name one in resource_ids of GET /api/v1/availability instead.")
	}
	resources, err := availability.SearchPerResource(ctx, &found.snapshot.Snapshot, &found.request, scope.Now)
	if err != nil {
		return nil, err
	}
	return &AvailabilityPerResource{
		Timezone: found.zone.String(), Snapshot: found.tag(), Duration: found.snapshot.Service.Duration, Resources: resources,
	}, nil
}

// searchInput is the input of a search in the rule book.
type searchInput struct {
	zone     *time.Location
	snapshot *snapshot
	request  availability.SearchRequest
}

// tag is the opaque version of the data that was searched.
func (i *searchInput) tag() string { return strconv.FormatInt(i.snapshot.sequence, 36) }

// load reads the snapshot of a search, and checks that the service and the resources exist.
func (s *Search) load(ctx context.Context, scope *tenancy.Scope, in AvailabilityInput, req bookingRequest) (*searchInput, error) {
	zone, from, to, err := in.times(scope.Tenant.Location)
	if err != nil {
		return nil, err
	}
	req.serviceID, req.requested = in.ServiceID, in.ResourceIDs
	found, err := s.engine.search(ctx, scope, req, from, to)
	if err != nil {
		return nil, err
	}
	if found.service == nil {
		return nil, apperr.NewNotFound("service")
	}
	for i, id := range in.ResourceIDs {
		if found.reference(id) == nil {
			return nil, apperr.NewInvalid("?resource_ids", "There is no resource with the id at place %d.", i+1)
		}
	}
	return &searchInput{zone: zone, snapshot: found, request: availability.SearchRequest{
		From: from, To: to, Requested: in.ResourceIDs, Limit: in.Limit, Explain: in.Explain,
	}}, nil
}

// times returns the time zone of the request and the instants between which slots may start.
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

// dateOrInstant parses an instant, or a date as the first instant of the date days later.
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
