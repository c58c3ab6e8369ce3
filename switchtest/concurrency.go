package switchtest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
)

func concurrencyCases() []testCase {
	return []testCase{
		{name: "HangUpFromManySidesEndsOnce", body: hangUpFromManySides},
		{name: "SameNameDialledOnce", body: sameNameDialledOnce},
		{name: "ManyCallsAtATime", body: manyCalls},
	}
}

// hangUpFromManySides lets everybody end one conversation at the same moment.
func hangUpFromManySides(b *bench) {
	c := joined(b)
	var all sync.WaitGroup
	for _, leg := range []tandem.LegID{c.customerLeg, c.customerLeg, c.agentLeg, c.agentLeg} {
		all.Go(func() {
			ctx, done := b.step()
			defer done()
			if err := b.sw.Hangup(ctx, leg, tandem.CauseNormal); err != nil && !errors.Is(err, tandem.ErrNotFound) {
				b.Errorf("hang up: %v", err)
			}
		})
	}
	for _, far := range []Party{c.customerFar, c.agentFar} {
		all.Go(func() {
			ctx, done := b.step()
			defer done()
			_ = far.HangUp(ctx) // it may come too late
		})
	}
	all.Wait()
	expect[tandem.LegEnded](b, c.customerLeg)
	expect[tandem.LegEnded](b, c.agentLeg)
	b.over(c.customerFar)
	b.over(c.agentFar)
	b.calm()
}

// sameNameDialledOnce dials one leg name from several goroutines: one gets through.
func sameNameDialledOnce(b *bench) {
	leg := b.newLeg()
	b.journal.dialled(leg)
	const tries = 4
	errs := make(chan error, tries)
	for range tries {
		go func() {
			ctx, done := b.step()
			defer done()
			errs <- b.sw.Dial(ctx, tandem.Dial{Leg: leg, Call: "c", To: b.customer(0)})
		}()
	}
	taken := 0
	for range tries {
		err := <-errs
		if err == nil {
			taken++
			continue
		}
		require.ErrorIs(b, err, tandem.ErrConflict, "dial of a name that is in use")
	}
	require.Equal(b, 1, taken, "how many dials got through")
	b.must("cancel", func(ctx context.Context) error { return b.sw.Hangup(ctx, leg, tandem.CauseCancelled) })
	expect[tandem.LegEnded](b, leg)
	b.calm()
}

// manyCalls bridges pairs of customers, one who called in and one who was dialled, all at the same time, and takes them down
// from alternating sides. The journal checks the order of every leg's events.
func manyCalls(b *bench) {
	type pair struct {
		in, out       tandem.LegID
		inFar, outFar Party
	}
	pairs := make([]pair, b.cfg.Calls/2)
	errs := make(chan error, len(pairs))
	for i := range pairs {
		pairs[i].in, pairs[i].inFar = b.callIn(2 * i)
	}
	for i := range pairs {
		p := &pairs[i]
		p.out = b.newLeg()
		b.journal.dialled(p.out)
		go func() {
			ctx, done := b.step()
			defer done()
			var err error
			p.outFar, err = b.setUp(ctx, p.in, p.out, b.customer(2*i+1))
			errs <- err
		}()
	}
	for range pairs {
		require.NoError(b, <-errs, "set up one of many calls")
	}
	for _, p := range pairs {
		expect[tandem.LegAnswered](b, p.in)
		expect[tandem.LegAnswered](b, p.out)
		b.bridge(p.in, p.out)
	}
	for i, p := range pairs {
		b.hear(p.inFar, p.outFar)
		if i%2 == 0 {
			b.hangUp(p.in)
		} else {
			b.must("a far end hangs up", p.inFar.HangUp)
		}
		expect[tandem.LegUnbridged](b, p.out)
		b.hangUp(p.out)
		b.over(p.inFar)
		b.over(p.outFar)
	}
	b.calm()
}

// setUp answers one leg and dials the other; it is called from several goroutines and so returns its errors.
func (b *bench) setUp(ctx context.Context, in, out tandem.LegID, to tandem.Endpoint) (Party, error) {
	if err := b.sw.Answer(ctx, in); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	d := tandem.Dial{Leg: out, Call: tandem.CallID("call-of-" + string(in)), To: to, With: in, From: tandem.CallerID{Number: b.plan.DID}}
	if err := b.sw.Dial(ctx, d); err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	far, err := b.rig.Ringing(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("wait for ringing: %w", err)
	}
	if err := far.Answer(ctx); err != nil {
		return nil, fmt.Errorf("answer at the far end: %w", err)
	}
	return far, nil
}
