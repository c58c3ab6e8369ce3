package asterisk_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk"
	"github.com/tandem-cc/tandem/internal/testenv"
	"github.com/tandem-cc/tandem/switchtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wire is a network path that can be cut.
type wire struct {
	mu    sync.Mutex
	conns []net.Conn
	dead  bool
}

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return nil, errors.New("the wire is cut")
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, network, addr)
	if err == nil {
		w.conns = append(w.conns, c)
	}
	return c, err
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = false
}

// story collects a switch's events.
type story struct {
	t       *testing.T
	mu      sync.Mutex
	events  []tandem.Event
	changed chan struct{}
}

func (s *story) Handle(_ context.Context, rs ...tandem.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rs {
		s.events = append(s.events, r.Event)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// await waits for the first event that satisfies want, and returns it.
func await[E tandem.Event](s *story, want func(e E) bool) E {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	for {
		s.mu.Lock()
		changed := s.changed
		for _, e := range s.events {
			if e, ok := e.(E); ok && want(e) {
				s.mu.Unlock()
				return e
			}
		}
		told := append([]tandem.Event(nil), s.events...)
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			var zero E
			require.FailNow(s.t, "no event", "%s does not come; came: %#v", zero.Kind(), told)
		}
	}
}

func any1[E tandem.Event](E) bool { return true }

// count returns how many events satisfy want.
func count[E tandem.Event](s *story, want func(e E) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, e := range s.events {
		if e, ok := e.(E); ok && want(e) {
			n++
		}
	}
	return n
}

// office is a running switch whose manager connection can be cut.
type office struct {
	*rig
	*story
	wire *wire
	stop func()
}

// newOffice runs a switch; checks, if any, sees the events instead of the office's own story, which it gets.
func newOffice(t *testing.T, change func(*asterisk.Config), checks ...*ledger) *office {
	t.Helper()
	o := &office{wire: &wire{}, story: &story{t: t, changed: make(chan struct{})}}
	handler := tandem.Handler(o.story)
	for _, l := range checks {
		l.story = o.story
		handler = l
	}
	o.rig = newRig(t, testenv.Asterisk(t), func(c *asterisk.Config) {
		c.AMI.Dial, c.AMI.MaxBackoff = o.wire.dial, 50*time.Millisecond
		if change != nil {
			change(c)
		}
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- o.sw.Run(ctx, handler) }()
	o.stop = sync.OnceFunc(func() {
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
	t.Cleanup(o.stop)
	await(o.story, any1[tandem.TrunkChanged])
	return o
}

// do does one thing that has to work.
func (o *office) do(what string, f func(ctx context.Context) error) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(o.t, f(ctx), what)
}

// callIn lets a customer call in.
func (o *office) callIn(from tandem.Number) (tandem.LegID, switchtest.Party) {
	o.t.Helper()
	var p switchtest.Party
	o.do("call", func(ctx context.Context) (err error) {
		p, err = o.Call(ctx, from, did)
		return err
	})
	return await(o.story, func(e tandem.LegIncoming) bool { return e.From.Number == from }).Leg, p
}

// answered lets a customer call in and answers.
func (o *office) answered(from tandem.Number) (tandem.LegID, *party) {
	o.t.Helper()
	leg, p := o.callIn(from)
	o.do("answer", func(ctx context.Context) error { return o.sw.Answer(ctx, leg) })
	await(o.story, func(e tandem.LegAnswered) bool { return e.Leg == leg })
	o.do("see the answer", func(ctx context.Context) error { return p.Wait(ctx, tandem.LegStateUp) })
	return leg, p.(*party)
}

// lost cuts the wire and waits until the switch knows.
func (o *office) lost() {
	o.t.Helper()
	o.wire.cut()
	await(o.story, func(e tandem.TrunkChanged) bool { return !e.Up })
}

func TestSwitch_CallsOutliveALostConnection(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	a, aFar := o.answered("+15550101")
	b, bFar := o.answered("+15550102")
	c, cFar := o.answered("+15550103")
	gone, goneFar := o.answered("+15550104")
	unanswered, unansweredFar := o.callIn("+15550105")
	o.do("bridge", func(ctx context.Context) error { return o.sw.Bridge(ctx, a, b) })
	await(o.story, func(e tandem.LegBridged) bool { return e.Leg == b })
	await(o.story, func(e tandem.LegBridged) bool { return e.Leg == a })

	o.lost()
	o.do("hang up unheard", goneFar.HangUp)
	o.do("a conversation goes on unheard", func(ctx context.Context) error { return aFar.HearParty(ctx, bFar) })
	o.do("play in vain, for now", func(ctx context.Context) error {
		return o.sw.Play(ctx, c, tandem.Sound{Kind: tandem.SoundMusic})
	})
	o.do("answer in vain, for now", func(ctx context.Context) error { return o.sw.Answer(ctx, unanswered) })
	dead := tandem.LegID("dead")
	o.do("dial", func(ctx context.Context) error {
		return o.sw.Dial(ctx, tandem.Dial{Leg: dead, Call: "c", To: tandem.Endpoint{Trunk: "carrier", Number: "1"}})
	})
	require.Equal(t, tandem.CauseNetwork, await(o.story, func(e tandem.LegEnded) bool { return e.Leg == dead }).Cause)
	o.do("a customer calls meanwhile", func(ctx context.Context) error {
		_, err := o.Call(ctx, "+15550106", did)
		return err
	})
	require.Zero(t, count(o.story, func(e tandem.LegEnded) bool { return e.Leg != dead }), "legs wait to be found again")

	o.wire.mend()
	ended := await(o.story, func(e tandem.LegEnded) bool { return e.Leg == gone })
	require.Equal(t, tandem.LegEnded{Leg: gone, Cause: tandem.CauseNetwork, Detail: ended.Detail}, ended)
	await(o.story, func(e tandem.LegAnswered) bool { return e.Leg == unanswered })
	o.do("the answer is made good", func(ctx context.Context) error { return unansweredFar.Wait(ctx, tandem.LegStateUp) })
	o.do("the music is made good", func(ctx context.Context) error { return cFar.HearSound(ctx, tandem.SoundMusic) })
	await(o.story, func(e tandem.LegIncoming) bool { return e.From.Number == "+15550106" })
	require.Zero(t, count(o.story, any1[tandem.LegUnbridged]), "the conversation was not touched")

	o.do("the conversation obeys", func(ctx context.Context) error { return o.sw.Hangup(ctx, a, tandem.CauseNormal) })
	await(o.story, func(e tandem.LegUnbridged) bool { return e.Leg == b })
	o.do("bridge what was left", func(ctx context.Context) error { return o.sw.Bridge(ctx, b, c) })
	await(o.story, func(e tandem.LegBridged) bool { return e.Leg == c })
	o.do("hear", func(ctx context.Context) error { return bFar.HearParty(ctx, cFar) })
	o.do("hear", func(ctx context.Context) error { return cFar.HearParty(ctx, bFar) })
	o.stop()
	for _, p := range []switchtest.Party{bFar, cFar, unansweredFar} {
		o.do("the end of Run ends the call", func(ctx context.Context) error { return p.Wait(ctx, tandem.LegStateEnded) })
	}
}

func TestSwitch_LegsEndWhenTheConnectionStaysAway(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *asterisk.Config) { c.Grace = 200 * time.Millisecond })
	leg, far := o.answered("+15550101")
	o.lost()
	require.Equal(t, tandem.CauseNetwork, await(o.story, func(e tandem.LegEnded) bool { return e.Leg == leg }).Cause)
	o.wire.mend()
	o.do("the channel is not forgotten", func(ctx context.Context) error { return far.Wait(ctx, tandem.LegStateEnded) })
	require.Equal(t, 1, count(o.story, func(e tandem.LegEnded) bool { return e.Leg == leg }))
}
