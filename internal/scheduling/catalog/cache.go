package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/batch"
)

// Cache holds the catalogs of recently used environments in memory.
type Cache struct {
	// catalogs is nil if the cache is switched off.
	catalogs *otter.Cache[uuid.UUID, *Catalog]
	queries  *schedulingdb.Queries
}

// maxRows limits the rows of all cached catalogs: at a few hundred bytes each, that is about 100 MB.
const maxRows = 400_000

// NewCache returns an empty cache.
func NewCache() *Cache {
	return &Cache{
		catalogs: otter.Must(&otter.Options[uuid.UUID, *Catalog]{
			MaximumWeight: maxRows,
			Weigher:       func(_ uuid.UUID, c *Catalog) uint32 { return uint32(c.rows + 1) },
		}),
		queries: schedulingdb.New(),
	}
}

// NoCache returns a Cache that stores nothing: every request reads the catalog, in one more round trip.
func NoCache() *Cache { return &Cache{queries: schedulingdb.New()} }

// DB runs several queries in an environment in one round trip, such as a store.Tx or a store.Reader.
type DB interface {
	Batch(ctx context.Context, statements ...batch.Statement) error
}

// Cached returns the cached catalog of an environment, which may be stale, or nil.
func (c *Cache) Cached(envID uuid.UUID) *Catalog {
	if c.catalogs == nil {
		return nil
	}
	cached, _ := c.catalogs.GetIfPresent(envID)
	return cached
}

// maxCatalogReads is how often a request reads a catalog that changes all the time.
const maxCatalogReads = 4

// WithCurrent calls load with the catalog of the environment until that is current. load runs its
// statements, one of which returns the version of the catalog in the database; WithCurrent compares it with
// the catalog's, and reads the catalog and calls load again if they differ. Usually load is called once.
// After maxCatalogReads reads the catalog that was read last is accepted, so that a request ends even if
// the catalog changes all the time. load must therefore set, not add to, its results.
func (c *Cache) WithCurrent(
	ctx context.Context, db DB, envID uuid.UUID, now time.Time, load func(known *Catalog) (version uuid.UUID, err error),
) error {
	known := c.Cached(envID)
	for reads := 0; ; {
		if known == nil {
			var err error
			if known, err = c.Read(ctx, db, envID, now); err != nil {
				return err
			}
			reads++
		}
		version, err := load(known)
		if err != nil || known.Is(version) || reads == maxCatalogReads {
			return err
		}
		known = nil
	}
}

// At returns the catalog at a version that the database has just reported, from the cache or the database.
func (c *Cache) At(ctx context.Context, db DB, envID, version uuid.UUID, now time.Time) (*Catalog, error) {
	if cached := c.Cached(envID); cached != nil && version != uuid.Nil && cached.Is(version) {
		return cached, nil
	}
	return c.Read(ctx, db, envID, now)
}

// lookBack is how far before now time off and overrides are read.
const lookBack = 8 * 24 * time.Hour

// calendarEnd is after every time that can be booked.
var calendarEnd = time.Date(3001, time.January, 1, 0, 0, 0, 0, time.UTC)

// maxReads is how often Read reads a catalog that changes in between.
const maxReads = 3

// Read reads the catalog of an environment and caches it. That is one round trip, unless the catalog
// changes in between: then it is read again, because its parts may be of different versions. If it
// changes every time, the last one is returned and not cached: no part of it is older than its version.
func (c *Cache) Read(ctx context.Context, db DB, envID uuid.UUID, now time.Time) (*Catalog, error) {
	for reads := 1; ; reads++ {
		read, consistent, err := c.read(ctx, db, envID, now.Add(-lookBack))
		if err != nil {
			return nil, fmt.Errorf("read catalog: %w", err)
		}
		if consistent && read.version != uuid.Nil && c.catalogs != nil {
			c.catalogs.Set(envID, read)
		}
		if consistent || reads == maxReads {
			return read, nil
		}
	}
}

// read reports whether the version was the same before and after the rest was read.
func (c *Cache) read(ctx context.Context, db DB, envID uuid.UUID, since time.Time) (read *Catalog, consistent bool, err error) {
	var before, after uuid.UUID
	var services []schedulingdb.ListCatalogServicesRow
	var resources []schedulingdb.ListCatalogResourcesRow
	var calendar []CalendarEntry
	err = db.Batch(ctx,
		batch.Read(c.queries.GetCatalogVersion, envID, &before),
		batch.Read(c.queries.ListCatalogServices, envID, &services),
		batch.Read(c.queries.ListCatalogResources, envID, &resources),
		batch.Read(c.queries.ListCalendarEntries, schedulingdb.ListCalendarEntriesParams{EnvID: envID, FromAt: since, ToAt: calendarEnd}, &calendar),
		batch.Read(c.queries.GetCatalogVersion, envID, &after))
	if err != nil {
		return nil, false, err
	}
	return newCatalog(before, since, services, resources, calendar), before == after, nil
}
