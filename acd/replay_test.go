package acd_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/loopback"
)

// A whole centre records what its engine was given; an engine alone, given the same, decides the same.
func TestCenter_RecordsItsInputs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sw, err := loopback.New(loopback.Config{Trunks: []loopback.Trunk{{ID: "carrier"}}, Agents: []loopback.Agent{{ID: "ann"}}})
		require.NoError(t, err)
		var inputs []acd.Input
		var rs []tandem.Record
		over := make(chan struct{})
		queues := []acd.QueueConfig{{Queue: tandem.Queue{ID: "support"}, Sound: tandem.Sound{Kind: tandem.SoundMusic}}}
		agents := []acd.AgentConfig{{Agent: tandem.Agent{ID: "ann"}, Queues: []acd.Seat{{Queue: "support"}}}}
		centre, err := acd.New(acd.Config{
			Switch: sw, Queues: queues, Agents: agents, Route: acd.Routes{Default: acd.Route{Queue: "support"}}.Route,
			Record: func(in acd.Input) { inputs = append(inputs, in) },
			Events: tandem.HandlerFunc(func(_ context.Context, got ...tandem.Record) error {
				rs = append(rs, got...)
				for _, r := range got {
					if _, ended := r.Event.(tandem.CallEnded); ended {
						close(over)
					}
				}
				return nil
			}),
		})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = sw.Run(ctx, centre) })
		wg.Go(func() { _ = centre.Run(ctx) })
		require.NoError(t, centre.Login(ctx, "ann"))
		_, err = sw.Call(ctx, loopback.Customer{Trunk: "carrier", To: "1000", Script: loopback.Script{Talk: time.Minute}})
		require.NoError(t, err)
		<-over
		stop()
		wg.Wait()
		engine, err := acd.NewEngine(acd.EngineConfig{Queues: queues, Agents: agents, Ring: true})
		require.NoError(t, err)
		for _, in := range inputs {
			require.NoError(t, engine.Replay(in))
		}
		out := engine.Take(acd.Output{})
		require.NotEmpty(t, rs)
		require.Equal(t, journal(t, rs), journal(t, out.Records(nil)))
	})
}

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
