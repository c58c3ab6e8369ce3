package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/loopback"
)

func main() {
	ctx, stop := context.WithTimeout(context.Background(), 3*time.Second)
	defer stop()
	sw := must(loopback.New(loopback.Config{ // a switch in memory; sipbridge.New is the one with real telephones
		Trunks: []loopback.Trunk{{ID: "carrier"}},
		Agents: []loopback.Agent{{ID: "ann", Script: loopback.Script{Ring: time.Second}}},
	}))
	centre := must(acd.New(acd.Config{
		Switch: sw, Events: tandem.HandlerFunc(show),
		Queues: []acd.QueueConfig{{Queue: tandem.Queue{ID: "support"}}},
		Agents: []acd.AgentConfig{{Agent: tandem.Agent{ID: "ann"}, Queues: []acd.Seat{{Queue: "support"}}}},
		Route:  acd.Routes{DIDs: map[tandem.Number]acd.Route{"100": {Queue: "support"}}}.Route,
	}))
	var running sync.WaitGroup
	running.Go(func() { _ = sw.Run(ctx, centre) })
	running.Go(func() { _ = centre.Run(ctx) })
	must(0, centre.Login(ctx, "ann"))
	must(sw.Call(ctx, loopback.Customer{Trunk: "carrier", To: "100", Script: loopback.Script{Talk: time.Second}}))
	running.Wait()
}

// show prints what happens; a real host puts the journal here.
func show(_ context.Context, rs ...tandem.Record) error {
	for _, r := range rs {
		fmt.Printf("%s %s\n", r.At.Format("15:04:05.0"), r.Event.Kind())
	}
	return nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
