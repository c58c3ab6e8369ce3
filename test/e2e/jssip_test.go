package e2e_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/testenv"
)

// jsPhone registers JsSIP as an agent's phone; window.ringing is the call that rings.
const jsPhone = `(async () => {
	const ua = new JsSIP.UA({
		sockets: [new JsSIP.WebSocketInterface(%q)], uri: 'sip:ann@e2e.invalid', password: 'desk-phone-1', register_expires: 120,
	});
	window.state = '';
	ua.on('newRTCSession', (e) => {
		if (e.originator !== 'remote') return;
		window.ringing = e.session;
		window.state = 'ringing';
		e.session.on('confirmed', () => { window.state = 'confirmed'; });
		e.session.on('ended', (x) => { window.state = 'ended by ' + x.originator; });
		e.session.on('failed', (x) => { window.state = 'failed: ' + x.cause; });
	});
	await new Promise((done, fail) => {
		ua.on('registered', done);
		ua.on('registrationFailed', (x) => fail(new Error(x.cause)));
		ua.start();
	});
	window.phone = ua;
	return 'registered';
})()`

func TestJsSIP_TalksWithACallerOfTheTrunk(t *testing.T) {
	requireServers(t)
	t.Parallel()
	caller := newSIPPhone(t, "15550100")
	s := serve(t, t.TempDir(), centre(caller.port, ""))
	b := newBrowser(t, agentTone)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	// The page has the server's own origin; JsSIP comes from the test.
	b.do(chromedp.Navigate(s.URL+"/"), chromedp.WaitVisible("#login"))
	b.run(string(testenv.Bundle(t, "jssip", "JsSIP")))
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(jsPhone, "ws://"+u.Host+"/ws"), chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	require.Equal(t, "registered", got)
	s.login(t, "ann", "open-sesame-1").ready()

	customer, err := caller.call(ctx, s.SIP, "100", customerTone)
	require.NoError(t, err)
	require.NoError(t, customer.WaitTone(ctx, 425), "the customer hears ring-back while waiting")
	b.until("window.ringing")
	b.run("window.ringing.answer({ mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } })")
	b.until("window.state === 'confirmed'")
	require.NoError(t, customer.WaitTone(ctx, agentTone), "the customer hears the agent's microphone")
	b.hears(customerTone)
	b.run("window.ringing.sendDTMF('8')")
	require.NoError(t, customer.WaitDigits(ctx, "8"), "JsSIP's INFO arrives as a telephone event")
	require.NoError(t, customer.hang(ctx))
	b.until("window.state === 'ended by remote'")
	r := s.login(t, "admin", s.password(t, "admin")).record()
	require.Equal(t, "answered", r.Result)
	require.Equal(t, "customer", r.EndedBy)
}
