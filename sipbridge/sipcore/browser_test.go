package sipcore_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/registrar"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/sipbridge/sipcore/digest"
	"github.com/tandem-cc/tandem/sipbridge/siptest/rawpeer"
	"github.com/tandem-cc/tandem/sipbridge/wsfront"
)

// site is an endpoint with a registrar and a WebSocket door, as a host puts them together.
type site struct {
	ep  *sipcore.Endpoint
	h   *host
	reg *registrar.Registrar
	url string
	log *journal
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{log: new(journal)}
	reg, err := registrar.New(registrar.Config{
		Realm:  "tandem",
		Logger: slog.New(slog.NewTextHandler(s.log, nil)),
		Credentials: registrar.CredentialsFunc(func(_ context.Context, user, realm string, alg digest.Algorithm) ([]byte, error) {
			if user != "1001" {
				return nil, registrar.ErrUnknownUser
			}
			return digest.HA1(alg, user, realm, "secret"), nil
		}),
	})
	require.NoError(t, err)
	s.reg = reg
	s.ep, s.h = start(t, func(c *sipcore.Config) {
		c.Register, c.FlowClosed, c.Admit = reg, reg.FlowClosed, reg.Authenticate
		c.Reroute = func(call *sipcore.Call) *sipcore.Flow {
			if b := reg.Lookup(call.User()); len(b) > 0 {
				return b[0].Flow
			}
			return nil
		}
	})
	front, err := wsfront.New(wsfront.Config{
		Serve: func(ctx context.Context, c *wsfront.Conn) error { return s.ep.ServeMessages(ctx, c) },
	})
	require.NoError(t, err)
	srv := httptest.NewServer(front)
	t.Cleanup(srv.Close)
	s.url = "ws" + strings.TrimPrefix(srv.URL, "http")
	return s
}

// browser registers as JsSIP does: a Contact that exists nowhere, +sip.instance and reg-id.
type browser struct {
	*rawpeer.Peer
	t    *testing.T
	user string
	pass string
	seq  int
	nc   uint32
}

func (s *site) browser(t *testing.T, user, pass string) *browser {
	t.Helper()
	return &browser{Peer: rawpeer.WS(t, s.url), t: t, user: user, pass: pass}
}

// exchange sends a request, answers one challenge, and returns the final answer.
func (b *browser) exchange(method, uri string, vary map[string]string, body string) rawpeer.Message {
	b.t.Helper()
	v := map[string]string{
		"From": fmt.Sprintf("<sip:%s@tandem.example>;tag=js", b.user), "Call-ID": "js-" + b.user + method,
		"Contact": fmt.Sprintf(`<sip:%s@k3v7.invalid;transport=ws>;+sip.instance="<urn:uuid:7>";reg-id=1;expires=600`, b.user),
	}
	if method == "INVITE" {
		v["Contact"] = "<sip:" + b.user + "@k3v7.invalid;transport=ws;ob>"
	}
	maps.Copy(v, vary)
	for {
		b.seq++
		v["CSeq"] = fmt.Sprintf("%d %s", b.seq, method)
		b.SendRaw("", b.Request(method, uri, v, body))
		m := b.Next()
		for m.Status() < 200 {
			m = b.Next()
		}
		name, answer := "WWW-Authenticate", "Authorization"
		if m.Status() == 407 {
			name, answer = "Proxy-Authenticate", "Proxy-Authorization"
		}
		if (m.Status() != 401 && m.Status() != 407) || v[answer] != "" {
			return m
		}
		if method == "INVITE" {
			b.ack(m, uri, v)
		}
		ch, err := digest.ParseChallenge(m.Header(name))
		require.NoError(b.t, err)
		b.nc++
		cr, err := ch.Answer(digest.Login{Username: b.user, Password: b.pass, Method: method, URI: uri, CNonce: "c", NC: b.nc})
		require.NoError(b.t, err)
		v[answer] = cr.String()
		b.nc = 0
	}
}

func (b *browser) ack(m rawpeer.Message, uri string, v map[string]string) {
	b.t.Helper()
	cseq, _, _ := strings.Cut(m.Header("CSeq"), " ")
	b.SendRaw("", b.Request("ACK", uri, map[string]string{
		"Via": m.Header("Via"), "From": v["From"], "To": m.Header("To"), "Call-ID": v["Call-ID"], "CSeq": cseq + " ACK",
	}, ""))
}

func (b *browser) register() rawpeer.Message {
	b.t.Helper()
	return b.exchange("REGISTER", "sip:tandem.example", map[string]string{
		"To": fmt.Sprintf("<sip:%s@tandem.example>", b.user),
	}, "")
}

func TestBrowser_RegistersIsCalledAndKeepsItsCallOverANewConnection(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t, "1001", "secret")
	require.Equal(t, 200, b.register().Status())
	bound := s.reg.Lookup("1001")
	require.Len(t, bound, 1)
	require.Equal(t, sipcore.TransportWS, bound[0].Flow.Transport())

	call, err := s.ep.Invite(t.Context(), sipcore.InviteRequest{
		To: bound[0].Contact, ToHeader: "sip:1001@tandem.example", From: "sip:caller@tandem.example",
		Flow: bound[0].Flow, User: "1001", SDP: []byte(offerSDP),
	})
	require.NoError(t, err)
	inv := b.Want("INVITE")
	require.Contains(t, inv.Start(), "sip:1001@k3v7.invalid")
	require.Contains(t, inv.Header("Contact"), "transport=ws")
	require.True(t, strings.HasPrefix(inv.Header("Via"), "SIP/2.0/WS "), inv.Header("Via"))
	b.Reply(inv, 180, "js", "Contact: <sip:1001@k3v7.invalid;transport=ws>\r\n", "")
	b.Reply(inv, 200, "js", "Contact: <sip:1001@k3v7.invalid;transport=ws>\r\n", answerSDP)
	b.Want("ACK")
	next[sipcore.Progressed](t, s.h)
	next[sipcore.Answered](t, s.h)

	// The socket is cut; the browser comes back, and both sides find each other again.
	require.NoError(t, bound[0].Flow.Close())
	require.True(t, b.Gone())
	require.Eventually(t, func() bool { return len(s.reg.Lookup("1001")) == 0 }, 5*time.Second, time.Millisecond)
	require.Equal(t, sipcore.StateConfirmed, call.State(), "the call outlives the connection")
	again := s.browser(t, "1001", "secret")
	require.Equal(t, 200, again.register().Status())
	dialog := map[string]string{
		"From": inv.Header("To") + ";tag=js", "To": inv.Header("From"), "Call-ID": inv.Header("Call-ID"),
		"CSeq": "5 INFO", "Content-Type": "application/dtmf-relay",
	}
	again.SendRaw("", again.Request("INFO", "sip:x@h", dialog, "Signal=4\r\nDuration=100\r\n"))
	require.Equal(t, 200, again.Next().Status())
	require.Equal(t, '4', next[sipcore.Digit](t, s.h).Digit)
	require.NoError(t, call.Hangup(sipcore.Cause{Q850: 16}))
	bye := again.Want("BYE")
	again.Reply(bye, 200, "", "", "")
	require.Equal(t, sipcore.EndLocal, next[sipcore.Ended](t, s.h).Reason)
}

func TestBrowser_RequestsGoToTheNewBindingWithoutWaitingForTheBrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t, "1001", "secret")
	b.register()
	bound := s.reg.Lookup("1001")
	call, err := s.ep.Invite(t.Context(), sipcore.InviteRequest{To: bound[0].Contact, Flow: bound[0].Flow, User: "1001", SDP: []byte(offerSDP)})
	require.NoError(t, err)
	b.Reply(b.Want("INVITE"), 200, "js", "Contact: <sip:1001@k3v7.invalid;transport=ws>\r\n", answerSDP)
	b.Want("ACK")
	require.NoError(t, bound[0].Flow.Close())
	require.True(t, b.Gone())
	again := s.browser(t, "1001", "secret")
	again.register()
	require.NoError(t, call.Hangup(sipcore.Cause{}))
	again.Reply(again.Want("BYE"), 200, "", "", "")
}

func TestBrowser_CallsOutAuthenticatedAndRefreshesByUpdate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t, "1001", "secret")
	b.register()
	go func() {
		call := <-s.h.incoming
		_ = call.Answer([]byte(answerSDP))
	}()
	ok := b.exchange("INVITE", "sip:600@tandem.example", map[string]string{"Session-Expires": "90", "Supported": "timer,outbound"}, offerSDP)
	require.Equal(t, 200, ok.Status())
	require.Equal(t, "90;refresher=uac", ok.Header("Session-Expires"))
	require.Equal(t, "timer", ok.Header("Require"))
	dialog := map[string]string{"From": ok.Header("From"), "To": ok.Header("To"), "Call-ID": ok.Header("Call-ID")}
	dialog["CSeq"] = fmt.Sprintf("%d ACK", b.seq)
	b.SendRaw("", b.Request("ACK", "sip:600@tandem.example", dialog, ""))
	next[sipcore.Confirmed](t, s.h)
	dialog["CSeq"], dialog["Session-Expires"], dialog["Supported"] = fmt.Sprintf("%d UPDATE", b.seq+1), "90;refresher=uac", "timer"
	b.SendRaw("", b.Request("UPDATE", "sip:600@tandem.example", dialog, ""))
	m := b.Next()
	require.Equal(t, 200, m.Status())
	require.Equal(t, "90;refresher=uac", m.Header("Session-Expires"))
	dialog["CSeq"] = fmt.Sprintf("%d BYE", b.seq+2)
	b.SendRaw("", b.Request("BYE", "sip:600@tandem.example", dialog, ""))
	require.Equal(t, 200, b.Next().Status())
	require.Equal(t, sipcore.EndRemote, next[sipcore.Ended](t, s.h).Reason)
}

func TestBrowser_WrongPasswordThreeTimesIsShutOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, want := range []int{401, 401, 403, 403} {
		require.Equal(t, want, s.browser(t, "1001", "guess").register().Status())
	}
	require.Contains(t, s.log.String(), "sip user locked out after wrong passwords")
	require.EqualValues(t, 1, s.reg.Counters().Lockouts)
	require.Empty(t, s.reg.Lookup("1001"))
	require.Equal(t, 403, s.browser(t, "1001", "guess").exchange("INVITE", "sip:600@h", nil, offerSDP).Status(), "INVITE is shut out too")
	require.Empty(t, s.h.incoming)
}

func TestBrowser_MalformedMessagesDoNotEndItsConnection(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t, "1001", "secret")
	b.SendRaw("", "nonsense")
	b.SendRaw("", strings.Replace(b.Request("OPTIONS", "sip:a@h", nil, ""), "Via: SIP/2.0/WS", "Via: rubbish", 1))
	require.Equal(t, 400, b.Next().Status())
	b.SendRaw("", "\r\n\r\n")
	require.Equal(t, "\r\n", b.Next().Raw)
	require.Equal(t, 200, b.register().Status())
}

func TestEndpoint_AsksOutsideADialog(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	other, _ := start(t, nil)
	res, err := other.Do(t.Context(), sipcore.Request{
		Method: "REGISTER", URI: "sip:tandem.example", To: "sip:1001@tandem.example", From: "sip:1001@tandem.example",
		Destination: "tcp:" + addr(t, s.ep, "tcp"), Headers: []sipcore.Header{{Name: "Contact", Value: "<sip:1001@127.0.0.1:5099>"}},
		Credentials: &sipcore.Credentials{Username: "1001", Password: "secret"},
	})
	require.NoError(t, err)
	require.Equal(t, 200, res.Status)
	require.Contains(t, res.Header("Contact"), "sip:1001@127.0.0.1:5099")
	require.EqualValues(t, 2, res.Seq)
	require.Len(t, s.reg.Lookup("1001"), 1)
	res, err = s.ep.Do(t.Context(), sipcore.Request{Method: "OPTIONS", URI: "sip:ping@127.0.0.1", Destination: "udp:" + addr(t, other, "udp")})
	require.NoError(t, err)
	require.Equal(t, 200, res.Status)
	require.Contains(t, res.Header("Allow"), "INVITE")
	_, err = s.ep.Do(t.Context(), sipcore.Request{Method: "OPTIONS", URI: "sip:a@b", Destination: "tcp:127.0.0.1:1"})
	require.ErrorIs(t, err, sipcore.ErrNoRoute)
}
