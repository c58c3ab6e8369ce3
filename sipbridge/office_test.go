package sipbridge_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge"
)

// step bounds each expectation.
const step = 10 * time.Second

// office is a running bridge whose events are kept, for the tests that the conformance suite does not hold.
type office struct {
	*rig
	tb testing.TB

	mu     sync.Mutex
	events []tandem.Event
	news   chan struct{}
	n      int
}

func newOffice(tb testing.TB, change func(*sipbridge.Config)) *office {
	tb.Helper()
	o := &office{rig: newBridge(tb, change), tb: tb, news: make(chan struct{})}
	background(tb, func(ctx context.Context) { _ = o.bridge.Run(ctx, o) })
	<-o.bridge.Ready()
	return o
}

// Handle keeps the events.
func (o *office) Handle(_ context.Context, rs ...tandem.Record) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range rs {
		o.events = append(o.events, r.Event)
	}
	close(o.news)
	o.news = make(chan struct{})
	return nil
}

// within returns a context that bounds one expectation.
func (o *office) within() context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(o.tb.Context()), step)
	o.tb.Cleanup(cancel)
	return ctx
}

// next waits for the next event of a type that satisfies want, at or after those already waited for by the same call order.
func next[E tandem.Event](o *office, want func(E) bool) E {
	o.tb.Helper()
	ctx := o.within()
	from := 0
	for {
		o.mu.Lock()
		events, news := o.events, o.news
		o.mu.Unlock()
		for ; from < len(events); from++ {
			if e, ok := events[from].(E); ok && (want == nil || want(e)) {
				o.mu.Lock()
				o.events = append(append([]tandem.Event(nil), o.events[:from]...), o.events[from+1:]...)
				o.mu.Unlock()
				return e
			}
		}
		select {
		case <-news:
			from = 0
		case <-ctx.Done():
			var zero E
			require.FailNowf(o.tb, "event missing", "no %s; unclaimed: %+v", zero.Kind(), events)
		}
	}
}

func (o *office) must(err error, what string) {
	o.tb.Helper()
	require.NoError(o.tb, err, what)
}

// callIn lets a customer call and returns the leg once it has come in.
func (o *office) callIn(from tandem.Number) (tandem.LegID, *party) {
	o.tb.Helper()
	p, err := o.carrier.dial(o.within(), from, did)
	o.must(err, "call in")
	return next(o, func(e tandem.LegIncoming) bool { return e.From.Number == from }).Leg, p
}

// answer answers an incoming leg.
func (o *office) answer(leg tandem.LegID, p *party) {
	o.tb.Helper()
	o.must(o.bridge.Answer(o.within(), leg), "answer")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == leg })
	o.must(p.Wait(o.within(), tandem.LegStateUp), "the caller sees the answer")
}

// dial dials and returns the new leg's name.
func (o *office) dial(d tandem.Dial) tandem.LegID {
	o.tb.Helper()
	o.n++
	d.Leg, d.Call = tandem.LegID(fmt.Sprintf("leg%d", o.n)), "call"
	o.must(o.bridge.Dial(o.within(), d), "dial")
	return d.Leg
}

// page gives an agent a connected browser phone.
func (o *office) page(agent tandem.AgentID) *page {
	o.tb.Helper()
	p := newPage(o.tb, o.bridge, agent)
	o.must(p.attach(o.within()), "connect the browser phone")
	next(o, func(e tandem.DeviceChanged) bool { return e.Agent == agent && e.Reachable })
	return p
}

// desk gives an agent a registered desk phone.
func (o *office) desk(user string) *desk {
	o.tb.Helper()
	d := &desk{user: user, station: newStation(o.tb, o.addr)}
	o.must(d.attach(o.within()), "register the desk phone")
	return d
}

func (o *office) ended(leg tandem.LegID) tandem.LegEnded {
	o.tb.Helper()
	return next(o, func(e tandem.LegEnded) bool { return e.Leg == leg })
}

func (o *office) join(x, y tandem.LegID) {
	o.tb.Helper()
	o.must(o.bridge.Bridge(o.within(), x, y), "bridge")
	next(o, func(e tandem.LegBridged) bool { return e.Leg == x })
	next(o, func(e tandem.LegBridged) bool { return e.Leg == y })
}
