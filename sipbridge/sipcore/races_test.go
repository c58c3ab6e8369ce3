package sipcore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/sipbridge/siptest/rawpeer"
)

// fast makes the timers of the dialog layer short.
func fast(c *sipcore.Config) { c.T1, c.T2 = 20*time.Millisecond, 80*time.Millisecond }

// invitePeer has the endpoint call a raw peer and returns the INVITE.
func invitePeer(t *testing.T, ep *sipcore.Endpoint, p *rawpeer.Peer, change func(*sipcore.InviteRequest)) (*sipcore.Call, rawpeer.Message) {
	t.Helper()
	r := sipcore.InviteRequest{To: "sip:100@" + p.Addr(), Destination: "udp:" + p.Addr(), SDP: []byte(offerSDP)}
	if change != nil {
		change(&r)
	}
	c, err := ep.Invite(t.Context(), r)
	require.NoError(t, err)
	return c, p.Want("INVITE")
}

func contactOf(p *rawpeer.Peer) string { return "Contact: <sip:peer@" + p.Addr() + ">\r\n" }

func TestCall_ManyProvisionalAnswersDoNotEndIt(t *testing.T) {
	t.Parallel()
	ep, h := start(t, nil)
	p := rawpeer.UDP(t)
	_, inv := invitePeer(t, ep, p, nil)
	for range 30 {
		p.Reply(inv, 180, "t", contactOf(p), "")
	}
	p.Reply(inv, 200, "t", contactOf(p), answerSDP)
	ack := p.Want("ACK")
	require.Equal(t, "1 ACK", ack.Header("CSeq"))
	for range 30 {
		next[sipcore.Progressed](t, h)
	}
	require.Equal(t, answerSDP, string(next[sipcore.Answered](t, h).SDP))
}

func TestCall_SurplusForkIsAcknowledgedWithItsOwnTagAndHungUp(t *testing.T) {
	t.Parallel()
	ep, h := start(t, nil)
	p := rawpeer.UDP(t)
	call, inv := invitePeer(t, ep, p, nil)
	p.Reply(inv, 200, "forkA", contactOf(p), answerSDP)
	require.Equal(t, "forkA", p.Want("ACK").Tag("To"))
	p.Reply(inv, 200, "forkB", contactOf(p), answerSDP)
	require.Equal(t, "forkB", p.Want("ACK").Tag("To"))
	bye := p.Want("BYE")
	require.Equal(t, "forkB", bye.Tag("To"))
	p.Reply(bye, 200, "", "", "")
	next[sipcore.Answered](t, h)
	require.Equal(t, sipcore.StateConfirmed, call.State())
	require.EqualValues(t, 1, ep.Counters().ForkedAnswers)
	p.Reply(inv, 200, "forkA", contactOf(p), answerSDP)
	require.Equal(t, "forkA", p.Want("ACK").Tag("To"), "a 2xx that comes again is acknowledged again")
}

func TestCall_AnswerIsRepeatedUntilTheACKAndHungUpWithoutOne(t *testing.T) {
	t.Parallel()
	ep, h := start(t, fast)
	p := rawpeer.UDP(t)
	to := addr(t, ep, "udp")
	p.SendRaw(to, p.Request("INVITE", "sip:600@"+to, nil, offerSDP))
	require.NoError(t, h.call(t).Answer([]byte(answerSDP)))
	began := time.Now()
	for range 8 {
		require.Equal(t, 200, p.Want("200").Status())
	}
	// 20 + 40 + 80*5 ms lie between the first and the eighth.
	require.Greater(t, time.Since(began), 400*time.Millisecond)
	bye := p.Want("BYE")
	p.Reply(bye, 200, "", "", "")
	require.Equal(t, sipcore.EndNoACK, next[sipcore.Ended](t, h).Reason)
}

func TestCall_TargetRefreshMovesTheBYE(t *testing.T) {
	t.Parallel()
	ep, h := start(t, nil)
	p, moved := rawpeer.UDP(t), rawpeer.UDP(t)
	to := addr(t, ep, "udp")
	dialog := map[string]string{"Call-ID": "refresh@test"}
	p.SendRaw(to, p.Request("INVITE", "sip:600@"+to, dialog, offerSDP))
	call := h.call(t)
	require.NoError(t, call.Answer([]byte(answerSDP)))
	ok := p.Want("200")
	dialog["To"] = ok.Header("To")
	p.SendRaw(to, p.Request("ACK", "sip:600@"+to, dialog, ""))
	next[sipcore.Confirmed](t, h)
	dialog["CSeq"], dialog["Contact"] = "2 UPDATE", "<sip:peer@"+moved.Addr()+">"
	p.SendRaw(to, p.Request("UPDATE", "sip:600@"+to, dialog, ""))
	p.Want("200")
	require.NoError(t, call.Hangup(sipcore.Cause{Q850: 16}))
	bye := moved.Want("BYE")
	require.Contains(t, bye.Start(), "sip:peer@"+moved.Addr())
	require.Equal(t, "Q.850;cause=16", bye.Header("Reason"))
	moved.Reply(bye, 200, "", "", "")
	require.Equal(t, sipcore.EndLocal, next[sipcore.Ended](t, h).Reason)
}

func TestCall_CancelMatchesItsInviteAndLosesTheRaceWell(t *testing.T) {
	t.Parallel()
	ep, h := start(t, nil)
	p := rawpeer.UDP(t)
	call, inv := invitePeer(t, ep, p, nil)
	p.Reply(inv, 180, "t", contactOf(p), "")
	next[sipcore.Progressed](t, h)
	require.NoError(t, call.Hangup(sipcore.Cause{SIP: 200, Text: "Call completed elsewhere"}))
	cancel := p.Want("CANCEL")
	require.Equal(t, inv.Branch(), cancel.Branch())
	require.Equal(t, inv.Header("From"), cancel.Header("From"))
	require.Equal(t, inv.Header("To"), cancel.Header("To"))
	require.Equal(t, "1 CANCEL", cancel.Header("CSeq"))
	require.Contains(t, cancel.Header("Reason"), "cause=200")
	require.Equal(t, sipcore.EndLocal, next[sipcore.Ended](t, h).Reason)
	// The answer was on its way already (RFC 5407 3.1.2).
	p.Reply(inv, 200, "t", contactOf(p), answerSDP)
	p.Want("ACK")
	p.Reply(p.Want("BYE"), 200, "", "", "")
}

func TestCall_IncomingCancelIsAnsweredAndEndsIt(t *testing.T) {
	t.Parallel()
	ep, h := start(t, nil)
	p := rawpeer.UDP(t)
	to := addr(t, ep, "udp")
	same := map[string]string{"Via": fmt.Sprintf("SIP/2.0/UDP %s;branch=z9hG4bKcancel;rport", p.Addr()), "Call-ID": "cancel@test"}
	p.SendRaw(to, p.Request("INVITE", "sip:600@"+to, same, offerSDP))
	call := h.call(t)
	require.NoError(t, call.Progress(180, nil))
	tag := p.Want("180").Tag("To")
	require.NotEmpty(t, tag)
	same["CSeq"], same["Reason"] = "1 CANCEL", `SIP;cause=200;text="elsewhere"`
	p.SendRaw(to, p.Request("CANCEL", "sip:600@"+to, same, ""))
	require.Equal(t, "1 CANCEL", p.Want("200").Header("CSeq"))
	terminated := p.Want("487")
	require.Equal(t, tag, terminated.Tag("To"))
	end := next[sipcore.Ended](t, h)
	require.Equal(t, sipcore.EndCancelled, end.Reason)
	require.Equal(t, 200, end.Cause.SIP)
	same["CSeq"], same["To"] = "1 ACK", terminated.Header("To")
	p.SendRaw(to, p.Request("ACK", "sip:600@"+to, same, ""))
	require.ErrorIs(t, call.Answer(nil), sipcore.ErrClosed)
	require.Eventually(t, func() bool { return ep.Calls() == 0 }, 5*time.Second, time.Millisecond)
}

func TestCall_AnswersTheStrongestOfSeveralChallenges(t *testing.T) {
	t.Parallel()
	ep, h := start(t, nil)
	p := rawpeer.UDP(t)
	_, inv := invitePeer(t, ep, p, func(r *sipcore.InviteRequest) {
		r.Credentials = &sipcore.Credentials{Username: "trunk", Password: "secret"}
	})
	p.Reply(inv, 401, "x", "WWW-Authenticate: Digest realm=\"r\",nonce=\"n1\",algorithm=SHA-512-BIT,qop=\"auth\"\r\n"+
		"WWW-Authenticate: Digest realm=\"r\",nonce=\"n2\",algorithm=SHA-256,qop=\"auth\"\r\n"+
		"WWW-Authenticate: Digest realm=\"r\",nonce=\"n3\",algorithm=MD5,qop=\"auth\"\r\n", "")
	p.Want("ACK")
	again := p.Want("INVITE")
	require.Equal(t, "2 INVITE", again.Header("CSeq"))
	require.Contains(t, again.Header("Authorization"), `nonce="n2"`)
	require.Contains(t, again.Header("Authorization"), "algorithm=SHA-256")
	require.Contains(t, again.Header("Authorization"), "nc=00000001")
	p.Reply(again, 401, "x", "WWW-Authenticate: Digest realm=\"r\",nonce=\"n2\",algorithm=SHA-256,qop=\"auth\"\r\n", "")
	end := next[sipcore.Ended](t, h)
	require.Equal(t, sipcore.EndRejected, end.Reason, "the same challenge again means that the password is wrong")
	require.Equal(t, 401, end.Status)
}

func TestCall_RingingEndsAfterItsTimeout(t *testing.T) {
	t.Parallel()
	ep, h := start(t, nil)
	p := rawpeer.UDP(t)
	_, inv := invitePeer(t, ep, p, func(r *sipcore.InviteRequest) { r.Timeout = time.Second })
	p.Reply(inv, 180, "t", contactOf(p), "")
	next[sipcore.Progressed](t, h)
	require.Equal(t, sipcore.EndTimeout, next[sipcore.Ended](t, h).Reason)
	p.Reply(p.Want("CANCEL"), 200, "t", "", "")
	p.Reply(inv, 487, "t", "", "")
	p.Want("ACK")
}

func TestCall_SlowHandlerDoesNotDelayOtherCalls(t *testing.T) {
	t.Parallel()
	ep, h := start(t, nil)
	p := rawpeer.UDP(t)
	to := addr(t, ep, "udp")
	block := make(chan struct{})
	h.reoffer = func(*sipcore.Call, []byte) ([]byte, error) { <-block; return []byte(answerSDP), nil }
	defer close(block)
	dialog := map[string]string{"Call-ID": "slow@test"}
	p.SendRaw(to, p.Request("INVITE", "sip:600@"+to, dialog, offerSDP))
	require.NoError(t, h.call(t).Answer([]byte(answerSDP)))
	dialog["To"] = p.Want("200").Header("To")
	p.SendRaw(to, p.Request("ACK", "sip:600@"+to, dialog, ""))
	next[sipcore.Confirmed](t, h)
	dialog["CSeq"] = "2 INVITE"
	p.SendRaw(to, p.Request("INVITE", "sip:600@"+to, dialog, offerSDP))
	p.SendRaw(to, p.Request("INVITE", "sip:601@"+to, nil, offerSDP))
	require.NoError(t, h.call(t).Reject(486, sipcore.Cause{}))
	p.Want("486")
	dialog["CSeq"] = "3 BYE"
	p.SendRaw(to, p.Request("BYE", "sip:600@"+to, dialog, ""))
	require.Equal(t, "3 BYE", p.Want("200").Header("CSeq"))
	p.Want("487")
}

func TestEndpoint_HangsUpWhatIsLeftWhenItStops(t *testing.T) {
	t.Parallel()
	h := newHost()
	ep, err := sipcore.New(sipcore.Config{
		Handler: h, Admit: admitAll,
		Listeners: []sipcore.Listener{{Name: "udp", Transport: sipcore.TransportUDP, Addr: "127.0.0.1:0"}},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- ep.Run(ctx) }()
	<-ep.Ready()
	p := rawpeer.UDP(t)
	_, inv := invitePeer(t, ep, p, nil)
	p.Reply(inv, 200, "t", contactOf(p), answerSDP)
	p.Want("ACK")
	cancel()
	p.Reply(p.Want("BYE"), 200, "", "", "")
	require.ErrorIs(t, <-done, context.Canceled)
	_, err = ep.Invite(t.Context(), sipcore.InviteRequest{To: "sip:1@127.0.0.1", Destination: "udp:127.0.0.1:9"})
	require.ErrorIs(t, err, sipcore.ErrClosed)
	require.ErrorIs(t, ep.Run(t.Context()), sipcore.ErrState)
}

func TestEndpoint_RefusesHeaderInjection(t *testing.T) {
	t.Parallel()
	ep, _ := start(t, nil)
	for _, r := range []sipcore.InviteRequest{
		{To: "sip:1@127.0.0.1\r\nX: y"},
		{To: "sip:1@127.0.0.1", From: "sip:a@b>\r\nX: y"},
		{To: "sip:1@127.0.0.1", Headers: []sipcore.Header{{Name: "X", Value: "a\r\nY: b"}}},
		{To: "sip:1@127.0.0.1", ID: "a\nb"},
	} {
		r.Destination = "udp:127.0.0.1:9"
		_, err := ep.Invite(t.Context(), r)
		require.Error(t, err, "%+v", r)
		require.True(t, strings.HasPrefix(err.Error(), "sipcore: invite:"), err.Error())
	}
	require.Zero(t, ep.Calls())
}
