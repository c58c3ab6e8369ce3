package testenv_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/testenv"
)

// recorder stands in for a test and keeps how it ended. Its Skipf and Fatalf end the goroutine, as the real ones do.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Helper() {}

func (r *recorder) Skipf(format string, args ...any) {
	r.skipped = fmt.Sprintf(format, args...)
	panic(r)
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	panic(r)
}

// record runs f with a recorder until f returns or ends the "test".
func record(t *testing.T, f func(testing.TB)) (r *recorder) {
	t.Helper()
	r = &recorder{TB: t}
	defer func() {
		if p := recover(); p != nil && p != any(r) {
			panic(p)
		}
	}()
	f(r)
	return r
}

// lookups are the helpers that only look for a program.
var lookups = map[string]func(testing.TB) string{
	"Baresip":    testenv.Baresip,
	"Chromium":   testenv.Chromium,
	"Node":       testenv.Node,
	"NodeModule": func(tb testing.TB) string { tb.Helper(); return testenv.NodeModule(tb, "typescript/bin/tsc") },
	"Redis":      testenv.Redis,
	"SIPp":       testenv.SIPp,
}

func TestMissing_SkipsAndSaysHowToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv(testenv.EnvStrict, "")
	t.Setenv(testenv.EnvServers, "")
	t.Setenv(testenv.EnvRedis, "")
	t.Setenv(testenv.EnvChromium, "")
	for name, lookup := range lookups {
		r := record(t, func(tb testing.TB) { tb.Helper(); lookup(tb) })
		require.Empty(t, r.failed, name)
		require.Contains(t, r.skipped, "apt-get install", name)
	}
}

func TestMissing_FailsWhenStrict(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv(testenv.EnvStrict, "1")
	t.Setenv(testenv.EnvServers, "")
	t.Setenv(testenv.EnvRedis, "")
	t.Setenv(testenv.EnvChromium, "")
	for name, lookup := range lookups {
		r := record(t, func(tb testing.TB) { tb.Helper(); lookup(tb) })
		require.Empty(t, r.skipped, name)
		require.Contains(t, r.failed, "apt-get install", name)
	}
}

func TestAsterisk_MissingTreeSkipsAndSaysHowToInstall(t *testing.T) {
	t.Setenv(testenv.EnvStrict, "")
	t.Setenv(testenv.EnvServers, "")
	t.Setenv(testenv.EnvAsteriskCache, t.TempDir())
	r := record(t, func(tb testing.TB) { tb.Helper(); testenv.Asterisk(tb) })
	require.Empty(t, r.failed)
	require.Contains(t, r.skipped, "install.sh")
}

func TestServersOff_SkipsWhatNeedsOne(t *testing.T) {
	t.Setenv(testenv.EnvStrict, "")
	t.Setenv(testenv.EnvServers, "off")
	for name, helper := range map[string]func(testing.TB){
		"Asterisk": func(tb testing.TB) { tb.Helper(); testenv.Asterisk(tb) },
		"Chromium": func(tb testing.TB) { tb.Helper(); testenv.Chromium(tb) },
		"Postgres": func(tb testing.TB) { tb.Helper(); testenv.Postgres(tb) },
		"Redis":    func(tb testing.TB) { tb.Helper(); testenv.Redis(tb) },
		"SIPp":     func(tb testing.TB) { tb.Helper(); testenv.SIPp(tb) },
	} {
		require.Contains(t, record(t, helper).skipped, testenv.EnvServers, name)
	}
}

func TestServersOff_ContradictsStrict(t *testing.T) {
	t.Setenv(testenv.EnvStrict, "1")
	t.Setenv(testenv.EnvServers, "off")
	r := record(t, func(tb testing.TB) { tb.Helper(); testenv.Redis(tb) })
	require.Contains(t, r.failed, "contradict")
}

func TestPostgres_DatabasesAreFreshAndApart(t *testing.T) {
	t.Parallel()
	one, two := testenv.Postgres(t), testenv.Postgres(t)
	require.NotEqual(t, one, two)
	for _, dsn := range []string{one, two} {
		conn, err := pgx.Connect(t.Context(), dsn)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
		_, err = conn.Exec(t.Context(), "CREATE TABLE mine (id integer)") // In a shared database the second would fail.
		require.NoError(t, err)
		var encoding string
		require.NoError(t, conn.QueryRow(t.Context(), "SHOW server_encoding").Scan(&encoding))
		require.Equal(t, "UTF8", encoding)
	}
}

func TestPostgres_OutlivesTheGarbageCollector(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), testenv.Postgres(t))
	require.NoError(t, err)
	for range 3 { // A finaliser runs one collection after its object was found unused.
		runtime.GC()
	}
	var answer int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT 1 FROM pg_sleep(0.2)").Scan(&answer))
	require.NoError(t, conn.Close(t.Context()))
}

func TestPostgres_HonoursAGivenServer(t *testing.T) {
	given := testenv.Postgres(t)
	config, err := pgx.ParseConfig(given)
	require.NoError(t, err)
	for _, dsn := range []string{given, "host=" + config.Host + " user=postgres dbname=" + config.Database} {
		t.Setenv(testenv.EnvPostgres, dsn)
		conn, err := pgx.Connect(t.Context(), testenv.Postgres(t))
		require.NoError(t, err)
		require.NotEqual(t, config.Database, conn.Config().Database)
		require.Equal(t, config.Host, conn.Config().Host)
		require.NoError(t, conn.Close(t.Context()))
	}
}

func TestRedis_EachTestHasItsOwn(t *testing.T) {
	t.Parallel()
	one, two := testenv.Redis(t), testenv.Redis(t)
	if os.Getenv(testenv.EnvRedis) != "" {
		t.Skip("a given Redis is shared")
	}
	require.NotEqual(t, one, two)
	require.Equal(t, "+OK", redisSay(t, one, "SET greeting hello"))
	require.Equal(t, "$-1", redisSay(t, two, "GET greeting"))
}

func redisSay(t *testing.T, addr, command string) string {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "%s\r\n", command)
	require.NoError(t, err)
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}

func TestRedis_EndsWithItsTest(t *testing.T) {
	t.Parallel()
	if os.Getenv(testenv.EnvRedis) != "" {
		t.Skip("a given Redis stays")
	}
	var addr string
	require.True(t, t.Run("inner", func(t *testing.T) { addr = testenv.Redis(t) })) //nolint:paralleltest // its end is what is looked at
	if addr == "" {
		t.Skip("without a Redis")
	}
	require.True(t, refused(t, addr))
}

// TestKeeper_ServersEndWhenTheTestBinaryIsKilled runs this test binary once more, kills it without any chance to clean up while it uses each server, and
// sees the servers end by themselves.
func TestKeeper_ServersEndWhenTheTestBinaryIsKilled(t *testing.T) {
	t.Parallel()
	if os.Getenv("TANDEM_TESTENV_VICTIM") == "1" {
		dsn, redis, pbx := testenv.Postgres(t), testenv.Redis(t), testenv.Asterisk(t)
		config, err := pgx.ParseConfig(dsn)
		require.NoError(t, err)
		fmt.Println("READY", config.Host, redis, pbx.Dir, pbx.AMIAddr)
		select {} // until killed
	}
	testenv.Postgres(t) // skip here rather than in the victim
	testenv.Redis(t)
	testenv.Asterisk(t)

	victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKeeper_ServersEndWhenTheTestBinaryIsKilled$", "-test.timeout=60s")
	victim.Env = append(os.Environ(), "TANDEM_TESTENV_VICTIM=1", testenv.EnvPostgres+"=", testenv.EnvRedis+"=")
	stdout, err := victim.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, victim.Start())
	var postgresDir, redis, asteriskDir, ami string
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if _, err := fmt.Sscanf(lines.Text(), "READY %s %s %s %s", &postgresDir, &redis, &asteriskDir, &ami); err == nil {
			break
		}
	}
	require.NotEmpty(t, ami, "the victim's servers did not start")
	postmaster := firstLine(t, filepath.Join(postgresDir, "data", "postmaster.pid"))
	require.NoError(t, victim.Process.Kill())
	_ = victim.Wait() // killed, as it should be

	gone := func() bool {
		_, postgres := os.Stat(postgresDir)
		_, asterisk := os.Stat(asteriskDir)
		return errors.Is(postgres, fs.ErrNotExist) && errors.Is(asterisk, fs.ErrNotExist) && refused(t, redis) && refused(t, ami) &&
			errors.Is(syscall.Kill(postmaster, 0), syscall.ESRCH)
	}
	require.Eventually(t, gone, 15*time.Second, 50*time.Millisecond)
}

// refused reports whether nobody listens at addr.
func refused(t *testing.T, addr string) bool {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", addr)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func firstLine(t *testing.T, path string) int {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	line, _, _ := strings.Cut(string(data), "\n")
	pid, err := strconv.Atoi(line)
	require.NoError(t, err)
	return pid
}

func TestBundle_MakesOneScript(t *testing.T) {
	t.Parallel()
	script := string(testenv.Bundle(t, "jssip", "JsSIP"))
	require.Contains(t, script, "var JsSIP =")
	require.NotContains(t, script, "require(\"", "something is left for the browser to load")
}

func TestModuleRoot_IsFoundFromBelow(t *testing.T) {
	t.Parallel()
	_, err := os.Stat(filepath.Join(testenv.ModuleRoot(t), "internal", "testenv", "doc.go"))
	require.NoError(t, err)
}
