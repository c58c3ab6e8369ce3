package sim_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/dialer"
	"github.com/tandem-cc/tandem/dialer/sim"
)

// poisson places calls at random moments, so many a second, whatever the agents do.
func poisson(rate float64) sim.Pacing {
	return sim.Pacing{Name: "poisson", New: func() dialer.Pacer {
		r := rand.New(rand.NewPCG(7, 7))
		var due time.Time
		return dialer.PacerFunc(func(s *dialer.Snapshot) dialer.Decision {
			if due.IsZero() {
				due = s.Now
			}
			d := dialer.Decision{Rule: "poisson"}
			for !due.After(s.Now) {
				d.Calls++
				due = due.Add(time.Duration(r.ExpFloat64() / rate * float64(time.Second)))
			}
			d.Next = due.Sub(s.Now)
			return d
		})
	}}
}

// TestRun_AgreesWithClosedForms compares the simulator's physics with queueing theory before any pacer is judged. Times are in minutes.
func TestRun_AgreesWithClosedForms(t *testing.T) {
	t.Parallel()
	const forever = 1e6
	for name, row := range map[string]struct {
		agents          int
		arrivals, serve float64 // per minute
		patience        float64
		fickle          bool
		lost, delayed   float64 // share; negative: not compared
		within          float64
	}{
		"Erlang B, 30 agents, 25 erlang":  {30, 25, 1, 0, false, 0.0526032, -1, 0.004},
		"Erlang C, 3 agents, 2 erlang":    {3, 2, 1, forever, false, 0, 4.0 / 9, 0.02},
		"Erlang C, 14 agents, 10 erlang":  {14, 10.0 / 3, 1.0 / 3, forever, false, 0, 0.174132, 0.02},
		"Erlang A, 6 agents":              {6, 5.0 / 3, 1.0 / 3, 2, true, 0.112336, 0.355834, 0.02},
		"Erlang A, 50 agents":             {50, 48, 1, 2, true, 0.0309122, 0.467774, 0.03},
		"M/M/n+D, 20 agents, 2 s":         {20, 17, 1, 2.0 / 60, false, 0.0742517, -1, 0.004},
		"M/M/n+D, 50 agents, 20 s":        {50, 48, 1, 20.0 / 60, false, 0.0216838, -1, 0.004},
		"M/M/n+D, 5 agents, 2 s patience": {5, 4, 1, 2.0 / 60, false, 0.1876423, -1, 0.008},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sim.Day(row.agents, 1, time.Duration(float64(time.Minute)/row.serve))
			s.Memoryless, s.Fickle = true, row.fickle
			s.Patience = time.Duration(row.patience * float64(time.Minute))
			s.Length = min(30*24*time.Hour, time.Duration(120_000/row.arrivals*float64(time.Minute)))
			got, err := sim.Run(s, poisson(row.arrivals/60), 1)
			require.NoError(t, err)
			n := float64(got.Answered)
			require.InDelta(t, row.lost, float64(got.Lost)/n, row.within, "abandoned")
			if row.delayed >= 0 {
				require.InDelta(t, row.delayed, float64(got.Delayed)/n, row.within, "waited")
			}
		})
	}
}

// TestRun_ProgressiveIdleTimeIsItsClosedForm: with a line per idle agent an agent is idle for the mean time of a line, divided by the
// probability of an answer.
func TestRun_ProgressiveIdleTimeIsItsClosedForm(t *testing.T) {
	t.Parallel()
	sum, err := sim.RunAll(sim.Day(20, 0.2, 3*time.Minute), sim.Progressive(), 2)
	require.NoError(t, err)
	// A line: answered after 11.6 s (the log-normal is cut at 25 s), a machine's after 6 s more, at once 3 s, else 25 s.
	const cycle = 0.2*11.6 + 0.8*(0.15*17.6+0.85*(0.15*3+0.85*25))
	require.InDelta(t, 100*180/(180+cycle/0.2), sum.Utilisation, 1)
	require.Zero(t, sum.MaxRun)
}

func ExampleRun() {
	day := sim.Day(20, 0.2, 3*time.Minute)
	one, err := sim.Run(day, sim.Progressive(), 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	ahead, err := sim.Run(day, sim.Predictive(), 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("one line per agent: about two thirds of the time at work: %t\n", one.Utilisation > 63 && one.Utilisation < 69)
	fmt.Printf("predictive is better by more than 30 %%: %t, within the limit: %t\n",
		ahead.Utilisation > 1.3*one.Utilisation, ahead.Abandoned <= 3)
	// Output:
	// one line per agent: about two thirds of the time at work: true
	// predictive is better by more than 30 %: true, within the limit: true
}
