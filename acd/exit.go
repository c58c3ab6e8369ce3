package acd

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
)

// maxHops is how often a call is moved on by overflow rules before it is given up.
const maxHops = 8

// Exit is where a call goes that leaves its queue without an agent. The zero value hangs the customer up.
type Exit struct {
	// Queue is the queue that it joins. It keeps its priority and what it asks for, and its wait counts on; it is not meant for a single agent any more,
	// and the limits are the new queue's.
	Queue tandem.QueueID
	// Host is the name under which it is handed to Config.Exit: whatever the host makes of it, such as "voicemail" or "number:reception".
	Host string
}

// Departure is a call that leaves the queues by an exit of the host's. Its customer's leg is the host's to command from then on. The centre still
// emits CallEnded when that leg ends; Center.Move brings the call back into a queue.
type Departure struct {
	Exit  string // Exit.Host
	Call  tandem.CallID
	Leg   tandem.LegID    // the customer's
	Trunk tandem.TrunkID  // where it came in
	From  tandem.CallerID // the customer
	To    tandem.Number   // the number called
}

// Departing returns the departure of an ActionExit.
func (a Action) Departing() Departure {
	return Departure{Exit: a.Subject, Call: a.Call, Leg: a.Leg, Trunk: a.Trunk, From: a.From, To: a.To}
}

// checkExits returns what is wrong with the exits of the queues; the queues must all be there.
func (e *Engine) checkExits(q *queue, where string) error {
	check := func(name string, x Exit) error {
		switch {
		case x.Queue != "" && x.Host != "":
			return &tandem.ConfigError{Where: where + name, What: "names both a queue and an exit of the host's"}
		case len(x.Host) > 200:
			return &tandem.ConfigError{Where: where + name, What: "has a name longer than 200 bytes"}
		case x.Queue != "" && e.queueByID[x.Queue] == nil:
			return &tandem.ConfigError{Where: where + name, What: fmt.Sprintf("queue %q does not exist", x.Queue)}
		case x.Queue == q.cfg.ID:
			return &tandem.ConfigError{Where: where + name, What: "leads back to the queue itself"}
		}
		return nil
	}
	for _, x := range []struct {
		name string
		exit Exit
	}{{".on_timeout", q.cfg.OnTimeout}, {".on_full", q.cfg.OnFull}, {".on_empty", q.cfg.OnEmpty}} {
		if err := check(x.name, x.exit); err != nil {
			return err
		}
	}
	for _, key := range sortedKeys(q.cfg.Keys) {
		if len(key) != 1 || !strings.Contains("0123456789*#ABCD", key) {
			return &tandem.ConfigError{Where: where + ".keys", What: fmt.Sprintf("%q is not a key of a telephone", key)}
		}
		if err := check(".keys["+key+"]", q.cfg.Keys[key]); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys(m map[string]Exit) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// way returns the exit that a call may take, and the rule that stopped it from taking the configured one, if any: a call does not go in
// circles between queues that do not take it, and not on and on between those that do.
func (c *call) way(x Exit) (Exit, string) {
	switch {
	case x.Queue == "":
		return x, ""
	case c.hops >= maxHops:
		return Exit{}, "hop_limit"
	case slices.Contains(c.tried, x.Queue):
		return Exit{}, "overflow_loop"
	}
	return x, ""
}

// overflow makes a waiting call leave its queue by an exit.
func (e *Engine) overflow(c *call, x Exit, rule string, why tandem.LeaveReason, cause tandem.Cause) {
	x, stopped := c.way(x)
	if x != (Exit{}) && why != tandem.LeaveKey {
		why = tandem.LeaveOverflow
	}
	e.leaveBy(c, departure{why: why, rule: rule, exit: x})
	e.sendOn(c, x, stopped, cause)
}

// sendOn brings a call that has left its queue to where it goes; cause: why it is hung up when it goes nowhere.
func (e *Engine) sendOn(c *call, x Exit, stopped string, cause tandem.Cause) {
	if stopped != "" {
		e.decided(tandem.Decided{Call: c.ID, Queue: c.queue.cfg.ID, Strategy: c.queue.strategy, Rule: stopped})
	}
	switch {
	case x.Queue != "":
		c.hops++
		e.transfer(c, x.Queue)
	case x.Host != "":
		e.timers.stop(&c.timer)
		e.become(c, callAway)
		e.act(Action{Kind: ActionExit, Call: c.ID, Leg: c.Customer, Trunk: c.Trunk, From: c.customer(), To: c.To, Subject: x.Host})
	default:
		e.close(c, cause, tandem.PartySystem)
	}
}

// transfer brings a call that is in no queue to another one, under the priority and requirements that it has.
func (e *Engine) transfer(c *call, to tandem.QueueID) {
	if c.state != callRouting {
		e.become(c, callRouting)
	}
	c.direct, c.released = nil, 0
	e.join(c, Route{Queue: to, Priority: c.priority, Requirements: c.needs})
}

// digit takes a key that a waiting customer pressed.
func (e *Engine) digit(ev tandem.LegDigit) {
	c := e.customers[ev.Leg]
	if c == nil || c.state != callWaiting {
		return
	}
	if x, ok := c.queue.cfg.Keys[ev.Digit]; ok {
		e.overflow(c, x, "exit_key", tandem.LeaveKey, tandem.CauseNormal)
	}
}

// Move brings a call into another queue: see Center.Move.
func (e *Engine) Move(now time.Time, id tandem.CallID, to tandem.QueueID) error {
	if e.record != nil {
		e.record(Input{At: now, Op: "move", Call: id, Queue: to})
	}
	e.begin(now)
	defer e.finish()
	c := e.calls[id]
	var err error
	switch {
	case c == nil:
		err = tandem.ErrNotFound
	case e.queueByID[to] == nil:
		err = fmt.Errorf("queue %q: %w", to, tandem.ErrNotFound)
	case c.state == callAway:
	case c.state != callWaiting:
		err = fmt.Errorf("it is %s: %w", c.state, tandem.ErrState)
	case c.queue.cfg.ID == to:
		err = fmt.Errorf("it is in queue %q already: %w", to, tandem.ErrConflict)
	}
	if err == nil && e.queueByID[to].refuses(false) != "" {
		err = fmt.Errorf("queue %q: %s: %w", to, e.queueByID[to].refuses(false), tandem.ErrFull)
	}
	if err != nil {
		return &tandem.CallError{Op: "acd: move", Call: id, Err: err}
	}
	if c.state == callWaiting {
		e.leaveBy(c, departure{why: tandem.LeaveMoved, rule: "supervisor_move", exit: Exit{Queue: to}})
	}
	c.hops, c.tried = 0, nil
	e.transfer(c, to)
	return nil
}

// leadsOut says whether one of a queue's exits is the host's.
func (c QueueConfig) leadsOut() bool {
	for _, x := range c.Keys {
		if x.Host != "" {
			return true
		}
	}
	return c.OnTimeout.Host != "" || c.OnFull.Host != "" || c.OnEmpty.Host != ""
}
