package webphone

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/tandem-cc/tandem/internal/tone"
	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/siptest"
)

// EventPayload is the number that this phone offers for telephone events, as Chromium does.
const EventPayload = 126

// Config configures a Phone. The zero value offers PCMU and PCMA.
type Config struct {
	// Codecs are the names of the codecs offered, PCMU and PCMA among them; nil is both.
	Codecs []string
	// ActAs makes the phone the DTLS client (SetupActive) or server (SetupPassive) when it answers; unset is active.
	ActAs sdp.Setup
	// CMOnly keeps the phone from offering AES-GCM, as old browsers do.
	CMOnly bool
}

// Phone is a simulated browser. All methods may be called concurrently.
type Phone struct {
	siptest.Ear // what it heard

	pc    *webrtc.PeerConnection
	track *track
	stop  chan struct{}
	once  sync.Once
	wg    sync.WaitGroup

	packets atomic.Uint64 // of sound and keys heard

	mu     sync.Mutex
	source media.Source
	press  []byte
	at     int // packets sent of the first key, and of the sound after it
}

// New makes a phone that is not connected yet.
func New(c Config) (*Phone, error) {
	if c.Codecs == nil {
		c.Codecs = []string{"PCMU", "PCMA"}
	}
	me := &webrtc.MediaEngine{}
	for _, name := range append(c.Codecs, "telephone-event") {
		pt := map[string]webrtc.PayloadType{"PCMU": 0, "PCMA": 8, "telephone-event": EventPayload}[name]
		if err := me.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/" + name, ClockRate: 8000},
			PayloadType:        pt,
		}, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, fmt.Errorf("webphone: codec: %w", err)
		}
	}
	se := webrtc.SettingEngine{}
	se.SetIncludeLoopbackCandidate(true)
	se.SetHandleUndeclaredSSRCWithoutAnswer(true) // As browsers do: an answer need not name its SSRC.
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	se.SetSRTPProtectionProfiles(profiles(c)...)
	role := webrtc.DTLSRoleClient
	if c.ActAs == sdp.SetupPassive {
		role = webrtc.DTLSRoleServer
	}
	if err := se.SetAnsweringDTLSRole(role); err != nil {
		return nil, fmt.Errorf("webphone: role: %w", err)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(me), webrtc.WithSettingEngine(se),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, fmt.Errorf("webphone: %w", err)
	}
	p := &Phone{pc: pc, stop: make(chan struct{}), track: &track{}}
	if _, err := pc.AddTrack(p.track); err != nil {
		return nil, errors.Join(err, pc.Close())
	}
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { p.listen(t) })
	p.wg.Go(p.speak)
	return p, nil
}

func profiles(c Config) []dtls.SRTPProtectionProfile {
	if c.CMOnly {
		return []dtls.SRTPProtectionProfile{dtls.SRTP_AES128_CM_HMAC_SHA1_80}
	}
	return []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80}
}

// Close ends everything.
func (p *Phone) Close() error {
	var err error
	p.once.Do(func() {
		close(p.stop)
		err = p.pc.GracefulClose()
		p.wg.Wait()
	})
	return err
}

// Offer makes an offer with all candidates in it.
func (p *Phone) Offer(ctx context.Context) (sdp.Description, error) {
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		return sdp.Description{}, fmt.Errorf("webphone: offer: %w", err)
	}
	return p.describe(ctx, offer)
}

// RestartOffer makes an offer with new ICE credentials.
func (p *Phone) RestartOffer(ctx context.Context) (sdp.Description, error) {
	offer, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		return sdp.Description{}, fmt.Errorf("webphone: offer: %w", err)
	}
	return p.describe(ctx, offer)
}

// Answer answers an offer.
func (p *Phone) Answer(ctx context.Context, offer sdp.Description) (sdp.Description, error) {
	if err := p.remote(webrtc.SDPTypeOffer, offer); err != nil {
		return sdp.Description{}, err
	}
	answer, err := p.pc.CreateAnswer(nil)
	if err != nil {
		return sdp.Description{}, fmt.Errorf("webphone: answer: %w", err)
	}
	return p.describe(ctx, answer)
}

// Connect takes the answer to an offer.
func (p *Phone) Connect(answer sdp.Description) error { return p.remote(webrtc.SDPTypeAnswer, answer) }

func (p *Phone) remote(kind webrtc.SDPType, d sdp.Description) error {
	body, err := d.Marshal()
	if err != nil {
		return fmt.Errorf("webphone: %w", err)
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: kind, SDP: string(body)}); err != nil {
		return fmt.Errorf("webphone: remote description: %w", err)
	}
	return nil
}

func (p *Phone) describe(ctx context.Context, d webrtc.SessionDescription) (sdp.Description, error) {
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(d); err != nil {
		return sdp.Description{}, fmt.Errorf("webphone: local description: %w", err)
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return sdp.Description{}, ctx.Err()
	}
	return sdp.Parse([]byte(p.pc.LocalDescription().SDP))
}

// State returns the connection's state in the browser's words, such as connected.
func (p *Phone) State() string { return p.pc.ConnectionState().String() }

// Heard returns how many packets were heard.
func (p *Phone) Heard() uint64 { return p.packets.Load() }

// Speak sends s from now on; nil is silence (packets of silence still flow).
func (p *Phone) Speak(s media.Source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.source = s
}

// Press sends keys as telephone events of 100 ms each.
func (p *Phone) Press(keys string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		i := strings.IndexRune("0123456789*#ABCD", k)
		if i < 0 {
			return fmt.Errorf("webphone: press: %q is not a key", k)
		}
		p.press = append(p.press, byte(i))
	}
	return nil
}

func (p *Phone) speak() {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	h := rtp.Header{Version: 2, SequenceNumber: 1, Timestamp: 1}
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		}
		if p.pc.ConnectionState() == webrtc.PeerConnectionStateConnected {
			p.track.send(p, &h)
		}
	}
}

// next makes a payload and sets the header for it.
func (p *Phone) next(h *rtp.Header, sound, events webrtc.PayloadType) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	h.SequenceNumber++
	h.Marker = false
	if payload := p.nextKeyLocked(h); payload != nil {
		h.PayloadType = uint8(events)
		return payload
	}
	h.PayloadType = uint8(sound)
	h.Timestamp += media.FrameSamples
	var pcm [media.FrameSamples]int16
	if p.source != nil {
		p.source.Fill(pcm[:])
	}
	payload := make([]byte, len(pcm))
	for i, s := range pcm {
		if sound == 8 {
			payload[i] = tone.EncodeALaw(s)
		} else {
			payload[i] = tone.EncodeULaw(s)
		}
	}
	return payload
}

// nextKeyLocked makes the next packet of a pressed key: five of it, three of its end; then three of sound pass.
func (p *Phone) nextKeyLocked(h *rtp.Header) []byte {
	const held, ends, rest = 5, 3, 3
	if len(p.press) == 0 {
		return nil
	}
	p.at++
	if p.at > held+ends {
		if p.at == held+ends+1 {
			h.Timestamp += held * media.FrameSamples
		}
		if p.at == held+ends+rest {
			p.press, p.at = p.press[1:], 0
		}
		return nil
	}
	if p.at == 1 {
		h.Timestamp += media.FrameSamples
		h.Marker = true
	}
	payload := []byte{p.press[0], 10, 0, 0}
	if p.at > held {
		payload[1] |= 0x80
	}
	duration := min(p.at, held) * media.FrameSamples
	payload[2], payload[3] = byte(duration>>8), byte(duration)
	return payload
}

// track is a local track that may send any of the agreed payload numbers, unlike those of the library.
type track struct {
	mu      sync.Mutex
	stream  webrtc.TrackLocalWriter
	ssrc    webrtc.SSRC
	payload webrtc.PayloadType
	events  webrtc.PayloadType // zero when not agreed
}

func (t *track) send(p *Phone, h *rtp.Header) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stream == nil {
		return
	}
	payload := p.next(h, t.payload, t.events)
	out := *h
	out.SSRC = uint32(t.ssrc)
	if _, err := t.stream.WriteRTP(&out, payload); err != nil {
		return // Not connected any more; the state says so next time.
	}
}

// Bind implements webrtc.TrackLocal.
func (t *track) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, codec := range c.CodecParameters() {
		if codec.PayloadType == 0 || codec.PayloadType == 8 {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.stream, t.ssrc, t.payload = c.WriteStream(), c.SSRC(), codec.PayloadType
			for _, other := range c.CodecParameters() {
				if strings.EqualFold(other.MimeType, "audio/telephone-event") {
					t.events = other.PayloadType
				}
			}
			return codec, nil
		}
	}
	return webrtc.RTPCodecParameters{}, errors.New("webphone: no G.711 agreed")
}

func (t *track) eventPayload() uint8 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return uint8(t.events)
}

// Unbind implements webrtc.TrackLocal.
func (t *track) Unbind(webrtc.TrackLocalContext) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stream = nil
	return nil
}

// ID implements webrtc.TrackLocal.
func (t *track) ID() string { return "audio" }

// RID implements webrtc.TrackLocal.
func (t *track) RID() string { return "" }

// StreamID implements webrtc.TrackLocal.
func (t *track) StreamID() string { return "webphone" }

// Kind implements webrtc.TrackLocal.
func (t *track) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeAudio }

var _ webrtc.TrackLocal = (*track)(nil)

func (p *Phone) listen(t *webrtc.TrackRemote) {
	buf := make([]byte, 1600)
	for {
		n, _, err := t.Read(buf)
		if err != nil {
			return
		}
		var packet rtp.Packet
		if packet.Unmarshal(buf[:n]) != nil {
			continue
		}
		p.packets.Add(1)
		switch packet.PayloadType {
		case EventPayload, p.track.eventPayload():
			p.HearEvent(packet.Timestamp, packet.Payload)
		case 0:
			p.hear(packet.Payload, tone.DecodeULaw)
		case 8:
			p.hear(packet.Payload, tone.DecodeALaw)
		}
	}
}

func (p *Phone) hear(payload []byte, decode func(byte) int16) {
	samples := make([]int16, len(payload))
	for i, b := range payload {
		samples[i] = decode(b)
	}
	p.HearSound(samples)
}
