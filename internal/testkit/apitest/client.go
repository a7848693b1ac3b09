package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/contract"
)

// Client sends requests as one user, at one host. Its With… methods return changed
// copies.
type Client struct {
	server *Server
	host   string
	token  string
	header http.Header
}

// WithHeader returns a client that sends the header with every request.
func (c *Client) WithHeader(name, value string) *Client {
	changed := *c
	changed.header = c.header.Clone()
	if changed.header == nil {
		changed.header = http.Header{}
	}
	changed.header.Set(name, value)
	return &changed
}

// WithHost returns a client that asks at another host.
func (c *Client) WithHost(host string) *Client {
	changed := *c
	changed.host = host
	return &changed
}

// On returns the same client of another server, whose database is a copy of the first one's.
func (c *Client) On(s *Server) *Client {
	changed := *c
	changed.server = s
	return &changed
}

// WithToken returns a client with another session; empty is anonymous.
func (c *Client) WithToken(token string) *Client {
	changed := *c
	changed.token = token
	return &changed
}

// As returns a client of the same user who works as another one, at the host given.
func (c *Client) As(tb testing.TB, host string, userID uuid.UUID) *Client {
	tb.Helper()
	var started struct{ Token string }
	c.Post(tb, "/api/auth/masquerade/", map[string]any{"user_id": userID}).Require(tb, http.StatusOK).Decode(tb, &started)
	return c.WithToken(started.Token).WithHost(host)
}

// Publish puts the record that proves a domain into the server's DNS.
func (c *Client) Publish(tb testing.TB, domain *Response) {
	tb.Helper()
	var claimed struct{ Record struct{ Name, Value string } }
	domain.Decode(tb, &claimed)
	require.NotEmpty(tb, claimed.Record.Name, "%s", domain.Body)
	c.server.DNS.SetTXT(claimed.Record.Name, "something else", claimed.Record.Value)
}

// Sandbox returns a client that works in the sandbox.
func (c *Client) Sandbox() *Client { return c.WithHeader("X-Sandbox-Mode", "true") }

// Token is the client's session token.
func (c *Client) Token() string { return c.token }

// Raw is a body that is sent as it is.
type Raw string

// Response is an answer that has been read, and held against the contract.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Get is Do with GET and without body.
func (c *Client) Get(tb testing.TB, path string) *Response {
	tb.Helper()
	return c.Do(tb, http.MethodGet, path, nil)
}

// Post is Do with POST.
func (c *Client) Post(tb testing.TB, path string, body any) *Response {
	tb.Helper()
	return c.Do(tb, http.MethodPost, path, body)
}

// Do sends a request and reads the answer. A body that is neither nil nor Raw is
// encoded as JSON. An answer that the contract does not describe fails the test.
func (c *Client) Do(tb testing.TB, method, path string, body any) *Response {
	tb.Helper()
	request := c.Request(tb, method, path, body)
	response, err := c.Send(request)
	require.NoError(tb, err, "%s %s", method, path)
	c.server.holdAgainstContract(tb, request, response)
	return response
}

// Request builds what Do sends.
func (c *Client) Request(tb testing.TB, method, path string, body any) *http.Request {
	tb.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case Raw:
		reader = strings.NewReader(string(b))
	default:
		raw, err := json.Marshal(b)
		require.NoError(tb, err)
		reader = bytes.NewReader(raw)
	}
	request := httptest.NewRequestWithContext(tb.Context(), method, c.server.URL+path, reader)
	request.RequestURI = ""
	request.Host = c.host
	if reader != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	maps.Copy(request.Header, c.header)
	return request
}

// Send sends a request over the network; it may be used from any goroutine.
func (c *Client) Send(request *http.Request) (*Response, error) {
	answer, err := c.server.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return &Response{Status: answer.StatusCode, Header: answer.Header, Body: body}, err
}

// Require fails the test if the status is another one, and shows the body.
func (r *Response) Require(tb testing.TB, status int) *Response {
	tb.Helper()
	require.Equal(tb, status, r.Status, "%s", r.Body)
	return r
}

// RequireProblem fails the test if the answer is not a problem with status and code.
func (r *Response) RequireProblem(tb testing.TB, status int, code string) map[string]any {
	tb.Helper()
	r.Require(tb, status)
	require.Equal(tb, "application/problem+json", r.Header.Get("Content-Type"))
	problem := r.Object(tb)
	require.Equal(tb, code, problem["code"], "%s", r.Body)
	require.Equal(tb, false, problem["success"])
	require.Equal(tb, problem["detail"], problem["error"])
	require.NotEmpty(tb, problem["request_id"])
	return problem
}

// Object decodes the body as a JSON object.
func (r *Response) Object(tb testing.TB) map[string]any {
	tb.Helper()
	var object map[string]any
	require.NoError(tb, json.Unmarshal(r.Body, &object), "%s", r.Body)
	return object
}

// Decode decodes the body into v.
func (r *Response) Decode(tb testing.TB, v any) {
	tb.Helper()
	require.NoError(tb, json.Unmarshal(r.Body, v), "%s", r.Body)
}

// ID is the "id" of the object in the body.
func (r *Response) ID(tb testing.TB) string {
	tb.Helper()
	id, _ := r.Object(tb)["id"].(string)
	require.NotEmpty(tb, id, "%s", r.Body)
	return id
}

// IDs are the ids of the objects of a list.
func (r *Response) IDs(tb testing.TB) []string {
	tb.Helper()
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	r.Decode(tb, &list)
	ids := []string{}
	for _, item := range list.Data {
		ids = append(ids, item.ID)
	}
	return ids
}

// holdAgainstContract checks that the contract describes the answer: its status,
// its media type, its headers and its body.
func (s *Server) holdAgainstContract(tb testing.TB, request *http.Request, response *Response) {
	tb.Helper()
	op, params := s.operation(request)
	if op == nil || response.Status == http.StatusMethodNotAllowed {
		return
	}
	// Whatever can happen to every request is not repeated in every operation.
	if response.Status == http.StatusNotFound && op.Spec.Responses.Status(http.StatusNotFound) == nil {
		require.Contains(tb, string(response.Body), `"unknown_host"`)
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: params, Route: op.Route},
		Status:                 response.Status, Header: response.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	input.SetBodyBytes(response.Body)
	require.NoError(tb, openapi3filter.ValidateResponse(tb.Context(), input), "%s %s answered %d: %s",
		request.Method, request.URL.Path, response.Status, response.Body)
	if response.Status == http.StatusConflict {
		requireDescribed(tb, op, response)
	}
}

// requireDescribed fails the test if the contract has no property for a member of a conflict:
// a schema that lets any member through says nothing about what is in it.
func requireDescribed(tb testing.TB, op *contract.Operation, response *Response) {
	tb.Helper()
	media := op.Spec.Responses.Status(response.Status).Value.Content.Get("application/problem+json")
	described := properties(media.Schema, map[string]*openapi3.SchemaRef{})
	for member := range response.Object(tb) {
		require.Contains(tb, described, member, "%s answers with a member that the contract does not describe: %s", op.ID, response.Body)
	}
}

// properties adds those of a schema, and of all that it is made of, to a set.
func properties(schema *openapi3.SchemaRef, into map[string]*openapi3.SchemaRef) map[string]*openapi3.SchemaRef {
	maps.Copy(into, schema.Value.Properties)
	for _, part := range schema.Value.AllOf {
		properties(part, into)
	}
	return into
}

// operation finds the operation of a request, and the parts of its path.
func (s *Server) operation(request *http.Request) (*contract.Operation, map[string]string) {
	path := strings.Split(contract.StripSlash(request.URL.Path), "/")
	for _, op := range s.App.Contract.Operations() {
		template := strings.Split(op.Path, "/")
		if op.Method != request.Method || len(template) != len(path) {
			continue
		}
		if params, ok := match(template, path); ok {
			return op, params
		}
	}
	return nil, nil
}

func match(template, path []string) (map[string]string, bool) {
	params := map[string]string{}
	for i, part := range template {
		if strings.HasPrefix(part, "{") {
			params[strings.Trim(part, "{}")] = path[i]
		} else if part != path[i] {
			return nil, false
		}
	}
	return params, true
}

// Path fills the parts of a path template: Path("/api/v1/users/{id}", id).
func Path(template string, values ...string) string {
	for _, value := range values {
		start, end := strings.Index(template, "{"), strings.Index(template, "}")
		if start < 0 || end < start {
			panic(fmt.Sprintf("no part left in %s for %s", template, value))
		}
		template = template[:start] + value + template[end+1:]
	}
	return template
}
