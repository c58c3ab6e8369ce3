package acd_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/loopback"
)

// serves requires that a call is still offered, answered and ended as ever.
func serves(r *rig, call tandem.CallID) {
	r.t.Helper()
	r.arrive(acd.Route{}, call)
	require.Equal(r.t, tandem.AgentReserved, r.state("ann"))
	r.answer("ann", call)
	r.hangUp(in(call))
	r.obey()
	r.pass(time.Minute)
	require.Equal(r.t, tandem.AgentReady, r.state("ann"))
}

// TestBadInput_IsToldAndChangesNothing gives the engine what it does not know or must not take; it says what is wrong, and goes on.
func TestBadInput_IsToldAndChangesNothing(t *testing.T) {
	t.Parallel()
	call := tandem.Call{ID: "x", Direction: tandem.Inbound, Customer: "x-in"}
	for name, test := range map[string]struct {
		do   func(e *acd.Engine, now time.Time) error
		want error
		text string
	}{
		"log in a stranger":    {func(e *acd.Engine, now time.Time) error { return e.Login(now, "zoe") }, tandem.ErrNotFound, `agent "zoe"`},
		"log out a stranger":   {func(e *acd.Engine, now time.Time) error { return e.Logout(now, "zoe") }, tandem.ErrNotFound, `agent "zoe"`},
		"pause a stranger":     {func(e *acd.Engine, now time.Time) error { return e.Pause(now, "zoe", "") }, tandem.ErrNotFound, `agent "zoe"`},
		"ready, a stranger":    {func(e *acd.Engine, now time.Time) error { return e.Ready(now, "zoe") }, tandem.ErrNotFound, `agent "zoe"`},
		"finish of a stranger": {func(e *acd.Engine, now time.Time) error { return e.FinishWrapUp(now, "zoe") }, tandem.ErrNotFound, `agent "zoe"`},
		"reject by a stranger": {func(e *acd.Engine, now time.Time) error { return e.Reject(now, "zoe", "x") }, tandem.ErrNotFound, `agent "zoe"`},
		"reject of no offer":   {func(e *acd.Engine, now time.Time) error { return e.Reject(now, "ann", "x") }, tandem.ErrState, "x"},
		"hang up no call":      {func(e *acd.Engine, now time.Time) error { return e.Hangup(now, "x", tandem.PartySystem) }, tandem.ErrNotFound, "x"},
		"finish of no wrap-up": {func(e *acd.Engine, now time.Time) error { return e.FinishWrapUp(now, "ann") }, tandem.ErrState, `agent "ann"`},
		"dispose of no call": {func(e *acd.Engine, now time.Time) error {
			return e.Dispose(now, tandem.CallDisposed{Call: "x", Agent: "ann", Disposition: "sold"})
		}, tandem.ErrState, "x"},
		"unknown queue": {func(e *acd.Engine, now time.Time) error {
			return e.Enqueue(now, tandem.Arrival{Call: call, Queue: "sales"})
		}, tandem.ErrNotFound, `queue "sales"`},
		"unknown agent": {func(e *acd.Engine, now time.Time) error {
			return e.Enqueue(now, tandem.Arrival{Call: call, Queue: "support", Agent: "zoe"})
		}, tandem.ErrNotFound, `agent "zoe"`},
		"unknown friend": {func(e *acd.Engine, now time.Time) error {
			return e.Enqueue(now, tandem.Arrival{Call: call, Queue: "support", Prefer: "zoe"})
		}, tandem.ErrNotFound, `agent "zoe"`},
		"nameless skill": {func(e *acd.Engine, now time.Time) error {
			return e.Enqueue(now, tandem.Arrival{Call: call, Queue: "support", Requirements: []tandem.Requirement{{Min: 1}}})
		}, tandem.ErrInvalid, "skill"},
		"contradicting demands": {func(e *acd.Engine, now time.Time) error {
			return e.Enqueue(now, tandem.Arrival{Call: call, Queue: "support", Requirements: []tandem.Requirement{{Skill: "it", Min: 80}, {Skill: "it", Max: 20}}})
		}, tandem.ErrInvalid, `"it"`},
		"negative patience": {func(e *acd.Engine, now time.Time) error {
			return e.Enqueue(now, tandem.Arrival{Call: call, Queue: "support", Patience: -1})
		}, tandem.ErrInvalid, "patience"},
		"no name": {func(e *acd.Engine, now time.Time) error { return e.Enqueue(now, tandem.Arrival{Queue: "support"}) }, tandem.ErrInvalid, "call.id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, support(acd.QueueConfig{}, "ann"))
			r.login("ann")
			before := r.e.Snapshot(r.now)
			r.fresh()
			err := test.do(r.e, r.now)
			require.ErrorIs(t, err, test.want)
			require.ErrorContains(t, err, test.text)
			r.take()
			r.happened()
			require.Equal(t, before, r.e.Snapshot(r.now))
			serves(r, "c1")
			r.sound()
		})
	}
}

// TestBadInput_EventsOfStrangersAreNothing lets the switch tell of legs and agents that nobody knows.
func TestBadInput_EventsOfStrangersAreNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.fresh()
	for _, ev := range []tandem.Event{
		nil,
		tandem.LegAnswered{},
		tandem.LegAnswered{Leg: "x"},
		tandem.LegBridged{Leg: "x", Peer: "y"},
		tandem.LegBridged{},
		tandem.LegUnbridged{Leg: "x"},
		tandem.LegEnded{},
		tandem.LegEnded{Leg: "x", Cause: 200},
		tandem.DeviceChanged{Agent: "zoe", Reachable: true},
		tandem.DeviceChanged{},
		tandem.CallEnded{Call: "x"},
	} {
		r.on(ev)
	}
	r.e.Failed(r.now, acd.Action{Kind: 99, Call: "x", Leg: "x"}, errors.New("nonsense"))
	for range 5000 { // more than it remembers
		r.on(tandem.LegEnded{Leg: tandem.LegID(fmt.Sprint(r.now.UnixNano())), Cause: tandem.CauseNormal})
		r.now = r.now.Add(time.Nanosecond)
	}
	r.take()
	r.happened()
	serves(r, "c1")
}

// TestBadInput_ASkillThatNobodyHasHoldsUpNobody leaves such a caller waiting, and every other one is served past it.
func TestBadInput_ASkillThatNobodyHasHoldsUpNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{Requirements: []tandem.Requirement{{Skill: "klingon", Min: 1}}, Patience: time.Hour}, "k1")
	serves(r, "c1")
	serves(r, "c2")
	require.Equal(t, tandem.CallID("k1"), r.queue("support").Waiting[0].Call)
	r.pass(time.Hour)
	require.Empty(t, r.queue("support").Waiting, "the wait has its limit all the same")
}

// TestBadInput_StrategiesThatMisbehaveLoseNobody serves every caller, whatever a host's strategy returns.
func TestBadInput_StrategiesThatMisbehaveLoseNobody(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 3))
	n := 0
	var nobody *acd.Standing
	for name, key := range map[string]acd.StrategyFunc{
		"panic":           func(acd.Standing) float64 { panic("boom") },
		"nil dereference": func(acd.Standing) float64 { return float64(nobody.Level) },
		"not a number":    func(acd.Standing) float64 { return math.NaN() },
		"plus infinity":   func(acd.Standing) float64 { return math.Inf(1) },
		"minus infinity":  func(acd.Standing) float64 { return math.Inf(-1) },
		"fickle":          func(acd.Standing) float64 { return rnd.NormFloat64() },
		"now and then": func(acd.Standing) float64 {
			if n++; n%3 == 0 {
				panic(n)
			}
			return math.NaN()
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := shopConfig{agents: 4, rate: 0.1, talk: 30, calls: 300, seed: [2]uint64{5, 5}, queue: acd.QueueConfig{Strategy: key}}
			visits := simulate(t, c)
			require.Len(t, visits, 300)
			for i, v := range visits {
				require.False(t, v.left || v.full, "caller %d was lost", i)
			}
		})
	}
}

// TestBadInput_ClocksThatJumpLoseNobody lets the time of each input be wrong by up to two hours, or by centuries, in both directions. Offers may ring out early; but
// every promise of the ledger holds, and when time is sane again everybody is served.
func TestBadInput_ClocksThatJumpLoseNobody(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		cfg := support(acd.QueueConfig{WrapUp: 10 * time.Second, Retry: acd.Retry{NoAnswer: time.Second}}, "ann", "bob")
		for i := range cfg.Agents {
			cfg.Agents[i].MaxMisses = -1
		}
		r := newRig(t, cfg)
		r.login("ann", "bob")
		sane := r.now
		jump := func() {
			sane = sane.Add(time.Duration(rnd.IntN(5000)) * time.Millisecond)
			r.now = sane.Add(time.Duration(rnd.Int64N(int64(4*time.Hour))) - 2*time.Hour)
			if rnd.IntN(20) == 0 {
				r.now = []time.Time{{}, time.Unix(0, 0), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)}[rnd.IntN(3)]
			}
		}
		for i := range 50 {
			jump()
			r.arrive(acd.Route{}, tandem.CallID(fmt.Sprintf("c%d", i)))
			for _, a := range []tandem.AgentID{"ann", "bob"} {
				jump()
				if s := r.agent(a); s.State == tandem.AgentReserved && rnd.IntN(2) == 0 {
					r.answer(a, s.Call)
				} else if s.State == tandem.AgentOnCall {
					r.hangUp(in(s.Call))
				}
				jump()
				r.obey()
			}
		}
		r.now = sane.Add(10 * time.Hour)
		for range 200 {
			r.pass(20 * time.Second)
			for _, a := range []tandem.AgentID{"ann", "bob"} {
				switch s := r.agent(a); s.State { //nolint:exhaustive // in the others there is nothing to do
				case tandem.AgentReserved:
					r.answer(a, s.Call)
				case tandem.AgentOnCall:
					r.hangUp(in(s.Call))
				default:
				}
				r.obey()
			}
		}
		q := r.queue("support")
		require.Empty(t, q.Waiting, "seed %d", seed)
		require.EqualValues(t, 50, q.Answered, "seed %d", seed)
		l := newLedger()
		for _, rec := range r.records {
			rec.At = rec.At.Add(time.Nanosecond) // the zero time is one of those that were given
			l.read(rec)
		}
		require.NoError(t, l.err, "seed %d", seed)
	}
}

// TestBadInput_TheEndOfTimeIsNotTheEndOfTheEngine jumps further than a duration reaches.
func TestBadInput_TheEndOfTimeIsNotTheEndOfTheEngine(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	serves(r, "c1")
	for _, year := range []int{2200, 2318, 9999} {
		r.now = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		r.e.Tick(r.now)
		r.take()
	}
	r.now = r.start.Add(time.Hour)
	r.arrive(acd.Route{}, "c2")
	require.Equal(t, tandem.AgentReserved, r.state("ann"), "the deadline of the offer lies ahead")
	r.answer("ann", "c2")
	r.hangUp(in("c2"))
	r.obey()
	require.Equal(t, tandem.AgentWrapUp, r.state("ann"))
}

// TestBadInput_ASlowHandlerLosesNobody gives the centre a journal that takes a second for each batch, and a burst of callers.
func TestBadInput_ASlowHandlerLosesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := plain()
		cfg.centre.Inbox, cfg.centre.Backlog = 4, 8
		var s *stage
		cfg.centre.Events = tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error {
			time.Sleep(time.Second)
			return s.write(ctx, rs...)
		})
		s = run(t, cfg)
		defer s.close()
		s.login("ann", "bob")
		const callers = 60
		for range callers {
			_, err := s.sw.Call(s.ctx, loopback.Customer{Trunk: "carrier", To: "1000", Script: loopback.Script{Talk: 5 * time.Second}})
			require.NoError(t, err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		q := s.snapshot().Queues[0]
		require.EqualValues(t, callers, q.Offered)
		require.EqualValues(t, callers, q.Answered)
		require.Empty(t, q.Waiting)
	})
}
