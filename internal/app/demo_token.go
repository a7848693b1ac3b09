package app

import (
	"context"
	"errors"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// demoTokenName is the name of the API token on the start-up sheet. It is a sandbox token, which stays
// readable, so that the next start can print it again.
const demoTokenName = "Demo"

// seedToken creates an API token for the sandbox of the business with all scopes.
func (a *App) seedToken(ctx context.Context, scope *tenancy.Scope) error {
	sandbox := true
	_, err := a.Tokens.Create(ctx, scope, developer.TokenInput{Name: demoTokenName, Scopes: apitoken.Scopes(), IsSandbox: &sandbox})
	return err
}

// demoToken returns the API token for the sandbox of the business. It is empty if the token was revoked,
// the business moved to another subdomain, or its sandbox is disabled.
func (a *App) demoToken(ctx context.Context, subdomain string, now time.Time) (string, error) {
	scope, err := a.Resolver.Resolve(ctx, tenancy.Request{
		RequestID: "demo", Now: now.UTC(), Host: tenancy.Host{Domain: subdomain}, ModeHeader: "true",
	})
	if errors.Is(err, apperr.New(apperr.UnknownHost, "")) || errors.Is(err, apperr.New(apperr.SandboxDisabled, "")) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	list, err := a.Tokens.List(ctx, scope, developer.TokenFilter{}, keyset.Page{Limit: keyset.MaxLimit})
	if err != nil {
		return "", err
	}
	for _, token := range list.Data {
		if token.Name == demoTokenName && token.Secret != nil {
			return *token.Secret, nil
		}
	}
	return "", nil
}
