package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// recorder notes in which order parts stop.
type recorder struct {
	mu    sync.Mutex
	names []string
}

func (r *recorder) part(name string) part {
	return part{name, func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(time.Second) // takes its time to stop
		r.mu.Lock()
		defer r.mu.Unlock()
		r.names = append(r.names, name)
		return ctx.Err()
	}}
}

func TestParts_StopInReverseOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := runParts(ctx, slog.New(slog.DiscardHandler), time.Minute, []part{r.part("journal"), r.part("switch"), r.part("web")})
		require.NoError(t, err)
		require.Equal(t, []string{"web", "switch", "journal"}, r.names)
	})
}

func TestParts_OneFaultStopsAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		full := errors.New("disk full")
		bad := part{"journal", func(context.Context) error { time.Sleep(time.Second); return full }}
		err := runParts(t.Context(), slog.New(slog.DiscardHandler), time.Minute, []part{bad, r.part("web")})
		require.ErrorIs(t, err, full)
		require.ErrorContains(t, err, "journal")
		require.Equal(t, []string{"web"}, r.names)
	})
}

func TestParts_OneThatEndsByItselfIsAFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		quits := part{"switch", func(context.Context) error { return nil }}
		err := runParts(t.Context(), slog.New(slog.DiscardHandler), time.Minute, []part{quits, r.part("web")})
		require.ErrorContains(t, err, "switch: ended by itself")
	})
}

func TestParts_AStuckOneDoesNotHoldTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		release := make(chan struct{})
		stuck := part{"web", func(context.Context) error { <-release; return nil }}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, runParts(ctx, slog.New(slog.DiscardHandler), 5*time.Second, []part{r.part("journal"), stuck}))
		require.Equal(t, []string{"journal"}, r.names)
		close(release)
	})
}
