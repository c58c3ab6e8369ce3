package acd_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd/acdtest"
	"github.com/tandem-cc/tandem/loopback"
)

// scenarios runs a test for each scenario file that is meant for a place.
func scenarios(t *testing.T, place string, run func(t *testing.T, s *acdtest.Scenario)) {
	t.Helper()
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		s := readScenario(t, name)
		if s.RunsOn(place) {
			t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
				t.Parallel()
				run(t, s)
			})
		}
	}
}

func readScenario(t *testing.T, name string) *acdtest.Scenario {
	t.Helper()
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	s, err := acdtest.Parse(f)
	require.NoError(t, err, name)
	return s
}

// TestScenario_Engine plays the scenarios with the engine alone.
func TestScenario_Engine(t *testing.T) {
	t.Parallel()
	scenarios(t, acdtest.OnEngine, func(t *testing.T, s *acdtest.Scenario) {
		t.Helper()
		h, err := acdtest.RunEngine(s)
		require.NoError(t, err)
		require.NoError(t, s.Check(h, 0), s.Title)
		lawful(t, h)
	})
}

// TestScenario_Loopback plays them with a Center over a switch in memory, with every timing as exact.
func TestScenario_Loopback(t *testing.T) {
	t.Parallel()
	scenarios(t, acdtest.OnLoopback, func(t *testing.T, s *acdtest.Scenario) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h, err := acdtest.RunCenter(t.Context(), s, inMemory(t, s))
			require.NoError(t, err)
			require.NoError(t, s.Check(h, 0), s.Title)
			lawful(t, h)
		})
	})
}

// lawful requires that whatever a scenario is about, the ledger's promises hold throughout it.
func lawful(t *testing.T, h *acdtest.History) {
	t.Helper()
	l := newLedger()
	for _, r := range h.Records {
		l.read(r)
	}
	require.NoError(t, l.err)
}

// memoryParty is a far end of the loopback switch.
type memoryParty struct{ *loopback.Party }

func (p memoryParty) Answer(context.Context) error                   { return p.Party.Answer() }
func (p memoryParty) Refuse(_ context.Context, c tandem.Cause) error { return p.Party.Refuse(c) }
func (p memoryParty) HangUp(context.Context) error                   { return p.Party.HangUp() }

// inMemory is a loopback switch whose agents do nothing by themselves.
func inMemory(t *testing.T, s *acdtest.Scenario) acdtest.Exchange {
	t.Helper()
	cfg := loopback.Config{Trunks: []loopback.Trunk{{ID: "carrier"}}}
	for _, a := range s.Agents {
		cfg.Agents = append(cfg.Agents, loopback.Agent{ID: a.ID, Away: true, Script: loopback.Script{Reaction: loopback.Ignore}})
	}
	sw, err := loopback.New(cfg)
	require.NoError(t, err)
	return acdtest.Exchange{
		Switch: sw, Run: sw.Run, Settle: synctest.Wait, Logger: slog.New(slog.DiscardHandler),
		Call: func(ctx context.Context, from, to tandem.Number) (acdtest.Party, error) {
			p, err := sw.Call(ctx, loopback.Customer{Trunk: "carrier", From: tandem.CallerID{Number: from}, To: to})
			return memoryParty{p}, err
		},
		Ringing: func(ctx context.Context, agent tandem.AgentID) (acdtest.Party, error) {
			p, err := sw.Ringing(ctx, tandem.Endpoint{Agent: agent})
			return memoryParty{p}, err
		},
		Attach: func(_ context.Context, agent tandem.AgentID) error { sw.Attach(agent); return nil },
		Detach: func(_ context.Context, agent tandem.AgentID) error { sw.Detach(agent); return nil },
	}
}
