package dialog

import "time"

// TxID names the server transaction that a request came on; its owner chose it.
type TxID string

// Message is what the machine needs to know of a SIP message.
type Message struct {
	// Method is that of the request, or of the request that was answered.
	Method string
	// Status is 0 for a request.
	Status int
	// Seq is the CSeq number.
	Seq uint32
	// Tag is the peer's tag: From of a request, To of a response.
	Tag string
	// Contact is the URI of the first Contact, without header parameters; may be empty.
	Contact string
	// Routes are the Record-Route values in the order of the message.
	Routes []string
	// BodyType is the media type without parameters, Body the content.
	BodyType string
	Body     []byte
	// RSeq is the number of a reliable provisional response (RFC 3262); 0 means unreliable.
	RSeq uint32
	// Allow says which of the methods that matter here the peer takes.
	AllowsUpdate bool
	// SupportsTimer is set when "timer" is among Supported or Require.
	SupportsTimer bool
	// Requires100rel is set when "100rel" is among Require of a request.
	Requires100rel bool
	// Session is the Session-Expires header field (RFC 4028), MinSE that of Min-SE.
	Session SessionExpires
	MinSE   time.Duration
	// Cause is the Reason header field.
	Cause Cause
	// RetryAfter is the Retry-After header field.
	RetryAfter time.Duration
	// Authorizable is set on a 401 or 407 whose challenge the owner can answer.
	Authorizable bool
	// Tx is the server transaction of a request.
	Tx TxID
}

// SDPType is the media type of session descriptions.
const SDPType = "application/sdp"

// sdp returns the body if it is a session description.
func (m *Message) sdp() []byte {
	if len(m.Body) == 0 || (m.BodyType != SDPType && m.BodyType != "") {
		return nil
	}
	return m.Body
}

// Event is what may be fed to a [Machine]: a closed set, listed in this file.
type Event interface{ isEvent() }

// Received is a request or response of this dialog or, for a machine as UAC, any response
// to its INVITE.
type Received struct{ Message Message }

// Failed says that a request of ours got no final answer: its transaction timed out
// (Timeout) or the transport refused it.
type Failed struct {
	Method  string
	Seq     uint32
	Timeout bool
}

// Cancelled says that the peer's CANCEL matched our INVITE server transaction.
type Cancelled struct{ Cause Cause }

// Fired says that a timer started by [StartTimer] ran out.
type Fired struct{ Timer Timer }

// Progress is the command to send a provisional answer.
type Progress struct {
	Status int
	SDP    []byte
}

// Accept is the command to answer the INVITE with 200.
type Accept struct{ SDP []byte }

// Refuse is the command to answer the INVITE with a final status of 300 or more.
type Refuse struct {
	Status int
	Cause  Cause
}

// Acknowledge is the command to send the ACK that a delayed offer has held back.
type Acknowledge struct{ SDP []byte }

// Hangup is the command to end the dialog in whatever way its state asks for.
type Hangup struct {
	Cause Cause
	// Reason is what to report; the zero value means EndLocal.
	Reason EndReason
}

// Reoffer is the command to send a re-INVITE with this offer.
type Reoffer struct{ SDP []byte }

// AnswerReoffer is the answer to [AskReoffer]: a status and, for 200, the session description.
type AnswerReoffer struct {
	Tx     TxID
	Status int
	SDP    []byte
}

// SendDigit is the command to send a digit by INFO.
type SendDigit struct {
	Digit    rune
	Duration time.Duration
}

func (Received) isEvent()      {}
func (Failed) isEvent()        {}
func (Cancelled) isEvent()     {}
func (Fired) isEvent()         {}
func (Progress) isEvent()      {}
func (Accept) isEvent()        {}
func (Refuse) isEvent()        {}
func (Acknowledge) isEvent()   {}
func (Hangup) isEvent()        {}
func (Reoffer) isEvent()       {}
func (AnswerReoffer) isEvent() {}
func (SendDigit) isEvent()     {}
