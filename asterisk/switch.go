package asterisk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk/ami"
)

// Switch is a tandem.Switch over one Asterisk; use New. All methods may be called concurrently.
type Switch struct {
	cfg    Config
	client *ami.Client
	// cmds is work for the loop; full: whoever brings it waits.
	cmds    chan func(*loop)
	notices chan ami.Notice
	stop    chan struct{} // closed when Run wants the loop to hang up everything and end
	done    chan struct{} // closed when the loop has ended
	outbox  outbox

	mu      sync.Mutex
	started bool
}

// The ports that the switch implements.
var (
	_ tandem.Switch      = (*Switch)(nil)
	_ tandem.Ringer      = (*Switch)(nil)
	_ tandem.Parter      = (*Switch)(nil)
	_ tandem.Player      = (*Switch)(nil)
	_ tandem.DigitSender = (*Switch)(nil)
)

// New makes a switch; Run makes it work. A Config that breaks a rule is a tandem.ErrInvalid.
func New(cfg Config) (*Switch, error) {
	cfg.setDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("asterisk: %w", err)
	}
	client, err := ami.New(cfg.AMI)
	if err != nil {
		return nil, fmt.Errorf("asterisk: %w", err)
	}
	return &Switch{
		cfg: cfg, client: client,
		cmds: make(chan func(*loop), 256), notices: make(chan ami.Notice),
		stop: make(chan struct{}), done: make(chan struct{}),
		outbox: outbox{wake: make(chan struct{}, 1), limit: 2 * cfg.Backlog},
	}, nil
}

// Run connects to Asterisk and delivers events to h until ctx ends, h returns an error, or Asterisk refuses the first login
// (ami.ErrAuth). Commands fail with ErrClosed until the first connection is up. Before it returns, it hangs up every leg; when
// Asterisk cannot be reached then, they stay until Asterisk itself ends them.
func (s *Switch) Run(ctx context.Context, h tandem.Handler) error {
	if h == nil {
		return &tandem.ConfigError{Where: "asterisk: handler", What: "is missing"}
	}
	if !s.begin() {
		return fmt.Errorf("asterisk: run: called before: %w", tandem.ErrState)
	}
	// The loop needs the connection for its last hang-ups, after ctx has ended.
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	failed := make(chan error, 1)
	var all sync.WaitGroup
	all.Go(func() { failed <- s.client.Run(inner, s.notice) })
	all.Go(func() {
		defer close(s.done)
		newLoop(s).run(inner)
	})
	err := s.deliver(ctx, h, failed)
	close(s.stop)
	<-s.done
	cancel()
	all.Wait()
	return err
}

func (s *Switch) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.started
	s.started = true
	return first
}

func (s *Switch) running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.started
}

// notice hands what the client tells to the loop.
func (s *Switch) notice(ctx context.Context, n ami.Notice) error {
	select {
	case s.notices <- n:
		return nil
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// deliver hands events to h.
func (s *Switch) deliver(ctx context.Context, h tandem.Handler, failed <-chan error) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return fmt.Errorf("asterisk: %w", err)
		case <-s.outbox.wake:
		}
		batch, err := s.outbox.take()
		if err != nil {
			return fmt.Errorf("asterisk: events for the handler: %w", err)
		}
		if len(batch) == 0 {
			continue
		}
		if err := h.Handle(ctx, batch...); err != nil {
			if ctx.Err() != nil {
				return errors.Join(ctx.Err(), err)
			}
			return fmt.Errorf("asterisk: handle events: %w", err)
		}
	}
}

// outbox holds events on their way to the Handler, so that the loop never waits for it.
type outbox struct {
	wake  chan struct{} // capacity 1
	limit int           // beyond, Run ends

	mu      sync.Mutex
	records []tandem.Record
	over    bool
}

func (o *outbox) put(e tandem.Event) {
	o.mu.Lock()
	if len(o.records) < o.limit {
		o.records = append(o.records, tandem.Record{At: time.Now(), Event: e})
	} else {
		o.over = true
	}
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) take() ([]tandem.Record, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return nil, fmt.Errorf("%d wait: %w", len(o.records), tandem.ErrFull)
	}
	batch := o.records
	o.records = nil
	return batch, nil
}

func (o *outbox) size() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.records)
}
