package reports_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
)

// world makes up histories that a centre could really write: calls of both directions, offers that fail, holds, second queues,
// wrap-up, late dispositions, agents who come and go. The same seed makes the same history.
type world struct {
	rnd    *rand.Rand
	now    time.Time
	n      int
	rs     []tandem.Record
	agents map[tandem.AgentID]*worker
	calls  map[tandem.CallID]*caller
	past   []tandem.CallID // ended
}

type worker struct {
	state tandem.AgentState
	call  tandem.CallID
	leg   tandem.LegID
}

type caller struct {
	call     tandem.Call
	answered bool
	queue    tandem.QueueID // empty: not queued
	held     map[tandem.LegID]bool
	agent    tandem.AgentID // offered or talking
	talking  bool
}

// history returns the records of steps random steps, numbered.
func history(seed uint64, steps int) []tandem.Record {
	w := &world{
		rnd: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC), //nolint:gosec // not a secret
		agents: make(map[tandem.AgentID]*worker), calls: make(map[tandem.CallID]*caller),
	}
	for _, id := range []tandem.AgentID{"ana", "bo", "cy"} {
		w.agents[id] = &worker{state: tandem.AgentLoggedOut}
	}
	w.emit(tandem.NodeStarted{Node: "n1"})
	for range steps {
		w.now = w.now.Add(time.Duration(w.rnd.IntN(4000)) * time.Millisecond)
		w.step()
	}
	for i := range w.rs {
		w.rs[i].Seq = uint64(i + 1)
	}
	return w.rs
}

func (w *world) emit(es ...tandem.Event) {
	for _, e := range es {
		w.rs = append(w.rs, tandem.Record{At: w.now, Event: e})
	}
}

func (w *world) become(id tandem.AgentID, to tandem.AgentState, call tandem.CallID) {
	a := w.agents[id]
	w.emit(tandem.AgentChanged{Agent: id, From: a.state, To: to, Call: call})
	a.state, a.call = to, call
}

// pick returns a random one that passes, or the zero value.
func pick[K ~string, V any](w *world, from map[K]V, pass func(V) bool) K {
	var ks []K
	for _, k := range slices.Sorted(maps.Keys(from)) {
		if pass(from[k]) {
			ks = append(ks, k)
		}
	}
	if len(ks) == 0 {
		return ""
	}
	return ks[w.rnd.IntN(len(ks))]
}

func (w *world) step() {
	switch w.rnd.IntN(12) {
	case 0:
		w.arrive()
	case 1:
		if id := pick(w, w.calls, func(c *caller) bool { return !c.answered }); id != "" {
			w.calls[id].answered = true
			w.emit(tandem.LegAnswered{Leg: w.calls[id].call.Customer})
		}
	case 2, 3:
		w.enqueue()
	case 4, 5:
		w.offer()
	case 6, 7:
		w.resolve()
	case 8:
		w.hold()
	case 9:
		w.hangup()
	case 10:
		w.desk()
	case 11:
		w.dispose()
	}
}

func (w *world) arrive() {
	if len(w.calls) > 5 {
		return
	}
	w.n++
	c := &caller{held: make(map[tandem.LegID]bool), call: tandem.Call{
		ID: tandem.CallID(fmt.Sprintf("c%03d", w.n)), Direction: tandem.Inbound, Customer: tandem.LegID(fmt.Sprint("cl", w.n)),
		Trunk: "t", From: tandem.CallerID{Number: "+34600000001"}, To: "900",
	}}
	if w.rnd.IntN(3) == 0 {
		c.call.Direction, c.call.Campaign = tandem.Outbound, "spring"
		c.call.Attempt, c.call.Lead = tandem.AttemptID(fmt.Sprint("a", w.n)), tandem.LeadID(fmt.Sprint("l", w.n))
		w.emit(tandem.AttemptStarted{
			Attempt: c.call.Attempt, Campaign: "spring", Lead: c.call.Lead, Call: c.call.ID, Leg: c.call.Customer, Number: "900", Count: 1,
		})
	}
	w.calls[c.call.ID] = c
	w.emit(tandem.CallStarted{Call: c.call})
}

func (w *world) enqueue() {
	id := pick(w, w.calls, func(c *caller) bool { return c.queue == "" && !c.talking && c.agent == "" })
	if id == "" {
		return
	}
	c := w.calls[id]
	queue := tandem.QueueID([]string{"sales", "help"}[w.rnd.IntN(2)])
	if w.rnd.IntN(10) == 0 {
		w.emit(tandem.CallLeft{Call: id, Queue: queue, Reason: tandem.LeaveFull})
		return
	}
	c.queue = queue
	w.emit(tandem.CallQueued{Call: id, Queue: queue, Position: 1})
}

func (w *world) offer() {
	id := pick(w, w.calls, func(c *caller) bool { return c.queue != "" && c.agent == "" })
	agent := pick(w, w.agents, func(a *worker) bool { return a.state == tandem.AgentReady })
	if id == "" || agent == "" {
		return
	}
	w.n++
	c, leg := w.calls[id], tandem.LegID(fmt.Sprint("al", w.n))
	c.agent, w.agents[agent].leg = agent, leg
	w.emit(tandem.CallOffered{Call: id, Queue: c.queue, Agent: agent, Leg: leg, Fence: uint64(w.n), Deadline: w.now.Add(time.Minute)})
	w.become(agent, tandem.AgentReserved, id)
}

// resolve ends an offer, one way or the other, or an agent's part.
func (w *world) resolve() {
	id := pick(w, w.calls, func(c *caller) bool { return c.agent != "" })
	if id == "" {
		return
	}
	c := w.calls[id]
	switch {
	case c.talking:
		w.release(id, tandem.PartyAgent)
	case w.rnd.IntN(3) == 0:
		w.unoffer(id, tandem.CauseNoAnswer)
	default:
		c.talking = true
		w.emit(tandem.CallConnected{Call: id, Queue: c.queue, Agent: c.agent, Leg: w.agents[c.agent].leg})
		w.become(c.agent, tandem.AgentOnCall, id)
		c.queue = ""
	}
}

func (w *world) unoffer(id tandem.CallID, why tandem.Cause) {
	c := w.calls[id]
	w.emit(tandem.OfferEnded{Call: id, Queue: c.queue, Agent: c.agent, Leg: w.agents[c.agent].leg, Cause: why})
	w.become(c.agent, tandem.AgentReady, "")
	c.agent = ""
}

func (w *world) release(id tandem.CallID, by tandem.Party) {
	c := w.calls[id]
	w.emit(tandem.CallReleased{Call: id, Agent: c.agent, Leg: w.agents[c.agent].leg, By: by})
	w.become(c.agent, tandem.AgentWrapUp, id)
	delete(c.held, w.agents[c.agent].leg)
	c.agent, c.talking = "", false
}

func (w *world) hold() {
	id := pick(w, w.calls, func(c *caller) bool { return c.talking })
	if id == "" {
		return
	}
	c := w.calls[id]
	leg := c.call.Customer
	if w.rnd.IntN(2) == 0 {
		leg = w.agents[c.agent].leg
	}
	c.held[leg] = !c.held[leg]
	w.emit(tandem.LegHeld{Leg: leg, Held: c.held[leg]})
}

func (w *world) hangup() {
	id := pick(w, w.calls, func(*caller) bool { return true })
	if id == "" {
		return
	}
	c := w.calls[id]
	outcome := tandem.OutcomeAbandoned
	switch {
	case c.talking:
		w.release(id, tandem.PartyCustomer)
		outcome = tandem.OutcomeConnected
	case c.agent != "":
		w.unoffer(id, tandem.CauseCancelled)
	}
	if c.queue != "" {
		w.emit(tandem.CallLeft{Call: id, Queue: c.queue, Reason: tandem.LeaveAbandoned})
	}
	w.emit(tandem.CallEnded{Call: id, Cause: tandem.CauseNormal, By: tandem.PartyCustomer})
	if c.call.Attempt != "" {
		w.emit(tandem.AttemptEnded{Attempt: c.call.Attempt, Campaign: "spring", Lead: c.call.Lead, Outcome: outcome})
	}
	delete(w.calls, id)
	w.past = append(w.past, id)
}

// desk is what agents do between calls.
func (w *world) desk() {
	id := pick(w, w.agents, func(a *worker) bool { return a.state != tandem.AgentReserved && a.state != tandem.AgentOnCall })
	if id == "" {
		return
	}
	if w.agents[id].state == tandem.AgentReady {
		w.become(id, []tandem.AgentState{tandem.AgentPaused, tandem.AgentLoggedOut}[w.rnd.IntN(2)], "")
		return
	}
	w.become(id, tandem.AgentReady, "")
}

func (w *world) dispose() {
	if len(w.past) == 0 {
		return
	}
	w.emit(tandem.CallDisposed{Call: w.past[w.rnd.IntN(len(w.past))], Agent: "ana", Disposition: tandem.DispositionID(fmt.Sprint("d", w.n))})
}
