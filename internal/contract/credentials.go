package contract

import (
	"regexp"

	"github.com/getkin/kin-openapi/openapi3"
)

// credentialName matches the properties that hold a credential: "token", "secret",
// "new_password". It is a rule of the contract that a credential has such a name.
var credentialName = regexp.MustCompile(`(^|_)(token|secret|password)s?$`)

// IsCredential reports whether a property of the name holds a credential.
func IsCredential(name string) bool { return credentialName.MatchString(name) }

// TakesCredential reports whether the body of a request has a property that holds a credential.
func (o *Operation) TakesCredential() bool {
	return o.Spec.RequestBody != nil && contentHasCredential(o.Spec.RequestBody.Value.Content)
}

// ShowsCredential reports whether an answer may have a property that holds a credential.
func (o *Operation) ShowsCredential() bool {
	for _, response := range o.Spec.Responses.Map() {
		if contentHasCredential(response.Value.Content) {
			return true
		}
	}
	return false
}

func contentHasCredential(content openapi3.Content) bool {
	for _, media := range content {
		if hasCredential(media.Schema, map[*openapi3.Schema]bool{}) {
			return true
		}
	}
	return false
}

// hasCredential looks at a schema and those in it; seen keeps it from going in circles.
func hasCredential(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) bool {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return false
	}
	schema := ref.Value
	seen[schema] = true
	parts := []*openapi3.SchemaRef{schema.Items, schema.AdditionalProperties.Schema, schema.Not}
	for _, some := range []openapi3.SchemaRefs{schema.AllOf, schema.AnyOf, schema.OneOf} {
		parts = append(parts, some...)
	}
	for name, property := range schema.Properties {
		if IsCredential(name) {
			return true
		}
		parts = append(parts, property)
	}
	for _, part := range parts {
		if hasCredential(part, seen) {
			return true
		}
	}
	return false
}
