package dialog

import (
	"fmt"
	"slices"
)

// State is where an INVITE dialog is in its life.
type State uint8

// The states. The zero value is unset.
const (
	StateUnset State = iota
	// StateCalling: INVITE sent or received, no provisional answer yet.
	StateCalling
	// StateEarly: a provisional answer with a To-tag was sent or received.
	StateEarly
	// StateAnswered: a 2xx was sent or received, its ACK is still to come.
	StateAnswered
	// StateConfirmed: the ACK was sent or received.
	StateConfirmed
	// StateEnding: over for the user; CANCEL, BYE or retransmissions are under way.
	StateEnding
	// StateEnded: nothing more happens.
	StateEnded
)

// String returns the name of the state in lower case.
func (s State) String() string {
	switch s {
	case StateUnset:
		return "unset"
	case StateCalling:
		return "calling"
	case StateEarly:
		return "early"
	case StateAnswered:
		return "answered"
	case StateConfirmed:
		return "confirmed"
	case StateEnding:
		return "ending"
	case StateEnded:
		return "ended"
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// MarshalText writes the name of the state.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name of a state.
func (s *State) UnmarshalText(b []byte) error {
	for v := StateUnset; v <= StateEnded; v++ {
		if v.String() == string(b) {
			*s = v
			return nil
		}
	}
	return fmt.Errorf("dialog: unknown state %q", b)
}

// CanBecome says whether a dialog may go from this state to the next.
func (s State) CanBecome(next State) bool {
	var to []State
	switch s {
	case StateUnset:
		to = []State{StateCalling}
	case StateCalling:
		to = []State{StateEarly, StateAnswered, StateConfirmed, StateEnding, StateEnded}
	case StateEarly:
		to = []State{StateAnswered, StateConfirmed, StateEnding, StateEnded}
	case StateAnswered:
		to = []State{StateConfirmed, StateEnding, StateEnded}
	case StateConfirmed:
		to = []State{StateEnding, StateEnded}
	case StateEnding:
		to = []State{StateEnded}
	case StateEnded:
	}
	return slices.Contains(to, next)
}

// Role says which side sent the INVITE.
type Role uint8

// The roles. The zero value is unset.
const (
	RoleUnset Role = iota
	// RoleUAC sent the INVITE.
	RoleUAC
	// RoleUAS received it.
	RoleUAS
)

// String returns "uac" or "uas".
func (r Role) String() string {
	switch r {
	case RoleUnset:
		return "unset"
	case RoleUAC:
		return "uac"
	case RoleUAS:
		return "uas"
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// EndReason says how a dialog came to its end.
type EndReason uint8

// The reasons. The zero value is unset.
const (
	EndUnset EndReason = iota
	// EndLocal: our side hung up or cancelled.
	EndLocal
	// EndRemote: the peer sent BYE.
	EndRemote
	// EndCancelled: the caller gave up before the answer.
	EndCancelled
	// EndRejected: a final answer of 300 or more.
	EndRejected
	// EndTimeout: nobody answered in time.
	EndTimeout
	// EndTransport: the peer cannot be reached.
	EndTransport
	// EndNoACK: our 2xx was never acknowledged.
	EndNoACK
	// EndExpired: the session timer ran out.
	EndExpired
)

// String returns the name of the reason in lower case.
func (r EndReason) String() string {
	switch r {
	case EndUnset:
		return "unset"
	case EndLocal:
		return "local"
	case EndRemote:
		return "remote"
	case EndCancelled:
		return "cancelled"
	case EndRejected:
		return "rejected"
	case EndTimeout:
		return "timeout"
	case EndTransport:
		return "transport"
	case EndNoACK:
		return "no_ack"
	case EndExpired:
		return "expired"
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}
