package acd_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/loopback"
)

// A whole first call: a customer calls, waits in a queue, talks with an agent and hangs up.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	sw, _ := loopback.New(loopback.Config{Trunks: []loopback.Trunk{{ID: "carrier"}}, Agents: []loopback.Agent{{ID: "ann"}}})
	journal := tandem.HandlerFunc(func(_ context.Context, rs ...tandem.Record) error {
		for _, r := range rs {
			switch e := r.Event.(type) {
			case tandem.CallConnected:
				fmt.Println(e.Agent, "talks to the customer")
			case tandem.CallEnded:
				fmt.Println("over:", e.Cause, "by the", e.By)
				stop()
			}
		}
		return nil
	})
	centre, _ := acd.New(acd.Config{
		Switch: sw, Events: journal, Route: acd.Routes{Default: acd.Route{Queue: "support"}}.Route,
		Queues: []acd.QueueConfig{{Queue: tandem.Queue{ID: "support"}}},
		Agents: []acd.AgentConfig{{Agent: tandem.Agent{ID: "ann"}, Queues: []acd.Seat{{Queue: "support"}}}},
	})
	var wg sync.WaitGroup
	wg.Go(func() { _ = sw.Run(ctx, centre) })
	wg.Go(func() { _ = centre.Run(ctx) })
	_ = centre.Login(ctx, "ann")
	_, _ = sw.Call(ctx, loopback.Customer{Trunk: "carrier", To: "1000", Script: loopback.Script{Talk: time.Millisecond}})
	wg.Wait()
	// Output:
	// ann talks to the customer
	// over: normal by the customer
}
