package catalogue

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/batch"
)

// Cache keeps the catalogues of the environments that were asked for last.
type Cache struct {
	kept    *otter.Cache[uuid.UUID, *Catalogue]
	queries *schedulingdb.Queries
}

// maxRows bounds what is kept of all environments: at a few hundred bytes each, that is
// about 100 MB.
const maxRows = 400_000

// NewCache is empty.
func NewCache() *Cache {
	return &Cache{
		kept: otter.Must(&otter.Options[uuid.UUID, *Catalogue]{
			MaximumWeight: maxRows,
			Weigher:       func(_ uuid.UUID, c *Catalogue) uint32 { return uint32(c.rows + 1) },
		}),
		queries: schedulingdb.New(),
	}
}

// Database runs several queries in an environment in one round trip, such as a store.Tx
// or a store.Reader.
type Database interface {
	Batch(ctx context.Context, statements ...batch.Statement) error
}

// Kept returns the catalogue that is kept of an environment, whether it is the one there is
// or not, or nil.
func (c *Cache) Kept(envID uuid.UUID) *Catalogue {
	kept, _ := c.kept.GetIfPresent(envID)
	return kept
}

// Forget keeps the catalogue of an environment no longer.
func (c *Cache) Forget(envID uuid.UUID) { c.kept.Invalidate(envID) }

// At returns the catalogue at the version that the database has just named: that which is
// kept, or else that which it reads.
func (c *Cache) At(ctx context.Context, db Database, envID, version uuid.UUID, now time.Time) (*Catalogue, error) {
	if kept := c.Kept(envID); kept != nil && version != uuid.Nil && kept.Is(version) {
		return kept, nil
	}
	return c.Read(ctx, db, envID, now)
}

// reach is how far before now time off and overrides are read.
const reach = 8 * 24 * time.Hour

// end is after everything that can be booked.
var end = time.Date(3001, time.January, 1, 0, 0, 0, 0, time.UTC)

// maxReadings bounds how often a catalogue is read that changes meanwhile.
const maxReadings = 3

// Read reads the catalogue of an environment, and keeps it. That is one round trip, unless it
// changes meanwhile: then it is read again, because what belongs together may be of different
// versions. If it changes every time, what was read last is returned and not kept: nothing in
// it is older than the version it has.
func (c *Cache) Read(ctx context.Context, db Database, envID uuid.UUID, now time.Time) (*Catalogue, error) {
	for readings := 1; ; readings++ {
		read, whole, err := c.read(ctx, db, envID, now.Add(-reach))
		if err != nil {
			return nil, fmt.Errorf("read catalogue: %w", err)
		}
		if whole && read.version != uuid.Nil {
			c.kept.Set(envID, read)
		}
		if whole || readings == maxReadings {
			return read, nil
		}
	}
}

// read reports whether the version was the same before and after the rest was read.
func (c *Cache) read(ctx context.Context, db Database, envID uuid.UUID, since time.Time) (read *Catalogue, whole bool, err error) {
	var before, after uuid.UUID
	var services []schedulingdb.ListServicesOfCatalogueRow
	var resources []schedulingdb.ListResourcesOfCatalogueRow
	var surroundings []Surrounding
	err = db.Batch(ctx,
		batch.Read(c.queries.GetCatalogueVersion, envID, &before),
		batch.Read(c.queries.ListServicesOfCatalogue, envID, &services),
		batch.Read(c.queries.ListResourcesOfCatalogue, envID, &resources),
		batch.Read(c.queries.ListSurroundings, schedulingdb.ListSurroundingsParams{EnvID: envID, FromAt: since, ToAt: end}, &surroundings),
		batch.Read(c.queries.GetCatalogueVersion, envID, &after))
	if err != nil {
		return nil, false, err
	}
	return newCatalogue(before, since, services, resources, surroundings), before == after, nil
}
