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

func TestSetPriority_MovesTheCallToItsPlace(t *testing.T) {
	t.Parallel()
	for _, ageing := range []time.Duration{0, time.Minute} {
		cfg := support(acd.QueueConfig{}, "ann")
		cfg.Ageing = ageing
		r := newRig(t, cfg)
		r.arrive(acd.Route{}, "c1")
		r.pass(time.Second)
		r.arrive(acd.Route{}, "c2")
		r.pass(time.Second)
		r.arrive(acd.Route{Requirements: spanish(0, 50)}, "c3")
		order := func() (ids []tandem.CallID) {
			for _, w := range r.queue("support").Waiting {
				ids = append(ids, w.Call)
			}
			return ids
		}
		r.ok(r.e.SetPriority(r.now, "c2", 1))
		require.Equal(t, []tandem.CallID{"c2", "c1", "c3"}, order())
		r.ok(r.e.SetPriority(r.now, "c3", 2))
		require.Equal(t, []tandem.CallID{"c3", "c2", "c1"}, order())
		r.ok(r.e.SetPriority(r.now, "c2", 0))
		require.Equal(t, []tandem.CallID{"c3", "c1", "c2"}, order())
		require.ErrorIs(t, r.e.SetPriority(r.now, "c9", 1), tandem.ErrNotFound)
		r.login("ann")
		require.Equal(t, tandem.CallID("c3"), r.agent("ann").Call)
		r.answer("ann", "c3")
		require.ErrorIs(t, r.e.SetPriority(r.now, "c3", 1), tandem.ErrState)
		r.sound()
	}
}

func TestPick_GivesTheCallToTheAgentAtOnce(t *testing.T) {
	t.Parallel()
	cfg := chain(acd.QueueConfig{RingAtOnce: 3}, acd.QueueConfig{}, acd.QueueConfig{})
	cfg.Agents[2].Queues = append(cfg.Agents[2].Queues, acd.Seat{Queue: "support", Level: 3})
	r := newRig(t, cfg)
	r.login("ann")
	r.arrive(acd.Route{}, "c1", "c2")
	r.login("bob", "cid")
	require.Equal(t, tandem.CallID("c1"), r.agent("cid").Call, "it rings at two")
	r.fresh()
	r.ok(r.e.Pick(r.now, "c1", "bob"))
	r.happened("c1 offer ended cid cancelled", "c1 offer ended ann cancelled", "c1 offered bob", "bob reserved")
	require.Equal(t, "supervisor_pick", r.lastRule("c1"))
	r.ok(r.e.Pick(r.now, "c1", "bob"))
	require.ErrorIs(t, r.e.Pick(r.now, "c2", "bob"), tandem.ErrState)
	require.ErrorIs(t, r.e.Pick(r.now, "c2", "nobody"), tandem.ErrNotFound)
	require.ErrorIs(t, r.e.Pick(r.now, "c9", "ann"), tandem.ErrNotFound)
	r.obey()
	r.fresh()
	r.on(tandem.LegEnded{Leg: r.leg("bob"), Cause: tandem.CauseRejected})
	require.Equal(t, tandem.CallID("c1"), r.queue("support").Waiting[0].Call, "it keeps its place")
	r.sound()
}

func TestPick_GoesPastABackOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1")
	r.on(tandem.LegEnded{Leg: r.leg("ann"), Cause: tandem.CauseBusy})
	r.fresh()
	r.ok(r.e.Pick(r.now, "c1", "ann"))
	r.happened("c1 offered ann", "ann reserved")
	r.answer("ann", "c1")
	r.pass(2 * time.Minute)
	require.Equal(t, tandem.AgentOnCall, r.state("ann"))
	r.sound()
}

func TestForce_MakesAnAgentWhatTheSupervisorSays(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.arrive(acd.Route{}, "c1")
	r.fresh()
	r.ok(r.e.Force(r.now, "ann", tandem.AgentPaused, "training"))
	r.happened("ann paused (training)")
	r.ok(r.e.Force(r.now, "ann", tandem.AgentReady, ""))
	r.happened("ann ready", "c1 offered ann", "ann reserved")
	r.answer("ann", "c1")
	r.fresh()
	r.ok(r.e.Force(r.now, "ann", tandem.AgentLoggedOut, ""))
	require.Equal(t, tandem.AgentLoggedOut, r.agent("ann").Next, "after the call")
	require.ErrorIs(t, r.e.Force(r.now, "ann", tandem.AgentOnCall, ""), tandem.ErrInvalid)
	require.ErrorIs(t, r.e.Force(r.now, "nobody", tandem.AgentReady, ""), tandem.ErrNotFound)
	r.sound()
}

func TestExtendWrapUp_ProlongsIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	require.ErrorIs(t, r.e.ExtendWrapUp(r.now, "ann", time.Minute), tandem.ErrState)
	r.arrive(acd.Route{}, "c1")
	r.answer("ann", "c1")
	r.hangUp(in("c1"))
	r.obey()
	until := r.agent("ann").Until
	r.ok(r.e.ExtendWrapUp(r.now, "ann", time.Minute))
	require.Equal(t, until.Add(time.Minute), r.agent("ann").Until)
	for _, d := range []time.Duration{0, -1, 2 * time.Hour} {
		require.ErrorIs(t, r.e.ExtendWrapUp(r.now, "ann", d), tandem.ErrInvalid)
	}
	r.pass(70*time.Second - 1)
	require.Equal(t, tandem.AgentWrapUp, r.state("ann"))
	r.pass(1)
	require.Equal(t, tandem.AgentReady, r.state("ann"))
	r.sound()
}

func TestDrain_ServesThoseWhoWaitAndTakesNobodyElse(t *testing.T) {
	t.Parallel()
	r := newRig(t, chain(acd.QueueConfig{OnEmpty: acd.Exit{Queue: "sales"}}, acd.QueueConfig{}, acd.QueueConfig{}))
	r.arrive(acd.Route{}, "c1")
	r.ok(r.e.Drain(r.now, "support"))
	require.True(t, r.queue("support").Draining)
	r.arrive(acd.Route{}, "c2")
	require.Equal(t, []string{"support overflow -> sales"}, r.lefts())
	require.Contains(t, []string{"draining", "no_agent_ready"}, r.lastRule("c2"))
	r.login("ann")
	require.Equal(t, tandem.CallID("c1"), r.agent("ann").Call)
	r.ok(r.e.Reopen(r.now, "support"))
	r.arrive(acd.Route{}, "c3")
	require.Len(t, r.queue("support").Waiting, 2)
	require.ErrorIs(t, r.e.Drain(r.now, "nowhere"), tandem.ErrNotFound)
	r.sound()
}

// Every move is also the Center's, under the same name and with the same errors.
func TestCenter_OffersTheMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sw, err := loopback.New(loopback.Config{})
		require.NoError(t, err)
		centre, err := acd.New(acd.Config{
			Switch: sw, Queues: []acd.QueueConfig{{Queue: tandem.Queue{ID: "support"}}}, Agents: []acd.AgentConfig{{Agent: tandem.Agent{ID: "ann"}, AlwaysReachable: true}},
		})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = centre.Run(ctx) }()
		require.NoError(t, centre.Force(ctx, "ann", tandem.AgentReady, ""))
		require.ErrorIs(t, centre.ExtendWrapUp(ctx, "ann", time.Minute), tandem.ErrState)
		require.ErrorIs(t, centre.Pick(ctx, "c1", "ann"), tandem.ErrNotFound)
		require.ErrorIs(t, centre.SetPriority(ctx, "c1", 3), tandem.ErrNotFound)
		require.ErrorIs(t, centre.Move(ctx, "c1", "support"), tandem.ErrNotFound)
		require.NoError(t, centre.Drain(ctx, "support"))
		s, err := centre.Snapshot(ctx)
		require.NoError(t, err)
		require.True(t, s.Queues[0].Draining)
		require.NoError(t, centre.Reopen(ctx, "support"))
	})
}
