package api

import (
	"context"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// GetMeta implements the operation.
func (s *Server) GetMeta(ctx context.Context, _ schedulingoapi.GetMetaRequestObject) (schedulingoapi.GetMetaResponseObject, error) {
	release := tzdata.Current()
	answer := schedulingoapi.GetMeta200JSONResponse{
		APIVersion: s.facts.APIVersion, ServerTime: tenancy.ScopeFrom(ctx).Now,
		Tzdata: schedulingoapi.Tzdata{Source: schedulingoapi.TzdataSource(release.Source)},
		Limits: schedulingoapi.MetaLimits{
			PageSize: s.facts.PageSize, BodyBytes: s.facts.BodyBytes, AvailabilityDays: booking.MaxSearchDays,
			SeriesOccurrences: booking.MaxSeriesLength, HoldSeconds: int(booking.MaxHoldTTL.Seconds()),
		},
	}
	answer.Tzdata.Version.SetNull()
	if release.Version != "" {
		answer.Tzdata.Version.Set(release.Version)
	}
	return answer, nil
}

// Facts are about the server as a whole; internal/app knows them.
type Facts struct {
	// APIVersion is that of the contract.
	APIVersion string
	// PageSize and BodyBytes are the largest that are accepted.
	PageSize, BodyBytes int
}
