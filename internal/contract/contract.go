// Package contract owns the merged OpenAPI document at run time: its operations, and the routes for
// request validation.
//
// It calls no other package. Invariants: the document is valid; every operation has a unique ID; paths
// have no trailing slash, because the server accepts both forms.
package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"
)

// Operation is one operation of the contract.
type Operation struct {
	// ID is the operationId.
	ID     string
	Method string
	// Path is the template without trailing slash, such as /api/v1/resources/{id}.
	Path string
	// Gate is the raw x-gate object, or nil.
	Gate json.RawMessage
	// Spec is the operation's part of the document.
	Spec *openapi3.Operation
	// Route is the input of the request validator.
	Route *routers.Route
	// MaxBody is the maximum size of a request body in bytes: x-max-bytes of the requestBody, or
	// DefaultMaxBody.
	MaxBody int64
}

// DefaultMaxBody is the maximum size of a request body without x-max-bytes, in bytes.
const DefaultMaxBody = 64 << 10

// JSONBody reports whether the operation accepts a body.
func (o *Operation) JSONBody() bool { return o.Spec.RequestBody != nil }

// Contract is the loaded document.
type Contract struct {
	// JSON is the document as it is served.
	JSON []byte
	// Version is info.version of the document.
	Version    string
	operations []*Operation
	eventTypes []EventType
}

// EventType is one event type of the contract.
type EventType struct {
	// Name is "<noun>.<change>".
	Name string
	// GateOf is x-gate-of of the schema: the ID of the operation whose gate applies to the event. It is
	// empty if x-gate-of is missing.
	GateOf string
}

//nolint:gochecknoinits // kin-openapi keeps formats in a global; set once, before any document is loaded
func init() {
	// kin-openapi checks no formats by default, and its UUID pattern refuses version 7.
	openapi3.DefineStringFormatValidator("uuid", openapi3.NewCallbackValidator(checkUUID))
	openapi3.DefineStringFormatValidator("email", openapi3.NewCallbackValidator(checkEmail))
}

// Only the form with hyphens: uuid.Parse also accepts braces and "urn:uuid:".
var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func checkUUID(s string) error {
	if !uuidForm.MatchString(s) {
		return fmt.Errorf("must be a UUID, such as %s", uuid.Nil)
	}
	return nil
}

func checkEmail(s string) error {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || norm.NFKC.String(s) != s || strings.ContainsFunc(s, invisible) {
		return fmt.Errorf("must be an e-mail address, such as name@example.com")
	}
	return nil
}

// invisible reports whether a character is a control, a separator or a format character, which makes an
// address look like another one.
func invisible(r rune) bool { return unicode.In(r, unicode.C, unicode.Z) }

// Load reads and validates a document. It returns an error if the document is invalid, or if an
// operation has no ID or the ID of another one.
func Load(document []byte) (*Contract, error) {
	loaded, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	if err := loaded.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("check the contract: %w", err)
	}
	// The gate authenticates; the request validator must not.
	loaded.Security = nil
	loaded.Servers = nil
	c := &Contract{JSON: document, Version: loaded.Info.Version, eventTypes: eventTypes(loaded)}
	seen := map[string]bool{}
	for path, item := range loaded.Paths.Map() {
		for method, spec := range item.Operations() {
			op, err := newOperation(loaded, path, item, method, spec)
			if err != nil {
				return nil, err
			}
			if seen[op.ID] {
				return nil, fmt.Errorf("two operations have the ID %q", op.ID)
			}
			seen[op.ID] = true
			c.operations = append(c.operations, op)
		}
	}
	slices.SortFunc(c.operations, func(a, b *Operation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return c, nil
}

func newOperation(document *openapi3.T, path string, item *openapi3.PathItem, method string, spec *openapi3.Operation) (*Operation, error) {
	if spec.OperationID == "" {
		return nil, fmt.Errorf("%s %s has no operationId", method, path)
	}
	spec.Security = nil
	op := &Operation{
		ID: spec.OperationID, Method: method, Path: StripSlash(path), Spec: spec,
		Route: &routers.Route{Spec: document, Path: path, PathItem: item, Method: method, Operation: spec},
	}
	if raw, ok := spec.Extensions["x-gate"]; ok {
		gate, err := json.Marshal(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: x-gate: %w", op.ID, err)
		}
		op.Gate = gate
	}
	op.MaxBody = DefaultMaxBody
	if op.JSONBody() {
		if raw, ok := spec.RequestBody.Value.Extensions["x-max-bytes"]; ok {
			bytes, ok := raw.(float64)
			if !ok || bytes < 1 || bytes != math.Trunc(bytes) {
				return nil, fmt.Errorf("%s: x-max-bytes must be a positive integer", op.ID)
			}
			op.MaxBody = int64(bytes)
		}
	}
	return op, nil
}

// eventTypes returns the event types in the discriminator of the schema Event, in alphabetical order.
func eventTypes(document *openapi3.T) []EventType {
	if document.Components == nil {
		return nil
	}
	event := document.Components.Schemas["Event"]
	if event == nil || event.Value.Discriminator == nil {
		return nil
	}
	mapping := event.Value.Discriminator.Mapping
	types := make([]EventType, 0, len(mapping))
	for _, name := range slices.Sorted(maps.Keys(mapping)) {
		found := EventType{Name: name}
		if schema := document.Components.Schemas[strings.TrimPrefix(mapping[name].Ref, "#/components/schemas/")]; schema != nil {
			found.GateOf, _ = schema.Value.Extensions["x-gate-of"].(string)
		}
		types = append(types, found)
	}
	return types
}

// EventTypes returns the event types in alphabetical order.
func (c *Contract) EventTypes() []EventType { return c.eventTypes }

// Operations returns all operations, ordered by path and method.
func (c *Contract) Operations() []*Operation { return c.operations }

// ByPath groups the operations of each path.
func (c *Contract) ByPath() map[string][]*Operation {
	paths := map[string][]*Operation{}
	for _, op := range c.operations {
		paths[op.Path] = append(paths[op.Path], op)
	}
	return paths
}

// StripSlash removes one trailing slash, except from the root.
func StripSlash(path string) string {
	if len(path) > 1 {
		return strings.TrimSuffix(path, "/")
	}
	return path
}

// Writes reports whether a method is unsafe, that is, may change something (RFC 9110, section 9.2.1).
func Writes(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}
