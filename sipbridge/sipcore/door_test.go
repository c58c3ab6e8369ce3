package sipcore_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/sipbridge/siptest/rawpeer"
)

func TestDoor_RefusesAsTheRFCsSay(t *testing.T) {
	t.Parallel()
	ep, h := start(t, nil)
	udp, tcp := rawpeer.UDP(t), rawpeer.TCP(t, addr(t, ep, "tcp"))
	cases := []struct {
		name, method, uri string
		vary              map[string]string
		body              string
		want              int
		header, value     string
	}{
		{"no hops left", "OPTIONS", "sip:a@h", map[string]string{"Max-Forwards": "0"}, "", 483, "", ""},
		{"hop count is no number", "OPTIONS", "sip:a@h", map[string]string{"Max-Forwards": "many"}, "", 400, "", ""},
		{"unknown scheme", "OPTIONS", "nobodyKnowsThisScheme:a", nil, "", 416, "", ""},
		{"http", "INVITE", "http://h/", nil, offerSDP, 416, "", ""},
		{"unknown extension", "INVITE", "sip:a@h", map[string]string{"Require": "nothingSupportsThis, timer"}, offerSDP, 420, "Unsupported", "nothingSupportsThis"},
		{"100rel is not supported as UAS", "INVITE", "sip:a@h", map[string]string{"Require": "100rel"}, offerSDP, 420, "Unsupported", "100rel"},
		{"unknown method", "NEWMETHOD", "sip:a@h", nil, "", 501, "Allow", ""},
		{"methods are case-sensitive", "options", "sip:a@h", nil, "", 501, "Allow", ""},
		{"method not served", "SUBSCRIBE", "sip:a@h", nil, "", 405, "Allow", ""},
		{"register without a registrar", "REGISTER", "sip:h", nil, "", 405, "Allow", ""},
		{"CSeq of another method", "OPTIONS", "sip:a@h", map[string]string{"CSeq": "1 INVITE"}, "", 400, "", ""},
		{"CSeq too large", "OPTIONS", "sip:a@h", map[string]string{"CSeq": "36893488147419103232 OPTIONS"}, "", 400, "", ""},
		{"no Contact", "INVITE", "sip:a@h", map[string]string{"Contact": ""}, offerSDP, 400, "", ""},
		{"unknown body", "INVITE", "sip:a@h", map[string]string{"Content-Type": "application/unknown"}, "x", 415, "Accept", "application/sdp"},
		{"packed body", "INVITE", "sip:a@h", map[string]string{"Content-Encoding": "gzip"}, "x", 415, "Accept-Encoding", "identity"},
		{"BYE for no call", "BYE", "sip:a@h", map[string]string{"To": "<sip:a@h>;tag=x"}, "", 481, "", ""},
		{"re-INVITE for no call", "INVITE", "sip:a@h", map[string]string{"To": "<sip:a@h>;tag=x"}, offerSDP, 481, "", ""},
		{"CANCEL for no INVITE", "CANCEL", "sip:a@h", nil, "", 481, "", ""},
		{"session too short", "INVITE", "sip:a@h", map[string]string{"Session-Expires": "30", "Supported": "timer"}, offerSDP, 422, "Min-SE", "90"},
		{"session not a number", "INVITE", "sip:a@h", map[string]string{"Session-Expires": "soon"}, offerSDP, 400, "", ""},
		{"alive", "OPTIONS", "sip:a@h", nil, "", 200, "Supported", "timer"},
	}
	for _, c := range cases {
		for _, p := range []*rawpeer.Peer{udp, tcp} {
			to := addr(t, ep, "udp")
			p.SendRaw(to, p.Request(c.method, c.uri, c.vary, c.body))
			m := p.Next()
			for m.Status() == 100 {
				m = p.Next()
			}
			require.Equal(t, c.want, m.Status(), "%s over %s: %s", c.name, p.Proto(), m.Start())
			require.NotEmpty(t, m.Tag("To"), c.name)
			if c.header != "" {
				require.Contains(t, m.Header(c.header), c.value, "%s: %s", c.name, c.header)
			}
			if c.method == "INVITE" && c.want == 422 {
				p.SendRaw(to, p.Request("ACK", c.uri, map[string]string{"Via": m.Header("Via"), "Call-ID": m.Header("Call-ID"), "To": m.Header("To")}, ""))
			}
		}
	}
	require.Empty(t, h.incoming, "nothing of it reached the host")
	// The call of the 422 is over when its ACK has been looked at.
	require.Eventually(t, func() bool { return ep.Calls() == 0 }, 10*time.Second, time.Millisecond)
}

func TestDoor_WrongVersionIs505InOurOwnVersion(t *testing.T) {
	t.Parallel()
	ep, _ := start(t, nil)
	p := rawpeer.UDP(t)
	p.SendRaw(addr(t, ep, "udp"), strings.Replace(p.Request("OPTIONS", "sip:a@h", nil, ""), "SIP/2.0\r\n", "SIP/7.0\r\n", 1))
	require.True(t, strings.HasPrefix(p.Next().Start(), "SIP/2.0 505 "))
}

func TestDoor_MalformedIsAnswered400AndDisturbsNobody(t *testing.T) {
	t.Parallel()
	ep, _ := start(t, nil)
	udp, tcp := rawpeer.UDP(t), rawpeer.TCP(t, addr(t, ep, "tcp"))
	to := addr(t, ep, "udp")
	for name, change := range map[string]func(string) string{
		"Via is garbage":      func(s string) string { return strings.Replace(s, "Via: SIP/2.0/", "Via: ", 1) },
		"From is garbage":     func(s string) string { return strings.Replace(s, "From: <sip:", "From: <<", 1) },
		"CSeq is garbage":     func(s string) string { return strings.Replace(s, "CSeq: 1 ", "CSeq: one ", 1) },
		"a line without name": func(s string) string { return strings.Replace(s, "Contact:", "nonsense\r\nContact:", 1) },
		"two From":            func(s string) string { return strings.Replace(s, "Contact:", "From: <sip:b@h>;tag=2\r\nContact:", 1) },
		"two Call-ID":         func(s string) string { return strings.Replace(s, "Contact:", "Call-ID: other\r\nContact:", 1) },
	} {
		for _, p := range []*rawpeer.Peer{udp, tcp} {
			p.SendRaw(to, change(p.Request("OPTIONS", "sip:a@h", nil, "")))
			require.Equal(t, 400, p.Next().Status(), "%s over %s", name, p.Proto())
			p.SendRaw(to, p.Request("OPTIONS", "sip:a@h", nil, ""))
			require.Equal(t, 200, p.Next().Status(), "the next message over %s is served", p.Proto())
		}
	}
	for _, noise := range []string{"x", "\x00\x00\x00\x00", "INVITE\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", "SIP/2.0 999999 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nCSeq: 1 INVITE\r\n\r\n", strings.Repeat("A", 60000)} {
		udp.SendRaw(to, noise)
	}
	// A body shorter than announced can be seen in a datagram only.
	udp.SendRaw(to, strings.Replace(udp.Request("OPTIONS", "sip:a@h", nil, ""), "Content-Length: 0", "Content-Length: 500", 1))
	require.Equal(t, 400, udp.Next().Status())
	udp.SendRaw(to, udp.Request("OPTIONS", "sip:a@h", nil, ""))
	require.Equal(t, 200, udp.Next().Status())
	require.Positive(t, ep.Counters().Malformed)
}

func TestDoor_KeepAlivesAndPipelinesOverTCP(t *testing.T) {
	t.Parallel()
	ep, _ := start(t, nil)
	p := rawpeer.TCP(t, addr(t, ep, "tcp"))
	p.SendRaw("", "\r\n\r\n")
	require.Equal(t, "\r\n", p.Next().Raw)
	two := p.Request("OPTIONS", "sip:a@h", nil, "") + "\r\n" + p.Request("OPTIONS", "sip:b@h", map[string]string{"CSeq": "2 OPTIONS"}, "")
	for i := range two {
		p.SendRaw("", two[i:i+1])
	}
	got := p.Next().Header("CSeq") + p.Next().Header("CSeq")
	require.Contains(t, got, "1 OPTIONS")
	require.Contains(t, got, "2 OPTIONS")
	p.SendRaw("", strings.Repeat("A", 70000))
	require.True(t, p.Gone(), "a stream without message boundary is closed")
}

func TestDoor_StrangerIsTurnedAwayWithoutSideEffect(t *testing.T) {
	t.Parallel()
	var log journal
	ep, h := start(t, func(c *sipcore.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.Admit = func(_ context.Context, in *sipcore.Inbound) sipcore.Admission {
			if in.Source.Addr().String() == "127.0.0.1" && in.From.URI.User == "trunk" {
				return sipcore.Admission{Allow: true}
			}
			return sipcore.Admission{Reason: "not a trunk"}
		}
	})
	p := rawpeer.UDP(t)
	to := addr(t, ep, "udp")
	inv := p.Request("INVITE", "sip:0037112345678@"+to, nil, offerSDP)
	p.SendRaw(to, inv)
	first := p.Next()
	require.Equal(t, 403, first.Status())
	p.SendRaw(to, inv)
	require.Equal(t, first.Tag("To"), p.Next().Tag("To"), "a copy gets the same answer")
	p.SendRaw(to, p.Request("ACK", "sip:0037112345678@"+to, map[string]string{"Via": first.Header("Via"), "To": first.Header("To"), "Call-ID": first.Header("Call-ID")}, ""))
	require.Eventually(t, func() bool { return ep.Counters().Stray == 1 }, 5*time.Second, time.Millisecond)
	n := ep.Counters()
	require.EqualValues(t, 2, n.Refused)
	require.Zero(t, n.Calls)
	require.Zero(t, n.Transactions, "no state is kept for strangers")
	require.Empty(t, h.incoming)
	require.Contains(t, log.String(), "source=127.0.0.1")
	require.Contains(t, log.String(), `reason="not a trunk"`)
	require.NotContains(t, log.String(), "0037112345678", "no telephone numbers in the log")
	p.SendRaw(to, p.Request("INVITE", "sip:1@"+to, map[string]string{"From": "<sip:trunk@x>;tag=1"}, offerSDP))
	require.NoError(t, h.call(t).Reject(404, sipcore.Cause{Q850: 1}))
	require.Equal(t, "Q.850;cause=1", p.Want("404").Header("Reason"))
}

func TestDoor_LoopsAndMergedRequestsAre482(t *testing.T) {
	t.Parallel()
	ep, h := start(t, nil)
	p := rawpeer.UDP(t)
	to := addr(t, ep, "udp")
	_, out := invitePeer(t, ep, p, nil)
	looped := strings.Replace(out.Raw, "Via: ", fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=z9hG4bKproxy;rport\r\nVia: ", p.Addr()), 1)
	p.SendRaw(to, looped)
	require.Equal(t, 482, p.Next().Status(), "our own request came back")
	same := map[string]string{"Call-ID": "merged@test"}
	p.SendRaw(to, p.Request("INVITE", "sip:600@"+to, same, offerSDP))
	h.call(t)
	p.SendRaw(to, p.Request("INVITE", "sip:600@"+to, same, offerSDP))
	require.Equal(t, 482, p.Want("482").Status(), "the same request over another branch")
}

func TestDoor_FloodIsDroppedBeforeParsing(t *testing.T) {
	t.Parallel()
	ep, _ := start(t, func(c *sipcore.Config) { c.Guard = sipcore.GuardConfig{Rate: 0.001, Burst: 10, MaxSources: 100} })
	p := rawpeer.UDP(t)
	for range 50 {
		p.SendRaw(addr(t, ep, "udp"), "garbage")
	}
	require.Eventually(t, func() bool { return ep.Counters().RateLimited == 40 }, 5*time.Second, time.Millisecond)
	require.EqualValues(t, 10, ep.Counters().Malformed)
}

func TestDoor_SpoofedSourcesFillNoMemory(t *testing.T) {
	t.Parallel()
	ep, _ := start(t, func(c *sipcore.Config) { c.Guard = sipcore.GuardConfig{Rate: 1e6, Burst: 1 << 20, MaxSources: 50} })
	to, err := net.ResolveUDPAddr("udp4", addr(t, ep, "udp"))
	require.NoError(t, err)
	for i := range 500 {
		c, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 1, byte(i/250), byte(1+i%250))}, to)
		require.NoError(t, err)
		_, err = c.Write([]byte("x-not-sip"))
		require.NoError(t, err)
		require.NoError(t, c.Close())
		if i%25 == 24 { // no more than the kernel holds
			require.Eventually(t, func() bool { return ep.Counters().Malformed == uint64(i+1) }, 5*time.Second, time.Millisecond)
		}
	}
	require.LessOrEqual(t, ep.Counters().Sources, 50)
	require.Eventually(t, func() bool { return ep.Counters().Sources == 0 }, 5*time.Second, 10*time.Millisecond, "quiet sources are forgotten")
}

func TestDoor_ConnectionsArePerAddressBounded(t *testing.T) {
	t.Parallel()
	ep, _ := start(t, func(c *sipcore.Config) { c.MaxConnectionsPerIP = 2 })
	to := addr(t, ep, "tcp")
	a, b := rawpeer.TCP(t, to), rawpeer.TCP(t, to)
	for _, p := range []*rawpeer.Peer{a, b} {
		p.SendRaw("", p.Request("OPTIONS", "sip:a@h", nil, ""))
		require.Equal(t, 200, p.Next().Status())
	}
	require.True(t, rawpeer.TCP(t, to).Gone())
	require.Equal(t, 2, ep.Counters().Connections)
}

func TestDoor_LargeAnswersFitIntoDatagrams(t *testing.T) {
	t.Parallel()
	ep, h := start(t, nil)
	p := rawpeer.UDP(t)
	to := addr(t, ep, "udp")
	p.SendRaw(to, p.Request("INVITE", "sip:600@"+to, nil, offerSDP))
	big := answerSDP + strings.Repeat("a=x-filler:0123456789012345678901234567890123456789\r\n", 50)
	require.NoError(t, h.call(t).Answer([]byte(big)))
	require.Equal(t, big, p.Want("200").Body(), "answers are not bound by the 1300 bytes of requests")
}

func TestDoor_AnswersGoWhereTheViaSays(t *testing.T) {
	t.Parallel()
	ep, _ := start(t, nil)
	p, other := rawpeer.UDP(t), rawpeer.UDP(t)
	to := addr(t, ep, "udp")
	via := "SIP/2.0/UDP " + other.Addr() + ";branch=z9hG4bKvia"
	p.SendRaw(to, p.Request("OPTIONS", "sip:a@h", map[string]string{"Via": via}, ""))
	require.Equal(t, 200, other.Next().Status(), "without rport the answer goes to the port of the Via")
	p.SendRaw(to, p.Request("OPTIONS", "sip:a@h", map[string]string{"Via": via + "2;rport"}, ""))
	m := p.Next()
	require.Equal(t, 200, m.Status(), "with rport it goes back (RFC 3581)")
	require.Contains(t, m.Header("Via"), "rport="+p.Addr()[strings.LastIndexByte(p.Addr(), ':')+1:])
}
