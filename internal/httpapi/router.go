package httpapi

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/internal/contract"
)

// Router is the router interface of the generated code.
type Router interface {
	CONNECT(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route
	DELETE(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route
	GET(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route
	HEAD(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route
	OPTIONS(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route
	PATCH(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route
	POST(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route
	PUT(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route
	TRACE(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route
}

// router registers paths without their trailing slash (stripSlash removes it from requests), and
// each GET for HEAD too.
type router struct {
	echo *echo.Echo
	seen map[route]bool
	// optimistic are the routes of modules with that flag.
	optimistic map[route]bool
	// public are the routes of operations that need no authentication.
	public map[route]bool
}

// moduleRouter is the Router of one module.
type moduleRouter struct {
	*router
	optimistic bool
}

// route is a method and a path, in the form of echo.
type route struct{ method, path string }

// routeOf is the route of a request; its path is empty if there is none.
func routeOf(c echo.Context) route { return route{c.Request().Method, c.Path()} }

// handles reports whether there is an operation at the route.
func (r *router) handles(at route) bool {
	return r.seen[at] || at.method == http.MethodHead && r.seen[route{http.MethodGet, at.path}]
}

func (r route) String() string { return r.method + " " + r.path }

func (r *moduleRouter) add(method, path string, h echo.HandlerFunc, m []echo.MiddlewareFunc) *echo.Route {
	path = contract.StripSlash(path)
	r.seen[route{method, path}] = true
	r.router.optimistic[route{method, path}] = r.optimistic
	if method == http.MethodGet {
		r.router.optimistic[route{http.MethodHead, path}] = r.optimistic
		r.echo.Add(http.MethodHead, path, h, m...)
	}
	return r.echo.Add(method, path, h, m...)
}

func (r *moduleRouter) CONNECT(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodConnect, path, h, m)
}

func (r *moduleRouter) DELETE(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodDelete, path, h, m)
}

func (r *moduleRouter) GET(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodGet, path, h, m)
}

func (r *moduleRouter) HEAD(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodHead, path, h, m)
}

func (r *moduleRouter) OPTIONS(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodOptions, path, h, m)
}

func (r *moduleRouter) PATCH(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodPatch, path, h, m)
}

func (r *moduleRouter) POST(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodPost, path, h, m)
}

func (r *moduleRouter) PUT(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodPut, path, h, m)
}

func (r *moduleRouter) TRACE(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.add(http.MethodTrace, path, h, m)
}

// echoPath turns /a/{id} into /a/:id.
func echoPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// stripSlash lets every path work with and without a trailing slash.
func stripSlash(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		url := c.Request().URL
		url.Path = contract.StripSlash(url.Path)
		url.RawPath = contract.StripSlash(url.RawPath)
		return next(c)
	}
}
