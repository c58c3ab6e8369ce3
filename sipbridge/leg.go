package sipbridge

import (
	"context"
	"slices"
	"time"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

// leg is one party's connection. Bridge.mu guards it whole.
type leg struct {
	id      tandem.LegID
	call    tandem.CallID
	state   tandem.LegState
	trunk   *trunkState // holds one of its channels; nil on agents' legs
	agent   tandem.AgentID
	dial    tandem.Dial // what was asked for; zero on incoming legs
	peer    *leg        // set exactly while the state is bridged
	started time.Time

	// branches are the devices that may still take the leg; main is the one that has it: the caller's on an incoming leg, and
	// on a dialled one nil until somebody has answered.
	branches []*branch
	main     *branch
	failure  ending // what the last branch that gave up said

	answering bool         // Answer was taken and is under way
	codecs    []sdp.Codec  // the sound's codec and telephone events, as this leg numbers them; nil: not known yet
	remotes   []string     // of the trunk, those not tried yet
	hops      int          // how many more switches its INVITE may cross; 0: not said, negative: none
	sound     tandem.Sound // what is played; the zero value is silence
	held      bool         // by our Hold
	farHeld   bool         // by the far end
	secured   bool         // sound can flow

	ringUntil  time.Time // dialled: then nobody has answered
	setupUntil time.Time // answered: then sound must be able to flow; zero: it can

	todo []func(context.Context) // what the leg's turn has to do, in order
	busy bool                    // a turn is running
}

// branch is one device's part in a leg: its signalling and its end of the sound. Bridge.mu guards the fields that change.
type branch struct {
	leg  *leg
	line line
	end  *media.End // nil until opened

	ours, theirs sdp.Description
	ringing      bool
	dropped      bool // its line has been or will be hung up; nothing more is heard of it

	renewal *renewal // offered to a page that was loaded anew and not answered yet
}

// line is the signalling of one device. Its methods are called in the leg's turn, without the mutex, and may take a while.
type line interface {
	// ring tells the far end of an incoming leg that it rings.
	ring() error
	// accept answers an incoming leg.
	accept(body []byte) error
	// drop ends the line in whatever way its state asks for.
	drop(e ending)
	// held tells the device that our side put it on hold, where there is a way to.
	held(on bool)
}

// ending is why a leg or branch ends.
type ending struct {
	cause  tandem.Cause
	ours   bool
	detail string
}

// becomeLocked changes the leg's state and says whether that was allowed. A change that the table forbids is a fault of ours.
func (b *Bridge) becomeLocked(l *leg, to tandem.LegState) bool {
	if !l.state.CanBecome(to) {
		b.log.Error("leg cannot change its state", "leg_id", l.id, "from", l.state, "to", to)
		return false
	}
	l.state = to
	return true
}

// doLocked appends work to the leg's turn and starts it unless it runs.
func (b *Bridge) doLocked(l *leg, f func(context.Context)) {
	l.todo = append(l.todo, f)
	if l.busy {
		return
	}
	l.busy = true
	b.turns++
	b.spawn(func(ctx context.Context) { b.turn(ctx, l) })
}

// turn does the leg's work until none is left.
func (b *Bridge) turn(ctx context.Context, l *leg) {
	for {
		b.mu.Lock()
		if len(l.todo) == 0 {
			l.busy = false
			b.turns--
			b.mu.Unlock()
			return
		}
		f := l.todo[0]
		l.todo = l.todo[1:]
		b.mu.Unlock()
		f(ctx)
	}
}

// legLocked returns a leg by name, or ErrNotFound.
func (b *Bridge) legLocked(id tandem.LegID) (*leg, error) {
	if err := b.runningLocked(); err != nil {
		return nil, err
	}
	if l := b.legs[id]; l != nil {
		return l, nil
	}
	return nil, tandem.ErrNotFound
}

// ringingLocked notes that a device rings; the leg rings with its first.
func (b *Bridge) ringingLocked(br *branch) {
	l := br.leg
	if br.dropped || br.ringing {
		return
	}
	br.ringing = true
	if l.state == tandem.LegStateDialing && b.becomeLocked(l, tandem.LegStateRinging) {
		b.emitLocked(tandem.LegRinging{Leg: l.id})
	}
}

// upLocked makes br the leg's one device: the leg is answered.
func (b *Bridge) upLocked(br *branch) {
	l := br.leg
	if !b.becomeLocked(l, tandem.LegStateUp) {
		return
	}
	l.main = br
	for _, other := range slices.Clone(l.branches) {
		if other != br {
			b.dropLocked(other, ending{cause: tandem.CauseElsewhere, ours: true})
		}
	}
	l.ringUntil = time.Time{}
	if br.theirs.Web != nil && !l.secured {
		l.setupUntil = time.Now().Add(b.cfg.Timing.Setup)
	}
	if l.trunk != nil && l.dial.Leg == "" && l.sound.Kind == tandem.SoundUnset {
		l.sound = tandem.Sound{Kind: b.cfg.Waiting}
	}
	b.count.answered.Add(1)
	b.emitLocked(tandem.LegAnswered{Leg: l.id})
	b.wireLocked(l)
}

// failLocked notes that a branch gave up; a leg that nobody can answer any more ends with what the most telling one said.
func (b *Bridge) failLocked(br *branch, e ending) {
	l := br.leg
	b.forgetLocked(br)
	if l.state == tandem.LegStateEnded {
		return
	}
	if l.main == br {
		b.endLocked(l, e)
		return
	}
	if weight(e.cause) >= weight(l.failure.cause) {
		l.failure = e
	}
	switch {
	case e.cause == tandem.CauseRejected && l.agent != "":
		// Who declines on one device does not want the others to go on ringing.
		b.endLocked(l, l.failure)
	case len(l.branches) > 0:
	case len(l.remotes) > 0 && unreachable(e.cause):
		b.doLocked(l, func(ctx context.Context) { b.dialTrunk(ctx, l) })
	default:
		b.endLocked(l, l.failure)
	}
}

// weight orders what several devices say of one call: a person's decision tells more than a device's fault.
func weight(c tandem.Cause) int {
	return 1 + slices.Index([]tandem.Cause{tandem.CauseNoAnswer, tandem.CauseBusy, tandem.CauseRejected}, c)
}

// unreachable says whether the next remote of a trunk may do better.
func unreachable(c tandem.Cause) bool {
	return c == tandem.CauseNetwork || c == tandem.CauseTimeout || c == tandem.CauseCongestion
}

// dropLocked hangs up a branch and forgets it.
func (b *Bridge) dropLocked(br *branch, e ending) {
	if br.dropped {
		return
	}
	line := br.line
	b.forgetLocked(br)
	if line != nil {
		b.doLocked(br.leg, func(context.Context) { line.drop(e) })
	}
}

// forgetLocked takes a branch out of its leg and closes its end of the sound. Its line is over, or is about to be.
func (b *Bridge) forgetLocked(br *branch) {
	br.dropped = true
	l := br.leg
	l.branches = slices.DeleteFunc(l.branches, func(x *branch) bool { return x == br })
	if end := br.end; end != nil && b.ends[end] == br {
		delete(b.ends, end)
		b.doLocked(l, func(context.Context) { end.Close() })
	}
	if r := br.renewal; r != nil {
		br.renewal = nil
		b.doLocked(l, func(context.Context) { r.end.Close() })
	}
}

// endLocked ends a leg in any state: its peer stays, its devices are hung up, and nothing follows for it.
func (b *Bridge) endLocked(l *leg, e ending) {
	if l.state == tandem.LegStateEnded {
		return
	}
	b.unbridgeLocked(l, silent)
	if !l.state.Up() {
		b.count.failed.Add(1)
	}
	if !b.becomeLocked(l, tandem.LegStateEnded) {
		return
	}
	delete(b.legs, l.id)
	if l.trunk != nil {
		l.trunk.channels--
	}
	for _, br := range slices.Clone(l.branches) {
		b.dropLocked(br, e)
	}
	if e.cause == tandem.CauseUnset {
		e.cause = tandem.CauseFailed
	}
	b.emitLocked(tandem.LegEnded{Leg: l.id, Cause: e.cause, Ours: e.ours, Detail: e.detail})
}
