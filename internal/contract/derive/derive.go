// Package derive owns the parts of the contract that follow from x-gate, and adds them to the merged
// document: accepted credentials, the Idempotency-Key, rate-limit headers, the errors that every operation
// can return, and the scopes of events. The modules need not repeat them and cannot forget them.
//
// Only internal/contract/merge calls it. It works on documents as decoded by yaml.v3.
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
		answerErrors(operation, gate["access"] == "public")
	}
	nameScopesOfEvents(document)
}

// nameScopesOfEvents adds to the description of each event type the scope that API tokens need: that of
// the operation named by its x-gate-of.
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

// schemas returns the named schemas of a document.
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

// acceptToken adds the security scheme of API tokens. OpenAPI 3.0 has scopes only for OAuth 2, so the
// scope is added to the description.
func acceptToken(operation object, scope string) {
	operation["security"] = []any{object{"bearer": []any{}}, object{"session_cookie": []any{}}, object{"api_token": []any{}}}
	operation["description"] = fmt.Sprintf("%v\n\nAPI tokens need the scope `%s`.", operation["description"], scope)
}

// acceptKey adds the Idempotency-Key with its responses and header.
func acceptKey(operation object) {
	parameters, _ := operation["parameters"].([]any)
	operation["parameters"] = append(parameters, reference("parameters", "IdempotencyKey"))
	answer(operation, "409", "Conflict")
	answer(operation, "422", "Unprocessable")
	header(operation, "Idempotent-Replayed", "IdempotentReplayed")
}

// limit adds the rate-limit headers and the response 429.
func limit(operation object) {
	answer(operation, "429", "TooManyRequests")
	header(operation, "RateLimit-Policy", "RateLimitPolicy")
	header(operation, "RateLimit", "RateLimit")
}

func reference(kind, name string) object { return object{"$ref": "#/components/" + kind + "/" + name} }

// answer adds a response, unless the operation has one with this status.
func answer(operation object, status, component string) {
	responses, _ := operation["responses"].(object)
	if _, exists := responses[status]; !exists {
		responses[status] = reference("responses", component)
	}
}

// answerErrors adds the errors that every operation can return: the request does not fit the contract, the
// caller is refused, the server fails.
func answerErrors(operation object, public bool) {
	answer(operation, "400", "BadRequest")
	answer(operation, "403", "Forbidden")
	answer(operation, "500", "InternalError")
	answer(operation, "503", "Unavailable")
	if !public {
		answer(operation, "401", "Unauthorized")
	}
	if operation["requestBody"] != nil {
		answer(operation, "413", "TooLarge")
		answer(operation, "415", "UnsupportedMediaType")
	}
}

// header adds a header to every 2xx response.
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

// operations returns the operations of a document, ordered by path and method.
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

// byMethod returns the operations of a path.
func byMethod(path object) map[string]object {
	found := map[string]object{}
	for _, method := range []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"} {
		if operation, ok := path[method].(object); ok {
			found[method] = operation
		}
	}
	return found
}
