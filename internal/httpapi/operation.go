package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// operation returns the middleware of one operation, which runs before the request is bound: gate, rate
// limit, validation against the contract, and idempotency if the request has a key.
func (s *Server) operation(op *contract.Operation) echo.MiddlewareFunc {
	g := s.Gates[op.ID]
	v := newValidator(op)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if g.Idempotent {
			next = s.idempotent(op, next)
		}
		return func(c echo.Context) error {
			c.Set(operationKey, op.ID)
			ctx := c.Request().Context()
			if err := g.Check(ctx, tenancy.ScopeFrom(ctx)); err != nil {
				return s.denied(c, op.ID, err)
			}
			if err := s.limit(c, tenancy.ScopeFrom(ctx), g.Access == gate.Public, contract.Writes(op.Method)); err != nil {
				return err
			}
			if err := s.recordImpersonation(c, op); err != nil {
				return err
			}
			if err := v.validate(c); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// recordImpersonation adds an audit entry before each operation of an impersonation, also for reads and
// for operations that add an entry of their own.
func (s *Server) recordImpersonation(c echo.Context, op *contract.Operation) error {
	ctx := c.Request().Context()
	scope := tenancy.ScopeFrom(ctx)
	if scope.ImpersonatorID() == nil {
		return nil
	}
	return audit.Record(ctx, s.Store.Control(), scope, audit.Entry{
		Action: "masquerade.used", Outcome: audit.Success, TargetType: "operation", TargetID: op.ID,
		Detail: map[string]any{"method": op.Method, "path": loggedPath(c)},
	})
}

// refuseMethod handles methods that a path does not support. The gates of the path are checked first:
// without the feature the response is 403 for any method.
func (s *Server) refuseMethod(operations []*contract.Operation) echo.HandlerFunc {
	methods := []string{http.MethodOptions}
	for _, op := range operations {
		methods = append(methods, op.Method)
		if op.Method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	allow := strings.Join(methods, ", ")
	return func(c echo.Context) error {
		ctx := c.Request().Context()
		c.Response().Header().Set(echo.HeaderAllow, allow)
		if c.Request().Method == http.MethodOptions {
			return c.NoContent(http.StatusNoContent)
		}
		for _, op := range operations {
			if err := s.Gates[op.ID].CheckPath(ctx, tenancy.ScopeFrom(ctx), true); err != nil {
				return s.denied(c, op.ID, err)
			}
		}
		return apperr.New(apperr.MethodNotAllowed, "This path supports the methods %s.", allow)
	}
}

// denied adds an audit entry for a refused request of a known principal, and returns the refusal. The
// entries of one principal are rate limited, so that requests cannot flood the audit trail.
func (s *Server) denied(c echo.Context, operationID string, refusal error) error {
	ctx := c.Request().Context()
	scope := tenancy.ScopeFrom(ctx)
	var known *apperr.Error
	if scope.Principal == nil || !errors.As(refusal, &known) || known.Code.Kind != apperr.Forbidden {
		return refusal
	}
	if err := scope.Revalidate(ctx); err != nil {
		return err
	}
	if decision, applies := s.Limiter.Denied(ctx, scope); applies && !decision.Allowed {
		return answerLimit(c, decision)
	}
	err := audit.Record(ctx, s.Store.Control(), scope, audit.Entry{
		Action: "access.denied", Outcome: audit.Denied, TargetType: "operation", TargetID: operationID,
		Detail: map[string]any{"code": known.Code.Name},
	})
	if err != nil {
		return errors.Join(err, refusal)
	}
	return refusal
}
