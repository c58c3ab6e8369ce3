package dialer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

// experienced has learned from calls of which one in five is answered and from conversations of three minutes.
func experienced(now time.Time) *dialer.Experience {
	var e dialer.Experience
	for i := range 4000 {
		at := now.Add(time.Duration(i-4100) * time.Second)
		if i%5 == 0 {
			e.Answered(at, time.Duration(6+i%13)*time.Second)
		} else {
			e.Unanswered(at, 25*time.Second)
		}
		if i%10 == 0 {
			e.Talked(time.Duration(60+i%170) * time.Second)
			e.Wrapped(time.Duration(20+i%30) * time.Second)
		}
	}
	e.Answered(now, 10*time.Second)
	return &e
}

// crowd is a snapshot of a large centre.
func crowd(agents, calls int) *dialer.Snapshot {
	now := time.Unix(1_000_000, 0)
	s := &dialer.Snapshot{
		Now: now, Spent: dialer.Tally{Answered: 50_000, Abandoned: 1400}, Limit: dialer.Percent(3),
		Ring: 25 * time.Second, Patience: 2 * time.Second, Learned: experienced(now),
	}
	states := []tandem.AgentState{tandem.AgentOnCall, tandem.AgentOnCall, tandem.AgentOnCall, tandem.AgentWrapUp}
	for i := range agents {
		a := dialer.Agent{State: states[i%4], Age: time.Duration(i%100) * time.Second}
		if i%20 == 0 {
			a.State = tandem.AgentReady
		}
		s.Agents = append(s.Agents, a)
	}
	for i := range calls {
		s.Calls = append(s.Calls, dialer.Call{Stage: dialer.StageDialing, Age: time.Duration(i%24) * time.Second})
	}
	return s
}

func TestPredictive_AllocatesNothing(t *testing.T) {
	s := crowd(1000, 8000)
	require.Zero(t, testing.AllocsPerRun(10, func() { dialer.Predictive{}.Pace(s) }))
}

func BenchmarkPredictive(b *testing.B) {
	for name, s := range map[string]*dialer.Snapshot{
		"1000 agents and 8000 calls, enough lines": crowd(1000, 8000),
		"1000 agents and 500 calls, many wanted":   crowd(1000, 500),
		"20 agents and 60 calls":                   crowd(20, 60),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				dialer.Predictive{}.Pace(s)
			}
		})
	}
}
