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

// demoTokenName is that of the API token that the sheet shows. It is one of the sandbox,
// which stays readable, so that the next start can show it again.
const demoTokenName = "Demo"

// seedToken makes an API token for the sandbox of the business, which may do everything
// that API tokens may.
func (a *App) seedToken(ctx context.Context, scope *tenancy.Scope) error {
	sandbox := true
	_, err := a.Tokens.Create(ctx, scope, developer.TokenInput{Name: demoTokenName, Scopes: apitoken.Scopes(), IsSandbox: &sandbox})
	return err
}

// demoToken returns the API token of the business's sandbox; empty if somebody revoked it,
// or changed the business so that it is not at hand.
func (a *App) demoToken(ctx context.Context, subdomain string, now time.Time) (string, error) {
	scope, err := a.Resolver.Resolve(ctx, tenancy.Request{
		RequestID: "demo", Now: now.UTC(), Host: tenancy.Host{Domain: subdomain}, ModeHeader: "true",
	})
	if errors.Is(err, apperr.New(apperr.UnknownHost, "")) || errors.Is(err, apperr.New(apperr.SandboxDisabled, "")) {
		return "", nil // somebody moved the business, or switched its sandbox off
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
