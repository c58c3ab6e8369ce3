package archtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/testenv"
)

// listed is what the tests need of one package in the answer of go list.
type listed struct {
	ImportPath string
	Dir        string
	Name       string
	Standard   bool
	Imports    []string
	GoFiles    []string
	Deps       []string

	TestGoFiles, XTestGoFiles []string
}

// list asks go list for all packages of the module and everything that they need, by import path.
func list(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=ImportPath,Dir,Name,Standard,Imports,GoFiles,Deps,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = testenv.ModuleRoot(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	packages := make(map[string]listed)
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		require.NoError(t, err)
		packages[p.ImportPath] = p
	}
}

// direction returns what p imports against the direction of the house.
func direction(p listed, standard func(path string) bool) []string {
	name, ours := relative(p.ImportPath)
	if !ours {
		return nil
	}
	at, placed := place(name)
	if !placed {
		return []string{name + " has no place in the house: give it a line in internal/archtest/placement_test.go"}
	}
	var faults []string
	for _, path := range p.Imports {
		if standard(path) || at.allows(name, path) {
			continue
		}
		faults = append(faults, fmt.Sprintf("%s (placed as %s) must not import %s", name, at.pattern, path))
	}
	return faults
}

// baggage returns what a self-contained package brings along, however indirectly, that is neither standard nor of this module.
func baggage(p listed, standard func(path string) bool) []string {
	name, ours := relative(p.ImportPath)
	if !ours || !matchesAny(selfContained, name) {
		return nil
	}
	var faults []string
	for _, path := range p.Deps {
		if _, ours := relative(path); !ours && !standard(path) {
			faults = append(faults, fmt.Sprintf("%s brings %s to a host that imports it", name, path))
		}
	}
	return faults
}

func TestImports_FollowTheHouse(t *testing.T) {
	t.Parallel()
	packages := list(t)
	standard := func(path string) bool { return packages[path].Standard || path == "C" }
	require.Contains(t, packages, root)
	require.True(t, standard("context"))
	for _, p := range packages {
		for _, fault := range append(direction(p, standard), baggage(p, standard)...) {
			t.Error(fault)
		}
	}
}

func TestDirection_SeesViolations(t *testing.T) {
	t.Parallel()
	standard := func(path string) bool { return path == "fmt" }
	for _, row := range []struct {
		importer, imported string
		allowed            bool
	}{
		{"", "fmt", true},
		{"", "/acd", false},
		{"", "/internal/tone", false},
		{"", "github.com/pion/rtp", false},
		{"/acd", "", true},
		{"/acd", "/acd/strategy", true},
		{"/acd", "/dialer", false},
		{"/acd", "/internal/loop", true},
		{"/acd", "/internal/testenv", false},
		{"/acd", "github.com/google/uuid", false},
		{"/campaign", "/dialer", true},
		{"/dialer", "/campaign", false},
		{"/reports", "/store/memstore", false},
		{"/sipbridge", "github.com/pion/webrtc/v4", true},
		{"/sipbridge/media", "github.com/emiago/sipgo/sip", true},
		{"/sipbridge/media", "github.com/emiago/sipgofork", false},
		{"/sipbridge", "/acd", false},
		{"/sipbridge", "/asterisk", false},
		{"/sipbridge", "/sipbridge/siptest", false},
		{"/asterisk/ami", "github.com/staskobzar/goami2", true},
		{"/asterisk", "github.com/emiago/sipgo", false},
		{"/store/pgstore", "/reports", true},
		{"/store/pgstore", "/web/account", true},
		{"/store/memstore", "/web", false},
		{"/web/account", "", true},
		{"/web/account", "/web", false},
		{"/web/account", "github.com/danielgtaylor/huma/v2", false},
		{"/store/pgstore", "/store/sqlitestore", false},
		{"/store/pgstore", "modernc.org/sqlite", false},
		{"/store/storetest", "github.com/stretchr/testify/require", true},
		{"/web", "/acd", true},
		{"/web", "/sipbridge", false},
		{"/cmd/tandem", "/sipbridge", true},
		{"/cmd/tandem", "/sipbridge/siptest", true},
		{"/cmd/tandem", "/internal/testenv", false},
		{"/test/e2e", "/internal/testenv", true},
		{"/nowhere", "fmt", false},
	} {
		path := row.imported
		if path == "" || path[0] == '/' {
			path = root + path
		}
		faults := direction(listed{ImportPath: root + row.importer, Imports: []string{path}}, standard)
		require.Equal(t, row.allowed, len(faults) == 0, "%s imports %s: %v", row.importer, path, faults)
	}
}

func TestBaggage_SeesWhatComesAlong(t *testing.T) {
	t.Parallel()
	standard := func(path string) bool { return path == "fmt" }
	deps := []string{"fmt", root, "github.com/pion/rtp"}
	require.Len(t, baggage(listed{ImportPath: root + "/acd", Deps: deps}, standard), 1)
	require.Empty(t, baggage(listed{ImportPath: root + "/acd", Deps: deps[:2]}, standard))
	require.Empty(t, baggage(listed{ImportPath: root + "/sipbridge", Deps: deps}, standard))
}
