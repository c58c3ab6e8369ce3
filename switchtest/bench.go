package switchtest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
)

// bench is one case's workplace: a running switch, its far ends, and the journal of its events.
type bench struct {
	*testing.T
	cfg     Config
	rig     Rig
	sw      tandem.Switch
	plan    Plan
	journal *journal
	legs    atomic.Int64
	stop    context.CancelFunc
	done    chan struct{} // closed when Run has returned
	err     error         // what Run returned; read after done
}

// newBench opens a rig without running its switch.
func newBench(t *testing.T, cfg Config) *bench {
	t.Helper()
	rig := cfg.Open(t)
	b := &bench{T: t, cfg: cfg, rig: rig, sw: rig.Switch(), plan: rig.Plan(), journal: newJournal()}
	require.NotEmpty(t, b.plan.Trunk, "the rig's plan names no trunk")
	require.NotEmpty(t, b.plan.DID, "the rig's plan names no number to call")
	require.GreaterOrEqual(t, len(b.plan.Agents), 2, "the rig's plan needs two agents")
	if b.plan.Customer == nil {
		b.plan.Customer = func(i int) tandem.Number { return tandem.Number(fmt.Sprintf("+155501%02d", i)) }
	}
	return b
}

// run runs the switch and returns when it takes commands. When the case ends, it is stopped, awaited, and the order of
// all events judged.
func (b *bench) run() {
	b.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	b.stop, b.done = cancel, make(chan struct{})
	go func() {
		defer close(b.done)
		b.err = b.sw.Run(ctx, b.journal)
	}()
	b.Cleanup(func() {
		b.stop()
		b.awaitRun()
		for _, f := range b.journal.allFaults() {
			b.Errorf("order of events: %s", f)
		}
	})
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	deadline, done := b.step()
	defer done()
	for {
		err := b.sw.Hangup(deadline, "switchtest-nobody", tandem.CauseNormal)
		require.Error(b, err, "hang-up of a leg that never was")
		if tandem.IsGone(err) {
			return
		}
		select {
		case <-deadline.Done():
			require.FailNow(b, "the switch takes no commands", "last error: %v", err)
		case <-b.done:
			require.FailNow(b, "Run returned early", "error: %v", b.err)
		case <-poll.C:
		}
	}
}

// awaitRun waits until Run has returned.
func (b *bench) awaitRun() {
	b.Helper()
	limit := time.NewTimer(b.cfg.Step)
	defer limit.Stop()
	select {
	case <-b.done:
	case <-limit.C:
		b.Errorf("Run has not returned %s after its end was asked for", b.cfg.Step)
	}
}

// step bounds one expectation.
func (b *bench) step() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(b.Context()), b.cfg.Step)
}

// calm waits long enough for an event that must not come, so that the journal sees it.
func (b *bench) calm() {
	t := time.NewTimer(b.cfg.Calm)
	defer t.Stop()
	<-t.C
}

// must does one thing that has to work.
func (b *bench) must(what string, f func(ctx context.Context) error) {
	b.Helper()
	ctx, done := b.step()
	defer done()
	require.NoError(b, f(ctx), what)
}

// fails does one thing that has to be refused in one of the given ways.
func (b *bench) fails(what string, f func(ctx context.Context) error, want ...error) {
	b.Helper()
	ctx, done := b.step()
	defer done()
	err := f(ctx)
	require.Error(b, err, what)
	for _, w := range want {
		if isErr(err, w) {
			return
		}
	}
	require.Failf(b, "wrong error", "%s: got %v, want %v", what, err, want)
}

// expect waits for the leg's next event of a type.
func expect[E tandem.Event](b *bench, leg tandem.LegID) E {
	b.Helper()
	var zero E
	ctx, done := b.step()
	defer done()
	e, err := b.journal.next(ctx, leg, zero.Kind())
	require.NoErrorf(b, err, "leg %s: no %s; seen so far:%s", leg, zero.Kind(), b.journal.story(leg))
	got, ok := e.(E)
	require.True(b, ok)
	return got
}

// ended waits for the leg's end and checks why and by whom it came.
func (b *bench) ended(leg tandem.LegID, cause tandem.Cause, by whose) {
	b.Helper()
	e := expect[tandem.LegEnded](b, leg)
	require.Equalf(b, cause, e.Cause, "leg %s: cause of its end (%s)", leg, e.Detail)
	require.Equalf(b, by == ours, e.Ours, "leg %s: whether the end was ours (%s)", leg, e.Detail)
}

// whose says who ended a leg.
type whose uint8

const (
	theirs whose = iota
	ours
)

// newLeg names a leg.
func (b *bench) newLeg() tandem.LegID {
	return tandem.LegID(fmt.Sprintf("switchtest-%s-%d", tandem.RandomIDs()(), b.legs.Add(1)))
}

// attach gives the plan's n-th agent a device.
func (b *bench) attach(n int) tandem.AgentID {
	b.Helper()
	agent := b.plan.Agents[n]
	b.must("attach a device", func(ctx context.Context) error { return b.rig.Attach(ctx, agent) })
	b.device(agent, true)
	return agent
}

// device waits until the switch has told that the agent can or cannot be reached.
func (b *bench) device(agent tandem.AgentID, reachable bool) {
	b.Helper()
	b.must("DeviceChanged of "+string(agent), func(ctx context.Context) error {
		return b.journal.await(ctx, func() (bool, error) {
			seen := b.journal.devices[agent]
			return len(seen) > 0 && seen[len(seen)-1] == reachable, nil
		})
	})
}

// dial dials an endpoint under a new name.
func (b *bench) dial(d tandem.Dial) tandem.LegID {
	b.Helper()
	if d.Leg == "" {
		d.Leg = b.newLeg()
	}
	if d.Call == "" {
		d.Call = tandem.CallID("call-of-" + string(d.Leg))
	}
	if d.To.Trunk != "" && d.From.Number == "" {
		d.From.Number = b.plan.DID
	}
	b.journal.dialled(d.Leg)
	b.must("dial", func(ctx context.Context) error { return b.sw.Dial(ctx, d) })
	return d.Leg
}

// ringing dials an endpoint and returns the far end that rings.
func (b *bench) ringing(d tandem.Dial) (tandem.LegID, Party) {
	b.Helper()
	leg := b.dial(d)
	var far Party
	b.must("the dialled far end rings", func(ctx context.Context) error {
		p, err := b.rig.Ringing(ctx, d.To)
		far = p
		return err
	})
	return leg, far
}

// answered dials an endpoint whose far end answers.
func (b *bench) answered(d tandem.Dial) (tandem.LegID, Party) {
	b.Helper()
	leg, far := b.ringing(d)
	b.must("the dialled far end answers", far.Answer)
	expect[tandem.LegAnswered](b, leg)
	return leg, far
}

// callIn lets the i-th customer call in.
func (b *bench) callIn(i int) (tandem.LegID, Party) {
	b.Helper()
	from := b.plan.Customer(i)
	var far Party
	b.must("a customer calls in", func(ctx context.Context) error {
		p, err := b.rig.Call(ctx, from, b.plan.DID)
		far = p
		return err
	})
	var got tandem.LegIncoming
	b.must("LegIncoming for the customer", func(ctx context.Context) error {
		return b.journal.await(ctx, func() (bool, error) {
			for k, e := range b.journal.arrived {
				if e.From.Number == from {
					got = e
					b.journal.arrived = append(b.journal.arrived[:k:k], b.journal.arrived[k+1:]...)
					return true, nil
				}
			}
			return false, nil
		})
	})
	require.Equal(b, b.plan.Trunk, got.Trunk, "LegIncoming.Trunk")
	require.Equal(b, b.plan.DID, got.To, "LegIncoming.To")
	require.Empty(b, got.Agent, "LegIncoming.Agent of a customer")
	return got.Leg, far
}

// callInAnswered lets the i-th customer call in and answers.
func (b *bench) callInAnswered(i int) (tandem.LegID, Party) {
	b.Helper()
	leg, far := b.callIn(i)
	b.must("answer", func(ctx context.Context) error { return b.sw.Answer(ctx, leg) })
	expect[tandem.LegAnswered](b, leg)
	b.must("the caller sees the answer", func(ctx context.Context) error { return far.Wait(ctx, tandem.LegStateUp) })
	return leg, far
}

// bridge joins two legs and waits until both know.
func (b *bench) bridge(x, y tandem.LegID) {
	b.Helper()
	b.must("bridge", func(ctx context.Context) error { return b.sw.Bridge(ctx, x, y) })
	require.Equal(b, y, expect[tandem.LegBridged](b, x).Peer, "LegBridged.Peer")
	require.Equal(b, x, expect[tandem.LegBridged](b, y).Peer, "LegBridged.Peer")
}

// hangUp ends a leg from our side and waits until it is gone.
func (b *bench) hangUp(leg tandem.LegID) {
	b.Helper()
	b.must("hang up", func(ctx context.Context) error { return b.sw.Hangup(ctx, leg, tandem.CauseNormal) })
	b.ended(leg, tandem.CauseNormal, ours)
}

// over waits until the far end has seen the end of its call.
func (b *bench) over(far Party) {
	b.Helper()
	b.must("the far end sees the end", func(ctx context.Context) error { return far.Wait(ctx, tandem.LegStateEnded) })
}

// hear checks that two far ends hear each other, when they can tell.
func (b *bench) hear(x, y Party) {
	b.Helper()
	for _, p := range [...][2]Party{{x, y}, {y, x}} {
		if l, ok := p[0].(Listener); ok {
			b.must("one far end hears the other", func(ctx context.Context) error { return l.HearParty(ctx, p[1]) })
		}
	}
}

// hearSound checks what a far end hears, when it can tell.
func (b *bench) hearSound(p Party, kind tandem.SoundKind) {
	b.Helper()
	if l, ok := p.(Listener); ok {
		b.must("the far end hears "+kind.String(), func(ctx context.Context) error { return l.HearSound(ctx, kind) })
	}
}

// hearDigit checks which key reaches a far end, when it can tell.
func (b *bench) hearDigit(p Party, want byte) {
	b.Helper()
	l, ok := p.(DigitListener)
	if !ok {
		return
	}
	b.must("the far end hears a key", func(ctx context.Context) error {
		got, err := l.Digit(ctx)
		if err == nil && got != want {
			return fmt.Errorf("got key %q, want %q", got, want)
		}
		return err
	})
}

// customer is the i-th customer as an endpoint.
func (b *bench) customer(i int) tandem.Endpoint {
	return tandem.Endpoint{Trunk: b.plan.Trunk, Number: b.plan.Customer(i)}
}
