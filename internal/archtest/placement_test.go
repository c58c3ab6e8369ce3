package archtest_test

import (
	"slices"
	"strings"
)

// root is the module path, and the import path of the root package.
const root = "github.com/tandem-cc/tandem"

// placement says what the packages of one place in the house may import, besides the standard library and, the root itself apart, the root
// package. Patterns and imports are relative to the root: "acd" is one package, "acd/..." that and all below it.
type placement struct {
	pattern string
	module  []string // packages of this module
	foreign []string // third-party modules, with everything below them
	anyone  bool     // may import anything: compositions
}

// helpers are the packages below internal that code outside tests may use: all but testenv and archtest, which no pattern names.
const helpers = "internal/helpers"

var (
	engines = []string{"acd/...", "campaign/...", "crm/...", "dialer/...", "reports/..."}
	sip     = []string{
		"github.com/coder/websocket", "github.com/emiago/sipgo", "github.com/gobwas/ws", "github.com/icholy/digest", "github.com/pion",
	}
	// suites are for tests; nothing but tests and other suites may import them.
	suites = []string{"internal/archtest", "internal/testenv", "store/storetest/...", "switchtest/..."}
	// actors play a customer or a phone: tests may have them, and compositions, whose demonstrations need somebody to talk to.
	actors = []string{"sipbridge/siptest/..."}
)

// house is searched from the top: the first pattern that matches places a package.
var house = []placement{
	{pattern: "."},

	{pattern: "acd/...", module: []string{"acd/...", helpers}},
	{pattern: "dialer/...", module: []string{"dialer/...", helpers}},
	{pattern: "reports/...", module: []string{"reports/...", helpers}},
	{pattern: "crm/...", module: []string{"crm/...", helpers}},
	{pattern: "campaign/...", module: []string{"campaign/...", "dialer/...", helpers}},

	{pattern: "sipbridge/siptest/...", module: []string{"sipbridge/...", helpers, "internal/testenv"}, foreign: slices.Concat(sip, []string{"github.com/stretchr/testify"})},
	{pattern: "sipbridge/...", module: []string{"sipbridge/...", helpers}, foreign: sip},
	{pattern: "asterisk/...", module: []string{"asterisk/...", helpers}, foreign: []string{"github.com/staskobzar/goami2"}},
	{pattern: "loopback/...", module: []string{"loopback/...", helpers}},
	{pattern: "switchtest/...", module: []string{"switchtest/...", helpers}, foreign: []string{"github.com/stretchr/testify", "pgregory.net/rapid"}},

	{pattern: "store/storetest/...", module: slices.Concat(engines, []string{"store/storetest/...", "web/account", helpers}), foreign: []string{"github.com/stretchr/testify", "pgregory.net/rapid"}},
	{pattern: "store/memstore/...", module: slices.Concat(engines, []string{"store/memstore/...", "web/account", helpers})},
	{pattern: "store/sqlitestore/...", module: slices.Concat(engines, []string{"store/sqlitestore/...", "store/internal/...", "web/account", helpers}), foreign: []string{"github.com/google/uuid", "github.com/pressly/goose/v3", "modernc.org/sqlite"}},
	{pattern: "store/pgstore/...", module: slices.Concat(engines, []string{"store/pgstore/...", "store/internal/...", "web/account", helpers}), foreign: []string{"github.com/google/uuid", "github.com/jackc/pgx/v5", "github.com/pressly/goose/v3"}},
	{pattern: "store/redisstore/...", module: slices.Concat(engines, []string{"store/redisstore/...", "web/account", helpers}), foreign: []string{"github.com/redis/go-redis/v9"}},
	{pattern: "store/internal/...", module: slices.Concat(engines, []string{"store/internal/...", "web/account", helpers})},

	{pattern: "web/account", module: []string{helpers}},
	{pattern: "web/...", module: slices.Concat(engines, []string{"web/...", helpers}), foreign: []string{"github.com/danielgtaylor/huma/v2", "github.com/prometheus/client_golang", "golang.org/x/crypto", "golang.org/x/time"}},

	{pattern: "internal/archtest"},
	{pattern: "internal/testenv", foreign: []string{"github.com/jackc/pgx/v5"}},
	{pattern: "internal/...", module: []string{helpers}},

	{pattern: "cmd/...", anyone: true},
	{pattern: "examples/...", anyone: true},
	{pattern: "test/...", anyone: true},
}

// selfContained are the packages that a host may embed alone: nothing third-party may come with them, however indirectly.
var selfContained = []string{".", "acd/...", "campaign/...", "crm/...", "dialer/...", "loopback/...", "reports/...", "store/memstore", "web/account"}

// relative returns the name of an import path as patterns have it: "." for the root, "acd" for root/acd. It reports false for a foreign one.
func relative(path string) (string, bool) {
	if path == root {
		return ".", true
	}
	return strings.CutPrefix(path, root+"/")
}

// matches reports whether name is in pattern.
func matches(pattern, name string) bool {
	if pattern == helpers {
		return strings.HasPrefix(name, "internal/") && !matchesAny(suites, name)
	}
	if prefix, all := strings.CutSuffix(pattern, "/..."); all {
		return name == prefix || strings.HasPrefix(name, prefix+"/")
	}
	return name == pattern
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, name) })
}

// place returns where the package called name stands.
func place(name string) (placement, bool) {
	for _, p := range house {
		if matches(p.pattern, name) {
			return p, true
		}
	}
	return placement{}, false
}

// allows reports whether a package of this place called name may import path, which is not of the standard library.
func (p placement) allows(name, path string) bool {
	imported, ours := relative(path)
	if ours && matchesAny(suites, imported) && !matchesAny(suites, name) && !matches("test/...", name) {
		return false
	}
	if p.anyone {
		return true
	}
	if ours && matchesAny(actors, imported) && !matchesAny(actors, name) {
		return false
	}
	if !ours {
		return slices.ContainsFunc(p.foreign, func(family string) bool { return path == family || strings.HasPrefix(path, family+"/") })
	}
	return imported == "." || matchesAny(p.module, imported)
}
