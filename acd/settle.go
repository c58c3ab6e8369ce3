package acd

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
)

// SwitchLost settles everything that was under way on a switch that has ended: its legs are gone without saying so.
func (e *Engine) SwitchLost(now time.Time) {
	if e.record != nil {
		e.record(Input{At: now, Op: "switch_lost"})
	}
	e.begin(now)
	e.switchLost()
	e.finish()
}

func (e *Engine) switchLost() {
	for _, a := range e.agents {
		if !a.cfg.AlwaysReachable {
			a.reachable = false
		}
	}
	for _, c := range e.inOrder() {
		e.wreck(c, tandem.CauseFailed, tandem.LeaveFailed)
	}
	for _, a := range e.agents {
		if a.leg != "" {
			delete(e.agentLegs, a.leg)
			e.agentLegEnded(a, tandem.CauseFailed)
		} else if a.task == taskIdle {
			e.rest(a)
		}
	}
}

// Stop settles everything because this process ends: calls are hung up and recorded as interrupted, agents logged out.
func (e *Engine) Stop(now time.Time) {
	if e.record != nil {
		e.record(Input{At: now, Op: "stop"})
	}
	e.begin(now)
	defer e.finish()
	for _, a := range e.agents {
		a.wants, a.reason = wantsOut, "stopped"
	}
	for _, c := range e.inOrder() {
		e.act(Action{Kind: ActionHangup, Call: c.ID, Leg: c.Customer, Cause: tandem.CauseInterrupted})
		e.wreck(c, tandem.CauseInterrupted, tandem.LeaveInterrupted)
	}
	for _, a := range e.agents {
		if a.leg != "" {
			e.dropLeg(a)
		}
		e.rest(a)
	}
}

// wreck ends a call without waiting for its legs.
func (e *Engine) wreck(c *call, cause tandem.Cause, why tandem.LeaveReason) {
	by := tandem.PartySystem
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
			cause, by = c.cause, c.by
		}
	case callUnset:
		return
	}
	e.end(c, cause, by)
}

// inOrder returns the calls in an order that is the same in each run.
func (e *Engine) inOrder() []*call {
	return slices.SortedFunc(maps.Values(e.calls), func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.ID, b.ID))
	})
}
