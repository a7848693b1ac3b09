package tenancy

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
)

// Purpose is what a database is for. The first server on it decides, for good.
type Purpose string

// The purposes.
const (
	Development Purpose = "DEVELOPMENT"
	Production  Purpose = "PRODUCTION"
)

// InstallationPurpose returns what the database is for; empty if no server has run on it.
func InstallationPurpose(ctx context.Context, store *Store) (purpose Purpose, err error) {
	err = store.InPlatform(ctx, func(tx pgx.Tx) error {
		purpose, err = installationPurpose(ctx, tx)
		return err
	})
	return purpose, err
}

func installationPurpose(ctx context.Context, tx pgx.Tx) (Purpose, error) {
	purpose, err := tenancydb.New().GetInstallationPurpose(ctx, tx)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("get the purpose of the database: %w", err)
	}
	return Purpose(purpose), nil
}

// ClaimInstallation decides what the database is for, unless that is decided, and returns
// what it is for.
func ClaimInstallation(ctx context.Context, store *Store, wanted Purpose) (purpose Purpose, err error) {
	err = store.InPlatform(ctx, func(tx pgx.Tx) error {
		if err := tenancydb.New().ClaimInstallation(ctx, tx, string(wanted)); err != nil {
			return fmt.Errorf("claim the database: %w", err)
		}
		purpose, err = installationPurpose(ctx, tx)
		return err
	})
	return purpose, err
}
