package sipcore

import (
	"context"
	"time"

	"github.com/tandem-cc/tandem/sipbridge/sipcore/dialog"
)

// Cause is why a call ended, as carried by a Reason header field (RFC 3326): a Q.850
// cause, a SIP status, or both. The zero value says nothing.
type Cause = dialog.Cause

// EndReason says how a call came to its end.
type EndReason = dialog.EndReason

// The reasons for an end. The zero value is unset.
const (
	// EndLocal: we hung up or cancelled.
	EndLocal = dialog.EndLocal
	// EndRemote: the peer sent BYE.
	EndRemote = dialog.EndRemote
	// EndCancelled: the caller gave up before the answer.
	EndCancelled = dialog.EndCancelled
	// EndRejected: a final answer of 300 or more; Ended.Status has it.
	EndRejected = dialog.EndRejected
	// EndTimeout: the peer did not answer in time.
	EndTimeout = dialog.EndTimeout
	// EndTransport: the peer cannot be reached.
	EndTransport = dialog.EndTransport
	// EndNoACK: our answer was never acknowledged.
	EndNoACK = dialog.EndNoACK
	// EndExpired: the session timer ran out (RFC 4028).
	EndExpired = dialog.EndExpired
)

// Event is something that happened to a call: a closed set, listed in this file.
type Event interface{ isEvent() }

// Progressed says that the peer sent a provisional answer (180, 183, ...). SDP is early media, if
// there is any. With forking, Tag tells the branches apart.
type Progressed struct {
	Status int
	Tag    string
	SDP    []byte
}

// Answered says that the peer accepted our call. SDP is its answer; if Offer is set, we had sent
// none, SDP is its offer, and [Call.Acknowledge] must be given our answer.
type Answered struct {
	SDP   []byte
	Offer bool
}

// Confirmed says that our answer was acknowledged. SDP is set only when the INVITE came without an
// offer: it is the peer's answer to ours.
type Confirmed struct {
	SDP []byte
}

// Digit says that the peer sent a DTMF digit by INFO (application/dtmf-relay or application/dtmf).
type Digit struct {
	// Digit is one of 0-9, *, #, A-D.
	Digit rune
	// Duration is how long it was held; 0 when the peer did not say.
	Duration time.Duration
}

// ReofferResult says that our [Call.Reoffer] was answered. Status 200 brings the answer in SDP; any
// other status left the session as it was.
type ReofferResult struct {
	Status int
	SDP    []byte
}

// Ended is the last event of a call, sent exactly once.
type Ended struct {
	Reason EndReason
	// Status is the SIP status that ended it, if one did (486, 487, 408, ...).
	Status int
	// Cause is what the peer's Reason header field said.
	Cause Cause
}

func (Progressed) isEvent()    {}
func (Answered) isEvent()      {}
func (Confirmed) isEvent()     {}
func (Digit) isEvent()         {}
func (ReofferResult) isEvent() {}
func (Ended) isEvent()         {}

// Handler receives calls and their events. For one call the methods are called one after
// another, in order; for different calls concurrently. A method may block for a while
// (its call waits, others do not), and may call any method of [Call] and [Endpoint].
type Handler interface {
	// Incoming brings a new admitted INVITE. The call is Ringing from our side until
	// [Call.Progress], [Call.Answer] or [Call.Reject] is called, now or later.
	Incoming(ctx context.Context, call *Call)
	// Event brings what happens to a call, incoming or outgoing, up to [Ended].
	Event(ctx context.Context, call *Call, ev Event)
	// Reoffer asks for the answer to a new offer from the peer (re-INVITE or UPDATE): hold,
	// resume, a new address. offer is nil when the peer wants us to offer; then the
	// returned SDP is our offer. An error refuses with 488 and leaves the session as it
	// was. ctx ends after Config.ReofferTimeout. It is called in a goroutine of its own,
	// beside Event, so that a slow handler of events does not delay it.
	Reoffer(ctx context.Context, call *Call, offer []byte) ([]byte, error)
}
