package sipbridge_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge"
)

func TestPhone_OfferNamesTheCallerAndTheQueue(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	p := o.page("ana")
	leg := o.dial(tandem.Dial{
		To: tandem.Endpoint{Agent: "ana"}, From: tandem.CallerID{Number: "+15550100", Name: "Ada"}, Subject: "Support",
	})
	m, err := p.await(o.within(), func(m message) bool { return m.Type == "offer" })
	o.must(err, "the offer")
	require.Equal(t, string(leg), m.Leg)
	require.Equal(t, "call", m.Call)
	require.Equal(t, "Support", m.Subject)
	require.Equal(t, "+15550100", m.From.Number)
	require.Equal(t, "Ada", m.From.Name)
	for _, line := range []string{"a=ice-lite", "a=setup:actpass", "a=fingerprint:sha-256 ", "a=rtcp-mux"} {
		require.Contains(t, m.SDP, line)
	}
	next(o, func(e tandem.LegRinging) bool { return e.Leg == leg })
	o.must(o.bridge.Hangup(o.within(), leg, tandem.CauseCancelled), "cancel")
	m, err = p.await(o.within(), func(m message) bool { return m.Type == "ended" })
	o.must(err, "the end")
	require.Equal(t, "cancelled", m.Cause)
}

func TestPhone_NewerConnectionReplacesTheOlder(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	older := o.page("ana")
	newer := newPage(t, o.bridge, "ana")
	o.must(newer.attach(o.within()), "connect again")
	_, err := older.await(o.within(), func(m message) bool { return m.Type == "replaced" })
	o.must(err, "the older page is told")
	select {
	case <-older.done:
	case <-o.within().Done():
		t.Fatal("the older page is still connected")
	}
	o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}})
	_, err = newer.ringing(o.within())
	o.must(err, "the newer page rings")
	require.Equal(t, 1, o.bridge.Stats().Phones)
}

func TestPhone_CallOutlivesTheSocketForAWhile(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *sipbridge.Config) { c.Timing.PhoneGrace = 5 * time.Second })
	p := o.page("ana")
	leg, caller := o.callIn("+15550100")
	o.answer(leg, caller)
	agentLeg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}, With: leg})
	far, err := p.ringing(o.within())
	o.must(err, "the page rings")
	o.must(far.Answer(o.within()), "answer")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == agentLeg })
	o.join(leg, agentLeg)
	o.must(caller.HearParty(o.within(), far), "the caller hears the agent")

	o.must(p.detach(o.within()), "lose the socket")
	caller.phone.Reset()
	o.must(caller.HearParty(o.within(), far), "the caller still hears the agent")
	p.mu.Lock()
	p.seen = nil
	p.mu.Unlock()
	o.must(p.attach(o.within()), "come back")
	_, err = p.await(o.within(), func(m message) bool { return m.Type == "answered" && m.Leg == string(agentLeg) })
	o.must(err, "the page learns that its leg is up")
	o.must(far.HangUp(o.within()), "hang up over the new socket")
	require.Equal(t, tandem.LegEnded{Leg: agentLeg, Cause: tandem.CauseNormal, Detail: "by the browser phone"}, o.ended(agentLeg))
}

func TestPhone_CallEndsWhenThePageDoesNotComeBack(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	p := o.page("ana")
	talking := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}})
	far, err := p.ringing(o.within())
	o.must(err, "the page rings")
	o.must(far.Answer(o.within()), "answer")
	ringing := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}})
	_, err = p.ringing(o.within())
	o.must(err, "the page rings again")
	o.must(p.detach(o.within()), "lose the socket")
	require.Equal(t, tandem.CauseNetwork, o.ended(talking).Cause, "the leg that was up")
	require.Equal(t, tandem.CauseUnavailable, o.ended(ringing).Cause, "the leg that rang")
	next(o, func(e tandem.DeviceChanged) bool { return e.Agent == "ana" && !e.Reachable })
}

func TestPhone_ReloadIsNoLossAndTheOfferComesAgain(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *sipbridge.Config) {
		c.Timing.PhoneGrace, c.Timing.DeviceGrace = 5*time.Second, 5*time.Second
	})
	p := o.page("ana")
	leg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}})
	_, err := p.ringing(o.within())
	o.must(err, "the page rings")
	o.must(p.detach(o.within()), "reload")
	again := newPage(t, o.bridge, "ana")
	o.must(again.attach(o.within()), "come back")
	far, err := again.ringing(o.within())
	o.must(err, "the reloaded page rings")
	o.must(far.Answer(o.within()), "answer")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == leg })
	o.must(o.bridge.Hangup(o.within(), leg, tandem.CauseNormal), "hang up")
	o.ended(leg)
	o.mu.Lock()
	defer o.mu.Unlock()
	require.NotContains(t, o.events, tandem.DeviceChanged{Agent: "ana"}, "a loss was told")
}

func TestPhone_ReloadedPageGetsItsCallBack(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *sipbridge.Config) {
		c.Timing.PhoneGrace, c.Timing.DeviceGrace = 5*time.Second, 5*time.Second
	})
	p := o.page("ana")
	leg, caller := o.callIn("+15550100")
	o.answer(leg, caller)
	agentLeg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}, With: leg})
	far, err := p.ringing(o.within())
	o.must(err, "the page rings")
	o.must(far.Answer(o.within()), "answer")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == agentLeg })
	o.join(leg, agentLeg)
	o.must(caller.HearParty(o.within(), far), "the caller hears the agent")

	o.must(p.detach(o.within()), "reload: the socket goes")
	far.(*webParty).close() // And the PeerConnection.
	again := newPage(t, o.bridge, "ana")
	o.must(again.attach(o.within()), "the page is back")
	_, err = again.await(o.within(), func(m message) bool { return m.Type == "answered" && m.Leg == string(agentLeg) })
	o.must(err, "the page learns that it has a leg")
	o.must(again.say(o.within(), message{Type: "resume", Leg: string(agentLeg)}), "ask for its sound")
	back, err := again.ringing(o.within())
	o.must(err, "the leg is offered again")
	o.must(back.Answer(o.within()), "take it")
	o.must(caller.HearParty(o.within(), back), "the caller hears the agent again")
	o.must(back.(*webParty).HearParty(o.within(), caller), "the agent hears the caller again")
	o.must(back.HangUp(o.within()), "hang up")
	require.Equal(t, tandem.CauseNormal, o.ended(agentLeg).Cause)
	require.Equal(t, leg, next[tandem.LegUnbridged](o, nil).Leg)
	require.Eventually(t, func() bool { return o.bridge.Stats().Media.Ends == 1 }, step, time.Millisecond, "ends of the sound left open")
}

func TestPhone_PageThatBreaksARuleIsDisconnected(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(*websocket.Conn, *office){
		"no JSON": func(c *websocket.Conn, o *office) {
			o.must(c.Write(o.within(), websocket.MessageText, []byte("{")), "send")
		},
		"binary": func(c *websocket.Conn, o *office) {
			o.must(c.Write(o.within(), websocket.MessageBinary, []byte("{}")), "send")
		},
		"too long": func(c *websocket.Conn, o *office) {
			_ = c.Write(o.within(), websocket.MessageText, []byte(strings.Repeat(" ", 40<<10)))
		},
		"too many": func(c *websocket.Conn, o *office) {
			for range 500 {
				if c.Write(o.within(), websocket.MessageText, []byte(`{"type":"ping"}`)) != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, nil)
			conn, err := dialPhone(o.within(), newPage(t, o.bridge, "ana").url)
			o.must(err, "connect")
			defer conn.CloseNow()
			send(conn, o)
			for err == nil {
				_, _, err = conn.Read(o.within())
			}
			require.NoError(t, o.within().Err(), "it was not disconnected")
			require.Eventually(t, func() bool { return o.bridge.Stats().PhoneFaults == 1 }, step, time.Millisecond, "faults counted")
		})
	}
}

func TestPhone_StrangeMessagesAreAnswered(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	p := o.page("ana")
	leg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}})
	_, err := p.ringing(o.within())
	o.must(err, "the page rings")
	for _, c := range []struct {
		send message
		want string
	}{
		{message{Type: "ringing", Leg: "nobody"}, ""},
		{message{Type: "answer", Leg: "nobody", SDP: "v=0"}, "ended"},
		{message{Type: "digit", Leg: string(leg), Digit: "5"}, "error"},
		{message{Type: "dance", Leg: string(leg)}, "error"},
		{message{Type: "ping"}, "pong"},
	} {
		p.mu.Lock()
		p.seen = nil
		p.mu.Unlock()
		o.must(p.say(o.within(), c.send), "send")
		if c.want == "" {
			continue // The next answer would not be the first.
		}
		m, err := p.await(o.within(), func(m message) bool { return m.Leg == c.send.Leg })
		o.must(err, "the answer to "+c.send.Type)
		require.Equal(t, c.want, m.Type, "the answer to %s", c.send.Type)
	}
	// An answer that is no description ends the leg: the page cannot try again.
	o.must(p.say(o.within(), message{Type: "answer", Leg: string(leg), SDP: "nonsense"}), "answer")
	require.Equal(t, tandem.CauseIncompatible, o.ended(leg).Cause)
}

func TestPhone_OneAgentCannotTouchAnothersLeg(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	victim, other := o.page("ana"), o.page("ben")
	leg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}})
	far, err := victim.ringing(o.within())
	o.must(err, "ana's page rings")
	o.must(other.say(o.within(), message{Type: "reject", Leg: string(leg)}), "reject another's leg")
	_, err = other.await(o.within(), func(m message) bool { return m.Type == "ended" })
	o.must(err, "ben's page is told that there is no such leg")
	o.must(far.Answer(o.within()), "ana answers")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == leg })
}

func TestPhone_SoundThatNeverFlowsEndsTheLeg(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *sipbridge.Config) { c.Timing.Setup = 300 * time.Millisecond })
	p := o.page("ana")
	leg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}})
	far, err := p.ringing(o.within())
	o.must(err, "the page rings")
	// An answer in good form from a browser that never sends an ICE check.
	o.must(p.say(o.within(), message{Type: "answer", Leg: string(leg), SDP: deadAnswer}), "answer")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == leg })
	require.Equal(t, tandem.CauseTimeout, o.ended(leg).Cause)
	o.must(far.Wait(o.within(), tandem.LegStateEnded), "the page is told")
	require.Equal(t, uint64(1), o.bridge.Stats().MediaFailed)
}

func TestPhone_WrongCertificateEndsTheLeg(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	p := o.page("ana")
	leg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}})
	far, err := p.ringing(o.within())
	o.must(err, "the page rings")
	w, _ := far.(*webParty)
	say := w.answer
	w.answer = func(ctx context.Context, sdp string) error {
		head, tail, _ := strings.Cut(sdp, "a=fingerprint:sha-256 ")
		return say(ctx, head+"a=fingerprint:sha-256 00:00:00:00"+tail[len("00:00:00:00"):])
	}
	_ = w.Answer(o.within()) // The page never gets through.
	e := o.ended(leg)
	require.Equal(t, tandem.CauseIncompatible, e.Cause, e.Detail)
	require.Equal(t, uint64(1), o.bridge.Stats().MediaFailed)
}

const deadAnswer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=mid:0\r\na=ice-ufrag:abcd\r\n" +
	"a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:active\r\na=sendrecv\r\na=rtpmap:0 PCMU/8000\r\na=fingerprint:sha-256 " +
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"
