package loopback

import (
	"context"
	"fmt"
	"strings"

	"github.com/tandem-cc/tandem"
)

// Dial makes a leg and lets the far end's script play.
func (s *Switch) Dial(ctx context.Context, d tandem.Dial) error {
	if err := d.Validate(); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var script Script
	if d.To.Trunk != "" && s.cfg.Dialled != nil {
		script = s.cfg.Dialled(d)
		if err := script.Validate(); err != nil {
			return fmt.Errorf("loopback: dial %s: %w", d.Leg, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != running:
		return callError("dial", d.Leg, tandem.ErrClosed)
	case s.legs[d.Leg] != nil:
		return callError("dial", d.Leg, tandem.ErrConflict)
	case s.full():
		return callError("dial", d.Leg, tandem.ErrFull)
	}
	s.dial(d, script)
	return nil
}

// dial makes the leg and begins its script.
func (s *Switch) dial(d tandem.Dial, script Script) {
	l := &leg{sw: s, id: d.Leg, trunk: d.To.Trunk, agent: d.To.Agent, number: d.To.Number, script: script}
	s.add(l, tandem.LegStateDialing)
	if cause := s.barrier(l); cause != tandem.CauseUnset {
		s.end(l, cause, theirs)
		return
	}
	timeout := d.Timeout
	if timeout == 0 {
		timeout = tandem.DefaultRing
	}
	s.after(l, timeout, actGiveUp)
	if l.script.Progress > 0 {
		s.after(l, l.script.Progress, actRing)
		return
	}
	s.ring(l)
}

// barrier says why a dialled leg cannot reach its far end, and takes its place on the trunk.
func (s *Switch) barrier(l *leg) tandem.Cause {
	if l.agent != "" {
		a := s.agents[l.agent]
		if a == nil || !a.attached {
			return tandem.CauseUnavailable
		}
		l.script = a.Script
		return tandem.CauseUnset
	}
	t := s.trunks[l.trunk]
	if t == nil {
		return tandem.CauseNetwork
	}
	t.busy++
	switch {
	case t.down:
		return tandem.CauseNetwork
	case t.Channels > 0 && t.busy > t.Channels:
		return tandem.CauseCongestion
	}
	return tandem.CauseUnset
}

func (s *Switch) add(l *leg, state tandem.LegState) {
	s.born++
	l.seq = s.born
	l.become(state)
	s.legs[l.id] = l
}

// Answer answers an incoming leg.
func (s *Switch) Answer(ctx context.Context, id tandem.LegID) error {
	return s.command(ctx, "answer", id, func(l *leg) error {
		if l.state != tandem.LegStateIn {
			return tandem.ErrState
		}
		s.up(l)
		return nil
	})
}

// Hangup ends a leg with the cause; CauseUnset means normal.
func (s *Switch) Hangup(ctx context.Context, id tandem.LegID, cause tandem.Cause) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.find("hangup", id)
	if err != nil {
		return err
	}
	if cause == tandem.CauseUnset {
		cause = tandem.CauseNormal
	}
	s.end(l, cause, ours)
	return nil
}

// Bridge joins two answered legs, taking each from whom it was with.
func (s *Switch) Bridge(ctx context.Context, a, b tandem.LegID) error {
	if a == b {
		return callError("bridge", a, fmt.Errorf("with itself: %w", tandem.ErrInvalid))
	}
	return s.command(ctx, "bridge", a, func(x *leg) error {
		y := s.legs[b]
		switch {
		case y == nil:
			return fmt.Errorf("with %s: %w", b, tandem.ErrNotFound)
		case !x.state.Up() || !y.state.Up():
			return tandem.ErrState
		case x.peer == y:
			return nil
		}
		s.part(x)
		s.part(y)
		s.join(x, y)
		return nil
	})
}

// Part takes a bridged leg and its peer apart.
func (s *Switch) Part(ctx context.Context, id tandem.LegID) error {
	return s.command(ctx, "part", id, func(l *leg) error {
		if l.peer == nil {
			return tandem.ErrState
		}
		s.part(l)
		return nil
	})
}

// Ring lets the caller of an incoming leg hear that it rings.
func (s *Switch) Ring(ctx context.Context, id tandem.LegID) error {
	return s.command(ctx, "ring", id, func(l *leg) error {
		if l.state != tandem.LegStateIn {
			return tandem.ErrState
		}
		l.rung = true
		s.notifyLocked()
		return nil
	})
}

// Play plays to an answered leg that is not bridged. A file lasts FileLength for each time it is played.
func (s *Switch) Play(ctx context.Context, id tandem.LegID, sound tandem.Sound) error {
	switch {
	case sound.Kind == tandem.SoundUnset || sound.Kind > tandem.SoundFile:
		return callError("play", id, fmt.Errorf("sound kind %d: %w", sound.Kind, tandem.ErrInvalid))
	case sound.Kind == tandem.SoundFile && sound.Name == "":
		return callError("play", id, fmt.Errorf("sound without a name: %w", tandem.ErrInvalid))
	case sound.Times < 0:
		return callError("play", id, fmt.Errorf("sound times is negative: %w", tandem.ErrInvalid))
	}
	return s.command(ctx, "play", id, func(l *leg) error {
		if l.state != tandem.LegStateUp {
			return tandem.ErrState
		}
		l.playing = sound
		l.playGen++
		if sound.Kind == tandem.SoundFile {
			s.after(l, fileTime(sound.Times), actPlayed)
		}
		s.notifyLocked()
		return nil
	})
}

// StopPlay ends what plays; a leg to which nothing plays is left as it is.
func (s *Switch) StopPlay(ctx context.Context, id tandem.LegID) error {
	return s.command(ctx, "stop play", id, func(l *leg) error {
		if !l.state.Up() {
			return tandem.ErrState
		}
		l.playing = tandem.Sound{}
		l.playGen++
		s.notifyLocked()
		return nil
	})
}

// SendDigits lets the far end hear keys; Party.Digit reads them there.
func (s *Switch) SendDigits(ctx context.Context, id tandem.LegID, digits string) error {
	if digits == "" || strings.ContainsFunc(digits, func(r rune) bool { return !isKey(r) }) {
		return callError("send digits", id, fmt.Errorf("digits %q: %w", digits, tandem.ErrInvalid))
	}
	return s.command(ctx, "send digits", id, func(l *leg) error {
		if !l.state.Up() {
			return tandem.ErrState
		}
		for i := range len(digits) {
			l.hear(digits[i])
		}
		s.notifyLocked()
		return nil
	})
}

// Hold lets an answered leg hear music instead of its peer.
func (s *Switch) Hold(ctx context.Context, id tandem.LegID) error {
	return s.command(ctx, "hold", id, func(l *leg) error {
		if !l.state.Up() || l.held {
			return tandem.ErrState
		}
		l.held = true
		s.emit(tandem.LegHeld{Leg: l.id, Held: true, By: tandem.PartySystem})
		return nil
	})
}

// Resume takes a leg back from hold.
func (s *Switch) Resume(ctx context.Context, id tandem.LegID) error {
	return s.command(ctx, "resume", id, func(l *leg) error {
		if !l.held {
			return tandem.ErrState
		}
		l.held = false
		s.emit(tandem.LegHeld{Leg: l.id, Held: false, By: tandem.PartySystem})
		return nil
	})
}

// command finds the leg and does f to it under the mutex.
func (s *Switch) command(ctx context.Context, op string, id tandem.LegID, f func(*leg) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.find(op, id)
	if err != nil {
		return err
	}
	if s.full() {
		return callError(op, id, tandem.ErrFull)
	}
	if err := f(l); err != nil {
		return callError(op, id, err)
	}
	return nil
}

func (s *Switch) find(op string, id tandem.LegID) (*leg, error) {
	if s.state != running {
		return nil, callError(op, id, tandem.ErrClosed)
	}
	l := s.legs[id]
	if l == nil {
		return nil, callError(op, id, tandem.ErrNotFound)
	}
	return l, nil
}

func callError(op string, leg tandem.LegID, err error) error {
	return fmt.Errorf("loopback: %w", &tandem.CallError{Op: op, Leg: leg, Err: err})
}
