package asterisk

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk/ami"
)

// Asterisk's channel states, as numbers in the header ChannelState.
const (
	channelRinging = "5"
	channelUp      = "6"
)

// event takes what Asterisk tells.
func (lp *loop) event(m ami.Message) {
	switch m.Event() {
	case "DeviceStateChange":
		lp.device(m.Get("Device"), m.Get("State"))
		return
	case "OriginateResponse":
		lp.originated(m)
		return
	case "CoreShowChannel", "CoreShowChannelsComplete":
		lp.count(m)
		return
	}
	l := lp.byUID[m.Get("Uniqueid")]
	if l == nil {
		if m.Event() == "AsyncAGIStart" {
			lp.arrival(m)
		}
		return
	}
	if name := m.Get("Channel"); isStable(name) {
		l.channel = name
	}
	lp.legEvent(l, m)
}

// legEvent takes an event about one of our channels.
func (lp *loop) legEvent(l *leg, m ami.Message) {
	switch m.Event() {
	case "Newchannel":
		lp.drive(l)
	case "Newstate":
		lp.newState(l, m.Get("ChannelState"))
	case "AsyncAGIStart":
		lp.waits(l)
	case "AsyncAGIEnd":
		l.agi = false
	case "AsyncAGIExec":
		if l.running.id != "" && m.Get("CommandID") == l.running.id {
			lp.executed(l)
		}
	case "BridgeEnter":
		lp.entered(l)
	case "DTMFEnd":
		lp.digit(l, m)
	case "Hangup":
		lp.hungUp(l, m.Get("Cause"))
	case "Rename":
		if name := m.Get("Newname"); isStable(name) {
			l.channel = name
		}
	}
}

// isStable says whether a channel's name is more than one of those that it bears for a moment while it is moved between threads.
// Actions use names, because Asterisk 22 has been seen to compare a Uniqueid with the beginning of others: .4 might be found at .45.
func isStable(name string) bool { return name != "" && !strings.ContainsRune(name, '<') }

// newState takes a channel's new state.
func (lp *loop) newState(l *leg, state string) {
	switch {
	case state == channelRinging && !l.incoming && l.ending == nil:
		if l.state == tandem.LegStateRinging || l.become(tandem.LegStateRinging) {
			lp.emit(tandem.LegRinging{Leg: l.id})
		}
	case state == channelUp && l.ending == nil && !l.state.Up() && l.become(tandem.LegStateUp):
		if l.timer != nil {
			l.timer.Stop()
		}
		lp.emit(tandem.LegAnswered{Leg: l.id})
		lp.drive(l)
	}
}

// waits notes that a channel has come (back) to AGI(agi:async).
func (lp *loop) waits(l *leg) {
	l.agi, l.deferred, l.running = true, false, run{}
	l.playing = tandem.Sound{}
	if l.sound.Kind != tandem.SoundUnset {
		l.playGen = l.soundGen - 1 // What it was to hear is to be begun again.
	}
	if l.joint != nil {
		lp.leave(l)
	}
	lp.drive(l)
}

// executed notes that an AGI command has come to its end.
func (lp *loop) executed(l *leg) {
	what := l.running.what
	l.running = run{}
	switch what {
	case taskBridge:
		if l.joint != nil && l.joint.host == l && !l.joint.breaking {
			lp.leave(l)
		}
	case taskFile:
		l.playing = tandem.Sound{}
		if l.playGen == l.soundGen && !l.deferred && l.ending == nil {
			lp.played(l)
		}
	case taskNone, taskQuick:
	}
	lp.drive(l)
	if l.want != nil {
		lp.drive(l.want)
	}
}

// played notes the end of a file.
func (lp *loop) played(l *leg) {
	if l.repeats--; l.repeats > 0 {
		l.playGen--
		return
	}
	sound := l.sound
	l.sound = tandem.Sound{}
	lp.emit(tandem.LegPlayed{Leg: l.id, Sound: sound})
}

// entered notes that a leg has come into its bridge.
func (lp *loop) entered(l *leg) {
	j := l.joint
	if j == nil {
		return
	}
	if j.host == l {
		j.hostIn = true
	} else {
		j.guestIn = true
		l.agi, l.running = false, run{}
	}
	if !j.hostIn || !j.guestIn || j.up {
		return
	}
	j.up = true
	for _, x := range [...]*leg{j.host, j.guest} {
		x.tries = 0
		if x.become(tandem.LegStateBridged) {
			lp.emit(tandem.LegBridged{Leg: x.id, Peer: j.other(x).id})
		}
	}
	lp.drive(j.host)
	lp.drive(j.guest)
}

// leave notes that a leg is out of its bridge, and waits again.
func (lp *loop) leave(l *leg) {
	j := l.joint
	peer := j.other(l)
	l.joint = nil
	if l.state == tandem.LegStateBridged {
		l.become(tandem.LegStateUp)
		lp.emit(tandem.LegUnbridged{Leg: l.id, Peer: peer.id})
	}
	if j.up {
		if l.want == peer && peer.joint != j {
			lp.unwant(l) // Somebody else took them apart, such as a far end that transferred its call.
		}
		return
	}
	if j.host != l {
		return
	}
	// The bridge did not come about. A guest that was not fetched is where it was.
	if peer.joint == j && !j.guestIn {
		peer.joint = nil
	}
	if l.want != peer {
		lp.drive(peer)
		return
	}
	l.tries++
	peer.tries++
	if l.tries >= maxTries {
		lp.sw.cfg.Logger.Warn("asterisk does not bridge two legs: both are hung up", "leg_id", l.id, "peer_leg_id", peer.id)
		lp.hangUp(l, tandem.CauseFailed)
		lp.hangUp(peer, tandem.CauseFailed)
		return
	}
	lp.drive(peer)
}

// digit notes a key that the far end pressed.
func (lp *loop) digit(l *leg, m ami.Message) {
	d := strings.ToUpper(m.Get("Digit"))
	if !strings.EqualFold(m.Get("Direction"), "Received") || !l.state.Up() || l.ending != nil || strings.Trim(d, "0123456789*#ABCD") != "" || d == "" {
		return
	}
	ms, _ := strconv.Atoi(m.Get("DurationMs")) // Zero is "not known".
	lp.emit(tandem.LegDigit{Leg: l.id, Digit: d, Duration: time.Duration(ms) * time.Millisecond})
}

// hungUp notes that a channel is gone.
func (lp *loop) hungUp(l *leg, q850 string) {
	n, _ := strconv.Atoi(q850) // Zero is Asterisk's own "not known".
	cause := tandem.CauseFromQ850(n)
	switch {
	case l.state == tandem.LegStateIn:
		cause = tandem.CauseCancelled
	case l.state.Up() && (cause == tandem.CauseUnset || n == 127):
		cause = tandem.CauseNormal
	case l.state.Up():
	case cause == tandem.CauseUnset:
		cause = tandem.CauseFailed
	case cause == tandem.CauseNormal:
		cause = tandem.CauseRejected
	}
	lp.end(l, cause, fmt.Sprintf("Q.850 %d", n))
}

// end ends a leg with the cause that we wanted, if we did, or else with the one given. Its peer stays up.
func (lp *loop) end(l *leg, cause tandem.Cause, detail string) {
	if !l.become(tandem.LegStateEnded) {
		return
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	delete(lp.legs, l.id)
	delete(lp.byUID, l.uid)
	if l.ending != nil {
		cause = l.ending.cause
	}
	lp.emit(tandem.LegEnded{Leg: l.id, Cause: cause, Ours: l.ending != nil, Detail: detail})
	wanted := lp.unwant(l)
	if j := l.joint; j != nil {
		lp.bereave(j, j.other(l))
	}
	if wanted != nil {
		lp.drive(wanted)
	}
}

// bereave takes the end of its peer to the one that is left in a bridge. Where its channel is, Asterisk tells: the guest goes
// to AGI(agi:async), the host's command ends.
func (lp *loop) bereave(j *joint, left *leg) {
	if left.joint != j {
		return
	}
	if left.state == tandem.LegStateBridged {
		left.become(tandem.LegStateUp)
		lp.emit(tandem.LegUnbridged{Leg: left.id, Peer: j.other(left).id})
	}
	j.breaking = j.breaking || j.guest == left
	if j.guest == left && !j.guestIn {
		left.joint = nil
	}
	lp.drive(left)
}

// originated takes the last word on a Dial.
func (lp *loop) originated(m ami.Message) {
	a, ok := lp.actions[m.ActionID()]
	if !ok {
		return
	}
	delete(lp.actions, m.ActionID())
	l := a.leg
	if strings.EqualFold(m.Get("Response"), "Success") || lp.legs[l.id] != l {
		return
	}
	reason := m.Get("Reason")
	cause := tandem.CauseFailed
	switch {
	case reason == "5":
		cause = tandem.CauseBusy
	case reason == "8":
		cause = tandem.CauseCongestion
	case reason == "3":
		cause = tandem.CauseNoAnswer
	case l.channel == "" && l.agent != "":
		cause = tandem.CauseUnavailable
	case l.channel == "":
		cause = tandem.CauseNetwork
	}
	detail := "Originate reason " + reason
	if l.channel == "" {
		lp.end(l, cause, detail)
		return
	}
	lp.guard(l, cause, detail) // Its Hangup tells the cause better.
}

// arrival takes a channel that has come to AGI(agi:async) and is not known.
func (lp *loop) arrival(m ami.Message) {
	uid, channel := m.Get("Uniqueid"), m.Get("Channel")
	if strings.HasPrefix(uid, ownPrefix) {
		if strings.HasPrefix(uid, ownPrefix+lp.nonce) {
			lp.refuse(channel, tandem.CauseNormal) // Its leg has ended.
		}
		return
	}
	if !lp.incoming[m.Get("Context")] || lp.phase == stopping {
		return
	}
	device := channel
	if i := strings.LastIndexByte(channel, '-'); i > 0 {
		device = channel[:i]
	}
	o, known := lp.owners[device]
	switch {
	case !known && lp.sw.cfg.Stranger == "":
		lp.sw.cfg.Logger.Warn("call from a device that is no trunk's and no agent's: refused", "device", device)
		lp.refuse(channel, tandem.CauseForbidden)
		return
	case !known:
		o.trunk = lp.sw.cfg.Stranger
	}
	if len(lp.legs) >= lp.sw.cfg.Legs {
		lp.refuse(channel, tandem.CauseCongestion)
		return
	}
	l := &leg{
		id: tandem.LegID(lp.sw.cfg.IDs()), state: tandem.LegStateIn, incoming: true, agent: o.agent, uid: uid, channel: channel, agi: true,
	}
	lp.add(l)
	lp.emit(tandem.LegIncoming{
		Leg: l.id, Trunk: o.trunk, Agent: o.agent, To: tandem.Number(m.Get("Exten")),
		From: tandem.CallerID{Number: tandem.Number(m.Get("CallerIDNum")), Name: m.Get("CallerIDName")},
	})
	lp.newState(l, m.Get("ChannelState"))
}

// refuse hangs up a channel that is nobody's leg.
func (lp *loop) refuse(channel string, cause tandem.Cause) {
	lp.send(ami.NewAction("Hangup").With("Channel", channel).With("Cause", strconv.Itoa(cause.Q850())), action{})
}
