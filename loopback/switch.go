package loopback

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
)

// Switch is a tandem.Switch in memory; use New. All methods may be called concurrently.
type Switch struct {
	cfg   Config
	wake  chan struct{} // capacity 1: something happened that Run should look at
	begun chan struct{} // closed when Run has begun

	mu      sync.Mutex
	state   runState
	legs    map[tandem.LegID]*leg
	born    uint64
	agents  map[tandem.AgentID]*agent
	trunks  map[tandem.TrunkID]*trunk
	agenda  agenda
	out     []tandem.Record // events not delivered yet
	changed chan struct{}   // closed at the next change; nil while nobody waits for one
}

// runState is how far Run has come.
type runState uint8

const (
	notRun runState = iota
	running
	stopped
)

type agent struct {
	Agent
	attached bool
}

type trunk struct {
	Trunk
	busy int
	down bool
}

// The ports that the switch implements.
var (
	_ tandem.Switch      = (*Switch)(nil)
	_ tandem.Ringer      = (*Switch)(nil)
	_ tandem.Parter      = (*Switch)(nil)
	_ tandem.Player      = (*Switch)(nil)
	_ tandem.DigitSender = (*Switch)(nil)
	_ tandem.Holder      = (*Switch)(nil)
)

// New makes a switch; Run makes it work. A Config that breaks a rule is a tandem.ErrInvalid.
func New(cfg Config) (*Switch, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.IDs == nil {
		cfg.IDs = tandem.SequentialIDs("in")
	}
	if cfg.Backlog == 0 {
		cfg.Backlog = 100_000
	}
	s := &Switch{
		cfg:    cfg,
		wake:   make(chan struct{}, 1),
		begun:  make(chan struct{}),
		legs:   make(map[tandem.LegID]*leg),
		agents: make(map[tandem.AgentID]*agent),
		trunks: make(map[tandem.TrunkID]*trunk),
	}
	for _, a := range cfg.Agents {
		s.agents[a.ID] = &agent{Agent: a, attached: !a.Away}
	}
	for _, t := range cfg.Trunks {
		s.trunks[t.ID] = &trunk{Trunk: t, down: t.Down}
	}
	return s, nil
}

// Run delivers events to h and lets the far ends act, until ctx ends or h returns an error. First it tells which agents
// have a device and which trunks work. Before it returns, it hangs up every leg.
func (s *Switch) Run(ctx context.Context, h tandem.Handler) error {
	if h == nil {
		return &tandem.ConfigError{Where: "loopback: handler", What: "is missing"}
	}
	if err := s.begin(); err != nil {
		return err
	}
	defer s.finish()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		batch, wait := s.advance()
		if len(batch) > 0 {
			if err := h.Handle(ctx, batch...); err != nil && ctx.Err() == nil {
				return fmt.Errorf("loopback: handle events: %w", err)
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-timer.C:
		}
	}
	return ctx.Err()
}

func (s *Switch) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != notRun {
		return fmt.Errorf("loopback: run: called before: %w", tandem.ErrState)
	}
	s.state = running
	close(s.begun)
	for _, a := range s.cfg.Agents {
		if s.agents[a.ID].attached {
			s.emit(tandem.DeviceChanged{Agent: a.ID, Reachable: true})
		}
	}
	for _, t := range s.cfg.Trunks {
		if !s.trunks[t.ID].down {
			s.emit(tandem.TrunkChanged{Trunk: t.ID, Up: true})
		}
	}
	return nil
}

func (s *Switch) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = stopped
	for _, l := range s.legs {
		s.end(l, tandem.CauseNormal, ours)
	}
	s.out = nil
	s.agenda = agenda{}
	s.notifyLocked()
}

// advance does what is due and returns the events that this and others' commands made, or how long to wait.
func (s *Switch) advance() ([]tandem.Record, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.out) == 0 {
		it, ok := s.agenda.due(now)
		if !ok {
			break
		}
		s.perform(it)
	}
	batch := s.out
	s.out = nil
	if len(batch) > 0 {
		s.notifyLocked()
	}
	next, ok := s.agenda.next()
	if !ok {
		return batch, time.Hour
	}
	return batch, next.Sub(now)
}

// now is the time at which whatever happens under the mutex happens.
func (s *Switch) now() time.Time { return time.Now() }

// emit queues an event for the Handler. The caller holds the mutex.
func (s *Switch) emit(e tandem.Event) {
	if s.state != running {
		return
	}
	s.out = append(s.out, tandem.Record{At: s.now(), Event: e})
	s.rouse()
}

// rouse makes Run look at the events and the agenda again.
func (s *Switch) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Switch) full() bool { return len(s.out) >= s.cfg.Backlog }

// notifyLocked wakes whoever waits for a change.
func (s *Switch) notifyLocked() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// await calls done under the mutex until it says yes, at every change, or until ctx ends.
func (s *Switch) await(ctx context.Context, done func() bool) error {
	for {
		s.mu.Lock()
		if done() {
			s.mu.Unlock()
			return nil
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
