package asterisk_test

import (
	"testing"
	"time"

	"github.com/tandem-cc/tandem/internal/testenv"
	"github.com/tandem-cc/tandem/switchtest"
)

// TestSwitch_KeepsTheContract runs the conformance suite over a real Asterisk: customers call through its SIP trunk, agents answer on
// SIP phones that are registered at it.
func TestSwitch_KeepsTheContract(t *testing.T) {
	t.Parallel()
	pbx := testenv.Asterisk(t)
	switchtest.Run(t, switchtest.Config{
		Open: func(tb testing.TB) switchtest.Rig {
			tb.Helper()
			return newRig(tb, pbx, nil)
		},
		Calm:  300 * time.Millisecond,
		Lacks: []string{"Holder"},
	})
}
