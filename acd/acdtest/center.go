package acdtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// Exchange is a switch with people around it, for RunCenter. All fields but Settle are required.
type Exchange struct {
	Switch tandem.Switch
	// Run runs the switch with the handler until ctx ends.
	Run func(ctx context.Context, h tandem.Handler) error
	// Call lets a customer call a number; the customer waits for ever.
	Call func(ctx context.Context, from, to tandem.Number) (Party, error)
	// Ringing waits until an agent's device rings and returns it, once for each call.
	Ringing func(ctx context.Context, agent tandem.AgentID) (Party, error)
	// Attach gives an agent a device, Detach takes it away.
	Attach, Detach func(ctx context.Context, agent tandem.AgentID) error
	// Settle waits until nothing more happens at this instant; nil in real time, where nobody can know.
	Settle func()
	Logger *slog.Logger // nil discards
}

// Party is the far end of a leg.
type Party interface {
	Answer(ctx context.Context) error
	Refuse(ctx context.Context, cause tandem.Cause) error
	HangUp(ctx context.Context) error
}

// RunCenter plays the scenario with a Center over a switch, by the clock of package time: inside a testing/synctest bubble in virtual time.
func RunCenter(ctx context.Context, s *Scenario, x Exchange) (*History, error) {
	if s.HangUp > 0 {
		return nil, fmt.Errorf("acdtest: only the engine alone has a slow switch: %w", tandem.ErrUnsupported)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := &troupe{
		ctx: ctx, s: s, x: x, h: &History{}, manner: map[tandem.AgentID]Manner{}, device: map[tandem.AgentID]Party{},
		calls: map[tandem.CallID]*customer{}, routes: map[tandem.Number]acd.Route{},
	}
	maps.Copy(t.manner, s.Manner)
	centre, err := acd.New(acd.Config{
		Switch: x.Switch, Events: tandem.HandlerFunc(t.write), Queues: s.Queues, Agents: s.Agents, Route: t.route, IDs: t.name, Logger: x.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("acdtest: %w", err)
	}
	t.centre = centre
	t.wg.Go(func() { _ = x.Run(ctx, centre) }) // ends with ctx
	t.wg.Go(func() { _ = centre.Run(ctx) })    // ends with ctx
	defer func() { cancel(); t.wg.Wait() }()
	if err := t.play(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	return t.h, nil
}

// troupe is the people of a scenario around a Center.
type troupe struct {
	ctx    context.Context //nolint:containedctx // that of one call of RunCenter
	s      *Scenario
	x      Exchange
	centre *acd.Center
	wg     sync.WaitGroup

	mu     sync.Mutex
	over   bool // what happens now is the clearing up
	h      *History
	names  []tandem.CallID // of the calls on their way in
	manner map[tandem.AgentID]Manner
	device map[tandem.AgentID]Party // what rang last there
	calls  map[tandem.CallID]*customer
	routes map[tandem.Number]acd.Route
}

type customer struct {
	party     Party
	talk      time.Duration
	connected bool
}

// write keeps the records, and lets a customer talk who is connected.
func (t *troupe) write(_ context.Context, rs ...tandem.Record) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return nil
	}
	t.h.Records = append(t.h.Records, rs...)
	for _, r := range rs {
		ev, ok := r.Event.(tandem.CallConnected)
		if !ok {
			continue
		}
		if c := t.calls[ev.Call]; c != nil && !c.connected {
			c.connected = true
			if c.talk > 0 {
				t.wg.Go(func() { t.later(c.talk, func() { t.refused(c.party.HangUp(t.ctx)) }) })
			}
		}
	}
	return nil
}

// later does something after a while, unless everything is over before.
func (t *troupe) later(d time.Duration, do func()) {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-t.ctx.Done():
			return
		}
	}
	do()
}

func (t *troupe) refused(err error) {
	if err == nil || t.ctx.Err() != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.h.Refused = append(t.h.Refused, err)
}

func (t *troupe) name() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.names) == 0 {
		return "stranger"
	}
	n := t.names[0]
	t.names = t.names[1:]
	return string(n)
}

func (t *troupe) route(_ context.Context, in tandem.LegIncoming) (acd.Route, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.routes[in.To], nil
}

func (t *troupe) settle() {
	if t.x.Settle != nil {
		t.x.Settle()
	}
}

// play brings the devices, then takes one step after the other.
func (t *troupe) play() error {
	for _, a := range t.s.Agents {
		if !t.s.Away[a.ID] {
			if err := t.x.Attach(t.ctx, a.ID); err != nil {
				return fmt.Errorf("acdtest: attach %s: %w", a.ID, err)
			}
		}
		t.wg.Go(func() { t.attend(a.ID) })
	}
	t.settle()
	t.h.Start = time.Now()
	for _, s := range t.s.Steps {
		t.later(time.Until(t.h.Start.Add(s.At)), func() { t.settle() })
		if err := t.step(s); err != nil {
			return fmt.Errorf("acdtest: line %d: %w", s.Line, err)
		}
		t.settle()
	}
	t.later(time.Until(t.h.Start.Add(t.s.End)), func() { t.settle() })
	return t.ctx.Err()
}

// attend minds an agent's device.
func (t *troupe) attend(id tandem.AgentID) {
	for {
		p, err := t.x.Ringing(t.ctx, id)
		if err != nil {
			return
		}
		t.mu.Lock()
		m := t.manner[id]
		t.device[id] = p
		t.mu.Unlock()
		switch {
		case m.Ignores:
		case m.Refuses != tandem.CauseUnset:
			t.wg.Go(func() { t.later(m.After, func() { t.refused(p.Refuse(t.ctx, m.Refuses)) }) })
		default:
			t.wg.Go(func() { t.later(m.After, func() { t.refused(p.Answer(t.ctx)) }) })
		}
	}
}

// step does what the scenario says. The error is that of a harness that does not work; what the centre refuses is part of the history.
func (t *troupe) step(s Step) error {
	switch s.Deed { //nolint:exhaustive // the rest are commands
	case DeedCall:
		return t.arrive(s)
	case DeedHangsUp:
		t.mu.Lock()
		c := t.calls[s.Call]
		t.mu.Unlock()
		t.refused(c.party.HangUp(t.ctx))
	case DeedAgentHangsUp, DeedAnswer, DeedRefuse:
		t.refused(t.byHand(s))
	case DeedManner:
		t.mu.Lock()
		defer t.mu.Unlock()
		t.manner[s.Agent] = s.Manner
	case DeedDeviceLost:
		return t.x.Detach(t.ctx, s.Agent)
	case DeedDeviceBack:
		return t.x.Attach(t.ctx, s.Agent)
	case DeedLook:
		snap, err := t.centre.Snapshot(t.ctx)
		t.h.Looks = append(t.h.Looks, Look{At: s.At, Snapshot: snap})
		return err
	case DeedSwitchLost:
		return errors.New("only the engine alone can do that")
	default:
		t.refused(t.command(s))
	}
	return nil
}

// command gives the centre a command of an agent or supervisor.
func (t *troupe) command(s Step) error {
	switch s.Deed { //nolint:exhaustive // the rest are not commands
	case DeedLogin:
		return t.centre.Login(t.ctx, s.Agent)
	case DeedLogout:
		return t.centre.Logout(t.ctx, s.Agent)
	case DeedReady:
		return t.centre.Ready(t.ctx, s.Agent)
	case DeedPause:
		return t.centre.Pause(t.ctx, s.Agent, s.Reason)
	case DeedFinish:
		return t.centre.FinishWrapUp(t.ctx, s.Agent)
	case DeedReject:
		return t.centre.Reject(t.ctx, s.Agent, s.Call)
	case DeedSupervisorHangsUp:
		return t.centre.Hangup(t.ctx, s.Call, tandem.PartySystem)
	default:
		return fmt.Errorf("deed %d is no command: %w", s.Deed, tandem.ErrInvalid)
	}
}

// arrive lets a customer call the number that leads where the call is to go.
func (t *troupe) arrive(s Step) error {
	c := &customer{talk: s.Talk}
	t.mu.Lock()
	to := tandem.Number(fmt.Sprintf("%d", 1000+len(t.routes)))
	t.routes[to] = s.Route
	t.names = append(t.names, s.Call)
	t.calls[s.Call] = c
	t.mu.Unlock()
	p, err := t.x.Call(t.ctx, "+15550100", to)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c.party = p
	if s.Patience > 0 {
		t.wg.Go(func() {
			t.later(s.Patience, func() {
				t.mu.Lock()
				connected := c.connected
				t.mu.Unlock()
				if !connected {
					t.refused(p.HangUp(t.ctx))
				}
			})
		})
	}
	return nil
}

func (t *troupe) byHand(s Step) error {
	t.mu.Lock()
	p := t.device[s.Agent]
	t.mu.Unlock()
	switch {
	case p == nil:
		return fmt.Errorf("agent %s has no call: %w", s.Agent, tandem.ErrState)
	case s.Deed == DeedAnswer:
		return p.Answer(t.ctx)
	case s.Deed == DeedRefuse:
		return p.Refuse(t.ctx, s.Cause)
	default:
		return p.HangUp(t.ctx)
	}
}
