package tenancy

import (
	"strings"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// ModeSources is everything that says something about the mode of a request.
type ModeSources struct {
	// Header is the value of X-Sandbox-Mode, or empty.
	Header string
	// TokenSandbox is the mode of the API token, or nil if none was used.
	TokenSandbox *bool
	// UserSandbox marks a user who lives in the sandbox.
	UserSandbox bool
	// SessionSandbox is the mode the session is set to.
	SessionSandbox bool
	// SandboxEnabled says whether the tenant may use its sandbox.
	SandboxEnabled bool
}

// ResolveMode decides whether a request runs in the sandbox.
//
// An API token decides alone, and a header that contradicts it is an error, never
// an override. A user of the sandbox stays there whatever is asked. Else the
// header counts, and without one the session. A session that is set to sandbox
// falls back to live when the tenant's sandbox is switched off; asking for it by
// header, token or user is then a SandboxDisabled error.
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
		return false, apperr.New(apperr.SandboxDisabled, "The sandbox of this business is switched off.")
	}
	return sandbox, nil
}

// parseModeHeader is strict: a value that means nothing must not end up in the
// live world by accident.
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
