// Package contract owns the merged OpenAPI document at run time: its operations,
// and the routes that requests are validated against.
//
// It calls nobody. Invariants: the document is valid; every operation has an id,
// and no two have the same; paths are kept without trailing slash, because the
// server answers both forms.
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
	// Route is what the request validator needs.
	Route *routers.Route
	// MaxBody is the largest body of a request, in bytes: the x-max-bytes of its
	// requestBody, or DefaultMaxBody.
	MaxBody int64
}

// DefaultMaxBody is the largest body of an operation that does not say another, in bytes.
const DefaultMaxBody = 64 << 10

// JSONBody reports whether the operation takes a body.
func (o *Operation) JSONBody() bool { return o.Spec.RequestBody != nil }

// Contract is the loaded document.
type Contract struct {
	// JSON is the document as it is served.
	JSON []byte
	// Version is what the document says of itself.
	Version    string
	operations []*Operation
	eventTypes []EventType
}

// EventType is one type of event that the catalogue describes.
type EventType struct {
	// Name is "<noun>.<what happened>".
	Name string
	// GateOf is the x-gate-of of its schema: the id of the operation whose gate decides who may
	// read the event. It is empty if the schema does not say.
	GateOf string
}

//nolint:gochecknoinits // kin-openapi keeps formats in a global; set once, before any document is loaded
func init() {
	// kin-openapi checks no formats by itself, and its UUID pattern refuses version 7.
	openapi3.DefineStringFormatValidator("uuid", openapi3.NewCallbackValidator(checkUUID))
	openapi3.DefineStringFormatValidator("email", openapi3.NewCallbackValidator(checkEmail))
}

// Only the form with hyphens: uuid.Parse would also take braces and "urn:uuid:".
var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func checkUUID(s string) error {
	if !uuidForm.MatchString(s) {
		return fmt.Errorf("must be a UUID, such as %s", uuid.Nil)
	}
	return nil
}

func checkEmail(s string) error {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || norm.NFKC.String(s) != s || strings.ContainsFunc(s, unseen) {
		return fmt.Errorf("must be an e-mail address, such as name@example.com")
	}
	return nil
}

// unseen reports whether a character is a control, a separator, or one that only formats: an
// address with it looks like another one.
func unseen(r rune) bool { return unicode.In(r, unicode.C, unicode.Z) }

// Load reads and checks a document. It fails if the document is not valid, or an
// operation has no id, or one that another has too.
func Load(document []byte) (*Contract, error) {
	loaded, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	if err := loaded.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("check the contract: %w", err)
	}
	// Authentication is the gate's work; without this the validator would want to do it.
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
				return nil, fmt.Errorf("two operations have the id %q", op.ID)
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

// eventTypes reads the catalogue of events: the types that the schema Event tells apart, in
// alphabetical order.
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

// EventTypes lists the types of events that the catalogue describes, in alphabetical order.
func (c *Contract) EventTypes() []EventType { return c.eventTypes }

// Operations lists all operations, ordered by path and method.
func (c *Contract) Operations() []*Operation { return c.operations }

// ByPath groups the operations of each path.
func (c *Contract) ByPath() map[string][]*Operation {
	paths := map[string][]*Operation{}
	for _, op := range c.operations {
		paths[op.Path] = append(paths[op.Path], op)
	}
	return paths
}

// StripSlash removes one trailing slash, but for the root's.
func StripSlash(path string) string {
	if len(path) > 1 {
		return strings.TrimSuffix(path, "/")
	}
	return path
}

// Writes reports whether a method may change something (RFC 9110, section 9.2.1).
func Writes(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}
