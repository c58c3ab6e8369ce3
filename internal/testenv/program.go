package testenv

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Chromium returns the path of a Chromium browser. Run it headless, with a new user-data-dir, on loopback pages only.
func Chromium(tb testing.TB) string {
	tb.Helper()
	needServers(tb, "Chromium")
	if path := os.Getenv(EnvChromium); path != "" {
		return path
	}
	return program(tb, "Chromium", "apt-get install -y chromium", "chromium", "chromium-browser", "google-chrome")
}

// SIPp returns the path of the SIP traffic generator sipp.
func SIPp(tb testing.TB) string {
	tb.Helper()
	needServers(tb, "SIPp")
	return program(tb, "SIPp", "apt-get install -y sip-tester", "sipp")
}

// Baresip returns the path of the SIP phone baresip.
func Baresip(tb testing.TB) string {
	tb.Helper()
	needServers(tb, "baresip")
	return program(tb, "baresip", "apt-get install -y --no-install-recommends baresip-core", "baresip")
}

// Node returns the path of the JavaScript runtime node.
func Node(tb testing.TB) string {
	tb.Helper()
	return program(tb, "Node.js", "apt-get install -y nodejs npm", "node")
}

// NodeModule returns the absolute path of a file of the npm packages pinned in test/js, such as "typescript/bin/tsc" or
// "jssip/lib/JsSIP.js". It also makes sure that Node.js is there.
func NodeModule(tb testing.TB, name string) string {
	tb.Helper()
	Node(tb)
	path := filepath.Join(ModuleRoot(tb), "test", "js", "node_modules", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		missing(tb, "the npm package file "+name, "npm ci --prefix test/js")
	}
	return path
}

// Bundle returns an npm package of test/js, such as "jssip", as one classic script for a browser, which keeps it in the global variable of the
// given name.
func Bundle(tb testing.TB, npmPackage, global string) []byte {
	tb.Helper()
	esbuild := NodeModule(tb, "esbuild/bin/esbuild")
	cmd := exec.CommandContext(tb.Context(), Node(tb), esbuild, "--bundle", "--platform=browser", "--format=iife", "--global-name="+global, "--log-level=warning")
	cmd.Dir = filepath.Join(ModuleRoot(tb), "test", "js")
	cmd.Stdin = strings.NewReader("module.exports = require(" + strconv.Quote(npmPackage) + ")")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	script, err := cmd.Output()
	if err != nil {
		tb.Fatalf("testenv: bundle %s: %v\n%s", npmPackage, err, stderr.Bytes())
	}
	return script
}

// program returns the path of the first of names that is on the PATH.
func program(tb testing.TB, what, remedy string, names ...string) string {
	tb.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(tb, what, remedy)
	return ""
}
