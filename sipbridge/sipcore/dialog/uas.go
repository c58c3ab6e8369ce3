package dialog

import (
	"strconv"
	"time"
)

// invited takes the INVITE that starts a dialog as UAS.
func (m *Machine) invited(msg *Message) {
	m.become(StateCalling)
	m.inviteTx, m.inviteSeq = msg.Tx, msg.Seq
	m.peer = &peer{
		tag: msg.Tag, target: msg.Contact, routes: append([]string(nil), msg.Routes...),
		remoteSeq: msg.Seq, seenSeq: true,
	}
	m.peerOffers = msg.sdp() != nil
	m.allowsUpdate = msg.AllowsUpdate
	if msg.Session.Interval > 0 && msg.Session.Interval < m.cfg.MinSE {
		m.tooBrief(msg.Tx)
		m.told = true
		m.end()
		return
	}
	m.planSession(msg)
}

func (m *Machine) progress(ev Progress) error {
	if m.cfg.Role != RoleUAS || (m.state != StateCalling && m.state != StateEarly) || ev.Status <= 100 || ev.Status > 199 {
		return ErrState
	}
	r := Respond{Tx: m.inviteTx, Status: ev.Status}
	if len(ev.SDP) > 0 {
		r.BodyType, r.Body = SDPType, ev.SDP
	}
	m.become(StateEarly)
	m.do(r)
	return nil
}

func (m *Machine) accept(ev Accept) error {
	if m.cfg.Role != RoleUAS || (m.state != StateCalling && m.state != StateEarly) {
		return ErrState
	}
	m.localSDP = ev.SDP
	m.become(StateAnswered)
	r := Respond{Tx: m.inviteTx, Status: 200, Fields: m.grantSession()}
	if len(ev.SDP) > 0 {
		r.BodyType, r.Body = SDPType, ev.SDP
	}
	m.do(r)
	m.waitSDP = !m.peerOffers
	m.awaitACK(m.inviteTx, m.inviteSeq)
	m.startSession()
	return nil
}

func (m *Machine) refuse(ev Refuse) error {
	if m.cfg.Role != RoleUAS || (m.state != StateCalling && m.state != StateEarly) || ev.Status < 300 || ev.Status > 699 {
		return ErrState
	}
	m.tell(EndLocal, ev.Status, ev.Cause)
	m.do(Respond{Tx: m.inviteTx, Status: ev.Status, Fields: reasonField(ev.Cause)})
	m.end()
	return nil
}

// peerCancelled takes a CANCEL; after our 2xx it has no effect (RFC 3261 9.2).
func (m *Machine) peerCancelled(ev Cancelled) {
	if m.cfg.Role != RoleUAS || (m.state != StateCalling && m.state != StateEarly) {
		return
	}
	m.tell(EndCancelled, 487, ev.Cause)
	m.do(Respond{Tx: m.inviteTx, Status: 487})
	m.end()
}

// request takes a request of the peer inside the dialog.
func (m *Machine) request(msg *Message) {
	if msg.Method == "ACK" {
		m.acked(msg)
		return
	}
	p := m.peerOf(msg)
	if p == nil {
		m.do(Respond{Tx: msg.Tx, Status: 481})
		return
	}
	if p.seenSeq && msg.Seq <= p.remoteSeq {
		// Out of order (RFC 3261 12.2.2); retransmissions never come here.
		m.do(Respond{Tx: msg.Tx, Status: 500, Fields: []Field{{"Retry-After", "0"}}})
		return
	}
	p.remoteSeq, p.seenSeq = msg.Seq, true
	switch msg.Method {
	case "BYE":
		m.peerBye(msg)
	case "INVITE":
		m.peerReoffer(msg)
	case "UPDATE":
		m.peerUpdate(msg)
	case "INFO":
		m.peerInfo(msg)
	case "OPTIONS":
		m.do(Respond{Tx: msg.Tx, Status: 200})
	case "PRACK", "NOTIFY":
		// No reliable answer and no subscription of ours is ever outstanding.
		m.do(Respond{Tx: msg.Tx, Status: 481})
	default:
		m.do(Respond{Tx: msg.Tx, Status: 405})
	}
}

// peerOf finds the dialog, early or not, of a request of the peer; nil if there is none.
func (m *Machine) peerOf(msg *Message) *peer {
	if m.peer == nil {
		return m.early[msg.Tag]
	}
	if m.peer.tag != msg.Tag {
		return nil
	}
	return m.peer
}

// acked takes an ACK to a 2xx.
func (m *Machine) acked(msg *Message) {
	if m.waitTx == "" || msg.Seq != m.waitSeq || m.peer == nil || msg.Tag != m.peer.tag {
		return
	}
	m.waitTx = ""
	m.do(StopTimer{TimerResend}, StopTimer{TimerACK})
	if m.byeDue {
		m.byeDue = false
		m.sendBye(m.byeCause)
		return
	}
	if m.state == StateEnding {
		return
	}
	first := m.state == StateAnswered
	m.become(StateConfirmed)
	sdp := msg.sdp()
	if !m.waitSDP {
		sdp = nil
	}
	if first || sdp != nil {
		m.do(Confirmed{SDP: sdp})
	}
}

func (m *Machine) peerBye(msg *Message) {
	m.do(Respond{Tx: msg.Tx, Status: 200})
	switch m.state {
	case StateCalling, StateEarly:
		if m.cfg.Role == RoleUAS {
			// BYE in an early dialog (RFC 3261 15.1.2): the INVITE is answered 487.
			m.do(Respond{Tx: m.inviteTx, Status: 487})
			m.tell(EndCancelled, 487, msg.Cause)
			m.end()
			return
		}
		// RFC 3261 forbids it to the peer; the INVITE is cancelled, which ends all branches.
		m.tell(EndRemote, 0, msg.Cause)
		m.cancel(Cause{})
		return
	case StateEnding:
		if m.byeSeq == 0 && m.cfg.Role == RoleUAS {
			// It crossed our wish to hang up, for which we waited for the ACK.
			m.waitTx, m.byeDue = "", false
			m.finish()
		}
		return // our own BYE is under way; its answer finishes
	case StateUnset, StateAnswered, StateConfirmed, StateEnded:
	}
	if m.reask != nil {
		m.do(Respond{Tx: m.reask.msg.Tx, Status: 487})
		m.reask = nil
	}
	if m.state == StateAnswered && m.cfg.Role == RoleUAC {
		m.sendACK(m.peer, m.inviteSeq, nil)
	}
	m.waitTx = ""
	m.tell(EndRemote, 0, msg.Cause)
	m.finish()
}

// peerReoffer takes a re-INVITE.
func (m *Machine) peerReoffer(msg *Message) {
	switch {
	case m.state == StateEnding:
		m.do(Respond{Tx: msg.Tx, Status: 481})
	case m.state != StateConfirmed || m.waitTx != "" || m.reoffer != nil:
		// Glare, or the ACK is still missing (RFC 3261 14.2, RFC 5407 3.1.5).
		m.do(Respond{Tx: msg.Tx, Status: 491})
	default:
		m.ask(msg)
	}
}

func (m *Machine) peerUpdate(msg *Message) {
	offer := msg.sdp() != nil
	switch {
	case m.state == StateEnding:
		m.do(Respond{Tx: msg.Tx, Status: 481})
	case offer && m.reoffer != nil:
		m.do(Respond{Tx: msg.Tx, Status: 491})
	case offer && m.state != StateConfirmed && m.state != StateAnswered:
		// The first offer is not answered yet, or only in a provisional answer that was not
		// reliable (RFC 3311 5.2).
		m.do(Respond{Tx: msg.Tx, Status: 500, Fields: []Field{{"Retry-After", "2"}}})
	case offer:
		m.ask(msg)
	case m.brief(msg):
		m.tooBrief(msg.Tx)
	default:
		m.peerOf(msg).refresh(msg)
		m.do(Respond{Tx: msg.Tx, Status: 200, Fields: m.regrant(msg)})
	}
}

func (m *Machine) ask(msg *Message) {
	switch {
	case m.reask != nil:
		m.do(Respond{Tx: msg.Tx, Status: 500, Fields: []Field{{"Retry-After", "2"}}})
	case m.brief(msg):
		m.tooBrief(msg.Tx)
	default:
		m.reask = &offerIn{msg: *msg}
		m.do(AskReoffer{Tx: msg.Tx, Offer: msg.sdp()})
	}
}

// answerReoffer gives the user's answer to the peer.
func (m *Machine) answerReoffer(ev AnswerReoffer) {
	if m.reask == nil || m.reask.msg.Tx != ev.Tx {
		return
	}
	msg := m.reask.msg
	m.reask = nil
	if ev.Status < 200 || ev.Status > 299 {
		m.do(Respond{Tx: msg.Tx, Status: ev.Status})
		return
	}
	m.localSDP = ev.SDP
	m.peer.refresh(&msg)
	m.do(Respond{Tx: msg.Tx, Status: 200, BodyType: SDPType, Body: ev.SDP, Fields: m.regrant(&msg)})
	if msg.Method == "INVITE" {
		m.waitSDP = msg.sdp() == nil
		m.awaitACK(msg.Tx, msg.Seq)
	}
}

func (m *Machine) peerInfo(msg *Message) {
	if m.state == StateEnding {
		m.do(Respond{Tx: msg.Tx, Status: 481})
		return
	}
	switch msg.BodyType {
	case DTMFRelayType, DTMFType:
		digit, hold, err := ParseDTMF(msg.BodyType, msg.Body)
		if err != nil {
			m.do(Respond{Tx: msg.Tx, Status: 400})
			return
		}
		m.do(Respond{Tx: msg.Tx, Status: 200}, GotDigit{Digit: digit, Duration: hold})
	default:
		if len(msg.Body) == 0 {
			m.do(Respond{Tx: msg.Tx, Status: 200})
			return
		}
		m.do(Respond{Tx: msg.Tx, Status: 415, Fields: []Field{{"Accept", DTMFRelayType + ", " + DTMFType}}})
	}
}

func (m *Machine) brief(msg *Message) bool {
	return msg.Session.Interval > 0 && msg.Session.Interval < m.cfg.MinSE
}

func (m *Machine) tooBrief(tx TxID) {
	m.do(Respond{Tx: tx, Status: 422, Fields: []Field{{"Min-SE", seconds(m.cfg.MinSE)}}})
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
