package dialog

import "time"

// startReoffer sends a re-INVITE with a new offer.
func (m *Machine) startReoffer(ev Reoffer) error {
	if m.state != StateConfirmed || m.reoffer != nil || m.reask != nil || m.waitTx != "" || len(ev.SDP) == 0 {
		return ErrState
	}
	m.reoffer = &offerOut{sdp: ev.SDP}
	m.sendReoffer()
	return nil
}

func (m *Machine) sendReoffer() {
	s := withSDP(m.peer.request("INVITE"), m.reoffer.sdp)
	s.Fields = m.askSession()
	m.reoffer.seq, m.reoffer.waiting = s.Seq, false
	m.do(s)
}

// repeatReoffer sends the re-INVITE again that met one of the peer's.
func (m *Machine) repeatReoffer() {
	if m.reoffer == nil || !m.reoffer.waiting || m.state != StateConfirmed {
		return
	}
	if m.reask != nil || m.waitTx != "" {
		m.do(StartTimer{TimerGlare, m.glareWait()})
		return
	}
	m.sendReoffer()
}

// glareWait is how long to wait after 491 (RFC 3261 14.1): the owner of the Call-ID waits
// longer, so that the two sides do not meet again.
func (m *Machine) glareWait() time.Duration {
	least, spread := time.Duration(0), 200
	if m.cfg.Role == RoleUAC {
		least, spread = 2100*time.Millisecond, 190
	}
	steps := spread / 2
	if m.cfg.Rand != nil {
		steps = m.cfg.Rand.IntN(spread + 1)
	}
	return least + time.Duration(steps)*10*time.Millisecond
}

func (m *Machine) reofferResponse(msg *Message) {
	r := m.reoffer
	if msg.Status < 200 || r.waiting {
		return
	}
	if msg.Status < 300 {
		m.reofferAccepted(r, msg)
		return
	}
	if m.state != StateConfirmed {
		m.reoffer = nil
		return
	}
	m.reofferRefused(r, msg)
}

func (m *Machine) reofferAccepted(r *offerOut, msg *Message) {
	m.peer.refresh(msg)
	m.sendACK(m.peer, msg.Seq, nil)
	m.reoffer = nil
	m.localSDP = r.sdp
	if msg.Session.Interval > 0 {
		m.runSession(msg.Session.Interval, msg.Session.Refresher != RefresherUAS)
	}
	m.reofferDone(r, 200, msg.sdp())
}

func (m *Machine) reofferRefused(r *offerOut, msg *Message) {
	switch {
	case msg.Status == 491:
		r.waiting = true
		m.do(StartTimer{TimerGlare, m.glareWait()})
	case msg.Authorizable && r.auth < maxAuth:
		r.auth++
		m.sendReoffer()
	case msg.Status == 422 && msg.MinSE > m.session && msg.MinSE <= 24*time.Hour && r.auth < maxAuth:
		r.auth++
		m.session = msg.MinSE
		m.sendReoffer()
	case msg.Status == 481 || msg.Status == 408:
		m.reoffer = nil
		m.reofferDone(r, msg.Status, nil)
		m.hangup(Hangup{Reason: EndRemote})
	default:
		m.reoffer = nil
		m.reofferDone(r, msg.Status, nil)
		if r.refresh {
			m.startSession() // try again in due time
		}
	}
}

func (m *Machine) reofferDone(r *offerOut, status int, sdp []byte) {
	if r.refresh || m.told {
		return
	}
	m.do(ReofferDone{Status: status, SDP: sdp})
}

func (m *Machine) reofferFailed(ev Failed) {
	r := m.reoffer
	m.reoffer = nil
	if m.state != StateConfirmed {
		return
	}
	status, reason := 503, EndTransport
	if ev.Timeout {
		status, reason = 408, EndTimeout
	}
	m.reofferDone(r, status, nil)
	m.hangup(Hangup{Reason: reason})
}
