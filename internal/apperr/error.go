// Package apperr owns the errors that a client may see: a closed list of codes, each with its kind and
// title, and an error type that separates the text for the client from the cause for the log.
//
// It knows neither HTTP nor any domain. Only internal/httpapi turns an Error into a response; all other
// errors become InternalError, and their text is only logged.
package apperr

import (
	"fmt"
	"time"
)

// Kind groups codes by what the client can do about them.
type Kind uint8

// The kinds.
const (
	Internal Kind = iota
	Unauthenticated
	Invalid
	Forbidden
	Missing
	Gone
	MethodRefused
	Conflicting
	PreconditionFailed
	TooLarge
	UnsupportedMedia
	Unprocessable
	TooMany
	Unavailable
)

// Field is one invalid part of a request.
type Field struct {
	// Pointer is a JSON pointer into the body ("/price/amount"), or "?name" for a
	// query parameter, or the name of a header.
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error is an error that a client may see.
type Error struct {
	// Code decides kind and title.
	Code Code
	// Detail is for people. It must not contain anything that the client may not know.
	Detail string
	// Fields are the invalid parts of the request.
	Fields []Field
	// Members are added to the standard members of the problem.
	Members map[string]any
	// RetryAfter, if positive, is the time to wait before the next attempt.
	RetryAfter time.Duration

	cause error
}

// New makes an error of the code; format and args give Detail.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// NewInvalid makes a ValidationFailed error about exactly one field.
func NewInvalid(pointer, format string, args ...any) *Error {
	detail := fmt.Sprintf(format, args...)
	return New(ValidationFailed, "%s", detail).WithFields(Field{Pointer: pointer, Detail: detail})
}

// NewUnknownReference is NewInvalid for the id of an object that does not exist, such as a "service".
func NewUnknownReference(pointer, noun string) *Error {
	return NewInvalid(pointer, "There is no %s with this id.", noun)
}

// NewNotFound makes a NotFound error for a noun ("resource").
func NewNotFound(noun string) *Error {
	return New(NotFound, "There is no %s with this id.", noun)
}

// With adds a member to the problem.
func (e *Error) With(name string, value any) *Error {
	if e.Members == nil {
		e.Members = make(map[string]any)
	}
	e.Members[name] = value
	return e
}

// WithFields adds invalid fields.
func (e *Error) WithFields(fields ...Field) *Error {
	e.Fields = append(e.Fields, fields...)
	return e
}

// WithRetryAfter sets the time to wait before the next attempt.
func (e *Error) WithRetryAfter(d time.Duration) *Error {
	e.RetryAfter = d
	return e
}

// WithCause sets the cause, which is only logged.
func (e *Error) WithCause(err error) *Error {
	e.cause = err
	return e
}

// Error returns the text for logs, including the cause.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code.Name, e.Detail, e.cause)
	}
	return e.Code.Name + ": " + e.Detail
}

// Unwrap returns the cause, if there is one.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an Error of the same code, so that
// errors.Is(err, apperr.New(apperr.NotFound, "")) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code.Name == e.Code.Name
}
