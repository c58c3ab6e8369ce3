package acd_test

import (
	"flag"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// steps counts the deeds of all random histories.
var steps atomic.Int64

// nightly is how many steps the random histories of a night have at least.
const nightly = 1_000_000

// TestNightly_KeepsItsPromisesForAMillionSteps is TestEngine_KeepsItsPromisesInEveryHistory at length: make nightly.
func TestNightly_KeepsItsPromisesForAMillionSteps(t *testing.T) {
	if os.Getenv("TANDEM_NIGHTLY") == "" {
		t.Skip("takes minutes: make nightly, or TANDEM_NIGHTLY=1")
	}
	require.NoError(t, flag.Set("rapid.checks", "500"))
	start, histories := time.Now(), 0
	for steps.Load() < nightly {
		rapid.Check(t, history)
		if histories += 500; t.Failed() {
			return
		}
	}
	t.Logf("%d steps in %d histories, %s", steps.Load(), histories, time.Since(start).Round(time.Second))
}
