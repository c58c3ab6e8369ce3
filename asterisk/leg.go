package asterisk

import (
	"time"

	"github.com/tandem-cc/tandem"
)

// leg is one channel of Asterisk that is ours. The loop owns it. Its upper half is what we want of it, the lower half what is; drive
// brings the second to the first.
type leg struct {
	id       tandem.LegID
	state    tandem.LegState // as told by events
	incoming bool
	agent    tandem.AgentID

	ring     bool
	answer   bool
	sound    tandem.Sound
	soundGen uint32 // counts changes of sound
	repeats  int    // how often the file is still to be played
	digits   string // to be sent
	want     *leg   // whom it shall be bridged with; always mutual
	tries    int    // bridges in vain with want
	ending   *ending
	timer    *time.Timer // ring timeout, or the guard of a hang-up

	uid      string // Asterisk's Uniqueid: ours for dialled legs
	channel  string // the channel's name; empty until it is known to exist
	agi      bool   // it waits in AGI(agi:async) and takes commands
	running  run    // the AGI command under way
	rung     bool
	keying   bool         // a key sounds in a bridge
	hooked   bool         // it has a key to listen for in bridges
	playing  tandem.Sound // the signal that sounds, or the file that runs
	playGen  uint32       // the soundGen that playing belongs to
	joint    *joint
	suspect  bool // not heard of since the connection came back
	hungUp   bool // Hangup was sent on this connection
	overdue  bool // the hang-up waits no longer for the bridge
	deferred bool // a Redirect back to AGI is under way
}

// ending says how a leg that is being hung up is to end.
type ending struct {
	cause tandem.Cause
}

// run is an AGI command under way: its CommandID and what it does. The zero value is none.
type run struct {
	id   string
	what task
}

// task is what an AGI command does.
type task uint8

const (
	taskNone task = iota
	taskQuick
	taskFile
	taskBridge
)

// joint is a bridge of two legs: the host runs Asterisk's application Bridge, which fetches the guest.
type joint struct {
	host, guest     *leg
	hostIn, guestIn bool
	up              bool // both were in at the same time
	breaking        bool // it is being taken apart
}

func (j *joint) other(l *leg) *leg {
	if j.host == l {
		return j.guest
	}
	return j.host
}

// become moves the leg on; false says that its state does not allow it.
func (l *leg) become(t tandem.LegState) bool {
	if !l.state.CanBecome(t) {
		return false
	}
	l.state = t
	return true
}

// silence takes back what was to be played.
func (l *leg) silence() {
	if l.sound.Kind != tandem.SoundUnset {
		l.sound, l.soundGen = tandem.Sound{}, l.soundGen+1
	}
}

// idle says whether the leg can be bridged now.
func (l *leg) idle() bool {
	return l.agi && l.running.what == taskNone && l.playing.Kind == tandem.SoundUnset &&
		l.state == tandem.LegStateUp && l.joint == nil && l.ending == nil && !l.deferred
}
