package apperr

// Code is one entry of the closed list of error codes. Name is stable and meant for programs;
// docs/api/errors.md describes each code.
type Code struct {
	Name  string
	Kind  Kind
	Title string
}

// The codes. A new one is added here, to Codes, and to docs/api/errors.md.
var (
	InternalError         = Code{"internal", Internal, "Internal error"}
	ServiceUnavailable    = Code{"unavailable", Unavailable, "Temporarily unavailable"}
	Unauthorized          = Code{"unauthenticated", Unauthenticated, "Sign-in required"}
	InvalidCredentials    = Code{"invalid_credentials", Unauthenticated, "Sign-in failed"}
	InvalidRequest        = Code{"invalid_request", Invalid, "The request is not valid"}
	InvalidCursor         = Code{"invalid_cursor", Invalid, "The cursor is not valid"}
	TenantRequired        = Code{"tenant_required", Invalid, "Business required"}
	ModeContradiction     = Code{"mode_contradiction", Invalid, "Conflicting modes"}
	RoleNotAllowed        = Code{"role_not_allowed", Forbidden, "Not allowed for this role"}
	ScopeRequired         = Code{"scope_required", Forbidden, "Scope missing"}
	TokenNotAccepted      = Code{"token_not_accepted", Forbidden, "Not for API tokens"}
	FeatureNotInPlan      = Code{"feature_not_in_plan", Forbidden, "Not included in the plan"}
	QuotaExceeded         = Code{"quota_exceeded", Forbidden, "Quota used up"}
	TenantMismatch        = Code{"tenant_mismatch", Forbidden, "Token of another business"}
	TenantSuspended       = Code{"tenant_suspended", Forbidden, "The business is suspended"}
	TimezoneUnknown       = Code{"timezone_unknown", Forbidden, "Unknown time zone"}
	BookingClosed         = Code{"booking_closed", Forbidden, "Bookings are closed"}
	SandboxDisabled       = Code{"sandbox_disabled", Forbidden, "The sandbox is off"}
	SandboxOnly           = Code{"sandbox_only", Forbidden, "Only in the sandbox"}
	MasqueradeRefused     = Code{"masquerade_refused", Forbidden, "Not during impersonation"}
	CrossOriginRefused    = Code{"cross_origin_refused", Forbidden, "Refused from another origin"}
	NotFound              = Code{"not_found", Missing, "Not found"}
	UnknownHost           = Code{"unknown_host", Missing, "Unknown host"}
	MethodNotAllowed      = Code{"method_not_allowed", MethodRefused, "Method not allowed"}
	EventsExpired         = Code{"events_expired", Gone, "Events have expired"}
	AlreadyExists         = Code{"already_exists", Conflicting, "Already exists"}
	InUse                 = Code{"in_use", Conflicting, "Still in use"}
	SlotTaken             = Code{"slot_taken", Conflicting, "The slot is taken"}
	OffGrid               = Code{"off_grid", Conflicting, "Not an offered start"}
	LimitDay              = Code{"limit_day", Conflicting, "No more bookings on this day"}
	LimitWeek             = Code{"limit_week", Conflicting, "No more bookings in this week"}
	HoldExpired           = Code{"hold_expired", Conflicting, "The hold has expired"}
	HoldUsed              = Code{"hold_used", Conflicting, "The hold is already an appointment"}
	TooManyHolds          = Code{"too_many_holds", Conflicting, "Too many holds"}
	TooManyBookings       = Code{"too_many_bookings", Conflicting, "Too many bookings"}
	NoLongerPossible      = Code{"no_longer_possible", Conflicting, "No longer possible"}
	RefusedByPolicy       = Code{"refused_by_policy", Forbidden, "Not allowed by the business's policies"}
	DomainNotVerified     = Code{"domain_not_verified", Conflicting, "The domain is not verified"}
	InvalidTransition     = Code{"invalid_transition", Conflicting, "Not possible in this status"}
	LastOwner             = Code{"last_owner", Conflicting, "The last owner"}
	Busy                  = Code{"busy", Conflicting, "Too much contention"}
	VersionMismatch       = Code{"version_mismatch", PreconditionFailed, "Changed in the meantime"}
	BodyTooLarge          = Code{"body_too_large", TooLarge, "Body too large"}
	UnsupportedType       = Code{"unsupported_media_type", UnsupportedMedia, "Unsupported media type"}
	ValidationFailed      = Code{"validation_failed", Unprocessable, "The data is not valid"}
	IdempotencyInProgress = Code{"idempotency_in_progress", Conflicting, "Request still running"}
	IdempotencyKeyReused  = Code{"idempotency_key_reused", Unprocessable, "Key used before"}
	PositionBeyondEnd     = Code{"position_beyond_end", Unprocessable, "Position beyond the end"}
	RateLimited           = Code{"rate_limited", TooMany, "Too many requests"}
	TooManyAttempts       = Code{"too_many_attempts", TooMany, "Too many attempts"}
)

// Codes returns all codes. A test compares them with docs/api/errors.md.
func Codes() []Code {
	return []Code{
		InternalError, ServiceUnavailable, Unauthorized, InvalidCredentials, InvalidRequest, InvalidCursor,
		TenantRequired, ModeContradiction, RoleNotAllowed, ScopeRequired, TokenNotAccepted, FeatureNotInPlan,
		QuotaExceeded, TenantMismatch, TenantSuspended, TimezoneUnknown, BookingClosed, SandboxDisabled, SandboxOnly, MasqueradeRefused, CrossOriginRefused, NotFound, UnknownHost,
		MethodNotAllowed, EventsExpired, PositionBeyondEnd, AlreadyExists, InUse, SlotTaken, DomainNotVerified, InvalidTransition, LastOwner, Busy, VersionMismatch,
		OffGrid, LimitDay, LimitWeek, HoldExpired, HoldUsed, TooManyHolds, TooManyBookings, NoLongerPossible, RefusedByPolicy,
		BodyTooLarge, UnsupportedType, ValidationFailed, TooManyAttempts,
		IdempotencyInProgress, IdempotencyKeyReused, RateLimited,
	}
}
