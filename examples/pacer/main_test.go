package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/dialer"
)

func TestPacer_ShowsWhatTheReadmeSays(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "run", ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		require.Contains(t, string(readme), "    "+line)
	}
}

func TestShift_BudgetKeepsTheLimit(t *testing.T) {
	t.Parallel()
	limit := dialer.Percent(3)
	_, spent := shift(dialer.Budget{Pacer: dialer.Ratio{Lines: 5}}, limit)
	require.True(t, spent.Within(limit), "%s", spent.Share())
	_, free := shift(dialer.Ratio{Lines: 5}, limit)
	require.False(t, free.Within(limit), "without it the limit would not hold")
}
