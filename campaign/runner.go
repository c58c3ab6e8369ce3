package campaign

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

// Runner works through one campaign's leads: it asks the pacer how many calls to place, records each attempt, dials it,
// hands the answered ones to the agents and settles what came of them. Use New; all methods may be called concurrently.
type Runner struct {
	cfg      Config
	ran      atomic.Bool
	inbox    chan tandem.Record // what concerns our calls; Config.Inbox
	nudge    chan struct{}      // capacity 1: an agent's state changed
	commands chan func(*loop)   // not buffered: a command is taken by a running loop or not at all
	done     chan struct{}      // closed when Run has returned

	mu    sync.Mutex
	legs  map[tandem.LegID]struct{} // of the flights under way
	calls map[tandem.CallID]struct{}
}

var _ tandem.Handler = (*Runner)(nil)

// New checks the configuration and makes a Runner; Run makes it work. A Config that breaks a rule is a tandem.ErrInvalid.
func New(cfg Config) (*Runner, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Runner{
		cfg:      cfg,
		inbox:    make(chan tandem.Record, cfg.Inbox),
		nudge:    make(chan struct{}, 1),
		commands: make(chan func(*loop)),
		done:     make(chan struct{}),
		legs:     make(map[tandem.LegID]struct{}),
		calls:    make(map[tandem.CallID]struct{}),
	}, nil
}

// Run settles what a former process of this node left unfinished, as interrupted, and then works until ctx ends or Config.Events
// fails. Before it returns it hangs up the calls that nobody has answered, settles every attempt (one that the
// routing engine has, by how far it came) and gives leased leads back, for at most 5 s. It is called at most once; a second call returns
// tandem.ErrState.
func (r *Runner) Run(ctx context.Context) error {
	if !r.ran.CompareAndSwap(false, true) {
		return fmt.Errorf("campaign: run %s: called before: %w", r.cfg.ID, tandem.ErrState)
	}
	defer close(r.done)
	l := newLoop(r)
	if err := l.open(ctx); err != nil {
		return err
	}
	return l.run(ctx)
}

// Handle takes the records of the switch and of the routing engine, which must reach the Runner in their order. It passes
// over what does not concern the campaign, and waits while the inbox is full and the Runner is running.
func (r *Runner) Handle(ctx context.Context, rs ...tandem.Record) error {
	for _, rec := range rs {
		switch {
		case r.concerns(rec.Event):
			select {
			case r.inbox <- rec:
			case <-r.done:
			case <-ctx.Done():
				return ctx.Err()
			}
		case rec.Event != nil && rec.Event.Kind() == (tandem.AgentChanged{}).Kind():
			select {
			case r.nudge <- struct{}{}:
			default:
			}
		}
	}
	return nil
}

// concerns says whether an event is about a flight.
func (r *Runner) concerns(e tandem.Event) bool {
	switch e := e.(type) {
	case tandem.LegAnswered:
		return r.isOurLeg(e.Leg)
	case tandem.LegEnded:
		return r.isOurLeg(e.Leg)
	case tandem.CallConnected:
		return r.isOurCall(e.Call)
	case tandem.CallEnded:
		return r.isOurCall(e.Call)
	default:
		return false
	}
}

func (r *Runner) isOurLeg(id tandem.LegID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.legs[id]
	return ok
}

func (r *Runner) isOurCall(id tandem.CallID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.calls[id]
	return ok
}

func (r *Runner) follow(a Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.legs[a.Leg] = struct{}{}
	r.calls[a.Call] = struct{}{}
}

func (r *Runner) forget(a Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.legs, a.Leg)
	delete(r.calls, a.Call)
}

// Start makes the campaign dial. The commands wait for Run to begin. tandem.ErrState: the campaign's state does not allow it;
// tandem.ErrConflict: another node or another command was first; tandem.ErrClosed: Run has returned.
func (r *Runner) Start(ctx context.Context, reason string) error {
	return r.change(ctx, tandem.CampaignActive, reason)
}

// Pause stops dialling. Calls under way go on. Its errors are those of Start.
func (r *Runner) Pause(ctx context.Context, reason string) error {
	return r.change(ctx, tandem.CampaignPaused, reason)
}

// Finish ends the campaign. Calls under way go on. Its errors are those of Start.
func (r *Runner) Finish(ctx context.Context, reason string) error {
	return r.change(ctx, tandem.CampaignFinished, reason)
}

func (r *Runner) change(ctx context.Context, to tandem.CampaignState, reason string) error {
	reply := make(chan error, 1)
	if err := r.ask(ctx, func(l *loop) { l.change(to, reason, func(err error) { reply <- err }) }); err != nil {
		return err
	}
	select {
	case err := <-reply:
		return err
	case <-r.done:
		select {
		case err := <-reply: // it was decided on the way out
			return err
		default:
			return fmt.Errorf("campaign: %s: %w", r.cfg.ID, tandem.ErrClosed)
		}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Status is a campaign at one instant.
type Status struct {
	State    tandem.CampaignState `json:"state"`
	Dialing  int                  `json:"dialing"`  // calls that nobody has answered yet
	Waiting  int                  `json:"waiting"`  // people who answered and wait for an agent
	Talking  int                  `json:"talking"`  // conversations
	Ahead    int                  `json:"ahead"`    // leads leased and not dialled yet
	Ledger   dialer.Tally         `json:"ledger"`   // of the window
	Rule     string               `json:"rule"`     // what the pacer's last decision was due to
	Troubled string               `json:"troubled"` // why it does not dial although it could: "store", "trunk"; empty: nothing
}

// Status returns the campaign as it is now; tandem.ErrClosed when Run has returned. It waits for Run to begin.
func (r *Runner) Status(ctx context.Context) (Status, error) {
	reply := make(chan Status, 1)
	if err := r.ask(ctx, func(l *loop) { reply <- l.status() }); err != nil {
		return Status{}, err
	}
	return <-reply, nil
}

// ask lets the loop call f.
func (r *Runner) ask(ctx context.Context, f func(*loop)) error {
	select {
	case r.commands <- f:
		return nil
	case <-r.done:
		return fmt.Errorf("campaign: %s: %w", r.cfg.ID, tandem.ErrClosed)
	case <-ctx.Done():
		return ctx.Err()
	}
}
