package ami_test

import (
	"context"
	"fmt"

	"github.com/tandem-cc/tandem/asterisk/ami"
	"github.com/tandem-cc/tandem/asterisk/internal/amifake"
)

// What is going on in an Asterisk: the channels that there are, then whatever happens, until a call ends.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	server := twoChannels() // In earnest: an Asterisk, and no Dial below.
	client, err := ami.New(ami.Config{
		Addr: "pbx.example.net:5038", Username: "tandem", Secret: "a long one", Events: "call", Dial: server.Dial,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	up := make(chan struct{}, 1)
	go func() {
		<-up
		answer, err := client.Do(ctx, ami.NewAction("CoreShowChannels"))
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, channel := range answer.List {
			fmt.Println("there is", channel.Get("Channel"))
		}
		_, _ = client.Do(ctx, ami.NewAction("Hangup").With("Channel", "PJSIP/1001-00000001").With("Cause", "16"))
	}()
	_ = client.Run(ctx, func(_ context.Context, n ami.Notice) error {
		switch {
		case n.Kind == ami.NoticeUp:
			up <- struct{}{}
		case n.Message.Event() == "Hangup":
			fmt.Println(n.Message.Get("channel"), "is gone, cause", n.Message.Get("cause"))
			cancel()
		}
		return nil
	})
	server.Close()
	// Output:
	// there is PJSIP/1001-00000001
	// there is PJSIP/carrier-00000002
	// PJSIP/1001-00000001 is gone, cause 16
}

// twoChannels is a stand-in for an Asterisk with one call.
func twoChannels() *amifake.Server {
	return &amifake.Server{Secret: "a long one", Answer: func(a amifake.Action) []string {
		if a.Name == "CoreShowChannels" {
			return []string{
				"Response: Success\r\nEventList: start", "Event: CoreShowChannel\r\nChannel: PJSIP/1001-00000001",
				"Event: CoreShowChannel\r\nChannel: PJSIP/carrier-00000002", "Event: CoreShowChannelsComplete\r\nEventList: Complete",
			}
		}
		return []string{"Response: Success", "Event: Hangup\r\nChannel: " + a.Header["channel"] + "\r\nCause: " + a.Header["cause"]}
	}}
}
