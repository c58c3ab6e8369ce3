package acd

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
)

// agent is an agent at work. Three things make up its state: what the agent wants, whether a device could ring, and the task at hand.
type agent struct {
	cfg   AgentConfig
	rank  int32 // place in the order of the IDs
	seats []*seat
	own   *seat // in the line of the calls meant for this agent alone; nil until there was one
	// standing says that the seats are among the ready ones of their lines.
	standing bool
	forsaken bool // in Engine.forsaken

	wants     intent
	reason    string // of the pause
	reachable bool
	task      task
	state     tandem.AgentState
	shown     string // the reason last shown
	since     int64
	timer     timer
	backoff   int64 // no offer before this; 0: none

	call       *call // while ringing, bridging, talking
	next, prev *agent
	seat       *seat // from which it was chosen
	queue      *queue
	leg        tandem.LegID // while there is one
	hungUp     bool         // the leg has just ended
	fence      uint64       // of the last reservation
	misses     int
	answered   uint64
	idleSince  int64
	lastEnd    int64         // of the last conversation
	lastCall   tandem.CallID // the last conversation's
	lastFrom   tandem.CallerID
}

// intent is what an agent wants.
type intent uint8

const (
	wantsOut   intent = iota // not to work
	wantsReady               // to take calls
	wantsPause               // to be at work without calls
)

func (e *Engine) addAgent(where string, cfg AgentConfig) error {
	if cfg.ID == "" {
		return &tandem.ConfigError{Where: where + ".id", What: "is missing"}
	}
	if e.agentByID[cfg.ID] != nil {
		return &tandem.ConfigError{Where: where + ".id", What: fmt.Sprintf("agent %q is there twice", cfg.ID)}
	}
	if cfg.Name == "" {
		cfg.Name = string(cfg.ID)
	}
	if cfg.MaxMisses == 0 {
		cfg.MaxMisses = 3
	}
	a := &agent{cfg: cfg, state: tandem.AgentLoggedOut, reachable: cfg.AlwaysReachable}
	a.timer.agent = a
	a.seats = make([]*seat, 0, len(cfg.Queues))
	seats := make([]seat, len(cfg.Queues))
	for i, s := range cfg.Queues {
		q := e.queueByID[s.Queue]
		if q == nil {
			return &tandem.ConfigError{Where: fmt.Sprintf("%s.queues[%d]", where, i), What: fmt.Sprintf("queue %q does not exist", s.Queue)}
		}
		if s.Level < 0 || s.Level > maxLevel || s.Position < 0 || s.Position > maxLevel {
			return &tandem.ConfigError{Where: fmt.Sprintf("%s.queues[%d]", where, i), What: fmt.Sprintf("level or position is not from 0 to %d", maxLevel)}
		}
		if s.Weight < 0 || s.Weight > maxLevel {
			return &tandem.ConfigError{Where: fmt.Sprintf("%s.queues[%d].weight", where, i), What: fmt.Sprintf("is not from 0 to %d", maxLevel)}
		}
		if slices.ContainsFunc(a.seats, func(x *seat) bool { return x.queue == q }) {
			return &tandem.ConfigError{Where: fmt.Sprintf("%s.queues[%d]", where, i), What: fmt.Sprintf("queue %q is there twice", s.Queue)}
		}
		seats[i] = seat{agent: a, queue: q, line: &q.line, level: int32(s.Level), position: int32(s.Position), weighs: int32(max(s.Weight, 1))}
		seats[i].tier = q.tier(seats[i].level)
		a.seats = append(a.seats, &seats[i])
	}
	for _, s := range a.seats {
		s.queue.seats = append(s.queue.seats, s)
		s.queue.states[a.state]++
	}
	e.agentByID[cfg.ID] = a
	e.agents = append(e.agents, a)
	return nil
}

const maxLevel = 1_000_000

// rankAgents gives each agent its place in the order of the IDs, the last tie-break.
func (e *Engine) rankAgents() {
	byID := slices.SortedFunc(slices.Values(e.agents), func(a, b *agent) int { return cmp.Compare(a.cfg.ID, b.cfg.ID) })
	for i, a := range byID {
		a.rank = int32(i) //nolint:gosec // far below 2^31
	}
}

// ownLine returns the line of the calls that are meant for this agent alone.
func (e *Engine) ownLine(a *agent) *line {
	if a.own == nil {
		a.own = &seat{agent: a, line: &line{}}
		a.seats = append(a.seats, a.own)
		if a.standing {
			a.own.line.ready.insert(a.own.stander())
		}
	}
	return a.own.line
}

// Login brings an agent to work: see Center.Login.
func (e *Engine) Login(now time.Time, id tandem.AgentID) error {
	if e.record != nil {
		e.record(Input{At: now, Op: "login", Agent: id})
	}
	return e.command(now, "log in", id, func(a *agent) error {
		if a.wants != wantsOut {
			return nil
		}
		a.wants, a.reason, a.misses, a.backoff = wantsReady, "", 0, 0
		if a.task == taskIdle {
			a.idleSince = e.now
			e.rest(a)
		}
		return nil
	})
}

// Logout ends an agent's work: see Center.Logout.
func (e *Engine) Logout(now time.Time, id tandem.AgentID) error {
	if e.record != nil {
		e.record(Input{At: now, Op: "logout", Agent: id})
	}
	return e.command(now, "log out", id, func(a *agent) error {
		a.wants, a.reason = wantsOut, ""
		e.withdraw(a)
		return nil
	})
}

// Pause keeps offers away from an agent: see Center.Pause.
func (e *Engine) Pause(now time.Time, id tandem.AgentID, reason string) error {
	if e.record != nil {
		e.record(Input{At: now, Op: "pause", Agent: id, Text: reason})
	}
	return e.command(now, "pause", id, func(a *agent) error {
		if a.wants == wantsOut {
			return fmt.Errorf("logged out: %w", tandem.ErrState)
		}
		a.wants, a.reason = wantsPause, reason
		e.withdraw(a)
		return nil
	})
}

// Ready makes an agent available: see Center.Ready.
func (e *Engine) Ready(now time.Time, id tandem.AgentID) error {
	if e.record != nil {
		e.record(Input{At: now, Op: "ready", Agent: id})
	}
	return e.command(now, "ready", id, func(a *agent) error {
		if a.wants == wantsOut && a.task == taskIdle {
			return fmt.Errorf("logged out: %w", tandem.ErrState)
		}
		if a.wants == wantsPause && a.task == taskIdle {
			a.idleSince = e.now
		}
		wasHeldBack := a.backoff > e.now
		a.wants, a.reason, a.misses, a.backoff = wantsReady, "", 0, 0
		switch a.task {
		case taskWrapping:
			e.endWrapUp(a)
		case taskIdle:
			if wasHeldBack || a.state != tandem.AgentReady {
				e.rest(a)
			}
		case taskRinging, taskBridging, taskTalking, taskClearing:
		}
		return nil
	})
}

// FinishWrapUp ends an agent's wrap-up: see Center.FinishWrapUp.
func (e *Engine) FinishWrapUp(now time.Time, id tandem.AgentID) error {
	if e.record != nil {
		e.record(Input{At: now, Op: "finish_wrap_up", Agent: id})
	}
	return e.command(now, "finish wrap-up", id, func(a *agent) error {
		if a.task != taskWrapping {
			return fmt.Errorf("not in wrap-up: %w", tandem.ErrState)
		}
		e.endWrapUp(a)
		return nil
	})
}

// Reject declines an offer: see Center.Reject.
func (e *Engine) Reject(now time.Time, id tandem.AgentID, call tandem.CallID) error {
	if e.record != nil {
		e.record(Input{At: now, Op: "reject", Agent: id, Call: call})
	}
	return e.command(now, "reject", id, func(a *agent) error {
		if a.task != taskRinging || a.call.ID != call {
			return fmt.Errorf("call %s does not ring here: %w", call, tandem.ErrState)
		}
		e.fail(a, tandem.CauseRejected)
		return nil
	})
}

// Dispose records what an agent says came of a call: see Center.Dispose.
func (e *Engine) Dispose(now time.Time, d tandem.CallDisposed) error {
	if e.record != nil {
		kept := d // so that it is on the heap only when recorded
		e.record(Input{At: now, Op: "dispose", Disposed: &kept})
	}
	return e.command(now, "dispose", d.Agent, func(a *agent) error {
		switch {
		case d.Disposition == "":
			return &tandem.ConfigError{Where: "disposition", What: "is missing"}
		case d.Call == "" || d.Call != a.lastCall && (a.task != taskTalking || d.Call != a.call.ID):
			return fmt.Errorf("call %s is not this agent's: %w", d.Call, tandem.ErrState)
		}
		e.disposed(d)
		return nil
	})
}

// command is what all the commands about an agent have in common.
func (e *Engine) command(now time.Time, op string, id tandem.AgentID, do func(*agent) error) error {
	e.begin(now)
	defer e.finish()
	a := e.agentByID[id]
	if a == nil {
		return fmt.Errorf("acd: %s: agent %q: %w", op, id, tandem.ErrNotFound)
	}
	if err := do(a); err != nil {
		return fmt.Errorf("acd: %s: agent %q: %w", op, id, err)
	}
	return nil
}

// withdraw carries out the wish to get no offers, as far as the task at hand lets it.
func (e *Engine) withdraw(a *agent) {
	switch a.task {
	case taskIdle:
		e.rest(a)
	case taskRinging:
		e.fail(a, tandem.CauseRejected)
	case taskWrapping:
		e.endWrapUp(a)
	case taskBridging, taskTalking, taskClearing:
	}
}

func (e *Engine) deviceChanged(ev tandem.DeviceChanged) {
	a := e.agentByID[ev.Agent]
	if a == nil || a.cfg.AlwaysReachable || a.reachable == ev.Reachable {
		return
	}
	a.reachable = ev.Reachable
	switch {
	case a.task == taskIdle:
		e.rest(a)
	case a.task == taskRinging && !a.reachable:
		e.fail(a, tandem.CauseUnavailable)
	}
}

// rest makes an agent without a task what it wants to be and, when that is ready, available.
func (e *Engine) rest(a *agent) {
	e.unstand(a)
	a.task = taskIdle
	e.timers.stop(&a.timer)
	switch {
	case a.wants == wantsOut:
		e.show(a, tandem.AgentLoggedOut, a.reason)
	case !a.reachable:
		e.show(a, tandem.AgentUnavailable, "no device")
	case a.wants == wantsPause:
		e.show(a, tandem.AgentPaused, a.reason)
	default:
		e.show(a, tandem.AgentReady, "")
		e.available(a)
	}
}

// show changes the state that others see. A pause whose reason changes is shown again.
func (e *Engine) show(a *agent, to tandem.AgentState, reason string) {
	from := a.state
	if from == to && (to != tandem.AgentPaused || reason == a.shown) {
		return
	}
	if from != to && !from.CanBecome(to) {
		e.fault(fmt.Errorf("acd: agent %q: %s cannot become %s: %w", a.cfg.ID, from, to, tandem.ErrState))
	}
	a.state, a.shown = to, reason
	e.missed(a)
	if from != to || to == tandem.AgentPaused {
		a.since = e.now
	}
	for _, s := range a.seats {
		if q := s.queue; q != nil && q.watched {
			q.states[from]--
			q.states[to]++
			e.suspect(q)
		}
	}
	ev := tandem.AgentChanged{Agent: a.cfg.ID, From: from, To: to, Reason: reason}
	if a.call != nil {
		ev.Call = a.call.ID
	} else if to == tandem.AgentWrapUp {
		ev.Call = a.lastCall
	}
	e.agentChanged(ev)
}

// suspect makes a queue be looked at when the input is done.
func (e *Engine) suspect(q *queue) {
	if len(q.cfg.LeaveWhen) > 0 && !q.suspect {
		q.suspect = true
		e.deserted = append(e.deserted, q)
	}
}

// available lets a ready agent take the best waiting call of all its lines, or stand in them.
func (e *Engine) available(a *agent) {
	if a.backoff > e.now {
		e.timers.set(&a.timer, a.backoff)
		return
	}
	a.backoff = 0
	if s, rule := a.pick(e.sharing); s != nil {
		c := s.line.open.first().call
		s.base().key = e.keyOf(s.base())
		s.key = s.base().key
		e.offer(c, s, rule)
		e.settle(c)
		return
	}
	a.standing = true
	for _, s := range a.seats {
		if s.home == nil {
			s.key = e.keyOf(s)
		} else {
			s.key = s.home.key // a class's seat comes after the queue's
		}
		s.line.ready.insert(s.stander())
	}
}

// unstand takes an agent out of the ready ones of its lines.
func (e *Engine) unstand(a *agent) {
	if !a.standing {
		return
	}
	a.standing = false
	for _, s := range a.seats {
		s.line.ready.remove(s.stander())
	}
}

// pick returns the seat whose line's first call is the best for the agent, and the rule that decided; nil: nobody waits.
func (a *agent) pick(by Sharing) (*seat, string) {
	var best *seat
	var first *waiter
	rule := "only_queue_waiting"
	for _, s := range a.seats {
		w := s.line.open.first()
		if w == nil {
			continue
		}
		if best == nil {
			best, first = s, w
			continue
		}
		order, why := by.compare(s, w, best, first)
		if order < 0 {
			best, first = s, w
		}
		rule = why
	}
	return best, rule
}

// weight returns the weight of the queue in which a seat's first call waits.
func (s *seat) weight(w *waiter) int {
	if q := s.base().queue; q != nil {
		return q.cfg.Weight
	}
	return w.call.queue.cfg.Weight
}

// agentDue does what the agent's timer was set for.
func (e *Engine) agentDue(a *agent) {
	switch a.task {
	case taskIdle:
		e.available(a)
	case taskRinging:
		e.fail(a, tandem.CauseNoAnswer)
	case taskBridging:
		e.fail(a, tandem.CauseFailed)
	case taskWrapping:
		e.endWrapUp(a)
	case taskClearing:
		e.fault(&tandem.CallError{Op: "acd: clear", Leg: a.leg, Err: fmt.Errorf("the agent's leg did not end: %w", tandem.ErrState)})
		e.dropLeg(a)
		e.rest(a)
	case taskTalking:
	}
}

// dropLeg forgets an agent's leg.
func (e *Engine) dropLeg(a *agent) {
	delete(e.agentLegs, a.leg)
	a.leg = ""
}

// clearUp makes an agent rest as soon as its leg is gone.
func (e *Engine) clearUp(a *agent) {
	if a.leg == "" {
		e.rest(a)
		return
	}
	a.task = taskClearing
	e.timers.set(&a.timer, e.now+e.clearing)
}

func (e *Engine) endWrapUp(a *agent) {
	a.idleSince = e.now
	e.clearUp(a)
}
