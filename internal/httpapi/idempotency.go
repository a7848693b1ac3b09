package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/idempotency"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// The headers of idempotent requests.
const (
	HeaderIdempotencyKey     = "Idempotency-Key"
	HeaderIdempotentReplayed = "Idempotent-Replayed"
)

// idempotent runs a handler once per Idempotency-Key. Its effect and its response are committed in one
// transaction; the response is sent after the commit. Later requests with the key get the stored
// response. Errors: those of package idempotency.
func (s *Server) idempotent(op *contract.Operation, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		key := c.Request().Header.Get(HeaderIdempotencyKey)
		if key == "" {
			return next(c)
		}
		fingerprint, err := fingerprint(op, c.Request())
		if err != nil {
			return err
		}
		ctx := c.Request().Context()
		request, scope := idempotency.New(tenancy.ScopeFrom(ctx), key, fingerprint)
		c.SetRequest(c.Request().WithContext(tenancy.WithScope(ctx, scope)))
		answer, err := s.runOnce(c, request, scope, next)
		if replay, ok := errors.AsType[*idempotency.ReplayError](err); ok {
			c.Response().Header().Set(HeaderIdempotentReplayed, "true")
			answer, err = replay.Answer, nil
		}
		if err != nil {
			return err
		}
		return write(c, answer)
	}
}

// runOnce runs the handler and commits its response together with its effect. An error or a panic
// rolls both back.
func (s *Server) runOnce(
	c echo.Context, request *idempotency.Request, scope *tenancy.Scope, next echo.HandlerFunc,
) (answer idempotency.Answer, err error) {
	ctx := c.Request().Context()
	defer func() {
		if rollbackErr := request.Rollback(context.WithoutCancel(ctx)); rollbackErr != nil {
			err = errors.Join(err, fmt.Errorf("roll an idempotent request back: %w", rollbackErr))
		}
	}()
	outer := c.Response()
	recorder := &recorder{header: http.Header{}}
	c.SetResponse(echo.NewResponse(recorder, c.Echo()))
	err = func() error {
		defer c.SetResponse(outer)
		return next(c)
	}()
	if err != nil {
		return answer, err
	}
	answer = idempotency.Answer{Status: recorder.status, Headers: recorder.header, Body: recorder.body.Bytes()}
	if answer.Status < http.StatusOK || answer.Status >= http.StatusMultipleChoices {
		return answer, nil // errors change nothing and are not stored, so a retry runs the handler again
	}
	return answer, request.Commit(ctx, s.Store, scope, answer)
}

// write sends a recorded or stored response.
func write(c echo.Context, answer idempotency.Answer) error {
	maps.Copy(c.Response().Header(), answer.Headers)
	c.Response().WriteHeader(answer.Status)
	_, err := c.Response().Write(answer.Body)
	return err
}

// fingerprint returns the parts of a request that must be equal if the same key is used again. Bodies
// are compared as JSON values.
func fingerprint(op *contract.Operation, r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	for _, part := range []string{op.ID, r.URL.EscapedPath(), r.URL.Query().Encode(), r.Header.Get("If-Match")} {
		fmt.Fprintf(&b, "%d:%s,", len(part), part)
	}
	if !op.JSONBody() || r.Body == nil {
		return b.Bytes(), nil
	}
	raw, err := io.ReadAll(r.Body) // already validated and in memory
	if err != nil {
		return nil, apperr.New(apperr.InvalidRequest, "The body could not be read.").WithCause(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	if len(raw) == 0 {
		return b.Bytes(), nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var body any
	if err := d.Decode(&body); err != nil {
		return nil, apperr.New(apperr.InvalidRequest, "The body is not valid JSON.").WithCause(err)
	}
	canonical, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the body for the fingerprint: %w", err)
	}
	b.Write(canonical)
	return b.Bytes(), nil
}

// recorder is a ResponseWriter that stores the response in memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.body.Write(b)
}
