package loopback_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/loopback"
)

// A customer calls in; whoever answers the leg and joins it with an agent is a call centre in twenty lines.
func Example() {
	sw, err := loopback.New(loopback.Config{
		Agents: []loopback.Agent{{ID: "ana", Script: loopback.Script{Ring: 5 * time.Millisecond}}},
		Trunks: []loopback.Trunk{{ID: "carrier"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	centre := tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error {
		for _, r := range rs {
			switch e := r.Event.(type) {
			case tandem.TrunkChanged: // the world is there: somebody calls
				_, err := sw.Call(ctx, loopback.Customer{
					Trunk: "carrier", From: tandem.CallerID{Number: "+15550123"}, To: "+15550100",
					Script: loopback.Script{Talk: 20 * time.Millisecond},
				})
				if err != nil {
					return err
				}
			case tandem.LegIncoming:
				fmt.Println("customer calls")
				if err := sw.Answer(ctx, e.Leg); err != nil {
					return err
				}
				to := tandem.Endpoint{Agent: "ana"}
				if err := sw.Dial(ctx, tandem.Dial{Leg: "ana1", Call: "call1", To: to, With: e.Leg}); err != nil {
					return err
				}
			case tandem.LegAnswered:
				fmt.Println(e.Leg, "answered")
				if e.Leg == "ana1" {
					return sw.Bridge(ctx, "in1", "ana1")
				}
			case tandem.LegEnded:
				fmt.Println(e.Leg, "ended:", e.Cause)
				if e.Leg == "ana1" {
					stop()
					return nil
				}
				return sw.Hangup(ctx, "ana1", tandem.CauseNormal)
			default:
			}
		}
		return nil
	})
	fmt.Println(sw.Run(ctx, centre))
	// Output:
	// customer calls
	// in1 answered
	// ana1 answered
	// in1 ended: normal
	// ana1 ended: normal
	// context canceled
}
