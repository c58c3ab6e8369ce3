package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A second server on the same data would take the first one's calls for a dead process's, and both would write one journal.
func TestSecondServer_IsRefusedAndTheFirstGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const config = "queues: [{id: support}]\nagents: [{id: ann, queues: [support]}]\nroutes: [{did: '100', queue: support}]\n"
	first := serve(t, dir, config)
	second := launch(t, dir, config)
	select {
	case <-second.done:
	case <-time.After(30 * time.Second):
		t.Fatal("the second server runs")
	}
	require.Equal(t, 1, second.cmd.ProcessState.ExitCode())
	require.Contains(t, second.err.String(), "another process runs a centre on")
	require.Equal(t, 200, first.status(t, "/readyz"))
}
