package loopback

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
)

// FileLength is how long a played file lasts, whatever its name.
const FileLength = time.Second

// fileTime is how long a file lasts that is played so many times.
func fileTime(times int) time.Duration { return time.Duration(max(1, times)) * FileLength }

// Party is the far end of one leg: a telephone with one call on it, to be moved by hand. Its methods may be called
// concurrently; once the call is over they return tandem.ErrNotFound.
type Party struct{ leg *leg }

// Call lets a customer call in: the Handler gets LegIncoming, and the customer waits for an answer as long as the
// script's patience goes. The error is tandem.ErrInvalid (unknown trunk, wrong script), tandem.ErrFull (no channel is
// free), tandem.ErrState (the trunk is down) or tandem.ErrClosed (Run has ended). A customer who calls before Run has begun
// waits for it.
func (s *Switch) Call(ctx context.Context, c Customer) (*Party, error) {
	if err := c.Script.Validate(); err != nil {
		return nil, fmt.Errorf("loopback: call: %w", err)
	}
	select {
	case <-s.begun:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.trunks[c.Trunk]
	switch {
	case s.state != running:
		return nil, fmt.Errorf("loopback: call: %w", tandem.ErrClosed)
	case t == nil:
		return nil, &tandem.ConfigError{Where: "loopback: call.trunk", What: fmt.Sprintf("%q does not exist", c.Trunk)}
	case t.down:
		return nil, fmt.Errorf("loopback: call: trunk %s is down: %w", c.Trunk, tandem.ErrState)
	case t.Channels > 0 && t.busy >= t.Channels, s.full():
		return nil, fmt.Errorf("loopback: call: trunk %s: %w", c.Trunk, tandem.ErrFull)
	}
	t.busy++
	return s.incoming(&leg{trunk: c.Trunk, script: c.Script}, tandem.LegIncoming{Trunk: c.Trunk, From: c.From, To: c.To}), nil
}

// CallFrom lets an agent's device dial a number: the Handler gets LegIncoming with the agent's name. An agent without a
// device is tandem.ErrState.
func (s *Switch) CallFrom(ctx context.Context, id tandem.AgentID, to tandem.Number) (*Party, error) {
	select {
	case <-s.begun:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.agents[id]
	switch {
	case s.state != running:
		return nil, fmt.Errorf("loopback: call from agent: %w", tandem.ErrClosed)
	case a == nil:
		return nil, fmt.Errorf("loopback: call from agent %s: %w", id, tandem.ErrNotFound)
	case !a.attached:
		return nil, fmt.Errorf("loopback: call from agent %s: no device: %w", id, tandem.ErrState)
	case s.full():
		return nil, fmt.Errorf("loopback: call from agent %s: %w", id, tandem.ErrFull)
	}
	e := tandem.LegIncoming{Agent: id, From: tandem.CallerID{Name: string(id)}, To: to}
	return s.incoming(&leg{agent: id}, e), nil
}

func (s *Switch) incoming(l *leg, e tandem.LegIncoming) *Party {
	l.sw, l.incoming, l.id = s, true, tandem.LegID(s.cfg.IDs())
	s.add(l, tandem.LegStateIn)
	e.Leg = l.id
	s.emit(e)
	if l.script.Patience > 0 {
		s.after(l, l.script.Patience, actPatience)
	}
	return &Party{leg: l}
}

// Ringing waits until a dialled leg rings at an agent's device or a customer's telephone and returns that far end. Each leg
// is returned once, the longest ringing first.
func (s *Switch) Ringing(ctx context.Context, at tandem.Endpoint) (*Party, error) {
	var found *leg
	err := s.await(ctx, func() bool {
		for _, l := range s.legs {
			fits := l.agent == at.Agent && l.trunk == at.Trunk && l.number == at.Number
			if fits && l.state == tandem.LegStateRinging && !l.claimed && (found == nil || l.seq < found.seq) {
				found = l
			}
		}
		if found != nil {
			found.claimed = true
		}
		return found != nil
	})
	if err != nil {
		return nil, fmt.Errorf("loopback: wait for ringing: %w", err)
	}
	return &Party{leg: found}, nil
}

// Attach gives an agent a device that can ring; an agent whom Config does not name becomes known, with the zero Script.
func (s *Switch) Attach(id tandem.AgentID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.agents[id]
	if a == nil {
		a = &agent{Agent: Agent{ID: id}}
		s.agents[id] = a
	}
	if !a.attached {
		a.attached = true
		s.emit(tandem.DeviceChanged{Agent: id, Reachable: true})
	}
}

// Detach takes an agent's device away. What rings there ends as unavailable; a conversation goes on.
func (s *Switch) Detach(id tandem.AgentID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.agents[id]
	if a == nil || !a.attached {
		return
	}
	a.attached = false
	s.emit(tandem.DeviceChanged{Agent: id, Reachable: false})
	s.endAll(func(l *leg) bool {
		return l.agent == id && (l.state == tandem.LegStateDialing || l.state == tandem.LegStateRinging)
	}, tandem.CauseUnavailable)
}

// TrunkDown takes a trunk out of order: its calls end with tandem.CauseNetwork, and so does what is dialled through it.
func (s *Switch) TrunkDown(id tandem.TrunkID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.trunks[id]
	if t == nil || t.down {
		return
	}
	t.down = true
	s.emit(tandem.TrunkChanged{Trunk: id, Up: false, Detail: "taken down"})
	s.endAll(func(l *leg) bool { return l.trunk == id }, tandem.CauseNetwork)
}

// TrunkUp repairs a trunk.
func (s *Switch) TrunkUp(id tandem.TrunkID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.trunks[id]; t != nil && t.down {
		t.down = false
		s.emit(tandem.TrunkChanged{Trunk: id, Up: true})
	}
}

// endAll ends the legs that fit, the oldest first.
func (s *Switch) endAll(fits func(*leg) bool, cause tandem.Cause) {
	var chosen []*leg
	for _, l := range s.legs {
		if fits(l) {
			chosen = append(chosen, l)
		}
	}
	slices.SortFunc(chosen, func(a, b *leg) int { return cmp.Compare(a.seq, b.seq) })
	for _, l := range chosen {
		s.end(l, cause, theirs)
	}
}

// Leg returns the name of the party's leg.
func (p *Party) Leg() tandem.LegID { return p.leg.id }

// State returns how far the call has come, as the far end sees it.
func (p *Party) State() tandem.LegState {
	p.leg.sw.mu.Lock()
	defer p.leg.sw.mu.Unlock()
	return p.view()
}

// view is the far end's view: a caller who was told that it rings is in LegStateRinging.
func (p *Party) view() tandem.LegState {
	if p.leg.state == tandem.LegStateIn && p.leg.rung {
		return tandem.LegStateRinging
	}
	return p.leg.state
}

// Cause returns why the call ended; tandem.CauseUnset while it has not.
func (p *Party) Cause() tandem.Cause {
	p.leg.sw.mu.Lock()
	defer p.leg.sw.mu.Unlock()
	return p.leg.cause
}

// Answer takes a call that rings.
func (p *Party) Answer() error {
	return p.do("answer", func(l *leg) error {
		if l.state != tandem.LegStateRinging {
			return tandem.ErrState
		}
		l.sw.up(l)
		return nil
	})
}

// Refuse refuses a call that rings, for the given cause.
func (p *Party) Refuse(cause tandem.Cause) error {
	return p.do("refuse", func(l *leg) error {
		if l.state != tandem.LegStateRinging && l.state != tandem.LegStateDialing {
			return tandem.ErrState
		}
		l.sw.end(l, cause, theirs)
		return nil
	})
}

// HangUp ends the call from the far end: a caller gives up, an answered call ends, a ringing one is declined.
func (p *Party) HangUp() error {
	return p.do("hang up", func(l *leg) error {
		l.sw.farHangUp(l)
		return nil
	})
}

// Press presses a key: one of 0-9 * # A-D.
func (p *Party) Press(key byte) error {
	return p.do("press", func(l *leg) error {
		switch {
		case !isKey(rune(key)):
			return fmt.Errorf("key %q: %w", key, tandem.ErrInvalid)
		case !l.state.Up():
			return tandem.ErrState
		}
		l.sw.press(l, key)
		return nil
	})
}

// Wait waits until the far end has seen its call reach the state (LegStateRinging, LegStateUp, LegStateBridged or
// LegStateEnded), or one that lies behind it. A call that ends before is tandem.ErrNotFound.
func (p *Party) Wait(ctx context.Context, state tandem.LegState) error {
	over := false
	err := p.leg.sw.await(ctx, func() bool {
		v := p.view()
		over = v == tandem.LegStateEnded && state != v
		return v >= state
	})
	switch {
	case err != nil:
		return fmt.Errorf("loopback: wait for %s: %w", state, err)
	case over:
		return fmt.Errorf("loopback: wait for %s: %w", state, tandem.ErrNotFound)
	}
	return nil
}

// Digit waits for the next key that the far end hears: sent by SendDigits, or pressed by its peer.
func (p *Party) Digit(ctx context.Context) (byte, error) {
	var key byte
	err := p.leg.sw.await(ctx, func() bool {
		if len(p.leg.sent) == 0 {
			return false
		}
		key = p.leg.sent[0]
		p.leg.sent = append(p.leg.sent[:0], p.leg.sent[1:]...)
		return true
	})
	if err != nil {
		return 0, fmt.Errorf("loopback: wait for a key: %w", err)
	}
	return key, nil
}

// Hears returns what the far end hears: whom (the peer's leg), or which sound; silence is neither.
func (p *Party) Hears() (tandem.LegID, tandem.SoundKind) {
	p.leg.sw.mu.Lock()
	defer p.leg.sw.mu.Unlock()
	return p.hears()
}

func (p *Party) hears() (tandem.LegID, tandem.SoundKind) {
	l := p.leg
	switch {
	case l.state == tandem.LegStateIn && l.rung:
		return "", tandem.SoundRing
	case !l.state.Up():
		return "", tandem.SoundUnset
	case l.held:
		return "", tandem.SoundMusic
	case l.peer != nil && l.peer.held:
		return "", tandem.SoundUnset
	case l.peer != nil:
		return l.peer.id, tandem.SoundUnset
	}
	return "", l.playing.Kind
}

// WaitHears waits until the far end hears that leg (or nobody, when it is empty) and that sound (or none).
func (p *Party) WaitHears(ctx context.Context, leg tandem.LegID, sound tandem.SoundKind) error {
	err := p.leg.sw.await(ctx, func() bool {
		l, k := p.hears()
		return l == leg && k == sound
	})
	if err != nil {
		return fmt.Errorf("loopback: wait to hear: %w", err)
	}
	return nil
}

func (p *Party) do(op string, f func(*leg) error) error {
	s := p.leg.sw
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.leg.state == tandem.LegStateEnded {
		return fmt.Errorf("loopback: far end: %s: %w", op, tandem.ErrNotFound)
	}
	if err := f(p.leg); err != nil {
		return fmt.Errorf("loopback: far end: %s: %w", op, err)
	}
	return nil
}
