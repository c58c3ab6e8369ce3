package e2e_test

import (
	"context"
	"encoding/hex"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// enough is how many payloads in a row prove that they pass as they are: two seconds.
const enough = 100

func TestDeskPhone_PayloadPassesByteForByte(t *testing.T) {
	requireServers(t)
	t.Parallel()
	caller, desk := newSIPPhone(t, "15550100"), newSIPPhone(t, "ann")
	s := serve(t, t.TempDir(), centre(caller.port, ""))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	customer, agent := talk(ctx, t, s, caller, desk)
	require.NoError(t, customer.WaitTone(ctx, agentTone))
	require.NoError(t, agent.WaitTone(ctx, customerTone))
	// Noise, whose frames are all different.
	customer.Speak(noise(1))
	agent.Speak(noise(2))
	require.Eventually(t, func() bool {
		return agent.wire.passed(customer.wire) >= enough && customer.wire.passed(agent.wire) >= enough
	},
		20*time.Second, 500*time.Millisecond, "two seconds of payload in a row arrive as they were sent, both ways")
}

// tap keeps the payload of each packet of sound that a page sends and receives, as the browser's own codec made or gets it.
const tap = `(() => {
	const Real = window.RTCPeerConnection;
	const hex = (data) => Array.from(new Uint8Array(data), (b) => b.toString(16).padStart(2, '0')).join('');
	const keep = (streams, list) => streams.readable.pipeThrough(new TransformStream({
		transform(frame, out) { list.push(hex(frame.data)); out.enqueue(frame); },
	})).pipeTo(streams.writable);
	window.said = [];
	window.received = [];
	window.RTCPeerConnection = function (config) {
		const pc = new Real({ ...config, encodedInsertableStreams: true });
		pc.addEventListener('track', (e) => keep(e.receiver.createEncodedStreams(), window.received));
		const add = pc.addTrack.bind(pc);
		pc.addTrack = (...a) => {
			const sender = add(...a);
			keep(sender.createEncodedStreams(), window.said);
			return sender;
		};
		return pc;
	};
	window.RTCPeerConnection.prototype = Real.prototype;
})()`

// payloads returns what tap kept under a name.
func (b *browser) payloads(name string) []string {
	b.t.Helper()
	lines, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string]("window."+name))
	require.NoError(b.t, err)
	for i, line := range lines {
		payload, err := hex.DecodeString(line)
		require.NoError(b.t, err)
		lines[i] = string(payload)
	}
	return lines
}

func TestConsole_PayloadPassesByteForByte(t *testing.T) {
	requireServers(t)
	t.Parallel()
	caller := newSIPPhone(t, "15550100")
	s := serve(t, t.TempDir(), centre(caller.port, ""))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b := newBrowser(t, agentTone)
	b.before(tap)
	ann := consoleIn(b, s)
	customer, err := caller.call(ctx, s.SIP, "100", customerTone)
	require.NoError(t, err)
	ann.rings(ctx)
	ann.answer(ctx)
	require.NoError(t, customer.WaitTone(ctx, agentTone))
	ann.hears(ctx)
	customer.Speak(noise(1))
	w := customer.wire
	require.Eventually(t, func() bool { return inARow(w.payloads(&w.said), b.payloads("received")) >= enough }, 20*time.Second, time.Second,
		"the page receives two seconds of payload in a row as the customer's phone sent it")
	require.Eventually(t, func() bool { return inARow(b.payloads("said"), w.payloads(&w.heard)) >= enough }, 20*time.Second, time.Second,
		"the customer's phone receives two seconds of payload in a row as the page sent it")
}
