package contract

import (
	"regexp"

	"github.com/getkin/kin-openapi/openapi3"
)

// credentialName matches the names of properties with a credential: "token", "secret", "new_password".
// Every credential in the contract must have such a name.
var credentialName = regexp.MustCompile(`(^|_)(token|secret|password)s?$`)

// IsCredential reports whether a property with this name contains a credential.
func IsCredential(name string) bool { return credentialName.MatchString(name) }

// TakesCredential reports whether the request body can contain a credential.
func (o *Operation) TakesCredential() bool {
	return o.Spec.RequestBody != nil && contentHasCredential(o.Spec.RequestBody.Value.Content)
}

// ShowsCredential reports whether a response can contain a credential.
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

// hasCredential searches a schema and the schemas in it. seen ends the recursion of recursive schemas.
func hasCredential(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) bool {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return false
	}
	schema := ref.Value
	seen[schema] = true
	parts := []*openapi3.SchemaRef{schema.Items, schema.AdditionalProperties.Schema, schema.Not}
	for _, refs := range []openapi3.SchemaRefs{schema.AllOf, schema.AnyOf, schema.OneOf} {
		parts = append(parts, refs...)
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
