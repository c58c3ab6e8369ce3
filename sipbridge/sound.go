package sipbridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/media"
)

// telling says whether a leg that is taken out of its bridge gets an event for it: a leg that ends does not.
type telling uint8

const (
	tell telling = iota
	silent
)

// unbridgeLocked takes a leg out of its bridge, if it is in one. The peer stays up and hears silence.
func (b *Bridge) unbridgeLocked(l *leg, how telling) {
	p := l.peer
	if p == nil {
		return
	}
	b.partLocked(l, p)
	l.peer, p.peer = nil, nil
	if b.becomeLocked(p, tandem.LegStateUp) {
		b.emitLocked(tandem.LegUnbridged{Leg: p.id, Peer: l.id})
	}
	p.sound = tandem.Sound{}
	b.wireLocked(p)
	if !b.becomeLocked(l, tandem.LegStateUp) {
		return
	}
	if how == tell {
		b.emitLocked(tandem.LegUnbridged{Leg: l.id, Peer: p.id})
		l.sound = tandem.Sound{}
		b.wireLocked(l)
	}
}

// partLocked ends the relay between two legs.
func (b *Bridge) partLocked(x, y *leg) {
	if x.main != nil && y.main != nil {
		b.plane.Part(x.main.end, y.main.end)
	}
}

// wireLocked makes the sound of a leg, and of its peer, what their state says: two legs that hear each other, or each hearing
// what is played to it.
func (b *Bridge) wireLocked(l *leg) {
	if l.main == nil || l.main.end == nil || !l.state.Up() {
		return
	}
	p := l.peer
	if p == nil && l.held {
		b.playLocked(l, tandem.Sound{Kind: tandem.SoundMusic})
		return
	}
	if p == nil {
		b.playLocked(l, l.sound)
		return
	}
	if !l.onHold() && !p.onHold() {
		if err := b.plane.Join(l.main.end, p.main.end); err != nil {
			b.log.Error("two legs cannot be joined", "leg_id", l.id, "peer", p.id, "error", err)
		}
		return
	}
	b.partLocked(l, p)
	b.playLocked(l, l.holdSound())
	b.playLocked(p, p.holdSound())
}

func (l *leg) onHold() bool { return l.held || l.farHeld }

// holdSound is what a bridged leg hears while one of the two is on hold: music for who waits, silence for who made it wait.
func (l *leg) holdSound() tandem.Sound {
	if l.held || (l.peer.farHeld && !l.farHeld) {
		return tandem.Sound{Kind: tandem.SoundMusic}
	}
	return tandem.Sound{}
}

// playLocked plays a signal; silence is played too, so that address translators and peers that watch for packets keep the
// stream open.
func (b *Bridge) playLocked(l *leg, s tandem.Sound) {
	src := b.signal(s.Kind)
	if src == nil {
		return // A file: Play has started it.
	}
	if err := l.main.end.Play(src); err != nil && !errors.Is(err, media.ErrClosed) {
		b.log.Error("a sound cannot be played", "leg_id", l.id, "sound", s.Kind, "error", err)
	}
}

// signal returns the source of a built-in signal, nil for a file.
func (b *Bridge) signal(k tandem.SoundKind) media.Source {
	switch k {
	case tandem.SoundRing:
		return media.RingBack(b.cfg.Country)
	case tandem.SoundMusic:
		return media.Music()
	case tandem.SoundBusy:
		return media.Busy(b.cfg.Country)
	case tandem.SoundCongestion:
		return media.Congestion(b.cfg.Country)
	case tandem.SoundFile:
		return nil
	case tandem.SoundUnset:
	}
	return media.Loop(nil)
}

// source checks a Sound and returns what plays it.
func (b *Bridge) source(s tandem.Sound) (media.Source, error) {
	switch {
	case s.Kind == tandem.SoundUnset || s.Kind > tandem.SoundFile:
		return nil, fmt.Errorf("sound kind %q: %w", s.Kind, tandem.ErrInvalid)
	case s.Times < 0:
		return nil, fmt.Errorf("sound played %d times: %w", s.Times, tandem.ErrInvalid)
	case s.Kind != tandem.SoundFile:
		return b.signal(s.Kind), nil
	case s.Name == "" || strings.ContainsAny(s.Name, "\\\x00") || strings.Contains(s.Name, ".."):
		return nil, fmt.Errorf("sound name: %w", tandem.ErrInvalid)
	case b.cfg.Sounds == nil:
		return nil, fmt.Errorf("sound files: %w", tandem.ErrUnsupported)
	}
	src, err := b.cfg.Sounds(s.Name)
	if err != nil {
		return nil, fmt.Errorf("sound %q: %w", s.Name, err)
	}
	if s.Times < 2 {
		return src, nil
	}
	again := func() (media.Source, error) { return b.cfg.Sounds(s.Name) }
	return &repeated{src: src, left: s.Times - 1, again: again}, nil
}

// repeated plays a file several times.
type repeated struct {
	src   media.Source
	left  int
	again func() (media.Source, error)
}

// Fill implements media.Source.
func (r *repeated) Fill(frame []int16) int {
	n := r.src.Fill(frame)
	for n < len(frame) && r.left > 0 {
		src, err := r.again()
		if err != nil {
			r.left = 0
			return n
		}
		r.left--
		r.src = src
		n += src.Fill(frame[n:])
	}
	return n
}

// sound takes what the media plane reports. It is called by one goroutine of the plane, in order.
func (b *Bridge) sound(e media.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	br := b.ends[e.End]
	if br == nil || br.dropped || br.leg.main != br {
		return
	}
	l := br.leg
	switch e.Kind {
	case media.EventUp, media.EventSecured, media.EventResumed:
		l.secured, l.setupUntil = true, time.Time{}
	case media.EventDigit:
		b.digitLocked(l, e.Digit, e.Duration)
	case media.EventPlayed:
		if l.sound.Kind == tandem.SoundFile {
			b.emitLocked(tandem.LegPlayed{Leg: l.id, Sound: l.sound})
			l.sound = tandem.Sound{}
			b.wireLocked(l)
		}
	case media.EventSilent:
		b.mediaFailedLocked(l, tandem.CauseTimeout, fmt.Sprintf("no sound for %s", e.Duration.Round(time.Second)))
	case media.EventConsentLost:
		b.mediaFailedLocked(l, tandem.CauseTimeout, "the browser no longer answers (ICE consent)")
	case media.EventFailed:
		b.mediaFailedLocked(l, tandem.CauseIncompatible, fmt.Sprintf("sound cannot flow: %v", e.Err))
	case media.EventUnset:
	}
}

func (b *Bridge) mediaFailedLocked(l *leg, c tandem.Cause, detail string) {
	b.count.mediaFailed.Add(1)
	b.endLocked(l, ending{cause: c, detail: detail})
}

// digitLocked reports a key press. Above the mark of the outbox it is dropped: it is the one event that a far end can make as many
// of as it likes.
func (b *Bridge) digitLocked(l *leg, digit rune, held time.Duration) {
	if !l.state.Up() {
		return
	}
	if len(b.outbox) >= b.cfg.Limits.Events {
		b.count.digitsDropped.Add(1)
		return
	}
	b.emitLocked(tandem.LegDigit{Leg: l.id, Digit: string(digit), Duration: held})
}

// passDigitLocked reports a key press that came beside the sound (SIP INFO, the browser phone's message) and sends it on to the
// peer as RFC 4733, which a press within the sound does by itself.
func (b *Bridge) passDigitLocked(l *leg, digit rune, held time.Duration) {
	b.digitLocked(l, digit, held)
	if p := l.peer; p != nil && p.main != nil {
		end := p.main.end
		b.doLocked(p, func(context.Context) {
			if err := end.SendDigit(digit, min(held, time.Second)); err != nil && !errors.Is(err, media.ErrClosed) {
				b.log.Debug("a digit cannot be sent on", "leg_id", p.id, "error", err)
			}
		})
	}
}
