package sipbridge_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/internal/testenv"
	"github.com/tandem-cc/tandem/sipbridge"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/sipbridge/siptest/rawpeer"
)

func TestBridge_WaitingCallerHearsRingBackUntilTheAgentSpeaks(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	agent := o.page("ana")
	leg, caller := o.callIn("+15550100")
	o.answer(leg, caller)
	o.must(caller.HearSound(o.within(), tandem.SoundRing), "ring-back from the answer on")
	agentLeg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}, With: leg})
	far, err := agent.ringing(o.within())
	o.must(err, "the page rings")
	o.must(far.Answer(o.within()), "the agent answers")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == agentLeg })
	o.join(leg, agentLeg)
	o.must(caller.HearParty(o.within(), far), "the caller hears the agent")
	o.must(far.(*webParty).HearParty(o.within(), caller), "the agent hears the caller")
}

func TestBridge_OffersTheCallersCodecAndPayloadNumbers(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.carrier.codecs = []sdp.Codec{sdp.PCMA(), sdp.TelephoneEvent(96)}
	d := o.desk("ana")
	leg, caller := o.callIn("+15550100")
	o.answer(leg, caller)
	agentLeg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}, With: leg, Subject: "Support\r\nEvil: yes"})
	far, err := d.station.ringing(o.within(), "")
	o.must(err, "the desk phone rings")
	require.NotContains(t, far.subject, "\n", "line ends in a header field")
	offer, err := sdp.Parse(far.call.Offer())
	o.must(err, "our offer")
	require.Equal(t, "PCMA", offer.Codecs[0].Name, "the first codec offered to the agent")
	var events uint8
	for _, c := range offer.Codecs {
		if c.Name == "telephone-event" {
			events = c.Payload
		}
	}
	require.Equal(t, uint8(96), events, "the payload number of telephone events")
	o.must(far.Answer(o.within()), "the agent answers")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == agentLeg })
	o.join(leg, agentLeg)
	o.must(far.HearParty(o.within(), caller), "the agent hears the caller")
	require.Equal(t, uint8(8), far.phone.Stats().Payload, "the payload number of sound at the agent")
	o.must(caller.Press(o.within(), '5'), "press a key")
	key, err := far.Digit(o.within())
	o.must(err, "the key reaches the agent")
	require.Equal(t, byte('5'), key)
}

func TestBridge_FirstDeviceThatAnswersHasTheCall(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	d := o.desk("ana")
	agent := o.page("ana")
	leg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}})
	onDesk, err := d.station.ringing(o.within(), "")
	o.must(err, "the desk phone rings")
	onPage, err := agent.ringing(o.within())
	o.must(err, "the page rings")
	o.must(onDesk.Answer(o.within()), "the desk phone answers")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == leg })
	o.must(onPage.Wait(o.within(), tandem.LegStateEnded), "the page stops ringing")
	m, err := agent.await(o.within(), func(m message) bool { return m.Type == "ended" })
	o.must(err, "the page is told")
	require.Equal(t, "elsewhere", m.Cause, "what the page is told")

	o.must(o.bridge.Hangup(o.within(), leg, tandem.CauseNormal), "hang up")
	leg = o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}})
	onDesk, err = d.station.ringing(o.within(), "")
	o.must(err, "the desk phone rings again")
	onPage, err = agent.ringing(o.within())
	o.must(err, "the page rings again")
	o.must(onPage.Answer(o.within()), "the page answers")
	o.must(onDesk.Wait(o.within(), tandem.LegStateEnded), "the desk phone stops ringing")
	require.Equal(t, 200, onDesk.ended.Cause.SIP, "the Reason that the desk phone was given (RFC 3326)")
	o.must(o.bridge.Hangup(o.within(), leg, tandem.CauseNormal), "hang up")
}

func TestBridge_DecliningOnOneDeviceEndsTheRingingOnAll(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	d := o.desk("ana")
	agent := o.page("ana")
	leg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}})
	onDesk, err := d.station.ringing(o.within(), "")
	o.must(err, "the desk phone rings")
	onPage, err := agent.ringing(o.within())
	o.must(err, "the page rings")
	o.must(onPage.Refuse(o.within(), tandem.CauseRejected), "reject")
	require.Equal(t, tandem.CauseRejected, o.ended(leg).Cause)
	o.must(onDesk.Wait(o.within(), tandem.LegStateEnded), "the desk phone stops ringing")
}

func TestBridge_StrangerReachesNothing(t *testing.T) {
	t.Parallel()
	for name, credentials := range map[string]bool{"with phones": true, "trunks only": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, func(c *sipbridge.Config) {
				if !credentials {
					c.Credentials = nil
				}
			})
			stranger := newStation(t, o.addr)
			p, err := stranger.dial(o.within(), "+15550666", did)
			o.must(err, "dial")
			o.must(p.Wait(o.within(), tandem.LegStateEnded), "refused")
			require.Contains(t, []int{403, 407}, p.ended.Status, "the status of the refusal")
			require.Equal(t, uint64(1), o.bridge.Stats().Strangers, "strangers counted")
			require.Zero(t, o.bridge.Stats().Incoming, "legs that the stranger brought about")
			leg, _ := o.callIn("+15550100") // Everything before it would have come first.
			require.NotEmpty(t, leg)
			o.mu.Lock()
			defer o.mu.Unlock()
			require.Empty(t, o.events, "events of the stranger")
		})
	}
}

func TestBridge_WrongPasswordIsRefusedAndLockedOut(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	s := newStation(t, o.addr)
	for range 4 {
		s.login = &sipcore.Credentials{Username: "ana", Password: "guess" + tandem.RandomIDs()()}
		p, err := s.dial(o.within(), "ana", did)
		o.must(err, "dial")
		o.must(p.Wait(o.within(), tandem.LegStateEnded), "refused")
		require.Contains(t, []int{403, 407}, p.ended.Status, "the status of the refusal")
	}
	require.NotZero(t, o.bridge.Stats().BadPassword, "wrong passwords counted")
	require.NotZero(t, o.bridge.Stats().Registrar.Lockouts, "lock-outs")
	require.Zero(t, o.bridge.Stats().Incoming)
	// Even the right password is refused now, from there.
	require.Error(t, s.register(o.within(), "ana", 60), "register while locked out")
}

func TestBridge_AgentsPhoneMayDial(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	d := o.desk("ben")
	next(o, func(e tandem.DeviceChanged) bool { return e.Agent == "ben" && e.Reachable })
	p, err := d.dial(o.within(), "ben", "100")
	o.must(err, "dial")
	e := next[tandem.LegIncoming](o, nil)
	require.Equal(t, tandem.AgentID("ben"), e.Agent)
	require.Empty(t, e.Trunk)
	require.Equal(t, tandem.Number("100"), e.To)
	o.answer(e.Leg, p)
	o.must(p.HangUp(o.within()), "hang up")
	require.Equal(t, tandem.CauseNormal, o.ended(e.Leg).Cause)
}

func TestBridge_TrunkByPassword(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *sipbridge.Config) {
		c.Trunks = append(c.Trunks, sipbridge.Trunk{ID: "pbx", AuthIn: sipbridge.Auth{User: "pbx", Password: "s3cret"}})
	})
	pbx := newStation(t, o.addr)
	pbx.login = &sipcore.Credentials{Username: "pbx", Password: "s3cret"}
	_, err := pbx.dial(o.within(), "+15550123", did)
	o.must(err, "dial")
	e := next[tandem.LegIncoming](o, nil)
	require.Equal(t, tandem.TrunkID("pbx"), e.Trunk)
	require.Equal(t, tandem.Number("+15550123"), e.From.Number, "the caller, who is not the user of the password")

	pbx.login = &sipcore.Credentials{Username: "pbx", Password: "wrong"}
	p, err := pbx.dial(o.within(), "+15550124", did)
	o.must(err, "dial with the wrong password")
	o.must(p.Wait(o.within(), tandem.LegStateEnded), "refused")
	require.Equal(t, uint64(1), o.bridge.Stats().Incoming, "legs")
}

func TestTrunk_ChannelsAndRateAreLimits(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *sipbridge.Config) { c.Trunks[0].MaxChannels, c.Trunks[0].CPS = 2, 1 })
	to := tandem.Endpoint{Trunk: "carrier", Number: "+15550100"}
	first := o.dial(tandem.Dial{To: to})
	_, err := o.carrier.ringing(o.within(), "+15550100")
	o.must(err, "the first call rings")
	e := o.ended(o.dial(tandem.Dial{To: to}))
	require.Equal(t, tandem.CauseCongestion, e.Cause, "a second call within the second")
	require.Contains(t, e.Detail, "calls per second")
	_, _ = o.callIn("+15550101")
	require.Equal(t, 2, o.bridge.Stats().Channels["carrier"], "channels in use")
	p, err := o.carrier.dial(o.within(), "+15550102", did)
	o.must(err, "dial in")
	o.must(p.Wait(o.within(), tandem.LegStateEnded), "refused")
	require.Equal(t, 503, p.ended.Status, "a call in when all channels are in use")
	o.must(o.bridge.Hangup(o.within(), first, tandem.CauseCancelled), "cancel")
	require.Equal(t, 1, o.bridge.Stats().Channels["carrier"], "a channel is free again")
}

func TestTrunk_NextRemoteIsTriedWhenOneIsBusyOrGone(t *testing.T) {
	t.Parallel()
	second := make(chan *station, 1)
	o := newOffice(t, func(c *sipbridge.Config) {
		s := newStation(t, c.Listen[0].PacketConn.LocalAddr().(*net.UDPAddr).AddrPort()) //nolint:forcetypeassert // It is UDP.
		second <- s
		c.Trunks[0].Remotes = append(c.Trunks[0].Remotes, s.addr.String())
	})
	leg := o.dial(tandem.Dial{To: tandem.Endpoint{Trunk: "carrier", Number: "+15550100"}})
	p, err := o.carrier.ringing(o.within(), "+15550100")
	o.must(err, "the first remote rings")
	o.must(p.Refuse(o.within(), tandem.CauseCongestion), "503")
	p, err = (<-second).ringing(o.within(), "+15550100")
	o.must(err, "the second remote rings")
	o.must(p.Answer(o.within()), "answer")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == leg })
}

func TestTrunk_OverTCP(t *testing.T) {
	t.Parallel()
	far := make(chan *station, 1)
	o := newOffice(t, func(c *sipbridge.Config) {
		s := newTCPStation(t, netip.AddrPort{})
		far <- s
		c.Timing.Qualify = time.Hour
		c.Trunks = append(c.Trunks, sipbridge.Trunk{
			ID: "tcp", Remotes: []string{s.addr.String()}, Preset: sipbridge.Preset{Transport: sipbridge.TCP}, Match: []string{"127.0.0.2"},
		})
	})
	s := <-far
	next(o, func(e tandem.TrunkChanged) bool { return e.Trunk == "tcp" && e.Up })
	leg := o.dial(tandem.Dial{To: tandem.Endpoint{Trunk: "tcp", Number: "+15550100"}})
	p, err := s.ringing(o.within(), "+15550100")
	o.must(err, "it rings")
	require.Equal(t, sipcore.TransportTCP, p.call.Flow().Transport())
	o.must(p.Answer(o.within()), "answer")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == leg })
	o.must(p.HangUp(o.within()), "hang up")
	require.Equal(t, tandem.CauseNormal, o.ended(leg).Cause)
}

// TestTrunk_PasswordsOnBothSides lets two switches prove themselves to each other: one challenges, the other answers.
func TestTrunk_PasswordsOnBothSides(t *testing.T) {
	t.Parallel()
	far := newOffice(t, func(c *sipbridge.Config) {
		c.Trunks = append(c.Trunks, sipbridge.Trunk{ID: "centre", AuthIn: sipbridge.Auth{User: "centre", Password: "s3cret"}})
	})
	near := newOffice(t, func(c *sipbridge.Config) {
		remotes := []string{far.addr.String()}
		c.Trunks = append(c.Trunks,
			sipbridge.Trunk{ID: "right", Remotes: remotes, AuthOut: sipbridge.Auth{User: "centre", Password: "s3cret"}},
			sipbridge.Trunk{ID: "wrong", Remotes: remotes, AuthOut: sipbridge.Auth{User: "centre", Password: "guess"}},
			sipbridge.Trunk{ID: "none", Remotes: remotes})
	})
	for _, id := range []tandem.TrunkID{"none", "wrong"} {
		e := near.ended(near.dial(tandem.Dial{To: tandem.Endpoint{Trunk: id, Number: "+15550100"}}))
		require.Equal(t, tandem.CauseForbidden, e.Cause, "trunk %s: %s", id, e.Detail)
	}
	require.Zero(t, far.bridge.Stats().Incoming)
	leg := near.dial(tandem.Dial{
		To: tandem.Endpoint{Trunk: "right", Number: "+15550100"}, From: tandem.CallerID{Number: "+15550199", Name: "Centre"},
	})
	e := next[tandem.LegIncoming](far, nil)
	require.Equal(t, tandem.TrunkID("centre"), e.Trunk)
	require.Equal(t, tandem.CallerID{Number: "+15550199", Name: "Centre"}, e.From)
	far.must(far.bridge.Ring(far.within(), e.Leg), "ring")
	next(near, func(r tandem.LegRinging) bool { return r.Leg == leg })
	far.must(far.bridge.Answer(far.within(), e.Leg), "answer")
	next(near, func(a tandem.LegAnswered) bool { return a.Leg == leg })
	near.must(near.bridge.SendDigits(near.within(), leg, "1"), "press a key")
	require.Equal(t, "1", next[tandem.LegDigit](far, nil).Digit)
	far.must(far.bridge.Hangup(far.within(), e.Leg, tandem.CauseQueueFull), "hang up")
	require.Equal(t, tandem.CauseCongestion, near.ended(leg).Cause, "Q.850 42 in the BYE's Reason")
}

func TestTrunk_OutgoingIdentity(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *sipbridge.Config) {
		c.Trunks[0].FromUser, c.Trunks[0].FromDomain = "account7", "carrier.test"
	})
	o.dial(tandem.Dial{To: tandem.Endpoint{Trunk: "carrier", Number: "+15550100"}, From: tandem.CallerID{Number: "+15550199"}})
	p, err := o.carrier.ringing(o.within(), "+15550100")
	o.must(err, "it rings")
	in := p.call.Request()
	require.Equal(t, "account7", in.From.URI.User)
	require.Equal(t, "carrier.test", in.From.URI.Host)
	require.Contains(t, in.Header("P-Asserted-Identity"), "+15550199")
}

func TestBridge_HoldFromThePhoneIsToldAndHeard(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	d := o.desk("ana")
	leg, caller := o.callIn("+15550100")
	o.answer(leg, caller)
	agentLeg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}, With: leg})
	far, err := d.station.ringing(o.within(), "")
	o.must(err, "the desk phone rings")
	o.must(far.Answer(o.within()), "answer")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == agentLeg })
	o.join(leg, agentLeg)
	o.must(caller.HearParty(o.within(), far), "the caller hears the agent")
	for _, held := range []bool{true, false} {
		dir := sdp.SendRecv
		if held {
			dir = sdp.SendOnly
		}
		offer := sdp.Renew(far.ours, far.ours.WithDirection(dir))
		body, err := offer.Marshal()
		o.must(err, "write the offer")
		o.must(far.call.Reoffer(body), "re-INVITE")
		r := <-far.reoffered
		require.Equal(t, 200, r.Status, "the answer to the re-INVITE")
		ans, err := sdp.Parse(r.SDP)
		o.must(err, "our answer")
		require.Equal(t, dir.Reverse(), ans.Direction, "the direction of our answer")
		o.must(far.phone.Connect(offer, ans), "apply")
		far.ours = offer
		e := next[tandem.LegHeld](o, nil)
		require.Equal(t, tandem.LegHeld{Leg: agentLeg, Held: held}, e)
		if held {
			o.must(caller.HearSound(o.within(), tandem.SoundMusic), "the caller hears music")
		} else {
			o.must(caller.HearParty(o.within(), far), "the caller hears the agent again")
			o.must(far.HearParty(o.within(), caller), "the agent hears the caller again")
		}
	}
}

func TestBridge_InfoDigitsReachThePeerAsEvents(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	d := o.desk("ana")
	leg, caller := o.callIn("+15550100")
	o.answer(leg, caller)
	agentLeg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}, With: leg})
	far, err := d.station.ringing(o.within(), "")
	o.must(err, "the desk phone rings")
	o.must(far.Answer(o.within()), "answer")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == agentLeg })
	o.join(leg, agentLeg)
	o.must(far.call.SendDigit('#', 0), "INFO")
	e := next[tandem.LegDigit](o, nil)
	require.Equal(t, agentLeg, e.Leg)
	require.Equal(t, "#", e.Digit)
	key, err := caller.Digit(o.within())
	o.must(err, "the key reaches the caller")
	require.Equal(t, byte('#'), key)
}

func TestBridge_CallerWithoutCommonCodecIsRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.carrier.codecs = []sdp.Codec{{Payload: 18, Name: "G729", Rate: 8000}}
	p, err := o.carrier.dial(o.within(), "+15550100", did)
	o.must(err, "dial")
	o.must(p.Wait(o.within(), tandem.LegStateEnded), "refused")
	require.Equal(t, 488, p.ended.Status)
	require.Equal(t, uint64(1), o.bridge.Stats().BadSDP)
}

func TestBridge_MalformedSIPIsRefusedAndServiceGoesOn(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	conn, err := net.Dial("udp", o.addr.String()) //nolint:noctx // Loopback, and nothing is waited for.
	o.must(err, "socket")
	defer conn.Close()
	for _, m := range []string{
		"", "\x00\x01\x02", "INVITE\r\n\r\n", "INVITE sip:x SIP/2.0\r\nVia: ;;;\r\nContent-Length: 99999999\r\n\r\n",
		"INVITE sip:" + strings.Repeat("9", 70000), "SIP/2.0 200 OK\r\n\r\n",
		"INVITE sip:1@h SIP/7.0\r\nVia: SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n" +
			"Call-ID: z\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
	} {
		_, _ = conn.Write([]byte(m[:min(len(m), 60000)]))
	}
	leg, p := o.callIn("+15550100")
	o.answer(leg, p)
	require.Equal(t, uint64(1), o.bridge.Stats().Incoming)
}

func TestTrunk_IsAskedWhetherItIsThere(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *sipbridge.Config) { c.Timing.Qualify = time.Hour })
	e := next[tandem.TrunkChanged](o, nil)
	require.True(t, e.Up, "the trunk that answers OPTIONS")
	require.Equal(t, tandem.TrunkID("carrier"), e.Trunk)
}

func TestTrunk_ThatStopsAnsweringIsToldAndComesBack(t *testing.T) {
	t.Parallel()
	peer := rawpeer.UDP(t)
	o := newOffice(t, func(c *sipbridge.Config) {
		c.Timing.Qualify = 300 * time.Millisecond
		c.Trunks = append(c.Trunks, sipbridge.Trunk{ID: "moody", Remotes: []string{peer.Addr()}})
	})
	peer.Reply(peer.Next(), 404, "x", "", "") // Any answer shows that somebody is there.
	e := next(o, func(e tandem.TrunkChanged) bool { return e.Trunk == "moody" })
	require.True(t, e.Up, "the trunk that answered")
	e = next(o, func(e tandem.TrunkChanged) bool { return e.Trunk == "moody" })
	require.False(t, e.Up, "the trunk that answers no more")
	require.NotEmpty(t, e.Detail)
	background(t, func(ctx context.Context) {
		for ctx.Err() == nil { // Old questions and their repetitions come first.
			peer.Reply(peer.Next(), 200, "x", "", "")
		}
	})
	e = next(o, func(e tandem.TrunkChanged) bool { return e.Trunk == "moody" })
	require.True(t, e.Up, "the trunk that answers again")
}

func TestSIPp_CallsInAndIsAnswered(t *testing.T) {
	t.Parallel()
	sipp := testenv.SIPp(t)
	port := freePort(t)
	const calls = 20
	o := newOffice(t, func(c *sipbridge.Config) {
		c.Trunks = append(c.Trunks, sipbridge.Trunk{ID: "sipp", Match: []string{"127.0.0.1:" + port}})
	})
	dir := t.TempDir()
	scenario := filepath.Join(dir, "uac.xml")
	require.NoError(t, os.WriteFile(scenario, []byte(sippCaller), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, sipp, "-sf", scenario, "-s", "15550199", "-i", "127.0.0.1", "-p", port,
		"-m", "20", "-r", "20", "-timeout", "50s", "-trace_err", "-nostdin", o.addr.String())
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	for range calls {
		e := next(o, func(e tandem.LegIncoming) bool { return e.Trunk == "sipp" })
		require.Equal(t, tandem.Number("15550199"), e.To)
		o.must(o.bridge.Ring(o.within(), e.Leg), "ring")
		o.must(o.bridge.Answer(o.within(), e.Leg), "answer")
	}
	for range calls {
		require.Equal(t, tandem.CauseNormal, next[tandem.LegEnded](o, nil).Cause)
	}
	require.NoErrorf(t, cmd.Wait(), "sipp: %s", out.String())
}

// freePort returns a port that was free for UDP and TCP a moment ago, below those that the system gives to sockets without one.
func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(20000))
		udp, err := lc.ListenPacket(t.Context(), "udp4", addr)
		if err != nil {
			continue
		}
		tcp, err := lc.Listen(t.Context(), "tcp4", addr)
		require.NoError(t, udp.Close())
		if err != nil {
			continue
		}
		require.NoError(t, tcp.Close())
		return strings.TrimPrefix(addr, "127.0.0.1:")
	}
	t.Fatal("no port is free")
	return ""
}

// sippCaller is a SIPp scenario: INVITE, wait for the answer, talk for a moment, BYE.
const sippCaller = `<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="caller">
  <send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Caller" <sip:+1555[call_number]@[local_ip]:[local_port]>;tag=[pid]t[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 0 101
a=rtpmap:101 telephone-event/8000
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rrs="true"/>
  <send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Caller" <sip:+1555[call_number]@[local_ip]:[local_port]>;tag=[pid]t[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
  <pause milliseconds="200"/>
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Caller" <sip:+1555[call_number]@[local_ip]:[local_port]>;tag=[pid]t[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"/>
</scenario>
`
