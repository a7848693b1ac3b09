package identity

import (
	"context"
	"fmt"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// PersonasExist reports whether the database holds personas of the platform. Their
// password is public, so production must not run on such a database.
func PersonasExist(ctx context.Context, store *tenancy.Store) (bool, error) {
	params := identitydb.ListUsersByEmailParams{}
	for _, p := range KnownPersonas() {
		if p.Role.Platform() {
			params.Emails = append(params.Emails, PersonaEmail(p.Name, tenancy.PlatformLabel))
		}
	}
	users, err := queries.ListUsersByEmail(ctx, store.Control(), params)
	if err != nil {
		return false, fmt.Errorf("look for personas: %w", err)
	}
	return len(users) > 0, nil
}
