package loopback

import (
	"time"

	"github.com/tandem-cc/tandem"
)

// leg is one connection; the switch's mutex guards it.
type leg struct {
	sw       *Switch
	id       tandem.LegID
	seq      uint64 // order of birth
	state    tandem.LegState
	incoming bool
	trunk    tandem.TrunkID
	agent    tandem.AgentID
	number   tandem.Number // dialled: the number
	script   Script
	peer     *leg

	playing tandem.Sound // SoundUnset: nothing
	playGen uint32       // counts Plays, so that the end of an old one is told from that of a new one
	rung    bool         // incoming: the caller hears ring-back from the far side
	held    bool         // by our Hold
	talked  bool         // has been bridged at least once
	claimed bool         // a Party was handed out by Ringing
	keys    int          // how many of the script's keys are pressed
	sent    []byte       // keys that SendDigits sent or the peer pressed, not yet read by Party.Digit

	cause tandem.Cause // why it ended
	ours  bool
}

// become moves the leg on; false says that its state does not allow it.
func (l *leg) become(t tandem.LegState) bool {
	if !l.state.CanBecome(t) {
		return false
	}
	l.state = t
	return true
}

// after arranges an act of the leg.
func (s *Switch) after(l *leg, d time.Duration, do act) {
	s.agenda.add(item{at: s.now().Add(d), leg: l, do: do, gen: l.playGen})
	s.rouse()
}

// perform does what is due for a leg.
func (s *Switch) perform(it item) {
	l := it.leg
	if l.state == tandem.LegStateEnded {
		return
	}
	switch it.do {
	case actRing:
		s.ring(l)
	case actReact:
		s.react(l)
	case actGiveUp:
		if l.state == tandem.LegStateDialing || l.state == tandem.LegStateRinging {
			s.end(l, tandem.CauseNoAnswer, ours)
		}
	case actPatience:
		if !l.talked {
			s.farHangUp(l)
		}
	case actTalked:
		s.farHangUp(l)
	case actKey:
		s.press(l, l.script.Keys[l.keys])
		l.keys++
		if l.keys < len(l.script.Keys) {
			s.after(l, l.keyGap(), actKey)
		}
	case actPlayed:
		if it.gen == l.playGen && l.playing.Kind == tandem.SoundFile {
			sound := l.playing
			l.playing = tandem.Sound{}
			s.emit(tandem.LegPlayed{Leg: l.id, Sound: sound})
		}
	}
}

func (l *leg) keyGap() time.Duration {
	if l.script.KeyGap > 0 {
		return l.script.KeyGap
	}
	return DefaultKeyGap
}

// ring makes a dialled telephone ring.
func (s *Switch) ring(l *leg) {
	if !l.become(tandem.LegStateRinging) {
		return
	}
	s.emit(tandem.LegRinging{Leg: l.id})
	if l.script.Reaction == Ignore {
		return
	}
	if l.script.Ring > 0 {
		s.after(l, l.script.Ring, actReact)
		return
	}
	s.react(l)
}

// react lets the person do what the script says about a ringing telephone.
func (s *Switch) react(l *leg) {
	if l.state != tandem.LegStateRinging {
		return
	}
	switch l.script.Reaction {
	case Answer:
		s.up(l)
	case Refuse:
		cause := l.script.Cause
		if cause == tandem.CauseUnset {
			cause = tandem.CauseBusy
		}
		s.end(l, cause, theirs)
	case Ignore:
	}
}

// up makes a leg answered, by whomever.
func (s *Switch) up(l *leg) bool {
	if !l.become(tandem.LegStateUp) {
		return false
	}
	s.emit(tandem.LegAnswered{Leg: l.id})
	if l.script.Patience > 0 && !l.incoming {
		s.after(l, l.script.Patience, actPatience)
	}
	if l.script.Keys != "" {
		s.after(l, l.keyGap(), actKey)
	}
	return true
}

// join bridges two legs that are up and alone.
func (s *Switch) join(a, b *leg) {
	for _, x := range [...]struct{ l, peer *leg }{{a, b}, {b, a}} {
		x.l.become(tandem.LegStateBridged)
		x.l.peer = x.peer
		x.l.playing = tandem.Sound{}
		s.emit(tandem.LegBridged{Leg: x.l.id, Peer: x.peer.id})
		if !x.l.talked && x.l.script.Talk > 0 {
			s.after(x.l, x.l.script.Talk, actTalked)
		}
		x.l.talked = true
	}
}

// part takes a leg and its peer apart.
func (s *Switch) part(l *leg) {
	peer := l.peer
	if peer == nil {
		return
	}
	for _, x := range [...]struct{ l, peer *leg }{{l, peer}, {peer, l}} {
		x.l.peer = nil
		x.l.become(tandem.LegStateUp)
		s.emit(tandem.LegUnbridged{Leg: x.l.id, Peer: x.peer.id})
	}
}

// whose says who ended a leg.
type whose uint8

const (
	theirs whose = iota
	ours
)

// end ends a leg; its peer stays up.
func (s *Switch) end(l *leg, cause tandem.Cause, by whose) {
	if !l.become(tandem.LegStateEnded) {
		return
	}
	l.cause, l.ours = cause, by == ours
	delete(s.legs, l.id)
	if t := s.trunks[l.trunk]; t != nil {
		t.busy--
	}
	s.emit(tandem.LegEnded{Leg: l.id, Cause: cause, Ours: by == ours})
	if peer := l.peer; peer != nil {
		l.peer, peer.peer = nil, nil
		peer.become(tandem.LegStateUp)
		s.emit(tandem.LegUnbridged{Leg: peer.id, Peer: l.id})
	}
}

// farHangUp is the person putting the telephone down, in whatever state the leg is.
func (s *Switch) farHangUp(l *leg) {
	cause := tandem.CauseNormal
	switch l.state {
	case tandem.LegStateIn:
		cause = tandem.CauseCancelled
	case tandem.LegStateDialing, tandem.LegStateRinging:
		cause = tandem.CauseRejected
	case tandem.LegUnset, tandem.LegStateUp, tandem.LegStateBridged, tandem.LegStateEnded:
	}
	s.end(l, cause, theirs)
}

// press is the person pressing a key: the switch tells it, and the peer hears it.
func (s *Switch) press(l *leg, key byte) {
	if !l.state.Up() || s.full() {
		return
	}
	s.emit(tandem.LegDigit{Leg: l.id, Digit: string(key), Duration: keyLength})
	if l.peer != nil {
		l.peer.hear(key)
	}
}

const (
	// keyLength is how long a pressed key sounds.
	keyLength = 100 * time.Millisecond
	// maxHeard is how many keys a far end remembers that nobody reads; older ones are forgotten.
	maxHeard = 128
)

// hear notes a key that sounds at the far end.
func (l *leg) hear(key byte) {
	if len(l.sent) == maxHeard {
		l.sent = append(l.sent[:0], l.sent[1:]...)
	}
	l.sent = append(l.sent, key)
}
