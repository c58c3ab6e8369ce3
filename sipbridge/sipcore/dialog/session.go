package dialog

import "time"

// askSession are the header fields by which a request of ours asks for a session timer.
func (m *Machine) askSession() []Field {
	interval := m.session
	refresher := RefresherUnset
	if interval > 0 {
		// A refresh keeps who refreshes (RFC 4028 7.4): uac is the sender of this request.
		refresher = RefresherUAS
		if m.weRefresh {
			refresher = RefresherUAC
		}
	} else {
		interval = m.cfg.Session
	}
	if interval <= 0 {
		return nil
	}
	f := []Field{{"Session-Expires", SessionExpires{interval, refresher}.String()}}
	if m.cfg.MinSE > 90*time.Second {
		f = append(f, Field{"Min-SE", seconds(m.cfg.MinSE)})
	}
	return f
}

// planSession decides, as UAS, on the timer that a request asks for. Without one asked for,
// ours applies if the peer can refresh.
func (m *Machine) planSession(msg *Message) {
	switch {
	case msg.Session.Interval > 0:
		m.session = msg.Session.Interval
		m.weRefresh = msg.Session.Refresher == RefresherUAS
		if msg.Session.Refresher == RefresherUnset {
			m.weRefresh = !msg.SupportsTimer
		}
	case m.cfg.Session > 0 && msg.SupportsTimer && m.session == 0:
		m.session, m.weRefresh = m.cfg.Session, false
	}
}

// grantSession are the header fields by which an answer of ours settles the timer.
func (m *Machine) grantSession() []Field {
	if m.session <= 0 {
		return nil
	}
	if m.weRefresh {
		return []Field{{"Session-Expires", SessionExpires{m.session, RefresherUAS}.String()}}
	}
	return []Field{
		{"Session-Expires", SessionExpires{m.session, RefresherUAC}.String()},
		{"Require", "timer"},
	}
}

// regrant settles the timer anew for a re-INVITE or UPDATE and starts it.
func (m *Machine) regrant(msg *Message) []Field {
	m.planSession(msg)
	m.startSession()
	return m.grantSession()
}

func (m *Machine) runSession(interval time.Duration, we bool) {
	m.session, m.weRefresh = interval, we
	m.startSession()
}

// startSession starts the timer of our side: refresh at half the interval, or give up a
// little before its end (RFC 4028 section 10).
func (m *Machine) startSession() {
	if m.session <= 0 || m.told || (m.state != StateAnswered && m.state != StateConfirmed) {
		return
	}
	if m.weRefresh {
		m.do(StopTimer{TimerExpire}, StartTimer{TimerRefresh, m.session / 2})
		return
	}
	m.do(StopTimer{TimerRefresh}, StartTimer{TimerExpire, m.session - min(32*time.Second, m.session/3)})
}

// refreshSession sends the refresh that is due: UPDATE if the peer takes it, else a
// re-INVITE with the description in force.
func (m *Machine) refreshSession() {
	if m.state != StateConfirmed || m.session <= 0 {
		return
	}
	if m.reoffer != nil || m.reask != nil || m.waitTx != "" || m.updSeq != 0 {
		m.do(StartTimer{TimerRefresh, m.cfg.T2})
		return
	}
	if !m.allowsUpdate {
		if len(m.localSDP) == 0 {
			m.startSession() // an empty re-INVITE would ask for an offer, not refresh
			return
		}
		m.reoffer = &offerOut{sdp: m.localSDP, refresh: true}
		m.sendReoffer()
		return
	}
	s := m.peer.request("UPDATE")
	s.Fields = m.askSession()
	m.updSeq = s.Seq
	m.do(s)
}

func (m *Machine) updateResponse(msg *Message) {
	if msg.Status < 200 || msg.Seq != m.updSeq || m.state != StateConfirmed {
		return
	}
	m.updSeq = 0
	if msg.Status < 300 {
		m.peer.refresh(msg)
		interval, we := m.session, m.weRefresh
		if msg.Session.Interval > 0 {
			interval, we = msg.Session.Interval, msg.Session.Refresher != RefresherUAS
		}
		m.runSession(interval, we)
		return
	}
	m.refreshRefused(msg)
}

func (m *Machine) refreshRefused(msg *Message) {
	switch {
	case msg.Status == 481 || msg.Status == 408:
		m.hangup(Hangup{Reason: EndRemote})
	case msg.Status == 405 || msg.Status == 501:
		m.allowsUpdate = false
		m.refreshSession()
	case msg.Authorizable && m.byeAuth < maxAuth:
		m.byeAuth++
		m.refreshSession()
	case msg.Status == 422 && msg.MinSE > m.session && msg.MinSE <= 24*time.Hour:
		m.session = msg.MinSE
		m.refreshSession()
	default:
		m.do(StartTimer{TimerRefresh, m.glareWait() + m.cfg.T1})
	}
}
