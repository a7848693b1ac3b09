package api

import (
	"context"
	"net/http"
	"time"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/httpapi"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Login signs in with e-mail and password.
func (s *Server) Login(ctx context.Context, r identityoapi.LoginRequestObject) (identityoapi.LoginResponseObject, error) {
	scope := tenancy.ScopeFrom(ctx)
	signedIn, err := s.Sessions.Login(ctx, scope, identity.LoginInput{
		Email: r.Body.Email, Password: r.Body.Password, Device: httpapi.DeviceFrom(ctx),
	})
	if err != nil {
		return nil, err
	}
	return loginResponse{identityoapi.Login200JSONResponse{
		Body:    ToAPISignedIn(signedIn, scope.AtHost().Tenant),
		Headers: identityoapi.Login200ResponseHeaders{SetCookie: s.cookie(signedIn.Token, signedIn.ExpiresAt)},
	}, s.deviceCookie(signedIn.Device, scope.RealNow())}, nil
}

// Logout ends the session of the request.
func (s *Server) Logout(ctx context.Context, _ identityoapi.LogoutRequestObject) (identityoapi.LogoutResponseObject, error) {
	if err := s.Sessions.Logout(ctx, tenancy.ScopeFrom(ctx)); err != nil {
		return nil, err
	}
	return identityoapi.Logout204Response{
		Headers: identityoapi.Logout204ResponseHeaders{SetCookie: s.cookie("", time.Time{})},
	}, nil
}

// ChangePassword gives the signed-in user a new password.
func (s *Server) ChangePassword(
	ctx context.Context, r identityoapi.ChangePasswordRequestObject,
) (identityoapi.ChangePasswordResponseObject, error) {
	scope := tenancy.ScopeFrom(ctx)
	device, err := s.Sessions.ChangePassword(ctx, scope, r.Body.CurrentPassword, r.Body.NewPassword)
	if err != nil {
		return nil, err
	}
	return identityoapi.ChangePassword204Response{
		Headers: identityoapi.ChangePassword204ResponseHeaders{SetCookie: s.deviceCookie(device, scope.RealNow())},
	}, nil
}

// ResetPassword gives the user of a reset a new password.
func (s *Server) ResetPassword(ctx context.Context, r identityoapi.ResetPasswordRequestObject) (identityoapi.ResetPasswordResponseObject, error) {
	if err := s.PasswordResets.Use(ctx, tenancy.ScopeFrom(ctx), r.Body.Token, r.Body.NewPassword); err != nil {
		return nil, err
	}
	return identityoapi.ResetPassword204Response{}, nil
}

// ListSessions lists the sessions of the signed-in user.
func (s *Server) ListSessions(
	ctx context.Context, r identityoapi.ListSessionsRequestObject,
) (identityoapi.ListSessionsResponseObject, error) {
	list, err := s.Sessions.List(ctx, tenancy.ScopeFrom(ctx), keyset.NewPage(r.Params.Limit, r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	return identityoapi.ListSessions200JSONResponse{
		Data: convert.All(list.Data, ToAPISession), NextCursor: convert.Nullable(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// RevokeSession ends one of the signed-in user's sessions.
func (s *Server) RevokeSession(
	ctx context.Context, r identityoapi.RevokeSessionRequestObject,
) (identityoapi.RevokeSessionResponseObject, error) {
	if err := s.Sessions.Revoke(ctx, tenancy.ScopeFrom(ctx), r.ID); err != nil {
		return nil, err
	}
	return identityoapi.RevokeSession204Response{}, nil
}

// cookie carries a session's token in browsers; without a token it removes the one
// that is there.
func (s *Server) cookie(token string, expires time.Time) string {
	cookie := s.newCookie(httpapi.SessionCookie, token, expires)
	if token == "" {
		cookie.MaxAge = -1
	}
	return cookie.String()
}

// deviceCookie marks a browser as one that its user has signed in with.
func (s *Server) deviceCookie(device string, now time.Time) string {
	return s.newCookie(httpapi.DeviceCookie, device, now.Add(identity.DeviceLifetime)).String()
}

func (s *Server) newCookie(name, value string, expires time.Time) *http.Cookie {
	return &http.Cookie{
		Name: httpapi.CookieName(name, s.SecureCookies), Value: value, Path: "/", Expires: expires,
		HttpOnly: true, Secure: s.SecureCookies, SameSite: http.SameSiteLaxMode,
	}
}

// loginResponse has a second cookie, which the header of the generated answer has no room for.
type loginResponse struct {
	identityoapi.Login200JSONResponse
	cookie string
}

// VisitLoginResponse writes the answer.
func (r loginResponse) VisitLoginResponse(w http.ResponseWriter) error {
	return r.Login200JSONResponse.VisitLoginResponse(cookieWriter{w, r.cookie})
}

// cookieWriter sends a cookie beside those that are in the answer.
type cookieWriter struct {
	http.ResponseWriter
	cookie string
}

func (w cookieWriter) WriteHeader(status int) {
	w.Header().Add("Set-Cookie", w.cookie)
	w.ResponseWriter.WriteHeader(status)
}
