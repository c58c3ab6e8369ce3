package sipbridge_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/internal/tone"
	"github.com/tandem-cc/tandem/sipbridge"
	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/sipbridge/siptest"
	"github.com/tandem-cc/tandem/switchtest"
)

const (
	domain   = "centre.test"
	password = "correct horse"
	did      = tandem.Number("+15550199")
)

// loopbackUDP opens a socket on a free port of 127.0.0.1.
func loopbackUDP(tb testing.TB) net.PacketConn {
	tb.Helper()
	var lc net.ListenConfig
	c, err := lc.ListenPacket(tb.Context(), "udp4", "127.0.0.1:0")
	require.NoError(tb, err)
	return c
}

// background runs f until the test ends, and waits for it.
func background(tb testing.TB, f func(ctx context.Context)) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	var done sync.WaitGroup
	done.Go(func() { f(ctx) })
	tb.Cleanup(func() {
		cancel()
		done.Wait()
	})
}

// station is a SIP user agent with any number of telephones: the carrier with its customers, or an agent's desk.
type station struct {
	tb     testing.TB
	ep     *sipcore.Endpoint
	addr   netip.AddrPort
	bridge netip.AddrPort
	codecs []sdp.Codec
	login  *sipcore.Credentials
	raw    atomic.Bool // telephones are bare sockets, for benchmarks

	mu    sync.Mutex
	calls map[string]*party
	rings chan *party
}

var _ sipcore.Handler = (*station)(nil)

func newStation(tb testing.TB, bridge netip.AddrPort) *station {
	tb.Helper()
	pc := loopbackUDP(tb)
	return newStationOn(tb, bridge, pc.LocalAddr(), sipcore.Listener{Name: "udp", Transport: sipcore.TransportUDP, PacketConn: pc})
}

// newTCPStation makes a station that hears TCP only.
func newTCPStation(tb testing.TB, bridge netip.AddrPort) *station {
	tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp4", "127.0.0.1:0")
	require.NoError(tb, err)
	return newStationOn(tb, bridge, l.Addr(), sipcore.Listener{Name: "tcp", Transport: sipcore.TransportTCP, Stream: l})
}

func newStationOn(tb testing.TB, bridge netip.AddrPort, addr net.Addr, l sipcore.Listener) *station {
	tb.Helper()
	s := &station{
		tb: tb, bridge: bridge, calls: map[string]*party{}, rings: make(chan *party, 1000),
		addr: netip.MustParseAddrPort(addr.String()),
	}
	ep, err := sipcore.New(sipcore.Config{
		Listeners: []sipcore.Listener{l},
		Handler:   s,
		Admit:     func(context.Context, *sipcore.Inbound) sipcore.Admission { return sipcore.Admission{Allow: true} },
		Guard:     sipcore.GuardConfig{Rate: -1},
	})
	require.NoError(tb, err)
	s.ep = ep
	background(tb, func(ctx context.Context) { _ = ep.Run(ctx) })
	<-ep.Ready()
	return s
}

// Incoming lets a telephone ring.
func (s *station) Incoming(_ context.Context, call *sipcore.Call) {
	p := newParty(s.tb, s.codecs, s.raw.Load())
	p.call = call
	p.to = tandem.Number(call.Request().URI.User)
	p.subject = call.Request().Header("Subject")
	s.mu.Lock()
	s.calls[call.ID()] = p
	s.mu.Unlock()
	_ = call.Progress(180, nil)
	p.become(tandem.LegStateRinging)
	s.rings <- p
}

// Event takes what happens to a telephone's call.
func (s *station) Event(_ context.Context, call *sipcore.Call, ev sipcore.Event) {
	s.mu.Lock()
	p := s.calls[call.ID()]
	s.mu.Unlock()
	if p == nil {
		return
	}
	switch ev := ev.(type) {
	case sipcore.Progressed:
		if ev.Status == 180 {
			p.become(tandem.LegStateRinging)
		}
	case sipcore.Answered:
		theirs, err := sdp.Parse(ev.SDP)
		if err == nil {
			err = p.sound.Connect(p.ours, theirs)
		}
		if err != nil {
			s.tb.Errorf("the bridge's answer: %v", err)
		}
		p.theirs = theirs
		p.become(tandem.LegStateUp)
	case sipcore.Confirmed:
		p.become(tandem.LegStateUp)
	case sipcore.ReofferResult:
		p.reoffered <- ev
	case sipcore.Ended:
		p.end(ev)
	default:
	}
}

// Reoffer refuses: no test lets the bridge re-offer.
func (s *station) Reoffer(context.Context, *sipcore.Call, []byte) ([]byte, error) {
	return nil, errors.New("not expected")
}

// dial calls a number at the bridge.
func (s *station) dial(ctx context.Context, from, to tandem.Number) (*party, error) {
	return s.dialHops(ctx, from, to, 70)
}

// dialHops calls a number with a limit to the switches on the way.
func (s *station) dialHops(ctx context.Context, from, to tandem.Number, hops int) (*party, error) {
	p := newParty(s.tb, s.codecs, s.raw.Load())
	p.to = to
	p.ours = sdp.Offer(p.sound.Local())
	body, err := p.ours.Marshal()
	if err != nil {
		return nil, err
	}
	id := tandem.RandomIDs()()
	s.mu.Lock()
	s.calls[id] = p
	s.mu.Unlock()
	host := s.addr.String()
	if s.login != nil {
		host = domain
	}
	p.call, err = s.ep.Invite(ctx, sipcore.InviteRequest{
		To: fmt.Sprintf("sip:%s@%s", to, s.bridge), From: fmt.Sprintf("sip:%s@%s", from, host), ID: id,
		Destination: "udp:" + s.bridge.String(), SDP: body, Credentials: s.login,
		MaxForwards: hops,
	})
	return p, err
}

// register registers the station as a user's phone; 0 takes the registration back.
func (s *station) register(ctx context.Context, user string, expires int) error {
	s.login = &sipcore.Credentials{Username: user, Password: password}
	r, err := s.ep.Do(ctx, sipcore.Request{
		Method: "REGISTER", URI: "sip:" + domain, To: "sip:" + user + "@" + domain, From: "sip:" + user + "@" + domain,
		Destination: "udp:" + s.bridge.String(), Credentials: s.login,
		Headers: []sipcore.Header{
			{Name: "Contact", Value: fmt.Sprintf("<sip:%s@%s>", user, s.addr)}, {Name: "Expires", Value: fmt.Sprint(expires)},
		},
	})
	if err == nil && r.Status != 200 {
		err = fmt.Errorf("REGISTER answered %d", r.Status)
	}
	return err
}

// party is one telephone with one call.
type party struct {
	tb           testing.TB
	call         *sipcore.Call
	sound        soundBox
	phone        *siptest.RTPPhone // the same; nil when the sound is a bare socket
	to           tandem.Number
	subject      string
	hertz        float64
	ours, theirs sdp.Description
	reoffered    chan sipcore.ReofferResult
	heardKeys    atomic.Int64

	mu     sync.Mutex
	state  tandem.LegState
	ended  sipcore.Ended
	change chan struct{}
}

var (
	_ switchtest.Listener      = (*party)(nil)
	_ switchtest.DigitListener = (*party)(nil)
)

// voices gives each telephone of the process a tone of its own, far from ring-back and from each other.
var voices atomic.Int64

func nextVoice() float64 { return 620 + 110*float64(voices.Add(1)%24) }

// soundBox is a telephone's end of the sound.
type soundBox interface {
	Local() sdp.Description
	Connect(ours, theirs sdp.Description) error
}

func newParty(tb testing.TB, codecs []sdp.Codec, raw bool) *party {
	tb.Helper()
	p := &party{
		tb: tb, hertz: nextVoice(), change: make(chan struct{}), reoffered: make(chan sipcore.ReofferResult, 8),
	}
	if raw {
		p.sound = newBareSocket(tb)
		return p
	}
	phone, err := siptest.NewRTPPhone(siptest.RTPConfig{Codecs: codecs})
	if err != nil {
		tb.Errorf("telephone: %v", err)
		return nil
	}
	p.phone, p.sound = phone, phone
	phone.Speak(media.Sine(p.hertz, 0.4))
	background(tb, func(ctx context.Context) { _ = phone.Run(ctx) })
	return p
}

func (p *party) become(s tandem.LegState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s <= p.state {
		return
	}
	p.state = s
	close(p.change)
	p.change = make(chan struct{})
}

func (p *party) end(e sipcore.Ended) {
	p.mu.Lock()
	p.ended = e
	p.mu.Unlock()
	if p.phone != nil {
		p.phone.Mute()
	}
	p.become(tandem.LegStateEnded)
}

// Answer implements switchtest.Party.
func (p *party) Answer(ctx context.Context) error {
	offer, err := sdp.Parse(p.call.Offer())
	if err != nil {
		return err
	}
	if p.ours, err = sdp.Answer(offer, p.sound.Local()); err != nil {
		return err
	}
	p.theirs = offer
	if err := p.sound.Connect(p.ours, offer); err != nil {
		return err
	}
	body, err := p.ours.Marshal()
	if err != nil {
		return err
	}
	if err := p.call.Answer(body); err != nil {
		return err
	}
	return p.Wait(ctx, tandem.LegStateUp)
}

// Refuse implements switchtest.Party.
func (p *party) Refuse(_ context.Context, cause tandem.Cause) error {
	return p.call.Reject(sipbridge.StatusFor(cause), sipcore.Cause{})
}

// HangUp implements switchtest.Party.
func (p *party) HangUp(context.Context) error { return p.call.Hangup(sipcore.Cause{}) }

// Press implements switchtest.Party.
func (p *party) Press(_ context.Context, key byte) error { return p.phone.Press(string(key)) }

// Wait implements switchtest.Party.
func (p *party) Wait(ctx context.Context, s tandem.LegState) error {
	for {
		p.mu.Lock()
		state, change := p.state, p.change
		p.mu.Unlock()
		switch {
		case state == s || (s == tandem.LegStateRinging && state.Up()):
			return nil
		case state == tandem.LegStateEnded:
			return errors.New("the call has ended")
		}
		select {
		case <-change:
		case <-ctx.Done():
			return fmt.Errorf("the far end is %s, not %s: %w", state, s, ctx.Err())
		}
	}
}

// Cause implements switchtest.Party.
func (p *party) Cause() tandem.Cause {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.ended.Status {
	case 486:
		return tandem.CauseBusy
	case 404:
		return tandem.CauseUnallocated
	case 503:
		return tandem.CauseCongestion
	}
	return tandem.CauseUnset
}

// voiced is a far end whose tone is known.
type voiced interface{ voice() float64 }

func (p *party) voice() float64 { return p.hertz }

// HearParty implements switchtest.Listener.
func (p *party) HearParty(ctx context.Context, other switchtest.Party) error {
	return p.phone.WaitTone(ctx, other.(voiced).voice()) //nolint:forcetypeassert // All far ends here have a voice.
}

// HearSound implements switchtest.Listener.
func (p *party) HearSound(ctx context.Context, kind tandem.SoundKind) error {
	return hearSound(ctx, kind, p.phone.Reset, p.phone.Recording)
}

// hearSound listens for a kind of sound in what is heard from now on.
func hearSound(ctx context.Context, kind tandem.SoundKind, reset func(), heard func() []int16) error {
	const ringBack = 425
	for {
		reset()
		select {
		case <-time.After(400 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("does not hear %q: %w", kind, ctx.Err())
		}
		s := heard()
		if len(s) > tone.Rate/5 {
			s = s[len(s)-tone.Rate/5:]
		}
		loud := tone.RMS(s) > 50
		_, level := tone.Peak(s)
		rings := loud && tone.Detect(s, ringBack) > 0.5
		ok := map[tandem.SoundKind]bool{ //nolint:exhaustive // The suite asks for these.
			tandem.SoundRing: rings, tandem.SoundMusic: loud && !rings && level < 0.97, tandem.SoundUnset: !loud,
		}
		if ok[kind] {
			return nil
		}
	}
}

// Digit implements switchtest.DigitListener.
func (p *party) Digit(ctx context.Context) (byte, error) {
	return nextDigit(ctx, &p.heardKeys, p.phone.Digits)
}

// nextDigit waits for the next of the keys heard.
func nextDigit(ctx context.Context, taken *atomic.Int64, keys func() string) (byte, error) {
	n := int(taken.Add(1))
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		if k := keys(); len(k) >= n {
			return k[n-1], nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// device is what an agent has on the desk.
type device interface {
	attach(ctx context.Context) error
	detach(ctx context.Context) error
	ringing(ctx context.Context) (switchtest.Party, error)
}

// rig is a bridge with a carrier and two agents.
type rig struct {
	tb      testing.TB
	bridge  *sipbridge.Bridge
	addr    netip.AddrPort
	carrier *station
	agents  map[tandem.AgentID]device
}

var _ switchtest.Rig = (*rig)(nil)

// newBridge makes a bridge on loopback with one trunk; change may alter its configuration.
func newBridge(tb testing.TB, change func(*sipbridge.Config)) *rig {
	tb.Helper()
	pc := loopbackUDP(tb)
	r := &rig{tb: tb, addr: netip.MustParseAddrPort(pc.LocalAddr().String()), agents: map[tandem.AgentID]device{}}
	r.carrier = newStation(tb, r.addr)
	c := sipbridge.Config{
		Domain: domain,
		Listen: []sipbridge.Listen{{Transport: sipbridge.UDP, PacketConn: pc}},
		Trunks: []sipbridge.Trunk{{
			ID: "carrier", Remotes: []string{r.carrier.addr.String()}, Match: []string{r.carrier.addr.String()},
		}},
		Credentials: sipbridge.Accounts{
			"ana": {Agent: "ana", HA1: sipbridge.HA1("ana", domain, password)},
			"ben": {Agent: "ben", HA1: sipbridge.HA1("ben", domain, password)},
		},
		Sounds: func(name string) (media.Source, error) {
			if name != "hello" {
				return nil, tandem.ErrNotFound
			}
			return media.Samples(make([]int16, tone.Rate/5)), nil
		},
		Timing: sipbridge.Timing{DeviceGrace: 50 * time.Millisecond, PhoneGrace: 300 * time.Millisecond, Qualify: -1},
	}
	if change != nil {
		change(&c)
	}
	b, err := sipbridge.New(c)
	require.NoError(tb, err)
	r.bridge = b
	return r
}

// Switch implements switchtest.Rig.
func (r *rig) Switch() tandem.Switch { return r.bridge }

// Plan implements switchtest.Rig.
func (r *rig) Plan() switchtest.Plan {
	return switchtest.Plan{Trunk: "carrier", DID: did, Agents: []tandem.AgentID{"ana", "ben"}, File: "hello"}
}

// Attach implements switchtest.Rig.
func (r *rig) Attach(ctx context.Context, a tandem.AgentID) error { return r.agents[a].attach(ctx) }

// Detach implements switchtest.Rig.
func (r *rig) Detach(ctx context.Context, a tandem.AgentID) error { return r.agents[a].detach(ctx) }

// Call implements switchtest.Rig.
func (r *rig) Call(ctx context.Context, from, to tandem.Number) (switchtest.Party, error) {
	return r.carrier.dial(ctx, from, to)
}

// Ringing implements switchtest.Rig.
func (r *rig) Ringing(ctx context.Context, at tandem.Endpoint) (switchtest.Party, error) {
	if at.Agent != "" {
		return r.agents[at.Agent].ringing(ctx)
	}
	return r.carrier.ringing(ctx, at.Number)
}

// ringing waits for a call to a number.
func (s *station) ringing(ctx context.Context, to tandem.Number) (*party, error) {
	for {
		select {
		case p := <-s.rings:
			if p.to == to || to == "" {
				return p, nil
			}
			s.rings <- p // Another test step waits for it.
		case <-ctx.Done():
			return nil, fmt.Errorf("%s does not ring: %w", to, ctx.Err())
		}
	}
}

// desk is a SIP desk phone.
type desk struct {
	user string
	*station
}

func (d *desk) attach(ctx context.Context) error { return d.register(ctx, d.user, 3600) }

func (d *desk) detach(ctx context.Context) error { return d.register(ctx, d.user, 0) }

func (d *desk) ringing(ctx context.Context) (switchtest.Party, error) {
	return d.station.ringing(ctx, "")
}

// withDesks gives the agents SIP desk phones.
func (r *rig) withDesks() *rig {
	for _, a := range []string{"ana", "ben"} {
		r.agents[tandem.AgentID(a)] = &desk{user: a, station: newStation(r.tb, r.addr)}
	}
	return r
}
