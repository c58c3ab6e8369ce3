package acd

import (
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
)

// queue is a queue at work.
type queue struct {
	cfg      QueueConfig // with its defaults filled in
	strategy string      // the strategy's name
	ringer   Ringer      // the strategy, if it is one
	tiers    []*tier
	line     line     // of the calls that ask for no particular agent
	classes  []*class // of those that ask for skills or levels, oldest first
	// held are the calls that wait and are not in line for everybody: rung at as many agents as they may, being
	// connected, or meant for one agent. They count for positions.
	held    ordered[waiter]
	seats   []*seat
	waiting int // calls between CallQueued and CallConnected or CallLeft
	coming  int // calls whose customer leg is being answered
	talking int
	offers  uint64 // the last offer's ordinal number

	draining bool   // takes no new calls
	watched  bool   // the agents' states matter for joining and leaving
	suspect  bool   // in Engine.deserted
	states   [8]int // agents by state, when watched

	pace pace

	offered, answered, abandoned, left, inTime uint64
	faults                                     uint64
}

// line is where calls and agents meet: the calls that want an agent, and the ready agents who may take them. One of the two
// sides is always empty, but for calls that ring at fewer agents than they might. A queue has a line for everybody and one for each class of calls that ask for skills or levels; an agent has
// one for the calls meant for that agent alone.
type line struct {
	open  ordered[waiter]
	ready ordered[stander]
}

// waiter is a call in line: highest priority first, then who came first.
type waiter struct {
	priority int64
	since    int64
	seq      uint64
	call     *call
}

func (w waiter) before(x waiter) bool {
	if w.priority != x.priority {
		return w.priority > x.priority
	}
	if w.since != x.since {
		return w.since < x.since
	}
	return w.seq < x.seq
}

// stander is a ready agent in line: lowest level, then key, position, and the agent's rank by ID.
type stander struct {
	key      float64
	level    int32
	position int32
	rank     int32
	seat     *seat
}

func (s stander) before(x stander) bool {
	if s.level != x.level {
		return s.level < x.level
	}
	if s.key != x.key { //nolint:gocritic // keys are compared, not computed with
		return s.key < x.key
	}
	if s.position != x.position {
		return s.position < x.position
	}
	return s.rank < x.rank
}

// seat is an agent's place in a line.
type seat struct {
	agent     *agent
	line      *line
	queue     *queue // nil for the agent's own line, and for a class's
	home      *seat  // for a class's line: the agent's seat in the queue; else nil
	level     int32
	position  int32
	key       float64
	tier      *tier // nil for the agent's own line
	weighs    int32 // the weight among the agents of the tier
	draws     uint64
	lastOffer uint64
	answered  uint64
	talked    int64
}

// base returns the agent's seat in the queue itself, where its figures are kept.
func (s *seat) base() *seat {
	if s.home != nil {
		return s.home
	}
	return s
}

// tier is what the seats of a queue on one level have in common.
type tier struct {
	level   int32
	lastKey float64 // of the agent chosen last by its key
}

// tier returns the queue's tier of a level.
func (q *queue) tier(level int32) *tier {
	for _, t := range q.tiers {
		if t.level == level {
			return t
		}
	}
	t := &tier{level: level}
	q.tiers = append(q.tiers, t)
	return t
}

func (s *seat) stander() stander {
	return stander{level: s.level, key: s.key, position: s.position, rank: s.agent.rank, seat: s}
}

func (e *Engine) addQueue(where string, cfg QueueConfig) error {
	if cfg.ID == "" {
		return &tandem.ConfigError{Where: where + ".id", What: "is missing"}
	}
	if e.queueByID[cfg.ID] != nil {
		return &tandem.ConfigError{Where: where + ".id", What: fmt.Sprintf("queue %q is there twice", cfg.ID)}
	}
	if err := cfg.check(where); err != nil {
		return err
	}
	cfg = cfg.filled()
	if e.ring && cfg.Sound.Kind == tandem.SoundUnset {
		cfg.Sound.Kind = tandem.SoundRing
	}
	q := &queue{cfg: cfg, strategy: strategyName(cfg.Strategy), watched: len(cfg.RefuseWhen)+len(cfg.LeaveWhen) > 0}
	q.ringer, _ = cfg.Strategy.(Ringer)
	e.queueByID[cfg.ID] = q
	e.queues = append(e.queues, q)
	return nil
}

// check returns what is wrong with the settings.
func (c QueueConfig) check(where string) error {
	for _, d := range []struct {
		name string
		d    time.Duration
	}{{"ring_timeout", c.RingTimeout}, {"max_wait", c.MaxWait}, {"service_level", c.ServiceLevel}, {"prefer_for", c.PreferFor}} {
		if d.d < 0 {
			return &tandem.ConfigError{Where: where + "." + d.name, What: "is negative"}
		}
	}
	if err := c.checkEasing(where); err != nil {
		return err
	}
	switch {
	case c.RingAtOnce < 0:
		return &tandem.ConfigError{Where: where + ".ring_at_once", What: "is negative"}
	case c.MaxWaiting < 0:
		return &tandem.ConfigError{Where: where + ".max_waiting", What: "is negative"}
	case c.Sound.Kind > tandem.SoundFile:
		return &tandem.ConfigError{Where: where + ".sound", What: "is of no known kind"}
	case c.Sound.Kind == tandem.SoundFile && c.Sound.Name == "":
		return &tandem.ConfigError{Where: where + ".sound.name", What: "is missing for a file"}
	}
	for _, s := range append(append([]tandem.AgentState(nil), c.RefuseWhen...), c.LeaveWhen...) {
		if s == tandem.AgentUnset || s > tandem.AgentUnavailable {
			return &tandem.ConfigError{Where: where + ".refuse_when, leave_when", What: "name a state that agents are never in"}
		}
	}
	return nil
}

// filled returns the settings with the defaults in place of zeros.
func (c QueueConfig) filled() QueueConfig {
	if c.Name == "" {
		c.Name = string(c.ID)
	}
	if c.Strategy == nil {
		c.Strategy = LongestIdle{}
	}
	c.RingAtOnce = max(c.RingAtOnce, 1)
	c.RingTimeout = orDefault(c.RingTimeout, 15*time.Second)
	c.WrapUp = orDefault(c.WrapUp, 10*time.Second)
	c.ServiceLevel = orDefault(c.ServiceLevel, 20*time.Second)
	c.PreferFor = orDefault(c.PreferFor, 30*time.Second)
	c.Retry.NoAnswer = orDefault(c.Retry.NoAnswer, 5*time.Second)
	c.Retry.Rejected = orDefault(c.Retry.Rejected, 10*time.Second)
	c.Retry.Busy = orDefault(c.Retry.Busy, time.Minute)
	c.Retry.Failed = orDefault(c.Retry.Failed, 5*time.Second)
	return c
}

// orDefault returns d, the default for zero, and zero for what is negative: none.
func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return max(d, 0)
}

// allIn says whether every agent of a watched queue is in one of the states; true for a queue without agents, false without states.
func (q *queue) allIn(states []tandem.AgentState) bool {
	if len(states) == 0 {
		return false
	}
	n := 0
	for _, s := range states {
		n += q.states[s]
	}
	return n >= len(q.seats)
}

// position returns the place in the queue of a call that is in line or about to be, from 1.
func (q *queue) position(c *call) int {
	w := c.waiter()
	return 1 + q.line.open.rank(w) + q.held.rank(w)
}

// after returns how long an agent gets no offer after one that ended with the cause.
func (r Retry) after(cause tandem.Cause) time.Duration {
	switch cause { //nolint:exhaustive // any other cause is a failure
	case tandem.CauseCancelled, tandem.CauseElsewhere, tandem.CauseInterrupted:
		return 0
	case tandem.CauseNoAnswer:
		return r.NoAnswer
	case tandem.CauseRejected:
		return r.Rejected
	case tandem.CauseBusy:
		return r.Busy
	default:
		return max(r.Failed, time.Second)
	}
}
