package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// ProblemTypeBase is the URL prefix of the documentation of the codes.
const ProblemTypeBase = "https://docs.smoothschedule.com/problems/"

var statuses = map[apperr.Kind]int{
	apperr.Internal:           http.StatusInternalServerError,
	apperr.Unauthenticated:    http.StatusUnauthorized,
	apperr.Invalid:            http.StatusBadRequest,
	apperr.Forbidden:          http.StatusForbidden,
	apperr.Missing:            http.StatusNotFound,
	apperr.Gone:               http.StatusGone,
	apperr.MethodRefused:      http.StatusMethodNotAllowed,
	apperr.Conflicting:        http.StatusConflict,
	apperr.PreconditionFailed: http.StatusPreconditionFailed,
	apperr.TooLarge:           http.StatusRequestEntityTooLarge,
	apperr.UnsupportedMedia:   http.StatusUnsupportedMediaType,
	apperr.Unprocessable:      http.StatusUnprocessableEntity,
	apperr.TooMany:            http.StatusTooManyRequests,
	apperr.Unavailable:        http.StatusServiceUnavailable,
}

// problem is the body of every error (RFC 9457).
type problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Code      string         `json:"code"`
	RequestID string         `json:"request_id"`
	Success   bool           `json:"success"`
	Error     string         `json:"error"`
	Errors    []apperr.Field `json:"errors,omitempty"`
}

// writeError writes an error as the response. It is the only place that turns errors into HTTP.
func (s *Server) writeError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	known := classify(err)
	requestID := c.Response().Header().Get(echo.HeaderXRequestID)
	status := statuses[known.Code.Kind]
	if status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		s.Log.LogAttrs(c.Request().Context(), slog.LevelError, "request failed",
			slog.String("request_id", requestID), slog.String("error", err.Error()))
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/problem+json")
	if status == http.StatusUnauthorized {
		h.Set(echo.HeaderWWWAuthenticate, `Bearer realm="smoothschedule"`)
	}
	if known.RetryAfter > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(known.RetryAfter.Seconds()))))
	}
	body, encodeErr := encodeProblem(known, requestID)
	if encodeErr != nil {
		s.Log.Error("cannot encode a problem", "code", known.Code.Name, "error", encodeErr)
	}
	c.Response().WriteHeader(status)
	if c.Request().Method == http.MethodHead {
		return
	}
	if _, err := c.Response().Write(body); err != nil {
		s.Log.Debug("client disconnected", "request_id", requestID, "error", err)
	}
}

// encodeProblem encodes the standard members, followed by those of the code in alphabetical order.
// A member that cannot be encoded, or has the name of a standard one, is omitted and returned as an
// error; the body is valid in any case.
func encodeProblem(e *apperr.Error, requestID string) ([]byte, error) {
	detail := clip(e.Detail, maxDetail)
	body, err := json.Marshal(problem{
		Type: ProblemTypeBase + e.Code.Name, Title: e.Code.Title, Status: statuses[e.Code.Kind], Detail: detail,
		Code: e.Code.Name, RequestID: requestID, Error: detail, Errors: clipFields(e.Fields),
	})
	if err != nil {
		return []byte(`{}`), err
	}
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(e.Members)) {
		key, keyErr := json.Marshal(name)
		value, valueErr := json.Marshal(e.Members[name])
		if err := errors.Join(keyErr, valueErr); err != nil || standardMembers[name] {
			mistakes = append(mistakes, fmt.Errorf("member %q: %w", name, errors.Join(err, errInvalidMember)))
			continue
		}
		body = append(body[:len(body)-1], ',')
		body = append(append(append(body, key...), ':'), value...)
		body = append(body, '}')
	}
	return append(body, '\n'), errors.Join(mistakes...)
}

// Limits of the texts of a problem in bytes. The texts may quote input of the client.
const (
	maxDetail  = 1000
	maxPointer = 300
)

// clip makes a text valid UTF-8 and truncates it to limit bytes, marked by an ellipsis.
func clip(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// clipFields returns the first maxFields fields with clipped texts.
func clipFields(fields []apperr.Field) []apperr.Field {
	clipped := make([]apperr.Field, 0, min(len(fields), maxFields))
	for _, f := range fields[:min(len(fields), maxFields)] {
		clipped = append(clipped, apperr.Field{Pointer: clip(f.Pointer, maxPointer), Detail: clip(f.Detail, maxDetail)})
	}
	return clipped
}

var errInvalidMember = errors.New("cannot be a member of a problem")

var standardMembers = map[string]bool{
	"type": true, "title": true, "status": true, "detail": true, "code": true, "request_id": true,
	"success": true, "error": true, "errors": true, "instance": true,
}

// unknownOutcome is part of every error after which the change may have been committed: the
// response to a COMMIT can be lost as well.
const unknownOutcome = "Check before you repeat a change, or repeat it with the same Idempotency-Key."

// classify returns the error that the client may see. Unknown errors are InternalError.
func classify(err error) *apperr.Error {
	if known, ok := errors.AsType[*apperr.Error](err); ok && statuses[known.Code.Kind] != 0 {
		return known
	}
	if routing, ok := errors.AsType[*echo.HTTPError](err); ok {
		return classifyRouting(routing)
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classifyDatabase(pgErr)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || pgconn.Timeout(err) {
		return apperr.New(apperr.ServiceUnavailable, "The request took too long. "+unknownOutcome)
	}
	return apperr.New(apperr.InternalError, "Something went wrong on our side. "+unknownOutcome)
}

// classifyRouting translates errors of Echo and of the generated code.
func classifyRouting(e *echo.HTTPError) *apperr.Error {
	if known, ok := errors.AsType[*apperr.Error](e.Internal); ok {
		return known
	}
	switch e.Code {
	case http.StatusNotFound:
		return apperr.New(apperr.NotFound, "No such path.")
	case http.StatusMethodNotAllowed:
		return apperr.New(apperr.MethodNotAllowed, "This path does not support this method.")
	case http.StatusRequestEntityTooLarge:
		return apperr.New(apperr.BodyTooLarge, "The body of this request is too large.")
	case http.StatusUnsupportedMediaType:
		return apperr.New(apperr.UnsupportedType, "Send the body as application/json.")
	case http.StatusBadRequest:
		return apperr.New(apperr.InvalidRequest, "The request cannot be read.")
	}
	return apperr.New(apperr.InternalError, "Something went wrong on our side. "+unknownOutcome)
}

// classifyDatabase translates the database errors that are not bugs.
func classifyDatabase(e *pgconn.PgError) *apperr.Error {
	switch e.Code {
	case "22021", "22P05": // character not in repertoire, untranslatable character
		return apperr.New(apperr.InvalidRequest, "The request contains a character that cannot be stored.")
	case "57014", "55P03", "25P03": // statement, lock and idle timeouts
		return apperr.New(apperr.ServiceUnavailable, "The request took too long. "+unknownOutcome)
	case "53300", "57P01", "57P02", "57P03": // too many connections, shutting down, starting up
		return apperr.New(apperr.ServiceUnavailable, "The database is not available. "+unknownOutcome)
	}
	return apperr.New(apperr.InternalError, "Something went wrong on our side. "+unknownOutcome)
}
