package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/sipbridge/siptest"
)

// simulated is what the demo's carrier and its robot agents have in common: a real SIP endpoint on loopback and a party
// with a voice on each of its calls. Its goroutines are one per party and one per waiting time; run awaits them all.
type simulated struct {
	name string
	ep   *sipcore.Endpoint
	log  *slog.Logger
	wg   sync.WaitGroup

	mu    sync.Mutex // guards the rest
	rng   *rand.Rand
	lines map[*sipcore.Call]*simLine
}

// simLine is one simulated party on the line.
type simLine struct {
	phone *siptest.RTPPhone
	offer sdp.Description
	stop  context.CancelFunc
}

// listen binds a socket on loopback for the handler.
func (s *simulated) listen(name string, seed uint64, peer netip.Addr, h sipcore.Handler, log *slog.Logger) error {
	s.name, s.log = name, log
	s.rng = rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // a simulation
	s.lines = map[*sipcore.Call]*simLine{}
	ep, err := sipcore.New(sipcore.Config{
		Listeners: []sipcore.Listener{{Transport: sipcore.TransportUDP, Addr: "127.0.0.1:0", Name: name}},
		Handler:   h,
		Admit: func(_ context.Context, in *sipcore.Inbound) sipcore.Admission {
			return sipcore.Admission{Allow: in.Source.Addr() == peer, Reason: "not the call centre"}
		},
		Domain: name + ".invalid", Logger: log,
	})
	if err != nil {
		return fmt.Errorf("demo %s: %w", name, err)
	}
	s.ep = ep
	return nil
}

// addr is where the endpoint listens; it waits until it does.
func (s *simulated) addr(ctx context.Context) (netip.AddrPort, error) {
	select {
	case <-s.ep.Ready():
	case <-ctx.Done():
		return netip.AddrPort{}, ctx.Err()
	}
	a, ok := s.ep.Addr(s.name)
	if !ok {
		return a, fmt.Errorf("demo %s: does not listen", s.name)
	}
	return a, nil
}

// run serves the endpoint until ctx ends.
func (s *simulated) run(ctx context.Context) error {
	defer s.wg.Wait()
	return s.ep.Run(ctx)
}

// between returns a random time in [least, most).
func (s *simulated) between(least, most time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return least + time.Duration(s.rng.Int64N(int64(most-least)))
}

// later runs f after d unless ctx ends before.
func (s *simulated) later(ctx context.Context, d time.Duration, f func()) {
	s.wg.Go(func() {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			f()
		case <-ctx.Done():
		}
	})
}

// open makes a party, which lives until it is stopped or ctx ends.
func (s *simulated) open(ctx context.Context) (*simLine, error) {
	p, err := siptest.NewRTPPhone(siptest.RTPConfig{})
	if err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	s.wg.Go(func() {
		if err := p.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			s.report("phone", err)
		}
	})
	return &simLine{phone: p, offer: sdp.Offer(p.Local()), stop: stop}, nil
}

func (s *simulated) keep(c *sipcore.Call, l *simLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines[c] = l
}

func (s *simulated) line(c *sipcore.Call) *simLine {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines[c]
}

// drop ends a party's sound.
func (s *simulated) drop(c *sipcore.Call) {
	s.mu.Lock()
	l := s.lines[c]
	delete(s.lines, c)
	s.mu.Unlock()
	if l != nil {
		l.stop()
	}
}

// placed counts the calls that this side began.
func (s *simulated) placed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for c := range s.lines {
		if !c.Inbound() {
			n++
		}
	}
	return n
}

// pickUp answers an incoming call and speaks.
func (s *simulated) pickUp(c *sipcore.Call) bool {
	l := s.line(c)
	if l == nil {
		return false // it was cancelled meanwhile
	}
	body, err := answerOn(l, c.Offer())
	if err != nil {
		s.report("answer", err)
		s.report("refuse", c.Reject(488, sipcore.Cause{}))
		return false
	}
	s.report("answer", c.Answer(body))
	s.speak(l)
	return true
}

// speak gives the party a voice of its own.
func (s *simulated) speak(l *simLine) {
	s.mu.Lock()
	voice := s.rng.Uint64()
	s.mu.Unlock()
	l.phone.Speak(media.Speech(voice))
}

// Reoffer answers a re-INVITE: our side stays as it was.
func (s *simulated) Reoffer(_ context.Context, c *sipcore.Call, offer []byte) ([]byte, error) {
	l := s.line(c)
	if l == nil {
		return nil, errors.New("no such line")
	}
	return answerOn(l, offer)
}

// answerOn answers an offer with a line's phone.
func answerOn(l *simLine, offer []byte) ([]byte, error) {
	theirs, err := sdp.Parse(offer)
	if err != nil {
		return nil, fmt.Errorf("offer: %w", err)
	}
	ours, err := sdp.Answer(theirs, l.phone.Local())
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	if err := l.phone.Connect(ours, theirs); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return ours.Marshal()
}

// report logs what a simulated party could not do: the demo goes on.
func (s *simulated) report(what string, err error) {
	if err != nil && !errors.Is(err, sipcore.ErrClosed) && !errors.Is(err, sipcore.ErrState) {
		s.log.Warn("demo party", "name", s.name, "op", what, "error", err)
	}
}
