package acd_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/loopback"
)

func TestRoute_CountsOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.arrive(acd.Route{}, "c1")
	r.fresh()
	r.ok(r.e.Routed(r.now, "c1", acd.Route{Queue: "support"}))
	r.ok(r.e.Routed(r.now, "c1", acd.Route{Refuse: tandem.CauseBusy}))
	r.happened()
	require.EqualValues(t, 1, r.queue("support").Offered)
	r.sound()
}

func TestCenter_TakesNoInputWhileTheJournalIsBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := plain()
		cfg.centre.Inbox, cfg.centre.Backlog = 1, 4
		gate := make(chan struct{})
		cfg.centre.Events = tandem.HandlerFunc(func(context.Context, ...tandem.Record) error {
			<-gate
			return nil
		})
		s := run(t, cfg)
		defer s.close()
		defer close(gate)
		held := 0
		for i := range 40 {
			ctx, cancel := context.WithTimeout(s.ctx, time.Second)
			_ = s.centre.Login(ctx, "ann")
			if err := s.centre.Pause(ctx, "ann", string(rune('a'+i))); errors.Is(err, context.DeadlineExceeded) {
				held++
			}
			cancel()
		}
		require.Greater(t, held, 20, "what is decided and not written is bounded")
	})
}

// turnstile is a switch whose playing and dialling take a while, and that notices when both are under way.
type turnstile struct {
	*loopback.Switch

	inside, together atomic.Int32
}

func (s *turnstile) pass() {
	if s.inside.Add(1) > 1 {
		s.together.Add(1)
	}
	time.Sleep(100 * time.Millisecond)
	s.inside.Add(-1)
}

func (s *turnstile) Play(ctx context.Context, leg tandem.LegID, sound tandem.Sound) error {
	s.pass()
	return s.Switch.Play(ctx, leg, sound)
}

func (s *turnstile) Dial(ctx context.Context, d tandem.Dial) error {
	s.pass()
	return s.Switch.Dial(ctx, d)
}

func TestCenter_CommandsOfOneCallGoOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := plain()
		sw, err := loopback.New(cfg.switchSide)
		require.NoError(t, err)
		slow := &turnstile{Switch: sw}
		cfg.centre.Switch = slow
		centre, err := acd.New(cfg.centre)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{}, 2)
		go func() { _ = sw.Run(ctx, centre); ended <- struct{}{} }()
		go func() { _ = centre.Run(ctx); ended <- struct{}{} }()
		synctest.Wait()
		require.NoError(t, centre.Login(ctx, "ann"))
		customer, err := sw.Call(ctx, loopback.Customer{Trunk: "carrier", To: "1000"})
		require.NoError(t, err)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, tandem.LegStateBridged, customer.State())
		require.Zero(t, slow.together.Load())
		stop()
		<-ended
		<-ended
	})
}
