package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCampaign_ShowsWhatTheReadmeSays(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "run", ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		require.Contains(t, string(readme), "    "+strings.TrimRight(line, "\n"))
	}
	require.Contains(t, string(out), "Gus     blocked")
}
