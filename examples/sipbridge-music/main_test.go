package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge"
)

func TestRun_AnswersAndHangsUpOnTheHash(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, w := io.Pipe()
	var running sync.WaitGroup
	defer running.Wait()
	defer r.Close()
	running.Go(func() { _ = run(ctx, w, "127.0.0.1:0", "127.0.0.1") })
	lines := bufio.NewScanner(r)
	line := func() string {
		require.True(t, lines.Scan(), "the program has ended")
		return lines.Text()
	}
	addr := strings.TrimPrefix(line(), "waiting for calls at ")

	// The caller is a switch as well.
	caller, err := sipbridge.New(sipbridge.Config{
		Listen: []sipbridge.Listen{{Transport: sipbridge.UDP, Addr: "127.0.0.1:0"}},
		Trunks: []sipbridge.Trunk{{ID: "music", Remotes: []string{addr}}},
		Timing: sipbridge.Timing{Qualify: -1},
	})
	require.NoError(t, err)
	running.Go(func() {
		_ = caller.Run(ctx, tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error {
			for _, r := range rs {
				if e, ok := r.Event.(tandem.LegAnswered); ok {
					return caller.SendDigits(ctx, e.Leg, "7#")
				}
			}
			return nil
		}))
	})
	<-caller.Ready()
	to := tandem.Endpoint{Trunk: "music", Number: "100"}
	require.NoError(t, caller.Dial(ctx, tandem.Dial{Leg: "l", Call: "c", To: to}))
	for _, want := range []string{"call to 100", "key 7", "key #", "ended: normal"} {
		require.Equal(t, want, line())
	}
	cancel()
}
