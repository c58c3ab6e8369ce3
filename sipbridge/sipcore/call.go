package sipcore

import (
	"time"

	"github.com/tandem-cc/tandem/sipbridge/sipcore/dialog"
)

// CallState is where a call is in its life.
type CallState = dialog.State

// The states of a call. The zero value is unset.
const (
	// StateCalling: INVITE sent or received, nobody has rung yet.
	StateCalling = dialog.StateCalling
	// StateEarly: ringing, perhaps with early media.
	StateEarly = dialog.StateEarly
	// StateAnswered: 200 sent or received, not yet acknowledged.
	StateAnswered = dialog.StateAnswered
	// StateConfirmed: the call is up.
	StateConfirmed = dialog.StateConfirmed
	// StateEnding: over for the user; the last messages of the dialog are under way.
	StateEnding = dialog.StateEnding
	// StateEnded: nothing more will be sent.
	StateEnded = dialog.StateEnded
)

// ID is the Call-ID of this leg: unique per endpoint, and different from that of any other
// leg of the same conversation. A call that came from a peer with a Call-ID already in use
// is told apart by its tags; ID is then the Call-ID with our tag appended.
func (c *Call) ID() string { return c.id }

// CallID is the Call-ID header field of this leg.
func (c *Call) CallID() string { return c.callID }

// Inbound says whether the peer called us.
func (c *Call) Inbound() bool { return c.in != nil }

// Request is the INVITE that came in; nil for a call we placed.
func (c *Call) Request() *Inbound { return c.in }

// Offer is the SDP of the INVITE that came in; nil means that the peer wants us to offer
// (delayed offer): Answer carries our offer and [Confirmed] brings its answer.
func (c *Call) Offer() []byte {
	if c.in == nil {
		return nil
	}
	return c.in.Body
}

// User is the authenticated user of an incoming call, or InviteRequest.User.
func (c *Call) User() string { return c.user }

// Trunk is the trunk that an incoming call came from, as Admit said.
func (c *Call) Trunk() string { return c.trunk }

// MaxForwards is the hop count for the other half of this call: that of the INVITE less one.
func (c *Call) MaxForwards() int { return c.maxForwards }

// Flow is how the peer is reached now. It moves when the peer comes back over a new
// connection.
func (c *Call) Flow() *Flow { return c.flow.Load() }

// State is where the call is in its life.
func (c *Call) State() CallState { return CallState(c.state.Load()) }

// Progress sends a provisional answer, 180 to 199, with early media if sdp is not nil.
func (c *Call) Progress(status int, sdp []byte) error {
	return c.command(dialog.Progress{Status: status, SDP: sdp})
}

// Answer accepts an incoming call with the SDP answer (or, after an INVITE without SDP,
// our offer).
func (c *Call) Answer(sdp []byte) error { return c.command(dialog.Accept{SDP: sdp}) }

// Reject refuses an incoming call with a final status of 300 to 699 and an optional cause.
func (c *Call) Reject(status int, cause Cause) error {
	return c.command(dialog.Refuse{Status: status, Cause: cause})
}

// Acknowledge gives our SDP answer to the offer that came with [Answered].
func (c *Call) Acknowledge(sdp []byte) error { return c.command(dialog.Acknowledge{SDP: sdp}) }

// Hangup ends the call in whatever way its state asks for: CANCEL, 487, BYE. It may be
// called at any time and more than once; [Ended] with EndLocal follows the first.
func (c *Call) Hangup(cause Cause) error { return c.command(dialog.Hangup{Cause: cause}) }

// Reoffer sends a new offer to the peer (re-INVITE); [ReofferResult] brings the outcome. If
// both sides offer at the same moment, ours is repeated later by itself (RFC 3261 14.1).
func (c *Call) Reoffer(sdp []byte) error { return c.command(dialog.Reoffer{SDP: sdp}) }

// SendDigit sends one DTMF digit by INFO application/dtmf-relay, for peers that do not
// understand RFC 4733. The zero duration means 160 ms.
func (c *Call) SendDigit(digit rune, hold time.Duration) error {
	return c.command(dialog.SendDigit{Digit: digit, Duration: hold})
}

// MoveTo sends the further requests of the call over another flow, for example the new
// connection of a browser that came back.
func (c *Call) MoveTo(f *Flow) {
	if f != nil {
		c.flow.Store(f)
	}
}
