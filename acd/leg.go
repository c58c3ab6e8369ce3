package acd

import (
	"errors"
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
)

func (e *Engine) legAnswered(leg tandem.LegID) {
	if a := e.agentLegs[leg]; a != nil {
		if a.task == taskRinging {
			e.accept(a)
		}
		return
	}
	c := e.customers[leg]
	if c == nil || c.up {
		return
	}
	c.up = true
	if c.state == callAnswering {
		c.queue.coming--
		e.wait(c)
	}
}

// legBridged takes whichever of the two events of a bridge comes first.
func (e *Engine) legBridged(leg, peer tandem.LegID) {
	a := e.agentLegs[leg]
	if a == nil {
		a, peer = e.agentLegs[peer], leg
	}
	if a != nil && a.task == taskBridging && a.call.Customer == peer {
		e.connect(a.call)
	}
}

func (e *Engine) legEnded(ev tandem.LegEnded) {
	if a := e.agentLegs[ev.Leg]; a != nil {
		delete(e.agentLegs, ev.Leg)
		e.agentLegEnded(a, ev.Cause)
		return
	}
	c := e.customers[ev.Leg]
	if c == nil {
		e.strays.add(ev.Leg)
		return
	}
	delete(e.customers, ev.Leg)
	c.gone = true
	e.customerLegEnded(c, ev)
}

func (e *Engine) customerLegEnded(c *call, ev tandem.LegEnded) {
	by := tandem.PartyCustomer
	why := tandem.LeaveAbandoned
	switch {
	case networkFault(ev.Cause):
		by, why = tandem.PartyNetwork, tandem.LeaveFailed
	case ev.Ours:
		by, why = tandem.PartySystem, tandem.LeaveFailed
	}
	switch c.state {
	case callRouting, callAway:
	case callAnswering:
		c.queue.coming--
	case callWaiting, callConnecting:
		e.leave(c, why, "")
	case callTalking:
		e.release(c.first, by)
	case callClosing:
		if c.cause != tandem.CauseUnset {
			e.end(c, c.cause, c.by)
			return
		}
	case callUnset:
		return
	}
	e.end(c, ev.Cause, by)
}

// networkFault says whether a leg ended by nobody's wish.
func networkFault(c tandem.Cause) bool {
	return c == tandem.CauseNetwork || c == tandem.CauseTimeout || c == tandem.CauseFailed || c == tandem.CauseInterrupted
}

// agentLegEnded takes the end of an agent's leg, which is not among the legs any more.
func (e *Engine) agentLegEnded(a *agent, cause tandem.Cause) {
	a.hungUp = true
	switch a.task {
	case taskRinging:
		e.fail(a, offerCause(cause))
	case taskBridging:
		e.fail(a, tandem.CauseFailed)
	case taskTalking:
		c, by := a.call, tandem.PartyAgent
		if networkFault(cause) {
			by = tandem.PartyNetwork
		}
		e.release(a, by)
		e.close(c, tandem.CauseNormal, by)
	case taskWrapping:
		a.leg = ""
	case taskClearing:
		a.leg = ""
		e.rest(a)
	case taskIdle:
		e.fault(&tandem.CallError{Op: "acd: leg ended", Leg: a.leg, Err: fmt.Errorf("agent %q has no task: %w", a.cfg.ID, tandem.ErrState)})
	}
}

// offerCause is why an offer failed whose leg ended: an end that says nothing else is a refusal.
func offerCause(c tandem.Cause) tandem.Cause {
	if c == tandem.CauseNormal || c == tandem.CauseUnset {
		return tandem.CauseRejected
	}
	return c
}

// bridgeGrace is how long the engine waits for the event that explains why two legs could not be bridged.
const bridgeGrace = int64(time.Second)

// Failed takes the failure of an action. What the switch no longer knows is about to be reported as ended; ErrClosed means that the switch has
// lost everything.
func (e *Engine) Failed(now time.Time, a Action, err error) {
	if e.record != nil {
		kept := a // so that it is on the heap only when recorded
		e.record(Input{At: now, Op: "failed", Action: &kept, Text: failureName(err)})
	}
	e.begin(now)
	defer e.finish()
	if errors.Is(err, tandem.ErrClosed) {
		e.switchLost()
		return
	}
	told := false
	switch a.Kind {
	case ActionAnswer, ActionPlay:
		told = e.customerFailed(a, err)
	case ActionDial:
		if owner := e.agentLegs[a.Leg]; owner != nil {
			delete(e.agentLegs, a.Leg)
			e.agentLegEnded(owner, tandem.CauseFailed)
		}
	case ActionBridge:
		told = e.bridgeFailed(a, err)
	case ActionHangup:
		told = tandem.IsGone(err)
	case ActionExit:
		if c := e.calls[a.Call]; c != nil && c.state == callAway {
			e.close(c, tandem.CauseFailed, tandem.PartySystem)
		}
	case ActionRoute, ActionUnset:
	}
	if !told {
		e.fault(&tandem.CallError{Op: "acd: " + a.Kind.String(), Call: a.Call, Leg: a.Leg, Err: err})
	}
}

// customerFailed takes the failure of a command to a customer's leg, and says whether that is in the course of things.
func (e *Engine) customerFailed(a Action, err error) bool {
	c := e.calls[a.Call]
	if c == nil || c.Customer != a.Leg {
		return true // the call has ended meanwhile
	}
	if tandem.IsGone(err) {
		e.vanish(c)
		return true
	}
	if a.Kind == ActionAnswer && c.state == callAnswering {
		e.close(c, tandem.CauseFailed, tandem.PartySystem)
	}
	return a.Kind == ActionPlay && errors.Is(err, tandem.ErrState) // bridged meanwhile
}

// bridgeFailed takes the failure of a bridge, and says whether that is in the course of things: which of the legs is gone, an event will tell.
func (e *Engine) bridgeFailed(a Action, err error) bool {
	c := e.calls[a.Call]
	if c == nil || c.state != callConnecting || c.first.leg != a.Peer {
		return true
	}
	if tandem.IsGone(err) {
		e.timers.set(&c.first.timer, e.now+bridgeGrace)
		return true
	}
	e.fail(c.first, tandem.CauseFailed)
	return false
}

// vanish takes a call out of everything whose customer's leg the switch does not know any more; the leg's own end will say why.
func (e *Engine) vanish(c *call) {
	switch c.state {
	case callRouting, callAnswering, callAway:
	case callWaiting, callConnecting:
		e.leave(c, tandem.LeaveAbandoned, "")
	case callUnset, callTalking, callClosing:
		return
	}
	e.awaitEnd(c, tandem.CauseUnset, tandem.PartyCustomer)
}
