package api

import (
	developeroapi "github.com/smoothschedule/smoothschedule/gen/api/developer"
	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/names"
	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
)

// ToAPIToken converts a token.
func ToAPIToken(t developer.Token) developeroapi.APIToken {
	converted := developeroapi.APIToken{
		ID: t.ID, Name: names.Name(t.Name), Token: convert.Nullable(t.Secret), Prefix: t.Prefix, IsSandbox: t.IsSandbox,
		Scopes:    convert.All(t.Scopes, func(s apitoken.Scope) developeroapi.APITokenScope { return developeroapi.APITokenScope(s) }),
		ExpiresAt: convert.Nullable(t.ExpiresAt), LastUsedAt: convert.Nullable(t.LastUsedAt), CreatedBy: convert.Nullable(t.CreatedBy),
		CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt, Version: int(t.Version),
	}
	converted.Previous.SetNull()
	if t.Previous != nil {
		converted.Previous.Set(developeroapi.APITokenPrevious{ExpiresAt: t.Previous.ExpiresAt, Prefix: t.Previous.Prefix})
	}
	return converted
}

// FromAPITokenCreate converts what a new token is made of.
func FromAPITokenCreate(b developeroapi.APITokenCreate) developer.TokenInput {
	in := developer.TokenInput{
		Name: string(b.Name), IsSandbox: b.IsSandbox,
		Scopes: convert.All(b.Scopes, func(s developeroapi.APITokenScope) apitoken.Scope { return apitoken.Scope(s) }),
	}
	if expiresAt, err := b.ExpiresAt.Get(); err == nil { // neither left out nor null
		in.ExpiresAt = &expiresAt
	}
	return in
}
