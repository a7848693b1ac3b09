package entitle

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/entitledb"
)

// Catalogue reads plan versions. Published versions never change (the database
// sees to it), so each is read once and kept.
type Catalogue struct {
	db       entitledb.DBTX
	queries  *entitledb.Queries
	versions sync.Map // uuid.UUID -> *PlanVersion
}

// NewCatalogue reads through db, which needs no environment.
func NewCatalogue(db entitledb.DBTX) *Catalogue {
	return &Catalogue{db: db, queries: entitledb.New()}
}

// NewSet builds the entitlements of a request. The Catalogue is where its errors
// look up the plan to upgrade to.
func (c *Catalogue) NewSet(s Set) *Set {
	s.catalogue = c
	return &s
}

// Version returns a published plan version.
func (c *Catalogue) Version(ctx context.Context, id uuid.UUID) (*PlanVersion, error) {
	if v, ok := c.versions.Load(id); ok {
		return v.(*PlanVersion), nil
	}
	row, err := c.queries.GetPlanVersion(ctx, c.db, id)
	if err != nil {
		return nil, fmt.Errorf("read plan version %s: %w", id, err)
	}
	version, err := newPlanVersion(entitledb.ListPublishedPlansRow(row))
	if err != nil {
		return nil, err
	}
	c.versions.Store(id, version)
	return version, nil
}

// Published returns the plans that can be bought, from the smallest to the largest.
func (c *Catalogue) Published(ctx context.Context) ([]*PlanVersion, error) {
	return c.published(ctx, c.db)
}

// published reads through db: a caller inside a transaction passes it, because
// waiting for a second connection while holding one can exhaust the pool.
func (c *Catalogue) published(ctx context.Context, db entitledb.DBTX) ([]*PlanVersion, error) {
	rows, err := c.queries.ListPublishedPlans(ctx, db)
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
func (c *Catalogue) Unlocking(ctx context.Context, feature Feature) (*PlanVersion, error) {
	plans, err := c.Published(ctx)
	if err != nil {
		return nil, err
	}
	return smallestWith(plans, feature), nil
}

func smallestWith(plans []*PlanVersion, feature Feature) *PlanVersion {
	for _, p := range plans {
		if p.Features[feature] {
			return p
		}
	}
	return nil
}

// smallestAbove returns the smallest plan whose limit is above the given one, or nil.
func smallestAbove(plans []*PlanVersion, quota Quota, limit *int64) *PlanVersion {
	if limit == nil {
		return nil
	}
	for _, p := range plans {
		l, ok := p.Limits[quota]
		if ok && (l == nil || *l > *limit) {
			return p
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
