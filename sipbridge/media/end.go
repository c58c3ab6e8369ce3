package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

// End is one leg's end of the sound. All methods may be called concurrently; after Close they return ErrClosed or do
// nothing.
type End struct {
	plane  *Plane
	label  string
	conn   *net.UDPConn // its own, or the browsers' shared one
	addr   netip.AddrPort
	codecs []sdp.Codec
	origin sdp.Origin
	ice    *ice // nil on a plain end

	terms atomic.Pointer[terms] // what was agreed; nil before Apply
	route atomic.Pointer[route] // where received sound goes; nil is nowhere
	in    inbound
	out   outbound

	joined *End // guarded by plane.topo

	mu      sync.Mutex // guards closed, and work's beginning against its waiting
	closed  bool
	running sync.WaitGroup
}

// Label returns the label that the end was opened with.
func (e *End) Label() string { return e.label }

// Local returns this end's side of a session: its address, codecs and, for browsers, ICE credentials and fingerprint.
// It is complete as soon as the end is open; pass it to sdp.Offer or sdp.Answer.
func (e *End) Local() sdp.Description {
	d := sdp.Description{
		Origin: e.origin, Addr: e.addr, Codecs: append([]sdp.Codec(nil), e.codecs...),
		Direction: sdp.SendRecv, Ptime: frameTime,
	}
	if e.ice != nil {
		d.RTCPMux = true
		d.Web = e.ice.local(e.addr, e.out.ssrc, e.plane.ident.fingerprint)
	}
	return d
}

// Apply gives the end a finished offer and answer: what we said and what they said, whoever offered. Call it again for
// every later round: a new address, another codec, hold and resume (by either side's direction), an ICE restart. It errs
// with the errors of sdp.Agree and changes nothing then.
func (e *End) Apply(ours, theirs sdp.Description) error {
	a, err := sdp.Agree(ours, theirs)
	if err != nil {
		return fmt.Errorf("media: apply: %w", err)
	}
	if (a.Web != nil) != (e.ice != nil) {
		return fmt.Errorf("media: apply: %w", sdp.ErrNotSecure)
	}
	t := newTerms(a)
	now := time.Now()
	e.plane.topo.Lock()
	defer e.plane.topo.Unlock()
	if e.isClosed() {
		return fmt.Errorf("media: apply: %w", ErrClosed)
	}
	e.terms.Store(t)
	dest := a.Remote
	if e.ice == nil {
		dest = e.in.apply(a.Remote, now)
	}
	e.out.apply(t, dest)
	if e.ice != nil {
		e.ice.apply(a)
		e.secure()
	}
	e.routeLocked()
	if e.joined != nil {
		e.joined.routeLocked()
	}
	return nil
}

// RestartICE gives a browser end new ICE credentials for a re-offer and returns the new Local. The old ones are good
// until the browser's first check with the new ones. Plain ends return Local unchanged.
func (e *End) RestartICE() sdp.Description {
	if e.ice != nil {
		p := e.plane
		p.mu.Lock()
		if _, open := p.ends[e]; open {
			for _, u := range e.ice.restart() {
				delete(p.ufrags, u)
			}
			for _, u := range e.ice.names() {
				p.ufrags[u] = e
			}
		}
		p.mu.Unlock()
	}
	return e.Local()
}

// Play plays s to the peer, replacing what was playing, as soon as the peer may be sent to. It errs with ErrJoined
// while the end is joined, and with ErrUnsupported when the agreed codec is not G.711.
func (e *End) Play(s Source) error {
	if s == nil {
		return errors.New("media: play: nil source")
	}
	e.plane.topo.Lock()
	defer e.plane.topo.Unlock()
	switch t := e.terms.Load(); {
	case e.isClosed():
		return fmt.Errorf("media: play: %w", ErrClosed)
	case e.joined != nil:
		return fmt.Errorf("media: play: %w", ErrJoined)
	case t != nil && t.kind == sdp.KindOpaque:
		return fmt.Errorf("media: play: %w", ErrUnsupported)
	}
	e.out.play(s, e.plane.nextID.Add(1))
	e.plane.clock.start(e)
	return nil
}

// StopPlay stops what is playing; nothing is sent until something else is played or joined.
func (e *End) StopPlay() { e.out.stopPlay() }

// SendDigit sends one key (0-9, *, #, A-D) for the given time (rounded to 20 ms; zero is 100 ms) as telephone events.
// Digits wait for each other, at most 64; sound to the peer rests meanwhile. It errs with ErrUnsupported when the peer
// did not agree to telephone-event, ErrNotApplied, and ErrBusy.
func (e *End) SendDigit(digit rune, d time.Duration) error {
	event, ok := digitEvent(digit)
	if !ok || d < 0 || d > maxDigit {
		return fmt.Errorf("media: digit: not a key, or not up to %v long", maxDigit)
	}
	t := e.terms.Load()
	switch {
	case e.isClosed():
		return fmt.Errorf("media: digit: %w", ErrClosed)
	case t == nil:
		return fmt.Errorf("media: digit: %w", ErrNotApplied)
	case !t.events:
		return fmt.Errorf("media: digit: %w", ErrUnsupported)
	}
	if err := e.out.queueDigit(event, d); err != nil {
		return fmt.Errorf("media: digit: %w", err)
	}
	e.plane.clock.start(e)
	return nil
}

// Stats returns the end's figures.
func (e *End) Stats() Stats {
	var s Stats
	e.in.fillStats(&s)
	e.out.fillStats(&s)
	if t := e.terms.Load(); t != nil {
		s.Codec = t.audio.Codec.Name
	}
	if e.ice != nil {
		s.Profile = e.ice.profileName()
	}
	return s
}

// Close parts the end, releases its socket and forgets it. It may be called more than once and in any state, and
// returns when nothing of the end runs any more. An event that was waiting may still be delivered after it.
func (e *End) Close() {
	e.mu.Lock()
	first := !e.closed
	e.closed = true
	e.mu.Unlock()
	if first {
		e.plane.topo.Lock()
		e.partLocked()
		e.plane.topo.Unlock()
		e.out.close()
		e.plane.clock.stop(e)
		e.plane.remove(e)
		if e.ice != nil {
			e.ice.close()
		} else if err := e.conn.Close(); err != nil {
			e.plane.log.Debug("close media socket", "label", e.label, "error", err)
		}
	}
	e.running.Wait()
}

func (e *End) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// work runs f on a goroutine that Close waits for; it reports false, and runs nothing, when the end is closed.
func (e *End) work(f func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.running.Go(f)
	return true
}

func (e *End) emit(ev Event) {
	ev.End = e
	e.plane.emit(ev)
}

// partLocked undoes a join; plane.topo is held.
func (e *End) partLocked() {
	if o := e.joined; o != nil {
		e.joined, o.joined = nil, nil
		o.route.Store(nil)
	}
	e.route.Store(nil)
}

// routeLocked works out where this end's sound goes; plane.topo is held.
func (e *End) routeLocked() {
	old := e.route.Load()
	if e.joined == nil {
		e.route.Store(nil)
		return
	}
	from, to := e.terms.Load(), e.joined.terms.Load()
	if from == nil || to == nil {
		e.route.Store(nil)
		return
	}
	r := newRoute(from, to, e.plane)
	r.to = e.joined
	if old != nil && old.to == r.to {
		r.id = old.id // The same stream goes on, whatever was agreed anew.
	} else {
		r.id = e.plane.nextID.Add(1)
	}
	e.route.Store(r)
}
