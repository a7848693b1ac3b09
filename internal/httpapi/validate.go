package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/contract"
)

// validator validates requests for one operation of the contract.
type validator struct {
	op      *contract.Operation
	query   map[string]bool
	body    *bodySchema
	options *openapi3filter.Options
}

func newValidator(op *contract.Operation) *validator {
	v := &validator{
		op: op, query: map[string]bool{},
		options: &openapi3filter.Options{
			MultiError:          true,
			SkipSettingDefaults: true,
			AuthenticationFunc:  openapi3filter.NoopAuthenticationFunc,
			ExcludeRequestBody:  true, // see checkBody
		},
	}
	if op.JSONBody() {
		schema := op.Spec.RequestBody.Value.Content.Get(echo.MIMEApplicationJSON).Schema.Value
		v.body = newBodySchema(schema, map[*openapi3.Schema]*bodySchema{})
	}
	for _, p := range op.Spec.Parameters {
		if p.Value.In == openapi3.ParameterInQuery {
			v.query[p.Value.Name] = true
		}
	}
	return v
}

// validate returns an InvalidRequest error that lists the invalid fields (at most maxFields), or one
// of the errors about the body as a whole: BodyTooLarge, UnsupportedType, InvalidRequest.
func (v *validator) validate(c echo.Context) error {
	r, query := c.Request(), c.QueryParams()
	if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
		// url.Values omits parameters that cannot be parsed; a filter would be ignored.
		return invalidRequest(apperr.Field{Pointer: "?", Detail: "cannot be parsed: separate parameters with &, and write ; as %3B and % as %25."})
	}
	if err := v.checkQuery(query); err != nil {
		return err
	}
	if fields := v.checkRepetition(r, query); len(fields) > 0 {
		return invalidRequest(fields...)
	}
	var body []byte
	if v.op.JSONBody() {
		var err error
		if body, err = v.prepareBody(r); err != nil {
			return err
		}
	}
	params := make(map[string]string, len(c.ParamNames()))
	for i, name := range c.ParamNames() {
		params[name] = c.ParamValues()[i]
	}
	var fields []apperr.Field
	err := openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, QueryParams: query, Route: v.op.Route, Options: v.options,
	})
	if err != nil {
		fields = fieldsOf(err, "")
	}
	if len(body) > 0 {
		invalid, err := checkBody(v.body, body)
		if err != nil {
			return apperr.New(apperr.InvalidRequest, "The body is not valid JSON.").WithCause(err)
		}
		fields = append(fields, invalid...)
	}
	if len(fields) > 0 {
		return invalidRequest(fields...)
	}
	return nil
}

// checkQuery refuses unknown parameters: a misspelled filter must not be ignored silently.
func (v *validator) checkQuery(query url.Values) error {
	for name, values := range query {
		if !v.query[name] {
			return invalidRequest(apperr.Field{Pointer: "?" + name, Detail: "This operation has no such parameter."})
		}
		for _, value := range values {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return invalidRequest(apperr.Field{Pointer: "?" + name, Detail: "must be UTF-8 text without NUL characters."})
			}
		}
	}
	return nil
}

// checkRepetition refuses parameters that are given more than once, unless they are lists. Lists are
// accepted as a,b and as one parameter per item; query is rewritten to the form of the contract, which
// validator and handlers expect. List items must not contain commas.
func (v *validator) checkRepetition(r *http.Request, query url.Values) []apperr.Field {
	var fields []apperr.Field
	for _, parameter := range v.op.Spec.Parameters {
		p := parameter.Value
		values := query[p.Name]
		if p.In == openapi3.ParameterInHeader {
			values = r.Header.Values(p.Name)
		} else if p.In != openapi3.ParameterInQuery {
			continue
		}
		switch schema := p.Schema.Value; {
		case len(values) == 0:
		case p.In == openapi3.ParameterInQuery && schema.Type.Is(openapi3.TypeArray):
			items := strings.Split(strings.Join(values, ","), ",")
			if limit := schema.MaxItems; limit != nil && uint64(len(items)) > *limit {
				fields = append(fields, apperr.Field{Pointer: parameterPointer(p), Detail: fmt.Sprintf("maximum number of items is %d", *limit)})
			}
			if p.Explode != nil && !*p.Explode {
				items = []string{strings.Join(items, ",")}
			}
			query[p.Name] = items
		case len(values) > 1:
			fields = append(fields, apperr.Field{Pointer: parameterPointer(p), Detail: "is given more than once."})
		}
	}
	return fields
}

// prepareBody reads the body up to its limit and checks that it is one JSON value. The handler, and a
// second run of the request, read it from memory. It returns nil if there is no body and none is
// required.
func (v *validator) prepareBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > v.op.MaxBody {
		return nil, v.bodyTooLarge()
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, v.op.MaxBody+1))
	if err != nil {
		return nil, apperr.New(apperr.InvalidRequest, "The body could not be read.").WithCause(err)
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	if int64(len(body)) > v.op.MaxBody {
		return nil, v.bodyTooLarge()
	}
	if len(body) == 0 {
		if v.op.Spec.RequestBody.Value.Required {
			return nil, apperr.New(apperr.InvalidRequest, "A JSON body is required.")
		}
		r.ContentLength = 0
		r.Body = http.NoBody
		return nil, nil
	}
	if err := checkMediaType(r); err != nil {
		return nil, err
	}
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	r.ContentLength = int64(len(body))
	r.Body, err = r.GetBody()
	return body, err
}

func (v *validator) bodyTooLarge() error {
	return apperr.New(apperr.BodyTooLarge, "The body of this request must not exceed %d KiB.", v.op.MaxBody>>10).
		With("max_bytes", v.op.MaxBody)
}

// checkMediaType accepts JSON and, for PATCH, merge patches (RFC 7396), whose type it replaces by that
// of JSON.
func checkMediaType(r *http.Request) error {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err == nil && r.Method == http.MethodPatch && mediaType == "application/merge-patch+json" {
		mediaType = echo.MIMEApplicationJSON
	}
	if err != nil || mediaType != echo.MIMEApplicationJSON {
		return apperr.New(apperr.UnsupportedType, "Send the body as application/json.")
	}
	r.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	return nil
}

// checkJSON requires exactly one JSON value in UTF-8, without the character NUL, which PostgreSQL
// cannot store.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return apperr.New(apperr.InvalidRequest, "The body must be UTF-8.")
	}
	if !json.Valid(body) {
		var syntax *json.SyntaxError
		if err := json.Unmarshal(body, new(any)); errors.As(err, &syntax) {
			return apperr.New(apperr.InvalidRequest, "The body is not valid JSON, at byte %d.", syntax.Offset)
		}
		return apperr.New(apperr.InvalidRequest, "The body is not valid JSON.")
	}
	if containsNUL(body) {
		return apperr.New(apperr.InvalidRequest, `The body contains the character \u0000, which cannot be stored.`)
	}
	return nil
}

// containsNUL reports whether valid JSON contains an escaped NUL: a backslash that is not itself
// escaped, followed by u0000.
func containsNUL(body []byte) bool {
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		if bytes.HasPrefix(body[i+1:], []byte("u0000")) {
			return true
		}
		i++
	}
	return false
}

func invalidRequest(fields ...apperr.Field) error {
	detail := "The request does not match the contract."
	if len(fields) > 0 {
		detail = describe(fields[0])
	}
	return apperr.New(apperr.InvalidRequest, "%s", detail).WithFields(fields...)
}

func describe(f apperr.Field) string {
	if name := strings.TrimPrefix(f.Pointer, "/"); name != "" {
		return name + ": " + f.Detail
	}
	return f.Detail
}

// fieldsOf converts the errors of the validator. Of a schema error only the reason is used: the rest of
// its text quotes the schema and the input.
func fieldsOf(err error, pointer string) []apperr.Field {
	// A type switch on the outermost error, because each of these types can wrap the other.
	switch outer := err.(type) { //nolint:errorlint // see above
	case openapi3.MultiError:
		var fields []apperr.Field
		for _, one := range outer {
			fields = append(fields, fieldsOf(one, pointer)...)
		}
		return fields
	case *openapi3filter.RequestError:
		if outer.Parameter != nil {
			pointer = parameterPointer(outer.Parameter)
		}
		if outer.Err != nil {
			return fieldsOf(outer.Err, pointer)
		}
		return []apperr.Field{{Pointer: pointer, Detail: outer.Reason}}
	}
	if schema, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		return []apperr.Field{schemaField(schema, pointer)}
	}
	if errors.Is(err, openapi3filter.ErrInvalidRequired) {
		return []apperr.Field{{Pointer: pointer, Detail: "is required."}}
	}
	return []apperr.Field{{Pointer: pointer, Detail: "has an invalid value."}}
}

func parameterPointer(p *openapi3.Parameter) string {
	switch p.In {
	case openapi3.ParameterInQuery:
		return "?" + p.Name
	case openapi3.ParameterInPath:
		return "{" + p.Name + "}"
	}
	return p.Name
}

// schemaField appends the location of a schema error to the pointer.
func schemaField(e *openapi3.SchemaError, pointer string) apperr.Field {
	for _, part := range e.JSONPointer() {
		pointer += "/" + pointerEscapes.Replace(part)
	}
	detail := e.Reason
	if e.SchemaField == "format" && e.Schema != nil && e.Schema.Format != "" {
		detail = fmt.Sprintf("must be a valid %s", e.Schema.Format)
		// Errors of our own formats (internal/contract) are written for clients.
		if reason := errors.Unwrap(e.Origin); reason != nil {
			if _, ok := errors.AsType[*openapi3.SchemaError](reason); !ok {
				detail = strings.TrimSuffix(reason.Error(), ".") + "."
			}
		}
	}
	return apperr.Field{Pointer: pointer, Detail: detail}
}
