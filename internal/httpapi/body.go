package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// maxFields is the maximum number of errors in a response. Validation stops when it is reached.
const maxFields = 20

// bodySchema is a schema of the contract, prepared for validating a body while it is read: kin-openapi
// validates one value at a time, without its members and items.
type bodySchema struct {
	// value is the schema without its keywords for members and items.
	value *openapi3.Schema
	// whole means that the schema is a composition (allOf, anyOf, oneOf, not): value is then the
	// complete schema and is applied to the complete value.
	whole   bool
	members map[string]*bodySchema
	// closed means that members other than these are refused. If not, others is their schema, or nil
	// if anything is accepted.
	closed bool
	others *bodySchema
	items  *bodySchema
}

// newBodySchema prepares a schema. known contains the schemas already prepared, so that recursive
// schemas end.
func newBodySchema(schema *openapi3.Schema, known map[*openapi3.Schema]*bodySchema) *bodySchema {
	if s, ok := known[schema]; ok {
		return s
	}
	s := &bodySchema{}
	known[schema] = s
	if len(schema.AllOf)+len(schema.AnyOf)+len(schema.OneOf) > 0 || schema.Not != nil {
		s.whole, s.value = true, schema
		return s
	}
	value := *schema
	s.value = &value
	value.Properties, s.members = openapi3.Schemas{}, map[string]*bodySchema{}
	for name, member := range schema.Properties {
		value.Properties[name] = openapi3.NewSchemaRef("", &openapi3.Schema{Nullable: true, ReadOnly: member.Value.ReadOnly})
		s.members[name] = newBodySchema(member.Value, known)
	}
	value.AdditionalProperties = openapi3.AdditionalProperties{}
	if allowed := schema.AdditionalProperties.Has; allowed != nil && !*allowed {
		s.closed = true
	}
	if others := schema.AdditionalProperties.Schema; others != nil {
		s.others = newBodySchema(others.Value, known)
	}
	value.Items = nil
	if schema.Items != nil {
		s.items = newBodySchema(schema.Items.Value, known)
	}
	return s
}

// member returns the schema of a member, nil if anything is accepted, and whether the object may have
// the member.
func (s *bodySchema) member(name string) (member *bodySchema, allowed bool) {
	if s == nil || s.whole {
		return nil, true
	}
	if member, ok := s.members[name]; ok {
		return member, true
	}
	return s.others, !s.closed
}

// open reports whether an object may have members with any name.
func (s *bodySchema) open() bool { return s != nil && !s.whole && !s.closed }

// permits reports whether a value may have the type. The content of other values is not validated.
func (s *bodySchema) permits(kind string) bool {
	return s == nil || s.whole || s.value.Type.Permits(kind)
}

// exceeds reports whether an object or array of n elements is larger than the schema allows. Its
// elements are then not validated, and the only error is its size.
func (s *bodySchema) exceeds(limit func(*openapi3.Schema) *uint64, n int) bool {
	if s == nil || s.whole {
		return false
	}
	maximum := limit(s.value)
	return maximum != nil && uint64(n) > *maximum
}

func maxItems(s *openapi3.Schema) *uint64      { return s.MaxItems }
func maxProperties(s *openapi3.Schema) *uint64 { return s.MaxProps }

// errTooMany ends validation when there are maxFields errors.
var errTooMany = errors.New("too many errors")

// maxDepth is the maximum nesting depth of a body.
const maxDepth = 32

// bodyReader validates a body in one pass. It keeps no more of it in memory than the contract allows,
// and stops at maxFields errors.
type bodyReader struct {
	tokens *json.Decoder
	depth  int
	fields []apperr.Field
}

// checkBody returns the invalid fields of a body, which must be one valid JSON value.
func checkBody(schema *bodySchema, body []byte) ([]apperr.Field, error) {
	r := &bodyReader{tokens: json.NewDecoder(bytes.NewReader(body))}
	r.tokens.UseNumber()
	if _, err := r.read(schema, ""); err != nil && !errors.Is(err, errTooMany) {
		return nil, err
	}
	return r.fields, nil
}

func (r *bodyReader) report(pointer, detail string) error {
	r.fields = append(r.fields, apperr.Field{Pointer: pointer, Detail: detail})
	if len(r.fields) >= maxFields {
		return errTooMany
	}
	return nil
}

// read reads and validates the next value; at is its JSON pointer.
func (r *bodyReader) read(s *bodySchema, at string) (any, error) {
	token, err := r.tokens.Token()
	if err != nil {
		return nil, err
	}
	if r.depth++; r.depth > maxDepth {
		return nil, errors.Join(r.report(at, "is nested too deeply."), errTooMany)
	}
	defer func() { r.depth-- }()
	value := any(token)
	if number, ok := token.(json.Number); ok {
		if _, err := number.Float64(); err != nil {
			return nil, r.report(at, "is outside the range of numbers.")
		}
	}
	switch token {
	case json.Delim('{'):
		value, err = r.readObject(s, at)
	case json.Delim('['):
		value, err = r.readArray(s, at)
	}
	if err != nil {
		return nil, err
	}
	return value, r.check(s, value, at)
}

// readObject reads the rest of an object.
func (r *bodyReader) readObject(s *bodySchema, at string) (any, error) {
	object, before, tooLarge := map[string]any{}, len(r.fields), false
	for r.tokens.More() {
		token, err := r.tokens.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		if !tooLarge && s.open() && s.exceeds(maxProperties, len(object)+1) {
			tooLarge, object[name] = true, nil
		}
		if tooLarge || !s.permits(openapi3.TypeObject) {
			err = r.skip()
		} else {
			err = r.readMember(s, object, name, at+"/"+pointerEscapes.Replace(name))
		}
		if err != nil {
			return nil, err
		}
	}
	if tooLarge {
		r.fields = r.fields[:before]
	}
	_, err := r.tokens.Token()
	return object, err
}

func (r *bodyReader) readMember(s *bodySchema, object map[string]any, name, at string) error {
	member, allowed := s.member(name)
	_, repeated := object[name]
	switch {
	case !allowed:
		return errors.Join(r.report(at, "This object has no such member."), r.skip())
	case repeated:
		return errors.Join(r.report(at, "is given more than once."), r.skip())
	}
	value, err := r.read(member, at)
	object[name] = value
	return err
}

// readArray reads the rest of an array.
func (r *bodyReader) readArray(s *bodySchema, at string) (any, error) {
	array, before, tooLarge := []any{}, len(r.fields), false
	var items *bodySchema
	if s != nil {
		items = s.items
	}
	for r.tokens.More() {
		if !tooLarge && s.exceeds(maxItems, len(array)+1) {
			tooLarge, array = true, append(array, nil)
		}
		if tooLarge || !s.permits(openapi3.TypeArray) {
			if err := r.skip(); err != nil {
				return nil, err
			}
			continue
		}
		value, err := r.read(items, at+"/"+strconv.Itoa(len(array)))
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	if tooLarge {
		r.fields = r.fields[:before]
	}
	_, err := r.tokens.Token()
	return array, err
}

// skip reads the next value without validating it.
func (r *bodyReader) skip() error {
	for depth := 0; ; {
		token, err := r.tokens.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// check validates a value against its schema, without its members and items.
func (r *bodyReader) check(s *bodySchema, value any, at string) error {
	if s == nil {
		return nil
	}
	options := []openapi3.SchemaValidationOption{openapi3.VisitAsRequest()}
	if !s.whole { // compositions would return an error for each of their schemas
		options = append(options, openapi3.MultiErrors())
	}
	if err := s.value.VisitJSON(value, options...); err != nil {
		for _, field := range fieldsOf(err, at) {
			if err := r.report(field.Pointer, field.Detail); err != nil {
				return err
			}
		}
		return nil
	}
	if number, ok := value.(json.Number); ok && s.value.Type.Is(openapi3.TypeInteger) {
		return r.checkInteger(s, number, at)
	}
	return nil
}

// checkInteger refuses numbers that are integers in JSON Schema but not in most languages: 1e2, 1.0,
// and numbers outside the range of the format.
func (r *bodyReader) checkInteger(s *bodySchema, number json.Number, at string) error {
	if strings.ContainsAny(number.String(), ".eE") {
		return r.report(at, "must be written as an integer, without fraction or exponent.")
	}
	bits := 64
	if s.value.Format == "int32" {
		bits = 32
	}
	if _, err := strconv.ParseInt(number.String(), 10, bits); err != nil {
		return r.report(at, "is outside the range of integers.")
	}
	return nil
}

// pointerEscapes escapes a name for a JSON pointer (RFC 6901).
var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")
