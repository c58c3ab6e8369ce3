package campaign_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
	"github.com/tandem-cc/tandem/loopback"
	"github.com/tandem-cc/tandem/store/memstore"
)

// BenchmarkRunner_Attempts measures whole attempts: leased, paced, recorded, dialled, refused by the far end and settled, with a
// hundred agents who are ready.
func BenchmarkRunner_Attempts(b *testing.B) {
	const batch = 1000
	var list []campaign.NewLead
	for _, l := range leads(batch) {
		list = append(list, campaign.NewLead{Lead: l})
	}
	b.ReportAllocs()
	for b.Loop() {
		store := memstore.NewLeads()
		_, err := store.Import(b.Context(), "spring", campaign.AddAll, list)
		require.NoError(b, err)
		sw, err := loopback.New(loopback.Config{
			Trunks:  []loopback.Trunk{{ID: "carrier"}},
			Dialled: func(tandem.Dial) loopback.Script { return loopback.Script{Reaction: loopback.Refuse} },
		})
		require.NoError(b, err)
		finished := make(chan struct{})
		run, err := campaign.New(campaign.Config{
			ID: "spring", Queue: "sales", Switch: sw, Store: store, Agents: newFloor(100), Trunk: campaign.Trunk{ID: "carrier"},
			Retry: campaign.Retry{MaxAttempts: 1},
			Events: tandem.HandlerFunc(func(_ context.Context, rs ...tandem.Record) error {
				for _, r := range rs {
					if e, ok := r.Event.(tandem.CampaignChanged); ok && e.To == tandem.CampaignFinished {
						close(finished)
					}
				}
				return nil
			}),
		})
		require.NoError(b, err)
		ctx, stop := context.WithCancel(b.Context())
		var all sync.WaitGroup
		all.Go(func() { _ = sw.Run(ctx, run) })
		all.Go(func() { _ = run.Run(ctx) })
		require.NoError(b, run.Start(ctx, "benchmark"))
		select {
		case <-finished:
		case <-time.After(time.Minute):
			require.Fail(b, "the campaign does not come to its end")
		}
		stop()
		all.Wait()
	}
	b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "attempts/s")
}
