package booking

import (
	"context"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ReadEntryAs reads a waitlist entry for a viewer.
func ReadEntryAs(ctx context.Context, db *store.Reader, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID) error {
	_, err := readWaitlistEntry(ctx, db, scope, v, id)
	return err
}

// AllowWaive returns an error unless the viewer may cancel without a fee.
func AllowWaive(v viewer.Viewer) error { return allowWaive(v) }
