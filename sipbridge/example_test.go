package sipbridge_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge"
)

// Two switches exchange a call: the centre answers what comes in and hangs up, as an engine would after its talk; the carrier
// is a switch as well, whose own handler only watches.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	centreSocket, carrierSocket := listenUDP(ctx), listenUDP(ctx)
	centre, err := sipbridge.New(sipbridge.Config{
		Listen: []sipbridge.Listen{{Transport: sipbridge.UDP, PacketConn: centreSocket}},
		Trunks: []sipbridge.Trunk{{ID: "carrier", Match: []string{carrierSocket.LocalAddr().String()}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	carrier, err := sipbridge.New(sipbridge.Config{
		Listen: []sipbridge.Listen{{Transport: sipbridge.UDP, PacketConn: carrierSocket}},
		Trunks: []sipbridge.Trunk{{ID: "centre", Remotes: []string{centreSocket.LocalAddr().String()}}},
		Timing: sipbridge.Timing{Qualify: -1},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	var running sync.WaitGroup
	running.Go(func() {
		_ = centre.Run(ctx, tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error {
			for _, r := range rs {
				switch e := r.Event.(type) {
				case tandem.LegIncoming:
					fmt.Printf("centre: %s calls %s through %s\n", e.From.Number, e.To, e.Trunk)
					_ = centre.Answer(ctx, e.Leg)
				case tandem.LegAnswered:
					_ = centre.Hangup(ctx, e.Leg, tandem.CauseNormal)
				default:
				}
			}
			return nil
		}))
	})
	running.Go(func() {
		_ = carrier.Run(ctx, tandem.HandlerFunc(func(_ context.Context, rs ...tandem.Record) error {
			for _, r := range rs {
				switch e := r.Event.(type) {
				case tandem.LegAnswered:
					fmt.Println("carrier: answered")
				case tandem.LegEnded:
					fmt.Println("carrier: ended:", e.Cause)
					cancel()
				default:
				}
			}
			return nil
		}))
	})
	<-centre.Ready()
	<-carrier.Ready()
	err = carrier.Dial(ctx, tandem.Dial{
		Leg: "leg1", Call: "call1", From: tandem.CallerID{Number: "+15550100"},
		To: tandem.Endpoint{Trunk: "centre", Number: "+15550199"},
	})
	if err != nil {
		fmt.Println(err)
	}
	running.Wait()
	// Output:
	// centre: +15550100 calls +15550199 through carrier
	// carrier: answered
	// carrier: ended: normal
}

// listenUDP opens a socket on a free port, so that each side knows the other's address beforehand.
func listenUDP(ctx context.Context) net.PacketConn {
	var lc net.ListenConfig
	c, err := lc.ListenPacket(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
	}
	return c
}
