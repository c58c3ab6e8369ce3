package asterisk_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/internal/testenv"
)

// TestCentre_OverAsterisk takes one call through the routing engine over a real Asterisk: a customer calls through the trunk, waits with
// music, is connected with an agent at a desk phone, and hangs up.
func TestCentre_OverAsterisk(t *testing.T) {
	t.Parallel()
	r := newRig(t, testenv.Asterisk(t), nil)
	journal := &story{t: t, changed: make(chan struct{})}
	centre, err := acd.New(acd.Config{
		Switch: r.sw, Events: journal,
		Route: acd.Routes{Default: acd.Route{Queue: "support"}}.Route,
		Queues: []acd.QueueConfig{{
			Queue: tandem.Queue{ID: "support"}, Sound: tandem.Sound{Kind: tandem.SoundMusic}, WrapUp: -1,
		}},
		Agents: []acd.AgentConfig{{Agent: tandem.Agent{ID: "ana"}, Queues: []acd.Seat{{Queue: "support"}}}},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = r.sw.Run(ctx, tandem.Handlers{centre}) })
	running.Go(func() { _ = centre.Run(ctx) })
	defer running.Wait()
	defer cancel()
	o := &office{rig: r, story: journal}

	var customer, agent *party
	require.Eventually(t, func() bool {
		return r.sw.Hangup(ctx, "nobody", tandem.CauseNormal) != nil && tandem.IsGone(r.sw.Hangup(ctx, "nobody", tandem.CauseNormal))
	},
		10e9, 5e6, "the switch is ready")
	o.do("call", func(ctx context.Context) (err error) {
		customer, err = r.carrier.dial(ctx, "+15550100", did)
		return err
	})
	call := await(journal, any1[tandem.CallQueued]).Call
	o.do("the customer hears music", func(ctx context.Context) error { return customer.HearSound(ctx, tandem.SoundMusic) })
	o.do("the agent's phone registers", func(ctx context.Context) error { return r.Attach(ctx, "ana") })
	o.do("log in", func(ctx context.Context) error { return centre.Login(ctx, "ana") })
	o.do("the agent's phone rings", func(ctx context.Context) (err error) {
		agent, err = r.desks["ana"].ringing(ctx, "")
		return err
	})
	o.do("answer", agent.Answer)
	connected := await(journal, any1[tandem.CallConnected])
	require.Equal(t, tandem.AgentID("ana"), connected.Agent)
	o.do("the customer hears the agent", func(ctx context.Context) error { return customer.HearParty(ctx, agent) })
	o.do("the agent hears the customer", func(ctx context.Context) error { return agent.HearParty(ctx, customer) })
	o.do("the customer hangs up", customer.HangUp)
	ended := await(journal, any1[tandem.CallEnded])
	require.Equal(t, tandem.CallEnded{Call: call, Cause: tandem.CauseNormal, By: tandem.PartyCustomer}, ended)
	o.do("the agent's phone is released", func(ctx context.Context) error { return agent.Wait(ctx, tandem.LegStateEnded) })

	var order []string
	journal.mu.Lock()
	for _, e := range journal.events {
		switch e.(type) {
		case tandem.CallStarted, tandem.CallQueued, tandem.CallOffered, tandem.CallConnected, tandem.CallReleased, tandem.CallEnded, tandem.OfferEnded, tandem.CallLeft:
			order = append(order, e.Kind())
		default:
		}
	}
	journal.mu.Unlock()
	require.Equal(t, "call_started call_queued call_offered call_connected", joinKinds(order[:4]))
	require.ElementsMatch(t, []string{"call_released", "call_ended"}, order[4:])
}

func joinKinds(kinds []string) string {
	s := ""
	for i, k := range kinds {
		if i > 0 {
			s += " "
		}
		s += k
	}
	return s
}
