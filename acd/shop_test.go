package acd_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// shopConfig is what queueing theory has closed forms for: Poisson arrivals, exponential conversations. Times are in seconds.
type shopConfig struct {
	agents   int
	rate     float64 // arrivals per second
	talk     float64 // on average
	patience float64 // on average, exponential; 0: for ever
	urgent   float64 // the share of callers who have priority
	queue    acd.QueueConfig
	calls    int
	seed     [2]uint64
}

// visit is what a caller met with.
type visit struct {
	wait   float64 // until served or gone
	left   bool    // without having been served
	full   bool    // not let in
	urgent bool
}

// shop is an engine in virtual time with such a world around it.
type shop struct {
	cfg    shopConfig
	tb     testing.TB
	rnd    *rand.Rand
	e      *acd.Engine
	out    acd.Output
	now    time.Time
	due    dueList
	seq    int
	legs   map[tandem.LegID]bool
	calls  map[tandem.CallID]int // the visit's place, until connected
	visits []visit
}

type due struct {
	at  time.Time
	seq int
	do  func()
}

type dueList []due

func (d dueList) Len() int { return len(d) }
func (d dueList) Less(i, j int) bool {
	return d[i].at.Before(d[j].at) || d[i].at.Equal(d[j].at) && d[i].seq < d[j].seq
}
func (d dueList) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *dueList) Push(x any)   { *d = append(*d, x.(due)) }
func (d *dueList) Pop() any {
	old := *d
	x := old[len(old)-1]
	*d = old[:len(old)-1]
	return x
}

// simulate returns what became of each caller, by arrival.
func simulate(tb testing.TB, c shopConfig) []visit {
	tb.Helper()
	s := newShop(tb, c)
	s.run()
	require.Empty(tb, s.calls, "everybody's wait has ended")
	return s.visits
}

func newShop(tb testing.TB, c shopConfig) *shop {
	tb.Helper()
	var ids []tandem.AgentID
	for i := range c.agents {
		ids = append(ids, agentID(i))
	}
	c.queue.WrapUp = -1
	e, err := acd.NewEngine(support(c.queue, ids...))
	require.NoError(tb, err)
	s := &shop{
		cfg: c, tb: tb, rnd: rand.New(rand.NewPCG(c.seed[0], c.seed[1])), e: e, now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC),
		legs: map[tandem.LegID]bool{}, calls: map[tandem.CallID]int{},
	}
	for _, id := range ids {
		require.NoError(tb, e.Login(s.now, id))
	}
	return s
}

// draw returns an exponential time with a mean.
func (s *shop) draw(mean float64) float64 { return s.rnd.ExpFloat64() * mean }

func (s *shop) after(seconds float64, do func()) {
	s.seq++
	heap.Push(&s.due, due{s.now.Add(time.Duration(seconds * float64(time.Second))), s.seq, do})
}

// run lets all callers come and everything that is due be done.
func (s *shop) run() {
	s.after(0, s.arrive)
	for len(s.due) > 0 {
		if at, ok := s.e.Next(); ok && !at.After(s.due[0].at) {
			s.now = at
			s.e.Tick(at)
			s.settle()
			continue
		}
		d := heap.Pop(&s.due).(due)
		s.now = d.at
		d.do()
	}
}

func (s *shop) event(ev tandem.Event) {
	s.e.Handle(s.now, ev)
	s.settle()
}

// settle reads what the engine decided and does what it wants, until it wants nothing more.
func (s *shop) settle() {
	for s.e.Pending() > 0 {
		s.out = s.e.Take(s.out)
		for _, r := range s.out.Records(nil) {
			switch ev := r.Event.(type) {
			case tandem.CallConnected:
				s.visits[s.calls[ev.Call]].wait = ev.Waited.Seconds()
				delete(s.calls, ev.Call)
			case tandem.CallLeft:
				v := &s.visits[s.calls[ev.Call]]
				v.wait, v.full = ev.Waited.Seconds(), ev.Reason == tandem.LeaveFull
				v.left = !v.full
				delete(s.calls, ev.Call)
			default:
			}
		}
		for _, a := range s.out.Actions {
			s.obey(a)
		}
	}
}

func (s *shop) obey(a acd.Action) {
	switch a.Kind { //nolint:exhaustive // the rest changes nothing here
	case acd.ActionDial:
		s.legs[a.Leg] = true
		s.after(0, func() { s.event(tandem.LegAnswered{Leg: a.Leg}) })
	case acd.ActionBridge:
		s.after(0, func() { s.event(tandem.LegBridged{Leg: a.Leg, Peer: a.Peer}) })
		s.after(s.draw(s.cfg.talk), func() { s.gone(a.Leg, tandem.CauseNormal) })
	case acd.ActionHangup:
		s.after(0, func() { s.gone(a.Leg, a.Cause) })
	}
}

// gone ends a leg, once.
func (s *shop) gone(leg tandem.LegID, cause tandem.Cause) {
	if s.legs[leg] {
		delete(s.legs, leg)
		s.event(tandem.LegEnded{Leg: leg, Cause: cause})
	}
}

// arrive brings a caller, and arranges for the next.
func (s *shop) arrive() {
	n := len(s.visits)
	id := tandem.CallID(fmt.Sprintf("c%d", n))
	urgent := s.cfg.urgent > 0 && s.rnd.Float64() < s.cfg.urgent
	s.visits = append(s.visits, visit{urgent: urgent})
	s.calls[id] = n
	s.legs[in(id)] = true
	a := tandem.Arrival{Call: tandem.Call{ID: id, Direction: tandem.Inbound, Customer: in(id)}, Queue: "support", Answered: true}
	if urgent {
		a.Priority = 1
	}
	patience, next := s.draw(s.cfg.patience), s.draw(1/s.cfg.rate)
	require.NoError(s.tb, s.e.Enqueue(s.now, a))
	s.settle()
	if s.cfg.patience > 0 {
		s.after(patience, func() {
			if _, waits := s.calls[id]; waits {
				s.gone(in(id), tandem.CauseNormal)
			}
		})
	}
	if len(s.visits) < s.cfg.calls {
		s.after(next, s.arrive)
	}
}
