package acd_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/loopback"
)

func (r *rig) why(call tandem.CallID) acd.WhyCall {
	r.t.Helper()
	w, err := r.e.Why(r.now, call)
	r.ok(err)
	return w
}

func TestWhy_SaysWhyACallerStillWaits(t *testing.T) {
	t.Parallel()
	ids := []tandem.AgentID{"out", "nophone", "paused", "talking", "wrapping", "tired", "untrained", "ringing"}
	cfg := support(acd.QueueConfig{
		Requirements: spanish(50, 0), Relax: []acd.Relaxation{{After: 10 * time.Minute, Skill: "es"}}, RingTimeout: time.Hour, WrapUp: time.Hour, MaxWait: time.Hour,
		Retry: acd.Retry{Rejected: time.Hour},
	}, ids...)
	for i := range cfg.Agents {
		cfg.Agents[i].Skills = map[tandem.SkillID]uint8{"es": 80}
	}
	cfg.Agents[1].AlwaysReachable = false
	cfg.Agents[6].Skills = nil
	r := newRig(t, cfg)
	r.login("nophone", "paused", "untrained")
	r.ok(r.e.Pause(r.now, "paused", "lunch"))
	r.login("tired")
	r.arrive(acd.Route{}, "c0")
	r.ok(r.e.Reject(r.now, "tired", "c0"))
	r.obey()
	for _, a := range []tandem.AgentID{"talking", "wrapping", "ringing"} {
		r.login(a)
		if a != "ringing" {
			r.answer(a, r.agent(a).Call)
			r.arrive(acd.Route{}, "next-"+tandem.CallID(a))
		}
	}
	r.hangUp(in(r.agent("wrapping").Call))
	r.obey()
	r.arrive(acd.Route{}, "c1")
	r.pass(time.Minute)
	w := r.why("c1")
	require.Equal(t, "no_agent_free", w.Rule)
	require.Equal(t, 2, w.Place)
	require.Equal(t, time.Minute, w.Waited)
	require.Equal(t, []tandem.Requirement{{Skill: "es", Min: 50, Max: 100}}, w.Needs)
	require.Equal(t, r.now.Add(59*time.Minute), w.LeavesAt)
	got := map[tandem.AgentID]string{}
	for _, o := range w.Agents {
		got[o.Agent] = o.Skip + ", " + o.Change
	}
	require.Equal(t, map[tandem.AgentID]string{
		"out": "logged_out, log_in", "nophone": "unavailable, connect_device", "paused": "paused, end_pause", "talking": "on_call, hang_up",
		"wrapping": "wrap_up, finish_wrap_up", "tired": "back_off, wait", "untrained": "skill, learn_skill", "ringing": "reserved, answer",
	}, got)
	require.Equal(t, 1, w.Skipped["skill"])
	require.Equal(t, tandem.Requirement{Skill: "es", Min: 50, Max: 100}, w.Agents[6].Skill)
	require.Equal(t, r.now.Add(9*time.Minute), w.Agents[6].Until, "then Spanish is not asked for any more")
	require.Equal(t, "rings", r.why(r.agent("ringing").Call).Rule)
}

func TestWhy_NamesTheRule(t *testing.T) {
	t.Parallel()
	r := newRig(t, chain(acd.QueueConfig{Requirements: spanish(1, 0)}, acd.QueueConfig{}, acd.QueueConfig{}))
	r.login("ann", "bob")
	r.arrive(acd.Route{}, "unfit")
	require.Equal(t, "no_agent_fits", r.why("unfit").Rule)
	r.arrive(acd.Route{Queue: "office", Agent: "cid"}, "direct")
	require.Equal(t, "direct", r.why("direct").Rule)
	require.Equal(t, []acd.Obstacle{{Agent: "cid", Skip: "logged_out", Change: "log_in"}}, r.why("direct").Agents)
	r.arrive(acd.Route{Queue: "sales"}, "c1")
	r.answer("bob", "c1")
	require.Equal(t, "not_waiting", r.why("c1").Rule)
	r.login("cid")
	r.arrive(acd.Route{Queue: "office", Prefer: "bob"}, "kept")
	require.Equal(t, "kept", r.why("kept").Rule)
	_, err := r.e.Why(r.now, "c9")
	require.ErrorIs(t, err, tandem.ErrNotFound)
}

func TestWhyAgent_SaysWhyAnAgentIsIdle(t *testing.T) {
	t.Parallel()
	cfg := chain(acd.QueueConfig{Requirements: spanish(1, 0)}, acd.QueueConfig{}, acd.QueueConfig{})
	cfg.Agents = append(cfg.Agents, acd.AgentConfig{Agent: tandem.Agent{ID: "dee"}, AlwaysReachable: true})
	r := newRig(t, cfg)
	why := func(id tandem.AgentID) acd.WhyAgent {
		w, err := r.e.WhyAgent(r.now, id)
		r.ok(err)
		return w
	}
	require.Equal(t, "logged_out", why("ann").Rule)
	r.login("ann", "bob", "dee")
	require.Equal(t, "no_call_waits", why("bob").Rule)
	require.Equal(t, "no_queue", why("dee").Rule)
	r.arrive(acd.Route{}, "c1")
	w := why("ann")
	require.Equal(t, "no_call_fits", w.Rule)
	require.Equal(t, []acd.QueueObstacle{{Queue: "support", Wanting: 1, Skip: map[string]int{"skill": 1}}}, w.Queues)
	_, err := r.e.WhyAgent(r.now, "nobody")
	require.ErrorIs(t, err, tandem.ErrNotFound)
}

func TestCenter_Explains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sw, err := loopback.New(loopback.Config{})
		require.NoError(t, err)
		centre, err := acd.New(acd.Config{Switch: sw, Agents: []acd.AgentConfig{{Agent: tandem.Agent{ID: "ann"}}}})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = centre.Run(ctx) }()
		w, err := centre.WhyAgent(ctx, "ann")
		require.NoError(t, err)
		require.Equal(t, "logged_out", w.Rule)
		_, err = centre.Why(ctx, "c1")
		require.ErrorIs(t, err, tandem.ErrNotFound)
	})
}
