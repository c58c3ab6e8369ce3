package dialog

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// ErrState is returned by [Machine.Step] for a command that does not fit the state.
var ErrState = errors.New("dialog: command does not fit the state")

// maxEarly bounds the early dialogs of one INVITE: more forks than that are not followed.
const maxEarly = 16

// maxAuth bounds the answers to challenges per request: one, and one more for a stale nonce.
const maxAuth = 2

// Config configures a [Machine].
type Config struct {
	// Role says which side sends the INVITE. Required.
	Role Role
	// T1 and T2 are those of RFC 3261 table 4; the defaults are 500 ms and 4 s.
	T1, T2 time.Duration
	// Session is the session interval to ask for (RFC 4028); 0 asks for none.
	Session time.Duration
	// MinSE is the shortest interval that is accepted; the default is 90 s.
	MinSE time.Duration
	// Rand spreads the waiting after glare; nil waits the mean.
	Rand *rand.Rand
}

// Dial is the first event of a machine as UAC: it sends the INVITE. A nil SDP asks the
// peer to offer.
type Dial struct{ SDP []byte }

func (Dial) isEvent() {}

// peer is one remote end: an early dialog per To-tag, one of which becomes the dialog.
type peer struct {
	tag       string
	target    string
	routes    []string
	seq       uint32 // our last CSeq towards it
	remoteSeq uint32 // its last CSeq towards us
	seenSeq   bool
	rseq      uint32 // last reliable provisional acknowledged
}

// offerOut is a re-INVITE of ours under way.
type offerOut struct {
	seq     uint32
	sdp     []byte
	auth    int
	waiting bool // for TimerGlare
	refresh bool // sent by ourselves to refresh the session
}

// offerIn is an offer of the peer that the user has not answered yet.
type offerIn struct {
	msg Message
}

// Machine is one INVITE dialog. See the package comment.
type Machine struct {
	cfg   Config
	state State
	out   []Action

	told        bool // Ended was given out
	provisional bool // a provisional answer came, CANCEL may be sent
	cancelWant  bool // CANCEL is wanted, and to be sent with the next provisional answer
	cancelCause Cause
	byeDue      bool // BYE is to follow the ACK
	byeCause    Cause

	inviteSeq  uint32 // CSeq of the INVITE that started the dialog
	inviteTx   TxID   // its server transaction, as UAS
	inviteAuth int
	offer      []byte // what our INVITE carried
	peerOffers bool   // our or the peer's INVITE came without SDP

	early map[string]*peer
	peer  *peer
	acks  []Send // ACKs sent, for 2xx that come again

	localSDP []byte // our last description in force
	reoffer  *offerOut
	reask    *offerIn
	waitTx   TxID // 2xx that waits for its ACK
	waitSeq  uint32
	waitSDP  bool // that ACK must bring an answer
	resend   time.Duration
	byeSeq   uint32
	byeAuth  int
	updSeq   uint32

	session      time.Duration // interval in force, 0 is none
	weRefresh    bool
	allowsUpdate bool
	answered     bool // a 2xx was received as UAC
}

// New returns a machine in the unset state.
func New(cfg Config) *Machine {
	if cfg.T1 <= 0 {
		cfg.T1 = 500 * time.Millisecond
	}
	if cfg.T2 <= 0 {
		cfg.T2 = 4 * time.Second
	}
	if cfg.MinSE <= 0 {
		cfg.MinSE = 90 * time.Second
	}
	return &Machine{cfg: cfg, early: make(map[string]*peer)}
}

// State returns where the dialog is.
func (m *Machine) State() State { return m.state }

// PeerTag is the remote tag of the dialog; empty before there is one.
func (m *Machine) PeerTag() string {
	if m.peer == nil {
		return ""
	}
	return m.peer.tag
}

// Target is the remote target, where in-dialog requests are addressed to.
func (m *Machine) Target() string {
	if m.peer == nil {
		return ""
	}
	return m.peer.target
}

// Step feeds one event and returns what is to be done, in order. The error is [ErrState]
// for a command that does not fit; nothing has changed then.
func (m *Machine) Step(ev Event) ([]Action, error) {
	m.out = nil
	if m.state == StateEnded {
		return nil, m.afterEnd(ev)
	}
	err := m.step(ev)
	return m.out, err
}

// afterEnd takes events that come too late.
func (m *Machine) afterEnd(ev Event) error {
	switch ev.(type) {
	case Received, Failed, Cancelled, Fired, Hangup, AnswerReoffer:
		return nil
	case Dial, Progress, Accept, Refuse, Acknowledge, Reoffer, SendDigit:
		return ErrState
	}
	return ErrState
}

func (m *Machine) step(ev Event) error {
	switch ev := ev.(type) {
	case Dial:
		return m.dial(ev)
	case Received:
		m.received(&ev.Message)
	case Failed:
		m.failed(ev)
	case Cancelled:
		m.peerCancelled(ev)
	case Fired:
		m.fired(ev.Timer)
	case Progress:
		return m.progress(ev)
	case Accept:
		return m.accept(ev)
	case Refuse:
		return m.refuse(ev)
	case Acknowledge:
		return m.acknowledge(ev)
	case Hangup:
		m.hangup(ev)
	case Reoffer:
		return m.startReoffer(ev)
	case AnswerReoffer:
		m.answerReoffer(ev)
	case SendDigit:
		return m.sendDigit(ev)
	}
	return nil
}

func (m *Machine) do(a ...Action) { m.out = append(m.out, a...) }

// become changes the state; a change that the table does not allow is ignored, as the
// state then is further on already.
func (m *Machine) become(s State) {
	if m.state.CanBecome(s) {
		m.state = s
	}
}

// tell gives out Ended once.
func (m *Machine) tell(reason EndReason, status int, cause Cause) {
	if m.told {
		return
	}
	m.told = true
	m.do(StopTimer{TimerRefresh}, StopTimer{TimerExpire}, StopTimer{TimerGlare})
	m.do(Ended{Reason: reason, Status: status, Cause: cause})
}

// finish ends the machine, at once or, as UAC with an answer, when no late 2xx of another
// branch can come any more (RFC 3261 13.2.2.4).
func (m *Machine) finish() {
	if m.answered {
		m.become(StateEnding)
		m.do(StopTimer{TimerResend}, StopTimer{TimerACK})
		return
	}
	m.end()
}

func (m *Machine) end() {
	for _, t := range []Timer{TimerResend, TimerACK, TimerRefresh, TimerExpire, TimerGlare, TimerLinger} {
		m.do(StopTimer{t})
	}
	m.become(StateEnded)
	m.do(Done{})
}

// received sorts messages.
func (m *Machine) received(msg *Message) {
	if msg.Status != 0 {
		m.response(msg)
		return
	}
	if m.state == StateUnset {
		if m.cfg.Role == RoleUAS && msg.Method == "INVITE" {
			m.invited(msg)
		}
		return
	}
	m.request(msg)
}

// refresh learns the peer's address. The route set is fixed by the message that made the
// dialog; later ones refresh only the target (RFC 3261 12.2).
func (p *peer) refresh(msg *Message) {
	if msg.Contact != "" {
		p.target = msg.Contact
	}
}

// request builds a request to a peer with the next CSeq.
func (p *peer) request(method string) Send {
	p.seq++
	return Send{Method: method, Seq: p.seq, Tag: p.tag, Target: p.target, Routes: p.routes}
}

func reversed(in []string) []string {
	out := make([]string, 0, len(in))
	for _, s := range slices.Backward(in) {
		out = append(out, s)
	}
	return out
}

func withSDP(s Send, sdp []byte) Send {
	if len(sdp) > 0 {
		s.BodyType, s.Body = SDPType, sdp
	}
	return s
}

func reasonField(c Cause) []Field {
	if c.IsZero() {
		return nil
	}
	return []Field{{"Reason", c.String()}}
}

// hangup ends the dialog in the way of its state.
func (m *Machine) hangup(ev Hangup) {
	reason := ev.Reason
	if reason == EndUnset {
		reason = EndLocal
	}
	if m.told {
		return
	}
	m.tell(reason, 0, ev.Cause)
	switch m.state {
	case StateCalling, StateEarly:
		if m.cfg.Role == RoleUAS {
			m.do(Respond{Tx: m.inviteTx, Status: 480, Fields: reasonField(ev.Cause)})
			m.end()
			return
		}
		m.cancel(ev.Cause)
	case StateAnswered:
		if m.cfg.Role == RoleUAC {
			m.sendACK(m.peer, m.inviteSeq, nil)
			m.sendBye(ev.Cause)
			return
		}
		// A UAS must not hang up before it has the ACK or has given up on it (RFC 3261 15).
		m.byeDue, m.byeCause = true, ev.Cause
		m.become(StateEnding)
	case StateConfirmed:
		if m.waitTx != "" {
			// The same holds for a re-INVITE whose ACK is missing, but there the dialog is
			// confirmed already and BYE is allowed.
			m.waitTx = ""
		}
		m.sendBye(ev.Cause)
	case StateUnset:
		m.state = StateEnded
		m.do(Done{})
	case StateEnding, StateEnded:
	}
}

func (m *Machine) cancel(cause Cause) {
	m.become(StateEnding)
	m.cancelWant, m.cancelCause = true, cause
	m.sendCancel()
}

// sendCancel sends the CANCEL that is wanted as soon as that is allowed (RFC 3261 9.1).
func (m *Machine) sendCancel() {
	if !m.cancelWant || !m.provisional {
		return
	}
	m.cancelWant = false
	m.do(Cancel{Seq: m.inviteSeq, Cause: m.cancelCause}, StartTimer{TimerLinger, 64 * m.cfg.T1})
}

func (m *Machine) sendBye(cause Cause) {
	if m.reask != nil {
		m.do(Respond{Tx: m.reask.msg.Tx, Status: 487})
		m.reask = nil
	}
	m.become(StateEnding)
	m.do(StopTimer{TimerResend}, StopTimer{TimerACK})
	s := m.peer.request("BYE")
	s.Fields = reasonField(cause)
	m.byeSeq, m.byeCause = s.Seq, cause
	m.do(s)
}

// fired takes timers that ran out.
func (m *Machine) fired(t Timer) {
	switch t {
	case TimerResend:
		m.resendAnswer()
	case TimerACK:
		m.noACK()
	case TimerRefresh:
		m.refreshSession()
	case TimerExpire:
		m.hangup(Hangup{Reason: EndExpired})
	case TimerGlare:
		m.repeatReoffer()
	case TimerLinger:
		if m.state == StateEnding {
			m.end()
			return
		}
		m.answered = false // no late branch can come any more
	case TimerUnset:
	}
}

func (m *Machine) resendAnswer() {
	if m.waitTx == "" {
		return
	}
	m.do(Retransmit{m.waitTx})
	m.resend = min(2*m.resend, m.cfg.T2)
	m.do(StartTimer{TimerResend, m.resend})
}

func (m *Machine) noACK() {
	if m.waitTx == "" {
		if m.state == StateAnswered && m.cfg.Role == RoleUAC {
			m.hangup(Hangup{Reason: EndTimeout}) // nobody gave the answer to a delayed offer
		}
		return
	}
	m.waitTx = ""
	m.do(StopTimer{TimerResend})
	m.tell(EndNoACK, 0, Cause{})
	m.sendBye(m.byeCause)
}

// awaitACK starts the repetition of a 2xx (RFC 3261 13.3.1.4).
func (m *Machine) awaitACK(tx TxID, seq uint32) {
	m.waitTx, m.waitSeq, m.resend = tx, seq, m.cfg.T1
	m.do(StartTimer{TimerResend, m.resend}, StartTimer{TimerACK, 64 * m.cfg.T1})
}

func (m *Machine) sendDigit(ev SendDigit) error {
	if m.state != StateConfirmed {
		return ErrState
	}
	if !strings.ContainsRune("0123456789*#ABCD", ev.Digit) {
		return ErrSyntax
	}
	s := m.peer.request("INFO")
	s.BodyType, s.Body = DTMFRelayType, FormatDTMFRelay(ev.Digit, ev.Duration)
	m.do(s)
	return nil
}
