package e2e_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/testenv"
)

// buildDir is where the binary of this run is.
var buildDir string

// program builds the server once for the whole run, with the race detector when the tests have it.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildDir, "tandem")
	args := []string{"build", "-o", path}
	if raceEnabled {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(context.Background(), "go", append(args, "github.com/tandem-cc/tandem/cmd/tandem")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "tandem-e2e-")
	if err != nil {
		panic(err)
	}
	buildDir = dir
	// The test's telephones are over sipgo's own transports, which warn by a logger of the whole process of every socket
	// that is closed twice. The server is another process, and what it logs is seen.
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
	// Servers with TLS have certificates of their own making.
	http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // loopback only
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// output is what a process has printed, readable while it runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// server is a running `tandem serve` or `tandem demo`.
type server struct {
	URL, SIP string // where its web server and its SIP listen
	Dir      string // its data folder
	cmd      *exec.Cmd
	out, err *output
	done     chan struct{}
}

// run runs the binary with args until the test ends.
func run(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	path, err := program()
	require.NoError(t, err)
	s := &server{Dir: dir, out: &output{}, err: &output{}, done: make(chan struct{})}
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), path, args...) // stop ends it, in good order
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.err
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, s.cmd.Start())
	go func() {
		defer close(s.done)
		_ = s.cmd.Wait() // the test looks at what the process did
	}()
	t.Cleanup(func() {
		s.stop(t)
		if t.Failed() {
			t.Logf("server printed:\n%s\nserver logged:\n%s", s.out, s.err)
		}
		if raceEnabled {
			require.NotContains(t, s.err.String(), "DATA RACE")
		}
	})
	return s
}

// listening waits until the server says where it listens, and is ready.
func (s *server) listening(t *testing.T) {
	t.Helper()
	web, sip := regexp.MustCompile(`(?m)^\s*Web\s+(\S+?)/?$`), regexp.MustCompile(`(?m)^\s*SIP\s+(\S+)`)
	require.Eventually(t, func() bool {
		select {
		case <-s.done:
			return true
		default:
		}
		w, p := web.FindStringSubmatch(s.out.String()), sip.FindStringSubmatch(s.out.String())
		if w == nil || p == nil {
			return false
		}
		s.URL, s.SIP = w[1], p[1]
		return true
	}, time.Minute, 20*time.Millisecond, "the server says where it listens")
	require.NotEmpty(t, s.URL, "server ended: %s", s.err)
	require.Eventually(t, func() bool { return s.status(t, "/readyz") == http.StatusOK }, 20*time.Second, 20*time.Millisecond, "ready")
}

// start runs the binary and waits until it is ready.
func start(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	s := run(t, dir, args...)
	s.listening(t)
	return s
}

// launch writes a configuration and runs the server from dir.
func launch(t *testing.T, dir, config string, more ...string) *server {
	t.Helper()
	file := filepath.Join(dir, "tandem.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	args := []string{"serve", "--config", file, "--data", dir, "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0", "--log-level", "debug"}
	return run(t, dir, append(args, more...)...)
}

// serve launches the server and waits until it is ready.
func serve(t *testing.T, dir, config string) *server {
	t.Helper()
	s := launch(t, dir, config)
	s.listening(t)
	return s
}

// stop ends the server in good order, and by force when it takes longer than 20 s.
func (s *server) stop(t *testing.T) {
	t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		t.Error("the server did not stop within 20 s")
		s.kill()
	}
}

// kill is kill -9.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // it may have ended already
	<-s.done
}

func (s *server) status(t *testing.T, path string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// password finds a one-time password that the server printed.
func (s *server) password(t *testing.T, login string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)\b` + login + `\s+(?:with password )?([a-z2-7]{4}(?:-[a-z2-7]{4}){3})`).FindStringSubmatch(s.out.String())
	require.NotNil(t, m, "a password for %s in:\n%s", login, s.out)
	return m[1]
}

// client is a logged-in user of the API.
type client struct {
	t    *testing.T
	base string
	http *http.Client
}

// login logs in with a browser's cookie jar.
func (s *server) login(t *testing.T, login, password string) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	c := &client{t: t, base: s.URL, http: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
	status, body := c.do(http.MethodPost, "/api/v1/session", map[string]string{"login": login, "password": password})
	require.Less(t, status, 300, "log in: %s", body)
	return c
}

// do makes a request and returns the answer's status and body.
func (c *client) do(method, path string, body any) (int, string) {
	c.t.Helper()
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		require.NoError(c.t, err)
		r = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, r)
	require.NoError(c.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", c.base)
	resp, err := c.http.Do(req)
	require.NoError(c.t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	return resp.StatusCode, string(b)
}

// get reads a JSON answer into v.
func (c *client) get(path string, v any) {
	c.t.Helper()
	status, body := c.do(http.MethodGet, path, nil)
	require.Equal(c.t, http.StatusOK, status, "%s: %s", path, body)
	require.NoError(c.t, json.NewDecoder(strings.NewReader(body)).Decode(v), path)
}

// ready makes the user's agent ready.
func (c *client) ready() {
	c.t.Helper()
	status, body := c.do(http.MethodPut, "/api/v1/agent/state", map[string]string{"state": "ready"})
	require.Less(c.t, status, 300, body)
}

func requireServers(t *testing.T) {
	t.Helper()
	if os.Getenv(testenv.EnvServers) == "off" {
		t.Skip("servers are off")
	}
}
