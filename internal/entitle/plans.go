package entitle

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/entitledb"
)

// Plans is the plan list. The database refuses changes of published versions, so each is
// read once and cached. Safe for concurrent use.
type Plans struct {
	db       entitledb.DBTX
	queries  *entitledb.Queries
	versions sync.Map // uuid.UUID -> *PlanVersion
}

// NewPlans reads through db; plans are readable outside of any environment.
func NewPlans(db entitledb.DBTX) *Plans {
	return &Plans{db: db, queries: entitledb.New()}
}

// NewSet completes the entitlements of a request with the plan list, from which their errors
// take the plan to upgrade to.
func (p *Plans) NewSet(s Set) *Set {
	s.plans = p
	return &s
}

// Version returns a published plan version.
func (p *Plans) Version(ctx context.Context, id uuid.UUID) (*PlanVersion, error) {
	if v, ok := p.versions.Load(id); ok {
		return v.(*PlanVersion), nil
	}
	row, err := p.queries.GetPlanVersion(ctx, p.db, id)
	if err != nil {
		return nil, fmt.Errorf("read plan version %s: %w", id, err)
	}
	version, err := newPlanVersion(entitledb.ListPublishedPlansRow(row))
	if err != nil {
		return nil, err
	}
	p.versions.Store(id, version)
	return version, nil
}

// Published returns the published version of each plan, from the smallest to the largest.
func (p *Plans) Published(ctx context.Context) ([]*PlanVersion, error) {
	return p.published(ctx, p.db)
}

// published is Published through db. Inside a transaction, pass the transaction: to wait for a
// second connection while holding one can exhaust the pool.
func (p *Plans) published(ctx context.Context, db entitledb.DBTX) ([]*PlanVersion, error) {
	rows, err := p.queries.ListPublishedPlans(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("list published plans: %w", err)
	}
	plans := make([]*PlanVersion, len(rows))
	for i, row := range rows {
		if plans[i], err = newPlanVersion(row); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

// Unlocking returns the smallest plan that includes the feature, or nil.
func (p *Plans) Unlocking(ctx context.Context, feature Feature) (*PlanVersion, error) {
	plans, err := p.Published(ctx)
	if err != nil {
		return nil, err
	}
	return smallestWith(plans, feature), nil
}

func smallestWith(plans []*PlanVersion, feature Feature) *PlanVersion {
	for _, plan := range plans {
		if plan.Features[feature] {
			return plan
		}
	}
	return nil
}

// smallestAbove returns the smallest plan whose limit is above the given one, or nil.
func smallestAbove(plans []*PlanVersion, quota Quota, limit *int64) *PlanVersion {
	if limit == nil {
		return nil
	}
	for _, plan := range plans {
		l, ok := plan.Limits[quota]
		if ok && (l == nil || *l > *limit) {
			return plan
		}
	}
	return nil
}

func newPlanVersion(row entitledb.ListPublishedPlansRow) (*PlanVersion, error) {
	v := &PlanVersion{ID: row.ID, Code: row.Code, Name: row.Name, Version: row.Version, Rank: row.Rank}
	if err := json.Unmarshal(row.Features, &v.Features); err != nil {
		return nil, fmt.Errorf("plan version %s: features: %w", row.ID, err)
	}
	if err := json.Unmarshal(row.Limits, &v.Limits); err != nil {
		return nil, fmt.Errorf("plan version %s: limits: %w", row.ID, err)
	}
	return v, nil
}
