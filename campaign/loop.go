package campaign

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

// job is a piece of work outside the loop: it calls ports. What it returns is done inside the loop, with the result.
type job func(ctx context.Context) (done func())

// loop is what the goroutine of Run owns.
type loop struct {
	r   *Runner
	cfg *Config

	state    tandem.CampaignState
	changing bool // a change of state is under way
	flights  map[tandem.CallID]*flight
	legs     map[tandem.LegID]*flight
	unsaved  []*flight // over, and the store could not take it yet

	leads   []Leased // leased, not dialled yet; at most ahead()
	leasing bool
	leaseAt time.Time // not to ask for more leads before

	stale   bool // something happened since the agents were looked at
	asking  bool
	gen     uint64      // counts the calls that agents took
	may     atomic.Bool // calls may be placed: read by the jobs that are about to
	staff   int         // how many agents there were
	able    bool        // one of them could take a call, now or soon
	rule    string
	nextAsk time.Time // the pacer's wish

	jobs    []job // not handed to a worker yet; bounded by the flights and leads
	results chan func()
	fault   error // why Run must end

	store    trouble
	failing  string // what the store did not do last
	trunk    trouble
	nextDial time.Time // for Trunk.PerSecond
	wake     time.Time // when plan wants to be called again at the latest

	snap dialer.Snapshot // used again
}

func newLoop(r *Runner) *loop {
	return &loop{
		r:       r,
		cfg:     &r.cfg,
		flights: make(map[tandem.CallID]*flight),
		legs:    make(map[tandem.LegID]*flight),
		results: make(chan func(), r.cfg.Workers),
		stale:   true,
		store:   trouble{first: time.Second, limit: 30 * time.Second, free: 0},
		trunk:   trouble{first: 5 * time.Second, limit: time.Minute, free: 4},
	}
}

// open loads the campaign and settles what a former process of this node left behind.
func (l *loop) open(ctx context.Context) error {
	loaded, err := l.cfg.Store.Load(ctx, l.cfg.ID, l.cfg.Node)
	if err != nil {
		return fmt.Errorf("campaign: load %s: %w", l.cfg.ID, err)
	}
	l.state = loaded.State
	if l.state == tandem.CampaignUnset {
		if err := l.save(ctx, tandem.CampaignUnset, tandem.CampaignDraft, "created"); err != nil {
			return err
		}
		l.state = tandem.CampaignDraft
	}
	for _, a := range loaded.Unfinished {
		if err := l.interrupt(ctx, a); err != nil {
			return err
		}
	}
	if n := len(loaded.Unfinished); n > 0 {
		l.cfg.Logger.WarnContext(ctx, "campaign settled interrupted attempts", "campaign", l.cfg.ID, "attempts", n)
	}
	return nil
}

// interrupt settles an attempt of a former process. Whether the person was reached, nobody knows: only the rule for
// interrupted attempts may try again.
func (l *loop) interrupt(ctx context.Context, a Attempt) error {
	now := time.Now()
	f := &flight{attempt: a, outcome: tandem.OutcomeInterrupted, cause: tandem.CauseInterrupted}
	f.next = l.cfg.Retry.Next(a.Phones, a.Before, f.outcome, now)
	err := l.cfg.Store.Settle(ctx, f.settlement(now))
	if errors.Is(err, tandem.ErrConflict) {
		return nil // another node was first
	}
	if err != nil {
		return fmt.Errorf("campaign: settle attempt %s: %w", a.ID, err)
	}
	return l.emit(ctx, f.ended())
}

// ended is the event of the flight's settlement.
func (f *flight) ended() tandem.AttemptEnded {
	e := tandem.AttemptEnded{
		Attempt:  f.attempt.ID,
		Campaign: f.attempt.Campaign,
		Lead:     f.attempt.Lead,
		Outcome:  f.outcome,
		Cause:    f.cause,
	}
	if f.next.State == LeadWaiting {
		e.RetryAt = f.next.NextAt
	}
	return e
}

// save stores a change of the campaign's state and tells it.
func (l *loop) save(ctx context.Context, from, to tandem.CampaignState, reason string) error {
	if err := l.cfg.Store.SetState(ctx, l.cfg.ID, from, to); err != nil {
		return fmt.Errorf("campaign: set state of %s: %w", l.cfg.ID, err)
	}
	return l.emit(ctx, tandem.CampaignChanged{Campaign: l.cfg.ID, From: from, To: to, Reason: reason})
}

// emit hands events to Config.Events. It is called by jobs, and by the loop before and after its work only.
func (l *loop) emit(ctx context.Context, events ...tandem.Event) error {
	now := time.Now()
	rs := make([]tandem.Record, len(events))
	for i, e := range events {
		rs[i] = tandem.Record{At: now, Event: e}
	}
	if err := l.cfg.Events.Handle(ctx, rs...); err != nil {
		return &eventsError{fmt.Errorf("campaign: record %s: %w", events[0].Kind(), err)}
	}
	return nil
}

// eventsError marks an error of Config.Events, which ends Run.
type eventsError struct{ err error }

// Error returns the wrapped error's text.
func (e *eventsError) Error() string { return e.err.Error() }

// Unwrap returns the wrapped error.
func (e *eventsError) Unwrap() error { return e.err }

// run is the loop.
func (l *loop) run(ctx context.Context) error {
	work := make(chan job)
	var workers sync.WaitGroup
	for range l.cfg.Workers {
		workers.Go(func() {
			for j := range work {
				l.results <- j(ctx)
			}
		})
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil && l.fault == nil {
		l.plan(time.Now())
		var hand chan job
		var first job
		if len(l.jobs) > 0 {
			hand, first = work, l.jobs[0]
		}
		timer.Reset(time.Until(l.wake))
		select {
		case <-ctx.Done():
		case hand <- first:
			l.jobs[0] = nil
			l.jobs = l.jobs[1:]
		case done := <-l.results:
			done()
		case rec := <-l.r.inbox:
			l.handle(rec)
		case <-l.r.nudge:
			l.stale = true
		case f := <-l.r.commands:
			f(l)
		case <-timer.C:
		}
	}
	close(work)
	go func() {
		workers.Wait()
		close(l.results)
	}()
	for done := range l.results {
		done()
	}
	l.close(ctx)
	if l.fault != nil {
		return l.fault
	}
	return ctx.Err()
}

// do arranges a job.
func (l *loop) do(j job) { l.jobs = append(l.jobs, j) }

// fail notes an error; one of Config.Events ends Run.
func (l *loop) fail(err error) {
	var e *eventsError
	if errors.As(err, &e) && l.fault == nil {
		l.fault = err
	}
}

// change arranges a change of the campaign's state on command, or by itself.
func (l *loop) change(to tandem.CampaignState, reason string, reply func(error)) {
	from := l.state
	switch {
	case l.changing:
		reply(fmt.Errorf("campaign: %s is being changed: %w", l.cfg.ID, tandem.ErrConflict))
		return
	case !from.CanBecome(to):
		reply(fmt.Errorf("campaign: %s is %s and cannot become %s: %w", l.cfg.ID, from, to, tandem.ErrState))
		return
	}
	l.changing = true
	// Nothing more is dialled from here on, whether or not the store can be told.
	if to != tandem.CampaignActive {
		l.state = to
		l.may.Store(false)
	}
	l.do(func(ctx context.Context) func() {
		err := l.save(ctx, from, to, reason)
		return func() {
			l.changing = false
			l.fail(err)
			if err == nil {
				l.state = to
				l.stale = true
				l.leaseAt = time.Time{}
			} else {
				l.state = from
				l.reload()
			}
			reply(err)
		}
	})
}

// reload takes over the state that another node has stored.
func (l *loop) reload() {
	l.do(func(ctx context.Context) func() {
		loaded, err := l.cfg.Store.Load(ctx, l.cfg.ID, l.cfg.Node)
		return func() {
			if err != nil {
				l.storeFailed(ctx, "load", err)
				return
			}
			if !l.changing && loaded.State != tandem.CampaignUnset {
				l.state = loaded.State
			}
		}
	})
}

func (l *loop) status() Status {
	s := Status{State: l.state, Ahead: len(l.leads), Ledger: l.cfg.Ledger.Tally(time.Now()), Rule: l.rule}
	for _, f := range l.flights {
		switch f.stage(l.gen) {
		case dialer.StageDialing:
			s.Dialing++
		case dialer.StageWaiting:
			s.Waiting++
		case dialer.StageConnected:
			s.Talking++
		case dialer.StageUnset:
		}
	}
	switch {
	case l.store.lasting():
		s.Troubled = "store"
	case l.trunk.lasting():
		s.Troubled = "trunk"
	}
	return s
}

// storeFailed notes an error of the store and holds off for a while.
func (l *loop) storeFailed(ctx context.Context, op string, err error) {
	if ctx.Err() != nil {
		return
	}
	l.store.bad(time.Now())
	l.failing = op
	l.cfg.Logger.ErrorContext(ctx, "campaign store failed", "campaign", l.cfg.ID, "op", op, "error", err)
}

// trouble is a back-off that doubles with each failure in a row, after the first few.
type trouble struct {
	first, limit time.Duration
	free         int // so many failures in a row cost nothing
	row          int
	until        time.Time
}

func (t *trouble) bad(now time.Time) {
	t.row++
	if t.row <= t.free {
		return
	}
	wait := t.limit
	if n := t.row - t.free - 1; n < 16 {
		wait = min(t.limit, t.first<<n)
	}
	t.until = now.Add(wait)
}

// lasting says whether the failures go on, also in the moment in which it is tried again.
func (t *trouble) lasting() bool { return t.row > t.free }

func (t *trouble) good() { t.row, t.until = 0, time.Time{} }
