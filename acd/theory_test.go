package acd_test

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// shop is an engine in virtual time with Poisson arrivals, exponential talk and, if there is any, exponential patience: what queueing theory has
// closed forms for.
type shop struct {
	rnd      *rand.Rand
	e        *acd.Engine
	out      acd.Output
	now      time.Time
	due      dueList
	seq      int
	talk     float64 // seconds on average
	patience float64 // seconds on average; 0: for ever
	legs     map[tandem.LegID]bool
	waits    []float64 // of the calls in the order in which they were connected
	arrived  int
	lost     int
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

func (s *shop) after(seconds float64, do func()) {
	s.seq++
	heap.Push(&s.due, due{s.now.Add(time.Duration(seconds * float64(time.Second))), s.seq, do})
}

func (s *shop) event(ev tandem.Event) {
	s.e.Handle(s.now, ev)
	s.settle()
}

// settle does at once what the engine wants, until it wants nothing more.
func (s *shop) settle() {
	for s.e.Pending() > 0 {
		s.out = s.e.Take(s.out)
		for _, r := range s.out.Records(nil) {
			switch ev := r.Event.(type) {
			case tandem.CallConnected:
				s.waits = append(s.waits, ev.Waited.Seconds())
			case tandem.CallLeft:
				s.lost++
			default:
			}
		}
		for _, a := range s.out.Actions {
			switch a.Kind {
			case acd.ActionDial:
				s.legs[a.Leg] = true
				s.after(0, func() { s.event(tandem.LegAnswered{Leg: a.Leg}) })
			case acd.ActionBridge:
				s.after(0, func() { s.event(tandem.LegBridged{Leg: a.Leg, Peer: a.Peer}) })
				s.after(s.rnd.ExpFloat64()*s.talk, func() { s.gone(a.Leg, tandem.CauseNormal) })
			case acd.ActionHangup:
				s.after(0, func() { s.gone(a.Leg, a.Cause) })
			case acd.ActionUnset, acd.ActionRoute, acd.ActionAnswer, acd.ActionPlay:
			}
		}
	}
}

// gone ends a leg, once.
func (s *shop) gone(leg tandem.LegID, cause tandem.Cause) {
	if s.legs[leg] {
		delete(s.legs, leg)
		s.event(tandem.LegEnded{Leg: leg, Cause: cause})
	}
}

func (s *shop) arrive(perSecond float64, calls int) {
	s.arrived++
	id := tandem.CallID(fmt.Sprintf("c%d", s.arrived))
	s.legs[in(id)] = true
	err := s.e.Enqueue(s.now, tandem.Arrival{Call: tandem.Call{ID: id, Direction: tandem.Inbound, Customer: in(id)}, Queue: "support", Answered: true})
	if err == nil {
		s.settle()
	}
	if s.patience > 0 {
		s.after(s.rnd.ExpFloat64()*s.patience, func() {
			if s.waitingFor(id) {
				s.gone(in(id), tandem.CauseNormal)
			}
		})
	}
	if s.arrived < calls {
		s.after(s.rnd.ExpFloat64()/perSecond, func() { s.arrive(perSecond, calls) })
	}
}

// waitingFor says whether a call still waits: hanging up in the conversation is not impatience.
func (s *shop) waitingFor(id tandem.CallID) bool {
	for _, w := range s.e.Snapshot(s.now).Queues[0].Waiting {
		if w.Call == id {
			return true
		}
	}
	return false
}

func open(t *testing.T, agents int, talk, patience float64) *shop {
	t.Helper()
	var ids []tandem.AgentID
	for i := range agents {
		ids = append(ids, agentID(i))
	}
	e, err := acd.NewEngine(support(acd.QueueConfig{WrapUp: -1}, ids...))
	require.NoError(t, err)
	s := &shop{
		rnd: rand.New(rand.NewPCG(1, 2)), e: e, now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), talk: talk, patience: patience,
		legs: map[tandem.LegID]bool{},
	}
	for _, id := range ids {
		require.NoError(t, e.Login(s.now, id))
	}
	return s
}

func (s *shop) run(perSecond float64, calls int) {
	s.after(0, func() { s.arrive(perSecond, calls) })
	for len(s.due) > 0 {
		d := heap.Pop(&s.due).(due)
		s.now = d.at
		d.do()
	}
}

// interval returns the mean of f over the values and the half width of its 99 % confidence interval, by thirty batch means.
func interval(values []float64, f func(float64) float64) (mean, half float64) {
	const batches = 30
	n := len(values) / batches
	var means []float64
	for b := range batches {
		sum := 0.0
		for _, v := range values[b*n : (b+1)*n] {
			sum += f(v)
		}
		means = append(means, sum/float64(n))
		mean += sum / float64(n) / batches
	}
	var varsum float64
	for _, m := range means {
		varsum += (m - mean) * (m - mean)
	}
	const t99 = 2.756 // Student's t, 29 degrees of freedom
	return mean, t99 * math.Sqrt(varsum/(batches-1)/batches)
}

// TestTheory_ErlangC compares M/M/n with its closed form: the probability of waiting C, the mean wait, and the share served within 20 s.
func TestTheory_ErlangC(t *testing.T) {
	t.Parallel()
	for _, p := range []struct {
		name              string
		agents            int
		perHour, talk     float64
		wait, mean, in20s float64
	}{
		{"3 agents, 2 erlang", 3, 40, 180, 4.0 / 9, 80, 1 - 4.0/9*math.Exp(-20.0/180)},
		{"14 agents, 10 erlang", 14, 200, 180, 0.174132, 7.836, 0.888350},
		{"50 agents, 48 erlang", 50, 48 * 60, 60, 0.694456, 20.83, 1 - 0.694456*math.Exp(-(50-48)/60.0*20)},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, p.agents, p.talk, 0)
			s.run(p.perHour/3600, 60_000)
			require.Len(t, s.waits, 60_000)
			for what, c := range map[string]struct {
				want float64
				f    func(float64) float64
			}{
				"probability of waiting": {p.wait, func(w float64) float64 { return indicator(w > 0) }},
				"mean wait":              {p.mean, func(w float64) float64 { return w }},
				"served within 20 s":     {p.in20s, func(w float64) float64 { return indicator(w <= 20) }},
			} {
				got, half := interval(s.waits[3000:], c.f)
				require.InDelta(t, c.want, got, half, "%s: got %.4f ± %.4f, theory %.4f", what, got, half, c.want)
				require.Less(t, half, c.want*0.6, "%s: the interval says little", what)
			}
		})
	}
}

// TestTheory_ErlangA compares M/M/n+M, where callers lose patience, with its closed form.
func TestTheory_ErlangA(t *testing.T) {
	t.Parallel()
	s := open(t, 6, 180, 120)
	s.run(5.0/3/60, 40_000)
	lost := float64(s.lost) / float64(s.arrived)
	require.InDelta(t, 0.112336, lost, 0.006, "share of callers who abandon")
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
