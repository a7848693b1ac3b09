package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
)

// Purpose is the kind of installation that a database belongs to. The first server that uses it decides.
type Purpose string

// The purposes.
const (
	Development Purpose = "DEVELOPMENT"
	Production  Purpose = "PRODUCTION"
)

// InstallationPurpose returns the purpose of the database; empty if no server has used it.
func (s *Store) InstallationPurpose(ctx context.Context) (purpose Purpose, err error) {
	err = s.InPlatform(ctx, nil, func(tx pgx.Tx) error {
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

// ClaimInstallation sets the purpose of the database unless it is set, and returns it.
func (s *Store) ClaimInstallation(ctx context.Context, wanted Purpose) (purpose Purpose, err error) {
	err = s.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		if err := tenancydb.New().ClaimInstallation(ctx, tx, string(wanted)); err != nil {
			return fmt.Errorf("claim the database: %w", err)
		}
		purpose, err = installationPurpose(ctx, tx)
		return err
	})
	return purpose, err
}
