package asterisk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
)

// Dial makes a leg and lets Asterisk ring the far end. The legs' subject is not shown: Asterisk has no place for it.
func (s *Switch) Dial(ctx context.Context, d tandem.Dial) error {
	if err := d.Validate(); err != nil {
		return fmt.Errorf("asterisk: %w", err)
	}
	if strings.ContainsFunc(string(d.To.Number), notDialable) {
		return callError("dial", d.Leg, fmt.Errorf("number %s holds what cannot be dialled: %w", d.To.Number.Masked(), tandem.ErrInvalid))
	}
	if d.Timeout == 0 {
		d.Timeout = tandem.DefaultRing
	}
	return s.do(ctx, "dial", d.Leg, func(lp *loop) error {
		switch {
		case lp.legs[d.Leg] != nil:
			return tandem.ErrConflict
		case len(lp.legs) >= s.cfg.Legs || s.outbox.size() >= s.cfg.Backlog:
			return tandem.ErrFull
		}
		lp.dial(d)
		return nil
	})
}

// notDialable says which characters have no place in a number: those with a meaning of their own in a dial string above all.
func notDialable(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("+*#._-", r)
}

// Answer answers an incoming leg.
func (s *Switch) Answer(ctx context.Context, id tandem.LegID) error {
	return s.command(ctx, "answer", id, func(lp *loop, l *leg) error {
		if l.state != tandem.LegStateIn || l.answer {
			return tandem.ErrState
		}
		l.answer = true
		lp.drive(l)
		return nil
	})
}

// Ring lets the caller of an incoming leg hear that it rings.
func (s *Switch) Ring(ctx context.Context, id tandem.LegID) error {
	return s.command(ctx, "ring", id, func(lp *loop, l *leg) error {
		if l.state != tandem.LegStateIn {
			return tandem.ErrState
		}
		l.ring = true
		lp.drive(l)
		return nil
	})
}

// Hangup ends a leg with the cause; CauseUnset means normal.
func (s *Switch) Hangup(ctx context.Context, id tandem.LegID, cause tandem.Cause) error {
	if cause == tandem.CauseUnset {
		cause = tandem.CauseNormal
	}
	return s.do(ctx, "hangup", id, func(lp *loop) error {
		l := lp.legs[id]
		if l == nil {
			return tandem.ErrNotFound
		}
		lp.hangUp(l, cause)
		return nil
	})
}

// Bridge joins two answered legs, taking each from whom it was with.
func (s *Switch) Bridge(ctx context.Context, a, b tandem.LegID) error {
	if a == b {
		return callError("bridge", a, fmt.Errorf("with itself: %w", tandem.ErrInvalid))
	}
	return s.command(ctx, "bridge", a, func(lp *loop, x *leg) error {
		y := lp.live(b)
		switch {
		case y == nil:
			return fmt.Errorf("with %s: %w", b, tandem.ErrNotFound)
		case !x.state.Up() || !y.state.Up():
			return tandem.ErrState
		case x.want == y:
			return nil
		}
		lp.wantBridge(x, y)
		return nil
	})
}

// Part takes a bridged leg and its peer apart.
func (s *Switch) Part(ctx context.Context, id tandem.LegID) error {
	return s.command(ctx, "part", id, func(lp *loop, l *leg) error {
		if l.state != tandem.LegStateBridged || l.want == nil {
			return tandem.ErrState
		}
		lp.unwant(l)
		lp.drive(l)
		return nil
	})
}

// Play plays to an answered leg that is not bridged. Tones are those of Asterisk's indications.conf, music is the class
// "default" of its musiconhold.conf, files are its sound files.
func (s *Switch) Play(ctx context.Context, id tandem.LegID, sound tandem.Sound) error {
	if err := checkSound(sound); err != nil {
		return callError("play", id, err)
	}
	return s.command(ctx, "play", id, func(lp *loop, l *leg) error {
		if l.state != tandem.LegStateUp || l.want != nil {
			return tandem.ErrState
		}
		l.sound, l.soundGen = sound, l.soundGen+1
		l.repeats = max(sound.Times, 1)
		lp.drive(l)
		return nil
	})
}

func checkSound(sound tandem.Sound) error {
	switch {
	case sound.Kind == tandem.SoundUnset || sound.Kind > tandem.SoundFile:
		return fmt.Errorf("sound kind %d: %w", sound.Kind, tandem.ErrInvalid)
	case sound.Times < 0:
		return fmt.Errorf("sound times is negative: %w", tandem.ErrInvalid)
	case sound.Kind != tandem.SoundFile:
		return nil
	case sound.Name == "" || len(sound.Name) > 200 || strings.Contains(sound.Name, "..") || strings.ContainsFunc(sound.Name, notInFileName):
		return fmt.Errorf("sound name %.40q: %w", sound.Name, tandem.ErrInvalid)
	}
	return nil
}

func notInFileName(r rune) bool { return r != '/' && (notDialable(r) || r == '*' || r == '#') }

// StopPlay ends what plays; a leg to which nothing plays is left as it is.
func (s *Switch) StopPlay(ctx context.Context, id tandem.LegID) error {
	return s.command(ctx, "stop play", id, func(lp *loop, l *leg) error {
		if !l.state.Up() {
			return tandem.ErrState
		}
		l.silence()
		lp.drive(l)
		return nil
	})
}

// SendDigits lets the far end of an answered leg hear keys.
func (s *Switch) SendDigits(ctx context.Context, id tandem.LegID, digits string) error {
	const most = 100
	if digits == "" || len(digits) > most || strings.Trim(digits, "0123456789*#ABCD") != "" {
		return callError("send digits", id, fmt.Errorf("%d digits, or others than 0-9 * # A-D: %w", len(digits), tandem.ErrInvalid))
	}
	return s.command(ctx, "send digits", id, func(lp *loop, l *leg) error {
		switch {
		case !l.state.Up():
			return tandem.ErrState
		case len(l.digits)+len(digits) > most:
			return tandem.ErrFull
		}
		l.digits += digits
		lp.drive(l)
		return nil
	})
}

// command does f to a leg that is there and is not being hung up.
func (s *Switch) command(ctx context.Context, op string, id tandem.LegID, f func(lp *loop, l *leg) error) error {
	return s.do(ctx, op, id, func(lp *loop) error {
		l := lp.live(id)
		switch {
		case l == nil:
			return tandem.ErrNotFound
		case s.outbox.size() >= s.cfg.Backlog:
			return tandem.ErrFull
		}
		return f(lp, l)
	})
}

// do lets the loop do f, and returns what f returns.
func (s *Switch) do(ctx context.Context, op string, id tandem.LegID, f func(lp *loop) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !s.running() {
		return callError(op, id, tandem.ErrClosed)
	}
	reply := make(chan error, 1)
	work := func(lp *loop) {
		if !lp.taking() {
			reply <- tandem.ErrClosed
			return
		}
		reply <- f(lp)
	}
	select {
	case s.cmds <- work:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return callError(op, id, tandem.ErrClosed)
	}
	select {
	case err := <-reply:
		return callError(op, id, err)
	case <-s.done:
		return callError(op, id, tandem.ErrClosed)
	}
}

// later lets the loop do f after a while, unless it has ended then.
func (s *Switch) later(d time.Duration, f func(lp *loop)) *time.Timer {
	return time.AfterFunc(d, func() {
		select {
		case s.cmds <- f:
		case <-s.done:
		}
	})
}

func callError(op string, id tandem.LegID, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("asterisk: %w", &tandem.CallError{Op: op, Leg: id, Err: err})
}
