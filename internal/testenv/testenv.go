package testenv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The environment variables that steer this package; see the package comment.
const (
	EnvStrict        = "TANDEM_TEST_STRICT"
	EnvServers       = "TANDEM_TEST_SERVERS"
	EnvPostgres      = "TANDEM_TEST_POSTGRES"
	EnvRedis         = "TANDEM_TEST_REDIS"
	EnvChromium      = "TANDEM_TEST_CHROMIUM"
	EnvAsteriskCache = "TANDEM_ASTERISK_CACHE"
)

// modulePath is how the module's root directory is told from a nested module's.
const modulePath = "module github.com/tandem-cc/tandem"

// Strict reports whether a missing server or program must fail the test that needs it.
func Strict() bool { return os.Getenv(EnvStrict) == "1" }

// missing ends the test: what it needs is not here, and remedy says how to get it.
func missing(tb testing.TB, what, remedy string) {
	tb.Helper()
	if Strict() {
		tb.Fatalf("testenv: %s is missing and %s=1 forbids skipping; to install it: %s", what, EnvStrict, remedy)
	}
	tb.Skipf("needs %s; to install it: %s", what, remedy)
}

// needServers ends the test when the run was asked to start no servers.
func needServers(tb testing.TB, what string) {
	tb.Helper()
	if os.Getenv(EnvServers) != "off" {
		return
	}
	if Strict() {
		tb.Fatalf("testenv: %s is needed, but %s=off and %s=1 contradict each other", what, EnvServers, EnvStrict)
	}
	tb.Skipf("needs %s, and %s=off", what, EnvServers)
}

// ModuleRoot returns the absolute path of Tandem's checkout, found upwards from the working directory of the test.
func ModuleRoot(tb testing.TB) string {
	tb.Helper()
	start, err := os.Getwd()
	if err != nil {
		tb.Fatalf("testenv: working directory: %v", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			for line := range strings.Lines(string(data)) {
				if strings.TrimSpace(line) == modulePath {
					return dir
				}
			}
		}
		if dir == filepath.Dir(dir) {
			tb.Fatalf("testenv: no go.mod with %q at or above %s", modulePath, start)
		}
	}
}
