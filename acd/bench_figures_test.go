package acd_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// The most that a call that waits, and an agent with five seats, may cost in memory.
const (
	bytesPerWaiting = 1024
	bytesPerAgent   = 2048
)

// filled returns a mill all of whose agents are busy, with ten times as many calls waiting.
func filled(b *testing.B, agents int) *mill {
	b.Helper()
	m := newMill(b, 1000, agents)
	for range agents * 10 {
		m.arrive()
		m.drain()
	}
	for i := range agents {
		require.NoError(b, m.engine.Login(m.now, agentID(i)))
		m.step(time.Millisecond)
	}
	m.drain()
	return m
}

// BenchmarkDecision measures what one decision takes, with its records and explanation: an agent's wrap-up ends, the best waiting call of five queues is
// found and offered. It reports the median and the percentiles that a caller might notice.
func BenchmarkDecision(b *testing.B) {
	for _, agents := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("agents=%d", agents), func(b *testing.B) {
			m := filled(b, agents)
			var took []time.Duration
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				m.arrive()
				m.drain()
				r := m.ringing[m.head]
				m.head++
				for _, ev := range []tandem.Event{
					tandem.LegAnswered{Leg: r.leg},
					tandem.LegBridged{Leg: r.customer, Peer: r.leg},
					tandem.LegEnded{Leg: r.customer, Cause: tandem.CauseNormal},
					tandem.LegEnded{Leg: r.leg, Cause: tandem.CauseNormal, Ours: true},
				} {
					m.engine.Handle(m.now, ev)
				}
				m.step(time.Millisecond)
				m.drain()
				start := time.Now()
				m.engine.Tick(m.now)
				took = append(took, time.Since(start))
				m.drain()
			}
			slices.Sort(took)
			at := func(share float64) float64 { return float64(took[int(share*float64(len(took)-1))].Nanoseconds()) }
			b.ReportMetric(at(0.5), "p50-ns")
			b.ReportMetric(at(0.99), "p99-ns")
			b.ReportMetric(at(0.999), "p99.9-ns")
		})
	}
}

// heapInUse returns the bytes in use after everything else was given back.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// BenchmarkMemory measures what agents and waiting calls cost in memory, names apart, and fails when it is more than is promised.
func BenchmarkMemory(b *testing.B) {
	const agents, calls = 10_000, 100_000
	var perAgent, perCall float64
	for b.Loop() {
		m := newMill(b, 1000, 1)
		cfg := acd.EngineConfig{Ring: true}
		for _, id := range m.queues {
			cfg.Queues = append(cfg.Queues, acd.QueueConfig{Queue: tandem.Queue{ID: id}, MaxWait: 1000 * time.Hour})
		}
		none, err := acd.NewEngine(cfg)
		require.NoError(b, err)
		for i := range agents {
			a := acd.AgentConfig{Agent: tandem.Agent{ID: agentID(i)}, AlwaysReachable: true}
			for k := range 5 {
				a.Queues = append(a.Queues, acd.Seat{Queue: m.queues[(i*7+k*211)%len(m.queues)]})
			}
			cfg.Agents = append(cfg.Agents, a)
		}
		before := heapInUse()
		staffed, err := acd.NewEngine(cfg)
		require.NoError(b, err)
		for i := range agents {
			require.NoError(b, staffed.Login(m.now, agentID(i)))
			m.out = staffed.Take(m.out)
		}
		perAgent = float64(heapInUse()-before) / agents

		m.engine = none
		before = heapInUse()
		for range calls {
			m.arrive()
			m.drain()
		}
		perCall = float64(heapInUse()-before) / calls
		runtime.KeepAlive(staffed)
		runtime.KeepAlive(m)
	}
	b.ReportMetric(perAgent, "B/agent")
	b.ReportMetric(perCall, "B/waiting-call")
	if perAgent > bytesPerAgent || perCall > bytesPerWaiting {
		b.Errorf("%.0f bytes per agent, %.0f per waiting call: more than %d and %d", perAgent, perCall, bytesPerAgent, bytesPerWaiting)
	}
}

// naive is the engine that one writes first: it finds callers and agents by looking at all of them. It has no offers, records or explanations.
type naive struct {
	agents []naiveAgent
	calls  []naiveCall
	clock  int64
}

type naiveAgent struct {
	ready bool
	seats [5]int
	idle  int64
}

type naiveCall struct {
	queue, priority int
	since           int64
}

// arrive looks for the ready agent of the queue who has been idle longest; nobody is ready in this benchmark, as in a busy hour.
func (n *naive) arrive(queue int) {
	n.clock++
	best := -1
	for i := range n.agents {
		a := &n.agents[i]
		if a.ready && slices.Contains(a.seats[:], queue) && (best < 0 || a.idle < n.agents[best].idle) {
			best = i
		}
	}
	if best < 0 {
		n.calls = append(n.calls, naiveCall{queue: queue, since: n.clock})
	}
}

// free looks for the best call of an agent's queues.
func (n *naive) free(agent int) {
	n.clock++
	best := -1
	seats := n.agents[agent].seats[:]
	for i := range n.calls {
		c := &n.calls[i]
		if slices.Contains(seats, c.queue) && (best < 0 || c.priority > n.calls[best].priority || c.priority == n.calls[best].priority && c.since < n.calls[best].since) {
			best = i
		}
	}
	if best >= 0 {
		n.calls[best] = n.calls[len(n.calls)-1]
		n.calls = n.calls[:len(n.calls)-1]
	}
}

// BenchmarkNaiveScan is the reference for BenchmarkEngineCycle: the same agents, queues and waiting calls, found by scanning. It reports in the same run how many times
// longer that takes than a whole cycle of the engine.
func BenchmarkNaiveScan(b *testing.B) {
	for _, agents := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("agents=%d", agents), func(b *testing.B) {
			const queues, cycles = 1000, 20_000
			m := filled(b, agents)
			start := time.Now()
			for range cycles {
				m.arrive()
				m.cycle()
			}
			engine := time.Since(start) / cycles
			n := &naive{}
			for i := range agents {
				var a naiveAgent
				for k := range a.seats {
					a.seats[k] = (i*7 + k*211) % queues
				}
				n.agents = append(n.agents, a)
			}
			for i := range agents * 10 {
				n.calls = append(n.calls, naiveCall{queue: i * 31 % queues, since: int64(i)})
			}
			b.ResetTimer()
			i := 0
			for b.Loop() {
				n.arrive(i * 31 % queues)
				n.free(i % agents)
				i++
			}
			b.ReportMetric(float64(engine.Nanoseconds()), "engine-ns/cycle")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(engine.Nanoseconds()), "times-engine")
		})
	}
}
