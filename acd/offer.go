package acd

import (
	"fmt"
	"strconv"
	"time"

	"github.com/tandem-cc/tandem"
)

// maxCandidates is how many agents an explanation names.
const maxCandidates = 20

// ringSlack is how much longer than its offer a leg may ring by the switch's own timer: the engine's deadline rules, and the switch's only counts when the engine is
// not there to hang up.
const ringSlack = 5 * time.Second

// seek offers a waiting call to as many ready agents as it may ring at, and puts it where it then belongs.
func (e *Engine) seek(c *call) {
	for c.offers < c.rings() {
		s := c.line.ready.first()
		if s == nil {
			break
		}
		rule := c.queue.strategy
		if c.released > 0 {
			rule = "preferred"
		} else if c.direct != nil {
			rule = "direct"
		}
		e.offer(c, s.seat, rule)
	}
	e.settle(c)
}

// settle puts a waiting call in line when it wants more agents, else among the held.
func (e *Engine) settle(c *call) {
	if c.state == callWaiting && c.offers < c.rings() {
		c.move(spotOpen)
		return
	}
	c.move(spotHeld)
}

// offer reserves an agent for a call and rings it.
func (e *Engine) offer(c *call, s *seat, rule string) {
	a, q := s.agent, c.queue
	d := tandem.Decided{Call: c.ID, Queue: q.cfg.ID, Agent: a.cfg.ID, Strategy: q.strategy, Rule: rule}
	d.Candidates, d.Considered = e.candidates(s)
	base := s.base()
	if a.standing && base.tier != nil {
		base.tier.lastKey = s.key
	}
	e.unstand(a)
	e.fence++
	q.offers++
	c.rung++
	if q.ringer != nil && c.offers == 0 && c.direct == nil {
		c.rungAt = e.now
		e.widen(c)
	}
	c.link(a)
	base.lastOffer = q.offers
	a.task, a.seat, a.queue, a.fence, a.backoff = taskRinging, base, q, e.fence, 0
	a.leg, a.hungUp = legName(c.ID, c.rung), false
	e.agentLegs[a.leg] = a
	e.timers.set(&a.timer, e.now+int64(q.cfg.RingTimeout))
	e.decided(d)
	e.offered(tandem.CallOffered{
		Call: c.ID, Queue: q.cfg.ID, Agent: a.cfg.ID, Leg: a.leg, Fence: a.fence, Deadline: e.at.Add(q.cfg.RingTimeout),
	})
	e.show(a, tandem.AgentReserved, "")
	e.act(Action{
		Kind: ActionDial, Call: c.ID, Leg: a.leg, Peer: c.Customer, Agent: a.cfg.ID, From: c.customer(),
		Timeout: q.cfg.RingTimeout + ringSlack, Subject: q.subject(),
	})
}

// legName names the n-th leg that is dialled for a call: unique as the call's ID is, and the same in each run.
func legName(id tandem.CallID, n uint64) tandem.LegID {
	var buf [96]byte
	b := append(buf[:0], id...)
	b = append(b, '-', 'a')
	return tandem.LegID(strconv.AppendUint(b, n, 10))
}

// subject is the queue's name within the bounds of tandem.Dial.
func (q *queue) subject() string {
	if len(q.cfg.Name) > 200 {
		return string(q.cfg.ID[:min(len(q.cfg.ID), 200)])
	}
	return q.cfg.Name
}

// candidates lists the agents among whom s was chosen, best first, and how many there were. An agent who took a call on becoming ready was the only one:
// had another been ready, the call would not have waited.
func (e *Engine) candidates(s *seat) ([]tandem.Candidate, int) {
	from := len(e.out.candidates)
	if !s.agent.standing {
		e.out.candidates = append(e.out.candidates, s.candidate())
		return e.out.candidates[from : from+1 : from+1], 1
	}
	s.line.ready.each(func(st stander) bool {
		e.out.candidates = append(e.out.candidates, st.seat.candidate())
		return len(e.out.candidates) < from+maxCandidates
	})
	to := len(e.out.candidates)
	return e.out.candidates[from:to:to], s.line.ready.len()
}

func (s *seat) candidate() tandem.Candidate {
	return tandem.Candidate{Agent: s.agent.cfg.ID, Level: int(s.level), Key: s.key}
}

// accept takes the answer of an agent's leg: the agent has the call, whoever else is rung has not, and the two legs are to be bridged.
func (e *Engine) accept(a *agent) {
	c := a.call
	e.become(c, callConnecting)
	for other := c.first; other != nil; {
		next := other.next
		if other != a {
			e.endOffer(other, tandem.CauseElsewhere)
		}
		other = next
	}
	e.settle(c)
	e.timers.stop(&c.timer)
	a.task = taskBridging
	a.misses = 0
	e.timers.set(&a.timer, e.now+e.clearing)
	e.show(a, tandem.AgentOnCall, "")
	e.act(Action{Kind: ActionBridge, Call: c.ID, Leg: c.Customer, Peer: a.leg})
}

// connect takes the bridging of a call: the conversation begins.
func (e *Engine) connect(c *call) {
	a, q := c.first, c.queue
	e.become(c, callTalking)
	c.move(spotNone)
	c.leaveClass()
	c.began = e.now
	a.task = taskTalking
	a.answered++
	a.seat.answered++
	e.timers.stop(&a.timer)
	waited := time.Duration(e.now - c.since)
	q.waiting--
	q.pace.connected(e.now, e.now-c.since, q.waiting)
	q.answered++
	q.talking++
	if waited <= q.cfg.ServiceLevel {
		q.inTime++
	}
	e.connected(tandem.CallConnected{Call: c.ID, Queue: q.cfg.ID, Agent: a.cfg.ID, Leg: a.leg, Waited: waited})
}

// fail ends an offer for a reason of the agent's side; the call looks for another agent, at its old place, unless its time ran out
// while it was being connected.
func (e *Engine) fail(a *agent, cause tandem.Cause) {
	c := a.call
	if c.state == callConnecting {
		e.become(c, callWaiting)
		e.play(c) // a bridge, even one that fails in the end, stops the sound
	}
	e.endOffer(a, cause)
	if c.limit > 0 && c.limit <= e.now {
		e.callDue(c)
		return
	}
	if c.released > 0 && a == c.direct {
		e.letGo(c, "preferred_declined")
	}
	e.waitDue(c) // what came due while it was being connected
	e.seek(c)
}

// endOffer ends an offer without a conversation: the agent is free of it as soon as its leg is gone. What becomes of the call is the caller's concern.
func (e *Engine) endOffer(a *agent, cause tandem.Cause) {
	c, q := a.call, a.queue
	c.unlink(a)
	e.offerEnded(tandem.OfferEnded{Call: c.ID, Queue: q.cfg.ID, Agent: a.cfg.ID, Leg: a.leg, Fence: a.fence, Cause: cause})
	e.hangUpLeg(a, c, cause)
	if d := q.cfg.Retry.after(cause); d > 0 {
		a.backoff = e.now + int64(d)
	}
	if cause == tandem.CauseNoAnswer {
		a.misses++
		if a.cfg.MaxMisses > 0 && a.misses >= a.cfg.MaxMisses && a.wants == wantsReady {
			a.wants, a.reason = wantsPause, fmt.Sprintf("missed %d offers", a.misses)
		}
	}
	e.clearUp(a)
}

// hangUpLeg ends an agent's leg, unless its end is what brought this about.
func (e *Engine) hangUpLeg(a *agent, c *call, cause tandem.Cause) {
	if a.hungUp {
		a.leg = ""
		return
	}
	e.act(Action{Kind: ActionHangup, Call: c.ID, Leg: a.leg, Cause: cause})
}

// release ends an agent's part in a conversation: wrap-up follows, unless there is none or the agent is leaving.
func (e *Engine) release(a *agent, by tandem.Party) {
	c, q := a.call, a.queue
	talked := e.now - c.began
	c.unlink(a)
	q.talking--
	a.seat.talked += talked
	a.lastCall, a.lastEnd, a.lastFrom = c.ID, e.now, c.customer()
	e.released(tandem.CallReleased{
		Call: c.ID, Queue: q.cfg.ID, Agent: a.cfg.ID, Leg: a.leg, By: by, Talked: time.Duration(talked),
	})
	e.hangUpLeg(a, c, tandem.CauseNormal)
	wrapUp := q.cfg.WrapUp
	if a.cfg.WrapUp != 0 {
		wrapUp = max(a.cfg.WrapUp, 0)
	}
	if a.wants == wantsOut || wrapUp <= 0 {
		e.endWrapUp(a)
		return
	}
	a.task = taskWrapping
	e.show(a, tandem.AgentWrapUp, "")
	e.timers.set(&a.timer, e.now+int64(wrapUp))
}
