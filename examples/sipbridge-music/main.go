package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge"
)

func main() {
	sip := flag.String("sip", "127.0.0.1:5060", "where to listen for SIP over UDP, `host:port`")
	from := flag.String("from", "127.0.0.1", "who may call: an `address`, address:port or prefix")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *sip, *from); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "sipbridge-music:", err)
		os.Exit(1)
	}
}

// run serves calls until ctx ends.
func run(ctx context.Context, out io.Writer, sip, from string) error {
	bridge, err := sipbridge.New(sipbridge.Config{
		Listen: []sipbridge.Listen{{Transport: sipbridge.UDP, Addr: sip}},
		Trunks: []sipbridge.Trunk{{ID: "trunk", Match: []string{from}}},
	})
	if err != nil {
		return err
	}
	go func() {
		<-bridge.Ready()
		_, _ = fmt.Fprintln(out, "waiting for calls at", bridge.SIPAddr(0))
	}()
	return bridge.Run(ctx, tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error {
		for _, r := range rs {
			if err := react(ctx, bridge, out, r.Event); err != nil && !tandem.IsGone(err) {
				return err
			}
		}
		return nil
	}))
}

// react says what is to be done about an event.
func react(ctx context.Context, bridge *sipbridge.Bridge, out io.Writer, e tandem.Event) error {
	switch e := e.(type) {
	case tandem.LegIncoming:
		_, _ = fmt.Fprintln(out, "call to", e.To)
		return bridge.Answer(ctx, e.Leg)
	case tandem.LegAnswered:
		return bridge.Play(ctx, e.Leg, tandem.Sound{Kind: tandem.SoundMusic})
	case tandem.LegDigit:
		_, _ = fmt.Fprintln(out, "key", e.Digit)
		if e.Digit == "#" {
			return bridge.Hangup(ctx, e.Leg, tandem.CauseNormal)
		}
	case tandem.LegEnded:
		_, _ = fmt.Fprintln(out, "ended:", e.Cause)
	default:
	}
	return nil
}
