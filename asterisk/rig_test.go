package asterisk_test

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
	"github.com/tandem-cc/tandem/asterisk"
	"github.com/tandem-cc/tandem/asterisk/ami"
	"github.com/tandem-cc/tandem/internal/testenv"
	"github.com/tandem-cc/tandem/internal/tone"
	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/sipbridge/siptest"
	"github.com/tandem-cc/tandem/switchtest"
)

const did = tandem.Number("+15550199")

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

// station is a SIP user agent on a socket of its own with any number of telephones: the carrier with its customers, or an agent's desk.
type station struct {
	tb    testing.TB
	ep    *sipcore.Endpoint
	addr  netip.AddrPort
	pbx   netip.AddrPort // where Asterisk hears this station
	login *sipcore.Credentials

	mu    sync.Mutex
	calls map[string]*party
	rings []*party
	rang  chan struct{} // closed when one more rings
}

var _ sipcore.Handler = (*station)(nil)

// newStation listens at an address ("127.0.0.1:0" for any) and talks to the address of Asterisk.
func newStation(tb testing.TB, listen, pbx string) *station {
	tb.Helper()
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(tb.Context(), "udp4", listen)
	require.NoError(tb, err)
	s := &station{
		tb: tb, pbx: netip.MustParseAddrPort(pbx), addr: netip.MustParseAddrPort(pc.LocalAddr().String()),
		calls: map[string]*party{}, rang: make(chan struct{}),
	}
	s.ep, err = sipcore.New(sipcore.Config{
		Listeners: []sipcore.Listener{{Name: "udp", Transport: sipcore.TransportUDP, PacketConn: pc}},
		Handler:   s,
		Admit:     func(context.Context, *sipcore.Inbound) sipcore.Admission { return sipcore.Admission{Allow: true} },
		Guard:     sipcore.GuardConfig{Rate: -1},
	})
	require.NoError(tb, err)
	background(tb, func(ctx context.Context) { _ = s.ep.Run(ctx) })
	<-s.ep.Ready()
	return s
}

// Incoming lets a telephone ring.
func (s *station) Incoming(_ context.Context, call *sipcore.Call) {
	p := newParty(s.tb)
	p.call, p.to = call, tandem.Number(call.Request().URI.User)
	_ = call.Progress(180, nil)
	p.become(tandem.LegStateRinging)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[call.ID()] = p
	s.rings = append(s.rings, p)
	close(s.rang)
	s.rang = make(chan struct{})
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
			err = p.phone.Connect(p.ours, theirs)
		}
		if err != nil {
			s.tb.Errorf("the answer of Asterisk: %v", err)
		}
		p.become(tandem.LegStateUp)
	case sipcore.Confirmed:
		p.become(tandem.LegStateUp)
	case sipcore.Ended:
		p.end(ev)
	default:
	}
}

// Reoffer takes a new description of the same sound: Asterisk re-offers when it tells who is on the line.
func (s *station) Reoffer(_ context.Context, call *sipcore.Call, offer []byte) ([]byte, error) {
	s.mu.Lock()
	p := s.calls[call.ID()]
	s.mu.Unlock()
	if p == nil {
		return nil, errors.New("no such call")
	}
	theirs, err := sdp.Parse(offer)
	if err != nil {
		return nil, err
	}
	ours, err := sdp.Answer(theirs, p.phone.Local())
	if err != nil {
		return nil, err
	}
	return ours.Marshal()
}

// dial calls a number through Asterisk.
func (s *station) dial(ctx context.Context, from, to tandem.Number) (*party, error) {
	p := newParty(s.tb)
	p.ours = sdp.Offer(p.phone.Local())
	body, err := p.ours.Marshal()
	if err != nil {
		return nil, err
	}
	id := tandem.RandomIDs()()
	s.mu.Lock()
	s.calls[id] = p
	s.mu.Unlock()
	p.call, err = s.ep.Invite(ctx, sipcore.InviteRequest{
		To: fmt.Sprintf("sip:%s@%s", to, s.pbx), From: fmt.Sprintf("sip:%s@%s", from, s.addr), ID: id,
		Destination: "udp:" + s.pbx.String(), SDP: body, Credentials: s.login,
	})
	return p, err
}

// register registers the station as a phone; 0 takes the registration back.
func (s *station) register(ctx context.Context, user, password string, expires int) error {
	s.login = &sipcore.Credentials{Username: user, Password: password}
	host := s.pbx.String()
	r, err := s.ep.Do(ctx, sipcore.Request{
		Method: "REGISTER", URI: "sip:" + host, To: "sip:" + user + "@" + host, From: "sip:" + user + "@" + host,
		Destination: "udp:" + host, Credentials: s.login,
		Headers: []sipcore.Header{
			{Name: "Contact", Value: fmt.Sprintf("<sip:%s@%s>", user, s.addr)}, {Name: "Expires", Value: fmt.Sprint(expires)},
		},
	})
	if err == nil && r.Status != 200 {
		err = fmt.Errorf("REGISTER answered %d", r.Status)
	}
	return err
}

// ringing waits for a call to a number; empty means any.
func (s *station) ringing(ctx context.Context, to tandem.Number) (*party, error) {
	for {
		s.mu.Lock()
		for i, p := range s.rings {
			if to == "" || p.to == to {
				s.rings = append(s.rings[:i:i], s.rings[i+1:]...)
				s.mu.Unlock()
				return p, nil
			}
		}
		rang := s.rang
		s.mu.Unlock()
		select {
		case <-rang:
		case <-ctx.Done():
			return nil, fmt.Errorf("%s does not ring: %w", to, ctx.Err())
		}
	}
}

// party is one telephone with one call.
type party struct {
	call  *sipcore.Call
	phone *siptest.RTPPhone
	to    tandem.Number
	hertz float64
	ours  sdp.Description
	keys  atomic.Int64

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

func newParty(tb testing.TB) *party {
	tb.Helper()
	phone, err := siptest.NewRTPPhone(siptest.RTPConfig{})
	require.NoError(tb, err)
	p := &party{phone: phone, hertz: 620 + 110*float64(voices.Add(1)%24), change: make(chan struct{})}
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
	p.phone.Mute()
	p.become(tandem.LegStateEnded)
}

// Answer implements switchtest.Party.
func (p *party) Answer(ctx context.Context) error {
	offer, err := sdp.Parse(p.call.Offer())
	if err != nil {
		return err
	}
	if p.ours, err = sdp.Answer(offer, p.phone.Local()); err != nil {
		return err
	}
	if err := p.phone.Connect(p.ours, offer); err != nil {
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
	status := map[tandem.Cause]int{ //nolint:exhaustive // The suite refuses with these.
		tandem.CauseBusy: 486, tandem.CauseRejected: 603, tandem.CauseUnavailable: 480, tandem.CauseUnallocated: 404, tandem.CauseCongestion: 503,
	}[cause]
	return p.call.Reject(status, sipcore.Cause{})
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

// HearParty implements switchtest.Listener.
func (p *party) HearParty(ctx context.Context, other switchtest.Party) error {
	return p.phone.WaitTone(ctx, other.(*party).hertz) //nolint:forcetypeassert // All far ends here are parties.
}

// HearSound implements switchtest.Listener.
func (p *party) HearSound(ctx context.Context, kind tandem.SoundKind) error {
	const ringBack = 425
	for {
		p.phone.Reset()
		select {
		case <-time.After(400 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("does not hear %q: %w", kind, ctx.Err())
		}
		s := p.phone.Recording()
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
	n := int(p.keys.Add(1))
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		if k := p.phone.Digits(); len(k) >= n {
			return k[n-1], nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// rig is an Asterisk with a carrier and two desk phones.
type rig struct {
	tb      testing.TB
	pbx     testenv.PBX
	sw      *asterisk.Switch
	carrier *station
	desks   map[tandem.AgentID]*station
	phones  map[tandem.AgentID]string
}

var _ switchtest.Rig = (*rig)(nil)

// config is how a switch uses an Asterisk of the tests.
func config(pbx testenv.PBX) asterisk.Config {
	return asterisk.Config{
		AMI:    ami.Config{Addr: pbx.AMIAddr, Username: pbx.AMIUser, Secret: pbx.AMISecret, MinBackoff: 20 * time.Millisecond},
		Trunks: []asterisk.Trunk{{ID: "carrier", Dial: "PJSIP/{number}@carrier"}},
		Agents: []asterisk.Agent{{ID: "ana", Device: "PJSIP/1001"}, {ID: "ben", Device: "PJSIP/1002"}},
	}
}

// newRig makes a switch and its far ends; change may alter its configuration.
func newRig(tb testing.TB, pbx testenv.PBX, change func(*asterisk.Config)) *rig {
	tb.Helper()
	c := config(pbx)
	if change != nil {
		change(&c)
	}
	sw, err := asterisk.New(c)
	require.NoError(tb, err)
	return &rig{
		tb: tb, pbx: pbx, sw: sw, carrier: newStation(tb, pbx.CarrierAddr, pbx.TrunkAddr),
		desks:  map[tandem.AgentID]*station{"ana": newStation(tb, "127.0.0.1:0", pbx.SIPAddr), "ben": newStation(tb, "127.0.0.1:0", pbx.SIPAddr)},
		phones: map[tandem.AgentID]string{"ana": "1001", "ben": "1002"},
	}
}

// Switch implements switchtest.Rig.
func (r *rig) Switch() tandem.Switch { return r.sw }

// Plan implements switchtest.Rig.
func (r *rig) Plan() switchtest.Plan {
	return switchtest.Plan{Trunk: "carrier", DID: did, Agents: []tandem.AgentID{"ana", "ben"}, File: "beep"}
}

// Attach implements switchtest.Rig.
func (r *rig) Attach(ctx context.Context, a tandem.AgentID) error {
	if err := r.desks[a].register(ctx, r.phones[a], r.pbx.PhonePassword, 3600); err != nil {
		return err
	}
	r.tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.tb.Context()), 5*time.Second)
		defer cancel()
		_ = r.Detach(ctx, a)
	})
	return nil
}

// Detach implements switchtest.Rig.
func (r *rig) Detach(ctx context.Context, a tandem.AgentID) error {
	return r.desks[a].register(ctx, r.phones[a], r.pbx.PhonePassword, 0)
}

// Call implements switchtest.Rig.
func (r *rig) Call(ctx context.Context, from, to tandem.Number) (switchtest.Party, error) {
	return r.carrier.dial(ctx, from, to)
}

// Ringing implements switchtest.Rig.
func (r *rig) Ringing(ctx context.Context, at tandem.Endpoint) (switchtest.Party, error) {
	if at.Agent != "" {
		return r.desks[at.Agent].ringing(ctx, "")
	}
	return r.carrier.ringing(ctx, at.Number)
}
