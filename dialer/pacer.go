package dialer

import (
	"time"

	"github.com/tandem-cc/tandem"
)

// Pacer decides how many calls to place. Pace must give the same answer for the same Snapshot, must not keep or change it,
// should not allocate, and may be called concurrently.
type Pacer interface {
	Pace(s *Snapshot) Decision
}

// PacerFunc makes a function a Pacer.
type PacerFunc func(s *Snapshot) Decision

// Pace calls f.
func (f PacerFunc) Pace(s *Snapshot) Decision { return f(s) }

// Snapshot is all that a Pacer knows. Fields may be added: use keyed literals. The zero value is a centre without agents.
type Snapshot struct {
	// Now is the moment of the snapshot.
	Now time.Time
	// Agents are those who are logged in and may be given this campaign's calls, in any order.
	Agents []Agent
	// Calls are this campaign's calls that are dialled and not over, in any order, those in conversation included.
	Calls []Call
	// Queued is how many other calls (inbound ones, say) wait for the same agents and will get them first.
	Queued int
	// Spent is what the Ledger of the campaign's window counts.
	Spent Tally
	// Limit is the greatest share of abandoned calls that is allowed in the window; zero allows none.
	Limit Share
	// Ring is how long a dialled call may ring before it is given up; zero: not known.
	Ring time.Duration
	// Patience is how long a person who answered waits before the call counts as abandoned; zero: not known.
	Patience time.Duration
	// Until is when the shift or the calling window ends and the limit is judged; zero: not known.
	Until time.Time
	// Learned is what earlier calls have taught, for pacers that use it; nil: nothing. The pacer only reads it.
	Learned *Experience
}

// Agent is one agent as a Pacer sees it.
type Agent struct {
	State tandem.AgentState
	Age   time.Duration // how long the agent has been in the state
	// Left is in how long the agent will be ready, where that is known for certain; zero: it is not.
	Left time.Duration
}

// Call is one call as a Pacer sees it.
type Call struct {
	Stage Stage
	Age   time.Duration // since it was dialled
	In    time.Duration // since it came into this stage
}

// Stage is how far a dialled call has come. The zero value is unset.
type Stage uint8

// The stages.
const (
	StageUnset     Stage = iota
	StageDialing         // dialled or ringing: nobody knows yet whether a person will answer
	StageWaiting         // a person answered and waits for an agent, or for one who is being rung
	StageConnected       // a person and an agent talk
)

// String returns the stage's name; the zero value is the empty text.
func (s Stage) String() string {
	switch s {
	case StageUnset:
		return ""
	case StageDialing:
		return "dialing"
	case StageWaiting:
		return "waiting"
	case StageConnected:
		return "connected"
	}
	return "stage(?)"
}

// CanBecome says whether a call in stage s may go to stage t; a call may be over in any stage.
func (s Stage) CanBecome(t Stage) bool {
	switch s {
	case StageUnset:
		return t == StageDialing
	case StageDialing:
		return t == StageWaiting
	case StageWaiting:
		return t == StageConnected
	case StageConnected:
		return false
	}
	return false
}

// Decision is what a Pacer wants.
type Decision struct {
	// Calls is how many calls to place now; never negative.
	Calls int
	// Next is after how long to ask again even if nothing has changed; zero: only when something has.
	Next time.Duration
	// Rule names what decided, for people: "one_per_ready_agent", "no_agent_ready", "budget_spent".
	Rule string
}

// The rules that this package's Pacers decide by.
const (
	RuleNoAgent = "no_agent_ready"      // no agent is ready
	RuleCovered = "every_line_is_out"   // there are as many lines out as are wanted
	RuleOnePer  = "one_per_ready_agent" // Progressive
	RuleRatio   = "lines_per_agent"     // Ratio
	RuleBudget  = "budget_spent"        // Budget held calls back
	RuleRisk    = "risk_within_budget"  // Predictive: one more call would be too likely to be lost
	RuleStart   = "first_calls"         // Predictive knows too little yet
	RuleOutage  = "nobody_answers"      // Predictive thinks that the carrier is out of order
	RuleLevel   = "dial_level"          // VICIdial
)

// Head is a Snapshot's count of heads: what the simple pacers decide by.
type Head struct {
	Ready   int // agents who are ready
	Free    int // ready agents whom no call that waits already will take; may be negative
	Dialing int // calls that are dialled or ring
	Waiting int // calls that a person answered and no agent is being rung for yet, inbound ones included
}

// Head counts the snapshot. An agent who is reserved is on the way to a call that waits, so that both cancel out.
func (s *Snapshot) Head() Head {
	var h Head
	reserved := 0
	for i := range s.Agents {
		switch s.Agents[i].State {
		case tandem.AgentReady:
			h.Ready++
		case tandem.AgentReserved:
			reserved++
		case tandem.AgentUnset, tandem.AgentLoggedOut, tandem.AgentOnCall, tandem.AgentWrapUp, tandem.AgentPaused,
			tandem.AgentUnavailable:
		}
	}
	h.Waiting = s.Queued
	for i := range s.Calls {
		switch s.Calls[i].Stage {
		case StageDialing:
			h.Dialing++
		case StageWaiting:
			h.Waiting++
		case StageUnset, StageConnected:
		}
	}
	h.Waiting = max(0, h.Waiting-reserved)
	h.Free = h.Ready - h.Waiting
	return h
}
