package tandem

import "time"

// Event is something that happened, one of the types of this file and no other: a closed set, so that a switch over it
// can be checked to be complete. Events are values and are copied freely; nobody changes one that was handed on.
//
//sumtype:decl
type Event interface {
	// Kind returns the event's name in the journal, such as "leg_answered".
	Kind() string
	event()
}

// The events of a switch. A leg is told by its name alone: which call it belongs to, the engines know.
type (
	// LegIncoming says that the far end began a leg: a customer through a trunk, or an agent from a phone.
	LegIncoming struct {
		Leg   LegID    `json:"leg"`
		Trunk TrunkID  `json:"trunk,omitempty"` // where it came in, or
		Agent AgentID  `json:"agent,omitempty"` // whose phone began it
		From  CallerID `json:"from"`
		To    Number   `json:"to,omitempty"` // the DID, or what the agent dialled
	}
	// LegRinging says that a dialled leg's far end rings.
	LegRinging struct {
		Leg LegID `json:"leg"`
	}
	// LegAnswered says that a leg is answered, by the far end or by our Answer.
	LegAnswered struct {
		Leg LegID `json:"leg"`
	}
	// LegBridged says that a leg and its peer hear each other. It comes once for each of the two.
	LegBridged struct {
		Leg  LegID `json:"leg"`
		Peer LegID `json:"peer"`
	}
	// LegUnbridged says that a leg is alone again and still up.
	LegUnbridged struct {
		Leg  LegID `json:"leg"`
		Peer LegID `json:"peer"` // whom it was bridged with
	}
	// LegDigit says that the far end pressed a key.
	LegDigit struct {
		Leg      LegID         `json:"leg"`
		Digit    string        `json:"digit"` // one of 0-9 * # A-D
		Duration time.Duration `json:"duration,omitempty"`
	}
	// LegPlayed says that a sound of finite length has been played to its end.
	LegPlayed struct {
		Leg   LegID `json:"leg"`
		Sound Sound `json:"sound"`
	}
	// LegHeld says that a leg was put on hold or taken back, by its far end or by us.
	LegHeld struct {
		Leg  LegID `json:"leg"`
		Held bool  `json:"held"`
		By   Party `json:"by,omitempty"` // PartyUnset: the far end
	}
	// LegEnded says that a leg is gone, and why. Nothing follows for it.
	LegEnded struct {
		Leg   LegID `json:"leg"`
		Cause Cause `json:"cause"`
		// Ours says that we ended it (hang-up, cancel, ring timeout); otherwise the far end or the network did.
		Ours bool `json:"ours,omitempty"`
		// Detail is what the mechanism said, for an operator: "SIP 486 Busy Here", "Q.850 17". No promise is made of its form.
		Detail string `json:"detail,omitempty"`
	}
	// DeviceChanged says that an agent has got a first device that can ring, or lost the last one.
	DeviceChanged struct {
		Agent     AgentID `json:"agent"`
		Reachable bool    `json:"reachable"`
	}
	// TrunkChanged says that a trunk became usable or stopped being so.
	TrunkChanged struct {
		Trunk  TrunkID `json:"trunk"`
		Up     bool    `json:"up"`
		Detail string  `json:"detail,omitempty"`
	}
)

// The events of a call on its way through the centre.
type (
	// CallStarted says that a call exists: the customer arrived, or was dialled.
	CallStarted struct {
		Call Call `json:"call"`
	}
	// CallQueued says that a call waits in a queue.
	CallQueued struct {
		Call     CallID  `json:"call"`
		Queue    QueueID `json:"queue"`
		Position int     `json:"position"` // from 1, at this moment
		Priority int     `json:"priority,omitempty"`
	}
	// CallOffered says that an agent is reserved for a call and the agent's device is about to ring.
	CallOffered struct {
		Call     CallID    `json:"call"`
		Queue    QueueID   `json:"queue"`
		Agent    AgentID   `json:"agent"`
		Leg      LegID     `json:"leg"`      // the agent's leg
		Fence    uint64    `json:"fence"`    // the reservation's fencing number
		Deadline time.Time `json:"deadline"` // when the reservation lapses
	}
	// OfferEnded says that an offer ended without a conversation; the agent is free of this reservation.
	OfferEnded struct {
		Call  CallID  `json:"call"`
		Queue QueueID `json:"queue"`
		Agent AgentID `json:"agent"`
		Leg   LegID   `json:"leg"`
		Fence uint64  `json:"fence"`
		Cause Cause   `json:"cause"` // no_answer, rejected, busy, unavailable, cancelled, elsewhere, ...
	}
	// CallConnected says that customer and agent talk.
	CallConnected struct {
		Call   CallID        `json:"call"`
		Queue  QueueID       `json:"queue"`
		Agent  AgentID       `json:"agent"`
		Leg    LegID         `json:"leg"`
		Waited time.Duration `json:"waited"` // since the call was queued
	}
	// CallLeft says that a call left a queue without an agent.
	CallLeft struct {
		Call     CallID        `json:"call"`
		Queue    QueueID       `json:"queue"`
		Reason   LeaveReason   `json:"reason"`
		Position int           `json:"position"`
		Waited   time.Duration `json:"waited"`
		// Next is the queue that it goes to; Exit is the way out of the queues by which it goes, such as "voicemail". Both empty: the call is over.
		Next QueueID `json:"next,omitempty"`
		Exit string  `json:"exit,omitempty"`
	}
	// CallReleased says that an agent's part in a call is over: the agent's leg has ended or was taken away.
	CallReleased struct {
		Call   CallID        `json:"call"`
		Queue  QueueID       `json:"queue"`
		Agent  AgentID       `json:"agent"`
		Leg    LegID         `json:"leg"`
		By     Party         `json:"by"`
		Talked time.Duration `json:"talked"`
	}
	// CallEnded says that the customer's leg is gone and the call over. Wrap-up and disposition may follow.
	CallEnded struct {
		Call  CallID `json:"call"`
		Cause Cause  `json:"cause"`
		By    Party  `json:"by"`
	}
	// CallDisposed says what an agent made of a call. A later one replaces an earlier.
	CallDisposed struct {
		Call        CallID        `json:"call"`
		Agent       AgentID       `json:"agent"`
		Disposition DispositionID `json:"disposition"`
		Note        string        `json:"note,omitempty"`
	}
	// Decided explains a decision of the routing engine: who was considered, with which scores, and which rule
	// chose. It comes before the event it explains (CallOffered, CallLeft), or alone for a refusal to assign.
	Decided struct {
		Call       CallID      `json:"call"`
		Queue      QueueID     `json:"queue"`
		Agent      AgentID     `json:"agent,omitempty"` // who was chosen; empty: nobody
		Strategy   string      `json:"strategy,omitempty"`
		Rule       string      `json:"rule"`                 // why, by the name of the rule that decided: "longest_idle", "queue_full", "no_agent_ready"
		Candidates []Candidate `json:"candidates,omitempty"` // best first, at most 20
		Considered int         `json:"considered"`           // how many agents were looked at in all
	}
	// AgentChanged says that an agent's state changed.
	AgentChanged struct {
		Agent  AgentID    `json:"agent"`
		From   AgentState `json:"from"`
		To     AgentState `json:"to"`
		Reason string     `json:"reason,omitempty"` // the pause's name, or the rule: "missed 3 offers", "device lost"
		Call   CallID     `json:"call,omitempty"`   // the call it is about
	}
)

// The events of a campaign.
type (
	// CampaignChanged says that a campaign's state changed.
	CampaignChanged struct {
		Campaign CampaignID    `json:"campaign"`
		From     CampaignState `json:"from"`
		To       CampaignState `json:"to"`
		Reason   string        `json:"reason,omitempty"`
	}
	// AttemptStarted says that an attempt is recorded and is about to be dialled.
	AttemptStarted struct {
		Attempt  AttemptID  `json:"attempt"`
		Campaign CampaignID `json:"campaign"`
		Lead     LeadID     `json:"lead"`
		Call     CallID     `json:"call"`
		Leg      LegID      `json:"leg"`
		Number   Number     `json:"number"`
		Count    int        `json:"count"` // which attempt at this lead, from 1
	}
	// AttemptEnded says what came of an attempt, and when the lead is due again.
	AttemptEnded struct {
		Attempt  AttemptID  `json:"attempt"`
		Campaign CampaignID `json:"campaign"`
		Lead     LeadID     `json:"lead"`
		Outcome  Outcome    `json:"outcome"`
		Cause    Cause      `json:"cause,omitempty"`
		RetryAt  time.Time  `json:"retry_at,omitzero"` // zero: the lead is done
	}
)

// The events of a node's life, by which a restart knows what it interrupted.
type (
	// NodeStarted says that a process began to own the centre.
	NodeStarted struct {
		Node    NodeID `json:"node"`
		Version string `json:"version,omitempty"`
	}
	// NodeAlive is a sign of life, written every few seconds while calls are up: a call that a crash cut off ended
	// not before the last one.
	NodeAlive struct {
		Node NodeID `json:"node"`
	}
	// NodeStopped says that the process ended in good order.
	NodeStopped struct {
		Node NodeID `json:"node"`
	}
)

// Candidate is an agent whom a routing decision considered.
type Candidate struct {
	Agent AgentID `json:"agent"`
	// Level is the tier: lower is tried first. Key is the strategy's own measure: lower is better.
	Level int     `json:"level"`
	Key   float64 `json:"key"`
	// Skip says why the agent could not be chosen ("paused", "wrap_up", "back_off"); empty: could be.
	Skip string `json:"skip,omitempty"`
}

// LeaveReason is why a call left a queue without an agent.
type LeaveReason uint8

// The reasons for leaving a queue.
const (
	LeaveUnset       LeaveReason = iota
	LeaveAbandoned               // the customer hung up
	LeaveTimeout                 // it waited as long as it may
	LeaveFull                    // refused: the queue is full
	LeaveEmpty                   // refused or sent away: no agent is there to serve it
	LeaveKey                     // the customer pressed the exit key
	LeaveOverflow                // moved on by an overflow rule
	LeaveMoved                   // moved by a supervisor
	LeaveCallback                // the customer asked to be called back
	LeaveFailed                  // the switch lost the call
	LeaveInterrupted             // our process ended; settled at restart
)

func leaveNames() []string {
	return []string{
		"", "abandoned", "timeout", "full", "empty", "key", "overflow", "moved", "callback", "failed", "interrupted",
	}
}

// String returns the reason's name as it stands in the journal; the zero value is the empty text.
func (r LeaveReason) String() string { return enumText("leave reason", leaveNames(), uint8(r)) }

// MarshalText returns the reason's name.
func (r LeaveReason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText takes a name that String returns; any other is ErrInvalid.
func (r *LeaveReason) UnmarshalText(text []byte) error {
	v, err := parseEnum("leave reason", leaveNames(), text)
	if err != nil {
		return err
	}
	*r = LeaveReason(v)
	return nil
}
