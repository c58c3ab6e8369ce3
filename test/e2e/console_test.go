package e2e_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

func TestConsole_TalksWithCallersOfSipgoAndSIPp(t *testing.T) {
	requireServers(t)
	t.Parallel()
	caller, port := newSIPPhone(t, "15550100"), freeUDP(t)
	s := serve(t, t.TempDir(), twoTrunks(caller.port, port))
	b := newBrowser(t, agentTone)
	b.logIn(s, "ann", "open-sesame-1")
	b.do(chromedp.WaitVisible("#ready"), chromedp.Click("#ready"), chromedp.WaitVisible("#phone-status[data-on=true]"))
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()

	customer, err := caller.call(ctx, s.SIP, "100", customerTone)
	require.NoError(t, err)
	require.NoError(t, customer.WaitTone(ctx, 425), "the customer hears ring-back while waiting")
	b.do(chromedp.WaitVisible("#answer"), chromedp.Click("#answer"))
	require.NoError(t, customer.WaitTone(ctx, agentTone), "the customer hears the agent's microphone")
	b.hears(customerTone)
	require.NoError(t, customer.Press("7"))
	b.do(chromedp.WaitVisible("#hangup"), chromedp.Click("#hangup"))
	hung := time.Now()
	select {
	case <-customer.done:
	case <-ctx.Done():
		t.Fatal("the customer was not hung up")
	}
	admin := s.login(t, "admin", s.password(t, "admin"))
	r := admin.record()
	require.Equal(t, "answered", r.Result)
	require.Equal(t, "agent", r.EndedBy)
	require.WithinDuration(t, hung, r.Ended, time.Second)
	require.WithinDuration(t, customer.at, r.Started, time.Second)

	// SIPp calls next, and hangs up first.
	b.do(chromedp.WaitVisible("#ready"), chromedp.Click("#ready"))
	sipp := sippCalls(t, s.SIP, "100", port, 8*time.Second)
	b.do(chromedp.WaitVisible("#answer"), chromedp.Click("#answer"))
	require.NoError(t, sipp.WaitTone(ctx, agentTone), "SIPp's side hears the agent's microphone")
	b.hears(customerTone)
	require.NoError(t, <-sipp.done, "SIPp is content")
}
