package acd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// That a replay decides the same is checked in every random history; here is what it refuses.
func TestReplay_RefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	for _, op := range []string{"", "dance", "incoming", "routed", "enqueue", "dispose", "handle", "failed"} {
		require.ErrorIs(t, r.e.Replay(acd.Input{At: r.now, Op: op}), tandem.ErrInvalid, op)
	}
	require.ErrorIs(t, r.e.Replay(acd.Input{At: r.now, Op: "login", Agent: "nobody"}), tandem.ErrNotFound)
	r.ok(r.e.Replay(acd.Input{At: r.now, Op: "login", Agent: "ann"}))
	r.happened("ann ready")
}
