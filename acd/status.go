package acd

import (
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
)

// Snapshot returns the centre as it is at now.
func (e *Engine) Snapshot(now time.Time) Snapshot {
	e.Tick(now)
	s := Snapshot{
		At: e.at, Seq: e.records,
		Queues: make([]QueueStatus, 0, len(e.queues)), Agents: make([]AgentStatus, 0, len(e.agents)),
	}
	for _, q := range e.queues {
		s.Queues = append(s.Queues, e.queueStatus(q))
	}
	for _, a := range e.agents {
		s.Agents = append(s.Agents, e.agentStatus(a))
	}
	return s
}

func (e *Engine) queueStatus(q *queue) QueueStatus {
	s := QueueStatus{
		ID: q.cfg.ID, Name: q.cfg.Name, Talking: q.talking, Draining: q.draining, Waiting: make([]WaitingCall, 0, q.waiting),
		Offered: q.offered, Answered: q.answered, Abandoned: q.abandoned, Left: q.left, InTime: q.inTime, ServiceLevel: 1,
	}
	if done := q.answered + q.abandoned + q.left; done > 0 {
		s.ServiceLevel = float64(q.inTime) / float64(done)
	}
	var all []waiter
	collect := func(w waiter) bool {
		all = append(all, w)
		return true
	}
	q.line.open.each(collect)
	q.held.each(collect)
	slices.SortFunc(all, func(a, b waiter) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	next := q.estimates()
	for i, w := range all {
		c := w.call
		wc := WaitingCall{
			Call: c.ID, Position: i + 1, Since: e.timeOf(c.since), Ranked: e.timeOf(c.ranked), Priority: c.priority,
			From: c.customer(), Estimate: next(),
		}
		if c.first != nil {
			wc.Agent = c.first.cfg.ID
		}
		s.Waiting = append(s.Waiting, wc)
		s.LongestWait = max(s.LongestWait, time.Duration(e.now-c.since))
	}
	if q.line.ready.len() == 0 {
		s.Estimate = next()
	}
	for _, seat := range q.seats {
		s.Agents.count(seat.agent.state)
	}
	return s
}

func (n *AgentCounts) count(s tandem.AgentState) {
	switch s {
	case tandem.AgentLoggedOut, tandem.AgentUnset:
		n.LoggedOut++
	case tandem.AgentReady:
		n.Ready++
	case tandem.AgentReserved:
		n.Reserved++
	case tandem.AgentOnCall:
		n.OnCall++
	case tandem.AgentWrapUp:
		n.WrapUp++
	case tandem.AgentPaused:
		n.Paused++
	case tandem.AgentUnavailable:
		n.Unavailable++
	}
}

func (e *Engine) agentStatus(a *agent) AgentStatus {
	s := AgentStatus{
		ID: a.cfg.ID, Name: a.cfg.Name, State: a.state, Reachable: a.reachable, Misses: a.misses, Answered: a.answered,
		Queues: make([]tandem.QueueID, 0, len(a.seats)), Leg: a.leg,
	}
	if a.since > 0 || a.state != tandem.AgentLoggedOut {
		s.Since = e.timeOf(a.since)
	}
	if a.state == tandem.AgentPaused {
		s.Reason = a.reason
	}
	for _, seat := range a.seats {
		if seat.queue != nil {
			s.Queues = append(s.Queues, seat.queue.cfg.ID)
		}
	}
	if at, ok := e.timers.at(&a.timer); ok && a.task != taskClearing && a.task != taskBridging {
		s.Until = e.timeOf(at)
	}
	switch {
	case a.task == taskIdle:
	case a.wants == wantsOut:
		s.Next = tandem.AgentLoggedOut
	case a.wants == wantsPause:
		s.Next = tandem.AgentPaused
	}
	switch {
	case a.call != nil:
		s.Call, s.Queue = a.call.ID, a.queue.cfg.ID
		s.Customer = a.call.customer()
	case a.state == tandem.AgentWrapUp:
		s.Call, s.Queue, s.Customer = a.lastCall, a.queue.cfg.ID, a.lastFrom
	}
	return s
}
