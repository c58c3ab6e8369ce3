package acd_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// skilled is a queue whose agents have Spanish at 90, 50 and 0.
func skilled(q acd.QueueConfig) acd.EngineConfig {
	cfg := support(q, "ann", "bob", "cid")
	cfg.Agents[0].Skills = map[tandem.SkillID]uint8{"es": 90}
	cfg.Agents[1].Skills = map[tandem.SkillID]uint8{"es": 50}
	return cfg
}

func spanish(least, most uint8) []tandem.Requirement {
	return []tandem.Requirement{{Skill: "es", Min: least, Max: most}}
}

func TestSkills_OnlyThoseWhoHaveThemAreAsked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		queue, call []tandem.Requirement
		want        tandem.AgentID
	}{
		"queue asks":          {spanish(60, 0), nil, "ann"},
		"call asks":           {nil, spanish(60, 0), "ann"},
		"both ask":            {spanish(10, 0), spanish(0, 60), "bob"},
		"at most":             {nil, spanish(0, 10), "cid"},
		"nobody":              {nil, []tandem.Requirement{{Skill: "ru", Min: 1}}, ""},
		"nothing is asked":    {nil, spanish(0, 100), "cid"},
		"more than one skill": {spanish(1, 0), []tandem.Requirement{{Skill: "es", Max: 70}, {Skill: "ru", Max: 5}}, "bob"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, skilled(acd.QueueConfig{Requirements: test.queue}))
			for _, a := range []tandem.AgentID{"cid", "bob", "ann"} {
				r.login(a)
				r.pass(time.Second)
			}
			r.arrive(acd.Route{Requirements: test.call}, "c1")
			require.Equal(t, test.want, r.queue("support").Waiting[0].Agent)
			r.sound()
		})
	}
}

// A call that nobody may take does not stand in the way of others, and its place counts for the positions.
func TestSkills_AWaitingCallDoesNotBlockOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t, skilled(acd.QueueConfig{}))
	r.arrive(acd.Route{Requirements: spanish(60, 0)}, "c1")
	r.login("bob", "cid")
	r.fresh()
	r.arrive(acd.Route{}, "c2")
	r.happened("c2 started", "c2 queued support at 2", "c2 offered bob", "bob reserved")
	r.login("ann")
	require.Equal(t, tandem.CallID("c1"), r.agent("ann").Call)
	r.sound()
}

func TestSkills_AgentTakesTheLongestWaitingOfWhatItMayTake(t *testing.T) {
	t.Parallel()
	r := newRig(t, skilled(acd.QueueConfig{WrapUp: -1}))
	r.arrive(acd.Route{Requirements: spanish(80, 0)}, "c1")
	r.pass(time.Second)
	r.arrive(acd.Route{}, "c2")
	r.pass(time.Second)
	r.arrive(acd.Route{Requirements: spanish(40, 0)}, "c3")
	r.login("bob")
	require.Equal(t, tandem.CallID("c2"), r.agent("bob").Call)
	r.login("ann")
	require.Equal(t, tandem.CallID("c1"), r.agent("ann").Call)
	r.answer("bob", "c2")
	r.hangUp(in("c2"))
	r.obey()
	require.Equal(t, tandem.CallID("c3"), r.agent("bob").Call)
	r.sound()
}

func TestRelax_AsksForLessAsTimeGoesBy(t *testing.T) {
	t.Parallel()
	r := newRig(t, skilled(acd.QueueConfig{
		Requirements: spanish(80, 0), Relax: []acd.Relaxation{{After: 10 * time.Second, Skill: "es", Min: 40}, {After: 30 * time.Second, Skill: "es"}},
	}))
	r.login("bob", "cid")
	r.arrive(acd.Route{}, "c1", "c2")
	r.fresh()
	r.pass(10*time.Second - 1)
	r.happened()
	r.pass(1)
	r.happened("c1 offered bob", "bob reserved")
	require.Equal(t, "relaxed", r.lastRule("c2"))
	r.pass(20*time.Second - 1)
	r.obey()
	require.Empty(t, r.agent("cid").Call)
	r.pass(1)
	require.NotEmpty(t, r.agent("cid").Call)
	r.sound()
}

// lastRule is the rule of the last decision on a call.
func (r *rig) lastRule(call tandem.CallID) string {
	rule := ""
	for _, rec := range r.records {
		if d, ok := rec.Event.(tandem.Decided); ok && d.Call == call {
			rule = d.Rule
		}
	}
	return rule
}

func TestTiers_HigherLevelsAreAskedAfterAWait(t *testing.T) {
	t.Parallel()
	cfg := support(acd.QueueConfig{Tiers: []acd.Tier{{Level: 1, After: 10 * time.Second}, {Level: 2, After: 20 * time.Second}}}, "ann", "bob", "cid")
	cfg.Agents[1].Queues[0].Level = 1
	cfg.Agents[2].Queues[0].Level = 2
	r := newRig(t, cfg)
	r.login("bob", "cid")
	r.arrive(acd.Route{}, "c1", "c2")
	r.fresh()
	r.pass(10*time.Second - 1)
	r.happened()
	r.pass(1)
	r.happened("c1 offered bob", "bob reserved")
	r.pass(10 * time.Second)
	r.happened("c2 offered cid", "cid reserved")
	r.login("ann")
	r.arrive(acd.Route{}, "c3")
	require.Equal(t, tandem.CallID("c3"), r.agent("ann").Call)
	r.sound()
}

func TestPrefer_KeepsTheCallForTheAgentForAWhile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		play func(r *rig)
		want tandem.AgentID
		rule string
	}{
		"ready": {func(*rig) {}, "ann", "preferred"},
		"busy, comes back": {func(r *rig) {
			r.arrive(acd.Route{Agent: "ann"}, "busy")
			r.answer("ann", "busy")
			r.arrive(acd.Route{Prefer: "ann"}, "c1")
			r.hangUp(in("busy"))
			r.obey()
		}, "ann", "only_queue_waiting"},
		"busy too long": {func(r *rig) {
			r.arrive(acd.Route{Agent: "ann"}, "busy")
			r.answer("ann", "busy")
			r.arrive(acd.Route{Prefer: "ann"}, "c1")
			r.pass(30 * time.Second)
		}, "bob", "longest_idle"},
		"declines": {func(r *rig) { r.arrive(acd.Route{Prefer: "ann"}, "c1"); r.ok(r.e.Reject(r.now, "ann", "c1")) }, "bob", "longest_idle"},
		"paused":   {func(r *rig) { r.ok(r.e.Pause(r.now, "ann", "coffee")) }, "bob", "longest_idle"},
		"goes meanwhile": {func(r *rig) {
			r.arrive(acd.Route{Agent: "ann"}, "busy")
			r.answer("ann", "busy")
			r.arrive(acd.Route{Prefer: "ann"}, "c1")
			r.ok(r.e.Logout(r.now, "ann"))
			r.hangUp(in("busy"))
			r.obey()
		}, "bob", "longest_idle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, support(acd.QueueConfig{WrapUp: -1, RingTimeout: time.Minute}, "ann", "bob"))
			r.login("bob")
			r.pass(time.Minute)
			r.login("ann")
			test.play(r)
			if _, known := r.waiting("c1"); !known {
				r.arrive(acd.Route{Prefer: "ann"}, "c1")
			}
			w, _ := r.waiting("c1")
			require.Equal(t, test.want, w.Agent)
			require.Equal(t, test.rule, r.lastRule("c1"))
			r.sound()
		})
	}
}

func (r *rig) waiting(call tandem.CallID) (acd.WaitingCall, bool) {
	for _, w := range r.queue("support").Waiting {
		if w.Call == call {
			return w, true
		}
	}
	return acd.WaitingCall{}, false
}

func TestAgeing_AWaitOutweighsAPointOfPriority(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ageing, before time.Duration
		want           []tandem.CallID
	}{
		{0, time.Hour, []tandem.CallID{"vip", "old"}},
		{time.Minute, 119 * time.Second, []tandem.CallID{"vip", "old"}},
		{time.Minute, 121 * time.Second, []tandem.CallID{"old", "vip"}},
	} {
		cfg := support(acd.QueueConfig{}, "ann")
		cfg.Ageing = test.ageing
		r := newRig(t, cfg)
		r.arrive(acd.Route{}, "old")
		r.pass(test.before)
		r.arrive(acd.Route{Priority: 2}, "vip")
		var got []tandem.CallID
		for _, w := range r.queue("support").Waiting {
			got = append(got, w.Call)
		}
		require.Equal(t, test.want, got, "ageing %s, %s before", test.ageing, test.before)
	}
}

func TestSharing_IsAStatedPolicy(t *testing.T) {
	t.Parallel()
	for sharing, want := range map[acd.Sharing]tandem.CallID{acd.SharingWeight: "c2", acd.SharingPriority: "c3", acd.SharingWait: "c1"} {
		cfg := acd.EngineConfig{
			Sharing: sharing, Queues: []acd.QueueConfig{{Queue: tandem.Queue{ID: "a"}}, {Queue: tandem.Queue{ID: "b"}, Weight: 9}, {Queue: tandem.Queue{ID: "c"}}},
			Agents: []acd.AgentConfig{{Agent: tandem.Agent{ID: "ann"}, AlwaysReachable: true, Queues: []acd.Seat{{Queue: "a"}, {Queue: "b"}, {Queue: "c"}}}},
		}
		r := newRig(t, cfg)
		for i, route := range []acd.Route{{Queue: "a"}, {Queue: "b", Priority: 1}, {Queue: "c", Priority: 1}} {
			if sharing == acd.SharingPriority {
				route.Queue = []tandem.QueueID{"b", "a", "c"}[i]
				route.Priority = []int{0, 0, 1}[i]
			}
			r.arrive(route, tandem.CallID(fmt.Sprintf("c%d", i+1)))
			r.pass(time.Second)
		}
		r.login("ann")
		require.Equal(t, want, r.agent("ann").Call, "%s", sharing)
		var back acd.Sharing
		require.NoError(t, back.UnmarshalText([]byte(sharing.String())))
		require.Equal(t, sharing, back)
	}
	var s acd.Sharing
	require.ErrorIs(t, s.UnmarshalText([]byte("luck")), tandem.ErrInvalid)
}

// Classes come and go with what calls ask for; however many there were, agents are found and nothing grows.
func TestSkills_ManyKindsOfRequirements(t *testing.T) {
	t.Parallel()
	r := newRig(t, skilled(acd.QueueConfig{WrapUp: -1}))
	r.login("ann")
	for i := range 300 {
		c := tandem.CallID(fmt.Sprintf("c%d", i))
		r.arrive(acd.Route{Requirements: []tandem.Requirement{{Skill: "es", Min: uint8(i%90) + 1}, {Skill: tandem.SkillID(fmt.Sprint(i)), Max: 5}}}, c)
		require.Equal(t, c, r.agent("ann").Call)
		r.answer("ann", c)
		r.hangUp(in(c))
		r.obey()
	}
	r.sound()
}

func TestSkills_BadRequirementsAreNamed(t *testing.T) {
	t.Parallel()
	for _, q := range []acd.QueueConfig{
		{Requirements: []tandem.Requirement{{Min: 3}}},
		{Requirements: []tandem.Requirement{{Skill: "es", Min: 60}, {Skill: "es", Max: 50}}},
		{Relax: []acd.Relaxation{{Skill: "es"}}},
		{Relax: []acd.Relaxation{{After: 1}}},
		{Relax: []acd.Relaxation{{After: 1, Skill: "es", Min: 101}}},
		{Tiers: []acd.Tier{{Level: 1}}},
		{Tiers: []acd.Tier{{After: 1}}},
		{Tiers: []acd.Tier{{Level: 2, After: 2}, {Level: 1, After: 3}}},
		{PreferFor: -1},
	} {
		_, err := acd.NewEngine(support(q))
		require.ErrorIs(t, err, tandem.ErrInvalid, "%+v", q)
		require.ErrorContains(t, err, "queues[0].")
	}
	r := newRig(t, support(acd.QueueConfig{Requirements: spanish(60, 0)}, "ann"))
	r.ok(r.e.Incoming(r.now, "c1", tandem.LegIncoming{Leg: in("c1")}))
	require.ErrorIs(t, r.e.Routed(r.now, "c1", acd.Route{Queue: "support", Requirements: spanish(0, 50)}), tandem.ErrInvalid, "they contradict the queue's")
	arrival := tandem.Arrival{Call: tandem.Call{ID: "c2", Customer: "l2"}, Queue: "support", Answered: true, Prefer: "nobody"}
	require.ErrorIs(t, r.e.Enqueue(r.now, arrival), tandem.ErrNotFound)
}

// What eases while a call is being connected counts at once when that fails.
func TestRelax_AlsoWhileBeingConnected(t *testing.T) {
	t.Parallel()
	r := newRig(t, skilled(acd.QueueConfig{Requirements: spanish(80, 0), Relax: []acd.Relaxation{{After: 10 * time.Second, Skill: "es"}}}))
	r.login("ann", "cid")
	r.arrive(acd.Route{}, "c1")
	r.pass(9 * time.Second)
	r.on(tandem.LegAnswered{Leg: r.leg("ann")})
	r.pass(2 * time.Second)
	r.fresh()
	r.hangUp(r.leg("ann"))
	r.happened("c1 offer ended ann failed", "ann ready", "c1 offered cid", "cid reserved")
	r.sound()
}
