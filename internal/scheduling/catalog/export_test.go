package catalog

import "github.com/google/uuid"

// Forget removes the catalog of an environment from the cache.
func (c *Cache) Forget(envID uuid.UUID) { c.catalogs.Invalidate(envID) }
