package acd

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/tandem-cc/tandem"
)

// Center is the running call centre: the engine over a Switch. All methods may be called concurrently. A command returns when the loop has decided
// on it; ErrClosed says that Run has ended, ctx's error that it was given up (the command may still take effect).
// Commands wait for Run to start.
type Center struct {
	cfg    Config
	player tandem.Player // nil when the switch cannot play
	log    *slog.Logger

	inbox   chan input // from Handle and the commands; full: they wait
	results chan input // from hands and routers; the loop always takes them
	ran     atomic.Bool
	done    chan struct{} // closed when Run has returned

	engine *Engine // owned by the loop
	inputs []Input // of the engine, since the last batch was cut; owned by the loop
}

var _ tandem.Handler = (*Center)(nil)

// input is something for the loop to do.
type input func(l *loop, now time.Time)

// New checks the configuration and returns a Center that does nothing before Run. A wrong setting is a *tandem.ConfigError; a sound without a
// switch that is a tandem.Player is one that is ErrUnsupported.
func New(cfg Config) (*Center, error) {
	if cfg.Switch == nil {
		return nil, &tandem.ConfigError{Where: "switch", What: "is missing"}
	}
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	player, _ := cfg.Switch.(tandem.Player)
	for i, q := range cfg.Queues {
		if q.Sound.Kind != tandem.SoundUnset && player == nil {
			return nil, &tandem.ConfigError{
				Where: fmt.Sprintf("queues[%d].sound", i), What: "needs a switch that can play", Err: tandem.ErrUnsupported,
			}
		}
	}
	for i, q := range cfg.Queues {
		if cfg.Exit == nil && q.leadsOut() {
			return nil, &tandem.ConfigError{Where: fmt.Sprintf("queues[%d]", i), What: "has an exit of the host's, and exit is missing"}
		}
	}
	c := &Center{
		cfg: cfg, player: player, log: cfg.Logger,
		inbox: make(chan input, cfg.Inbox), results: make(chan input, cfg.Hands+cfg.Routers), done: make(chan struct{}),
	}
	ec := EngineConfig{Queues: cfg.Queues, Agents: cfg.Agents, Ring: player != nil, Sharing: cfg.Sharing, Ageing: cfg.Ageing}
	if cfg.Record != nil {
		ec.Record = func(in Input) { c.inputs = append(c.inputs, in) }
	}
	var err error
	if c.engine, err = NewEngine(ec); err != nil {
		return nil, fmt.Errorf("acd: %w", err)
	}
	return c, nil
}

// fill puts the defaults in place of zeros.
func (c *Config) fill() error {
	for _, n := range []struct {
		where string
		n     *int
		def   int
	}{{"inbox", &c.Inbox, 1024}, {"backlog", &c.Backlog, 8192}, {"hands", &c.Hands, 8}, {"routers", &c.Routers, 16}} {
		if *n.n < 0 {
			return &tandem.ConfigError{Where: n.where, What: "is negative"}
		}
		if *n.n == 0 {
			*n.n = n.def
		}
	}
	if c.RouteTimeout < 0 {
		return &tandem.ConfigError{Where: "route_timeout", What: "is negative"}
	}
	c.RouteTimeout = orDefault(c.RouteTimeout, 10*time.Second)
	if c.Route == nil {
		c.Route = func(context.Context, tandem.LegIncoming) (Route, error) {
			return Route{Refuse: tandem.CauseForbidden}, nil
		}
	}
	if c.IDs == nil {
		c.IDs = tandem.RandomIDs()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Handle takes the switch's events; others are passed over. It waits while the inbox is full, until ctx ends. ErrClosed: Run has ended.
func (c *Center) Handle(ctx context.Context, rs ...tandem.Record) error {
	inputs := make([]input, 0, len(rs))
	for _, r := range rs {
		switch ev := r.Event.(type) {
		case tandem.LegIncoming:
			id := tandem.CallID(c.cfg.IDs()) // here, because the loop calls nothing of the host's
			inputs = append(inputs, func(l *loop, now time.Time) { l.incoming(now, id, ev) })
		case tandem.LegAnswered, tandem.LegBridged, tandem.LegEnded, tandem.LegDigit, tandem.DeviceChanged:
			inputs = append(inputs, func(l *loop, now time.Time) { l.engine.Handle(now, ev) })
		default:
		}
	}
	if len(inputs) == 0 {
		return nil
	}
	return c.post(ctx, func(l *loop, now time.Time) {
		for _, in := range inputs {
			in(l, now)
		}
	})
}

// post gives the loop something to do.
func (c *Center) post(ctx context.Context, in input) error {
	select {
	case <-c.done:
		return fmt.Errorf("acd: %w", tandem.ErrClosed)
	default:
	}
	select {
	case c.inbox <- in:
		return nil
	case <-c.done:
		return fmt.Errorf("acd: %w", tandem.ErrClosed)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask lets the loop answer a question, or carry out a command.
func ask[T any](ctx context.Context, c *Center, f func(l *loop, now time.Time, reply chan<- T)) (T, error) {
	var none T
	reply := make(chan T, 1)
	if err := c.post(ctx, func(l *loop, now time.Time) { f(l, now, reply) }); err != nil {
		return none, err
	}
	select {
	case v := <-reply:
		return v, nil
	case <-ctx.Done():
		return none, ctx.Err()
	case <-c.done:
	}
	select {
	case v := <-reply:
		return v, nil
	default:
		return none, fmt.Errorf("acd: %w", tandem.ErrClosed)
	}
}

func (c *Center) command(ctx context.Context, do func(e *Engine, now time.Time) error) error {
	err, gone := ask(ctx, c, func(l *loop, now time.Time, reply chan<- error) { reply <- do(l.engine, now) })
	if gone != nil {
		return gone
	}
	return err
}

// Enqueue puts a call into a queue and takes over its customer leg, which from then on only this centre commands: it emits the call's events up to
// CallEnded. CallStarted is emitted here for an inbound call, and by the dialling engine for an outbound one.
// ErrInvalid: a field is missing or wrong; ErrNotFound: no such queue or agent, or the leg has ended; ErrConflict: the call or leg is here
// already. With an error the caller keeps the call. A full queue is no error but an outcome: CallLeft, and the customer is hung up.
func (c *Center) Enqueue(ctx context.Context, a tandem.Arrival) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.Enqueue(now, a) })
}

// Login brings an agent to work: ready if a device could ring, else unavailable until one can. It does nothing when the agent is at work.
// ErrNotFound: no such agent.
func (c *Center) Login(ctx context.Context, agent tandem.AgentID) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.Login(now, agent) })
}

// Logout ends an agent's work, at the end of the call when there is one. An offer that rings is declined.
func (c *Center) Logout(ctx context.Context, agent tandem.AgentID) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.Logout(now, agent) })
}

// Ready ends a pause, a wrap-up, a back-off and a wish to pause or log out that has not taken effect. ErrState: logged out.
func (c *Center) Ready(ctx context.Context, agent tandem.AgentID) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.Ready(now, agent) })
}

// Pause keeps offers away from an agent. During a call it takes effect after call and wrap-up; a wrap-up under way it ends. An offer that
// rings is declined. Pausing a paused agent changes the reason. ErrState: logged out.
func (c *Center) Pause(ctx context.Context, agent tandem.AgentID, reason string) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.Pause(now, agent, reason) })
}

// FinishWrapUp ends an agent's wrap-up before its time. ErrState: not in wrap-up.
func (c *Center) FinishWrapUp(ctx context.Context, agent tandem.AgentID) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.FinishWrapUp(now, agent) })
}

// Reject declines the offer of a call that rings at the agent. ErrState: no such offer (any more).
func (c *Center) Reject(ctx context.Context, agent tandem.AgentID, call tandem.CallID) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.Reject(now, agent, call) })
}

// Hangup ends a call in any state on behalf of a party: both legs, with the agent's wrap-up to follow. ErrNotFound: no such call (any more).
func (c *Center) Hangup(ctx context.Context, call tandem.CallID, by tandem.Party) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.Hangup(now, call, by) })
}

// Dispose records what the agent says came of a call, the one at hand or the agent's last one. A later disposition replaces an earlier.
// ErrState: the agent's call is another one.
func (c *Center) Dispose(ctx context.Context, agent tandem.AgentID, call tandem.CallID, d tandem.DispositionID, note string) error {
	return c.command(ctx, func(e *Engine, now time.Time) error {
		return e.Dispose(now, tandem.CallDisposed{Call: call, Agent: agent, Disposition: d, Note: note})
	})
}

// Move brings a waiting call, or one that has left by an exit of the host's, into another queue. It keeps its priority and what it asks for, and its
// wait counts on; it is not meant for a single agent any more. Offers that ring are given up. ErrNotFound: no such call or queue; ErrState: the call does not wait; ErrConflict: it is in
// that queue; ErrFull: that queue takes no calls, and the call stays where it is.
func (c *Center) Move(ctx context.Context, call tandem.CallID, to tandem.QueueID) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.Move(now, call, to) })
}

// SetPriority changes the priority of a waiting call: it takes the place that it would have had with that priority from the start. ErrNotFound: no such call (any more); ErrState:
// it does not wait.
func (c *Center) SetPriority(ctx context.Context, call tandem.CallID, priority int) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.SetPriority(now, call, priority) })
}

// Pick offers a waiting call to one agent at once, whatever its place, skills and queues, and past a back-off. Offers that ring are given up. When the agent does
// not answer, the call is where it was. ErrNotFound: no such call or agent; ErrState: the call does not wait, or the agent is not ready.
func (c *Center) Pick(ctx context.Context, call tandem.CallID, agent tandem.AgentID) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.Pick(now, call, agent) })
}

// Force makes an agent ready, paused or logged_out on behalf of a supervisor; an agent who is logged out is logged in first where needed. Like the agent's own wishes it takes
// effect after a call. ErrNotFound: no such agent; ErrInvalid: any other state.
func (c *Center) Force(ctx context.Context, agent tandem.AgentID, to tandem.AgentState, reason string) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.Force(now, agent, to, reason) })
}

// ExtendWrapUp prolongs the wrap-up that an agent is in by d, at most an hour at a time. ErrState: not in wrap-up.
func (c *Center) ExtendWrapUp(ctx context.Context, agent tandem.AgentID, d time.Duration) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.ExtendWrapUp(now, agent, d) })
}

// Drain closes a queue to new calls, which take the way of QueueConfig.OnEmpty; those that wait are served. It does nothing when the queue is drained
// already. ErrNotFound: no such queue.
func (c *Center) Drain(ctx context.Context, queue tandem.QueueID) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.Drain(now, queue) })
}

// Reopen ends a Drain. ErrNotFound: no such queue.
func (c *Center) Reopen(ctx context.Context, queue tandem.QueueID) error {
	return c.command(ctx, func(e *Engine, now time.Time) error { return e.Reopen(now, queue) })
}

// Why says why a call still waits: for each agent of its queue the obstacle and what would have to change. ErrNotFound: no such call (any more).
func (c *Center) Why(ctx context.Context, call tandem.CallID) (WhyCall, error) {
	return explain(ctx, c, func(e *Engine, now time.Time) (WhyCall, error) { return e.Why(now, call) })
}

// WhyAgent says why an agent has no call, or what keeps it busy. ErrNotFound: no such agent.
func (c *Center) WhyAgent(ctx context.Context, agent tandem.AgentID) (WhyAgent, error) {
	return explain(ctx, c, func(e *Engine, now time.Time) (WhyAgent, error) { return e.WhyAgent(now, agent) })
}

// explain lets the loop answer a question that may have no answer.
func explain[T any](ctx context.Context, c *Center, question func(e *Engine, now time.Time) (T, error)) (T, error) {
	type answer struct {
		v   T
		err error
	}
	a, err := ask(ctx, c, func(l *loop, now time.Time, reply chan<- answer) {
		v, err := question(l.engine, now)
		reply <- answer{v, err}
	})
	if err != nil {
		return a.v, err
	}
	return a.v, a.err
}

// Saturation returns how full the inbox is, from 0 to 1: near 1 the centre cannot keep up and slows the switch down.
func (c *Center) Saturation() float64 { return float64(len(c.inbox)) / float64(cap(c.inbox)) }

// Snapshot returns the centre as it is now, when every record that led to it has been handed to Config.Events.
func (c *Center) Snapshot(ctx context.Context) (Snapshot, error) {
	return ask(ctx, c, func(l *loop, now time.Time, reply chan<- Snapshot) {
		snap := l.engine.Snapshot(now)
		l.cut(func() {
			if c.cfg.Position != nil {
				snap.Seq = c.cfg.Position()
			}
			reply <- snap
		})
	})
}
