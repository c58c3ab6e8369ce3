package acd_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// BenchmarkEngineCycle measures a call's whole way through the engine, with events and explanation: enqueue, reserve, answer, bridge, hang up,
// wrap-up, ready. There are 1,000 queues, five per agent, ten times as many calls waiting as agents, and every agent is always busy.
func BenchmarkEngineCycle(b *testing.B) {
	for _, agents := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("agents=%d", agents), func(b *testing.B) { benchmarkCycle(b, agents) })
	}
}

func benchmarkCycle(b *testing.B, agents int) {
	b.Helper()
	const queues = 1000
	m := newMill(b, queues, agents)
	for range agents * 10 {
		m.arrive()
		m.drain()
	}
	for i := range agents {
		require.NoError(b, m.engine.Login(m.now, agentID(i)))
		m.step(time.Millisecond)
	}
	m.drain()
	b.ReportAllocs()
	b.ResetTimer()
	start := time.Now()
	n := 0
	for b.Loop() {
		m.arrive()
		m.cycle()
		n++
	}
	b.ReportMetric(float64(n)/time.Since(start).Seconds(), "cycles/s")
	b.StopTimer()
	require.Equal(b, uint64(n), m.connected(), "each cycle connects one call")
}

// mill drives an engine the way a switch and its agents would: what is dialled answers, what is bridged talks and ends.
type mill struct {
	tb      testing.TB
	engine  *acd.Engine
	out     acd.Output
	now     time.Time
	queues  []tandem.QueueID
	ids     []tandem.CallID // made beforehand: a call's name comes from outside
	legs    []tandem.LegID
	next    int
	ringing []ringing
	head    int
}

type ringing struct {
	call     tandem.CallID
	leg      tandem.LegID
	customer tandem.LegID
}

func agentID(i int) tandem.AgentID { return tandem.AgentID(fmt.Sprintf("agent-%06d", i)) }

func newMill(tb testing.TB, queues, agents int) *mill {
	tb.Helper()
	m := &mill{tb: tb, now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	cfg := acd.EngineConfig{Ring: true}
	for i := range queues {
		id := tandem.QueueID(fmt.Sprintf("queue-%04d", i))
		m.queues = append(m.queues, id)
		cfg.Queues = append(cfg.Queues, acd.QueueConfig{Queue: tandem.Queue{ID: id}, WrapUp: time.Millisecond, RingTimeout: time.Hour, MaxWait: 1000 * time.Hour})
	}
	for i := range agents {
		ac := acd.AgentConfig{Agent: tandem.Agent{ID: agentID(i)}, AlwaysReachable: true}
		for k := range 5 {
			ac.Queues = append(ac.Queues, acd.Seat{Queue: m.queues[(i*7+k*211)%queues]})
		}
		cfg.Agents = append(cfg.Agents, ac)
	}
	e, err := acd.NewEngine(cfg)
	require.NoError(tb, err)
	m.engine = e
	for i := range 11*agents + 200_000 {
		m.ids = append(m.ids, tandem.CallID(fmt.Sprintf("call-%022d", i)))
		m.legs = append(m.legs, tandem.LegID(fmt.Sprintf("customer-%022d", i)))
	}
	return m
}

func (m *mill) step(d time.Duration) { m.now = m.now.Add(d) }

// arrive enqueues one call. Names are used again long after their call has ended.
func (m *mill) arrive() {
	i := m.next % len(m.ids)
	m.next++
	m.step(time.Microsecond)
	err := m.engine.Enqueue(m.now, tandem.Arrival{
		Call:  tandem.Call{ID: m.ids[i], Direction: tandem.Inbound, Customer: m.legs[i], From: tandem.CallerID{Number: "+15550100"}, To: "1000"},
		Queue: m.queues[(i*31)%len(m.queues)], Answered: true,
	})
	if err != nil {
		m.tb.Fatal(err)
	}
}

// drain takes the engine's output and remembers the legs that were dialled.
func (m *mill) drain() {
	m.out = m.engine.Take(m.out)
	if m.head > len(m.ringing)/2 {
		m.ringing = append(m.ringing[:0], m.ringing[m.head:]...)
		m.head = 0
	}
	for i := range m.out.Actions {
		if a := &m.out.Actions[i]; a.Kind == acd.ActionDial {
			m.ringing = append(m.ringing, ringing{call: a.Call, leg: a.Leg, customer: a.Peer})
		}
	}
}

// cycle plays one call from the answer of the agent to the end of its wrap-up, at which the agent is offered the next.
func (m *mill) cycle() {
	m.drain()
	r := m.ringing[m.head]
	m.head++
	e := m.engine
	e.Handle(m.now, tandem.LegAnswered{Leg: r.leg})
	e.Handle(m.now, tandem.LegBridged{Leg: r.customer, Peer: r.leg})
	e.Handle(m.now, tandem.LegBridged{Leg: r.leg, Peer: r.customer})
	m.step(time.Microsecond)
	e.Handle(m.now, tandem.LegEnded{Leg: r.customer, Cause: tandem.CauseNormal})
	e.Handle(m.now, tandem.LegEnded{Leg: r.leg, Cause: tandem.CauseNormal, Ours: true})
	m.step(time.Millisecond)
	e.Tick(m.now)
	m.drain()
}

func (m *mill) connected() uint64 {
	var n uint64
	for _, q := range m.engine.Snapshot(m.now).Queues {
		n += q.Answered
	}
	return n
}
