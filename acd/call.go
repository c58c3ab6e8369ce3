package acd

import (
	"fmt"
	"math"
	"time"

	"github.com/tandem-cc/tandem"
)

// call is a call in the engine, from its arrival to its end. What each step touches stands first, close together.
type call struct {
	state    callState
	up       bool // the customer's leg is answered
	gone     bool // the customer's leg has ended
	spot     spot // where it stands in its queue
	cause    tandem.Cause
	by       tandem.Party
	offers   int                  // how many agents are in the list that begins with first
	first    *agent               // at whom it rings or who answered; the others follow by agent.next
	queue    *queue               // nil while routing, and when refused by the route
	line     *line                // the queue's, or the one of the agent that it is meant for
	direct   *agent               // whom it is meant for, or kept for at first; nil: for any
	class    *class               // of those that ask the same; nil: it asks for nothing
	needs    []tandem.Requirement // its own
	released int64                // when it is no more kept for a preferred agent; 0: it is not
	order    int64                // the priority as it counts
	since    int64                // of the wait
	seq      uint64
	limit    int64 // when the wait ends; 0: never
	ranked   int64 // since when its place counts
	eases    int64 // when it asks for less; 0: never
	more     int64 // when a Ringer is asked again; 0: never
	rungAt   int64 // since when it rings, with a Ringer
	want     int   // at how many agents it is to ring, with a Ringer
	timer    timer
	began    int64  // of the conversation
	rung     uint64 // how many offers there were, for the legs' names
	tandem.Call
	hops     int              // how often rules have moved it on
	tried    []tandem.QueueID // the queues that have not taken it since it last waited
	queued   bool             // it has waited in a queue
	arrived  int64            // in the first of them
	priority int              // as it was given
	patience time.Duration
}

// spot is where a call stands in its queue.
type spot uint8

const (
	spotNone spot = iota // not waiting
	spotOpen             // in line: it wants an agent
	spotHeld             // it has as many offers as it may, or an agent who answered
)

// urgent is added to the priority of an answered outbound call: whoever we called must not wait.
const urgent = int64(1) << 40

func (c *call) waiter() waiter {
	return waiter{priority: c.order, since: c.ranked, seq: c.seq, call: c}
}

// move puts a call to a spot of its queue. A call that is not in the queue's own line is always among the held, for its position.
func (c *call) move(to spot) {
	if c.spot == to {
		return
	}
	from := c.spot
	c.spot = to
	w := c.waiter()
	if from == spotOpen {
		c.line.open.remove(w)
	}
	if to == spotOpen {
		c.line.open.insert(w)
	}
	switch wasHeld, isHeld := c.heldAt(from), c.heldAt(to); {
	case wasHeld && !isHeld:
		c.queue.held.remove(w)
	case isHeld && !wasHeld:
		c.queue.held.insert(w)
	}
}

func (c *call) heldAt(s spot) bool {
	return s == spotHeld || s == spotOpen && c.line != &c.queue.line
}

// rings says at how many agents the call may ring at once.
func (c *call) rings() int {
	if c.direct != nil {
		return 1
	}
	if c.queue.ringer != nil && c.offers > 0 {
		return c.want
	}
	return c.queue.cfg.RingAtOnce
}

// customer returns who the customer is; of an outbound call we know the number that was dialled.
func (c *call) customer() tandem.CallerID {
	if c.Direction == tandem.Outbound {
		return tandem.CallerID{Number: c.To}
	}
	return c.From
}

// link and unlink keep the list of the agents who have an offer of the call.
func (c *call) link(a *agent) {
	a.call, a.next, a.prev = c, c.first, nil
	if c.first != nil {
		c.first.prev = a
	}
	c.first = a
	c.offers++
}

func (c *call) unlink(a *agent) {
	if a.prev != nil {
		a.prev.next = a.next
	} else {
		c.first = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	}
	a.call, a.next, a.prev = nil, nil, nil
	c.offers--
}

// become changes a call's state.
func (e *Engine) become(c *call, to callState) {
	if !c.state.canBecome(to) {
		e.fault(&tandem.CallError{Op: "acd: state", Call: c.ID, Err: fmt.Errorf("%s cannot become %s: %w", c.state, to, tandem.ErrState)})
	}
	c.state = to
}

// admit makes the engine know a call.
func (e *Engine) admit(nc tandem.Call) *call {
	var c *call
	if n := len(e.free); n > 0 {
		c, e.free = e.free[n-1], e.free[:n-1]
	} else {
		c = new(call)
	}
	e.seq++
	*c = call{Call: nc, seq: e.seq}
	c.timer.call = c
	e.calls[c.ID] = c
	e.customers[c.Customer] = c
	return c
}

// Incoming takes a leg that the switch reports, under the name that the call is to have. An agent's own call is refused. The
// route is asked for by an ActionRoute, whose answer goes to Routed. ErrConflict: the call or leg is here already.
func (e *Engine) Incoming(now time.Time, id tandem.CallID, in tandem.LegIncoming) error {
	if e.record != nil {
		kept := in // so that it is on the heap only when recorded
		e.record(Input{At: now, Op: "incoming", Call: id, Incoming: &kept})
	}
	e.begin(now)
	defer e.finish()
	if e.calls[id] != nil || e.knows(in.Leg) {
		return &tandem.CallError{Op: "acd: incoming", Call: id, Leg: in.Leg, Err: tandem.ErrConflict}
	}
	if in.Agent != "" {
		e.act(Action{Kind: ActionHangup, Leg: in.Leg, Cause: tandem.CauseForbidden})
		return nil
	}
	c := e.admit(tandem.Call{ID: id, Direction: tandem.Inbound, Customer: in.Leg, Trunk: in.Trunk, From: in.From, To: in.To})
	e.become(c, callRouting)
	e.started(tandem.CallStarted{Call: c.Call})
	e.act(Action{Kind: ActionRoute, Call: id, Leg: in.Leg, Trunk: in.Trunk, From: in.From, To: in.To})
	return nil
}

// Routed takes the answer to an ActionRoute. A call that has ended meanwhile is passed over. ErrNotFound: the route names an unknown queue or
// agent; the call is refused.
func (e *Engine) Routed(now time.Time, id tandem.CallID, r Route) error {
	if e.record != nil {
		kept := r // so that it is on the heap only when recorded
		e.record(Input{At: now, Op: "routed", Call: id, Route: &kept})
	}
	e.begin(now)
	defer e.finish()
	c := e.calls[id]
	if c == nil || c.state != callRouting {
		return nil
	}
	if r.Queue == "" {
		if r.Refuse == tandem.CauseUnset {
			r.Refuse = tandem.CauseUnallocated
		}
		e.close(c, r.Refuse, tandem.PartySystem)
		return nil
	}
	if err := e.checkRoute(r); err != nil {
		e.close(c, tandem.CauseUnallocated, tandem.PartySystem)
		return &tandem.CallError{Op: "acd: route", Call: id, Err: err}
	}
	e.join(c, r)
	return nil
}

// Enqueue puts a call into a queue and takes over its customer leg: see Center.Enqueue.
func (e *Engine) Enqueue(now time.Time, a tandem.Arrival) error {
	if e.record != nil {
		kept := a // so that it is on the heap only when recorded
		e.record(Input{At: now, Op: "enqueue", Arrival: &kept})
	}
	e.begin(now)
	defer e.finish()
	r := Route{
		Queue: a.Queue, Priority: a.Priority, Agent: a.Agent, Patience: a.Patience,
		Requirements: a.Requirements, Prefer: a.Prefer, PreferFor: a.PreferFor,
	}
	err := e.checkRoute(r)
	switch {
	case a.Call.ID == "":
		err = &tandem.ConfigError{Where: "arrival.call.id", What: "is missing"}
	case a.Call.Customer == "":
		err = &tandem.ConfigError{Where: "arrival.call.customer", What: "is missing"}
	case err != nil:
	case e.calls[a.Call.ID] != nil || e.knows(a.Call.Customer):
		err = tandem.ErrConflict
	case e.strays.has(a.Call.Customer):
		err = fmt.Errorf("customer's leg has ended: %w", tandem.ErrNotFound)
	}
	if err != nil {
		return &tandem.CallError{Op: "acd: enqueue", Call: a.Call.ID, Err: err}
	}
	c := e.admit(a.Call)
	c.up = a.Answered
	if c.Direction != tandem.Outbound {
		e.started(tandem.CallStarted{Call: c.Call})
	}
	e.join(c, r)
	return nil
}

func (e *Engine) knows(leg tandem.LegID) bool {
	return e.customers[leg] != nil || e.agentLegs[leg] != nil
}

func (e *Engine) checkRoute(r Route) error {
	switch {
	case e.queueByID[r.Queue] == nil:
		return fmt.Errorf("queue %q: %w", r.Queue, tandem.ErrNotFound)
	case r.Agent != "" && e.agentByID[r.Agent] == nil:
		return fmt.Errorf("agent %q: %w", r.Agent, tandem.ErrNotFound)
	case r.Prefer != "" && e.agentByID[r.Prefer] == nil:
		return fmt.Errorf("agent %q: %w", r.Prefer, tandem.ErrNotFound)
	case r.Patience < 0:
		return &tandem.ConfigError{Where: "patience", What: "is negative"}
	case r.PreferFor < 0:
		return &tandem.ConfigError{Where: "prefer_for", What: "is negative"}
	case len(r.Requirements) == 0:
		return nil
	}
	return checkNeeds("requirements", e.queueByID[r.Queue].cfg.Requirements, r.Requirements)
}

// answerLimit is how long an incoming leg may take to be answered before it is given up: longer than SIP's own timers (RFC 3261, 64·T1 = 32 s).
const answerLimit = int64(40 * time.Second)

// join brings a call to its queue, or refuses it by the queue's limits.
func (e *Engine) join(c *call, r Route) {
	q := e.queueByID[r.Queue]
	c.queue, c.line = q, &q.line
	c.priority, c.patience, c.needs = r.Priority, r.Patience, r.Requirements
	if r.Agent != "" {
		c.direct = e.agentByID[r.Agent]
	} else if r.Prefer != "" {
		c.direct, c.released = e.agentByID[r.Prefer], int64(orDefault(r.PreferFor, q.cfg.PreferFor))
	}
	switch rule := q.refuses(c.direct != nil && c.released == 0); {
	case rule != "":
		e.refuse(c, rule)
	case c.up:
		e.wait(c)
	default:
		e.become(c, callAnswering)
		q.coming++
		e.timers.set(&c.timer, e.now+answerLimit)
		e.act(Action{Kind: ActionAnswer, Call: c.ID, Leg: c.Customer})
	}
}

// refuses returns the rule by which a queue does not take a call, if there is one. Whether anybody serves it does not matter to a call that is meant
// for one agent.
func (q *queue) refuses(direct bool) string {
	switch {
	case q.draining:
		return "draining"
	case q.cfg.MaxWaiting > 0 && q.waiting+q.coming >= q.cfg.MaxWaiting:
		return "queue_full"
	case !direct && q.allIn(q.cfg.RefuseWhen):
		return "no_agent"
	}
	return ""
}

// refuse sends away a call that the queue does not take.
func (e *Engine) refuse(c *call, rule string) {
	q := c.queue
	q.offered++
	q.left++
	x, why, cause := q.cfg.OnFull, tandem.LeaveFull, tandem.CauseQueueFull
	if rule == "no_agent" || rule == "draining" {
		x, why, cause = q.cfg.OnEmpty, tandem.LeaveEmpty, tandem.CauseUnavailable
	}
	e.decided(tandem.Decided{Call: c.ID, Queue: q.cfg.ID, Strategy: q.strategy, Rule: rule})
	x, stopped := c.way(x)
	if x != (Exit{}) {
		why = tandem.LeaveOverflow
	}
	e.left(tandem.CallLeft{Call: c.ID, Queue: q.cfg.ID, Reason: why, Position: q.waiting + 1, Next: x.Queue, Exit: x.Host})
	c.tried = append(c.tried, q.cfg.ID)
	e.sendOn(c, x, stopped, cause)
}

// wait puts a call in line and looks for an agent.
func (e *Engine) wait(c *call) {
	q := c.queue
	e.become(c, callWaiting)
	if !c.queued {
		c.queued, c.arrived = true, e.now
	}
	c.since, c.ranked, c.tried = e.now, c.arrived, nil
	c.more, c.eases = 0, 0
	e.enlist(c)
	e.queued(tandem.CallQueued{Call: c.ID, Queue: q.cfg.ID, Position: q.position(c), Priority: c.priority})
	q.waiting++
	q.offered++
	e.play(c)
	limit := q.cfg.MaxWait
	if c.patience > 0 {
		limit = c.patience
	}
	c.limit = 0
	if limit > 0 {
		c.limit = e.now + int64(limit)
	}
	e.arm(c)
	e.seek(c)
	if c.offers == 0 {
		e.decided(tandem.Decided{Call: c.ID, Queue: q.cfg.ID, Strategy: q.strategy, Rule: "no_agent_ready"})
	}
}

// enlist finds the line of a call that begins to wait, and its order there.
func (e *Engine) enlist(c *call) {
	e.rank(c)
	if c.released > 0 {
		c.released += e.now
		if c.direct.absent() {
			c.direct, c.released = nil, 0
		}
	}
	if c.direct != nil {
		c.line = e.ownLine(c.direct)
		return
	}
	if q := c.queue; len(q.cfg.Requirements)+len(c.needs)+len(q.cfg.Tiers) > 0 {
		e.classify(c)
	}
}

// rank gives a call its order among those that wait. With ageing, a point of priority counts as a longer wait: the order of two calls is
// then the same at every instant, and nothing needs to be moved while they wait.
func (e *Engine) rank(c *call) {
	c.order = 0
	if e.ageing > 0 {
		c.ranked -= int64(max(min(c.priority, maxLevel), -maxLevel)) * min(e.ageing, math.MaxInt64/4/maxLevel)
	} else {
		c.order = int64(max(min(c.priority, maxLevel), -maxLevel))
	}
	if c.Direction == tandem.Outbound && c.up {
		c.order += urgent
	}
}

// arm sets the timer of a waiting call to the earliest of its deadlines.
func (e *Engine) arm(c *call) {
	at := c.limit
	for _, t := range [...]int64{c.more, c.eases, c.released} {
		if t > 0 && (at == 0 || t < at) {
			at = t
		}
	}
	if was, set := e.timers.at(&c.timer); set && was == at {
		return
	}
	if at == 0 {
		e.timers.stop(&c.timer)
		return
	}
	e.timers.set(&c.timer, at)
}

// waitDue does what has become due for a waiting call.
func (e *Engine) waitDue(c *call) {
	if c.limit > 0 && c.limit <= e.now {
		e.overflow(c, c.queue.cfg.OnTimeout, "max_wait", tandem.LeaveTimeout, tandem.CauseNoAnswer)
		return
	}
	if c.more > 0 && c.more <= e.now {
		c.more = 0
		if c.offers > 0 {
			e.widen(c)
			e.seek(c)
		}
	}
	if c.released > 0 && c.released <= e.now {
		e.letGo(c, "preferred_time_over")
		e.seek(c)
	}
	if c.eases > 0 && c.eases <= e.now {
		if e.classify(c) {
			e.decided(tandem.Decided{Call: c.ID, Queue: c.queue.cfg.ID, Strategy: c.queue.strategy, Rule: "relaxed"})
		}
		e.seek(c)
	}
	e.arm(c)
}

// play lets a waiting customer hear the queue's sound.
func (e *Engine) play(c *call) {
	if s := c.queue.cfg.Sound; s.Kind != tandem.SoundUnset {
		e.act(Action{Kind: ActionPlay, Call: c.ID, Leg: c.Customer, Sound: s})
	}
}

// leave takes a waiting or connecting call out of its queue without an agent; its offers are cancelled. What becomes of the call is the caller's concern.
func (e *Engine) leave(c *call, why tandem.LeaveReason, rule string) {
	e.leaveBy(c, departure{why: why, rule: rule})
}

// departure is how a call leaves its queue: why, by which rule (empty: nobody's decision), and where to.
type departure struct {
	why  tandem.LeaveReason
	rule string
	exit Exit
}

func (e *Engine) leaveBy(c *call, d departure) {
	q := c.queue
	position := q.position(c)
	c.move(spotNone)
	c.leaveClass()
	q.waiting--
	q.pace.left(e.now-c.since, q.waiting)
	for c.first != nil {
		e.endOffer(c.first, tandem.CauseCancelled)
	}
	if d.why == tandem.LeaveAbandoned {
		q.abandoned++
	} else {
		q.left++
	}
	if d.rule != "" {
		e.decided(tandem.Decided{Call: c.ID, Queue: q.cfg.ID, Strategy: q.strategy, Rule: d.rule})
	}
	e.left(tandem.CallLeft{
		Call: c.ID, Queue: q.cfg.ID, Reason: d.why, Position: position, Waited: time.Duration(e.now - c.since), Next: d.exit.Queue, Exit: d.exit.Host,
	})
}

// sendAway makes every call leave that waits in a queue which nobody serves.
func (e *Engine) sendAway(q *queue) {
	var all []*call
	collect := func(w waiter) bool {
		if w.call.offers == 0 {
			all = append(all, w.call)
		}
		return true
	}
	q.line.open.each(collect)
	for _, cl := range q.classes {
		cl.line.open.each(collect)
	}
	for _, c := range all {
		if c.queue == q && c.state == callWaiting { // it may have left with one before it
			e.overflow(c, q.cfg.OnEmpty, "no_agent", tandem.LeaveEmpty, tandem.CauseUnavailable)
		}
	}
}

// close hangs the customer up; the call ends with the leg.
func (e *Engine) close(c *call, cause tandem.Cause, by tandem.Party) {
	e.act(Action{Kind: ActionHangup, Call: c.ID, Leg: c.Customer, Cause: cause})
	e.awaitEnd(c, cause, by)
}

// awaitEnd makes a call wait for the end of its customer's leg. CauseUnset: the leg's own end will say why.
func (e *Engine) awaitEnd(c *call, cause tandem.Cause, by tandem.Party) {
	if c.state == callAnswering {
		c.queue.coming--
	}
	e.become(c, callClosing)
	c.cause, c.by = cause, by
	e.timers.set(&c.timer, e.now+e.clearing)
}

// end forgets a call.
func (e *Engine) end(c *call, cause tandem.Cause, by tandem.Party) {
	e.ended(tandem.CallEnded{Call: c.ID, Cause: cause, By: by})
	e.become(c, callUnset)
	e.timers.stop(&c.timer)
	delete(e.calls, c.ID)
	if !c.gone {
		delete(e.customers, c.Customer)
	}
	if len(e.free) < maxFree {
		e.free = append(e.free, c)
	}
}

// Hangup ends a call on behalf of a party: see Center.Hangup.
func (e *Engine) Hangup(now time.Time, id tandem.CallID, by tandem.Party) error {
	if e.record != nil {
		e.record(Input{At: now, Op: "hangup", Call: id, By: by})
	}
	e.begin(now)
	defer e.finish()
	c := e.calls[id]
	if c == nil {
		return &tandem.CallError{Op: "acd: hang up", Call: id, Err: tandem.ErrNotFound}
	}
	e.quit(c, tandem.CauseNormal, by, leaveBy(by))
	return nil
}

// leaveBy is the reason under which a call leaves the queue when a party ends it.
func leaveBy(by tandem.Party) tandem.LeaveReason {
	switch by {
	case tandem.PartyCustomer:
		return tandem.LeaveAbandoned
	case tandem.PartyNetwork:
		return tandem.LeaveFailed
	case tandem.PartyUnset, tandem.PartyAgent, tandem.PartySystem:
		return tandem.LeaveMoved
	}
	return tandem.LeaveMoved
}

// quit ends a call in whatever state, from our side.
func (e *Engine) quit(c *call, cause tandem.Cause, by tandem.Party, why tandem.LeaveReason) {
	switch c.state {
	case callRouting, callAnswering, callAway:
	case callWaiting, callConnecting:
		e.leave(c, why, "")
	case callTalking:
		e.release(c.first, by)
	case callUnset, callClosing:
		return
	}
	e.close(c, cause, by)
}

// callDue does what the call's timer was set for.
func (e *Engine) callDue(c *call) {
	switch c.state {
	case callAnswering:
		e.close(c, tandem.CauseTimeout, tandem.PartySystem)
	case callWaiting:
		e.waitDue(c)
	case callClosing:
		e.fault(&tandem.CallError{Op: "acd: close", Call: c.ID, Leg: c.Customer, Err: fmt.Errorf("the customer's leg did not end: %w", tandem.ErrState)})
		if c.cause == tandem.CauseUnset {
			c.cause = tandem.CauseFailed
		}
		e.end(c, c.cause, c.by)
	case callUnset, callRouting, callConnecting, callTalking, callAway:
	}
}
