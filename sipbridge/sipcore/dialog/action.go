package dialog

import "time"

// Action is what a [Machine] wants done: a closed set, listed in this file. Its owner
// performs the actions of one step in order.
type Action interface{ isAction() }

// Field is one header field that the machine asks for.
type Field struct{ Name, Value string }

// Send asks for a request to be sent. The owner adds Via, Max-Forwards, From, Call-ID,
// Contact and, if the request answers a challenge, the credentials.
type Send struct {
	// Method and Seq make the CSeq. For an ACK, Seq is that of its INVITE.
	Method string
	Seq    uint32
	// Tag is the To-tag; empty for the INVITE that starts the dialog.
	Tag string
	// Target is the Request-URI; empty means the original one.
	Target string
	// Routes are the Route values, first hop first.
	Routes []string
	// BodyType and Body are the content.
	BodyType string
	Body     []byte
	Fields   []Field
}

// Cancel asks for a CANCEL of the INVITE with this CSeq.
type Cancel struct {
	Seq   uint32
	Cause Cause
}

// Respond asks for an answer on a server transaction. The owner adds the To-tag and, for
// 1xx above 100 and 2xx to INVITE and UPDATE, Contact and the Record-Route of the request.
type Respond struct {
	Tx       TxID
	Status   int
	BodyType string
	Body     []byte
	Fields   []Field
}

// Retransmit asks for the 2xx given on this transaction to be sent once more.
type Retransmit struct{ Tx TxID }

// Timer names a timer of the machine.
type Timer uint8

// The timers. The zero value is unset.
const (
	TimerUnset Timer = iota
	// TimerResend repeats the 2xx: T1 doubling to T2 (RFC 3261 13.3.1.4).
	TimerResend
	// TimerACK gives up waiting for the ACK after 64*T1.
	TimerACK
	// TimerRefresh is when we refresh the session.
	TimerRefresh
	// TimerExpire is when the session counts as dead.
	TimerExpire
	// TimerGlare repeats a re-INVITE after 491 (RFC 3261 14.1).
	TimerGlare
	// TimerLinger ends the waiting for last messages of a dialog that is over.
	TimerLinger
)

// StartTimer asks for [Fired] after a while; it replaces a running timer of the same name.
type StartTimer struct {
	Timer Timer
	After time.Duration
}

// StopTimer asks for a timer to be forgotten.
type StopTimer struct{ Timer Timer }

// Done says that the dialog is over: no event has any effect any more.
type Done struct{}

// Progressed tells the user about a provisional answer.
type Progressed struct {
	Status int
	Tag    string
	SDP    []byte
}

// Answered tells the user that the peer accepted; with Offer, SDP is the peer's offer and
// an [Acknowledge] is due.
type Answered struct {
	SDP   []byte
	Offer bool
}

// Confirmed tells the user that our answer was acknowledged.
type Confirmed struct{ SDP []byte }

// AskReoffer asks the user for the answer to a new offer; nil asks for an offer. It is to
// be answered by [AnswerReoffer] with the same Tx.
type AskReoffer struct {
	Tx    TxID
	Offer []byte
}

// ReofferDone tells the user what became of our re-INVITE.
type ReofferDone struct {
	Status int
	SDP    []byte
}

// GotDigit tells the user about a DTMF digit received by INFO.
type GotDigit struct {
	Digit    rune
	Duration time.Duration
}

// Ended tells the user, exactly once, that the call is over.
type Ended struct {
	Reason EndReason
	Status int
	Cause  Cause
}

func (Send) isAction()        {}
func (Cancel) isAction()      {}
func (Respond) isAction()     {}
func (Retransmit) isAction()  {}
func (StartTimer) isAction()  {}
func (StopTimer) isAction()   {}
func (Done) isAction()        {}
func (Progressed) isAction()  {}
func (Answered) isAction()    {}
func (Confirmed) isAction()   {}
func (AskReoffer) isAction()  {}
func (ReofferDone) isAction() {}
func (GotDigit) isAction()    {}
func (Ended) isAction()       {}
