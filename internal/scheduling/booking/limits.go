package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// exist reports whether there are limits at all.
func exist(l availability.Limits) bool { return l.MaxPerDay > 0 || l.MaxPerWeek > 0 }

// limited reports whether the service or a candidate has limits.
func (s *snapshot) limited() bool { return exist(s.Service.Limits) || s.hasLimitedResources() }

func (s *snapshot) hasLimitedResources() bool {
	for i := range s.Resources {
		if exist(s.Resources[i].Limits) {
			return true
		}
	}
	return false
}

// lockLimits lets only one transaction at a time decide about the limits of a snapshot, for
// starts from from to to: no constraint could count what others are just booking. What has
// been read before must be read again. The service is locked before its resources, by
// everybody, and nothing is locked that has nothing to do with a limit.
//
// Holds that are over are cleared away here, because somebody who asked in time may still
// be booking one: only when that is decided it is clear whether it counts.
func (s *Appointments) lockLimits(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, taken *snapshot, w wish, from, to time.Time,
) error {
	if exist(taken.Service.Limits) {
		if err := s.lockLimitedService(ctx, tx, scope, w); err != nil {
			return err
		}
	}
	if taken.hasLimitedResources() {
		err := s.queries.LockLimitedResources(ctx, tx, schedulingdb.LockLimitedResourcesParams{EnvID: scope.Env.ID, Ids: taken.ids()})
		if err != nil {
			return fmt.Errorf("lock limited resources: %w", err)
		}
	}
	counted := w.counted(scope, taken.ids(), from, to)
	due, err := s.queries.ListDueHolds(ctx, tx, schedulingdb.ListDueHoldsParams{
		EnvID: counted.EnvID, Now: counted.Now, FromAt: counted.FromAt, ToAt: counted.ToAt, ServiceID: counted.ServiceID,
		ResourceIds: counted.ResourceIds,
	})
	if err != nil {
		return fmt.Errorf("list holds that are over: %w", err)
	}
	return s.clear(ctx, tx, scope, due)
}

func (s *Appointments) lockLimitedService(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, w wish) error {
	err := s.queries.LockLimitedService(ctx, tx, schedulingdb.LockLimitedServiceParams{EnvID: scope.Env.ID, ID: w.serviceID})
	if err != nil {
		return fmt.Errorf("lock limited service: %w", err)
	}
	return nil
}
