package api

import (
	"context"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListDomains lists the hosts of the business.
func (s *Server) ListDomains(ctx context.Context, r identityoapi.ListDomainsRequestObject) (identityoapi.ListDomainsResponseObject, error) {
	list, err := s.Domains.List(ctx, tenancy.ScopeFrom(ctx), keyset.NewPage(r.Params.Limit, r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	return identityoapi.ListDomains200JSONResponse{
		Data: convert.All(list.Data, ToAPIDomain), NextCursor: convert.Nullable(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// CreateDomain claims a name of the business's own.
func (s *Server) CreateDomain(ctx context.Context, r identityoapi.CreateDomainRequestObject) (identityoapi.CreateDomainResponseObject, error) {
	domain, err := s.Domains.Create(ctx, tenancy.ScopeFrom(ctx), r.Body.Name)
	if err != nil {
		return nil, err
	}
	return identityoapi.CreateDomain201JSONResponse(ToAPIDomain(domain)), nil
}

// GetDomain returns a host of the business.
func (s *Server) GetDomain(ctx context.Context, r identityoapi.GetDomainRequestObject) (identityoapi.GetDomainResponseObject, error) {
	domain, err := s.Domains.Get(ctx, tenancy.ScopeFrom(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return identityoapi.GetDomain200JSONResponse(ToAPIDomain(domain)), nil
}

// DeleteDomain gives a name up.
func (s *Server) DeleteDomain(ctx context.Context, r identityoapi.DeleteDomainRequestObject) (identityoapi.DeleteDomainResponseObject, error) {
	if err := s.Domains.Delete(ctx, tenancy.ScopeFrom(ctx), r.ID); err != nil {
		return nil, err
	}
	return identityoapi.DeleteDomain204Response{}, nil
}

// VerifyDomain looks for the record that proves a name.
func (s *Server) VerifyDomain(ctx context.Context, r identityoapi.VerifyDomainRequestObject) (identityoapi.VerifyDomainResponseObject, error) {
	domain, err := s.Domains.Verify(ctx, tenancy.ScopeFrom(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return identityoapi.VerifyDomain200JSONResponse(ToAPIDomain(domain)), nil
}

// MakeDomainPrimary makes a host the one that the business shows.
func (s *Server) MakeDomainPrimary(
	ctx context.Context, r identityoapi.MakeDomainPrimaryRequestObject,
) (identityoapi.MakeDomainPrimaryResponseObject, error) {
	domain, err := s.Domains.MakePrimary(ctx, tenancy.ScopeFrom(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return identityoapi.MakeDomainPrimary200JSONResponse(ToAPIDomain(domain)), nil
}

// ChangeSubdomain moves the business to another subdomain.
func (s *Server) ChangeSubdomain(
	ctx context.Context, r identityoapi.ChangeSubdomainRequestObject,
) (identityoapi.ChangeSubdomainResponseObject, error) {
	domain, err := s.Domains.ChangeSubdomain(ctx, tenancy.ScopeFrom(ctx), r.Body.Subdomain)
	if err != nil {
		return nil, err
	}
	return identityoapi.ChangeSubdomain200JSONResponse(ToAPIDomain(domain)), nil
}

// ToAPIDomain converts a host of a business.
func ToAPIDomain(d identity.Domain) identityoapi.Domain {
	out := identityoapi.Domain{
		ID: d.ID, Name: d.Name, Kind: identityoapi.DomainKindSUBDOMAIN, IsPrimary: d.IsPrimary, Status: identityoapi.DomainStatusPENDING,
		VerifiedAt: convert.Nullable(d.VerifiedAt), ReservedUntil: convert.Nullable(d.ReservedUntil), CreatedAt: d.CreatedAt,
		CheckedAt: convert.Nullable(d.CheckedAt), MissingSince: convert.Nullable(d.MissingSince), SuspendedAt: convert.Nullable(d.SuspendedAt),
	}
	switch {
	case d.VerifiedAt != nil:
		out.Status = identityoapi.DomainStatusSERVED
	case d.SuspendedAt != nil:
		out.Status = identityoapi.DomainStatusSUSPENDED
	case d.ReservedUntil != nil:
		out.Status = identityoapi.DomainStatusRESERVED
	}
	if d.IsCustom {
		out.Kind = identityoapi.DomainKindCUSTOM
	}
	if d.RecordName != "" {
		out.Record = &identityoapi.DomainRecord{Type: identityoapi.DomainRecordTypeTXT, Name: d.RecordName, Value: d.RecordValue}
	}
	return out
}
