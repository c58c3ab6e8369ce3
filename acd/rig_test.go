package acd_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// rig drives an engine by hand. Calls are named c1, c2, …; the customer's leg of c1 is "c1-in".
type rig struct {
	t       testing.TB
	e       *acd.Engine
	start   time.Time
	now     time.Time
	out     acd.Output
	records []tandem.Record
	shown   int // how many of the records were asked for
	actions []acd.Action
	faults  []error
}

func newRig(tb testing.TB, cfg acd.EngineConfig) *rig {
	tb.Helper()
	e, err := acd.NewEngine(cfg)
	require.NoError(tb, err)
	start := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	return &rig{t: tb, e: e, start: start, now: start}
}

// support is a configuration of one queue, "support", with the named agents in it.
func support(q acd.QueueConfig, agents ...tandem.AgentID) acd.EngineConfig {
	q.ID = "support"
	cfg := acd.EngineConfig{Queues: []acd.QueueConfig{q}}
	for _, id := range agents {
		cfg.Agents = append(cfg.Agents, acd.AgentConfig{
			Agent: tandem.Agent{ID: id}, AlwaysReachable: true, Queues: []acd.Seat{{Queue: "support"}},
		})
	}
	return cfg
}

// take fetches what the engine has decided.
func (r *rig) take() {
	r.out = r.e.Take(r.out)
	r.records = r.out.Records(r.records)
	r.actions = append(r.actions, r.out.Actions...)
	r.faults = append(r.faults, r.out.Faults...)
}

// pass lets time go by, doing what becomes due at its moment.
func (r *rig) pass(d time.Duration) {
	until := r.now.Add(d)
	for at, ok := r.e.Next(); ok && !at.After(until); at, ok = r.e.Next() {
		r.now = at
		r.e.Tick(at)
		r.take()
	}
	r.now = until
	r.e.Tick(until)
	r.take()
}

func (r *rig) login(agents ...tandem.AgentID) {
	r.t.Helper()
	for _, a := range agents {
		r.ok(r.e.Login(r.now, a))
	}
}

// ok takes the output of a command that must succeed.
func (r *rig) ok(err error) {
	r.t.Helper()
	require.NoError(r.t, err)
	r.take()
}

// on gives the engine an event of the switch.
func (r *rig) on(ev tandem.Event) {
	r.e.Handle(r.now, ev)
	r.take()
}

func in(call tandem.CallID) tandem.LegID { return tandem.LegID(call + "-in") }

// arrive lets calls come in through the trunk and wait in a queue.
func (r *rig) arrive(route acd.Route, calls ...tandem.CallID) {
	r.t.Helper()
	if route.Queue == "" {
		route.Queue = "support"
	}
	for _, c := range calls {
		r.ok(r.e.Incoming(r.now, c, tandem.LegIncoming{Leg: in(c), Trunk: "carrier", From: tandem.CallerID{Number: "+15550100"}, To: "1000"}))
		r.ok(r.e.Routed(r.now, c, route))
		r.on(tandem.LegAnswered{Leg: in(c)})
	}
}

// leg returns the agent's leg that was dialled last for the agent.
func (r *rig) leg(agent tandem.AgentID) tandem.LegID {
	r.t.Helper()
	for _, a := range slices.Backward(r.actions) {
		if a.Kind == acd.ActionDial && a.Agent == agent {
			return a.Leg
		}
	}
	require.Fail(r.t, "nothing was dialled for agent "+string(agent))
	return ""
}

// answer lets the agent answer and the switch bridge.
func (r *rig) answer(agent tandem.AgentID, call tandem.CallID) {
	r.t.Helper()
	leg := r.leg(agent)
	r.on(tandem.LegAnswered{Leg: leg})
	r.on(tandem.LegBridged{Leg: in(call), Peer: leg})
	r.on(tandem.LegBridged{Leg: leg, Peer: in(call)})
}

// hangUp lets the far end of a leg hang up.
func (r *rig) hangUp(leg tandem.LegID) { r.on(tandem.LegEnded{Leg: leg, Cause: tandem.CauseNormal}) }

// obey ends every leg that the engine has told to hang up and that has not ended.
func (r *rig) obey() {
	for i := 0; i < len(r.actions); i++ {
		if a := r.actions[i]; a.Kind == acd.ActionHangup {
			r.actions = slices.Delete(r.actions, i, i+1)
			i--
			r.on(tandem.LegEnded{Leg: a.Leg, Cause: a.Cause, Ours: true})
		}
	}
}

// state returns an agent's state.
func (r *rig) state(agent tandem.AgentID) tandem.AgentState { return r.agent(agent).State }

func (r *rig) agent(id tandem.AgentID) acd.AgentStatus {
	r.t.Helper()
	s := r.e.Snapshot(r.now)
	r.take()
	i := slices.IndexFunc(s.Agents, func(a acd.AgentStatus) bool { return a.ID == id })
	require.GreaterOrEqual(r.t, i, 0, "agent %s", id)
	return s.Agents[i]
}

func (r *rig) queue(id tandem.QueueID) acd.QueueStatus {
	r.t.Helper()
	s := r.e.Snapshot(r.now)
	r.take()
	i := slices.IndexFunc(s.Queues, func(q acd.QueueStatus) bool { return q.ID == id })
	require.GreaterOrEqual(r.t, i, 0, "queue %s", id)
	return s.Queues[i]
}

// fresh returns what happened since it was last called, one line per record, without the explanations.
func (r *rig) fresh() []string {
	var lines []string
	for _, rec := range r.records[r.shown:] {
		if l := line(rec.Event); l != "" {
			lines = append(lines, l)
		}
	}
	r.shown = len(r.records)
	return lines
}

// decisions returns the explanations of what happened since the last call of fresh.
func (r *rig) decisions() []tandem.Decided {
	var ds []tandem.Decided
	for _, rec := range r.records[r.shown:] {
		if d, ok := rec.Event.(tandem.Decided); ok {
			ds = append(ds, d)
		}
	}
	return ds
}

// happened checks what happened since fresh was last called.
func (r *rig) happened(want ...string) {
	r.t.Helper()
	require.Equal(r.t, strings.Join(want, "\n"), strings.Join(r.fresh(), "\n"))
}

// sound requires that the engine found no fault with itself.
func (r *rig) sound() {
	r.t.Helper()
	require.Empty(r.t, r.faults)
}

// line tells an event in few words.
func line(ev tandem.Event) string {
	switch ev := ev.(type) {
	case tandem.CallStarted:
		return fmt.Sprintf("%s started", ev.Call.ID)
	case tandem.CallQueued:
		return fmt.Sprintf("%s queued %s at %d", ev.Call, ev.Queue, ev.Position)
	case tandem.CallOffered:
		return fmt.Sprintf("%s offered %s", ev.Call, ev.Agent)
	case tandem.OfferEnded:
		return fmt.Sprintf("%s offer ended %s %s", ev.Call, ev.Agent, ev.Cause)
	case tandem.CallConnected:
		return fmt.Sprintf("%s connected %s", ev.Call, ev.Agent)
	case tandem.CallLeft:
		return fmt.Sprintf("%s left %s from %d", ev.Call, ev.Reason, ev.Position)
	case tandem.CallReleased:
		return fmt.Sprintf("%s released %s by %s", ev.Call, ev.Agent, ev.By)
	case tandem.CallEnded:
		return fmt.Sprintf("%s ended %s by %s", ev.Call, ev.Cause, ev.By)
	case tandem.CallDisposed:
		return fmt.Sprintf("%s disposed %s %s", ev.Call, ev.Agent, ev.Disposition)
	case tandem.AgentChanged:
		text := fmt.Sprintf("%s %s", ev.Agent, ev.To)
		if ev.Reason != "" {
			text += " (" + ev.Reason + ")"
		}
		return text
	default:
		return ""
	}
}

// journal returns records as the journal would hold them.
func journal(tb require.TestingT, rs []tandem.Record) string {
	var b strings.Builder
	for _, r := range rs {
		text, err := json.Marshal(r)
		require.NoError(tb, err)
		b.Write(text)
		b.WriteByte('\n')
	}
	return b.String()
}
