package httpapi

import (
	"cmp"

	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Module is the HTTP side of a domain: the operations of one document of the contract.
type Module struct {
	// Name is the name of the document, such as "scheduling".
	Name string
	// Optimistic lets the operations run with a cached identity (tenancy.OptimisticIdentity), which
	// saves a round trip. The handlers must then use the database through the scope only, never
	// through store.Store.Control.
	Optimistic bool
	// Routes registers the handlers; see Routes.
	Routes RegisterFunc
}

// RegisterFunc registers handlers with the middleware of each operation.
type RegisterFunc func(r Router, operations map[string][]echo.MiddlewareFunc)

// Routes makes a RegisterFunc of a strict server and the two functions that oapi-codegen generates
// for it. No response is sent while the identity of the request is pending.
func Routes[
	Strict, Server, R any, H ~func(echo.Context, any) (any, error), M ~func(H, string) H,
	O ~struct {
		BaseURL              string
		OperationMiddlewares map[string][]echo.MiddlewareFunc
	},
](server Strict, newHandler func(Strict, []M) Server, register func(R, Server, O)) RegisterFunc {
	return func(r Router, operations map[string][]echo.MiddlewareFunc) {
		handler := newHandler(server, []M{revalidate[H]})
		register(any(r).(R), handler, O{OperationMiddlewares: operations})
	}
}

// revalidate checks a pending identity before the result of a handler is sent.
func revalidate[H ~func(echo.Context, any) (any, error)](next H, _ string) H {
	return func(c echo.Context, request any) (any, error) {
		response, err := next(c, request)
		ctx := c.Request().Context()
		return response, cmp.Or(tenancy.ScopeFrom(ctx).Revalidate(ctx), err)
	}
}

// Register adds the operations of a module.
func (s *Server) Register(m Module) {
	operations := map[string][]echo.MiddlewareFunc{}
	for _, op := range s.Contract.Operations() {
		operations[op.ID] = []echo.MiddlewareFunc{s.operation(op)}
	}
	m.Routes(&moduleRouter{router: s.router, optimistic: m.Optimistic}, operations)
}
