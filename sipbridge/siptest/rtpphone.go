package siptest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"

	"github.com/tandem-cc/tandem/internal/tone"
	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

const (
	frame = 20 * time.Millisecond
	// maxPress bounds the keys that wait to be pressed.
	maxPress = 64
)

// RTPConfig configures an RTPPhone. The zero value listens on 127.0.0.1 and sends silence until told to speak.
type RTPConfig struct {
	// Addr is the address to listen on; zero is a free port on 127.0.0.1.
	Addr netip.AddrPort
	// Codecs are those the phone offers; nil is sdp.DefaultCodecs.
	Codecs []sdp.Codec
	// Echo sends back what it hears, packet for packet, instead of speaking.
	Echo bool
}

// RTPPhone is the sound half of a simulated telephone: it sends a source, records what it hears, and can say which
// tones and digits it heard. It is written apart from package media, so that the two can prove each other.
// All methods may be called concurrently.
type RTPPhone struct {
	Ear // what it heard

	conn  *net.UDPConn
	addr  netip.AddrPort
	local sdp.Description
	echo  bool

	mu      sync.Mutex
	format  sdp.Agreement
	to      netip.AddrPort
	source  media.Source
	muted   bool
	press   []byte // events 0 to 15
	pressed int    // packets sent of the first
	header  rtp.Header
	stats   PhoneStats
	sources []uint32
	lastSeq uint16
}

// PhoneStats are what a phone counts.
type PhoneStats struct {
	// Sent and Heard count RTP packets.
	Sent, Heard uint64
	// Gaps counts sequence numbers that did not follow the one before, Sources the SSRCs heard.
	Gaps, Sources uint64
	// From is where the latest packet came from.
	From netip.AddrPort
	// Payload is the payload number of the latest packet of sound.
	Payload uint8
}

// NewRTPPhone opens the phone's socket; it starts nothing. Run, or Close without Run, releases it.
func NewRTPPhone(c RTPConfig) (*RTPPhone, error) {
	if !c.Addr.IsValid() {
		c.Addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(c.Addr))
	if err != nil {
		return nil, fmt.Errorf("siptest: phone: %w", err)
	}
	bound, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil, errors.Join(errors.New("siptest: phone: no local address"), conn.Close())
	}
	addr := bound.AddrPort()
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	if c.Codecs == nil {
		c.Codecs = sdp.DefaultCodecs()
	}
	return &RTPPhone{
		conn: conn, addr: addr, echo: c.Echo,
		local: sdp.Description{
			Addr: addr, Codecs: c.Codecs, Direction: sdp.SendRecv, Ptime: frame,
			Origin: sdp.Origin{ID: 1 + rand.Uint64N(1<<48), Version: 1},
		},
		header: rtp.Header{Version: 2, SSRC: rand.Uint32(), SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32()},
	}, nil
}

// Run sends and hears until ctx is done and returns ctx.Err(); then the socket is closed.
func (p *RTPPhone) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, p.Close)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(p.listen)
	defer wg.Wait()
	defer p.Close()
	ticker := time.NewTicker(frame)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			p.speak()
		}
	}
}

// Close closes the phone's socket; Run does it by itself.
func (p *RTPPhone) Close() {
	if err := p.conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		p.mu.Lock()
		p.muted = true
		p.mu.Unlock()
	}
}

// Local returns the phone's side of a session, ready for sdp.Offer or sdp.Answer.
func (p *RTPPhone) Local() sdp.Description {
	d := p.local
	d.Codecs = slices.Clone(d.Codecs)
	return d
}

// Connect gives the phone a finished offer and answer: its own and the other side's. Call it again to change them.
func (p *RTPPhone) Connect(ours, theirs sdp.Description) error {
	a, err := sdp.Agree(ours, theirs)
	if err != nil {
		return fmt.Errorf("siptest: phone: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.format, p.to = a, a.Remote
	return nil
}

// Speak sends s from now on, replacing what was sent; nil is silence (packets of silence still flow).
func (p *RTPPhone) Speak(s media.Source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.source, p.muted = s, false
}

// Mute stops sending packets altogether until the next Speak.
func (p *RTPPhone) Mute() {
	p.mu.Lock()
	p.muted = true
	p.mu.Unlock()
}

// Press sends keys (0-9, *, #, A-D) as telephone events of 100 ms each, with 60 ms between them; at most 64 may wait.
func (p *RTPPhone) Press(keys string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.eventFormat(); !ok {
		return errors.New("siptest: press: telephone-event is not agreed")
	}
	if len(p.press)+len(keys) > maxPress {
		return fmt.Errorf("siptest: press: more than %d keys wait", maxPress)
	}
	for _, k := range keys {
		i := strings.IndexRune(eventKeys, k)
		if i < 0 {
			return fmt.Errorf("siptest: press: %q is not a key", k)
		}
		p.press = append(p.press, byte(i))
	}
	return nil
}

func (p *RTPPhone) eventFormat() (sdp.Format, bool) {
	return p.find(func(c sdp.Codec) bool { return c.Kind() == sdp.KindTelephoneEvent })
}

func (p *RTPPhone) soundFormat() (sdp.Format, bool) {
	return p.find(func(c sdp.Codec) bool { return c.Kind() == sdp.KindPCMU || c.Kind() == sdp.KindPCMA })
}

func (p *RTPPhone) find(want func(sdp.Codec) bool) (sdp.Format, bool) {
	for _, f := range p.format.Formats {
		if want(f.Codec) {
			return f, true
		}
	}
	return sdp.Format{}, false
}

// speak sends one packet.
func (p *RTPPhone) speak() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.echo || p.muted || !p.to.IsValid() || !p.format.Direction.Sends() {
		return
	}
	f, ok := p.soundFormat()
	if !ok {
		return
	}
	p.header.SequenceNumber++
	if len(p.press) > 0 && p.speakKey() {
		return
	}
	p.header.Timestamp += media.FrameSamples
	p.header.PayloadType, p.header.Marker = f.Send, false
	var pcm [media.FrameSamples]int16
	if p.source != nil {
		if n := p.source.Fill(pcm[:]); n < len(pcm) {
			clear(pcm[n:])
			p.source = nil
		}
	}
	payload := make([]byte, len(pcm))
	for i, s := range pcm {
		if f.Codec.Kind() == sdp.KindPCMA {
			payload[i] = tone.EncodeALaw(s)
		} else {
			payload[i] = tone.EncodeULaw(s)
		}
	}
	p.send(payload)
}

// speakKey sends the next packet of the key that is pressed: five of it, three of its end; then three of sound pass.
func (p *RTPPhone) speakKey() bool {
	const held, ends, rest = 5, 3, 3
	f, ok := p.eventFormat()
	if !ok {
		p.press = nil
		return false
	}
	p.pressed++
	if p.pressed > held+ends {
		if p.pressed == held+ends+rest {
			p.press, p.pressed = p.press[1:], 0
		}
		return false
	}
	if p.pressed == 1 {
		p.header.Timestamp += media.FrameSamples
	}
	p.header.PayloadType, p.header.Marker = f.Send, p.pressed == 1
	payload := []byte{p.press[0], 10, 0, 0}
	if p.pressed > held {
		payload[1] |= 0x80
	}
	duration := min(p.pressed, held) * media.FrameSamples
	payload[2], payload[3] = byte(duration>>8), byte(duration)
	p.send(payload)
	if p.pressed == held+ends {
		p.header.Timestamp += uint32(duration)
	}
	return true
}

func (p *RTPPhone) send(payload []byte) {
	b, err := (&rtp.Packet{Header: p.header, Payload: payload}).Marshal()
	if err != nil {
		return
	}
	if _, err := p.conn.WriteToUDPAddrPort(b, p.to); err == nil {
		p.stats.Sent++
	}
}

func (p *RTPPhone) listen() {
	buf := make([]byte, 2048)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		var packet rtp.Packet
		if err != nil || n < 12 || (buf[1] >= 192 && buf[1] <= 223) || packet.Unmarshal(buf[:n]) != nil {
			continue
		}
		p.hear(&packet, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		if p.echo {
			p.reply(buf[:n])
		}
	}
}

func (p *RTPPhone) reply(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.to.IsValid() || !p.format.Direction.Sends() {
		return
	}
	if _, err := p.conn.WriteToUDPAddrPort(b, p.to); err == nil {
		p.stats.Sent++
	}
}

func (p *RTPPhone) hear(packet *rtp.Packet, from netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stats.Heard > 0 && packet.SequenceNumber != p.lastSeq+1 {
		p.stats.Gaps++
	}
	p.lastSeq = packet.SequenceNumber
	p.stats.Heard++
	p.stats.From = from
	if !slices.Contains(p.sources, packet.SSRC) && len(p.sources) < 1000 {
		p.sources = append(p.sources, packet.SSRC)
		p.stats.Sources++
	}
	for _, f := range p.format.Formats {
		if f.Receive != packet.PayloadType {
			continue
		}
		switch f.Codec.Kind() {
		case sdp.KindPCMU:
			p.hearSound(packet, tone.DecodeULaw)
		case sdp.KindPCMA:
			p.hearSound(packet, tone.DecodeALaw)
		case sdp.KindTelephoneEvent:
			p.HearEvent(packet.Timestamp, packet.Payload)
		case sdp.KindOpaque:
		}
	}
}

func (p *RTPPhone) hearSound(packet *rtp.Packet, decode func(byte) int16) {
	p.stats.Payload = packet.PayloadType
	samples := make([]int16, len(packet.Payload))
	for i, b := range packet.Payload {
		samples[i] = decode(b)
	}
	p.HearSound(samples)
}

// Reset forgets what was heard: recording, digits and figures.
func (p *RTPPhone) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sources, p.stats = nil, PhoneStats{Sent: p.stats.Sent}
	p.Ear.Reset()
}

// Stats returns the phone's figures.
func (p *RTPPhone) Stats() PhoneStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}
