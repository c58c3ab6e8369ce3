package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/dialer/sim"
)

// TestPredictive_KeepsItsFigures notices when pacing becomes worse: a few rows of command dialsim's table, with margin.
func TestPredictive_KeepsItsFigures(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		agents int
		answer float64
		handle time.Duration
		least  float64 // utilisation
	}{
		{5, 0.2, 3 * time.Minute, 75.5},
		{20, 0.2, 3 * time.Minute, 87},
		{50, 0.35, 5 * time.Minute, 94},
	} {
		s := sim.Day(row.agents, row.answer, row.handle)
		sum, err := sim.RunAll(s, sim.Predictive(), 3)
		require.NoError(t, err)
		require.GreaterOrEqual(t, sum.Utilisation, row.least, s.Name)
		require.LessOrEqual(t, sum.MaxRun, 3.0, s.Name)
	}
}
