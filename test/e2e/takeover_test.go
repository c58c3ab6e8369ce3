package e2e_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/testenv"
)

func TestTakeover_AnotherProcessServesTheNextCaller(t *testing.T) {
	requireServers(t)
	t.Parallel()
	caller, desk := newSIPPhone(t, "15550100"), newSIPPhone(t, "ann")
	more := fmt.Sprintf("database: %q\nredis: %q\n", testenv.Postgres(t), "redis://"+testenv.Redis(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	first := serve(t, t.TempDir(), centre(caller.port, more))
	admin := first.password(t, "admin")
	_, agent := talk(ctx, t, first, caller, desk)
	require.NoError(t, agent.WaitTone(ctx, customerTone))

	second := launch(t, t.TempDir(), centre(caller.port, more))
	require.Eventually(t, func() bool { return strings.Contains(second.err.String(), "waiting to take over") }, 20*time.Second, 20*time.Millisecond,
		"the second process waits for its turn")
	require.NotContains(t, second.out.String(), "Web", "and serves nobody meanwhile")

	first.kill()
	killed := time.Now()
	second.listening(t)
	t.Logf("taken over %v after the kill", time.Since(killed).Round(100*time.Millisecond))
	r := second.login(t, "admin", admin).record()
	require.Equal(t, "interrupted", r.Cause, "the call that the first process took with it is closed")
	_, agent = talk(ctx, t, second, caller, desk)
	require.NoError(t, agent.WaitTone(ctx, customerTone))
}

func TestPorts_OneInUseIsSaidAtOnce(t *testing.T) {
	requireServers(t)
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	dir := t.TempDir()
	file := filepath.Join(dir, "tandem.yaml")
	require.NoError(t, os.WriteFile(file, []byte(centre(5, "")), 0o600))
	s := run(t, dir, "serve", "--config", file, "--data", dir, "--http", taken.Addr().String(), "--sip", "127.0.0.1:0")
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		t.Fatal("it did not end")
	}
	require.Contains(t, s.err.String(), "http: listen tcp "+taken.Addr().String())
	_, err = os.Stat(filepath.Join(dir, "tandem.db"))
	require.ErrorIs(t, err, os.ErrNotExist, "nothing was opened before the ports")
}
