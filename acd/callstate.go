package acd

import (
	"fmt"
	"slices"
)

// callState is how far a call has come in the engine. The zero value is unset: the call is not here (any more).
//
//	routing ─► answering ─► waiting ◄─► connecting ─► talking
//	 ▲ │           │           │            │            │
//	 │ └───────────┴───────────┴────────────┴────────────┴──► closing ─► gone
//	 ├─────────────────────────┤ (to another queue)              ▲
//	 └────────── away ◄────────┴─────────────────────────────────┘
type callState uint8

const (
	callUnset      callState = iota
	callRouting              // its route is being looked up
	callAnswering            // the customer's leg is being answered
	callWaiting              // in a queue; offers may ring
	callConnecting           // an agent answered; the legs are being bridged
	callTalking              // customer and agent hear each other
	callClosing              // over; the end of the customer's leg is awaited
	callAway                 // out of the queues by an exit of the host's, who commands the customer's leg
)

// String returns the state's name.
func (s callState) String() string {
	names := [...]string{"unset", "routing", "answering", "waiting", "connecting", "talking", "closing", "away"}
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
		next = []callState{callRouting, callAnswering, callWaiting, callClosing, callAway}
	case callRouting:
		next = []callState{callAnswering, callWaiting, callClosing, callAway}
	case callAnswering:
		next = []callState{callWaiting, callClosing}
	case callWaiting:
		next = []callState{callConnecting, callClosing, callRouting, callAway}
	case callConnecting:
		next = []callState{callWaiting, callTalking, callClosing}
	case callTalking:
		next = []callState{callClosing}
	case callAway:
		next = []callState{callRouting, callClosing}
	case callClosing:
	}
	return t == callUnset || slices.Contains(next, t)
}
