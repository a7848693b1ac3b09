package api

import (
	"context"
	"time"

	developeroapi "github.com/smoothschedule/smoothschedule/gen/api/developer"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// defaultOverlap is for how long a replaced secret works if the request does not say; the
// contract has the same number.
const defaultOverlap = 24 * time.Hour

// ListTokens lists the API tokens.
func (s *Developer) ListTokens(ctx context.Context, r developeroapi.ListTokensRequestObject) (developeroapi.ListTokensResponseObject, error) {
	filter := developer.TokenFilter{IsSandbox: r.Params.IsSandbox}
	list, err := s.Tokens.List(ctx, tenancy.ScopeFrom(ctx), filter, keyset.NewPage(r.Params.Limit, r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	return developeroapi.ListTokens200JSONResponse{
		Data: convert.All(list.Data, ToAPIToken), NextCursor: convert.Nullable(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// CreateToken makes an API token.
func (s *Developer) CreateToken(ctx context.Context, r developeroapi.CreateTokenRequestObject) (developeroapi.CreateTokenResponseObject, error) {
	token, err := s.Tokens.Create(ctx, tenancy.ScopeFrom(ctx), FromAPITokenCreate(*r.Body))
	if err != nil {
		return nil, err
	}
	return developeroapi.CreateToken201JSONResponse{
		Body: ToAPIToken(token), Headers: developeroapi.CreateToken201ResponseHeaders{ETag: etag.Format(token.Version)},
	}, nil
}

// GetToken returns an API token.
func (s *Developer) GetToken(ctx context.Context, r developeroapi.GetTokenRequestObject) (developeroapi.GetTokenResponseObject, error) {
	token, err := s.Tokens.Get(ctx, tenancy.ScopeFrom(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return developeroapi.GetToken200JSONResponse{
		Body: ToAPIToken(token), Headers: developeroapi.GetToken200ResponseHeaders{ETag: etag.Format(token.Version)},
	}, nil
}

// UpdateToken renames an API token.
func (s *Developer) UpdateToken(ctx context.Context, r developeroapi.UpdateTokenRequestObject) (developeroapi.UpdateTokenResponseObject, error) {
	version, err := etag.Parse(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	token, err := s.Tokens.Rename(ctx, tenancy.ScopeFrom(ctx), r.ID, version, string(r.Body.Name))
	if err != nil {
		return nil, err
	}
	return developeroapi.UpdateToken200JSONResponse{
		Body: ToAPIToken(token), Headers: developeroapi.UpdateToken200ResponseHeaders{ETag: etag.Format(token.Version)},
	}, nil
}

// RotateToken gives an API token a new secret.
func (s *Developer) RotateToken(ctx context.Context, r developeroapi.RotateTokenRequestObject) (developeroapi.RotateTokenResponseObject, error) {
	version, err := etag.Parse(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	overlap := defaultOverlap
	if r.Body != nil && r.Body.OverlapSeconds != nil {
		overlap = time.Duration(*r.Body.OverlapSeconds) * time.Second
	}
	token, err := s.Tokens.Rotate(ctx, tenancy.ScopeFrom(ctx), r.ID, version, overlap)
	if err != nil {
		return nil, err
	}
	return developeroapi.RotateToken200JSONResponse{
		Body: ToAPIToken(token), Headers: developeroapi.RotateToken200ResponseHeaders{ETag: etag.Format(token.Version)},
	}, nil
}

// RevokeToken ends an API token.
func (s *Developer) RevokeToken(ctx context.Context, r developeroapi.RevokeTokenRequestObject) (developeroapi.RevokeTokenResponseObject, error) {
	version, err := etag.Parse(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := s.Tokens.Revoke(ctx, tenancy.ScopeFrom(ctx), r.ID, version); err != nil {
		return nil, err
	}
	return developeroapi.RevokeToken204Response{}, nil
}
