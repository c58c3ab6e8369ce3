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
	if q == nil {
		return 0
	}
	key, err := safeKey(q.cfg.Strategy, e.standing(s))
	if err == nil && !math.IsNaN(key) {
		return max(-math.MaxFloat64, min(key, math.MaxFloat64)) // infinities have no place in the journal's JSON
	}
	if err == nil {
		err = fmt.Errorf("key is not a number: %w", tandem.ErrInvalid)
	}
	q.faults++
	if bits.OnesCount64(q.faults) == 1 { // the first, second, fourth, eighth …: told, without flooding
		e.fault(fmt.Errorf("acd: strategy %s of queue %q, agent %q: %w (fault %d)", q.strategy, q.cfg.ID, s.agent.cfg.ID, err, q.faults))
	}
	return math.MaxFloat64
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
	}
}
