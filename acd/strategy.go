package acd

import (
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
