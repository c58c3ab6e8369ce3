package campaign_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
)

// TestRunner_CrashAtAnyWrite lets a process die at its k-th use of the store, before or after the store has done its work, for
// every k, and starts another one over what is left. Nobody is dialled without a record, nobody is silently dialled
// again, nobody is lost.
func TestRunner_CrashAtAnyWrite(t *testing.T) {
	t.Parallel()
	for k := range 40 {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { crash(t, k) })
		})
	}
}

func crash(t *testing.T, k int) {
	t.Helper()
	st := newStore(leads(5)...)
	dead := make(chan struct{})
	var ops atomic.Int64
	st.setFault(func(string, bool) error {
		switch n := ops.Add(1); {
		case n < int64(k):
			return nil
		case n == int64(k):
			close(dead)
		}
		return errDown
	})
	if k == 0 {
		close(dead)
	}
	first := setup(t, st, newFloor(2), people(uint64(k), 0.4), nil)
	go func() { _ = first.runner.Start(t.Context(), "test") }()
	select {
	case <-dead:
	case <-time.After(24 * time.Hour):
	}
	first.stop()
	<-first.done
	st.setFault(nil)
	restart := time.Now()
	before := first.dials()

	second := setup(t, st, newFloor(2), people(uint64(k)+1000, 0.4), func(cfg *campaign.Config) {
		cfg.IDs, cfg.Poll = tandem.SequentialIDs("second"), 5*time.Minute
	})
	synctest.Wait()
	if second.status().State == tandem.CampaignDraft {
		second.start()
	}
	time.Sleep(4 * 24 * time.Hour)
	require.Equal(t, tandem.CampaignFinished, second.status().State)
	interrupted := make(map[tandem.Number]bool)
	st.mu.Lock()
	for id, a := range st.attempts {
		require.True(t, a.settled, "attempt %s", id)
		interrupted[a.Number] = interrupted[a.Number] || a.outcome == tandem.OutcomeInterrupted
	}
	for _, e := range st.leads {
		require.Equal(t, campaign.LeadDone, e.Progress.State, "lead %s is lost", e.Lead.ID)
	}
	st.mu.Unlock()
	for _, d := range second.dials() {
		if interrupted[d.To.Number] {
			require.GreaterOrEqual(t, d.at.Sub(restart), 24*time.Hour, "dialled again before the rule allows it")
		}
	}
	legs := make(map[tandem.LegID]bool)
	for _, d := range before {
		legs[d.Leg] = true
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	for leg := range legs {
		found := false
		for _, a := range st.attempts {
			found = found || a.Leg == leg
		}
		require.True(t, found, "a leg was dialled of which the store knows nothing")
	}
}
