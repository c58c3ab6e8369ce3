package tandem

import "slices"

// AgentState is what an agent is doing. The zero value is unset: an agent that has never been seen.
//
//	logged_out ─► ready ─► reserved ─► on_call ─► wrap_up ─► ready
//	              ▲  │ ▲       │                      │
//	              │  ▼ └───────┘ no answer, reject    ▼
//	              paused ◄────────────────────────────┘
//
// Any state but on_call may become unavailable (device lost) or logged_out; a call in progress outlives both wishes
// and they take effect when it ends.
type AgentState uint8

// The agent states.
const (
	AgentUnset       AgentState = iota
	AgentLoggedOut              // not at work
	AgentReady                  // may be offered a call
	AgentReserved               // held for one call, whose offer rings at the agent's device
	AgentOnCall                 // talking, or on the way to it: the offer was answered
	AgentWrapUp                 // finishing the work of the last call
	AgentPaused                 // not to be offered calls, for a reason
	AgentUnavailable            // at work, without a device that could ring
)

func agentStateNames() []string {
	return []string{"", "logged_out", "ready", "reserved", "on_call", "wrap_up", "paused", "unavailable"}
}

// String returns the state's name as it stands in the journal; the zero value is the empty text.
func (s AgentState) String() string { return enumText("agent state", agentStateNames(), uint8(s)) }

// MarshalText returns the state's name.
func (s AgentState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes a name that String returns; any other is ErrInvalid.
func (s *AgentState) UnmarshalText(text []byte) error {
	v, err := parseEnum("agent state", agentStateNames(), text)
	if err != nil {
		return err
	}
	*s = AgentState(v)
	return nil
}

// CanBecome says whether an agent in state s may go to state t. Every change of an agent's state goes through it.
func (s AgentState) CanBecome(t AgentState) bool {
	var next []AgentState
	switch s {
	case AgentUnset:
		next = []AgentState{AgentLoggedOut}
	case AgentLoggedOut:
		next = []AgentState{AgentReady, AgentPaused, AgentUnavailable}
	case AgentReady:
		next = []AgentState{AgentReserved, AgentOnCall, AgentPaused, AgentUnavailable, AgentLoggedOut}
	case AgentReserved:
		next = []AgentState{AgentOnCall, AgentReady, AgentPaused, AgentUnavailable, AgentLoggedOut}
	case AgentOnCall:
		next = []AgentState{AgentWrapUp, AgentReady, AgentPaused, AgentUnavailable, AgentLoggedOut}
	case AgentWrapUp:
		next = []AgentState{AgentReady, AgentOnCall, AgentPaused, AgentUnavailable, AgentLoggedOut}
	case AgentPaused:
		next = []AgentState{AgentReady, AgentOnCall, AgentUnavailable, AgentLoggedOut}
	case AgentUnavailable:
		next = []AgentState{AgentReady, AgentPaused, AgentLoggedOut}
	}
	return slices.Contains(next, t)
}
