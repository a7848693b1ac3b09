package derive

import (
	"encoding/json"
	"fmt"
	"slices"
)

// ThirdParty returns the document for third parties: the operations that accept API tokens, without
// x-gate and other security schemes. The caller must remove unused components.
func ThirdParty(document map[string]any) (map[string]any, error) {
	raw, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("copy the document: %w", err)
	}
	var filtered object
	if err := json.Unmarshal(raw, &filtered); err != nil {
		return nil, fmt.Errorf("copy the document: %w", err)
	}
	paths, _ := filtered["paths"].(object)
	used := map[string]bool{}
	for name, item := range paths {
		path, _ := item.(object)
		for method, operation := range byMethod(path) {
			gate, _ := operation["x-gate"].(object)
			if gate["scope"] == nil {
				delete(path, method)
				continue
			}
			delete(operation, "x-gate")
			operation["security"] = []any{object{"api_token": []any{}}}
			for _, tag := range list(operation["tags"]) {
				used[fmt.Sprint(tag)] = true
			}
		}
		if len(byMethod(path)) == 0 {
			delete(paths, name)
		}
	}
	for _, schema := range schemas(filtered) {
		delete(schema, "x-gate-of")
	}
	filtered["tags"] = slices.DeleteFunc(list(filtered["tags"]), func(tag any) bool {
		details, _ := tag.(object)
		return !used[fmt.Sprint(details["name"])]
	})
	filtered["security"] = []any{object{"api_token": []any{}}}
	components, _ := filtered["components"].(object)
	schemes, _ := components["securitySchemes"].(object)
	components["securitySchemes"] = object{"api_token": schemes["api_token"]}
	return filtered, nil
}

func list(node any) []any {
	items, _ := node.([]any)
	return items
}
