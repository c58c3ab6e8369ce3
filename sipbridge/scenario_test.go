package sipbridge_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/acd/acdtest"
	"github.com/tandem-cc/tandem/sipbridge"
)

// TestScenario_OverSIP plays the scenarios that are marked "real" with a Center over the bridge and SIP telephones, in real time, all at once.
func TestScenario_OverSIP(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../acd/testdata/scenarios/*.txt")
	require.NoError(t, err)
	ran := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		s, err := acdtest.Parse(strings.NewReader(string(text)))
		require.NoError(t, err, name)
		if !s.RunsOn(acdtest.OnReal) {
			continue
		}
		ran++
		require.LessOrEqual(t, s.End, 20*time.Second, "%s takes too long for real time", name)
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			t.Parallel()
			h, err := acdtest.RunCenter(t.Context(), s, bridgeAndDesks(t, s.Agents))
			require.NoError(t, err)
			require.NoError(t, s.Check(h, s.Within), s.Title)
		})
	}
	require.GreaterOrEqual(t, ran, 5)
}

// bridgeAndDesks is a bridge with a carrier and a SIP desk phone for each agent.
func bridgeAndDesks(t *testing.T, agents []acd.AgentConfig) acdtest.Exchange {
	t.Helper()
	r := newBridge(t, func(c *sipbridge.Config) {
		accounts := sipbridge.Accounts{}
		for _, a := range agents {
			accounts[string(a.ID)] = sipbridge.Account{Agent: a.ID, HA1: sipbridge.HA1(string(a.ID), domain, password)}
		}
		c.Credentials = accounts
	})
	for _, a := range agents {
		r.agents[a.ID] = &desk{user: string(a.ID), station: newStation(t, r.addr)}
	}
	return acdtest.Exchange{
		Switch: r.bridge, Run: r.bridge.Run,
		Call: func(ctx context.Context, from, to tandem.Number) (acdtest.Party, error) { return r.Call(ctx, from, to) },
		Ringing: func(ctx context.Context, agent tandem.AgentID) (acdtest.Party, error) {
			return r.Ringing(ctx, tandem.Endpoint{Agent: agent})
		},
		Attach: func(ctx context.Context, agent tandem.AgentID) error {
			<-r.bridge.Ready()
			return r.Attach(ctx, agent)
		},
		Detach: r.Detach,
	}
}
