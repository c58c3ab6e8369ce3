package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFirstCall_ShowsAWholeCall(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "run", ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	at := 0
	for _, kind := range []string{"call_started", "call_queued", "call_offered", "call_connected", "call_released", "call_ended"} {
		i := strings.Index(string(out)[at:], kind)
		require.GreaterOrEqual(t, i, 0, "%s after the ones before in\n%s", kind, out)
		at += i
	}
}

func TestFirstCall_IsWhatTheReadmeShows(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, body, found := strings.Cut(string(source), "func main() {\n")
	require.True(t, found)
	body, _, found = strings.Cut(body, "\n}\n")
	require.True(t, found)
	require.Less(t, strings.Count(body, "\n")+1, 20, "under twenty lines")
	require.Contains(t, string(readme), strings.ReplaceAll("\n"+body, "\n\t", "\n"))
}
