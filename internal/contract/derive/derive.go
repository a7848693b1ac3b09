// Package derive owns what follows from the x-gate of an operation, and adds it to the
// merged document: which credentials are accepted. So the modules need not repeat it,
// and cannot forget it.
//
// Only internal/contract/merge calls it. It works on documents as yaml.v3 reads them.
package derive

import "fmt"

type object = map[string]any

// Add completes every operation of the document.
func Add(document map[string]any) {
	paths, _ := document["paths"].(object)
	for _, item := range paths {
		for _, operation := range operationsOf(item) {
			gate, _ := operation["x-gate"].(object)
			if scope, ok := gate["scope"].(string); ok {
				acceptToken(operation, scope)
			}
		}
	}
}

// acceptToken says that API tokens with the scope are accepted. OpenAPI 3.0 has no
// scopes but for OAuth 2, so the description names it.
func acceptToken(operation object, scope string) {
	operation["security"] = []any{object{"bearer": []any{}}, object{"session_cookie": []any{}}, object{"api_token": []any{}}}
	describe(operation, fmt.Sprintf("API tokens need the scope `%s`.", scope))
}

func describe(operation object, sentence string) {
	operation["description"] = fmt.Sprint(operation["description"]) + "\n\n" + sentence
}

func operationsOf(item any) map[string]object {
	operations := map[string]object{}
	path, _ := item.(object)
	for _, method := range []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"} {
		if operation, ok := path[method].(object); ok {
			operations[method] = operation
		}
	}
	return operations
}
