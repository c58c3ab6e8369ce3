package acd_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/loopback"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a centre over a loopback switch, both running, inside a synctest bubble.
type stage struct {
	t      *testing.T
	ctx    context.Context //nolint:containedctx // a test's own
	sw     *loopback.Switch
	centre *acd.Center
	stop   context.CancelFunc
	wg     sync.WaitGroup
	logs   bytes.Buffer

	mu      sync.Mutex
	journal []tandem.Record
	runErr  error
}

type setting struct {
	switchSide loopback.Config
	centre     acd.Config
}

// plain is one queue, "support", with ann and bob, whose devices answer at once unless the test has its own script.
func plain() setting {
	s := setting{
		switchSide: loopback.Config{Trunks: []loopback.Trunk{{ID: "carrier"}}},
		centre: acd.Config{
			Queues: []acd.QueueConfig{{Queue: tandem.Queue{ID: "support"}}},
			Route:  acd.Routes{DIDs: map[tandem.Number]acd.Route{"1000": {Queue: "support"}}, Default: acd.Route{}}.Route,
			IDs:    tandem.SequentialIDs("c"),
		},
	}
	for _, id := range []tandem.AgentID{"ann", "bob"} {
		s.switchSide.Agents = append(s.switchSide.Agents, loopback.Agent{ID: id})
		s.centre.Agents = append(s.centre.Agents, acd.AgentConfig{Agent: tandem.Agent{ID: id}, Queues: []acd.Seat{{Queue: "support"}}})
	}
	return s
}

// run starts a centre; everything is stopped and awaited at the end of the test's bubble by close.
func run(t *testing.T, s setting) *stage {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	st := &stage{t: t, ctx: ctx, stop: stop}
	sw, err := loopback.New(s.switchSide)
	require.NoError(t, err)
	st.sw = sw
	if s.centre.Switch == nil {
		s.centre.Switch = sw
	}
	if s.centre.Events == nil {
		s.centre.Events = tandem.HandlerFunc(st.write)
	}
	s.centre.Logger = slog.New(slog.NewTextHandler(&st.logs, nil))
	st.centre, err = acd.New(s.centre)
	require.NoError(t, err)
	st.wg.Go(func() { _ = sw.Run(ctx, tandem.Handlers{tandem.HandlerFunc(st.write), st.centre}) })
	st.wg.Go(func() {
		err := st.centre.Run(ctx)
		st.mu.Lock()
		defer st.mu.Unlock()
		st.runErr = err
	})
	synctest.Wait()
	return st
}

func (s *stage) write(_ context.Context, rs ...tandem.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal = append(s.journal, rs...)
	return nil
}

func (s *stage) close() {
	s.stop()
	s.wg.Wait()
}

// lines tells what happened in few words.
func (s *stage) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, r := range s.journal {
		if l := line(r.Event); l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

func (s *stage) login(agents ...tandem.AgentID) {
	s.t.Helper()
	for _, a := range agents {
		require.NoError(s.t, s.centre.Login(s.ctx, a))
	}
	synctest.Wait()
}

func (s *stage) call(script loopback.Script) *loopback.Party {
	s.t.Helper()
	p, err := s.sw.Call(s.ctx, loopback.Customer{Trunk: "carrier", From: tandem.CallerID{Number: "+15550100"}, To: "1000", Script: script})
	require.NoError(s.t, err)
	synctest.Wait()
	return p
}

func (s *stage) snapshot() acd.Snapshot {
	s.t.Helper()
	snap, err := s.centre.Snapshot(s.ctx)
	require.NoError(s.t, err)
	return snap
}

func TestCenter_ACallOverLoopback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := run(t, plain())
		defer s.close()
		s.login("ann")
		customer := s.call(loopback.Script{Talk: time.Minute})
		synctest.Wait()
		require.Equal(t, tandem.LegStateBridged, customer.State())
		time.Sleep(time.Minute + 11*time.Second)
		synctest.Wait()
		require.Equal(t, tandem.LegStateEnded, customer.State())
		require.Equal(t, []string{
			"ann ready", "c1 started", "c1 queued support at 1", "c1 offered ann", "ann reserved", "ann on_call", "c1 connected ann",
			"c1 released ann by customer", "ann wrap_up", "c1 ended normal by customer", "ann ready",
		}, s.lines())
	})
}

func TestCenter_FactsAreJournalledBeforeTheSwitchIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := run(t, plain())
		defer s.close()
		s.login("ann")
		s.call(loopback.Script{Talk: time.Second})
		time.Sleep(2 * time.Second)
		s.mu.Lock()
		defer s.mu.Unlock()
		var kinds []string
		for _, r := range s.journal {
			kinds = append(kinds, r.Event.Kind())
		}
		first := func(kind string) int { return slices.Index(kinds, kind) }
		require.Less(t, first("call_started"), first("leg_answered"), "%v", kinds)
		require.Less(t, first("call_offered"), first("leg_ringing"))
		require.Less(t, first("call_released"), len(kinds)-1-slices.Index(reversed(kinds), "leg_ended"), "the agent's leg is hung up after")
	})
}

func reversed(s []string) []string {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

func TestCenter_NobodyAnswersThenTheNextDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := plain()
		cfg.switchSide.Agents[0].Script.Reaction = loopback.Ignore
		s := run(t, cfg)
		defer s.close()
		s.login("ann", "bob")
		customer := s.call(loopback.Script{})
		time.Sleep(15 * time.Second)
		synctest.Wait()
		require.Equal(t, tandem.LegStateBridged, customer.State())
		require.Contains(t, s.lines(), "c1 offer ended ann no_answer")
		require.Contains(t, s.lines(), "c1 connected bob")
		require.NoError(t, s.centre.Hangup(s.ctx, "c1", tandem.PartyAgent))
		synctest.Wait()
		require.Equal(t, tandem.LegStateEnded, customer.State())
	})
}

func TestCenter_RefusesByRoute(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		route acd.RouteFunc
		want  tandem.Cause
	}{
		"none":     {nil, tandem.CauseForbidden},
		"unknown":  {acd.Routes{}.Route, tandem.CauseUnallocated},
		"own":      {acd.Routes{Default: acd.Route{Refuse: tandem.CauseBusy}}.Route, tandem.CauseBusy},
		"stranger": {acd.Routes{Default: acd.Route{Queue: "sales"}}.Route, tandem.CauseUnallocated},
		"error": {func(context.Context, tandem.LegIncoming) (acd.Route, error) {
			return acd.Route{}, errors.New("database is down")
		}, tandem.CauseFailed},
		"panic": {func(context.Context, tandem.LegIncoming) (acd.Route, error) { panic("boom") }, tandem.CauseFailed},
		"slow": {func(ctx context.Context, _ tandem.LegIncoming) (acd.Route, error) {
			<-ctx.Done()
			return acd.Route{}, ctx.Err()
		}, tandem.CauseFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cfg := plain()
				cfg.centre.Route = test.route
				s := run(t, cfg)
				defer s.close()
				customer := s.call(loopback.Script{})
				time.Sleep(10 * time.Second)
				synctest.Wait()
				require.Equal(t, test.want, customer.Cause())
				require.Equal(t, []string{"c1 started", "c1 ended " + test.want.String() + " by system"}, s.lines())
			})
		})
	}
}

func TestCenter_ASlowRouteHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := plain()
		table := acd.Routes{Default: acd.Route{Queue: "support"}}
		var later atomic.Bool
		cfg.centre.Route = func(ctx context.Context, in tandem.LegIncoming) (acd.Route, error) {
			if !later.Swap(true) {
				time.Sleep(8 * time.Second)
			}
			return table.Route(ctx, in)
		}
		cfg.centre.Routers = 2
		s := run(t, cfg)
		defer s.close()
		s.login("ann", "bob")
		slow := s.call(loopback.Script{})
		quick := s.call(loopback.Script{})
		require.Equal(t, tandem.LegStateIn, slow.State())
		require.Equal(t, tandem.LegStateBridged, quick.State())
		time.Sleep(8 * time.Second)
		synctest.Wait()
		require.Equal(t, tandem.LegStateBridged, slow.State())
	})
}

func TestCenter_HangsUpACallerWhoGaveUpWhileBeingRouted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := plain()
		cfg.centre.Route = func(ctx context.Context, _ tandem.LegIncoming) (acd.Route, error) {
			<-time.After(2 * time.Second)
			return acd.Route{Queue: "support"}, nil
		}
		s := run(t, cfg)
		defer s.close()
		s.call(loopback.Script{Patience: time.Second})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Len(t, s.lines(), 2, "%v", s.lines())
		require.Empty(t, s.snapshot().Queues[0].Waiting)
	})
}

func TestCenter_AgentsOwnCallIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := run(t, plain())
		defer s.close()
		p, err := s.sw.CallFrom(s.ctx, "ann", "1000")
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, tandem.CauseForbidden, p.Cause())
		require.Empty(t, s.lines())
	})
}

func TestCenter_SlowJournalHoldsTheActionsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := plain()
		var s *stage
		gate := make(chan struct{})
		cfg.centre.Events = tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error {
			for _, r := range rs {
				if r.Event.Kind() == "call_offered" {
					<-gate
				}
			}
			return s.write(ctx, rs...)
		})
		s = run(t, cfg)
		defer s.close()
		s.login("ann")
		customer := s.call(loopback.Script{})
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, tandem.LegStateUp, customer.State(), "the agent is not rung")
		require.NoError(t, s.centre.Login(s.ctx, "bob"), "the loop is alive")
		close(gate)
		synctest.Wait()
		require.Equal(t, tandem.LegStateBridged, customer.State())
	})
}

func TestCenter_FailingJournalEndsRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := plain()
		full := errors.New("disk is full")
		var tries atomic.Int32
		cfg.centre.Events = tandem.HandlerFunc(func(context.Context, ...tandem.Record) error {
			tries.Add(1)
			return full
		})
		s := run(t, cfg)
		defer s.close()
		_ = s.centre.Login(s.ctx, "ann")
		synctest.Wait()
		s.mu.Lock()
		require.ErrorIs(t, s.runErr, full)
		s.mu.Unlock()
		require.EqualValues(t, 1, tries.Load(), "a journal with a gap is worse than one that ends")
		require.ErrorIs(t, s.centre.Ready(s.ctx, "ann"), tandem.ErrClosed)
		_, err := s.centre.Snapshot(s.ctx)
		require.ErrorIs(t, err, tandem.ErrClosed)
		require.ErrorIs(t, s.centre.Handle(s.ctx, tandem.Record{Event: tandem.LegEnded{Leg: "x"}}), tandem.ErrClosed)
	})
}

func TestCenter_StopSettlesEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := run(t, plain())
		s.login("ann")
		s.call(loopback.Script{})
		s.call(loopback.Script{})
		s.close()
		require.ErrorIs(t, s.runErr, context.Canceled)
		tail := s.lines()[len(s.lines())-5:]
		require.Equal(t, []string{
			"c1 released ann by system", "c1 ended interrupted by system", "c2 left interrupted from 1", "c2 ended interrupted by system",
			"ann logged_out (stopped)",
		}, tail)
		require.ErrorIs(t, s.centre.Run(t.Context()), tandem.ErrState)
	})
}

func TestCenter_StopHangsUpOnASwitchThatGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := plain()
		sw, err := loopback.New(cfg.switchSide)
		require.NoError(t, err)
		cfg.centre.Switch = sw
		centre, err := acd.New(cfg.centre)
		require.NoError(t, err)
		swCtx, stopSwitch := context.WithCancel(t.Context())
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = sw.Run(swCtx, tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error {
				_ = centre.Handle(ctx, rs...)
				return nil
			}))
		})
		wg.Go(func() { _ = centre.Run(ctx) })
		synctest.Wait()
		require.NoError(t, centre.Login(ctx, "ann"))
		customer, err := sw.Call(ctx, loopback.Customer{Trunk: "carrier", To: "1000"})
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, tandem.LegStateBridged, customer.State())
		stop()
		synctest.Wait()
		require.Equal(t, tandem.CauseInterrupted, customer.Cause())
		stopSwitch()
		wg.Wait()
	})
}

func TestCenter_SwitchThatEndsTakesEveryCallWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := plain()
		sw, err := loopback.New(cfg.switchSide)
		require.NoError(t, err)
		cfg.centre.Switch = sw
		var s stage
		cfg.centre.Events = tandem.HandlerFunc(s.write)
		centre, err := acd.New(cfg.centre)
		require.NoError(t, err)
		swCtx, stopSwitch := context.WithCancel(t.Context())
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = sw.Run(swCtx, centre) })
		wg.Go(func() { _ = centre.Run(ctx) })
		synctest.Wait()
		require.NoError(t, centre.Login(ctx, "ann"))
		for range 2 {
			_, err = sw.Call(ctx, loopback.Customer{Trunk: "carrier", To: "1000"})
			require.NoError(t, err)
			synctest.Wait()
		}
		stopSwitch()
		synctest.Wait()
		require.NoError(t, centre.Hangup(ctx, "c1", tandem.PartyAgent), "the first command finds out")
		synctest.Wait()
		snap, err := centre.Snapshot(ctx)
		require.NoError(t, err)
		require.Empty(t, snap.Queues[0].Waiting)
		require.Zero(t, snap.Queues[0].Talking)
		require.Contains(t, s.lines(), "c2 left failed from 1")
		stop()
		wg.Wait()
	})
}

func TestCenter_SnapshotJoinsTheFeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := plain()
		var s *stage
		var written uint64
		cfg.centre.Events = tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error {
			time.Sleep(time.Millisecond)
			written += uint64(len(rs))
			return s.write(ctx, rs...)
		})
		cfg.centre.Position = func() uint64 { return 1000 + written }
		s = run(t, cfg)
		defer s.close()
		s.login("ann", "bob")
		s.call(loopback.Script{Talk: time.Second})
		require.NoError(t, s.centre.Pause(s.ctx, "bob", "lunch"))
		snap := s.snapshot()
		s.mu.Lock()
		defer s.mu.Unlock()
		l := newLedger()
		n := uint64(0)
		for _, r := range s.journal {
			if line(r.Event) == "" && r.Event.Kind() != "decided" {
				continue // the switch's own
			}
			if n++; n+1000 <= snap.Seq {
				l.read(r)
			}
		}
		require.Equal(t, snap.Seq, n+1000, "all of it was handed on before the snapshot was given")
		l.agree(snap)
		require.NoError(t, l.err)
		require.Equal(t, "lunch", snap.Agents[1].Reason)
	})
}

func TestCenter_CommandsAreSafeConcurrently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := plain()
		cfg.centre.Inbox, cfg.centre.Backlog, cfg.centre.Hands = 1, 1, 2
		s := run(t, cfg)
		defer s.close()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					for _, a := range []tandem.AgentID{"ann", "bob"} {
						_ = s.centre.Login(s.ctx, a)
						_ = s.centre.Pause(s.ctx, a, "x")
						_ = s.centre.Ready(s.ctx, a)
						_ = s.centre.FinishWrapUp(s.ctx, a)
						_ = s.centre.Reject(s.ctx, a, "c1")
						_ = s.centre.Dispose(s.ctx, a, "c1", "sold", "")
						_, _ = s.centre.Snapshot(s.ctx)
					}
					_, _ = s.sw.Call(s.ctx, loopback.Customer{Trunk: "carrier", To: "1000", Script: loopback.Script{Talk: time.Second, Patience: time.Minute}})
				}
			})
		}
		wg.Wait()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		q := s.snapshot().Queues[0]
		require.Empty(t, q.Waiting)
		require.EqualValues(t, 160, q.Offered)
		require.Equal(t, q.Offered, q.Answered+q.Abandoned+q.Left)
		l := newLedger()
		for _, r := range s.journal {
			l.read(r)
		}
		require.NoError(t, l.err)
		require.NoError(t, s.centre.Logout(s.ctx, "ann"))
	})
}

func TestCenter_CommandsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	cfg := plain()
	sw, err := loopback.New(cfg.switchSide)
	require.NoError(t, err)
	cfg.centre.Switch = sw
	cfg.centre.Inbox = 2
	centre, err := acd.New(cfg.centre)
	require.NoError(t, err)
	require.InDelta(t, 0, centre.Saturation(), 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // each finds room or not, as chance has it
		require.ErrorIs(t, centre.Login(ctx, "ann"), context.Canceled, "it does not run")
	}
	require.ErrorIs(t, centre.Handle(ctx, tandem.Record{Event: tandem.LegAnswered{Leg: "x"}}), context.Canceled)
	require.InDelta(t, 1, centre.Saturation(), 0)
}

// mute is a switch that cannot play.
type mute struct{ tandem.Switch }

func TestNew_SaysWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	sw, err := loopback.New(loopback.Config{})
	require.NoError(t, err)
	queue := acd.QueueConfig{Queue: tandem.Queue{ID: "a"}}
	musical := queue
	musical.Sound.Kind = tandem.SoundMusic
	for want, test := range map[string]struct {
		cfg  acd.Config
		kind error
	}{
		"switch: is missing":           {acd.Config{}, tandem.ErrInvalid},
		"inbox: is negative":           {acd.Config{Switch: sw, Inbox: -1}, tandem.ErrInvalid},
		"backlog: is negative":         {acd.Config{Switch: sw, Backlog: -1}, tandem.ErrInvalid},
		"hands: is negative":           {acd.Config{Switch: sw, Hands: -1}, tandem.ErrInvalid},
		"routers: is negative":         {acd.Config{Switch: sw, Routers: -1}, tandem.ErrInvalid},
		"route_timeout: is negative":   {acd.Config{Switch: sw, RouteTimeout: -1}, tandem.ErrInvalid},
		"acd: queues[0].id: is missi":  {acd.Config{Switch: sw, Queues: []acd.QueueConfig{{}}}, tandem.ErrInvalid},
		"queues[0].sound: needs a swi": {acd.Config{Switch: mute{sw}, Queues: []acd.QueueConfig{musical}}, tandem.ErrUnsupported},
	} {
		_, err := acd.New(test.cfg)
		require.ErrorIs(t, err, test.kind, want)
		require.ErrorContains(t, err, want)
	}
	_, err = acd.New(acd.Config{Switch: mute{sw}, Queues: []acd.QueueConfig{queue}})
	require.NoError(t, err, "no sound, no player needed")
}

func TestRoutes_ByExactNumberElseDefault(t *testing.T) {
	t.Parallel()
	r := acd.Routes{DIDs: map[tandem.Number]acd.Route{"1000": {Queue: "a"}}, Default: acd.Route{Queue: "b"}}
	for to, want := range map[tandem.Number]tandem.QueueID{"1000": "a", "10000": "b", "": "b"} {
		got, err := r.Route(t.Context(), tandem.LegIncoming{To: to})
		require.NoError(t, err)
		require.Equal(t, want, got.Queue)
	}
}
