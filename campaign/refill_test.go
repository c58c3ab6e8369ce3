package campaign_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
	"github.com/tandem-cc/tandem/dialer"
)

// TestRefill_CountsWhatTheRunnerCounted replays the journal of a day with many abandoned calls, for each kind of window.
func TestRefill_CountsWhatTheRunnerCounted(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]dialer.Window{
		"campaign": {},
		"day":      {Kind: dialer.WindowDay},
		"sliding":  {Kind: dialer.WindowSliding, Length: 90 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(23 * time.Hour) // so that a midnight lies in between
				live, err := dialer.NewLedger(w)
				require.NoError(t, err)
				c := setup(t, newStore(leads(800)...), newFloor(6), people(9, 0.5), func(cfg *campaign.Config) {
					cfg.Pacer, cfg.Ledger = dialer.Ratio{Lines: 3}, live
				})
				c.start()
				time.Sleep(3 * time.Hour)
				require.NoError(t, c.runner.Pause(t.Context(), "count"))
				time.Sleep(10 * time.Minute)
				want := c.status().Ledger
				require.Greater(t, want.Abandoned, 20)

				again, err := dialer.NewLedger(w)
				require.NoError(t, err)
				c.mu.Lock()
				defer c.mu.Unlock()
				require.NoError(t, campaign.NewRefill("spring", again).Handle(t.Context(), c.journal...))
				require.Equal(t, want, again.Tally(time.Now()))
				other, err := dialer.NewLedger(w)
				require.NoError(t, err)
				require.NoError(t, campaign.NewRefill("autumn", other).Handle(t.Context(), c.journal...))
				require.Equal(t, dialer.Tally{}, other.Tally(time.Now()))
			})
		})
	}
}

func TestRefill_ACallCutOffByOurEndWasAbandoned(t *testing.T) {
	t.Parallel()
	l, err := dialer.NewLedger(dialer.Window{})
	require.NoError(t, err)
	at := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	require.NoError(t, campaign.NewRefill("spring", l).Handle(t.Context(),
		tandem.Record{At: at, Event: tandem.AttemptStarted{Attempt: "a", Campaign: "spring", Call: "c", Leg: "l"}},
		tandem.Record{At: at, Event: tandem.LegAnswered{Leg: "l"}},
		tandem.Record{At: at, Event: tandem.AttemptEnded{Attempt: "a", Campaign: "spring", Outcome: tandem.OutcomeInterrupted}},
	))
	require.Equal(t, dialer.Tally{Answered: 1, Abandoned: 1}, l.Tally(at))
}
