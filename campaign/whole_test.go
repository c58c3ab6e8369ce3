package campaign_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/campaign"
	"github.com/tandem-cc/tandem/dialer"
	"github.com/tandem-cc/tandem/loopback"
	"github.com/tandem-cc/tandem/store/memstore"
)

// crew is package acd as a campaign sees it.
type crew struct{ *acd.Center }

func (c crew) Staff(ctx context.Context, queue tandem.QueueID) (campaign.Staff, error) {
	snap, err := c.Snapshot(ctx)
	if err != nil {
		return campaign.Staff{}, err
	}
	var s campaign.Staff
	for _, a := range snap.Agents {
		if a.State == tandem.AgentLoggedOut || !slices.Contains(a.Queues, queue) {
			continue
		}
		state := a.State
		if state == tandem.AgentReady && a.Until.After(snap.At) {
			state = tandem.AgentPaused // in back-off: nothing is offered to that agent
		}
		s.Agents = append(s.Agents, dialer.Agent{State: state, Age: snap.At.Sub(a.Since)})
	}
	for _, q := range snap.Queues {
		if q.ID != queue {
			continue
		}
		for _, w := range q.Waiting {
			if w.Agent == "" {
				s.Waiting++
			}
		}
	}
	return s, nil
}

// TestRunner_ADayWithTheRealRoutingEngine runs a campaign and inbound calls side by side over package acd and a loopback switch.
func TestRunner_ADayWithTheRealRoutingEngine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const agents = 8
		react := people(11, 0.3)
		world := loopback.Config{
			Trunks: []loopback.Trunk{{ID: "carrier"}},
			Dialled: func(d tandem.Dial) loopback.Script {
				s := react(d)
				s.Talk = 90 * time.Second
				return s
			},
		}
		routing := acd.Config{
			Queues: []acd.QueueConfig{{Queue: tandem.Queue{ID: "sales"}}},
			Route:  acd.Routes{Default: acd.Route{Queue: "sales"}}.Route,
		}
		for i := range agents {
			id := tandem.AgentID(fmt.Sprintf("agent%d", i))
			world.Agents = append(world.Agents, loopback.Agent{ID: id, Script: loopback.Script{Ring: 500 * time.Millisecond}})
			routing.Agents = append(routing.Agents, acd.AgentConfig{
				Agent: tandem.Agent{ID: id}, Queues: []acd.Seat{{Queue: "sales"}},
			})
		}
		sw, err := loopback.New(world)
		require.NoError(t, err)
		var mu sync.Mutex
		var journal []tandem.Record
		keep := tandem.HandlerFunc(func(_ context.Context, rs ...tandem.Record) error {
			mu.Lock()
			defer mu.Unlock()
			journal = append(journal, rs...)
			return nil
		})
		var run *campaign.Runner
		late := tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error { return run.Handle(ctx, rs...) })
		routing.Switch, routing.Events = sw, tandem.Handlers{keep, late}
		centre, err := acd.New(routing)
		require.NoError(t, err)
		leadsKept := memstore.NewLeads()
		var list []campaign.NewLead
		for _, l := range leads(400) {
			list = append(list, campaign.NewLead{Lead: l})
		}
		_, err = leadsKept.Import(t.Context(), "spring", campaign.KeepFirst, list)
		require.NoError(t, err)
		run, err = campaign.New(campaign.Config{
			ID: "spring", Queue: "sales", Switch: sw, Store: leadsKept, Agents: crew{centre}, Events: keep,
			Trunk: campaign.Trunk{ID: "carrier"}, IDs: tandem.SequentialIDs("id"), KeepOpen: true,
		})
		require.NoError(t, err)

		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		var running sync.WaitGroup
		running.Go(func() { _ = sw.Run(ctx, tandem.Handlers{keep, centre, run}) })
		running.Go(func() { _ = centre.Run(ctx) })
		runCtx, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = run.Run(runCtx)
		}()
		t.Cleanup(func() {
			stop()
			<-done
			cancel()
			running.Wait()
		})
		for _, a := range routing.Agents {
			require.NoError(t, centre.Login(ctx, a.ID))
		}
		require.NoError(t, run.Start(ctx, "test"))
		for range 200 { // ten hours with a caller every three minutes
			time.Sleep(3 * time.Minute)
			_, err := sw.Call(ctx, loopback.Customer{
				Trunk: "carrier", From: tandem.CallerID{Number: "+15559876"}, To: "+15550000",
				Script: loopback.Script{Patience: time.Minute, Talk: time.Minute},
			})
			require.NoError(t, err)
		}
		time.Sleep(48 * time.Hour)

		counts, err := leadsKept.Counts(ctx, "spring")
		require.NoError(t, err)
		got := counts.Outcomes
		require.Equal(t, 400, counts.Total())
		require.Zero(t, counts.Dialing)
		require.Greater(t, got[tandem.OutcomeConnected], 150, "%v", got)
		require.Less(t, got[tandem.OutcomeAbandoned], 5, "only an inbound caller can take an agent away; %v", got)
		require.Zero(t, got[tandem.OutcomeCongestion], "%v", got)
		mu.Lock()
		defer mu.Unlock()
		checkCalls(t, journal)
	})
}

// checkCalls checks that every call and every attempt in a journal is whole.
func checkCalls(t *testing.T, journal []tandem.Record) {
	t.Helper()
	calls := make(map[tandem.CallID]int)
	attempts := make(map[tandem.AttemptID]int)
	connected := 0
	for _, r := range journal {
		switch e := r.Event.(type) {
		case tandem.CallStarted:
			calls[e.Call.ID]++
		case tandem.CallEnded:
			require.Equal(t, 1, calls[e.Call], "call %s ended and was not open", e.Call)
			calls[e.Call]--
		case tandem.AttemptStarted:
			attempts[e.Attempt]++
		case tandem.AttemptEnded:
			require.Equal(t, 1, attempts[e.Attempt], "attempt %s ended and was not open", e.Attempt)
			attempts[e.Attempt]--
		case tandem.CallConnected:
			connected++
		default:
		}
	}
	for id, open := range calls {
		require.Zero(t, open, "call %s never ended", id)
	}
	for id, open := range attempts {
		require.Zero(t, open, "attempt %s never ended", id)
	}
	require.Greater(t, connected, 300, "the campaign's conversations and the callers'")
}
