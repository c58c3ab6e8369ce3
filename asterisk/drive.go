package asterisk

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk/ami"
)

const (
	// maxTries is how often a bridge that does not come about is tried.
	maxTries = 3
	// keyTime is how long a key that we press sounds, and how long it is silent after it.
	keyTime = 80 * time.Millisecond
	// hookCode is a feature code that no telephone can send by mistake.
	hookCode = "DDDDDDDDDD"
)

// dial makes a leg and asks Asterisk for its channel.
func (lp *loop) dial(d tandem.Dial) {
	lp.serial++
	// Of one length: Asterisk 22 takes a Uniqueid for used when a longer one that begins with it is.
	uid := fmt.Sprintf("%s%s-%012d", ownPrefix, lp.nonce, lp.serial)
	l := &leg{id: d.Leg, state: tandem.LegStateDialing, agent: d.To.Agent, uid: uid}
	lp.add(l)
	var channel string
	if d.To.Agent != "" {
		if channel = lp.agents[d.To.Agent]; channel == "" {
			lp.end(l, tandem.CauseUnavailable, "the agent has no device")
			return
		}
	} else {
		t, ok := lp.trunks[d.To.Trunk]
		if !ok {
			lp.end(l, tandem.CauseNetwork, "no such trunk")
			return
		}
		channel = strings.Replace(t.Dial, numberMark, string(d.To.Number), 1)
	}
	a := ami.NewAction("Originate").With("Channel", channel).With("ChannelId", l.uid).With("Async", "true").
		With("Context", lp.sw.cfg.Context).With("Exten", lp.sw.cfg.Exten).With("Priority", "1").
		// The ring timeout is ours; Asterisk's is for the case that we are gone by then.
		With("Timeout", strconv.FormatInt((d.Timeout+10*time.Second).Milliseconds(), 10)).
		With("CallerID", callerID(d.From)).
		With("Variable", "TANDEM_CALL="+variable(string(d.Call))).With("Variable", "TANDEM_LEG="+variable(string(d.Leg)))
	if !lp.send(a, action{leg: l}) {
		lp.end(l, tandem.CauseNetwork, "asterisk is not connected")
		return
	}
	l.timer = lp.sw.later(d.Timeout, func(lp *loop) {
		if lp.legs[l.id] == l && l.ending == nil && !l.state.Up() {
			lp.hangUp(l, tandem.CauseNoAnswer)
		}
	})
}

// callerID writes who calls as Asterisk reads it.
func callerID(c tandem.CallerID) string {
	clean := func(s string) string {
		s = strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f || strings.ContainsRune(`"<>\`, r) {
				return -1
			}
			return r
		}, s)
		return s[:min(len(s), 200)]
	}
	return `"` + clean(c.Name) + `" <` + clean(string(c.Number)) + `>`
}

// variable makes a text fit for the value of a channel variable in an action.
func variable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`,"\`, r) {
			return '_'
		}
		return r
	}, s)
	return s[:min(len(s), 200)]
}

// hangUp ends a leg by our wish; the first wish counts.
func (lp *loop) hangUp(l *leg, cause tandem.Cause) {
	if l.ending == nil {
		l.ending = &ending{cause: cause}
	}
	lp.drive(l)
}

// drive does the next thing that is needed to make of a leg what is wanted of it. It is called after every change.
func (lp *loop) drive(l *leg) {
	switch {
	case !lp.up || lp.legs[l.id] != l || l.suspect:
	case l.ending != nil:
		lp.driveEnd(l)
	case l.joint != nil:
		lp.driveJoint(l)
	case !l.agi || l.deferred || l.keying:
	case l.running.what == taskFile && (l.want != nil || l.playGen != l.soundGen):
		lp.redirect(l) // Nothing else interrupts a file.
	case l.running.what != taskNone:
	case l.state == tandem.LegStateIn:
		lp.driveIncoming(l)
	case l.state == tandem.LegStateUp:
		lp.driveUp(l)
	}
}

// driveEnd hangs up a channel as soon as there is one.
func (lp *loop) driveEnd(l *leg) {
	if l.hungUp || l.channel == "" {
		return
	}
	if j := l.joint; j != nil && j.guest == l && !j.up && !l.overdue {
		// Asterisk 22 loses a channel structure for ever when a guest is hung up in the very moment in which it is fetched.
		lp.sw.later(hangupAgain, func(lp *loop) {
			l.overdue = true
			lp.drive(l)
		})
		return
	}
	l.hungUp = lp.send(ami.NewAction("Hangup").With("Channel", l.channel).With("Cause", strconv.Itoa(l.ending.cause.Q850())), action{leg: l})
	// A channel that is just being moved from one thread of Asterisk to another can miss its hang-up.
	lp.sw.later(hangupAgain, func(lp *loop) {
		if l.hungUp {
			l.hungUp = false
			lp.drive(l)
		}
	})
}

// driveJoint takes a bridge apart that is not wanted any more. What comes up later is looked at again then.
func (lp *loop) driveJoint(l *leg) {
	j := l.joint
	switch {
	case !j.up || j.breaking:
	case l.want != j.other(l):
		j.breaking = true
		lp.redirect(j.host) // The guest follows by itself: the host's command told it where to go.
	case l.digits != "" && !l.keying:
		// In a bridge no AGI command is taken. This action is slow: Asterisk answers it, and the next, when the key is up again.
		key := l.digits[:1]
		l.digits = l.digits[1:]
		l.keying = lp.send(ami.NewAction("PlayDTMF").With("Channel", l.channel).With("Digit", key).
			With("Duration", strconv.FormatInt(keyTime.Milliseconds(), 10)), action{leg: l})
	}
}

// keyed goes on to the next key after a pause.
func (lp *loop) keyed(l *leg) {
	lp.sw.later(keyTime, func(lp *loop) {
		l.keying = false
		lp.drive(l)
	})
}

func (lp *loop) driveIncoming(l *leg) {
	switch {
	case l.answer:
		lp.agiCommand(l, taskQuick, "ANSWER")
	case l.ring && !l.rung:
		l.rung = true
		lp.agiCommand(l, taskQuick, "EXEC Ringing")
	}
}

// driveUp sees to sounds first, since a leg is bridged only in silence.
func (lp *loop) driveUp(l *leg) {
	wrong := l.playGen != l.soundGen || l.want != nil
	switch {
	case !l.hooked:
		// Asterisk short-circuits the media of two bridged channels and is then deaf to their keys, unless one has a key to listen
		// for. So the host of a bridge gets one, and each leg may become the host.
		l.hooked = true
		lp.agiCommand(l, taskQuick, "SET VARIABLE FEATUREMAP(disconnect) "+hookCode)
	case l.playing.Kind == tandem.SoundMusic && wrong:
		l.playing = tandem.Sound{}
		lp.agiCommand(l, taskQuick, "SET MUSIC OFF")
	case l.playing.Kind != tandem.SoundUnset && wrong:
		l.playing = tandem.Sound{}
		lp.agiCommand(l, taskQuick, "EXEC StopPlayTones")
	case l.digits != "":
		keys := l.digits
		l.digits = ""
		lp.agiCommand(l, taskQuick, `EXEC SendDTMF "`+keys+`"`)
	case l.want != nil:
		lp.join(l, l.want)
	case l.sound.Kind != tandem.SoundUnset && l.playGen != l.soundGen:
		lp.play(l)
	}
}

// play starts the sound.
func (lp *loop) play(l *leg) {
	l.playing, l.playGen = l.sound, l.soundGen
	switch l.sound.Kind {
	case tandem.SoundMusic:
		lp.agiCommand(l, taskQuick, "SET MUSIC ON")
	case tandem.SoundFile:
		lp.agiCommand(l, taskFile, `STREAM FILE "`+l.sound.Name+`" ""`)
	case tandem.SoundRing, tandem.SoundBusy, tandem.SoundCongestion:
		lp.agiCommand(l, taskQuick, "EXEC PlayTones "+l.sound.Kind.String())
	case tandem.SoundUnset:
	}
}

// wantBridge notes whom two legs shall be bridged with, and parts them from others.
func (lp *loop) wantBridge(a, b *leg) {
	former := []*leg{lp.unwant(a), lp.unwant(b)}
	a.want, b.want = b, a
	a.tries, b.tries = 0, 0
	a.silence()
	b.silence()
	for _, l := range append(former, a, b) {
		if l != nil {
			lp.drive(l)
		}
	}
}

// unwant takes back whom a leg shall be bridged with, and returns who that was.
func (lp *loop) unwant(l *leg) *leg {
	peer := l.want
	if peer != nil {
		peer.want, l.want = nil, nil
	}
	return peer
}

// join bridges two legs if both are ready: l was driven, the other may not be so far.
func (lp *loop) join(l, peer *leg) {
	if !l.idle() || !peer.idle() || peer.suspect || peer.digits != "" {
		if peer.running.what != taskNone || peer.playing.Kind != tandem.SoundUnset {
			lp.drive(peer)
		}
		return
	}
	j := &joint{host: l, guest: peer}
	l.joint, peer.joint = j, j
	where := lp.sw.cfg.Context + "^" + lp.sw.cfg.Exten + "^1"
	lp.agiCommand(l, taskBridge, `EXEC Bridge "`+peer.channel+`,HF(`+where+`)"`)
}

// agiCommand gives a channel that waits in AGI(agi:async) a command. Its result comes as the event AsyncAGIExec.
func (lp *loop) agiCommand(l *leg, what task, command string) {
	lp.serial++
	l.running = run{id: lp.nonce + "-" + strconv.FormatUint(lp.serial, 10), what: what}
	lp.send(ami.NewAction("AGI").With("Channel", l.channel).With("Command", command).With("CommandID", l.running.id), action{leg: l})
}

// redirect brings a channel back to AGI(agi:async) from wherever it is. AsyncAGIStart tells that it is there.
func (lp *loop) redirect(l *leg) {
	l.deferred = true
	lp.send(ami.NewAction("Redirect").With("Channel", l.channel).With("Context", lp.sw.cfg.Context).
		With("Exten", lp.sw.cfg.Exten).With("Priority", "1"), action{leg: l})
}
