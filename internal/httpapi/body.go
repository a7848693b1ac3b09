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

// maxFields is how many errors an answer lists. Validation stops at so many.
const maxFields = 20

// bodySchema is a schema of the contract, prepared for checking a body while it is read: the
// contract's validator sees one value at a time, without what the value contains.
type bodySchema struct {
	// value has all keywords of the schema but those that are about members and items.
	value *openapi3.Schema
	// whole means that the schema is composed of others (allOf, anyOf, oneOf, not): then
	// value is the complete schema, and applies to the complete value.
	whole   bool
	members map[string]*bodySchema
	// closed means that there are no members but those; others applies to what is not among
	// them, nil if anything will do.
	closed bool
	others *bodySchema
	items  *bodySchema
}

// newBodySchema prepares a schema; known are those that have been, by which a schema may
// refer to itself.
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

// member returns what applies to a member, nil if anything will do, and whether the object
// may have it.
func (s *bodySchema) member(name string) (member *bodySchema, allowed bool) {
	if s == nil || s.whole {
		return nil, true
	}
	if member, ok := s.members[name]; ok {
		return member, true
	}
	return s.others, !s.closed
}

// open reports whether an object may have members of any name.
func (s *bodySchema) open() bool { return s != nil && !s.whole && !s.closed }

// holds reports whether a value of the type is worth reading: one of another type is wrong,
// whatever it contains.
func (s *bodySchema) holds(kind string) bool {
	return s == nil || s.whole || s.value.Type.Permits(kind)
}

// full reports whether an object or array of n is larger than the schema allows. The rest of
// it is not read then, nor are errors in it listed: its size is what is wrong.
func (s *bodySchema) full(limit func(*openapi3.Schema) *uint64, n int) bool {
	if s == nil || s.whole {
		return false
	}
	most := limit(s.value)
	return most != nil && uint64(n) > *most
}

func maxItems(s *openapi3.Schema) *uint64      { return s.MaxItems }
func maxProperties(s *openapi3.Schema) *uint64 { return s.MaxProps }

// errEnough ends the reading of a body that has maxFields errors.
var errEnough = errors.New("enough errors")

// maxDepth is how deep values may contain each other.
const maxDepth = 32

// bodyReader checks a body in one pass. It keeps no more of it than the contract allows, and
// stops at maxFields errors.
type bodyReader struct {
	tokens *json.Decoder
	depth  int
	fields []apperr.Field
}

// checkBody returns what is wrong with a body, which must be one valid JSON value.
func checkBody(schema *bodySchema, body []byte) ([]apperr.Field, error) {
	r := &bodyReader{tokens: json.NewDecoder(bytes.NewReader(body))}
	r.tokens.UseNumber()
	if _, err := r.read(schema, ""); err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return r.fields, nil
}

func (r *bodyReader) report(pointer, detail string) error {
	r.fields = append(r.fields, apperr.Field{Pointer: pointer, Detail: detail})
	if len(r.fields) >= maxFields {
		return errEnough
	}
	return nil
}

// read reads the next value and checks it; at is its JSON pointer.
func (r *bodyReader) read(s *bodySchema, at string) (any, error) {
	token, err := r.tokens.Token()
	if err != nil {
		return nil, err
	}
	if r.depth++; r.depth > maxDepth {
		return nil, errors.Join(r.report(at, "is nested too deeply."), errEnough)
	}
	defer func() { r.depth-- }()
	value := any(token)
	if number, ok := token.(json.Number); ok {
		if _, err := number.Float64(); err != nil {
			return nil, r.report(at, "is beyond the range of numbers.")
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
	object, before, full := map[string]any{}, len(r.fields), false
	for r.tokens.More() {
		token, err := r.tokens.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		if !full && s.open() && s.full(maxProperties, len(object)+1) {
			full, object[name] = true, nil
		}
		if full || !s.holds(openapi3.TypeObject) {
			err = r.skip()
		} else {
			err = r.readMember(s, object, name, at+"/"+pointerEscapes.Replace(name))
		}
		if err != nil {
			return nil, err
		}
	}
	if full {
		r.fields = r.fields[:before]
	}
	_, err := r.tokens.Token()
	return object, err
}

func (r *bodyReader) readMember(s *bodySchema, object map[string]any, name, at string) error {
	member, allowed := s.member(name)
	_, again := object[name]
	switch {
	case !allowed:
		return errors.Join(r.report(at, "This object has no such member."), r.skip())
	case again:
		return errors.Join(r.report(at, "is given more than once."), r.skip())
	}
	value, err := r.read(member, at)
	object[name] = value
	return err
}

// readArray reads the rest of an array.
func (r *bodyReader) readArray(s *bodySchema, at string) (any, error) {
	array, before, full := []any{}, len(r.fields), false
	var items *bodySchema
	if s != nil {
		items = s.items
	}
	for r.tokens.More() {
		if !full && s.full(maxItems, len(array)+1) {
			full, array = true, append(array, nil)
		}
		if full || !s.holds(openapi3.TypeArray) {
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
	if full {
		r.fields = r.fields[:before]
	}
	_, err := r.tokens.Token()
	return array, err
}

// skip passes over the next value.
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

// check holds a value against its schema, but for what it contains.
func (r *bodyReader) check(s *bodySchema, value any, at string) error {
	if s == nil {
		return nil
	}
	options := []openapi3.SchemaValidationOption{openapi3.VisitAsRequest()}
	if !s.whole { // in composed schemas, there would be no end of them
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

// checkInteger refuses what is an integer for JSON Schema but not for programs: 1e2, 1.0, and
// what is beyond the range of its format.
func (r *bodyReader) checkInteger(s *bodySchema, number json.Number, at string) error {
	if strings.ContainsAny(number.String(), ".eE") {
		return r.report(at, "must be written as an integer, without fraction or exponent.")
	}
	bits := 64
	if s.value.Format == "int32" {
		bits = 32
	}
	if _, err := strconv.ParseInt(number.String(), 10, bits); err != nil {
		return r.report(at, "is beyond the range of integers.")
	}
	return nil
}

// pointerEscapes make a name a part of a JSON pointer (RFC 6901).
var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")
