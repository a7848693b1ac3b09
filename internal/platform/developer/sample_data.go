package developer

import (
	"context"
	"fmt"

	"github.com/smoothschedule/smoothschedule/gen/db/developerdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// SampleData is how much of it was made.
type SampleData struct {
	Resources, Services, Customers, Appointments int
}

// SampleMaker knows what sample data are.
type SampleMaker interface {
	// Fill makes sample data in the scope's environment. Errors: AlreadyExists if there are
	// business hours, and those of whatever it makes, such as QuotaExceeded; something may
	// have been made then.
	Fill(ctx context.Context, scope *tenancy.Scope) (SampleData, error)
}

// Samples is the service for the sample data of sandboxes.
type Samples struct {
	store   *store.Store
	queries *developerdb.Queries
	maker   SampleMaker
}

// NewSamples fills sandboxes with what maker makes.
func NewSamples(store *store.Store, maker SampleMaker) *Samples {
	return &Samples{store: store, queries: developerdb.New(), maker: maker}
}

// Create fills the empty sandbox of the scope, with all of the sample data or with nothing.
// Errors: SandboxOnly in the live world; AlreadyExists if there are business hours, time
// off, a resource, a service, a customer or an appointment, also if two ask at the same time;
// QuotaExceeded if the plan has no room.
func (s *Samples) Create(ctx context.Context, scope *tenancy.Scope) (made SampleData, err error) {
	if !scope.SandboxMode() {
		return made, apperr.New(apperr.SandboxOnly, "Sample data are made in the sandbox only. "+
			"Send X-Sandbox-Mode: true, or use a token of the sandbox.")
	}
	err = s.store.Atomically(ctx, scope, func(whole *tenancy.Scope) error {
		if err := s.store.InEnv(ctx, whole, func(tx *store.Tx) error { return s.requireEmpty(ctx, tx, whole) }); err != nil {
			return err
		}
		if made, err = s.maker.Fill(ctx, whole); err != nil {
			return err
		}
		return s.store.InEnv(ctx, whole, func(tx *store.Tx) error {
			return audit.Record(ctx, tx, whole, audit.Entry{
				Action: "sandbox.sample_data_created", Outcome: audit.Success, TargetType: "environment", TargetID: whole.Env.ID.String(),
				Detail: map[string]any{
					"resources": made.Resources, "services": made.Services, "customers": made.Customers, "appointments": made.Appointments,
				},
			})
		})
	})
	if err != nil {
		return SampleData{}, err
	}
	return made, nil
}

// requireEmpty lets one at a time look, until its transaction ends: the next one sees what
// it has made.
func (s *Samples) requireEmpty(ctx context.Context, tx *store.Tx, scope *tenancy.Scope) error {
	if err := s.queries.LockSampleData(ctx, tx, scope.Env.ID); err != nil {
		return fmt.Errorf("lock sample data: %w", err)
	}
	used, err := s.queries.EnvironmentInUse(ctx, tx, scope.Env.ID)
	if err != nil {
		return fmt.Errorf("look whether the sandbox is empty: %w", err)
	}
	if used {
		return apperr.New(apperr.AlreadyExists, "There is something in the sandbox already. Empty it first.")
	}
	return nil
}
