package api

import (
	"context"

	openapi_types "github.com/oapi-codegen/runtime/types"

	adminoapi "github.com/smoothschedule/smoothschedule/gen/api/admin"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// GetPlatformMetrics returns the platform's numbers.
func (s *Console) GetPlatformMetrics(
	ctx context.Context, _ adminoapi.GetPlatformMetricsRequestObject,
) (adminoapi.GetPlatformMetricsResponseObject, error) {
	metrics, err := s.Overview.Metrics(ctx, tenancy.ScopeFrom(ctx))
	if err != nil {
		return nil, err
	}
	return adminoapi.GetPlatformMetrics200JSONResponse(ToAPIMetrics(metrics)), nil
}

// ToAPIMetrics converts the platform's numbers.
func ToAPIMetrics(m businesses.Metrics) adminoapi.PlatformMetrics {
	return adminoapi.PlatformMetrics{
		AsOf: m.AsOf,
		Businesses: adminoapi.BusinessMetrics{
			Total: m.Businesses.Total, CreatedLast30Days: m.Businesses.CreatedLately,
			ByStatus: convert.All(m.Businesses.ByStatus, func(c businesses.StatusCount) adminoapi.StatusCount {
				return adminoapi.StatusCount{Status: adminoapi.BusinessStatus(c.Status), Count: c.Count}
			}),
			ByPlan: convert.All(m.Businesses.ByPlan, func(c businesses.PlanCount) adminoapi.PlanCount {
				return adminoapi.PlanCount{Code: c.Code, Name: c.Name, Count: c.Count}
			}),
		},
		Users: adminoapi.UserMetrics{
			Total: m.Users.Total, SignedInLast30Days: m.Users.SignedInLately,
			ByRole: convert.All(m.Users.ByRole, func(c businesses.RoleCount) adminoapi.RoleCount {
				return adminoapi.RoleCount{Role: adminoapi.AnyRole(c.Role), Count: c.Count}
			}),
		},
		Appointments: toAPIDailyCounts(m.Bookings),
		Mrr:          convert.All(m.MRR, toAPIMoney),
		Churn:        adminoapi.Churn{Days: businesses.ChurnDays, AtStart: m.Churn.AtStart, Churned: m.Churn.Churned, Rate: m.Churn.Rate()},
		APICalls:     toAPIDailyCounts(m.APICalls),
	}
}

func toAPIDailyCounts(c businesses.DailyCounts) adminoapi.DailyCounts {
	return adminoapi.DailyCounts{Total: c.Total, PerDay: convert.All(c.Days, func(d businesses.DailyCount) adminoapi.DailyCount {
		return adminoapi.DailyCount{Date: openapi_types.Date{Time: d.Day}, Count: d.Count}
	})}
}
