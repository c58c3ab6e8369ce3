package sipcore_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

const options = "OPTIONS sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP x:5060;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n" +
	"To: <sip:a@h>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"

func FuzzSplitMessage(f *testing.F) {
	f.Add([]byte("\r\n\r\n" + options + options))
	f.Add([]byte("A\r\nl: 5\r\n\r\n12345rest"))
	f.Fuzz(func(t *testing.T, b []byte) {
		skip, n, err := sipcore.SplitMessage(b, 1000)
		require.LessOrEqual(t, skip+n, len(b))
		require.GreaterOrEqual(t, n, 0)
		require.LessOrEqual(t, n, 1000)
		if n > 0 {
			require.NoError(t, err)
			require.Contains(t, string(b[skip:skip+n]), "\r\n\r\n")
		}
	})
}

func FuzzRejectRaw(f *testing.F) {
	f.Add([]byte(strings.Replace(options, "SIP/2.0/UDP", "rubbish", 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		res, ok := sipcore.RejectRaw(b)
		if !ok {
			return
		}
		require.True(t, bytes.HasPrefix(res, []byte("SIP/2.0 400 Bad Request\r\n")))
		require.LessOrEqual(t, len(res), len(b)+200, "an answer is no amplifier")
		require.Equal(t, 1, bytes.Count(res, []byte("\r\n\r\n")))
		require.NotContains(t, string(bytes.ReplaceAll(res, []byte("\r\n"), nil)), "\n")
	})
}

// FuzzIngest throws bytes at a whole endpoint: nothing may end it.
func FuzzIngest(f *testing.F) {
	f.Add([]byte(options))
	f.Add([]byte(strings.ReplaceAll(options, "OPTIONS", "INVITE")))
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nCSeq: 1 INVITE\r\n\r\n"))
	h := newHost()
	ep, err := sipcore.New(sipcore.Config{Handler: h, Admit: admitAll, MaxCalls: 10, Guard: sipcore.GuardConfig{Rate: -1}})
	require.NoError(f, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ep.Run(ctx) }()
	<-ep.Ready()
	f.Cleanup(func() { cancel(); <-done })
	flow := sipcore.NewFlow("fuzz", sipcore.TransportUDP, netip.MustParseAddrPort("127.0.0.1:5099"), func([]byte) error { return nil })
	f.Fuzz(func(_ *testing.T, b []byte) {
		sipcore.Ingest(ep, ctx, flow, b)
		for {
			select {
			case c := <-h.incoming:
				_ = c.Reject(486, sipcore.Cause{})
			case <-h.events:
			default:
				return
			}
		}
	})
}

func BenchmarkParseInvite(b *testing.B) {
	raw := []byte(strings.ReplaceAll(options, "OPTIONS", "INVITE"))
	flow := sipcore.NewFlow("x", sipcore.TransportUDP, netip.MustParseAddrPort("127.0.0.1:5099"), func([]byte) error { return nil })
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sipcore.ParseInbound(raw, flow); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCall is a whole call between two endpoints over UDP on loopback: INVITE, 200,
// ACK, BYE, 200, both sides in this process.
func BenchmarkCall(b *testing.B) {
	run := func(h sipcore.Handler) *sipcore.Endpoint {
		ep, err := sipcore.New(sipcore.Config{
			Handler: h, Admit: admitAll, MaxCalls: 1 << 20, MaxTransactions: 1 << 20, Guard: sipcore.GuardConfig{Rate: -1},
			Listeners: []sipcore.Listener{{Name: "udp", Transport: sipcore.TransportUDP, Addr: "127.0.0.1:0"}},
		})
		require.NoError(b, err)
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan error, 1)
		go func() { done <- ep.Run(ctx) }()
		<-ep.Ready()
		b.Cleanup(func() { cancel(); <-done })
		return ep
	}
	ah, bh := newHost(), newHost()
	caller, callee := run(ah), run(bh)
	to, _ := callee.Addr("udp")
	b.ReportAllocs()
	for b.Loop() {
		out, err := caller.Invite(b.Context(), sipcore.InviteRequest{To: "sip:1@" + to.String(), Destination: "udp:" + to.String(), SDP: []byte(offerSDP)})
		require.NoError(b, err)
		in := <-bh.incoming
		require.NoError(b, in.Answer([]byte(answerSDP)))
		<-ah.events // answered
		<-bh.events // confirmed
		require.NoError(b, out.Hangup(sipcore.Cause{}))
		<-ah.events
		<-bh.events
	}
}

// echoHandler answers every call and prints how it ended.
type echoHandler struct{ ended chan sipcore.Ended }

func (h *echoHandler) Incoming(_ context.Context, call *sipcore.Call) {
	if err := call.Answer(call.Offer()); err != nil {
		fmt.Println(err)
	}
}

func (h *echoHandler) Event(_ context.Context, call *sipcore.Call, ev sipcore.Event) {
	switch ev := ev.(type) {
	case sipcore.Answered:
		_ = call.Hangup(sipcore.Cause{Q850: 16})
	case sipcore.Ended:
		if call.Inbound() {
			h.ended <- ev
		}
	}
}

func (h *echoHandler) Reoffer(_ context.Context, _ *sipcore.Call, offer []byte) ([]byte, error) {
	return offer, nil
}

// ExampleEndpoint has one endpoint call another, which answers; the caller hangs up as
// soon as it is answered.
func ExampleEndpoint() {
	h := &echoHandler{ended: make(chan sipcore.Ended, 1)}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	stopped := make(chan error, 2)
	run := func() *sipcore.Endpoint {
		ep, err := sipcore.New(sipcore.Config{
			Handler: h,
			Admit: func(_ context.Context, in *sipcore.Inbound) sipcore.Admission {
				return sipcore.Admission{Allow: in.Source.Addr().IsLoopback(), Trunk: "lab"}
			},
			Listeners: []sipcore.Listener{{Name: "lan", Transport: sipcore.TransportUDP, Addr: "127.0.0.1:0"}},
		})
		if err != nil {
			fmt.Println(err)
			return nil
		}
		go func() { stopped <- ep.Run(ctx) }()
		<-ep.Ready()
		return ep
	}
	caller, callee := run(), run()
	to, _ := callee.Addr("lan")
	if _, err := caller.Invite(ctx, sipcore.InviteRequest{
		To: "sip:100@" + to.String(), Destination: "udp:" + to.String(), SDP: []byte("v=0\r\n"),
	}); err != nil {
		fmt.Println(err)
		return
	}
	end := <-h.ended
	fmt.Println(end.Reason, end.Cause.Q850)
	cancel()
	fmt.Println(<-stopped, <-stopped)
	// Output:
	// remote 16
	// context canceled context canceled
}
