package acd

import (
	"fmt"
	"math"
	"math/bits"
	"time"

	"github.com/tandem-cc/tandem"
)

// Strategy orders the ready agents of a queue. The engine asks for an agent's key once, at the moment the agent becomes
// available in the queue, and keeps the agents ordered by level, key, position and agent ID, so a decision costs no scan.
//
// A strategy is a value: it holds no state that changes, and gives the same key for the same Standing. One that is also a fmt.Stringer gives its
// name to the explanation of decisions; any other is shown as "custom". One that panics or returns NaN puts the agent behind all others of its
// level, and the fault is reported (Engine.Faults, the Center's log).
type Strategy interface {
	// Key returns the agent's measure: lower is asked first.
	Key(Standing) float64
}

// Ringer is a Strategy that also says at how many agents a call rings at once, in place of QueueConfig.RingAtOnce. It is asked when
// the first of them is rung, and again as often as it wishes.
type Ringer interface {
	Strategy
	// Rings returns at how many agents a call should ring that has been ringing for so long without a break, at least 1, and after how long to
	// ask again; zero: not.
	Rings(ringing time.Duration) (agents int, again time.Duration)
}

// StrategyFunc makes a function a Strategy.
type StrategyFunc func(Standing) float64

// Key calls f.
func (f StrategyFunc) Key(s Standing) float64 { return f(s) }

// Standing is how an agent stands in one queue at the moment of becoming available. Times count from the engine's first input.
type Standing struct {
	Agent    tandem.AgentID
	Queue    tandem.QueueID
	Level    int
	Position int
	Now      time.Duration
	// IdleSince is when the agent became free of work: since its last wrap-up, pause or log-in ended. A failed or cancelled offer does not change it.
	IdleSince time.Duration
	// LastCall is when its last conversation ended; zero: none yet.
	LastCall time.Duration
	// LastOffer is the ordinal number of the queue's offer that was this agent's last; zero: none yet.
	LastOffer uint64
	// Answered is how many calls of this queue it has answered, and Talked for how long.
	Answered uint64
	Talked   time.Duration
	// Weight is the seat's, at least 1.
	Weight int
	// LastKey is the key of the agent who was chosen last by it in this queue on this level; zero: none yet.
	LastKey float64
	// Draw is how often a key was asked for this agent in this queue before: what a strategy by chance draws from.
	Draw uint64
	// Skills are the agent's, by level 0 to 100; not to be changed.
	Skills map[tandem.SkillID]uint8
}

// strategyName is how the explanation of decisions calls a strategy.
func strategyName(s Strategy) string {
	if n, ok := s.(fmt.Stringer); ok {
		return n.String()
	}
	return "custom"
}

// keyOf asks the strategy for an agent's key in a line, and lives through its faults.
func (e *Engine) keyOf(s *seat) float64 {
	q := s.queue
	if q == nil { // the agent's own line
		return 0
	}
	key, err := safeKey(q.cfg.Strategy, e.standing(s))
	s.draws++
	if err == nil && !math.IsNaN(key) {
		return max(-math.MaxFloat64, min(key, math.MaxFloat64)) // infinities have no place in the journal's JSON
	}
	if err == nil {
		err = fmt.Errorf("key is not a number: %w", tandem.ErrInvalid)
	}
	e.blame(q, fmt.Errorf("agent %q: %w", s.agent.cfg.ID, err))
	return math.MaxFloat64
}

// blame tells of a fault of a queue's strategy: the first, second, fourth, eighth …, so as not to flood.
func (e *Engine) blame(q *queue, err error) {
	q.faults++
	if bits.OnesCount64(q.faults) == 1 {
		e.fault(fmt.Errorf("acd: strategy %s of queue %q, %w (fault %d)", q.strategy, q.cfg.ID, err, q.faults))
	}
}

// widen asks a queue's Ringer at how many agents a ringing call should ring from now on, and lives through its faults.
func (e *Engine) widen(c *call) {
	agents, again, err := safeRings(c.queue.ringer, time.Duration(e.now-c.rungAt))
	if err != nil {
		e.blame(c.queue, fmt.Errorf("rings: %w", err))
	}
	c.want, c.more = max(agents, 1), 0
	if again > 0 {
		c.more = e.now + int64(max(again, minAgain))
	}
	e.arm(c)
}

// minAgain bounds how often a Ringer is asked.
const minAgain = 100 * time.Millisecond

func safeRings(r Ringer, ringing time.Duration) (agents int, again time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	agents, again = r.Rings(ringing)
	return agents, again, nil
}

func safeKey(st Strategy, s Standing) (key float64, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return st.Key(s), nil
}

func (e *Engine) standing(s *seat) Standing {
	a := s.agent
	return Standing{
		Agent: a.cfg.ID, Queue: s.queue.cfg.ID, Level: int(s.level), Position: int(s.position),
		Now: time.Duration(e.now), IdleSince: time.Duration(a.idleSince), LastCall: time.Duration(a.lastEnd),
		LastOffer: s.lastOffer, Answered: s.answered, Talked: time.Duration(s.talked), Skills: a.cfg.Skills,
		Weight: int(s.weighs), LastKey: s.tier.lastKey, Draw: s.draws,
	}
}
