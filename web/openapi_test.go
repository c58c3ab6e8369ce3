package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/web"
)

func TestOpenAPI_IsWholeAndEveryOperationIsDescribed(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) { c.Phone = func(tandem.AgentID) http.Handler { return http.NotFoundHandler() } })
	var doc map[string]any
	s.serve(t).do("GET", "/openapi.json", nil).decode(t, &doc)
	require.Regexp(t, `^3\.1\.\d+$`, doc["openapi"])
	require.NotEmpty(t, doc["info"].(map[string]any)["version"])
	refs := 0
	walk(doc, func(m map[string]any) {
		ref, ok := m["$ref"].(string)
		if !ok {
			return
		}
		refs++
		at := any(doc)
		for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			object, ok := at.(map[string]any)
			require.True(t, ok, ref)
			at = object[part]
		}
		require.NotNil(t, at, "%s leads nowhere", ref)
	})
	require.Greater(t, refs, 20)
	seen := make(map[any]string)
	for path, methods := range doc["paths"].(map[string]any) {
		for method, value := range methods.(map[string]any) {
			op := value.(map[string]any)
			where := method + " " + path
			require.NotEmpty(t, op["operationId"], where)
			require.Empty(t, seen[op["operationId"]], "%s has another's name", where)
			seen[op["operationId"]] = where
			require.NotEmpty(t, op["summary"], where)
			require.NotEmpty(t, op["responses"], where)
			for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				require.Contains(t, fmt.Sprint(op["parameters"]), "in:path name:"+name[1], where)
			}
			if op["operationId"] != "log-in" {
				require.NotEmpty(t, op["security"], where)
			}
		}
	}
}

// walk calls f for every object in a JSON value.
func walk(value any, f func(map[string]any)) {
	switch v := value.(type) {
	case map[string]any:
		f(v)
		for _, x := range v {
			walk(x, f)
		}
	case []any:
		for _, x := range v {
			walk(x, f)
		}
	}
}
