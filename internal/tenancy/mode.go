package tenancy

import (
	"strings"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// ModeSources are the inputs that decide the mode of a request.
type ModeSources struct {
	// Header is the value of X-Sandbox-Mode, or empty.
	Header string
	// TokenSandbox is the mode of the API token, or nil if none was used.
	TokenSandbox *bool
	// UserSandbox marks a user of the sandbox.
	UserSandbox bool
	// SessionSandbox is the mode the session is set to.
	SessionSandbox bool
	// SandboxEnabled is whether the tenant may use its sandbox.
	SandboxEnabled bool
}

// ResolveMode decides whether a request runs in the sandbox.
//
// An API token has one mode; a header that contradicts it is an error, never an override. A
// user of the sandbox always stays there. Otherwise the header decides, and without one the
// session. A session in sandbox mode falls back to live if the tenant's sandbox is disabled; a
// header, token or user that demands the sandbox is then a SandboxDisabled error.
func ResolveMode(s ModeSources) (sandbox bool, err error) {
	header, given, err := parseModeHeader(s.Header)
	if err != nil {
		return false, err
	}
	switch {
	case s.TokenSandbox != nil:
		if given && header != *s.TokenSandbox {
			return false, apperr.New(apperr.ModeContradiction,
				"The token decides the mode, and X-Sandbox-Mode contradicts it. Leave the header out.")
		}
		sandbox = *s.TokenSandbox
	case s.UserSandbox:
		sandbox = true
	case given:
		sandbox = header
	default:
		return s.SessionSandbox && s.SandboxEnabled, nil
	}
	if sandbox && !s.SandboxEnabled {
		return false, apperr.New(apperr.SandboxDisabled, "The sandbox of this business is disabled.")
	}
	return sandbox, nil
}

// parseModeHeader refuses unknown values: they must not fall back to live.
func parseModeHeader(value string) (sandbox, given bool, err error) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "":
		return false, false, nil
	case "true", "1":
		return true, true, nil
	case "false", "0":
		return false, true, nil
	}
	const detail = "X-Sandbox-Mode must be true or false."
	return false, true, apperr.New(apperr.InvalidRequest, detail).
		WithFields(apperr.Field{Pointer: "X-Sandbox-Mode", Detail: detail})
}
