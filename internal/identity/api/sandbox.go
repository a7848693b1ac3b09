package api

import (
	"context"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// GetSandboxStatus returns the mode of the request and of its session.
func (s *Server) GetSandboxStatus(
	ctx context.Context, _ identityoapi.GetSandboxStatusRequestObject,
) (identityoapi.GetSandboxStatusResponseObject, error) {
	status, err := s.Sandbox.Status(tenancy.ScopeFrom(ctx))
	if err != nil {
		return nil, err
	}
	return identityoapi.GetSandboxStatus200JSONResponse(ToAPISandboxStatus(status)), nil
}

// ToggleSandbox sets the mode of the session.
func (s *Server) ToggleSandbox(
	ctx context.Context, r identityoapi.ToggleSandboxRequestObject,
) (identityoapi.ToggleSandboxResponseObject, error) {
	var want *bool
	if r.Body != nil {
		want = r.Body.SandboxMode
	}
	status, err := s.Sandbox.Toggle(ctx, tenancy.ScopeFrom(ctx), want)
	if err != nil {
		return nil, err
	}
	return identityoapi.ToggleSandbox200JSONResponse(ToAPISandboxStatus(status)), nil
}

// ResetSandbox empties the sandbox.
func (s *Server) ResetSandbox(
	ctx context.Context, _ identityoapi.ResetSandboxRequestObject,
) (identityoapi.ResetSandboxResponseObject, error) {
	status, err := s.Sandbox.Reset(ctx, tenancy.ScopeFrom(ctx))
	if err != nil {
		return nil, err
	}
	return identityoapi.ResetSandbox200JSONResponse(ToAPISandboxStatus(status)), nil
}
