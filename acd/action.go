package acd

import (
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
)

// Action is what the engine wants done outside: one command for the Switch, or the look-up of a route. Whoever performs it does so
// after the records of the same Output were handed on, in order for each call, and tells the engine what came of it where Kind says so.
type Action struct {
	Kind ActionKind
	Call tandem.CallID
	// Leg is the leg to command; for ActionDial the new one's name, for ActionRoute the incoming one.
	Leg     tandem.LegID
	Peer    tandem.LegID    // ActionBridge: the other leg; ActionDial: the leg to be bridged with later
	Agent   tandem.AgentID  // ActionDial: whom
	From    tandem.CallerID // ActionDial: who is shown; ActionRoute and ActionExit: who calls
	Trunk   tandem.TrunkID  // ActionRoute, ActionExit: where it came in
	To      tandem.Number   // ActionRoute, ActionExit: the number called
	Timeout time.Duration   // ActionDial: how long it may ring
	Subject string          // ActionDial: the queue's name; ActionExit: the exit's
	Sound   tandem.Sound    // ActionPlay
	Cause   tandem.Cause    // ActionHangup
}

// ActionKind is what an Action asks for.
type ActionKind uint8

// The kinds of action. A failure of any but ActionRoute is told to Engine.Failed.
const (
	ActionUnset  ActionKind = iota
	ActionRoute             // look up the route; the answer goes to Engine.Routed
	ActionAnswer            // Switch.Answer
	ActionPlay              // Player.Play
	ActionDial              // Switch.Dial
	ActionBridge            // Switch.Bridge
	ActionHangup            // Switch.Hangup
	ActionExit              // Config.Exit
)

// String returns the kind's name, such as "dial".
func (k ActionKind) String() string {
	names := [...]string{"unset", "route", "answer", "play", "dial", "bridge", "hangup", "exit"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("action(%d)", k)
}

// Incoming returns the leg of an ActionRoute as the switch told of it.
func (a Action) Incoming() tandem.LegIncoming {
	return tandem.LegIncoming{Leg: a.Leg, Trunk: a.Trunk, From: a.From, To: a.To}
}

// Dialling returns the request of an ActionDial.
func (a Action) Dialling() tandem.Dial {
	return tandem.Dial{
		Leg: a.Leg, Call: a.Call, To: tandem.Endpoint{Agent: a.Agent}, From: a.From, With: a.Peer, Timeout: a.Timeout, Subject: a.Subject,
	}
}
