package asterisk_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk"
	"github.com/tandem-cc/tandem/internal/testenv"
)

func TestSwitch_SendsDigitsInAConversation(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	a, aFar := o.answered("+15550101")
	b, bFar := o.answered("+15550102")
	o.do("bridge", func(ctx context.Context) error { return o.sw.Bridge(ctx, a, b) })
	await(o.story, func(e tandem.LegBridged) bool { return e.Leg == a })
	o.do("send", func(ctx context.Context) error { return o.sw.SendDigits(ctx, b, "42#") })
	for _, want := range []byte("42#") {
		o.do("hear a key", func(ctx context.Context) error {
			got, err := bFar.Digit(ctx)
			require.Equal(t, string(want), string(got))
			return err
		})
	}
	o.do("go on talking", func(ctx context.Context) error { return bFar.HearParty(ctx, aFar) })
	require.Empty(t, aFar.phone.Digits(), "only the one end hears them")
	require.Zero(t, count(o.story, any1[tandem.LegDigit]), "nobody pressed a key")
}

func TestSwitch_AgentsPhoneCallsIn(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *asterisk.Config) { c.Incoming = []string{"tandem", "phones"} })
	o.do("register", func(ctx context.Context) error { return o.Attach(ctx, "ana") })
	await(o.story, func(e tandem.DeviceChanged) bool { return e.Agent == "ana" && e.Reachable })
	var far *party
	o.do("the agent dials", func(ctx context.Context) (err error) {
		far, err = o.desks["ana"].dial(ctx, "1001", "8800")
		return err
	})
	in := await(o.story, any1[tandem.LegIncoming])
	require.Equal(t, tandem.LegIncoming{Leg: in.Leg, Agent: "ana", From: tandem.CallerID{Number: "1001", Name: "Phone 1001"}, To: "8800"}, in)
	o.do("answer", func(ctx context.Context) error { return o.sw.Answer(ctx, in.Leg) })
	o.do("the agent sees it", func(ctx context.Context) error { return far.Wait(ctx, tandem.LegStateUp) })
}

// BenchmarkBridge tells how long two waiting legs take to hear each other, and to be apart again.
func BenchmarkBridge(b *testing.B) {
	c := config(testenv.Asterisk(b))
	c.Trunks = []asterisk.Trunk{{ID: "sim", Dial: "Local/{number}@sim/n"}}
	sw, err := asterisk.New(c)
	require.NoError(b, err)
	events := make(chan tandem.Event, 1000)
	background(b, func(ctx context.Context) {
		_ = sw.Run(ctx, tandem.HandlerFunc(func(_ context.Context, rs ...tandem.Record) error {
			for _, r := range rs {
				events <- r.Event
			}
			return nil
		}))
	})
	next := func(n int, kind string) {
		for n > 0 {
			select {
			case e := <-events:
				if e.Kind() == kind {
					n--
				}
			case <-time.After(10 * time.Second):
				b.Fatalf("no %s", kind)
			}
		}
	}
	next(1, "trunk_changed")
	for _, leg := range []tandem.LegID{"x", "y"} {
		require.NoError(b, sw.Dial(b.Context(), tandem.Dial{Leg: leg, Call: "c", To: tandem.Endpoint{Trunk: "sim", Number: "800"}}))
	}
	next(2, "leg_answered")
	var join, part time.Duration
	n := 0
	for b.Loop() {
		began := time.Now()
		require.NoError(b, sw.Bridge(b.Context(), "x", "y"))
		next(2, "leg_bridged")
		joined := time.Now()
		require.NoError(b, sw.Part(b.Context(), "x"))
		next(2, "leg_unbridged")
		join += joined.Sub(began)
		part += time.Since(joined)
		n++
	}
	b.ReportMetric(float64(join.Microseconds())/1000/float64(n), "ms/bridge")
	b.ReportMetric(float64(part.Microseconds())/1000/float64(n), "ms/part")
}

// TestSwitch_AccountWithoutRightsSaysSo uses a manager account that may see calls and change nothing.
func TestSwitch_AccountWithoutRightsSaysSo(t *testing.T) {
	t.Parallel()
	pbx := testenv.Asterisk(t)
	o := newOffice(t, func(c *asterisk.Config) {
		c.AMI.Addr, c.AMI.Username, c.AMI.Secret = pbx.AMIAddr, pbx.ObserverUser, pbx.ObserverSecret
	})
	o.do("dial", func(ctx context.Context) error {
		return o.sw.Dial(ctx, tandem.Dial{Leg: "x", Call: "c", To: tandem.Endpoint{Trunk: "carrier", Number: "+15550100"}})
	})
	e := await(o.story, any1[tandem.LegEnded])
	require.Equal(t, tandem.CauseFailed, e.Cause)
	require.Contains(t, e.Detail, "Permission denied")
}
