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
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// The headers of idempotent requests.
const (
	HeaderIdempotencyKey     = "Idempotency-Key"
	HeaderIdempotentReplayed = "Idempotent-Replayed"
)

// idempotent runs a handler so that its effect and its answer happen together, once for
// the request's Idempotency-Key. The answer is held back until the Store has kept it in
// the transaction of the effect.
func (s *Server) idempotent(op *contract.Operation, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		key := c.Request().Header.Get(HeaderIdempotencyKey)
		if key == "" {
			return next(c)
		}
		request, err := fingerprint(op, c.Request())
		if err != nil {
			return err
		}
		ctx := c.Request().Context()
		scope := *tenancy.ScopeFrom(ctx)
		scope.Idempotency = tenancy.NewIdempotency(&scope, key, request)
		c.SetRequest(c.Request().WithContext(tenancy.WithScope(ctx, &scope)))
		answer, err := s.held(c, &scope, next)
		if replay, ok := errors.AsType[*tenancy.ReplayError](err); ok {
			c.Response().Header().Set(HeaderIdempotentReplayed, "true")
			answer, err = replay.Answer, nil
		}
		if err != nil {
			return err
		}
		return write(c, answer)
	}
}

// held runs the handler and keeps its answer together with its effect. Whatever goes
// wrong, a panic included, leaves nothing behind.
func (s *Server) held(c echo.Context, scope *tenancy.Scope, next echo.HandlerFunc) (answer tenancy.Answer, err error) {
	ctx := c.Request().Context()
	defer func() {
		if abandonErr := scope.Idempotency.Abandon(context.WithoutCancel(ctx)); abandonErr != nil {
			err = errors.Join(err, fmt.Errorf("abandon an idempotent request: %w", abandonErr))
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
	answer = tenancy.Answer{Status: recorder.status, Headers: recorder.header, Body: recorder.body.Bytes()}
	if answer.Status < http.StatusOK || answer.Status >= http.StatusMultipleChoices {
		return answer, nil // a handler that refuses by itself changes nothing, and may answer otherwise next time
	}
	return answer, s.Store.Keep(ctx, scope, answer)
}

// write sends an answer that was held back, or kept.
func write(c echo.Context, answer tenancy.Answer) error {
	maps.Copy(c.Response().Header(), answer.Headers)
	c.Response().WriteHeader(answer.Status)
	_, err := c.Response().Write(answer.Body)
	return err
}

// fingerprint is all that must be the same for a key to stand for the request again. Two
// bodies that mean the same JSON are the same.
func fingerprint(op *contract.Operation, r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	for _, part := range []string{op.ID, r.URL.EscapedPath(), r.URL.Query().Encode(), r.Header.Get("If-Match")} {
		fmt.Fprintf(&b, "%d:%s,", len(part), part)
	}
	if !op.JSONBody() || r.Body == nil {
		return b.Bytes(), nil
	}
	raw, err := io.ReadAll(r.Body) // validated, and in memory
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
		return nil, fmt.Errorf("canonical form of a body: %w", err)
	}
	b.Write(canonical)
	return b.Bytes(), nil
}

// recorder holds an answer back.
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
