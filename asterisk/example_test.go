package asterisk_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk"
	"github.com/tandem-cc/tandem/asterisk/ami"
	"github.com/tandem-cc/tandem/asterisk/internal/amifake"
)

// Every caller is answered, hears music, and is sent away when the 1 is pressed.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	server := onePatientCaller() // In earnest: an Asterisk, and no Dial below.
	sw, err := asterisk.New(asterisk.Config{
		AMI:    ami.Config{Addr: "pbx.example.net:5038", Username: "tandem", Secret: "a long one", Dial: server.Dial},
		Trunks: []asterisk.Trunk{{ID: "carrier", Dial: "PJSIP/{number}@carrier"}},
		Agents: []asterisk.Agent{{ID: "ana", Device: "PJSIP/1001"}},
		IDs:    tandem.SequentialIDs("leg"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error {
		for _, r := range rs {
			switch e := r.Event.(type) {
			case tandem.LegIncoming:
				fmt.Printf("%s: %s calls %s through %s\n", e.Leg, e.From.Number, e.To, e.Trunk)
				_ = sw.Answer(ctx, e.Leg)
			case tandem.LegAnswered:
				fmt.Printf("%s: answered\n", e.Leg)
				_ = sw.Play(ctx, e.Leg, tandem.Sound{Kind: tandem.SoundMusic})
			case tandem.LegDigit:
				fmt.Printf("%s: pressed %s\n", e.Leg, e.Digit)
				_ = sw.Hangup(ctx, e.Leg, tandem.CauseNormal)
			case tandem.LegEnded:
				fmt.Printf("%s: ended, %s, by us: %t\n", e.Leg, e.Cause, e.Ours)
				cancel()
			default:
			}
		}
		return nil
	})
	var running sync.WaitGroup
	running.Go(func() { _ = sw.Run(ctx, handler) })
	running.Wait()
	server.Close()
	// Output:
	// leg1: +15550100 calls +15550199 through carrier
	// leg1: answered
	// leg1: pressed 1
	// leg1: ended, normal, by us: true
}

// onePatientCaller is a stand-in for an Asterisk with one caller.
func onePatientCaller() *amifake.Server {
	const caller = "\r\nChannel: PJSIP/carrier-00000001\r\nUniqueid: 1700000000.1\r\n"
	ok := "Response: Success"
	return &amifake.Server{Secret: "a long one", Answer: func(a amifake.Action) []string {
		switch {
		case a.Name == "CoreShowChannels":
			return []string{
				ok, "Event: CoreShowChannelsComplete",
				"Event: AsyncAGIStart" + caller + "Context: tandem\r\nExten: +15550199\r\nChannelState: 4\r\nCallerIDNum: +15550100",
			}
		case a.Name == "AGI" && a.Header["command"] == "ANSWER":
			return []string{ok, "Event: Newstate" + caller + "ChannelState: 6", "Event: AsyncAGIExec" + caller + "CommandId: " + a.Header["commandid"]}
		case a.Name == "AGI" && a.Header["command"] == "SET MUSIC ON":
			return []string{ok, "Event: DTMFEnd" + caller + "Digit: 1\r\nDirection: Received"}
		case a.Name == "AGI":
			return []string{ok, "Event: AsyncAGIExec" + caller + "CommandId: " + a.Header["commandid"]}
		case a.Name == "Hangup":
			return []string{ok, "Event: Hangup" + caller + "Cause: 16"}
		}
		return []string{ok}
	}}
}
