package sipbridge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/media"
)

// failed wraps the error of a command with what was to be done to which leg.
func failed(op string, id tandem.LegID, err error) error {
	return fmt.Errorf("sipbridge: %w", &tandem.CallError{Op: op, Leg: id, Err: err})
}

// on does something to a leg under the mutex and wraps its error.
func (b *Bridge) on(ctx context.Context, op string, id tandem.LegID, f func(*leg) error) error {
	if err := ctx.Err(); err != nil {
		return failed(op, id, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l, err := b.legLocked(id)
	if err == nil {
		err = f(l)
	}
	if err != nil {
		return failed(op, id, err)
	}
	return nil
}

// Ring tells the caller of an incoming leg that somewhere it rings (SIP 180).
func (b *Bridge) Ring(ctx context.Context, id tandem.LegID) error {
	return b.on(ctx, "ring", id, func(l *leg) error {
		if l.state != tandem.LegStateIn || l.answering {
			return tandem.ErrState
		}
		line := l.main.line
		b.doLocked(l, func(ctx context.Context) {
			if err := line.ring(); err != nil {
				b.log.DebugContext(ctx, "ringing cannot be told", "leg_id", id, "error", err)
			}
		})
		return nil
	})
}

// Answer answers an incoming leg. LegAnswered follows when the answer has been sent.
func (b *Bridge) Answer(ctx context.Context, id tandem.LegID) error {
	return b.on(ctx, "answer", id, func(l *leg) error {
		if l.state != tandem.LegStateIn || l.answering {
			return tandem.ErrState
		}
		l.answering = true
		b.doLocked(l, func(ctx context.Context) { b.answer(ctx, l) })
		return nil
	})
}

// Hangup ends a leg in any state: an incoming one is refused with the cause, a dialled one cancelled.
func (b *Bridge) Hangup(ctx context.Context, id tandem.LegID, cause tandem.Cause) error {
	return b.on(ctx, "hangup", id, func(l *leg) error {
		if cause == tandem.CauseUnset {
			cause = tandem.CauseNormal
		}
		b.endLocked(l, ending{cause: cause, ours: true})
		return nil
	})
}

// Bridge joins two answered legs so that each hears the other. Both get LegBridged. A leg that was bridged with another is taken
// out of that bridge first.
func (b *Bridge) Bridge(ctx context.Context, x, y tandem.LegID) error {
	if x == y {
		return failed("bridge", x, fmt.Errorf("a leg with itself: %w", tandem.ErrInvalid))
	}
	return b.on(ctx, "bridge", x, func(l *leg) error {
		p, err := b.legLocked(y)
		switch {
		case err != nil:
			return fmt.Errorf("with %s: %w", y, err)
		case !l.state.Up():
			return tandem.ErrState
		case !p.state.Up():
			return fmt.Errorf("with %s: %w", y, tandem.ErrState)
		case l.peer == p:
			return nil
		}
		b.unbridgeLocked(l, tell)
		b.unbridgeLocked(p, tell)
		if !b.becomeLocked(l, tandem.LegStateBridged) || !b.becomeLocked(p, tandem.LegStateBridged) {
			return tandem.ErrState
		}
		l.peer, p.peer = p, l
		l.sound, p.sound = tandem.Sound{}, tandem.Sound{}
		b.wireLocked(l)
		b.emitLocked(tandem.LegBridged{Leg: l.id, Peer: p.id})
		b.emitLocked(tandem.LegBridged{Leg: p.id, Peer: l.id})
		return nil
	})
}

// Part takes two bridged legs apart; both stay up, hear silence and get LegUnbridged.
func (b *Bridge) Part(ctx context.Context, id tandem.LegID) error {
	return b.on(ctx, "part", id, func(l *leg) error {
		if l.peer == nil {
			return tandem.ErrState
		}
		b.unbridgeLocked(l, tell)
		return nil
	})
}

// Play plays to one answered leg that is not bridged, in place of what was playing. LegPlayed follows when a file has come to
// its end.
func (b *Bridge) Play(ctx context.Context, id tandem.LegID, s tandem.Sound) error {
	src, err := b.source(s)
	if err != nil {
		return failed("play", id, err)
	}
	return b.on(ctx, "play", id, func(l *leg) error {
		if l.state != tandem.LegStateUp {
			return tandem.ErrState
		}
		if err := l.main.end.Play(src); err != nil && !errors.Is(err, media.ErrClosed) {
			return err
		}
		l.sound = s
		return nil
	})
}

// StopPlay ends what Play began; the leg hears silence.
func (b *Bridge) StopPlay(ctx context.Context, id tandem.LegID) error {
	return b.on(ctx, "stop play", id, func(l *leg) error {
		if l.state != tandem.LegStateUp {
			return tandem.ErrState
		}
		l.sound = tandem.Sound{}
		b.wireLocked(l)
		return nil
	})
}

// maxDigits bounds one SendDigits; more would play for more than six seconds.
const maxDigits = 32

// SendDigits sends DTMF digits (0-9 * # A-D) to an answered leg as RFC 4733 events of 100 ms. It fails with ErrUnsupported when the far
// end did not agree to them.
func (b *Bridge) SendDigits(ctx context.Context, id tandem.LegID, digits string) error {
	if digits == "" || len(digits) > maxDigits || strings.Trim(digits, "0123456789*#ABCD") != "" {
		return failed("send digits", id, fmt.Errorf("1 to %d of 0-9 * # A-D: %w", maxDigits, tandem.ErrInvalid))
	}
	return b.on(ctx, "send digits", id, func(l *leg) error {
		if !l.state.Up() {
			return tandem.ErrState
		}
		for _, d := range digits {
			if err := l.main.end.SendDigit(d, 0); err != nil {
				return digitError(err)
			}
		}
		return nil
	})
}

func digitError(err error) error {
	switch {
	case errors.Is(err, media.ErrUnsupported):
		return fmt.Errorf("telephone events were not agreed: %w", tandem.ErrUnsupported)
	case errors.Is(err, media.ErrBusy):
		return fmt.Errorf("too many digits wait: %w", tandem.ErrFull)
	case errors.Is(err, media.ErrClosed):
		return tandem.ErrNotFound
	}
	return err
}

// Hold puts an answered leg on hold: it hears music, and its peer silence.
func (b *Bridge) Hold(ctx context.Context, id tandem.LegID) error {
	return b.hold(ctx, "hold", id, true)
}

// Resume takes a leg back from hold.
func (b *Bridge) Resume(ctx context.Context, id tandem.LegID) error {
	return b.hold(ctx, "resume", id, false)
}

func (b *Bridge) hold(ctx context.Context, op string, id tandem.LegID, on bool) error { //nolint:revive // The one difference between its two callers.
	return b.on(ctx, op, id, func(l *leg) error {
		if !l.state.Up() || l.held == on {
			return tandem.ErrState
		}
		l.held = on
		if l.sound.Kind == tandem.SoundFile {
			l.sound = tandem.Sound{} // A file does not begin again.
		}
		b.wireLocked(l)
		b.emitLocked(tandem.LegHeld{Leg: l.id, Held: on, By: tandem.PartySystem})
		line := l.main.line
		b.doLocked(l, func(context.Context) { line.held(on) })
		return nil
	})
}
