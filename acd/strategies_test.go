package acd_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// serve lets one call of support come, be answered by whoever is asked first, and end after it was talked for so long. It returns who it was.
func (r *rig) serve(call tandem.CallID, talk time.Duration) tandem.AgentID {
	r.t.Helper()
	r.arrive(acd.Route{}, call)
	a := r.queue("support").Waiting[0].Agent
	r.answer(a, call)
	r.pass(talk)
	r.hangUp(in(call))
	r.obey()
	return a
}

func TestStrategy_AsksTheRightAgentFirst(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		strategy acd.Strategy
		want     []tandem.AgentID // of calls that are talked for 30, 10, 20, 5, 5 and 5 s
	}{
		"longest_idle": {acd.LongestIdle{}, []tandem.AgentID{"ann", "bob", "cid", "ann", "bob", "cid"}},
		"least_recent": {acd.LeastRecent{}, []tandem.AgentID{"ann", "bob", "cid", "ann", "bob", "cid"}},
		"fewest_calls": {acd.FewestCalls{}, []tandem.AgentID{"ann", "bob", "cid", "ann", "bob", "cid"}},
		"least_talk":   {acd.LeastTalk{}, []tandem.AgentID{"ann", "bob", "cid", "bob", "bob", "bob"}},
		"round_robin":  {acd.RoundRobin{}, []tandem.AgentID{"ann", "bob", "cid", "ann", "bob", "cid"}},
		"linear":       {acd.Linear{}, []tandem.AgentID{"ann", "ann", "ann", "ann", "ann", "ann"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, support(acd.QueueConfig{Strategy: test.strategy, WrapUp: -1}, "ann", "bob", "cid"))
			r.login("ann", "bob", "cid")
			var got []tandem.AgentID
			for i, seconds := range []int{30, 10, 20, 5, 5, 5} {
				got = append(got, r.serve(tandem.CallID(fmt.Sprintf("c%d", i)), time.Duration(seconds)*time.Second))
			}
			require.Equal(t, test.want, got)
			r.sound()
		})
	}
}

// A pause makes an agent idle anew, but does not make the last call more recent: here the two strategies part.
func TestStrategy_LeastRecentLooksAtCallsOnly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		strategy acd.Strategy
		want     tandem.AgentID
	}{{acd.LongestIdle{}, "bob"}, {acd.LeastRecent{}, "ann"}} {
		r := newRig(t, support(acd.QueueConfig{Strategy: test.strategy, WrapUp: -1}, "ann", "bob"))
		r.login("ann", "bob")
		require.Equal(t, tandem.AgentID("ann"), r.serve("c1", time.Second))
		require.Equal(t, tandem.AgentID("bob"), r.serve("c2", time.Second))
		r.ok(r.e.Pause(r.now, "ann", "coffee"))
		r.pass(time.Minute)
		r.ok(r.e.Ready(r.now, "ann"))
		require.Equal(t, test.want, r.serve("c3", time.Second), "%s", test.strategy)
	}
}

// Agents come and go at different times and are chosen in proportion to their weights all the same: nobody who waits for long is passed over.
func TestStrategy_ChanceIsFair(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		strategy acd.Strategy
		shares   []float64
	}{
		"random":          {acd.Random{Seed: 7}, []float64{0.25, 0.25, 0.25, 0.25}},
		"weighted_random": {acd.WeightedRandom{Seed: 7}, []float64{0.1, 0.2, 0.3, 0.4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ids := []tandem.AgentID{"ann", "bob", "cid", "dee"}
			cfg := support(acd.QueueConfig{Strategy: test.strategy, WrapUp: -1}, ids...)
			for i := range cfg.Agents {
				cfg.Agents[i].Queues[0].Weight = i + 1
			}
			r := newRig(t, cfg)
			r.login(ids...)
			const n = 8000
			count := map[tandem.AgentID]float64{}
			after := map[tandem.AgentID]float64{} // how often ann followed
			last := tandem.AgentID("")
			for i := range n {
				a := r.serve(tandem.CallID(fmt.Sprintf("c%d", i)), time.Second)
				count[a]++
				if a == "ann" && last != "" {
					after[last]++
				}
				last = a
				r.records, r.actions, r.shown = r.records[:0], r.actions[:0], 0
			}
			for i, id := range ids {
				p := test.shares[i]
				slack := 4.5 * math.Sqrt(p*(1-p)/n)
				require.InDelta(t, p, count[id]/n, slack, "share of %s", id)
				first := test.shares[0]
				require.InDelta(t, first, after[id]/count[id], 4.5*math.Sqrt(first*(1-first)/count[id]), "ann after %s", id)
			}
		})
	}
}

func TestStrategy_ChanceIsTheSameInEachRun(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) string {
		r := newRig(t, support(acd.QueueConfig{Strategy: acd.Random{Seed: seed}, WrapUp: -1}, "ann", "bob", "cid"))
		r.login("ann", "bob", "cid")
		for i := range 20 {
			r.serve(tandem.CallID(fmt.Sprintf("c%d", i)), time.Second)
		}
		return journal(t, r.records)
	}
	first := run(1)
	require.Equal(t, first, run(1))
	require.NotEqual(t, first, run(2))
}

func TestRingAll_RingsEverybodyAndTellsTheLosers(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{Strategy: acd.RingAll{}}, "ann", "bob", "cid", "dee"))
	r.login("ann", "bob", "cid")
	r.fresh()
	r.arrive(acd.Route{}, "c1")
	r.happened("c1 started", "c1 queued support at 1", "c1 offered ann", "ann reserved", "c1 offered bob", "bob reserved", "c1 offered cid", "cid reserved")
	r.login("dee")
	r.happened("dee ready", "c1 offered dee", "dee reserved")
	r.answer("cid", "c1")
	require.ElementsMatch(t, []string{
		"c1 offer ended ann elsewhere", "c1 offer ended bob elsewhere", "c1 offer ended dee elsewhere", "cid on_call", "c1 connected cid",
	}, r.fresh())
	r.obey()
	require.ElementsMatch(t, []string{"ann ready", "bob ready", "dee ready"}, r.fresh())
	r.sound()
}

func TestProgressive_RingsMoreWhileNobodyAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{Strategy: acd.Progressive{Step: 2, Every: 4 * time.Second}}, "ann", "bob", "cid", "dee"))
	r.login("ann", "bob", "cid", "dee")
	r.fresh()
	r.arrive(acd.Route{}, "c1")
	r.happened("c1 started", "c1 queued support at 1", "c1 offered ann", "ann reserved")
	r.pass(4*time.Second - 1)
	r.happened()
	r.pass(1)
	r.happened("c1 offered bob", "bob reserved", "c1 offered cid", "cid reserved")
	r.on(tandem.LegEnded{Leg: r.leg("ann"), Cause: tandem.CauseRejected})
	r.happened("c1 offer ended ann rejected", "ann ready", "c1 offered dee", "dee reserved")
	r.answer("bob", "c1")
	r.obey()
	r.fresh()
	r.pass(time.Minute)
	require.Equal(t, tandem.AgentOnCall, r.state("bob"))
	r.sound()
}

func TestProgressive_BeginsAnewWhenNobodyRings(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{Strategy: acd.Progressive{Every: 4 * time.Second}}, "ann", "bob"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1")
	r.pass(3 * time.Second)
	r.on(tandem.LegEnded{Leg: r.leg("ann"), Cause: tandem.CauseBusy})
	r.pass(3 * time.Second)
	r.fresh()
	r.login("bob")
	r.happened("bob ready", "c1 offered bob", "bob reserved")
	r.ok(r.e.Ready(r.now, "ann"))
	r.pass(4*time.Second - 1)
	r.happened()
	r.pass(1)
	r.happened("c1 offered ann", "ann reserved")
	r.sound()
}

// brokenRinger panics or rings nobody.
type brokenRinger struct{ acd.LongestIdle }

func (brokenRinger) Rings(d time.Duration) (int, time.Duration) {
	if d == 0 {
		panic("boom")
	}
	return -3, time.Nanosecond
}

func TestRinger_FaultsAreLivedThrough(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{Strategy: brokenRinger{}}, "ann", "bob"))
	r.login("ann", "bob")
	r.arrive(acd.Route{}, "c1")
	r.pass(time.Second)
	require.Equal(t, tandem.CallID("c1"), r.agent("ann").Call)
	require.Empty(t, r.agent("bob").Call, "at least one rings, and not more")
	require.Len(t, r.faults, 1)
	require.ErrorContains(t, r.faults[0], `queue "support", rings: panic: boom`)
}

func TestStrategyByName_KnowsEachAndThePeersNames(t *testing.T) {
	t.Parallel()
	require.Len(t, acd.StrategyNames(), len(acd.Strategies()))
	for i, name := range acd.StrategyNames() {
		s, err := acd.StrategyByName(name)
		require.NoError(t, err)
		require.Equal(t, acd.Strategies()[i], s)
	}
	for _, name := range []string{
		"", "ringall", "leastrecent", "fewestcalls", "random", "rrmemory", "rrordered", "linear", "wrandom",
		"longest-idle-agent", "ring-all", "ring-progressively", "round-robin", "top-down", "agent-with-least-talk-time",
		"agent-with-fewest-calls", "sequentially-by-agent-order",
	} {
		_, err := acd.StrategyByName(name)
		require.NoError(t, err, name)
	}
	_, err := acd.StrategyByName("loudest")
	require.ErrorIs(t, err, tandem.ErrInvalid)
	require.ErrorContains(t, err, "longest_idle")
}

// A key is a function of the standing alone, and a number that can be journalled.
func TestStrategies_AreValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := acd.Standing{
			Agent: tandem.AgentID(rapid.String().Draw(t, "agent")), Queue: tandem.QueueID(rapid.String().Draw(t, "queue")),
			Now: time.Duration(rapid.Int64Min(0).Draw(t, "now")), IdleSince: time.Duration(rapid.Int64Min(0).Draw(t, "idle")),
			LastOffer: rapid.Uint64().Draw(t, "offer"), Answered: rapid.Uint64().Draw(t, "answered"), Draw: rapid.Uint64().Draw(t, "draw"),
			Weight: rapid.IntRange(0, 1000).Draw(t, "weight"), LastKey: float64(rapid.IntRange(0, 1e9).Draw(t, "last")),
		}
		for _, st := range acd.Strategies() {
			key := st.Key(s)
			require.Equal(t, math.Float64bits(key), math.Float64bits(st.Key(s)), "%s", st)
			require.False(t, math.IsNaN(key) || math.IsInf(key, 0) || key < 0, "%s: %v", st, key)
			if r, ok := st.(acd.Ringer); ok {
				n, again := r.Rings(s.Now)
				require.Positive(t, n)
				require.GreaterOrEqual(t, again, time.Duration(0))
			}
		}
	})
}
