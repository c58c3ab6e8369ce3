package sipbridge_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge"
)

func TestBridge_SilentFarEndEndsTheLeg(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *sipbridge.Config) { c.Timing.Silence = 300 * time.Millisecond })
	leg, p := o.callIn("+15550100")
	o.answer(leg, p)
	o.must(p.HearSound(o.within(), tandem.SoundRing), "ring-back")
	p.phone.Mute()
	e := o.ended(leg)
	require.Equal(t, tandem.CauseTimeout, e.Cause)
	require.False(t, e.Ours)
	o.must(p.Wait(o.within(), tandem.LegStateEnded), "the far end is told")
	require.Equal(t, uint64(1), o.bridge.Stats().MediaFailed)
}

// TestBridge_SlowHandlerSlowsTheSourceAndLosesNothing holds the Handler up: above the mark no new leg is taken, from either side,
// and once it goes on every event comes.
func TestBridge_SlowHandlerSlowsTheSourceAndLosesNothing(t *testing.T) {
	t.Parallel()
	const mark = 4
	r := newBridge(t, func(c *sipbridge.Config) { c.Limits.Events = mark })
	gate := make(chan struct{})
	var once sync.Once
	open := func() { once.Do(func() { close(gate) }) }
	o := &office{rig: r, tb: t, news: make(chan struct{})}
	background(t, func(ctx context.Context) {
		_ = r.bridge.Run(ctx, tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error {
			select {
			case <-gate:
			case <-ctx.Done():
			}
			return o.Handle(ctx, rs...)
		}))
	})
	<-r.bridge.Ready()
	defer open()

	full := func() bool { return r.bridge.Stats().Waiting >= mark }
	var callers []*party
	for n := 0; !full(); n++ {
		p, err := r.carrier.dial(o.within(), tandem.Number("+1555010"+string(rune('0'+n))), did)
		o.must(err, "call in")
		callers = append(callers, p)
		require.Eventually(t, func() bool { return r.bridge.Stats().Incoming == uint64(n+1) }, step, time.Millisecond)
		require.Less(t, n, 9, "calls taken while the handler is held up")
	}
	p, err := r.carrier.dial(o.within(), "+15550666", did)
	o.must(err, "one call too many")
	o.must(p.Wait(o.within(), tandem.LegStateEnded), "it is refused")
	require.Equal(t, 503, p.ended.Status)
	err = r.bridge.Dial(o.within(), tandem.Dial{Leg: "l", Call: "c", To: tandem.Endpoint{Trunk: "carrier", Number: "+1555"}})
	require.ErrorIs(t, err, tandem.ErrFull)
	for _, c := range callers {
		o.must(c.HangUp(o.within()), "hang up")
	}
	open()
	for range callers {
		leg := next[tandem.LegIncoming](o, nil).Leg
		require.Equal(t, tandem.CauseCancelled, o.ended(leg).Cause)
	}
}

func TestBridge_LegsAreLimited(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *sipbridge.Config) { c.Limits.Legs = 1 })
	leg, _ := o.callIn("+15550100")
	err := o.bridge.Dial(o.within(), tandem.Dial{Leg: "l", Call: "c", To: tandem.Endpoint{Trunk: "carrier", Number: "+1555"}})
	require.ErrorIs(t, err, tandem.ErrFull)
	p, err := o.carrier.dial(o.within(), "+15550101", did)
	o.must(err, "call in")
	o.must(p.Wait(o.within(), tandem.LegStateEnded), "refused")
	require.Equal(t, 503, p.ended.Status)
	o.must(o.bridge.Hangup(o.within(), leg, tandem.CauseBusy), "hang up")
	_, _ = o.callIn("+15550102")
}

func TestBridge_CommandErrorsNameTheLeg(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	err := o.bridge.Hangup(o.within(), "leg9", tandem.CauseNormal)
	var call *tandem.CallError
	require.ErrorAs(t, err, &call)
	require.Equal(t, tandem.LegID("leg9"), call.Leg)
	require.Equal(t, "hangup", call.Op)
	err = o.bridge.Dial(o.within(), tandem.Dial{Leg: "l", Call: "c", To: tandem.Endpoint{Trunk: "nowhere", Number: "1"}})
	require.ErrorIs(t, err, tandem.ErrInvalid)
	require.ErrorContains(t, err, `"nowhere"`)
	err = o.bridge.Dial(o.within(), tandem.Dial{Leg: "l", Call: "c", To: tandem.Endpoint{Trunk: "carrier", Number: "1@evil\r\n"}})
	require.ErrorIs(t, err, tandem.ErrInvalid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, o.bridge.Answer(ctx, "l"), context.Canceled)
	require.NotErrorIs(t, err, tandem.ErrNotFound)
}

func TestBridge_CallThatGoesInCirclesEnds(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	p, err := o.carrier.dialHops(o.within(), "+15550100", did, 1)
	o.must(err, "call in")
	leg := next[tandem.LegIncoming](o, nil).Leg
	o.answer(leg, p)
	on := o.dial(tandem.Dial{To: tandem.Endpoint{Trunk: "carrier", Number: "+15550101"}, With: leg})
	e := o.ended(on)
	require.Equal(t, tandem.CauseFailed, e.Cause)
	require.Contains(t, e.Detail, "hops")
}

// TestBridge_ChurnLeavesNothing lets calls end in every way and looks for what is left.
func TestBridge_ChurnLeavesNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	d := o.desk("ana")
	d.raw.Store(true)
	o.carrier.raw.Store(true)
	for i := range 40 {
		leg, p := o.callIn("+15550100")
		switch i % 4 {
		case 0:
			o.must(p.HangUp(o.within()), "the caller gives up")
			require.Equal(t, tandem.CauseCancelled, o.ended(leg).Cause)
			continue
		case 1:
			o.must(o.bridge.Hangup(o.within(), leg, tandem.CauseBusy), "refuse")
			o.ended(leg)
			continue
		}
		o.answer(leg, p)
		agentLeg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}, With: leg})
		far, err := d.station.ringing(o.within(), "")
		o.must(err, "the desk phone rings")
		if i%4 == 2 {
			o.must(far.Refuse(o.within(), tandem.CauseBusy), "busy")
			require.Equal(t, tandem.CauseBusy, o.ended(agentLeg).Cause)
			o.must(o.bridge.Hangup(o.within(), leg, tandem.CauseNormal), "hang up")
			o.ended(leg)
			continue
		}
		o.must(far.Answer(o.within()), "answer")
		next(o, func(e tandem.LegAnswered) bool { return e.Leg == agentLeg })
		o.join(leg, agentLeg)
		o.must(p.HangUp(o.within()), "the caller hangs up")
		o.ended(leg)
		next(o, func(e tandem.LegUnbridged) bool { return e.Leg == agentLeg })
		o.must(o.bridge.Hangup(o.within(), agentLeg, tandem.CauseNormal), "hang up")
		o.ended(agentLeg)
	}
	require.Eventually(t, func() bool {
		s := o.bridge.Stats()
		return s.Legs == 0 && s.Bridged == 0 && s.Media.Ends == 0 && s.Channels["carrier"] == 0 && s.Waiting == 0
	}, step, 5*time.Millisecond, "legs, ends of the sound, channels or events left")
	s := o.bridge.Stats()
	require.Equal(t, uint64(40), s.Incoming)
	require.Equal(t, uint64(20), s.Dialled)
}
