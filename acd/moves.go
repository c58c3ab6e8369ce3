package acd

import (
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
)

// SetPriority changes the priority of a call: see Center.SetPriority.
func (e *Engine) SetPriority(now time.Time, id tandem.CallID, priority int) error {
	if e.record != nil {
		e.record(Input{At: now, Op: "set_priority", Call: id, Priority: priority})
	}
	e.begin(now)
	defer e.finish()
	c := e.calls[id]
	if c == nil {
		return &tandem.CallError{Op: "acd: set priority", Call: id, Err: tandem.ErrNotFound}
	}
	if c.state != callWaiting {
		return &tandem.CallError{Op: "acd: set priority", Call: id, Err: fmt.Errorf("it is %s: %w", c.state, tandem.ErrState)}
	}
	spot := c.spot
	c.move(spotNone)
	c.priority, c.ranked = priority, c.arrived
	e.rank(c)
	c.move(spot)
	e.decided(tandem.Decided{Call: id, Queue: c.queue.cfg.ID, Strategy: c.queue.strategy, Rule: "supervisor_priority"})
	return nil
}

// Pick gives a waiting call to an agent: see Center.Pick.
func (e *Engine) Pick(now time.Time, id tandem.CallID, agent tandem.AgentID) error {
	if e.record != nil {
		e.record(Input{At: now, Op: "pick", Call: id, Agent: agent})
	}
	e.begin(now)
	defer e.finish()
	c, a := e.calls[id], e.agentByID[agent]
	var err error
	switch {
	case c == nil:
		err = tandem.ErrNotFound
	case a == nil:
		err = fmt.Errorf("agent %q: %w", agent, tandem.ErrNotFound)
	case c.state != callWaiting:
		err = fmt.Errorf("it is %s: %w", c.state, tandem.ErrState)
	case a.call == c:
		return nil // it rings there
	case a.task != taskIdle || a.state != tandem.AgentReady:
		err = fmt.Errorf("agent %q is %s: %w", agent, a.state, tandem.ErrState)
	}
	if err != nil {
		return &tandem.CallError{Op: "acd: pick", Call: id, Err: err}
	}
	// The agent is taken out of the lines first: the offers that end may make others ready, who then cannot take this call, which is in no line.
	e.unstand(a)
	c.move(spotNone)
	for c.first != nil {
		e.endOffer(c.first, tandem.CauseCancelled)
	}
	s := a.seatIn(c.queue)
	if s == nil {
		e.ownLine(a)
		s = a.own
	}
	e.timers.stop(&a.timer)
	s.key = 0
	e.offer(c, s, "supervisor_pick")
	c.move(spotHeld) // nobody else is rung, however many the queue rings at once
	c.more = 0
	e.arm(c)
	return nil
}

// seatIn returns the agent's seat in a queue, or nil.
func (a *agent) seatIn(q *queue) *seat {
	for _, s := range a.seats {
		if s.queue == q {
			return s
		}
	}
	return nil
}

// Force brings an agent into a state: see Center.Force.
func (e *Engine) Force(now time.Time, id tandem.AgentID, to tandem.AgentState, reason string) error {
	switch to {
	case tandem.AgentLoggedOut:
		return e.Logout(now, id)
	case tandem.AgentPaused:
		if e.record != nil {
			e.record(Input{At: now, Op: "force_pause", Agent: id, Text: reason})
		}
		return e.command(now, "force", id, func(a *agent) error {
			if a.wants == wantsOut { // not by way of ready, in which a call might come
				a.misses, a.backoff = 0, 0
			}
			a.wants, a.reason = wantsPause, reason
			e.withdraw(a)
			return nil
		})
	case tandem.AgentReady:
		if err := e.Login(now, id); err != nil {
			return err
		}
		return e.Ready(now, id)
	case tandem.AgentUnset, tandem.AgentReserved, tandem.AgentOnCall, tandem.AgentWrapUp, tandem.AgentUnavailable:
	}
	return fmt.Errorf("acd: force: agent %q: nobody can be made %s: %w", id, to, tandem.ErrInvalid)
}

// ExtendWrapUp prolongs a wrap-up: see Center.ExtendWrapUp.
func (e *Engine) ExtendWrapUp(now time.Time, id tandem.AgentID, d time.Duration) error {
	if e.record != nil {
		e.record(Input{At: now, Op: "extend_wrap_up", Agent: id, Duration: d})
	}
	return e.command(now, "extend wrap-up", id, func(a *agent) error {
		if d <= 0 || d > maxExtension {
			return &tandem.ConfigError{Where: "duration", What: fmt.Sprintf("is not above 0 and at most %s", maxExtension)}
		}
		at, set := e.timers.at(&a.timer)
		if a.task != taskWrapping || !set {
			return fmt.Errorf("not in wrap-up: %w", tandem.ErrState)
		}
		e.timers.set(&a.timer, at+int64(d))
		return nil
	})
}

// maxExtension bounds one prolongation of a wrap-up.
const maxExtension = time.Hour

// Drain closes a queue to new calls: see Center.Drain.
func (e *Engine) Drain(now time.Time, id tandem.QueueID) error {
	if e.record != nil {
		e.record(Input{At: now, Op: "drain", Queue: id})
	}
	return e.onQueue(now, "drain", id, func(q *queue) { q.draining = true })
}

// Reopen lets a drained queue take calls again: see Center.Reopen.
func (e *Engine) Reopen(now time.Time, id tandem.QueueID) error {
	if e.record != nil {
		e.record(Input{At: now, Op: "reopen", Queue: id})
	}
	return e.onQueue(now, "reopen", id, func(q *queue) { q.draining = false })
}

// onQueue is what the commands about a queue have in common.
func (e *Engine) onQueue(now time.Time, op string, id tandem.QueueID, do func(*queue)) error {
	e.begin(now)
	defer e.finish()
	q := e.queueByID[id]
	if q == nil {
		return fmt.Errorf("acd: %s: queue %q: %w", op, id, tandem.ErrNotFound)
	}
	do(q)
	return nil
}
