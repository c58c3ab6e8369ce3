package acd_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

func TestEngine_ACallFromArrivalToWrapUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{Sound: tandem.Sound{Kind: tandem.SoundMusic}}, "ann"))
	r.login("ann")
	r.happened("ann ready")
	r.arrive(acd.Route{}, "c1")
	r.happened("c1 started", "c1 queued support at 1", "c1 offered ann", "ann reserved")
	r.pass(3 * time.Second)
	r.answer("ann", "c1")
	r.happened("ann on_call", "c1 connected ann")
	r.pass(time.Minute)
	r.hangUp(in("c1"))
	r.happened("c1 released ann by customer", "ann wrap_up", "c1 ended normal by customer")
	r.obey()
	r.pass(9 * time.Second)
	r.happened()
	r.pass(time.Second)
	r.happened("ann ready")
	var kinds []string
	for _, a := range r.actions {
		kinds = append(kinds, a.Kind.String())
	}
	require.Equal(t, []string{"route", "answer", "play", "dial", "bridge"}, kinds, "and the hang-up, which was obeyed")
	r.sound()
}

func TestEngine_TheAgentHangsUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1")
	r.answer("ann", "c1")
	r.fresh()
	r.hangUp(r.leg("ann"))
	r.happened("c1 released ann by agent", "ann wrap_up")
	r.obey()
	r.happened("c1 ended normal by agent")
	r.sound()
}

func TestEngine_ConnectedTellsTheWait(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.arrive(acd.Route{}, "c1")
	r.pass(7 * time.Second)
	r.login("ann")
	r.pass(time.Second)
	r.answer("ann", "c1")
	r.pass(time.Minute)
	r.hangUp(in("c1"))
	var waited, talked time.Duration
	for _, rec := range r.records {
		switch ev := rec.Event.(type) {
		case tandem.CallConnected:
			waited = ev.Waited
		case tandem.CallReleased:
			talked = ev.Talked
		}
	}
	require.Equal(t, 8*time.Second, waited)
	require.Equal(t, time.Minute, talked)
}

func TestQueue_FirstComeFirstServedWithinPriority(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{WrapUp: -1}, "ann"))
	r.arrive(acd.Route{}, "c1", "c2")
	r.arrive(acd.Route{Priority: 5}, "vip")
	r.arrive(acd.Route{}, "c3")
	r.happened("c1 started", "c1 queued support at 1", "c2 started", "c2 queued support at 2", "vip started", "vip queued support at 1",
		"c3 started", "c3 queued support at 4")
	r.login("ann")
	for _, c := range []tandem.CallID{"vip", "c1", "c2", "c3"} {
		require.Equal(t, c, r.agent("ann").Call)
		r.answer("ann", c)
		r.hangUp(in(c))
		r.obey()
	}
	r.sound()
}

func TestQueue_PositionsCountThoseBeingOffered(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1", "c2", "c3")
	r.fresh()
	r.hangUp(in("c3"))
	r.happened("c3 left abandoned from 3", "c3 ended normal by customer")
	q := r.queue("support")
	require.Len(t, q.Waiting, 2)
	require.Equal(t, tandem.CallID("c1"), q.Waiting[0].Call)
	require.Equal(t, tandem.AgentID("ann"), q.Waiting[0].Agent)
	require.Empty(t, q.Waiting[1].Agent)
}

func TestQueue_ServedInParallel(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann", "bob", "cid"))
	r.login("ann", "bob", "cid")
	r.arrive(acd.Route{}, "c1", "c2", "c3")
	require.Equal(t, tandem.CallID("c1"), r.agent("ann").Call)
	require.Equal(t, tandem.CallID("c2"), r.agent("bob").Call)
	require.Equal(t, tandem.CallID("c3"), r.agent("cid").Call)
}

func TestQueue_LongestIdleFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{WrapUp: -1}, "ann", "bob", "cid"))
	for _, a := range []tandem.AgentID{"cid", "bob", "ann"} {
		r.login(a)
		r.pass(time.Second)
	}
	for i, want := range []tandem.AgentID{"cid", "bob", "ann", "cid"} {
		c := tandem.CallID("c" + string(rune('1'+i)))
		r.arrive(acd.Route{}, c)
		require.Equal(t, want, r.queue("support").Waiting[0].Agent, "call %s", c)
		r.answer(want, c)
		r.pass(time.Second)
		r.hangUp(in(c))
		r.obey()
	}
}

func TestQueue_LongestIdleWinsTieByPositionThenID(t *testing.T) {
	t.Parallel()
	cfg := support(acd.QueueConfig{}, "zoe", "ann", "bob")
	cfg.Agents[2].Queues[0].Position = 1
	cfg.Agents[0].Queues[0].Position = 2
	cfg.Agents[1].Queues[0].Position = 2
	r := newRig(t, cfg)
	r.login("zoe", "bob", "ann")
	r.arrive(acd.Route{}, "c1", "c2", "c3")
	require.Equal(t, tandem.CallID("c1"), r.agent("bob").Call, "the lowest position")
	require.Equal(t, tandem.CallID("c2"), r.agent("ann").Call, "the first ID")
	require.Equal(t, tandem.CallID("c3"), r.agent("zoe").Call)
}

func TestQueue_LevelGoesBeforeKey(t *testing.T) {
	t.Parallel()
	cfg := support(acd.QueueConfig{}, "ann", "bob")
	cfg.Agents[0].Queues[0].Level = 2
	cfg.Agents[1].Queues[0].Level = 1
	r := newRig(t, cfg)
	r.login("ann")
	r.pass(time.Hour)
	r.login("bob")
	r.arrive(acd.Route{}, "c1")
	require.Equal(t, tandem.CallID("c1"), r.agent("bob").Call)
}

func TestQueue_RoundRobinRemembersWhoseTurnItIs(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{Strategy: acd.RoundRobin{}, WrapUp: -1}, "ann", "bob", "cid"))
	r.login("cid", "bob", "ann")
	var order []tandem.AgentID
	for i := range 7 {
		c := tandem.CallID("c" + string(rune('1'+i)))
		r.arrive(acd.Route{}, c)
		a := r.queue("support").Waiting[0].Agent
		order = append(order, a)
		r.answer(a, c)
		r.hangUp(in(c))
		r.obey()
	}
	require.Equal(t, []tandem.AgentID{"ann", "bob", "cid", "ann", "bob", "cid", "ann"}, order)
}

func TestQueue_AHostsOwnStrategyIsAFunction(t *testing.T) {
	t.Parallel()
	best := acd.StrategyFunc(func(s acd.Standing) float64 { return -float64(s.Skills["spanish"]) })
	cfg := support(acd.QueueConfig{Strategy: best}, "ann", "bob")
	cfg.Agents[1].Skills = map[tandem.SkillID]uint8{"spanish": 80}
	r := newRig(t, cfg)
	r.login("ann", "bob")
	r.arrive(acd.Route{}, "c1")
	require.Equal(t, tandem.CallID("c1"), r.agent("bob").Call)
	d := r.decisions()
	require.Len(t, d, 1)
	require.Equal(t, "custom", d[0].Strategy)
	require.Equal(t, []tandem.Candidate{{Agent: "bob", Key: -80}, {Agent: "ann", Key: 0}}, d[0].Candidates)
}

func TestQueue_AFaultyStrategyPutsTheAgentLastAndIsTold(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func() float64{
		"panic": func() float64 { panic("boom") },
		"nan":   math.NaN,
		"inf":   func() float64 { return math.Inf(1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, support(acd.QueueConfig{Strategy: acd.StrategyFunc(func(s acd.Standing) float64 {
				if s.Agent == "ann" {
					return fault()
				}
				return 1
			})}, "ann", "bob"))
			r.login("ann", "bob")
			r.arrive(acd.Route{}, "c1", "c2")
			require.Equal(t, tandem.CallID("c1"), r.agent("bob").Call)
			require.Equal(t, tandem.CallID("c2"), r.agent("ann").Call, "the engine is alive")
			require.NotEmpty(t, journal(t, r.records), "every key can be journalled")
			if name == "inf" {
				require.Empty(t, r.faults)
				return
			}
			require.Len(t, r.faults, 1)
			require.ErrorContains(t, r.faults[0], `queue "support", agent "ann"`)
		})
	}
}

func TestDecided_NamesCandidatesBestFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann", "bob", "cid"))
	for _, a := range []tandem.AgentID{"cid", "ann"} {
		r.login(a)
		r.pass(2 * time.Second)
	}
	r.fresh()
	r.arrive(acd.Route{}, "c1")
	require.Equal(t, []tandem.Decided{{
		Call: "c1", Queue: "support", Agent: "cid", Strategy: "longest_idle", Rule: "longest_idle", Considered: 2,
		Candidates: []tandem.Candidate{{Agent: "cid", Key: 0}, {Agent: "ann", Key: 2}},
	}}, r.decisions())
}

func TestDecided_NamesAtMostTwentyCandidates(t *testing.T) {
	t.Parallel()
	var ids []tandem.AgentID
	for i := range 30 {
		ids = append(ids, agentID(i))
	}
	r := newRig(t, support(acd.QueueConfig{}, ids...))
	r.login(ids...)
	r.fresh()
	r.arrive(acd.Route{}, "c1")
	d := r.decisions()
	require.Len(t, d, 1)
	require.Len(t, d[0].Candidates, 20)
	require.Equal(t, 30, d[0].Considered)
}

func TestDecided_SaysWhyNobodyWasAsked(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{MaxWaiting: 1, MaxWait: time.Minute}, "ann"))
	r.arrive(acd.Route{}, "c1", "c2")
	r.pass(time.Minute)
	var rules []string
	for _, rec := range r.records {
		if d, ok := rec.Event.(tandem.Decided); ok {
			rules = append(rules, string(d.Call)+" "+d.Rule)
		}
	}
	require.Equal(t, []string{"c1 no_agent_ready", "c2 queue_full", "c1 max_wait"}, rules)
}

func TestAgent_TakesTheBestCallOfAllItsQueues(t *testing.T) {
	t.Parallel()
	base := func() acd.EngineConfig {
		return acd.EngineConfig{
			Queues: []acd.QueueConfig{{Queue: tandem.Queue{ID: "a"}}, {Queue: tandem.Queue{ID: "b"}, Weight: 1}, {Queue: tandem.Queue{ID: "c"}}},
			Agents: []acd.AgentConfig{{Agent: tandem.Agent{ID: "ann"}, AlwaysReachable: true, Queues: []acd.Seat{{Queue: "a"}, {Queue: "b"}, {Queue: "c"}}}},
		}
	}
	for name, test := range map[string]struct {
		arrivals []acd.Route
		want     tandem.CallID
		rule     string
	}{
		"priority": {[]acd.Route{{Queue: "a"}, {Queue: "b"}, {Queue: "c", Priority: 1}}, "c3", "highest_priority"},
		"weight":   {[]acd.Route{{Queue: "a"}, {Queue: "b"}, {Queue: "c"}}, "c2", "queue_weight"},
		"wait":     {[]acd.Route{{Queue: "c"}, {Queue: "a"}}, "c1", "longest_waiting"},
		"alone":    {[]acd.Route{{Queue: "c"}}, "c1", "only_queue_waiting"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, base())
			for i, a := range test.arrivals {
				r.arrive(a, tandem.CallID("c"+string(rune('1'+i))))
				r.pass(time.Second)
			}
			r.fresh()
			r.login("ann")
			require.Equal(t, test.want, r.agent("ann").Call)
			d := r.decisions()
			require.Len(t, d, 1)
			require.Equal(t, test.rule, d[0].Rule)
		})
	}
}

func TestOffer_FailureKeepsThePlaceAndHoldsTheAgentBack(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cause   tandem.Cause
		backOff time.Duration
	}{
		{tandem.CauseNoAnswer, 5 * time.Second},
		{tandem.CauseRejected, 10 * time.Second},
		{tandem.CauseBusy, time.Minute},
		{tandem.CauseUnavailable, 5 * time.Second},
		{tandem.CauseNetwork, 5 * time.Second},
	} {
		t.Run(test.cause.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, support(acd.QueueConfig{}, "ann"))
			r.login("ann")
			r.arrive(acd.Route{}, "c1", "c2")
			r.fresh()
			r.on(tandem.LegEnded{Leg: r.leg("ann"), Cause: test.cause})
			r.happened("c1 offer ended ann "+test.cause.String(), "ann ready")
			require.Equal(t, r.now.Add(test.backOff), r.agent("ann").Until)
			r.pass(test.backOff - 1)
			r.happened()
			r.pass(1)
			r.happened("c1 offered ann", "ann reserved")
			r.sound()
		})
	}
}

func TestOffer_RingsOutAtItsDeadlineWhateverTheSwitchSays(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann", "bob"))
	r.login("ann", "bob")
	r.arrive(acd.Route{}, "c1")
	r.fresh()
	r.pass(15 * time.Second)
	r.happened("c1 offer ended ann no_answer", "c1 offered bob", "bob reserved")
	require.Equal(t, tandem.AgentReserved, r.state("ann"), "until the leg has ended")
	r.obey()
	r.happened("ann ready")
	require.Equal(t, 1, r.agent("ann").Misses)
	r.sound()
}

func TestOffer_AnswerAfterTheDeadlineCountsForNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann", "bob"))
	r.login("ann", "bob")
	r.arrive(acd.Route{}, "c1")
	r.pass(15 * time.Second)
	r.fresh()
	r.on(tandem.LegAnswered{Leg: r.leg("ann")})
	r.happened()
	r.answer("bob", "c1")
	r.happened("bob on_call", "c1 connected bob")
	r.obey()
	r.happened("ann ready")
	r.sound()
}

func TestOffer_AgentIsFreedEvenIfTheLegNeverEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1")
	r.pass(15 * time.Second)
	require.Equal(t, tandem.AgentReserved, r.state("ann"))
	r.fresh()
	r.pass(5 * time.Second)
	r.happened("ann ready", "c1 offered ann", "ann reserved")
	require.Len(t, r.faults, 1)
	require.ErrorContains(t, r.faults[0], "leg did not end")
}

func TestOffer_CancelledWhenTheCustomerHangsUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1")
	r.fresh()
	r.hangUp(in("c1"))
	r.happened("c1 offer ended ann cancelled", "c1 left abandoned from 1", "c1 ended normal by customer")
	r.on(tandem.LegAnswered{Leg: r.leg("ann")})
	r.happened()
	r.obey()
	r.happened("ann ready")
	require.True(t, r.agent("ann").Until.IsZero(), "no back-off: it was not the agent's doing")
	r.sound()
}

func TestOffer_EndsAtOnceWithTheDevice(t *testing.T) {
	t.Parallel()
	cfg := support(acd.QueueConfig{}, "ann", "bob")
	cfg.Agents[0].AlwaysReachable = false
	r := newRig(t, cfg)
	r.on(tandem.DeviceChanged{Agent: "ann", Reachable: true})
	r.login("ann", "bob")
	r.arrive(acd.Route{}, "c1")
	r.fresh()
	r.on(tandem.DeviceChanged{Agent: "ann", Reachable: false})
	r.happened("c1 offer ended ann unavailable", "c1 offered bob", "bob reserved")
	r.obey()
	r.happened("ann unavailable (no device)")
	r.sound()
}

func TestOffer_IsAnsweredOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1")
	r.answer("ann", "c1")
	r.fresh()
	r.answer("ann", "c1")
	r.on(tandem.LegAnswered{Leg: in("c1")})
	r.happened()
	r.sound()
}

func TestOffer_RingsSeveralAndTheFirstToAnswerGetsTheCall(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{RingAtOnce: 3}, "ann", "bob", "cid"))
	r.login("ann", "bob")
	r.arrive(acd.Route{}, "c1")
	r.fresh()
	r.login("cid")
	r.happened("cid ready", "c1 offered cid", "cid reserved")
	r.answer("bob", "c1")
	got := r.fresh()
	require.ElementsMatch(t, []string{"c1 offer ended ann elsewhere", "c1 offer ended cid elsewhere", "bob on_call", "c1 connected bob"}, got)
	r.on(tandem.LegAnswered{Leg: r.leg("ann")})
	r.happened()
	r.obey()
	require.ElementsMatch(t, []string{"ann ready", "cid ready"}, r.fresh())
	r.sound()
}

func TestOffer_FailedBridgeGivesTheCallToTheNext(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(r *rig, leg tandem.LegID){
		"agent's leg ends": func(r *rig, leg tandem.LegID) { r.hangUp(leg) },
		"bridge refused": func(r *rig, leg tandem.LegID) {
			r.e.Failed(r.now, acd.Action{Kind: acd.ActionBridge, Call: "c1", Leg: in("c1"), Peer: leg}, tandem.ErrState)
			r.take()
			r.obey()
		},
		"nothing heard": func(r *rig, _ tandem.LegID) {
			r.pass(5 * time.Second)
			r.obey()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, support(acd.QueueConfig{Sound: tandem.Sound{Kind: tandem.SoundMusic}}, "ann", "bob"))
			r.login("ann", "bob")
			r.arrive(acd.Route{}, "c1")
			r.on(tandem.LegAnswered{Leg: r.leg("ann")})
			r.fresh()
			r.actions = slices.DeleteFunc(r.actions, func(a acd.Action) bool { return a.Kind == acd.ActionPlay })
			fail(r, r.leg("ann"))
			require.Contains(t, r.fresh(), "c1 offered bob")
			music := func(a acd.Action) bool { return a.Kind == acd.ActionPlay && a.Leg == in("c1") }
			require.True(t, slices.ContainsFunc(r.actions, music), "the caller does not wait in silence")
			require.Equal(t, tandem.AgentReady, r.state("ann"))
		})
	}
}

func TestOffer_CustomerGoneWhileBeingConnectedIsAbandoned(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1")
	r.on(tandem.LegAnswered{Leg: r.leg("ann")})
	r.fresh()
	r.hangUp(in("c1"))
	r.happened("c1 offer ended ann cancelled", "c1 left abandoned from 1", "c1 ended normal by customer")
	r.obey()
	r.happened("ann ready")
	r.sound()
}

func TestOffer_FencesGrow(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann", "bob"))
	r.login("ann", "bob")
	r.arrive(acd.Route{}, "c1", "c2")
	var fences []uint64
	for _, rec := range r.records {
		if o, ok := rec.Event.(tandem.CallOffered); ok {
			fences = append(fences, o.Fence)
			require.Equal(t, rec.At.Add(15*time.Second), o.Deadline)
		}
	}
	require.Equal(t, []uint64{1, 2}, fences)
}

func TestDirect_CallIsForItsAgentAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{WrapUp: -1}, "ann", "bob"))
	r.login("ann", "bob")
	r.arrive(acd.Route{Agent: "bob"}, "c1", "c2")
	require.Equal(t, tandem.CallID("c1"), r.agent("bob").Call)
	require.Equal(t, tandem.AgentReady, r.state("ann"), "c2 waits for bob")
	r.arrive(acd.Route{}, "c3")
	require.Equal(t, tandem.CallID("c3"), r.agent("ann").Call)
	q := r.queue("support")
	require.Equal(t, tandem.CallID("c2"), q.Waiting[1].Call)
	r.answer("bob", "c1")
	r.hangUp(in("c1"))
	r.obey()
	require.Equal(t, tandem.CallID("c2"), r.agent("bob").Call)
	r.sound()
}

func TestOutbound_AnsweredCallGoesFirstAndStartsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.arrive(acd.Route{Priority: 99}, "c1")
	r.fresh()
	r.ok(r.e.Enqueue(r.now, tandem.Arrival{
		Call:  tandem.Call{ID: "o1", Direction: tandem.Outbound, Customer: "o1-out", From: tandem.CallerID{Number: "+15550111"}, To: "+15550199"},
		Queue: "support", Answered: true,
	}))
	r.happened("o1 queued support at 1")
	r.login("ann")
	require.Equal(t, tandem.CallID("o1"), r.agent("ann").Call)
	require.Equal(t, tandem.Number("+15550199"), r.agent("ann").Customer.Number, "the agent sees the customer's number")
	r.sound()
}

func TestEnqueue_RefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	good := func() tandem.Arrival {
		return tandem.Arrival{Call: tandem.Call{ID: "c1", Direction: tandem.Inbound, Customer: "l1"}, Queue: "support", Answered: true}
	}
	r.on(tandem.LegEnded{Leg: "dead", Cause: tandem.CauseNormal})
	r.ok(r.e.Enqueue(r.now, tandem.Arrival{Call: tandem.Call{ID: "c0", Direction: tandem.Inbound, Customer: "l0"}, Queue: "support"}))
	for name, test := range map[string]struct {
		spoil func(*tandem.Arrival)
		want  error
		text  string
	}{
		"no id":         {func(a *tandem.Arrival) { a.Call.ID = "" }, tandem.ErrInvalid, "arrival.call.id"},
		"no leg":        {func(a *tandem.Arrival) { a.Call.Customer = "" }, tandem.ErrInvalid, "arrival.call.customer"},
		"unknown queue": {func(a *tandem.Arrival) { a.Queue = "sales" }, tandem.ErrNotFound, `queue "sales"`},
		"unknown agent": {func(a *tandem.Arrival) { a.Agent = "an" }, tandem.ErrNotFound, `agent "an"`},
		"impatient":     {func(a *tandem.Arrival) { a.Patience = -1 }, tandem.ErrInvalid, "patience"},
		"same call":     {func(a *tandem.Arrival) { a.Call.ID = "c0" }, tandem.ErrConflict, "c0"},
		"same leg":      {func(a *tandem.Arrival) { a.Call.Customer = "l0" }, tandem.ErrConflict, "c1"},
		"ended leg":     {func(a *tandem.Arrival) { a.Call.Customer = "dead" }, tandem.ErrNotFound, "has ended"},
	} {
		a := good()
		test.spoil(&a)
		err := r.e.Enqueue(r.now, a)
		require.ErrorIs(t, err, test.want, name)
		require.ErrorContains(t, err, test.text, name)
	}
	r.ok(r.e.Enqueue(r.now, good()))
	r.sound()
}

func TestQueue_Limits(t *testing.T) {
	t.Parallel()
	t.Run("full", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, support(acd.QueueConfig{MaxWaiting: 1}, "ann"))
		r.arrive(acd.Route{}, "c1")
		r.fresh()
		r.arrive(acd.Route{}, "c2")
		r.happened("c2 started", "c2 left full from 2")
		last := r.actions[len(r.actions)-1]
		require.Equal(t, acd.Action{Kind: acd.ActionHangup, Call: "c2", Leg: in("c2"), Cause: tandem.CauseQueueFull}, last)
		r.obey()
		r.happened("c2 ended queue_full by system")
	})
	t.Run("full no longer", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, support(acd.QueueConfig{MaxWaiting: 1}, "ann"))
		r.arrive(acd.Route{}, "c1")
		r.hangUp(in("c1"))
		r.fresh()
		r.arrive(acd.Route{}, "c2")
		r.happened("c2 started", "c2 queued support at 1")
		r.login("ann")
		r.answer("ann", "c2")
		r.fresh()
		r.ok(r.e.Incoming(r.now, "c3", tandem.LegIncoming{Leg: in("c3"), Trunk: "carrier"}))
		r.ok(r.e.Routed(r.now, "c3", acd.Route{Queue: "support"}))
		r.hangUp(in("c3"))
		r.happened("c3 started", "c3 ended normal by customer")
		r.arrive(acd.Route{}, "c4")
		r.happened("c4 started", "c4 queued support at 1")
		r.ok(r.e.Incoming(r.now, "c5", tandem.LegIncoming{Leg: in("c5"), Trunk: "carrier"}))
		r.ok(r.e.Routed(r.now, "c5", acd.Route{Queue: "support"}))
		r.happened("c5 started", "c5 left full from 2")
		r.sound()
	})
	t.Run("full of those being answered", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, support(acd.QueueConfig{MaxWaiting: 1}, "ann"))
		for _, c := range []tandem.CallID{"c1", "c2"} {
			r.ok(r.e.Incoming(r.now, c, tandem.LegIncoming{Leg: in(c), Trunk: "carrier"}))
			r.ok(r.e.Routed(r.now, c, acd.Route{Queue: "support"}))
		}
		r.happened("c1 started", "c2 started", "c2 left full from 1")
		r.ok(r.e.Hangup(r.now, "c1", tandem.PartySystem))
		r.arrive(acd.Route{}, "c3")
		r.happened("c3 started", "c3 queued support at 1")
	})
	t.Run("wait", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, support(acd.QueueConfig{MaxWait: 10 * time.Second}, "ann"))
		r.login("ann")
		r.arrive(acd.Route{}, "c1")
		r.arrive(acd.Route{Patience: 4 * time.Second}, "c2")
		r.fresh()
		r.pass(4 * time.Second)
		r.happened("c2 left timeout from 2")
		r.pass(6 * time.Second)
		r.happened("c2 ended no_answer by system", "c1 offer ended ann cancelled", "c1 left timeout from 1")
		require.Len(t, r.faults, 1, "the leg of c2 did not end in time")
	})
	t.Run("refuse when all are away", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, support(acd.QueueConfig{RefuseWhen: []tandem.AgentState{tandem.AgentLoggedOut, tandem.AgentPaused}}, "ann", "bob"))
		r.login("ann", "bob")
		r.ok(r.e.Pause(r.now, "bob", "lunch"))
		r.arrive(acd.Route{}, "c1")
		r.ok(r.e.Logout(r.now, "ann"))
		r.obey()
		r.fresh()
		r.arrive(acd.Route{}, "c2")
		r.happened("c2 started", "c2 left empty from 2")
		r.obey()
		r.happened("c2 ended unavailable by system")
	})
	t.Run("leave when all are away", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, support(acd.QueueConfig{LeaveWhen: []tandem.AgentState{tandem.AgentLoggedOut}}, "ann"))
		r.login("ann")
		r.ok(r.e.Pause(r.now, "ann", "lunch"))
		r.arrive(acd.Route{}, "c1", "c2")
		r.fresh()
		r.ok(r.e.Logout(r.now, "ann"))
		r.happened("ann logged_out", "c1 left empty from 1", "c2 left empty from 1")
	})
}

func TestServiceLevel_CountsAgainstAllThatAreDone(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{WrapUp: -1}, "ann"))
	require.InDelta(t, 1, r.queue("support").ServiceLevel, 0, "nothing is done")
	r.arrive(acd.Route{}, "c1", "c2", "c3")
	r.pass(19 * time.Second)
	r.login("ann")
	r.answer("ann", "c1")
	r.pass(2 * time.Second)
	r.hangUp(in("c1"))
	r.obey()
	r.answer("ann", "c2")
	r.hangUp(in("c3"))
	q := r.queue("support")
	require.InDelta(t, 1.0/3, q.ServiceLevel, 1e-9)
	require.Equal(t, []uint64{3, 2, 1, 0, 1}, []uint64{q.Offered, q.Answered, q.Abandoned, q.Left, q.InTime})
}

func TestServiceLevel_IncludesTheLastInstant(t *testing.T) {
	t.Parallel()
	for i, wait := range []time.Duration{5 * time.Second, 5*time.Second + 1} {
		r := newRig(t, support(acd.QueueConfig{ServiceLevel: 5 * time.Second}, "ann"))
		r.login("ann")
		r.arrive(acd.Route{}, "c1")
		r.pass(wait)
		r.answer("ann", "c1")
		require.EqualValues(t, 1-i, r.queue("support").InTime)
	}
}

func TestMaxWait_EndsWithTheAnswer(t *testing.T) {
	t.Parallel()
	connecting := func() *rig {
		r := newRig(t, support(acd.QueueConfig{MaxWait: 10 * time.Second}, "ann", "bob"))
		r.login("ann", "bob")
		r.arrive(acd.Route{}, "c1")
		r.pass(8 * time.Second)
		r.on(tandem.LegAnswered{Leg: r.leg("ann")})
		r.pass(3 * time.Second)
		r.fresh()
		return r
	}
	r := connecting()
	r.on(tandem.LegBridged{Leg: r.leg("ann"), Peer: in("c1")})
	r.happened("c1 connected ann")
	r.sound()

	r = connecting()
	r.hangUp(r.leg("ann"))
	r.happened("c1 offer ended ann failed", "ann ready", "c1 left timeout from 1")
	r.sound()
}

func TestTime_MayStandStillOrJump(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.pass(time.Minute)
	r.now = r.now.Add(-time.Hour)
	r.arrive(acd.Route{}, "c1")
	require.Equal(t, r.now, r.records[len(r.records)-1].At, "records show the time they were given")
	r.now = r.now.Add(time.Hour)
	r.answer("ann", "c1")
	require.Equal(t, tandem.AgentOnCall, r.state("ann"))
	r.hangUp(in("c1"))
	r.obey()
	r.now = r.now.Add(1000 * time.Hour)
	r.e.Tick(r.now)
	require.Equal(t, tandem.AgentReady, r.state("ann"))
	r.sound()
}

func TestSwitchLost_SettlesEverything(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann", "bob", "cid"))
	r.login("ann", "bob")
	r.arrive(acd.Route{}, "c1", "c2", "c3")
	r.answer("ann", "c1")
	r.fresh()
	r.e.Failed(r.now, acd.Action{Kind: acd.ActionPlay, Call: "c3", Leg: in("c3")}, tandem.ErrClosed)
	r.take()
	require.Equal(t, []string{
		"c1 released ann by system", "ann wrap_up", "c1 ended failed by system",
		"c2 offer ended bob cancelled", "c2 left failed from 1", "c2 ended failed by system",
		"c3 left failed from 1", "c3 ended failed by system", "bob ready",
	}, r.fresh())
	require.Equal(t, tandem.AgentWrapUp, r.state("ann"))
	r.sound()
}

func TestSwitchLost_TakesLegsAndDevicesWithIt(t *testing.T) {
	t.Parallel()
	cfg := support(acd.QueueConfig{}, "ann")
	cfg.Agents[0].AlwaysReachable = false
	r := newRig(t, cfg)
	r.on(tandem.DeviceChanged{Agent: "ann", Reachable: true})
	r.login("ann")
	r.arrive(acd.Route{}, "c1")
	r.e.SwitchLost(r.now)
	r.take()
	require.Equal(t, tandem.AgentUnavailable, r.state("ann"))
	again := tandem.Arrival{Call: tandem.Call{ID: "c1", Direction: tandem.Inbound, Customer: in("c1")}, Queue: "support", Answered: true}
	require.NoError(t, r.e.Enqueue(r.now, again), "neither the call nor its leg is known any more")
	r.on(tandem.DeviceChanged{Agent: "ann", Reachable: true})
	require.Equal(t, tandem.AgentReserved, r.state("ann"))
	r.sound()
}

func TestStop_RecordsInterruptedCallsAndLogsOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1", "c2")
	r.answer("ann", "c1")
	r.fresh()
	r.e.Stop(r.now)
	r.take()
	r.happened("c1 released ann by system", "c1 ended interrupted by system", "c2 left interrupted from 1", "c2 ended interrupted by system",
		"ann logged_out (stopped)")
	r.sound()
}

func TestNewEngine_SaysWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	q := acd.QueueConfig{Queue: tandem.Queue{ID: "a"}}
	with := func(change func(*acd.QueueConfig)) acd.EngineConfig {
		q := q
		change(&q)
		return acd.EngineConfig{Queues: []acd.QueueConfig{q}}
	}
	agent := func(a acd.AgentConfig) acd.EngineConfig {
		return acd.EngineConfig{Queues: []acd.QueueConfig{q}, Agents: []acd.AgentConfig{a}}
	}
	ann := tandem.Agent{ID: "ann"}
	for want, cfg := range map[string]acd.EngineConfig{
		"queues[0].id: is missing":               {Queues: []acd.QueueConfig{{}}},
		`queues[1].id: queue "a" is there twice`: {Queues: []acd.QueueConfig{q, q}},
		"queues[0].ring_timeout: is negative":    with(func(q *acd.QueueConfig) { q.RingTimeout = -1 }),
		"queues[0].max_wait: is negative":        with(func(q *acd.QueueConfig) { q.MaxWait = -1 }),
		"queues[0].service_level: is negative":   with(func(q *acd.QueueConfig) { q.ServiceLevel = -1 }),
		"queues[0].ring_at_once: is negative":    with(func(q *acd.QueueConfig) { q.RingAtOnce = -1 }),
		"queues[0].max_waiting: is negative":     with(func(q *acd.QueueConfig) { q.MaxWaiting = -1 }),
		"queues[0].sound: is of no known kind":   with(func(q *acd.QueueConfig) { q.Sound.Kind = 99 }),
		"queues[0].sound.name: is missing":       with(func(q *acd.QueueConfig) { q.Sound.Kind = tandem.SoundFile }),
		"queues[0].refuse_when, leave_when":      with(func(q *acd.QueueConfig) { q.LeaveWhen = []tandem.AgentState{99} }),
		"agents[0].id: is missing":               agent(acd.AgentConfig{}),
		`agents[0].queues[0]: queue "b" does`:    agent(acd.AgentConfig{Agent: ann, Queues: []acd.Seat{{Queue: "b"}}}),
		`agents[0].queues[1]: queue "a" is`:      agent(acd.AgentConfig{Agent: ann, Queues: []acd.Seat{{Queue: "a"}, {Queue: "a"}}}),
		"agents[0].queues[0]: level":             agent(acd.AgentConfig{Agent: ann, Queues: []acd.Seat{{Queue: "a", Level: -1}}}),
		`agents[1].id: agent "ann"`:              {Agents: []acd.AgentConfig{{Agent: ann}, {Agent: ann}}},
		"clearing: is negative":                  {Clearing: -1},
	} {
		_, err := acd.NewEngine(cfg)
		require.ErrorIs(t, err, tandem.ErrInvalid, want)
		var ce *tandem.ConfigError
		require.ErrorAs(t, err, &ce, want)
		require.True(t, strings.HasPrefix(err.Error(), want), "got %q, want %q", err, want)
	}
}
