package developerapi

import (
	"github.com/oapi-codegen/nullable"

	developeroapi "github.com/smoothschedule/smoothschedule/gen/api/developer"
	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
)

// ToAPIToken converts a token.
func ToAPIToken(t developer.Token) developeroapi.APIToken {
	converted := developeroapi.APIToken{
		ID: t.ID, Name: t.Name, Token: toNullable(t.Secret), Prefix: t.Prefix, IsSandbox: t.IsSandbox,
		Scopes:    convertAll(t.Scopes, func(s apitoken.Scope) developeroapi.APITokenScope { return developeroapi.APITokenScope(s) }),
		ExpiresAt: toNullable(t.ExpiresAt), LastUsedAt: toNullable(t.LastUsedAt), CreatedBy: toNullable(t.CreatedBy),
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
		Name: b.Name, IsSandbox: b.IsSandbox,
		Scopes: convertAll(b.Scopes, func(s developeroapi.APITokenScope) apitoken.Scope { return apitoken.Scope(s) }),
	}
	if expiresAt, err := b.ExpiresAt.Get(); err == nil { // neither left out nor null
		in.ExpiresAt = &expiresAt
	}
	return in
}

func toNullable[T any](value *T) nullable.Nullable[T] {
	if value == nil {
		return nullable.NewNullNullable[T]()
	}
	return nullable.NewNullableWithValue(*value)
}

func convertAll[From, To any](list []From, convert func(From) To) []To {
	out := make([]To, len(list))
	for i, item := range list {
		out[i] = convert(item)
	}
	return out
}
