package acd

import (
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
)

// maxObstacles is how many agents or queues an answer to Why names.
const maxObstacles = 200

// WhyCall says why a call still waits.
type WhyCall struct {
	At     time.Time            `json:"at"`
	Call   tandem.CallID        `json:"call"`
	Queue  tandem.QueueID       `json:"queue,omitempty"`
	State  string               `json:"state"`            // routing, answering, waiting, connecting, talking, closing, away
	Waited time.Duration        `json:"waited"`           // in this queue
	Place  int                  `json:"position"`         // in this queue, from 1; 0: it does not wait
	Agent  tandem.AgentID       `json:"agent,omitempty"`  // at whom it rings or who has it, the first of them
	Rings  int                  `json:"rings"`            // at how many agents
	Keeper tandem.AgentID       `json:"keeper,omitempty"` // whom it is meant for, or kept for until KeptUntil
	Level  int                  `json:"level"`            // the highest that is asked; -1: all
	Needs  []tandem.Requirement `json:"needs,omitempty"`  // what it asks of its agents now
	// Rule is the answer in one word: not_waiting, connecting, rings, direct, kept, no_agent (the queue has none), no_agent_fits, no_agent_free.
	Rule string `json:"rule"`
	// What will change by itself: it is offered to everybody, it asks for less, it leaves the queue.
	KeptUntil time.Time `json:"kept_until,omitzero"`
	EasesAt   time.Time `json:"eases_at,omitzero"`
	LeavesAt  time.Time `json:"leaves_at,omitzero"`
	// Skipped says how many agents of the queue are out of the question, by reason.
	Skipped map[string]int `json:"skipped,omitempty"`
	// Agents are those of the queue, or the one whom it is meant for, at most 200: why not this one, and what would have to change.
	Agents []Obstacle `json:"agents,omitempty"`
}

// Obstacle is why an agent does not get a call.
type Obstacle struct {
	Agent tandem.AgentID `json:"agent"`
	Level int            `json:"level"`
	// Skip is the reason: logged_out, unavailable, paused, reserved, rings_here, clearing (its last leg has not ended yet), on_call, wrap_up, back_off, skill,
	// level, kept (for another agent). Empty: none.
	Skip string `json:"skip,omitempty"`
	// Change is what would have to happen: log_in, connect_device, end_pause, answer, hang_up, finish_wrap_up, wait, learn_skill, keeper_declines.
	Change string `json:"change,omitempty"`
	// Skill is the first that is lacking.
	Skill tandem.Requirement `json:"skill,omitzero"`
	// Until is when the obstacle goes away by itself; zero: it does not, or nobody knows.
	Until time.Time `json:"until,omitzero"`
}

// WhyAgent says why an agent has no call.
type WhyAgent struct {
	At    time.Time         `json:"at"`
	Agent tandem.AgentID    `json:"agent"`
	State tandem.AgentState `json:"state"`
	Since time.Time         `json:"since"`
	// Rule is the answer in one word: the agent's own obstacle (see Obstacle.Skip), no_queue, no_call_waits or no_call_fits.
	Rule   string    `json:"rule"`
	Change string    `json:"change,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	// Queues are those that the agent serves, at most 200.
	Queues []QueueObstacle `json:"queues,omitempty"`
}

// QueueObstacle is why an agent gets no call of a queue.
type QueueObstacle struct {
	Queue   tandem.QueueID `json:"queue"`
	Level   int            `json:"level"`
	Wanting int            `json:"wanting"`        // calls that wait and could ring at one more agent
	Skip    map[string]int `json:"skip,omitempty"` // of those, how many ask for a skill or level that the agent does not have, or are kept for others
}

// Why says why a call still waits: see Center.Why. It looks at each agent of the queue and changes nothing, beyond what a Tick does.
func (e *Engine) Why(now time.Time, id tandem.CallID) (WhyCall, error) {
	e.Tick(now)
	c := e.calls[id]
	if c == nil {
		return WhyCall{}, &tandem.CallError{Op: "acd: why", Call: id, Err: tandem.ErrNotFound}
	}
	w := WhyCall{At: e.at, Call: id, State: c.state.String(), Rings: c.offers, Level: -1, Rule: "not_waiting"}
	if c.queue != nil {
		w.Queue = c.queue.cfg.ID
	}
	if c.first != nil {
		w.Agent = c.first.cfg.ID
	}
	if c.state != callWaiting && c.state != callConnecting {
		return w, nil
	}
	w.Waited, w.Place, w.Needs = time.Duration(e.now-c.since), c.queue.position(c), c.effective()
	if c.class != nil && c.class.level != allLevels {
		w.Level = int(c.class.level)
	}
	w.EasesAt, w.KeptUntil, w.LeavesAt = e.moment(c.eases), e.moment(c.released), e.moment(c.limit)
	if c.state == callConnecting {
		w.Rule = "connecting"
		return w, nil
	}
	e.obstacles(c, &w)
	w.Rule = c.verdict(&w)
	return w, nil
}

func (c *call) effective() []tandem.Requirement {
	if c.class == nil {
		return nil
	}
	return append([]tandem.Requirement(nil), c.class.needs...)
}

// moment returns a deadline for people; 0: none.
func (e *Engine) moment(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return e.timeOf(at)
}

func (e *Engine) obstacles(c *call, w *WhyCall) {
	w.Skipped = map[string]int{}
	if c.direct != nil {
		w.Keeper = c.direct.cfg.ID
		w.add(e.obstacle(c, c.direct.own))
		if c.released == 0 {
			return
		}
	}
	for _, s := range c.queue.seats {
		if s.agent != c.direct {
			w.add(e.obstacle(c, s))
		}
	}
}

func (w *WhyCall) add(o Obstacle) {
	if o.Skip != "" {
		w.Skipped[o.Skip]++
	}
	if len(w.Agents) < maxObstacles {
		w.Agents = append(w.Agents, o)
	}
}

// verdict is the answer in one word.
func (c *call) verdict(w *WhyCall) string {
	switch {
	case c.offers > 0:
		return "rings"
	case c.released > 0:
		return "kept"
	case c.direct != nil:
		return "direct"
	case len(c.queue.seats) == 0:
		return "no_agent"
	case w.Skipped["skill"]+w.Skipped["level"] == len(c.queue.seats):
		return "no_agent_fits"
	}
	return "no_agent_free"
}

// obstacle is why the agent of a seat does not get a call; what does not change by itself comes first.
func (e *Engine) obstacle(c *call, s *seat) Obstacle {
	a := s.agent
	o := Obstacle{Agent: a.cfg.ID, Level: int(s.level)}
	if c.direct == nil && c.class != nil {
		for _, r := range c.class.needs {
			if !r.MetBy(a.cfg.Skills) {
				o.Skip, o.Change, o.Skill, o.Until = "skill", "learn_skill", r, e.moment(c.eases)
				return o
			}
		}
		if s.level > c.class.level {
			o.Skip, o.Change, o.Until = "level", "wait", e.moment(c.eases)
			return o
		}
	}
	if a.call == c {
		o.Skip, o.Change, o.Until = "rings_here", "answer", e.due(a)
		return o
	}
	o.Skip, o.Change, o.Until = e.hindrance(a)
	if o.Skip == "" && c.direct != nil && c.direct != a {
		o.Skip, o.Change, o.Until = "kept", "keeper_declines", e.moment(c.released)
	}
	return o
}

// hindrance is what keeps an agent from any call, what would have to change, and when it will by itself.
func (e *Engine) hindrance(a *agent) (skip, change string, until time.Time) {
	if a.task == taskClearing {
		return "clearing", "wait", e.due(a)
	}
	switch a.state {
	case tandem.AgentUnset, tandem.AgentLoggedOut:
		return "logged_out", "log_in", time.Time{}
	case tandem.AgentUnavailable:
		return "unavailable", "connect_device", time.Time{}
	case tandem.AgentPaused:
		return "paused", "end_pause", time.Time{}
	case tandem.AgentReserved:
		return "reserved", "answer", e.due(a)
	case tandem.AgentOnCall:
		return "on_call", "hang_up", time.Time{}
	case tandem.AgentWrapUp:
		return "wrap_up", "finish_wrap_up", e.due(a)
	case tandem.AgentReady:
		if a.backoff > e.now {
			return "back_off", "wait", e.moment(a.backoff)
		}
	}
	return "", "", time.Time{}
}

// due is when an agent's timer ends.
func (e *Engine) due(a *agent) time.Time {
	at, ok := e.timers.at(&a.timer)
	if !ok {
		return time.Time{}
	}
	return e.timeOf(at)
}

// WhyAgent says why an agent has no call: see Center.WhyAgent. It looks at each call that wants an agent in the agent's queues and changes nothing, beyond
// what a Tick does.
func (e *Engine) WhyAgent(now time.Time, id tandem.AgentID) (WhyAgent, error) {
	e.Tick(now)
	a := e.agentByID[id]
	if a == nil {
		return WhyAgent{}, fmt.Errorf("acd: why: agent %q: %w", id, tandem.ErrNotFound)
	}
	w := WhyAgent{At: e.at, Agent: id, State: a.state, Since: e.timeOf(a.since)}
	wanting := 0
	for _, s := range a.seats {
		if s.queue != nil && len(w.Queues) < maxObstacles {
			o := s.passedOver()
			wanting += o.Wanting
			w.Queues = append(w.Queues, o)
		}
	}
	w.Rule, w.Change, w.Until = e.hindrance(a)
	switch {
	case w.Rule != "":
	case len(w.Queues) == 0:
		w.Rule = "no_queue"
	case wanting == 0:
		w.Rule = "no_call_waits"
	default:
		w.Rule = "no_call_fits"
	}
	return w, nil
}

// passedOver counts the calls of a seat's queue that want an agent, and why this one will not do.
func (s *seat) passedOver() QueueObstacle {
	o := QueueObstacle{Queue: s.queue.cfg.ID, Level: int(s.level), Wanting: s.queue.line.open.len(), Skip: map[string]int{}}
	for _, cl := range s.queue.classes {
		n := cl.line.open.len()
		o.Wanting += n
		switch {
		case n == 0:
		case !meets(s.agent, cl.needs):
			o.Skip["skill"] += n
		case s.level > cl.level:
			o.Skip["level"] += n
		}
	}
	s.queue.held.each(func(w waiter) bool {
		if c := w.call; c.spot == spotOpen && c.direct != nil {
			o.Wanting++
			if c.direct != s.agent {
				o.Skip["kept"]++
			}
		}
		return true
	})
	return o
}
