package acd_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// stages bring ann, alone in support, to each state of an agent; where there is a call it is c1.
func stages() map[string]func(r *rig) {
	ringing := func(r *rig) {
		r.login("ann")
		r.arrive(acd.Route{}, "c1")
	}
	bridging := func(r *rig) {
		ringing(r)
		r.on(tandem.LegAnswered{Leg: r.leg("ann")})
	}
	talking := func(r *rig) {
		ringing(r)
		r.answer("ann", "c1")
	}
	wrapping := func(r *rig) {
		talking(r)
		r.hangUp(in("c1"))
		r.obey()
	}
	return map[string]func(r *rig){
		"out":      func(*rig) {},
		"ready":    func(r *rig) { r.login("ann") },
		"ringing":  ringing,
		"bridging": bridging,
		"talking":  talking,
		"wrapping": wrapping,
		"clearing": func(r *rig) {
			ringing(r)
			r.hangUp(in("c1"))
		},
		"paused": func(r *rig) {
			r.login("ann")
			r.ok(r.e.Pause(r.now, "ann", "lunch"))
		},
		"away": func(r *rig) {
			r.login("ann")
			r.on(tandem.DeviceChanged{Agent: "ann", Reachable: false})
		},
		"held back": func(r *rig) {
			ringing(r)
			r.on(tandem.LegEnded{Leg: r.leg("ann"), Cause: tandem.CauseBusy})
		},
	}
}

// deeds are what may happen to ann in any state.
func deeds() map[string]func(r *rig) error {
	return map[string]func(r *rig) error{
		"login":  func(r *rig) error { return r.e.Login(r.now, "ann") },
		"logout": func(r *rig) error { return r.e.Logout(r.now, "ann") },
		"ready":  func(r *rig) error { return r.e.Ready(r.now, "ann") },
		"pause":  func(r *rig) error { return r.e.Pause(r.now, "ann", "coffee") },
		"finish": func(r *rig) error { return r.e.FinishWrapUp(r.now, "ann") },
		"reject": func(r *rig) error { return r.e.Reject(r.now, "ann", "c1") },
		"hangup": func(r *rig) error { return r.e.Hangup(r.now, "c1", tandem.PartyAgent) },
		"lost": func(r *rig) error {
			r.e.Handle(r.now, tandem.DeviceChanged{Agent: "ann", Reachable: false})
			return nil
		},
		"found": func(r *rig) error {
			r.e.Handle(r.now, tandem.DeviceChanged{Agent: "ann", Reachable: true})
			return nil
		},
	}
}

// outcome is what a deed leads to: at once, and when every leg has ended that was told to and a minute has passed.
type outcome struct {
	now, later tandem.AgentState
	err        error
}

func TestAgent_EveryDeedInEveryState(t *testing.T) {
	t.Parallel()
	const (
		out, ready, held, call = tandem.AgentLoggedOut, tandem.AgentReady, tandem.AgentReserved, tandem.AgentOnCall
		wrap, paused, away     = tandem.AgentWrapUp, tandem.AgentPaused, tandem.AgentUnavailable
	)
	no, gone := tandem.ErrState, tandem.ErrNotFound
	table := map[string]map[string]outcome{
		"out": {
			"login": {ready, ready, nil}, "logout": {out, out, nil}, "ready": {out, out, no}, "pause": {out, out, no}, "finish": {out, out, no},
			"reject": {out, out, no}, "hangup": {out, out, gone}, "lost": {out, out, nil}, "found": {out, out, nil},
		},
		"ready": {
			"login": {ready, ready, nil}, "logout": {out, out, nil}, "ready": {ready, ready, nil}, "pause": {paused, paused, nil},
			"finish": {ready, ready, no}, "reject": {ready, ready, no}, "hangup": {ready, ready, gone}, "lost": {away, away, nil}, "found": {ready, ready, nil},
		},
		// A call that nobody takes rings again and again; MaxMisses ends it.
		"ringing": {
			"login": {held, held, nil}, "logout": {held, out, nil}, "ready": {held, held, nil}, "pause": {held, paused, nil}, "finish": {held, held, no},
			"reject": {held, held, nil}, "hangup": {held, ready, nil}, "lost": {held, away, nil}, "found": {held, held, nil},
		},
		"bridging": {
			"login": {call, held, nil}, "logout": {call, out, nil}, "ready": {call, held, nil}, "pause": {call, paused, nil}, "finish": {call, held, no},
			"reject": {call, held, no}, "hangup": {call, ready, nil}, "lost": {call, away, nil}, "found": {call, held, nil},
		},
		"talking": {
			"login": {call, call, nil}, "logout": {call, call, nil}, "ready": {call, call, nil}, "pause": {call, call, nil}, "finish": {call, call, no},
			"reject": {call, call, no}, "hangup": {wrap, ready, nil}, "lost": {call, call, nil}, "found": {call, call, nil},
		},
		"wrapping": {
			"login": {wrap, ready, nil}, "logout": {out, out, nil}, "ready": {ready, ready, nil}, "pause": {paused, paused, nil}, "finish": {ready, ready, nil},
			"reject": {wrap, ready, no}, "hangup": {wrap, ready, gone}, "lost": {wrap, away, nil}, "found": {wrap, ready, nil},
		},
		"clearing": {
			"login": {held, ready, nil}, "logout": {held, out, nil}, "ready": {held, ready, nil}, "pause": {held, paused, nil}, "finish": {held, ready, no},
			"reject": {held, ready, no}, "hangup": {held, ready, gone}, "lost": {held, away, nil}, "found": {held, ready, nil},
		},
		"paused": {
			"login": {paused, paused, nil}, "logout": {out, out, nil}, "ready": {ready, ready, nil}, "pause": {paused, paused, nil},
			"finish": {paused, paused, no}, "reject": {paused, paused, no}, "hangup": {paused, paused, gone}, "lost": {away, away, nil}, "found": {paused, paused, nil},
		},
		"away": {
			"login": {away, away, nil}, "logout": {out, out, nil}, "ready": {away, away, nil}, "pause": {away, away, nil}, "finish": {away, away, no},
			"reject": {away, away, no}, "hangup": {away, away, gone}, "lost": {away, away, nil}, "found": {ready, ready, nil},
		},
		"held back": {
			"login": {ready, held, nil}, "logout": {out, out, nil}, "ready": {held, held, nil}, "pause": {paused, paused, nil}, "finish": {ready, held, no},
			"reject": {ready, held, no}, "hangup": {ready, ready, nil}, "lost": {away, away, nil}, "found": {ready, held, nil},
		},
	}
	for stage, enter := range stages() {
		for deed, do := range deeds() {
			t.Run(stage+"/"+deed, func(t *testing.T) {
				t.Parallel()
				want, ok := table[stage][deed]
				require.True(t, ok, "the table has no such line")
				cfg := support(acd.QueueConfig{RingTimeout: 45 * time.Second}, "ann")
				cfg.Agents[0].AlwaysReachable = false
				cfg.Agents[0].MaxMisses = -1
				r := newRig(t, cfg)
				r.on(tandem.DeviceChanged{Agent: "ann", Reachable: true})
				enter(r)
				err := do(r)
				r.take()
				require.ErrorIs(t, err, want.err)
				require.Equal(t, want.now.String(), r.state("ann").String(), "at once")
				for range 60 {
					r.obey()
					r.pass(time.Second)
				}
				require.Equal(t, want.later.String(), r.state("ann").String(), "a minute later")
				l := newLedger()
				for _, rec := range r.records {
					l.read(rec)
				}
				l.agree(r.e.Snapshot(r.now))
				require.NoError(t, l.err)
				r.sound()
			})
		}
	}
}

func TestAgent_WishesDuringACallTakeEffectAfterIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wish  func(r *rig) error
		after []string
		next  tandem.AgentState
	}{
		"pause":  {func(r *rig) error { return r.e.Pause(r.now, "ann", "lunch") }, []string{"ann wrap_up", "ann paused (lunch)"}, tandem.AgentPaused},
		"logout": {func(r *rig) error { return r.e.Logout(r.now, "ann") }, []string{"ann logged_out"}, tandem.AgentLoggedOut},
		"lost": {func(r *rig) error {
			r.on(tandem.DeviceChanged{Agent: "ann", Reachable: false})
			return nil
		}, []string{"ann wrap_up", "ann unavailable (no device)"}, tandem.AgentUnset},
		"ready after all": {func(r *rig) error {
			r.ok(r.e.Logout(r.now, "ann"))
			return r.e.Ready(r.now, "ann")
		}, []string{"ann wrap_up", "ann ready"}, tandem.AgentUnset},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := support(acd.QueueConfig{}, "ann")
			cfg.Agents[0].AlwaysReachable = false
			r := newRig(t, cfg)
			r.on(tandem.DeviceChanged{Agent: "ann", Reachable: true})
			r.login("ann")
			r.arrive(acd.Route{}, "c1")
			r.answer("ann", "c1")
			r.ok(test.wish(r))
			require.Equal(t, test.next, r.agent("ann").Next)
			r.fresh()
			r.hangUp(in("c1"))
			r.obey()
			r.pass(time.Minute)
			var got []string
			for _, l := range r.fresh() {
				if l[:3] == "ann" {
					got = append(got, l)
				}
			}
			require.Equal(t, test.after, got)
			r.sound()
		})
	}
}

func TestAgent_WrapUpIsTheAgentsOrElseTheQueues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		queue, agent time.Duration
		want         time.Duration
	}{
		{"default", 0, 0, 10 * time.Second},
		{"queue's", 30 * time.Second, 0, 30 * time.Second},
		{"agent's", 30 * time.Second, time.Minute, time.Minute},
		{"agent has none", 30 * time.Second, -1, 0},
		{"queue has none", -1, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := support(acd.QueueConfig{WrapUp: test.queue}, "ann")
			cfg.Agents[0].WrapUp = test.agent
			r := newRig(t, cfg)
			r.login("ann")
			r.arrive(acd.Route{}, "c1")
			r.answer("ann", "c1")
			r.hangUp(in("c1"))
			r.obey()
			if test.want == 0 {
				require.Equal(t, tandem.AgentReady, r.state("ann"))
				return
			}
			s := r.agent("ann")
			require.Equal(t, tandem.AgentWrapUp, s.State)
			require.Equal(t, r.now.Add(test.want), s.Until)
			require.Equal(t, tandem.CallID("c1"), s.Call)
			r.pass(test.want - 1)
			require.Equal(t, tandem.AgentWrapUp, r.state("ann"))
			r.pass(1)
			require.Equal(t, tandem.AgentReady, r.state("ann"))
		})
	}
}

func TestAgent_WrapUpDoesNotEndEarlyNorTakeACall(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1")
	r.answer("ann", "c1")
	r.hangUp(in("c1"))
	r.obey()
	r.arrive(acd.Route{}, "c2")
	r.pass(9 * time.Second)
	require.Equal(t, tandem.AgentWrapUp, r.state("ann"))
	r.ok(r.e.FinishWrapUp(r.now, "ann"))
	require.Equal(t, tandem.CallID("c2"), r.agent("ann").Call)
}

func TestAgent_PausedAfterMissingTooOften(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1")
	for range 2 {
		r.pass(15 * time.Second)
		r.obey()
		require.Equal(t, tandem.AgentReady, r.state("ann"))
		r.pass(5 * time.Second)
	}
	r.fresh()
	r.pass(15 * time.Second)
	r.obey()
	r.happened("c1 offer ended ann no_answer", "ann paused (missed 3 offers)")
	r.ok(r.e.Ready(r.now, "ann"))
	r.happened("ann ready", "c1 offered ann", "ann reserved")
	require.Zero(t, r.agent("ann").Misses)
	r.sound()
}

func TestAgent_AnAnswerForgivesTheMisses(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1")
	for range 2 {
		r.pass(15 * time.Second)
		r.obey()
		r.pass(5 * time.Second)
	}
	require.Equal(t, 2, r.agent("ann").Misses)
	r.answer("ann", "c1")
	require.Zero(t, r.agent("ann").Misses)
}

func TestAgent_DeviceThatComesBackFindsTheAgentAsItWas(t *testing.T) {
	t.Parallel()
	cfg := support(acd.QueueConfig{}, "ann", "bob")
	cfg.Agents[0].AlwaysReachable = false
	r := newRig(t, cfg)
	r.login("ann")
	r.happened("ann unavailable (no device)")
	r.on(tandem.DeviceChanged{Agent: "ann", Reachable: true})
	r.happened("ann ready")
	r.pass(time.Minute)
	r.login("bob")
	r.on(tandem.DeviceChanged{Agent: "ann", Reachable: false})
	r.on(tandem.DeviceChanged{Agent: "ann", Reachable: true})
	r.arrive(acd.Route{}, "c1")
	require.Equal(t, tandem.CallID("c1"), r.agent("ann").Call, "a reloaded page does not cost her turn")
	r.on(tandem.DeviceChanged{Agent: "nobody", Reachable: true})
	r.sound()
}

func TestAgent_AFailedOfferDoesNotCostTheTurn(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann", "bob"))
	r.login("ann")
	r.pass(time.Second)
	r.login("bob")
	r.arrive(acd.Route{}, "c1")
	r.hangUp(in("c1"))
	r.obey()
	r.arrive(acd.Route{}, "c2")
	require.Equal(t, tandem.CallID("c2"), r.agent("ann").Call)
}

func TestAgent_OwnCallIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.ok(r.e.Incoming(r.now, "c1", tandem.LegIncoming{Leg: "l1", Agent: "ann", To: "1001"}))
	r.happened()
	require.Equal(t, []acd.Action{{Kind: acd.ActionHangup, Leg: "l1", Cause: tandem.CauseForbidden}}, r.actions)
	r.on(tandem.LegEnded{Leg: "l1", Cause: tandem.CauseForbidden, Ours: true})
	r.sound()
}

func TestDispose_IsForTheAgentsOwnCall(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{WrapUp: -1}, "ann", "bob"))
	r.login("ann")
	dispose := func(agent tandem.AgentID, call tandem.CallID, d tandem.DispositionID) error {
		err := r.e.Dispose(r.now, tandem.CallDisposed{Call: call, Agent: agent, Disposition: d})
		r.take()
		return err
	}
	r.arrive(acd.Route{}, "c1")
	require.ErrorIs(t, dispose("ann", "c1", "sold"), tandem.ErrState, "it rings only")
	r.answer("ann", "c1")
	r.fresh()
	require.NoError(t, dispose("ann", "c1", "sold"))
	r.happened("c1 disposed ann sold")
	require.ErrorIs(t, dispose("bob", "c1", "sold"), tandem.ErrState)
	require.ErrorIs(t, dispose("bob", "", "sold"), tandem.ErrState)
	require.ErrorIs(t, dispose("ann", "c1", ""), tandem.ErrInvalid)
	require.ErrorIs(t, dispose("nobody", "c1", "sold"), tandem.ErrNotFound)
	r.hangUp(in("c1"))
	r.obey()
	r.fresh()
	require.NoError(t, dispose("ann", "c1", "not sold"), "also when it is over")
	r.happened("c1 disposed ann not sold")
}

func TestPause_ReasonMayChange(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.ok(r.e.Pause(r.now, "ann", "lunch"))
	r.fresh()
	r.ok(r.e.Pause(r.now, "ann", "lunch"))
	r.happened()
	r.ok(r.e.Pause(r.now, "ann", "training"))
	r.happened("ann paused (training)")
	require.Equal(t, "training", r.agent("ann").Reason)
}
