package acd_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/loopback"
)

// chain is three queues, each with an agent of its own.
func chain(a, b, c acd.QueueConfig) acd.EngineConfig {
	a.ID, b.ID, c.ID = "support", "sales", "office"
	cfg := acd.EngineConfig{Queues: []acd.QueueConfig{a, b, c}}
	for i, id := range []tandem.AgentID{"ann", "bob", "cid"} {
		cfg.Agents = append(cfg.Agents, acd.AgentConfig{
			Agent: tandem.Agent{ID: id}, AlwaysReachable: true, Queues: []acd.Seat{{Queue: cfg.Queues[i].ID}},
		})
	}
	return cfg
}

// lefts tells how calls left queues.
func (r *rig) lefts() []string {
	var all []string
	for _, rec := range r.records {
		if l, ok := rec.Event.(tandem.CallLeft); ok {
			all = append(all, fmt.Sprintf("%s %s -> %s%s", l.Queue, l.Reason, l.Next, l.Exit))
		}
	}
	return all
}

func TestOverflow_EachRuleHasItsExitAndItsExplanation(t *testing.T) {
	t.Parallel()
	to := acd.Exit{Queue: "sales"}
	for name, test := range map[string]struct {
		queue acd.QueueConfig
		play  func(r *rig)
		rule  string
		left  string
	}{
		"timeout": {acd.QueueConfig{MaxWait: time.Minute, OnTimeout: to}, func(r *rig) { r.pass(time.Minute) }, "max_wait", "support overflow -> sales"},
		"empty": {
			acd.QueueConfig{RefuseWhen: []tandem.AgentState{tandem.AgentLoggedOut}, OnEmpty: to}, func(*rig) {}, "no_agent", "support overflow -> sales",
		},
		"deserted": {
			acd.QueueConfig{LeaveWhen: []tandem.AgentState{tandem.AgentPaused, tandem.AgentLoggedOut}, OnEmpty: to},
			func(r *rig) { r.login("ann"); r.ok(r.e.Pause(r.now, "ann", "coffee")) }, "no_agent", "support overflow -> sales",
		},
		"key": {acd.QueueConfig{Keys: map[string]acd.Exit{"1": to}}, func(r *rig) { r.on(tandem.LegDigit{Leg: in("c1"), Digit: "1"}) }, "exit_key", "support key -> sales"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, chain(test.queue, acd.QueueConfig{}, acd.QueueConfig{}))
			r.login("bob")
			r.arrive(acd.Route{}, "c1")
			test.play(r)
			if r.agent("bob").Call != "c1" { // the last offer to ann is still being taken back
				r.obey()
			}
			require.Equal(t, tandem.CallID("c1"), r.agent("bob").Call)
			require.Equal(t, []string{test.left}, r.lefts())
			var rules []string
			for _, rec := range r.records {
				if d, ok := rec.Event.(tandem.Decided); ok {
					rules = append(rules, d.Rule)
				}
			}
			require.Contains(t, rules, test.rule)
			r.sound()
		})
	}
}

func TestOverflow_WhenFullGoesOnWithoutHavingWaited(t *testing.T) {
	t.Parallel()
	r := newRig(t, chain(acd.QueueConfig{MaxWaiting: 1, OnFull: acd.Exit{Queue: "sales"}}, acd.QueueConfig{}, acd.QueueConfig{}))
	r.arrive(acd.Route{}, "c1", "c2")
	require.Equal(t, []string{"support overflow -> sales"}, r.lefts())
	q := r.queue("support")
	require.Equal(t, q.Offered, q.Answered+q.Abandoned+q.Left+uint64(len(q.Waiting)))
	require.Len(t, r.queue("sales").Waiting, 1)
	r.sound()
}

// Who was moved on waits ahead of whoever came later.
func TestOverflow_TheWaitCountsOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, chain(acd.QueueConfig{MaxWait: time.Minute, OnTimeout: acd.Exit{Queue: "sales"}}, acd.QueueConfig{}, acd.QueueConfig{}))
	r.arrive(acd.Route{}, "c1")
	r.pass(30 * time.Second)
	r.arrive(acd.Route{Queue: "sales"}, "c2")
	r.pass(30 * time.Second)
	q := r.queue("sales")
	require.Equal(t, tandem.CallID("c1"), q.Waiting[0].Call)
	require.Equal(t, r.start, q.Waiting[0].Ranked)
	require.Equal(t, r.now, q.Waiting[0].Since)
	r.sound()
}

func TestOverflow_DoesNotGoInCircles(t *testing.T) {
	t.Parallel()
	empty := []tandem.AgentState{tandem.AgentLoggedOut}
	r := newRig(t, chain(
		acd.QueueConfig{RefuseWhen: empty, OnEmpty: acd.Exit{Queue: "sales"}}, acd.QueueConfig{RefuseWhen: empty, OnEmpty: acd.Exit{Queue: "office"}},
		acd.QueueConfig{RefuseWhen: empty, OnEmpty: acd.Exit{Queue: "support"}},
	))
	r.ok(r.e.Incoming(r.now, "c1", tandem.LegIncoming{Leg: in("c1")}))
	r.ok(r.e.Routed(r.now, "c1", acd.Route{Queue: "support"}))
	require.Equal(t, []string{"support overflow -> sales", "sales overflow -> office", "office empty -> "}, r.lefts())
	require.Equal(t, "overflow_loop", r.lastRule("c1"))
	r.obey()
	require.Contains(t, r.fresh(), "c1 ended unavailable by system")
	r.sound()
}

func TestOverflow_EndsAfterEightHops(t *testing.T) {
	t.Parallel()
	wait := func(to tandem.QueueID) acd.QueueConfig {
		return acd.QueueConfig{MaxWait: time.Minute, OnTimeout: acd.Exit{Queue: to}}
	}
	r := newRig(t, chain(wait("sales"), wait("support"), acd.QueueConfig{}))
	r.arrive(acd.Route{}, "c1")
	r.pass(time.Hour)
	require.Len(t, r.lefts(), 9)
	require.Equal(t, "support timeout -> ", r.lefts()[8])
	require.Equal(t, "hop_limit", r.lastRule("c1"))
}

func TestOverflow_ToTheHostAndBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, chain(acd.QueueConfig{MaxWait: time.Minute, OnTimeout: acd.Exit{Host: "voicemail"}}, acd.QueueConfig{}, acd.QueueConfig{}))
	r.arrive(acd.Route{}, "c1", "c2")
	r.pass(time.Minute)
	require.Equal(t, []string{"support overflow -> voicemail", "support overflow -> voicemail"}, r.lefts())
	last := r.actions[len(r.actions)-1]
	require.Equal(t, acd.Departure{Exit: "voicemail", Call: "c2", Leg: in("c2"), Trunk: "carrier", From: tandem.CallerID{Number: "+15550100"}, To: "1000"}, last.Departing())
	r.fresh()
	r.hangUp(in("c1"))
	r.happened("c1 ended normal by customer")
	r.login("bob")
	r.fresh()
	r.ok(r.e.Move(r.now, "c2", "sales"))
	r.happened("c2 queued sales at 1", "c2 offered bob", "bob reserved")
	r.e.Failed(r.now, last, errors.New("too late to matter"))
	require.Equal(t, tandem.CallID("c2"), r.agent("bob").Call)
}

func TestOverflow_AHostThatFailsDoesNotKeepTheCaller(t *testing.T) {
	t.Parallel()
	r := newRig(t, chain(acd.QueueConfig{MaxWait: time.Minute, OnTimeout: acd.Exit{Host: "voicemail"}}, acd.QueueConfig{}, acd.QueueConfig{}))
	r.arrive(acd.Route{}, "c1")
	r.pass(time.Minute)
	r.fresh()
	r.e.Failed(r.now, r.actions[len(r.actions)-1], errors.New("no disk"))
	r.take()
	r.obey()
	r.happened("c1 ended failed by system")
	require.Len(t, r.faults, 1)
}

func TestMove_TakesAWaitingCallElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, chain(acd.QueueConfig{}, acd.QueueConfig{}, acd.QueueConfig{MaxWaiting: 1}))
	r.login("ann", "bob")
	r.arrive(acd.Route{}, "c1")
	r.fresh()
	r.ok(r.e.Move(r.now, "c1", "sales"))
	r.happened("c1 offer ended ann cancelled", "c1 left moved from 1", "c1 queued sales at 1", "c1 offered bob", "bob reserved")
	require.ErrorIs(t, r.e.Move(r.now, "c1", "sales"), tandem.ErrConflict)
	require.ErrorIs(t, r.e.Move(r.now, "c1", "nowhere"), tandem.ErrNotFound)
	require.ErrorIs(t, r.e.Move(r.now, "c9", "sales"), tandem.ErrNotFound)
	r.arrive(acd.Route{Queue: "office"}, "c2")
	require.ErrorIs(t, r.e.Move(r.now, "c1", "office"), tandem.ErrFull)
	r.answer("bob", "c1")
	require.ErrorIs(t, r.e.Move(r.now, "c1", "support"), tandem.ErrState)
	r.sound()
}

func TestOverflow_BadExitsAreNamed(t *testing.T) {
	t.Parallel()
	for want, q := range map[string]acd.QueueConfig{
		"on_timeout": {OnTimeout: acd.Exit{Queue: "sales", Host: "voicemail"}},
		"on_full":    {OnFull: acd.Exit{Queue: "nowhere"}},
		"on_empty":   {OnEmpty: acd.Exit{Queue: "support"}},
		"keys":       {Keys: map[string]acd.Exit{"12": {}}},
		"keys[1]":    {Keys: map[string]acd.Exit{"1": {Queue: "nowhere"}}},
	} {
		_, err := acd.NewEngine(chain(q, acd.QueueConfig{}, acd.QueueConfig{}))
		require.ErrorIs(t, err, tandem.ErrInvalid)
		require.ErrorContains(t, err, "queues[0]."+want)
	}
}

// A whole centre: nobody answers, so the caller goes to the host's voicemail, which takes the leg over.
func TestCenter_HandsACallToTheHostsExit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sw, err := loopback.New(loopback.Config{Trunks: []loopback.Trunk{{ID: "carrier"}}})
		require.NoError(t, err)
		config := acd.Config{
			Switch: sw, Route: acd.Routes{Default: acd.Route{Queue: "support"}}.Route,
			Queues: []acd.QueueConfig{{Queue: tandem.Queue{ID: "support"}, MaxWait: 10 * time.Second, OnTimeout: acd.Exit{Host: "voicemail"}}},
		}
		_, err = acd.New(config)
		require.ErrorContains(t, err, "exit is missing")
		ended := make(chan tandem.Cause, 1)
		config.Events = tandem.HandlerFunc(func(_ context.Context, rs ...tandem.Record) error {
			for _, r := range rs {
				if e, ok := r.Event.(tandem.CallEnded); ok {
					ended <- e.Cause
				}
			}
			return nil
		})
		taken := make(chan acd.Departure, 2)
		config.Exit = func(_ context.Context, d acd.Departure) error {
			taken <- d
			panic("the host is broken")
		}
		centre, err := acd.New(config)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = sw.Run(ctx, centre) }()
		go func() { _ = centre.Run(ctx) }()
		_, err = sw.Call(ctx, loopback.Customer{Trunk: "carrier", To: "1000", Script: loopback.Script{Talk: time.Hour}})
		require.NoError(t, err)
		require.Equal(t, "voicemail", (<-taken).Exit)
		require.Equal(t, tandem.CauseFailed, <-ended, "the caller is hung up, because the host failed")
	})
}
