package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// How long a server may take to start, and a keeper to end it, on a machine that is busy with other tests.
const (
	startTimeout = 30 * time.Second
	stopTimeout  = 15 * time.Second
	pollInterval = 20 * time.Millisecond
)

// keeperScript runs "$@" until its standard input ends, then stops it by its process id and removes its directory. A zombie counts as ended: this shell has only not collected it yet.
const keeperScript = `
dir=$1 signal=$2
shift 2
"$@" &
pid=$!
cat >/dev/null
alive() { [ -r "/proc/$pid/status" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status"; }
kill -s "$signal" "$pid" 2>/dev/null
n=0
while alive && [ "$n" -lt 100 ]; do sleep 0.05; n=$((n + 1)); done
alive && kill -s KILL "$pid"
wait "$pid"
rm -rf "$dir"
`

// keeper is a server and the shell that ends it. It has one owner; its methods are not safe for concurrent use.
type keeper struct {
	cmd   *exec.Cmd
	stdin io.Closer
	dir   string // removed by the shell
	log   string // both outputs of the server, inside dir
}

// keep starts command under a keeper with dir as working directory. The signal asks the server to stop; cred may be nil.
func keep(ctx context.Context, dir, signal string, cred *syscall.Credential, command ...string) (k *keeper, err error) {
	args := append([]string{"-c", keeperScript, "keeper", dir, signal}, command...)
	// The server outlives the test that started it where it is shared, and a Cleanup runs after the test's context has ended.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "sh", args...)
	k = &keeper{cmd: cmd, dir: dir, log: filepath.Join(dir, "server.log")}
	logFile, err := os.Create(k.log)
	if err != nil {
		return nil, fmt.Errorf("testenv: log of %s: %w", command[0], err)
	}
	defer func() { err = errors.Join(err, logFile.Close()) }()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("testenv: pipe to the keeper of %s: %w", command[0], err)
	}
	k.stdin = stdin
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, logFile, logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: cred} // A session apart: an interrupt at the terminal must not end the keeper before its server.
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("testenv: start %s: %w", command[0], err)
	}
	return k, nil
}

// stop ends the server and waits for its keeper, at most stopTimeout; then it kills the whole session's group.
func (k *keeper) stop() error {
	closed := k.stdin.Close()
	pid := k.cmd.Process.Pid
	overdue := time.AfterFunc(stopTimeout, func() { _ = syscall.Kill(-pid, syscall.SIGKILL) }) // The keeper leads its group, so the group is ours.
	waited := k.cmd.Wait()
	if !overdue.Stop() {
		return errors.Join(fmt.Errorf("testenv: keeper %d did not end within %s and was killed", pid, stopTimeout), closed, waited, os.RemoveAll(k.dir))
	}
	return errors.Join(closed, waited)
}

// logTail returns the end of what the server printed, for a failure message.
func (k *keeper) logTail() string {
	data, err := os.ReadFile(k.log)
	if err != nil {
		return err.Error()
	}
	const most = 4096
	if len(data) > most {
		data = data[len(data)-most:]
	}
	return string(bytes.TrimSpace(data))
}

// cleanup stops k at the end of the test and reports what went wrong with it.
func (k *keeper) cleanup(tb testing.TB) {
	tb.Helper()
	tb.Cleanup(func() {
		if err := k.stop(); err != nil {
			tb.Errorf("%v", err)
		}
	})
}

// poll calls ready until it returns nil, at most startTimeout, and returns its last error.
func poll(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("testenv: not ready within %s: %w", startTimeout, err)
		case <-tick.C:
		}
	}
}
