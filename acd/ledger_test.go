package acd_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// ledger reads the records as any reader of the journal would and checks what the package promises about them. Its err is the first
// promise that was broken.
type ledger struct {
	err    error
	calls  map[tandem.CallID]*callEntry
	agents map[tandem.AgentID]*agentEntry
	queues map[tandem.QueueID]*queueEntry
	fence  uint64
	// outbound are the calls that were handed over answered, which go first.
	outbound map[tandem.CallID]bool
	// may says whether an agent may take a call of a queue that has waited for so long; nil: each agent of the queue. kept says for whom a call is kept at
	// first, and for how long.
	may    func(call tandem.CallID, queue tandem.QueueID, agent tandem.AgentID, waited time.Duration) bool
	kept   func(call tandem.CallID) (tandem.AgentID, time.Duration)
	ageing time.Duration
	picked map[tandem.CallID]tandem.AgentID // by a supervisor, at this moment
}

type callEntry struct {
	queue     tandem.QueueID // while waiting or talking
	waiting   bool
	since     time.Time
	connected tandem.AgentID
	offers    map[tandem.AgentID]tandem.CallOffered
	hops      int // how often it went on to another queue or out of them
	over      bool
}

type agentEntry struct {
	state tandem.AgentState
	offer *tandem.CallOffered
	call  tandem.CallID
}

type queueEntry struct{ offered, answered, abandoned, left, waiting, talking int }

func newLedger() *ledger {
	return &ledger{
		calls: map[tandem.CallID]*callEntry{}, agents: map[tandem.AgentID]*agentEntry{}, queues: map[tandem.QueueID]*queueEntry{},
		outbound: map[tandem.CallID]bool{}, picked: map[tandem.CallID]tandem.AgentID{},
	}
}

func (l *ledger) require(ok bool, format string, args ...any) {
	if !ok && l.err == nil {
		l.err = fmt.Errorf(format, args...)
	}
}

func (l *ledger) call(id tandem.CallID) *callEntry {
	c := l.calls[id]
	if c == nil {
		c = &callEntry{offers: map[tandem.AgentID]tandem.CallOffered{}}
		l.calls[id] = c
	}
	l.require(!c.over, "call %s has ended and something more is said of it", id)
	return c
}

func (l *ledger) agent(id tandem.AgentID) *agentEntry {
	a := l.agents[id]
	if a == nil {
		a = &agentEntry{state: tandem.AgentLoggedOut}
		l.agents[id] = a
	}
	return a
}

func (l *ledger) queue(id tandem.QueueID) *queueEntry {
	q := l.queues[id]
	if q == nil {
		q = &queueEntry{}
		l.queues[id] = q
	}
	return q
}

// read takes the next record.
func (l *ledger) read(r tandem.Record) {
	l.require(!r.At.IsZero(), "%s has no time", r.Event.Kind())
	switch ev := r.Event.(type) {
	case tandem.CallStarted:
		l.require(l.calls[ev.Call.ID] == nil, "call %s started twice", ev.Call.ID)
		l.call(ev.Call.ID)
	case tandem.CallQueued:
		c, q := l.call(ev.Call), l.queue(ev.Queue)
		l.require(!c.waiting && c.connected == "", "call %s queued while busy", ev.Call)
		l.require(ev.Position >= 1 && ev.Position <= q.waiting+1, "call %s queued at %d behind %d", ev.Call, ev.Position, q.waiting)
		c.waiting, c.queue, c.since = true, ev.Queue, r.At
		q.offered++
		q.waiting++
	case tandem.CallOffered:
		l.offered(r, ev)
	case tandem.OfferEnded:
		l.offerEnded(ev)
	case tandem.CallConnected:
		l.connected(ev)
	case tandem.CallLeft:
		l.left(ev)
	case tandem.CallReleased:
		c, a := l.call(ev.Call), l.agent(ev.Agent)
		l.require(c.connected == ev.Agent && a.call == ev.Call, "call %s released by %s, who has it not", ev.Call, ev.Agent)
		c.connected, a.call = "", ""
		l.queue(ev.Queue).talking--
	case tandem.CallEnded:
		c := l.call(ev.Call)
		l.require(!c.waiting && c.connected == "" && len(c.offers) == 0, "call %s ended in the middle of something", ev.Call)
		c.over = true
	case tandem.AgentChanged:
		l.agentChanged(ev)
	case tandem.Decided:
		l.require(ev.Rule != "", "decision on %s without a rule", ev.Call)
		l.require((ev.Agent == "") == (len(ev.Candidates) == 0), "decision on %s: agent %q of %d candidates", ev.Call, ev.Agent, len(ev.Candidates))
		l.require(len(ev.Candidates) == 0 || ev.Candidates[0].Agent == ev.Agent, "decision on %s: the best is not the chosen", ev.Call)
	default:
	}
}

func (l *ledger) offered(r tandem.Record, ev tandem.CallOffered) {
	c, a := l.call(ev.Call), l.agent(ev.Agent)
	l.require(c.waiting, "call %s offered, but does not wait", ev.Call)
	l.require(c.connected == "", "call %s offered while it is connected", ev.Call)
	l.require(a.offer == nil && a.call == "", "agent %s offered %s while holding another", ev.Agent, ev.Call)
	l.require(a.state == tandem.AgentReady, "agent %s offered %s while %s", ev.Agent, ev.Call, a.state)
	l.require(ev.Fence > l.fence, "fence %d after %d", ev.Fence, l.fence)
	l.require(ev.Deadline.After(r.At), "offer of %s is over before it begins", ev.Call)
	if l.may != nil {
		keeper, _ := l.kept(ev.Call)
		l.require(keeper == ev.Agent || l.picked[ev.Call] == ev.Agent || l.may(ev.Call, ev.Queue, ev.Agent, r.At.Sub(c.since)), "agent %s is offered %s and may not take it", ev.Agent, ev.Call)
	}
	l.fence = ev.Fence
	a.offer = &ev
	c.offers[ev.Agent] = ev
}

func (l *ledger) offerEnded(ev tandem.OfferEnded) {
	c, a := l.call(ev.Call), l.agent(ev.Agent)
	l.require(a.offer != nil && a.offer.Fence == ev.Fence && a.offer.Leg == ev.Leg, "offer %d to %s ended, which is not open", ev.Fence, ev.Agent)
	l.require(ev.Cause != tandem.CauseUnset, "offer %d ended without a cause", ev.Fence)
	a.offer = nil
	delete(c.offers, ev.Agent)
}

func (l *ledger) connected(ev tandem.CallConnected) {
	c, a, q := l.call(ev.Call), l.agent(ev.Agent), l.queue(ev.Queue)
	l.require(c.waiting && c.connected == "", "call %s connected twice", ev.Call)
	l.require(a.offer != nil && a.offer.Call == ev.Call && a.offer.Leg == ev.Leg, "call %s connected with %s, who has no offer of it", ev.Call, ev.Agent)
	l.require(len(c.offers) == 1, "call %s connected while %d offers are open", ev.Call, len(c.offers))
	l.require(a.state == tandem.AgentOnCall, "agent %s connected while %s", ev.Agent, a.state)
	c.waiting, c.connected = false, ev.Agent
	a.offer, a.call = nil, ev.Call
	delete(c.offers, ev.Agent)
	q.waiting--
	q.answered++
	q.talking++
}

func (l *ledger) left(ev tandem.CallLeft) {
	c, q := l.call(ev.Call), l.queue(ev.Queue)
	l.require(c.connected == "" && len(c.offers) == 0, "call %s left with an agent on it", ev.Call)
	switch {
	case c.waiting:
		l.require(ev.Position >= 1 && ev.Position <= q.waiting, "call %s left from %d of %d", ev.Call, ev.Position, q.waiting)
		q.waiting--
	default:
		l.require(ev.Reason == tandem.LeaveFull || ev.Reason == tandem.LeaveEmpty || ev.Reason == tandem.LeaveOverflow, "call %s left for %s and was not there", ev.Call, ev.Reason)
		q.offered++
	}
	c.waiting = false
	if ev.Next != "" || ev.Exit != "" {
		c.hops++
		l.require(ev.Next != ev.Queue, "call %s leaves %s for itself", ev.Call, ev.Queue)
	}
	if ev.Reason == tandem.LeaveAbandoned {
		q.abandoned++
	} else {
		q.left++
	}
}

func (l *ledger) agentChanged(ev tandem.AgentChanged) {
	a := l.agent(ev.Agent)
	l.require(ev.From == a.state, "agent %s changes from %s, but is %s", ev.Agent, ev.From, a.state)
	same := ev.From == ev.To && ev.To == tandem.AgentPaused
	l.require(same || ev.From.CanBecome(ev.To), "agent %s: %s cannot become %s", ev.Agent, ev.From, ev.To)
	if ev.To == tandem.AgentReserved {
		l.require(a.offer != nil, "agent %s reserved for nothing", ev.Agent)
	}
	if ev.To == tandem.AgentReady || ev.To == tandem.AgentWrapUp {
		l.require(a.offer == nil && a.call == "", "agent %s %s with a call in hand", ev.Agent, ev.To)
	}
	a.state = ev.To
}

// agree compares the ledger with a snapshot, and checks what holds at every instant.
func (l *ledger) agree(s acd.Snapshot) {
	state := map[tandem.AgentID]acd.AgentStatus{}
	for _, a := range s.Agents {
		state[a.ID] = a
		l.require(a.State == l.agent(a.ID).state, "agent %s is %s and said to be %s", a.ID, a.State, l.agent(a.ID).state)
	}
	for _, q := range s.Queues {
		n := l.queue(q.ID)
		l.require(int(q.Offered) == n.offered && int(q.Answered) == n.answered && int(q.Abandoned) == n.abandoned && int(q.Left) == n.left,
			"queue %s counts %+v, its records %+v", q.ID, q, *n)
		l.require(n.offered == n.answered+n.abandoned+n.left+n.waiting, "queue %s does not balance: %+v", q.ID, *n)
		l.require(len(q.Waiting) == n.waiting && q.Talking == n.talking, "queue %s shows %d waiting, %d talking: %+v", q.ID, len(q.Waiting), q.Talking, *n)
		for i, w := range q.Waiting {
			l.require(w.Position == i+1, "queue %s: position %d at %d", q.ID, w.Position, i+1)
			if i > 0 {
				l.require(l.inOrder(q.Waiting[i-1], w), "queue %s is out of order at %d", q.ID, i)
			}
			if w.Agent == "" {
				l.noneIdle(s.At, q, w, state)
			}
		}
	}
}

// inOrder says whether a call may stand before another one.
func (l *ledger) inOrder(p, w acd.WaitingCall) bool {
	if l.outbound[p.Call] != l.outbound[w.Call] {
		return l.outbound[p.Call]
	}
	if l.ageing == 0 && p.Priority != w.Priority {
		return p.Priority > w.Priority
	}
	return !p.Ranked.After(w.Ranked)
}

// noneIdle requires that nobody waits while an agent who may take the call is ready.
func (l *ledger) noneIdle(now time.Time, q acd.QueueStatus, w acd.WaitingCall, state map[tandem.AgentID]acd.AgentStatus) {
	for _, a := range state {
		free := a.State == tandem.AgentReady && a.Until.IsZero()
		may := slices.Contains(a.Queues, q.ID)
		if l.may != nil {
			may = l.may(w.Call, q.ID, a.ID, now.Sub(w.Since)) && l.mayNow(w, state, a.ID, now)
		}
		l.require(!free || !may, "call %s waits in %s while %s is ready", w.Call, q.ID, a.ID)
	}
}

// mayNow says whether a call is not kept for somebody else; when in doubt it is.
func (l *ledger) mayNow(w acd.WaitingCall, state map[tandem.AgentID]acd.AgentStatus, agent tandem.AgentID, now time.Time) bool {
	keeper, until := l.kept(w.Call)
	if keeper == "" || keeper == agent || now.Sub(w.Since) >= until {
		return true
	}
	switch state[keeper].State {
	case tandem.AgentPaused, tandem.AgentLoggedOut, tandem.AgentUnavailable:
		return true
	case tandem.AgentUnset, tandem.AgentReady, tandem.AgentReserved, tandem.AgentOnCall, tandem.AgentWrapUp:
	}
	return false
}
