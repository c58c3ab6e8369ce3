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

// The engine alone, without a switch: a replay, a simulation or a test gives it inputs with their times and reads what it decides.
func ExampleEngine() {
	engine, err := acd.NewEngine(acd.EngineConfig{
		Queues: []acd.QueueConfig{{Queue: tandem.Queue{ID: "support"}}},
		Agents: []acd.AgentConfig{{Agent: tandem.Agent{ID: "ann"}, AlwaysReachable: true, Queues: []acd.Seat{{Queue: "support"}}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	_ = engine.Login(now, "ann")
	_ = engine.Enqueue(now.Add(time.Second), tandem.Arrival{
		Call: tandem.Call{ID: "c1", Direction: tandem.Inbound, Customer: "leg1"}, Queue: "support", Answered: true,
	})
	out := engine.Take(acd.Output{})
	for _, r := range out.Records(nil) {
		fmt.Println(r.At.Format("15:04:05"), r.Event.Kind())
	}
	for _, a := range out.Actions {
		fmt.Println("do:", a.Kind, a.Agent, a.Leg)
	}
	// Output:
	// 09:00:00 agent_changed
	// 09:00:01 call_started
	// 09:00:01 call_queued
	// 09:00:01 decided
	// 09:00:01 call_offered
	// 09:00:01 agent_changed
	// do: dial ann c1-a1
}

// A host's own rule for who is asked first is a function: here whoever speaks the most Spanish, and among equals whoever has been idle longest.
func ExampleStrategyFunc() {
	spanish := acd.StrategyFunc(func(s acd.Standing) float64 {
		return -float64(s.Skills["spanish"])*1e9 + s.IdleSince.Seconds()
	})
	fmt.Println(spanish.Key(acd.Standing{Skills: map[tandem.SkillID]uint8{"spanish": 80}}) < spanish.Key(acd.Standing{}))
	// Output: true
}
