package sim

import (
	"math"
	"runtime"
	"sync"
)

// Summary is what several seeds came to.
type Summary struct {
	Runs        []Result `json:"runs"`
	Utilisation float64  `json:"utilisation"`    // percent, mean
	UtilCI      float64  `json:"utilisation_ci"` // half of the 95 % confidence interval, points; 0 for one run
	Abandoned   float64  `json:"abandon_share"`  // percent, of all runs' calls
	MaxRun      float64  `json:"max_run_abandon_share"`
	MaxWindow   float64  `json:"max_window_abandon_share"`
	PerHour     float64  `json:"connected_per_agent_hour"`
	MaxLines    int      `json:"max_lines"`
}

// RunAll plays a scenario with the seeds 1 to n.
func RunAll(s Scenario, p Pacing, n int) (Summary, error) {
	out := Summary{Runs: make([]Result, n)}
	errs := make([]error, n)
	var wg sync.WaitGroup
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				out.Runs[i], errs[i] = Run(s, p, uint64(i)+1)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return Summary{}, err
		}
	}
	out.sum()
	return out, nil
}

func (s *Summary) sum() {
	n := float64(len(s.Runs))
	answered, lost := 0, 0
	for _, r := range s.Runs {
		s.Utilisation += r.Utilisation / n
		s.PerHour += r.PerHour / n
		answered += r.Answered
		lost += r.Lost
		s.MaxRun = max(s.MaxRun, r.Abandoned)
		s.MaxWindow = max(s.MaxWindow, r.Worst)
		s.MaxLines = max(s.MaxLines, r.MaxLines)
	}
	if answered > 0 {
		s.Abandoned = 100 * float64(lost) / float64(answered)
	}
	if n < 2 {
		return
	}
	v := 0.0
	for _, r := range s.Runs {
		v += (r.Utilisation - s.Utilisation) * (r.Utilisation - s.Utilisation)
	}
	s.UtilCI = student(len(s.Runs)-1) * math.Sqrt(v/(n-1)/n)
}

// student returns the two-sided 95 % quantile of Student's distribution (Abramowitz and Stegun 26.7.5).
func student(df int) float64 {
	const z = 1.959964
	table := []float64{0, 12.706, 4.303, 3.182, 2.776, 2.571}
	if df < len(table) {
		return table[df]
	}
	f := float64(df)
	return z + (z*z*z+z)/(4*f) + (5*math.Pow(z, 5)+16*z*z*z+3*z)/(96*f*f)
}
