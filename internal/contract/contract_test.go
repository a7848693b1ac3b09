package contract_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/gen/openapi"
	"github.com/smoothschedule/smoothschedule/internal/contract"
)

func load(t *testing.T) *contract.Contract {
	t.Helper()
	c, err := contract.Load(openapi.JSON)
	require.NoError(t, err)
	return c
}

// The contract lists every error response that an operation can return.
func TestOperations_responses(t *testing.T) {
	t.Parallel()
	for _, op := range load(t).Operations() {
		want := []int{400, 403, 500}
		if !strings.Contains(string(op.Gate), `"public"`) {
			want = append(want, 401)
		}
		if strings.Contains(op.Path, "{id}") {
			want = append(want, 404)
		}
		if op.JSONBody() {
			want = append(want, 413, 415)
		}
		for _, p := range op.Spec.Parameters {
			if p.Value.Name == "If-Match" {
				want = append(want, 412)
			}
		}
		for _, status := range want {
			require.NotNil(t, op.Spec.Responses.Status(status), "%s does not list %d", op.ID, status)
		}
	}
}

// Unknown properties are refused, so that a misspelled one is not ignored silently.
func TestOperations_closed_bodies(t *testing.T) {
	t.Parallel()
	for _, op := range load(t).Operations() {
		if !op.JSONBody() {
			continue
		}
		schema := op.Spec.RequestBody.Value.Content.Get("application/json").Schema.Value
		require.NotNil(t, schema.AdditionalProperties.Has, "%s: additionalProperties must be false", op.ID)
		require.False(t, *schema.AdditionalProperties.Has, "%s: additionalProperties must be false", op.ID)
	}
}

// Client generators make a separate type, or none, of an allOf with a single schema.
func TestDocuments_plain_references(t *testing.T) {
	t.Parallel()
	for name, document := range map[string][]byte{"openapi.json": openapi.JSON, "third-party.json": openapi.ThirdParty} {
		var root any
		require.NoError(t, json.Unmarshal(document, &root))
		references := 0
		var look func(path string, node any)
		look = func(path string, node any) {
			switch node := node.(type) {
			case map[string]any:
				if node["$ref"] != nil {
					references++
				}
				for _, word := range []string{"allOf", "oneOf", "anyOf"} {
					if list, ok := node[word].([]any); ok && len(list) == 1 {
						require.Greater(t, len(node), 1, "%s, %s: %s with a single schema and no other keyword", name, path, word)
					}
				}
				for key, child := range node {
					look(path+"/"+key, child)
				}
			case []any:
				for i, child := range node {
					look(fmt.Sprintf("%s/%d", path, i), child)
				}
			}
		}
		look("#", root)
		require.Greater(t, references, 100, name)
	}
	for _, op := range load(t).Operations() {
		if op.ID == "listEvents" {
			page := op.Spec.Responses.Status(200).Value.Content["application/json"].Schema.Value
			require.Equal(t, "#/components/schemas/Event", page.Properties["data"].Value.Items.Ref)
		}
	}
}

func TestLoad_refuses_invalid_documents(t *testing.T) {
	t.Parallel()
	document := func(paths string) []byte {
		return []byte(`{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":` + paths + `}`)
	}
	const ok = `{"responses":{"200":{"description":"ok"}}`
	for name, paths := range map[string]string{
		"no operationId":   `{"/a":{"get":` + ok + `}}}`,
		"same operationId": `{"/a":{"get":` + ok + `,"operationId":"x"}},"/b":{"get":` + ok + `,"operationId":"x"}}}`,
		"not a document":   `[]`,
	} {
		_, err := contract.Load(document(paths))
		require.Error(t, err, name)
	}
	c, err := contract.Load(document(`{"/a/":{"get":` + ok + `,"operationId":"x"}}}`))
	require.NoError(t, err)
	require.Equal(t, "/a", c.Operations()[0].Path)
}

func TestWrites(t *testing.T) {
	t.Parallel()
	require.True(t, contract.Writes(http.MethodPost))
	require.True(t, contract.Writes("ANYTHING"))
	require.False(t, contract.Writes(http.MethodHead))
}
