package testenv

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

const postgresRemedy = "apt-get install -y postgresql"

var errNoPostgres = errors.New("testenv: no initdb found")

// postgresServer is the one PostgreSQL of this test binary; its keeper ends it when the binary ends. It is held here because the garbage collector
// would close the pipe of a keeper that nobody refers to.
var postgresServer struct {
	once   sync.Once
	keeper *keeper
	dsn    string
	err    error
}

// Postgres returns the connection string of a fresh, empty database in a real PostgreSQL. The database is dropped when the test ends;
// connections to it that are still open then are cut.
func Postgres(tb testing.TB) string {
	tb.Helper()
	needServers(tb, "PostgreSQL")
	admin := os.Getenv(EnvPostgres)
	if admin == "" {
		postgresServer.once.Do(func() { postgresServer.keeper, postgresServer.dsn, postgresServer.err = startPostgres(tb.Context()) })
		if errors.Is(postgresServer.err, errNoPostgres) {
			missing(tb, "PostgreSQL", postgresRemedy)
		}
		if postgresServer.err != nil {
			tb.Fatalf("%v", postgresServer.err)
		}
		admin = postgresServer.dsn
	}
	name := "tandem_" + strings.ToLower(rand.Text())
	if err := execPostgres(tb.Context(), admin, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
		tb.Fatalf("testenv: create a database: %v", err)
	}
	tb.Cleanup(func() {
		if err := execPostgres(context.WithoutCancel(tb.Context()), admin, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("testenv: drop database %s: %v", name, err)
		}
	})
	dsn, err := withDatabase(admin, name)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return dsn
}

// withDatabase returns dsn, a URL or a list of key=value pairs, with another database name.
func withDatabase(dsn, name string) (string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return dsn + " dbname=" + name, nil // The last of two values of one key counts.
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("testenv: %s is no connection string", EnvPostgres) // The parser's own error would repeat the password.
	}
	u.Path = "/" + name
	return u.String(), nil
}

func execPostgres(ctx context.Context, dsn, statement string) (err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

// startPostgres makes a new cluster in a temporary directory and serves it on a socket in there, without a network port.
func startPostgres(ctx context.Context) (k *keeper, dsn string, err error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, "", err
	}
	cred, err := postgresCredential()
	if err != nil {
		return nil, "", err
	}
	// Not in TMPDIR: its path may be closed to the user postgres, and too long for a socket.
	dir, err := os.MkdirTemp("/tmp", "tandem-pg-")
	if err != nil {
		return nil, "", fmt.Errorf("testenv: directory for PostgreSQL: %w", err)
	}
	keeping := false // From then on the keeper removes dir.
	defer func() {
		if !keeping {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if cred != nil {
		if err := os.Chown(dir, int(cred.Uid), int(cred.Gid)); err != nil {
			return nil, "", fmt.Errorf("testenv: directory for PostgreSQL: %w", err)
		}
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.Dir = dir
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("testenv: initdb: %w\n%s", err, out)
	}
	k, err = keep(ctx, dir, "INT", cred, filepath.Join(bin, "postgres"), "-D", data, "-k", dir,
		"-c", "listen_addresses=", "-c", "max_connections=200", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	if err != nil {
		return nil, "", err
	}
	keeping = true
	dsn = (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {dir}}.Encode()}).String()
	if err := poll(ctx, func(ctx context.Context) error { return execPostgres(ctx, dsn, "SELECT 1") }); err != nil {
		return nil, "", errors.Join(fmt.Errorf("%w\n%s", err, k.logTail()), k.stop())
	}
	return k, dsn, nil
}

// postgresBin returns the directory of the newest server programs; Debian keeps them by version and off the PATH.
func postgresBin() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", fmt.Errorf("testenv: look for PostgreSQL: %w", err)
	}
	version := func(path string) int {
		n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		if err != nil {
			return 0
		}
		return n
	}
	if len(found) > 0 {
		newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
		return filepath.Dir(newest), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errNoPostgres
	}
	return filepath.Dir(path), nil
}

// postgresCredential returns whom to run as: PostgreSQL refuses to run as root, so root becomes the user of Debian's package; anyone else stays (nil).
func postgresCredential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("testenv: as root PostgreSQL runs as the user postgres: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("testenv: user postgres: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("testenv: user postgres: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
