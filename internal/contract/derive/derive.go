// Package derive owns what follows from the x-gate of an operation, and adds it to the
// merged document: which credentials are accepted, the Idempotency-Key, what a client hears
// about its rate limit, that every request can take too long, and which scope an event needs. So
// the modules need not repeat it, and cannot forget it.
//
// Only internal/contract/merge calls it. It works on documents as yaml.v3 reads them.
package derive

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

type object = map[string]any

// Add completes every operation and every event type of the document.
func Add(document map[string]any) {
	for _, operation := range operations(document) {
		gate, _ := operation["x-gate"].(object)
		if scope, ok := gate["scope"].(string); ok {
			acceptToken(operation, scope)
		}
		if gate["idempotent"] == true {
			acceptKey(operation)
		}
		limit(operation)
		answer(operation, "503", "Unavailable")
	}
	nameScopesOfEvents(document)
}

// nameScopesOfEvents says in the description of each event type which scope API tokens need to
// get it: that of the operation which its x-gate-of names.
func nameScopesOfEvents(document object) {
	gates := map[any]object{}
	for _, operation := range operations(document) {
		gates[operation["operationId"]], _ = operation["x-gate"].(object)
	}
	for _, schema := range schemas(document) {
		of, ok := schema["x-gate-of"]
		if !ok {
			continue
		}
		note := "API tokens do not get this event."
		if scope, ok := gates[of]["scope"].(string); ok {
			note = fmt.Sprintf("API tokens need the scope `%s`.", scope)
		}
		schema["description"] = fmt.Sprintf("%v\n\n%s", schema["description"], note)
	}
}

// schemas lists the schemas of a document that have a name.
func schemas(document object) []object {
	components, _ := document["components"].(object)
	named, _ := components["schemas"].(object)
	var list []object
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if schema, ok := named[name].(object); ok {
			list = append(list, schema)
		}
	}
	return list
}

// acceptToken says that API tokens with the scope are accepted. OpenAPI 3.0 has no
// scopes but for OAuth 2, so the description names it.
func acceptToken(operation object, scope string) {
	operation["security"] = []any{object{"bearer": []any{}}, object{"session_cookie": []any{}}, object{"api_token": []any{}}}
	operation["description"] = fmt.Sprintf("%v\n\nAPI tokens need the scope `%s`.", operation["description"], scope)
}

// acceptKey adds the Idempotency-Key, and what it can lead to.
func acceptKey(operation object) {
	parameters, _ := operation["parameters"].([]any)
	operation["parameters"] = append(parameters, reference("parameters", "IdempotencyKey"))
	answer(operation, "409", "Conflict")
	answer(operation, "422", "Unprocessable")
	header(operation, "Idempotent-Replayed", "IdempotentReplayed")
}

// limit says what every answer says about the limit, and what is answered beyond it.
func limit(operation object) {
	answer(operation, "429", "TooManyRequests")
	header(operation, "RateLimit-Policy", "RateLimitPolicy")
	header(operation, "RateLimit", "RateLimit")
}

func reference(kind, name string) object { return object{"$ref": "#/components/" + kind + "/" + name} }

// answer adds a response, unless the operation has one of its own.
func answer(operation object, status, component string) {
	responses, _ := operation["responses"].(object)
	if _, exists := responses[status]; !exists {
		responses[status] = reference("responses", component)
	}
}

// header adds a header to every answer of success.
func header(operation object, name, component string) {
	responses, _ := operation["responses"].(object)
	for status, response := range responses {
		details, ok := response.(object)
		if !ok || !strings.HasPrefix(status, "2") || details["$ref"] != nil {
			continue
		}
		headers, ok := details["headers"].(object)
		if !ok {
			headers = object{}
			details["headers"] = headers
		}
		headers[name] = reference("headers", component)
	}
}

// operations lists the operations of a document, in the order of paths and methods.
func operations(document object) []object {
	var list []object
	paths, _ := document["paths"].(object)
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		path, _ := paths[name].(object)
		methods := byMethod(path)
		for _, method := range slices.Sorted(maps.Keys(methods)) {
			list = append(list, methods[method])
		}
	}
	return list
}

// byMethod are the operations of a path.
func byMethod(path object) map[string]object {
	found := map[string]object{}
	for _, method := range []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"} {
		if operation, ok := path[method].(object); ok {
			found[method] = operation
		}
	}
	return found
}
