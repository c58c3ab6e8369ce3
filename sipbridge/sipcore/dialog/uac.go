package dialog

import (
	"strconv"
	"time"
)

func (m *Machine) dial(ev Dial) error {
	if m.state != StateUnset || m.cfg.Role != RoleUAC {
		return ErrState
	}
	m.become(StateCalling)
	m.offer, m.localSDP, m.peerOffers = ev.SDP, ev.SDP, len(ev.SDP) == 0
	m.inviteSeq = 1
	m.do(m.invite())
	return nil
}

// invite is the INVITE outside a dialog, first or repeated with credentials.
func (m *Machine) invite() Send {
	s := withSDP(Send{Method: "INVITE", Seq: m.inviteSeq}, m.offer)
	s.Fields = m.askSession()
	return s
}

// response sorts answers to our requests.
func (m *Machine) response(msg *Message) {
	switch msg.Method {
	case "INVITE":
		switch {
		case m.reoffer != nil && msg.Seq == m.reoffer.seq:
			m.reofferResponse(msg)
		case msg.Seq == m.inviteSeq && m.cfg.Role == RoleUAC:
			m.inviteResponse(msg)
		case msg.Status >= 200 && msg.Status < 300:
			m.repeatACK(msg)
		}
	case "BYE":
		m.byeResponse(msg)
	case "UPDATE":
		m.updateResponse(msg)
	}
}

func (m *Machine) inviteResponse(msg *Message) {
	switch {
	case msg.Status < 200:
		m.inviteProgress(msg)
	case msg.Status < 300:
		m.inviteAnswered(msg)
	default:
		m.inviteRefused(msg)
	}
}

// inviteProgress takes a provisional answer; each To-tag is an early dialog of its own.
func (m *Machine) inviteProgress(msg *Message) {
	if m.peer != nil {
		return // another branch rings on although one has answered
	}
	m.provisional = true
	m.sendCancel()
	if msg.Status == 100 || m.state == StateEnding {
		return
	}
	if msg.Tag != "" {
		p := m.earlyPeer(msg)
		if p == nil {
			return
		}
		p.refresh(msg)
		if msg.RSeq != 0 && !m.prack(p, msg) {
			return
		}
		m.become(StateEarly)
	}
	if msg.AllowsUpdate {
		m.allowsUpdate = true
	}
	m.do(Progressed{Status: msg.Status, Tag: msg.Tag, SDP: msg.sdp()})
}

// prack acknowledges a reliable provisional answer (RFC 3262 section 4); it returns false
// for one that was seen before or is out of order.
func (m *Machine) prack(p *peer, msg *Message) bool {
	if p.rseq != 0 && msg.RSeq != p.rseq+1 {
		return false
	}
	p.rseq = msg.RSeq
	s := p.request("PRACK")
	s.Fields = []Field{{"RAck", strconv.FormatUint(uint64(msg.RSeq), 10) + " " + strconv.FormatUint(uint64(msg.Seq), 10) + " INVITE"}}
	m.do(s)
	return true
}

// earlyPeer finds or makes the early dialog of a To-tag; nil when there are too many.
func (m *Machine) earlyPeer(msg *Message) *peer {
	p, ok := m.early[msg.Tag]
	if !ok {
		if len(m.early) >= maxEarly {
			return nil
		}
		p = &peer{tag: msg.Tag, seq: m.inviteSeq, routes: reversed(msg.Routes)}
		m.early[msg.Tag] = p
	}
	return p
}

// inviteAnswered takes a 2xx: the first makes the dialog, those of other branches are
// acknowledged and hung up, as is one that crossed our CANCEL (RFC 3261 9.1, 13.2.2.4).
func (m *Machine) inviteAnswered(msg *Message) {
	if m.repeatACK(msg) || (m.peer != nil && m.peer.tag == msg.Tag) {
		return
	}
	p := m.early[msg.Tag]
	if p == nil {
		p = &peer{tag: msg.Tag, seq: m.inviteSeq}
	}
	p.routes = reversed(msg.Routes)
	p.refresh(msg)
	if m.peer != nil || m.state == StateEnding {
		m.dismiss(p)
		return
	}
	m.peer, m.answered, m.early = p, true, nil
	m.allowsUpdate = msg.AllowsUpdate
	m.do(StartTimer{TimerLinger, 64 * m.cfg.T1})
	if m.peerOffers {
		m.become(StateAnswered)
		m.do(StartTimer{TimerACK, 64 * m.cfg.T1}, Answered{SDP: msg.sdp(), Offer: true})
	} else {
		m.sendACK(p, m.inviteSeq, nil)
		m.become(StateConfirmed)
		m.do(Answered{SDP: msg.sdp()})
	}
	if msg.Session.Interval > 0 {
		m.runSession(msg.Session.Interval, msg.Session.Refresher != RefresherUAS)
	}
}

// dismiss acknowledges and hangs up a dialog that nobody wants.
func (m *Machine) dismiss(p *peer) {
	m.sendACK(p, m.inviteSeq, nil)
	m.do(p.request("BYE"))
	if m.peer == nil {
		// The branch that won against our CANCEL is the last there is, except for forks.
		m.answered = true
		m.do(StartTimer{TimerLinger, 64 * m.cfg.T1})
	}
}

func (m *Machine) sendACK(p *peer, seq uint32, sdp []byte) {
	s := withSDP(Send{Method: "ACK", Seq: seq, Tag: p.tag, Target: p.target, Routes: p.routes}, sdp)
	m.do(s)
	if len(m.acks) >= 2*maxEarly {
		m.acks = m.acks[1:]
	}
	m.acks = append(m.acks, s)
}

// repeatACK answers a 2xx that came again with the ACK that was sent for it.
func (m *Machine) repeatACK(msg *Message) bool {
	for _, a := range m.acks {
		if a.Tag == msg.Tag && a.Seq == msg.Seq {
			m.do(a)
			return true
		}
	}
	return false
}

func (m *Machine) acknowledge(ev Acknowledge) error {
	if m.state != StateAnswered || m.cfg.Role != RoleUAC {
		return ErrState
	}
	m.localSDP = ev.SDP
	m.do(StopTimer{TimerACK})
	m.sendACK(m.peer, m.inviteSeq, ev.SDP)
	m.become(StateConfirmed)
	return nil
}

func (m *Machine) inviteRefused(msg *Message) {
	if m.peer != nil {
		return
	}
	if m.state == StateEnding {
		m.end()
		return
	}
	if msg.Authorizable && m.inviteAuth < maxAuth {
		m.inviteAuth++
		m.redial()
		return
	}
	if msg.Status == 422 && msg.MinSE > m.cfg.Session && msg.MinSE <= 24*time.Hour && m.cfg.Session > 0 {
		m.cfg.Session, m.cfg.MinSE = msg.MinSE, max(m.cfg.MinSE, msg.MinSE)
		m.redial()
		return
	}
	reason := EndRejected
	if msg.Status == 408 {
		reason = EndTimeout
	}
	m.tell(reason, msg.Status, msg.Cause)
	m.end()
}

// redial sends the INVITE again with the next CSeq and no memory of early dialogs.
func (m *Machine) redial() {
	m.inviteSeq++
	m.provisional = false
	m.early = make(map[string]*peer)
	m.do(m.invite())
}

// failed takes requests that got no final answer.
func (m *Machine) failed(ev Failed) {
	reason := EndTransport
	if ev.Timeout {
		reason = EndTimeout
	}
	switch ev.Method {
	case "INVITE":
		if m.reoffer != nil && ev.Seq == m.reoffer.seq {
			m.reofferFailed(ev)
			return
		}
		if ev.Seq != m.inviteSeq || m.cfg.Role != RoleUAC || m.peer != nil {
			return
		}
		m.tell(reason, 0, Cause{})
		m.end()
	case "BYE":
		if ev.Seq == m.byeSeq {
			m.finish()
		}
	case "UPDATE":
		if ev.Seq == m.updSeq && m.state == StateConfirmed {
			m.hangup(Hangup{Reason: reason})
		}
	}
}

func (m *Machine) byeResponse(msg *Message) {
	if msg.Status < 200 || msg.Seq != m.byeSeq || m.byeSeq == 0 {
		return
	}
	if msg.Authorizable && m.byeAuth < maxAuth {
		m.byeAuth++
		s := m.peer.request("BYE")
		s.Fields = reasonField(m.byeCause)
		m.byeSeq = s.Seq
		m.do(s)
		return
	}
	m.finish()
}
