package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const (
	redisRemedy   = "apt-get install -y redis-server"
	redisAttempts = 5 // A port that was free may be taken before the server binds it.
)

// Redis returns the host:port of an empty Redis on loopback that this test alone uses and that ends with it.
// With [EnvRedis] set it returns that address instead, and the test must choose keys of its own.
func Redis(tb testing.TB) string {
	tb.Helper()
	needServers(tb, "Redis")
	if addr := os.Getenv(EnvRedis); addr != "" {
		return addr
	}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		missing(tb, "Redis", redisRemedy)
	}
	var failures error
	for range redisAttempts {
		k, addr, err := startRedis(tb.Context(), path)
		if err == nil {
			k.cleanup(tb)
			return addr
		}
		failures = errors.Join(failures, err)
	}
	tb.Fatalf("testenv: Redis did not start: %v", failures)
	return ""
}

func startRedis(ctx context.Context, path string) (*keeper, string, error) {
	addr, err := FreeTCP(ctx)
	if err != nil {
		return nil, "", err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, "", fmt.Errorf("testenv: address for Redis: %w", err)
	}
	dir, err := os.MkdirTemp("", "tandem-redis-")
	if err != nil {
		return nil, "", fmt.Errorf("testenv: directory for Redis: %w", err)
	}
	k, err := keep(ctx, dir, "TERM", nil, path, "--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no")
	if err != nil {
		return nil, "", errors.Join(err, os.RemoveAll(dir))
	}
	if err := poll(ctx, func(ctx context.Context) error { return redisIn(ctx, addr, dir) }); err != nil {
		return nil, "", errors.Join(fmt.Errorf("%w\n%s", err, k.logTail()), k.stop())
	}
	return k, addr, nil
}

// redisIn checks that the Redis at addr works in dir: another one may have taken the port first.
func redisIn(ctx context.Context, addr, dir string) (err error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("CONFIG GET dir\r\n")); err != nil {
		return err
	}
	answer := make([]byte, 512)
	n, err := conn.Read(answer)
	if err != nil {
		return err
	}
	if !strings.Contains(string(answer[:n]), dir) {
		return fmt.Errorf("testenv: the Redis at %s is another one", addr)
	}
	return nil
}

// FreeTCP returns a loopback host:port that nobody listened on a moment ago. Prefer port 0 where the program under test can report what it got.
func FreeTCP(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("testenv: free port: %w", err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return "", fmt.Errorf("testenv: free port: %w", err)
	}
	return addr, nil
}
