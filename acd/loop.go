package acd

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
)

// grace is how long Run takes at most to hand on its last records and hang up the last legs after its context has ended.
const grace = 5 * time.Second

// handBacklog is how many commands may wait for one hand; full: the scribe waits, and the loop in its turn.
const handBacklog = 64

// loop is the owner of the engine while Run runs. It decides; scribe, hands and routers act.
type loop struct {
	*Center
	ready  []batch // cut, and not yet taken by the scribe
	outbox chan batch
	free   chan Output // outputs whose memory may be used again
	hands  []chan Action
	routes chan Action   // full: the caller is refused with CauseCongestion, or hung up at an exit
	failed chan error    // holds the error of Config.Events, once
	quit   chan struct{} // closed when the loop takes nothing any more
	seed   maphash.Seed
	wg     sync.WaitGroup
}

// batch is a run of decisions: all of its records are handed on before the first of its actions is performed.
type batch struct {
	out    Output
	inputs []Input // what led to it, when it is recorded
	then   func()  // called between the two; nil: nothing
}

// Run decides until ctx ends or Config.Events fails, and returns that error. It then settles what is under way: every
// call is hung up and recorded as interrupted, every agent logged out, within a grace time of 5 s. It is called at most once; a second call
// returns ErrState.
func (c *Center) Run(ctx context.Context) error {
	if c.ran.Swap(true) {
		return fmt.Errorf("acd: run: called before: %w", tandem.ErrState)
	}
	defer close(c.done)
	l := &loop{
		Center: c, outbox: make(chan batch), free: make(chan Output, 2), routes: make(chan Action, c.cfg.Routers*16),
		failed: make(chan error, 1), quit: make(chan struct{}), seed: maphash.MakeSeed(),
	}
	// What has been decided is still handed on and performed after ctx has ended, for the time of grace.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	routing, stopRouting := context.WithCancel(ctx)
	defer stopRouting()
	l.start(routing, work)
	err := l.decide(ctx)
	stopRouting()
	close(l.quit)
	stop := time.AfterFunc(grace, cancel)
	defer stop.Stop()
	l.finish(work)
	l.wg.Wait()
	if err == nil {
		err = ctx.Err()
	}
	select {
	case failure := <-l.failed:
		return errors.Join(err, failure)
	default:
		return err
	}
}

// start runs the goroutines beside the loop: the routers under routing, the others under work.
func (l *loop) start(routing, work context.Context) {
	for range l.cfg.Routers {
		l.wg.Go(func() { l.router(routing) })
	}
	for range l.cfg.Hands {
		h := make(chan Action, handBacklog)
		l.hands = append(l.hands, h)
		l.wg.Go(func() { l.hand(work, h) })
	}
	l.wg.Go(func() { l.scribe(work) })
}

// decide is the owner loop. It returns the failure of Config.Events, or nil when ctx has ended.
func (l *loop) decide(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if len(l.ready) == 0 && l.engine.Pending()+len(l.inputs) > 0 {
			l.cut(nil)
		}
		var out chan<- batch
		var next batch
		if len(l.ready) > 0 {
			out, next = l.outbox, l.ready[0]
		}
		in := l.inbox
		if l.engine.Pending()+len(l.inputs) >= l.cfg.Backlog {
			in = nil
		}
		if at, ok := l.engine.Next(); ok {
			timer.Reset(time.Until(at))
		} else {
			timer.Stop()
		}
		select {
		case f := <-in:
			f(l, time.Now())
		case f := <-l.results:
			f(l, time.Now())
		case out <- next:
			l.ready = append(l.ready[:0], l.ready[1:]...)
		case <-timer.C:
			l.engine.Tick(time.Now())
		case err := <-l.failed:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// cut closes the current batch, after whose records then is called.
func (l *loop) cut(then func()) {
	var memory Output
	select {
	case memory = <-l.free:
	default:
	}
	l.ready = append(l.ready, batch{out: l.engine.Take(memory), inputs: l.inputs, then: then})
	l.inputs = nil
}

// finish settles everything and gives the scribe the last batches.
func (l *loop) finish(work context.Context) {
	defer close(l.outbox)
	l.engine.Stop(time.Now())
	l.cut(nil)
	for _, b := range l.ready {
		select {
		case l.outbox <- b:
		case <-work.Done():
			return
		}
	}
}

// incoming brings a caller to the engine.
func (l *loop) incoming(now time.Time, id tandem.CallID, in tandem.LegIncoming) {
	if err := l.engine.Incoming(now, id, in); err != nil {
		l.engine.fault(err)
	}
}

func (l *loop) routed(now time.Time, id tandem.CallID, r Route) {
	if err := l.engine.Routed(now, id, r); err != nil {
		l.engine.fault(err)
	}
}

// crowded takes an action for which no router is free.
func (l *loop) crowded(now time.Time, a Action) {
	if a.Kind == ActionExit {
		l.engine.Failed(now, a, tandem.ErrFull)
		return
	}
	l.routed(now, a.Call, Route{Refuse: tandem.CauseCongestion})
}

// scribe hands on the records, then releases the actions.
func (l *loop) scribe(work context.Context) {
	defer func() {
		for _, h := range l.hands {
			close(h)
		}
	}()
	broken := false
	for b := range l.outbox {
		if broken {
			continue // an action whose record is not written must not be performed
		}
		for _, err := range b.out.Faults {
			l.log.ErrorContext(work, "acd: fault", "error", err)
		}
		for _, in := range b.inputs {
			l.cfg.Record(in)
		}
		if rs := b.out.Records(nil); len(rs) > 0 && l.cfg.Events != nil {
			if err := l.cfg.Events.Handle(work, rs...); err != nil {
				broken = true
				l.failed <- fmt.Errorf("acd: hand on events: %w", err)
				continue
			}
		}
		if b.then != nil {
			b.then()
		}
		for _, a := range b.out.Actions {
			l.release(work, a)
		}
		select {
		case l.free <- b.out:
		default:
		}
	}
}

// release gives an action to whoever performs it: for one call always to the same hand.
func (l *loop) release(work context.Context, a Action) {
	if a.Kind == ActionRoute || a.Kind == ActionExit {
		select {
		case l.routes <- a:
		default:
			l.report(func(l *loop, now time.Time) { l.crowded(now, a) })
		}
		return
	}
	key := string(a.Call)
	if key == "" {
		key = string(a.Leg)
	}
	select {
	case l.hands[maphash.String(l.seed, key)%uint64(len(l.hands))] <- a:
	case <-work.Done():
	}
}

// report tells the loop what came of an action, unless it has ended.
func (l *loop) report(in input) {
	select {
	case l.results <- in:
	case <-l.quit:
	}
}

// hand performs actions on the switch.
func (l *loop) hand(work context.Context, actions <-chan Action) {
	for a := range actions {
		if err := l.perform(work, a); err != nil {
			l.log.DebugContext(work, "acd: command failed", "op", a.Kind.String(), "call_id", a.Call, "leg_id", a.Leg, "error", err)
			l.report(func(l *loop, now time.Time) { l.engine.Failed(now, a, err) })
		}
	}
}

func (l *loop) perform(ctx context.Context, a Action) error {
	switch a.Kind {
	case ActionAnswer:
		return l.cfg.Switch.Answer(ctx, a.Leg)
	case ActionPlay:
		if l.player == nil {
			return tandem.ErrUnsupported
		}
		return l.player.Play(ctx, a.Leg, a.Sound)
	case ActionDial:
		return l.cfg.Switch.Dial(ctx, a.Dialling())
	case ActionBridge:
		return l.cfg.Switch.Bridge(ctx, a.Leg, a.Peer)
	case ActionHangup:
		return l.cfg.Switch.Hangup(ctx, a.Leg, a.Cause)
	case ActionUnset, ActionRoute, ActionExit:
	}
	return fmt.Errorf("%s is no command: %w", a.Kind, tandem.ErrInvalid)
}

// router looks up routes.
func (l *loop) router(ctx context.Context) {
	for {
		select {
		case a := <-l.routes:
			if a.Kind == ActionExit {
				if err := l.exit(ctx, a); err != nil {
					l.report(func(l *loop, now time.Time) { l.engine.Failed(now, a, err) })
				}
				continue
			}
			r := l.route(ctx, a)
			l.report(func(l *loop, now time.Time) { l.routed(now, a.Call, r) })
		case <-ctx.Done():
			return
		}
	}
}

// exit gives a call to the host, and lives through its faults.
func (l *loop) exit(ctx context.Context, a Action) (err error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.RouteTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("exit panicked: %v", p)
		}
	}()
	return l.cfg.Exit(ctx, a.Departing())
}

// route asks the host, and lives through its faults: the caller is refused, the others are not concerned.
func (l *loop) route(ctx context.Context, a Action) (r Route) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.RouteTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			l.log.ErrorContext(ctx, "acd: route panicked", "call_id", a.Call, "panic", fmt.Sprint(p))
			r = Route{Refuse: tandem.CauseFailed}
		}
	}()
	r, err := l.cfg.Route(ctx, a.Incoming())
	if err != nil {
		l.log.ErrorContext(ctx, "acd: route failed", "call_id", a.Call, "leg_id", a.Leg, "error", err)
		return Route{Refuse: tandem.CauseFailed}
	}
	return r
}
