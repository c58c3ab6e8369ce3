package acd

import (
	"fmt"
	"slices"
)

// callState is how far a call has come in the engine. The zero value is unset: the call is not here (any more).
//
//	routing ─► answering ─► waiting ◄─► connecting ─► talking
//	   └───────────┴───────────┴────────────┴────────────┴──► closing ─► gone
type callState uint8

const (
	callUnset      callState = iota
	callRouting              // its route is being looked up
	callAnswering            // the customer's leg is being answered
	callWaiting              // in a queue; offers may ring
	callConnecting           // an agent answered; the legs are being bridged
	callTalking              // customer and agent hear each other
	callClosing              // over; the end of the customer's leg is awaited
)

// String returns the state's name.
func (s callState) String() string {
	names := [...]string{"unset", "routing", "answering", "waiting", "connecting", "talking", "closing"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("call state(%d)", s)
}

// canBecome says whether a call in state s may go to state t; any may become unset, by ending.
func (s callState) canBecome(t callState) bool {
	var next []callState
	switch s {
	case callUnset:
		next = []callState{callRouting, callAnswering, callWaiting, callClosing}
	case callRouting:
		next = []callState{callAnswering, callWaiting, callClosing}
	case callAnswering:
		next = []callState{callWaiting, callClosing}
	case callWaiting:
		next = []callState{callConnecting, callClosing}
	case callConnecting:
		next = []callState{callWaiting, callTalking, callClosing}
	case callTalking:
		next = []callState{callClosing}
	case callClosing:
	}
	return t == callUnset || slices.Contains(next, t)
}
