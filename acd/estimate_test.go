package acd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// Callers are told at their arrival how long they will wait; the engine has nothing but its own measurements. Service times are exponential, the
// load is above what the agents can do, and callers may be impatient, except every tenth, whose wait is compared.
func TestEstimate_IsRightOnAverage(t *testing.T) {
	t.Parallel()
	for name, patience := range map[string]float64{"patient": math.Inf(1), "impatient": 120} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const agents, talk, load, n = 8, 60.0, 1.25, 4000
			ids := make([]tandem.AgentID, agents)
			for i := range ids {
				ids[i] = agentID(i)
			}
			r := newRig(t, support(acd.QueueConfig{WrapUp: -1, RingTimeout: time.Hour}, ids...))
			r.login(ids...)
			random := rand.New(rand.NewPCG(1, 2))
			seconds := func(mean float64) time.Duration {
				return time.Duration(random.ExpFloat64() * mean * float64(time.Second))
			}
			day := &shift{r: r, talk: func() time.Duration { return seconds(talk) }, gone: map[tandem.CallID]time.Time{}}
			told := map[tandem.CallID]time.Duration{}
			since := map[tandem.CallID]time.Time{}
			for i := range n {
				if patience == math.Inf(1) && i%60 == 59 {
					day.run(10 * time.Minute) // the queue may not grow for ever
				}
				day.run(seconds(talk / agents / load))
				c := tandem.CallID(fmt.Sprintf("c%d", i))
				r.arrive(acd.Route{}, c)
				day.look()
				if i%10 == 0 {
					if w, waits := r.waiting(c); waits && w.Agent == "" && w.Estimate > 0 && i > 200 {
						told[c], since[c] = w.Estimate, r.now
					}
				} else if patience != math.Inf(1) {
					day.gone[c] = r.now.Add(seconds(patience))
				}
			}
			day.run(time.Hour)
			var sumTold, sumWaited, off float64
			for c, e := range told {
				waited := day.connected[c].Sub(since[c])
				sumTold += e.Seconds()
				sumWaited += waited.Seconds()
				off += math.Abs((e - waited).Seconds())
			}
			require.Greater(t, len(told), 100)
			t.Logf("%d callers: told %.1f s, waited %.1f s on average, off by %.1f s", len(told), sumTold/float64(len(told)), sumWaited/float64(len(told)), off/float64(len(told)))
			require.InDelta(t, 1, sumTold/sumWaited, 0.1, "mean estimate by mean wait")
			require.Less(t, off/sumWaited, 0.4, "mean error by mean wait")
			r.sound()
		})
	}
}

// shift plays agents who answer at once and talk, and callers who lose patience.
type shift struct {
	r         *rig
	talk      func() time.Duration
	ends      map[tandem.CallID]time.Time
	gone      map[tandem.CallID]time.Time
	connected map[tandem.CallID]time.Time
}

// look answers what rings.
func (s *shift) look() {
	if s.ends == nil {
		s.ends, s.connected = map[tandem.CallID]time.Time{}, map[tandem.CallID]time.Time{}
	}
	for len(s.r.actions) > 0 {
		a := s.r.actions[0]
		s.r.actions = s.r.actions[1:]
		switch a.Kind {
		case acd.ActionDial:
			s.r.on(tandem.LegAnswered{Leg: a.Leg})
			s.r.on(tandem.LegBridged{Leg: a.Leg, Peer: in(a.Call)})
			s.connected[a.Call] = s.r.now
			s.ends[a.Call] = s.r.now.Add(s.talk())
			delete(s.gone, a.Call)
		case acd.ActionHangup:
			s.r.on(tandem.LegEnded{Leg: a.Leg, Cause: a.Cause, Ours: true})
		case acd.ActionUnset, acd.ActionRoute, acd.ActionAnswer, acd.ActionPlay, acd.ActionBridge, acd.ActionExit:
		}
	}
	s.r.records, s.r.shown = s.r.records[:0], 0
}

// run lets time go by: conversations end, and callers go.
func (s *shift) run(d time.Duration) {
	s.look()
	until := s.r.now.Add(d)
	for {
		call, at := tandem.CallID(""), until
		for _, due := range []map[tandem.CallID]time.Time{s.ends, s.gone} {
			for c, end := range due {
				if end.Before(at) || end.Equal(at) && call != "" && c < call {
					call, at = c, end
				}
			}
		}
		s.r.now = at
		if call == "" {
			return
		}
		delete(s.ends, call)
		delete(s.gone, call)
		s.r.hangUp(in(call))
		s.look()
	}
}

func TestEstimate_IsSilentBeforeItKnows(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.arrive(acd.Route{}, "c1", "c2")
	q := r.queue("support")
	require.Zero(t, q.Estimate)
	require.Zero(t, q.Waiting[1].Estimate)
}

func TestEstimate_GrowsWithThePosition(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{WrapUp: -1}, "ann"))
	for i := range 8 {
		r.arrive(acd.Route{}, tandem.CallID(fmt.Sprintf("c%d", i)))
	}
	r.login("ann")
	for i := range 5 {
		c := tandem.CallID(fmt.Sprintf("c%d", i))
		r.answer("ann", c)
		r.pass(30 * time.Second)
		r.hangUp(in(c))
		r.obey()
	}
	q := r.queue("support")
	require.Len(t, q.Waiting, 3)
	for i, w := range q.Waiting {
		require.Equal(t, time.Duration(i+1)*30*time.Second, w.Estimate)
	}
	require.Equal(t, 2*time.Minute, q.Estimate, "for whoever comes now")
}
