package sipbridge_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/internal/tone"
	"github.com/tandem-cc/tandem/sipbridge"
	"github.com/tandem-cc/tandem/switchtest"
)

// message is one message of the browser phone's protocol, in either direction.
type message struct {
	Type    string `json:"type"`
	Agent   string `json:"agent,omitempty"`
	Leg     string `json:"leg,omitempty"`
	Call    string `json:"call,omitempty"`
	Subject string `json:"subject,omitempty"`
	SDP     string `json:"sdp,omitempty"`
	Cause   string `json:"cause,omitempty"`
	Held    *bool  `json:"held,omitempty"`
	Digit   string `json:"digit,omitempty"`
	Message string `json:"message,omitempty"`
	Resume  bool   `json:"resume,omitempty"`
	From    *struct {
		Number string `json:"number"`
		Name   string `json:"name"`
	} `json:"from,omitempty"`
}

// page is an agent's browser page: the JSON phone over a WebSocket, with a PeerConnection of pion for each leg.
type page struct {
	tb    testing.TB
	agent tandem.AgentID
	url   string

	mu    sync.Mutex
	conn  *websocket.Conn
	done  chan struct{} // closed when the connection is over
	legs  map[string]*webParty
	rings chan *webParty
	seen  []message
	news  chan struct{}
}

var _ device = (*page)(nil)

func newPage(tb testing.TB, b *sipbridge.Bridge, agent tandem.AgentID) *page {
	tb.Helper()
	srv := httptest.NewServer(b.Phone(agent))
	tb.Cleanup(srv.Close)
	return &page{
		tb: tb, agent: agent, url: "ws" + strings.TrimPrefix(srv.URL, "http"), legs: map[string]*webParty{},
		rings: make(chan *webParty, 100), news: make(chan struct{}),
	}
}

// withPages gives the agents browser phones.
func (r *rig) withPages() *rig {
	for _, a := range []tandem.AgentID{"ana", "ben"} {
		r.agents[a] = newPage(r.tb, r.bridge, a)
	}
	return r
}

func dialPhone(ctx context.Context, url string) (*websocket.Conn, error) {
	conn, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{sipbridge.PhoneProtocol}})
	if err != nil {
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		return nil, err
	}
	conn.SetReadLimit(64 << 10)
	return conn, nil
}

func (p *page) attach(ctx context.Context) error {
	conn, err := dialPhone(ctx, p.url)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	p.mu.Lock()
	p.conn, p.done = conn, done
	p.mu.Unlock()
	background(p.tb, func(ctx context.Context) {
		defer close(done)
		defer conn.CloseNow()
		for {
			_, body, err := conn.Read(ctx)
			if err != nil {
				return
			}
			var m message
			if err := json.Unmarshal(body, &m); err != nil {
				p.tb.Errorf("message to the page: %v", err)
				return
			}
			p.take(m)
		}
	})
	_, err = p.await(ctx, func(m message) bool { return m.Type == "hello" && m.Agent == string(p.agent) && m.Resume })
	return err
}

func (p *page) detach(context.Context) error {
	p.mu.Lock()
	conn, done := p.conn, p.done
	p.mu.Unlock()
	_ = conn.CloseNow()
	<-done
	return nil
}

func (p *page) ringing(ctx context.Context) (switchtest.Party, error) {
	select {
	case w := <-p.rings:
		return w, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *page) take(m message) {
	p.mu.Lock()
	w := p.legs[m.Leg]
	fresh := m.Type == "offer" && w == nil
	if fresh {
		w = newWebParty(p.tb, m.SDP)
		w.answer = func(ctx context.Context, sdp string) error {
			return p.say(ctx, message{Type: "answer", Leg: m.Leg, SDP: sdp})
		}
		w.refuse = func(ctx context.Context, cause tandem.Cause) error {
			return p.say(ctx, message{Type: "reject", Leg: m.Leg, Cause: cause.String()})
		}
		w.hangUp = func(ctx context.Context) error { return p.say(ctx, message{Type: "hangup", Leg: m.Leg}) }
		w.press = func(ctx context.Context, key byte) error {
			return p.say(ctx, message{Type: "digit", Leg: m.Leg, Digit: string(key)})
		}
		p.legs[m.Leg] = w
	}
	p.seen = append(p.seen, m)
	close(p.news)
	p.news = make(chan struct{})
	p.mu.Unlock()
	switch {
	case fresh:
		if p.say(context.WithoutCancel(p.tb.Context()), message{Type: "ringing", Leg: m.Leg}) == nil {
			p.rings <- w
		}
	case w != nil && m.Type == "answered":
		w.become(tandem.LegStateUp)
	case w != nil && m.Type == "ended":
		w.become(tandem.LegStateEnded)
		w.close()
	}
}

func (p *page) say(ctx context.Context, m message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	p.mu.Lock()
	conn := p.conn
	p.mu.Unlock()
	return conn.Write(ctx, websocket.MessageText, body)
}

// await waits for a message, also one that came before.
func (p *page) await(ctx context.Context, want func(message) bool) (message, error) {
	for {
		p.mu.Lock()
		i := slices.IndexFunc(p.seen, want)
		news, seen := p.news, p.seen
		p.mu.Unlock()
		if i >= 0 {
			return seen[i], nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return message{}, fmt.Errorf("the page has seen %+v: %w", seen, ctx.Err())
		}
	}
}

// webParty is one leg on a page.
type webParty struct {
	offer string
	hertz float64

	// How the device says what the agent does.
	answer func(ctx context.Context, sdp string) error
	refuse func(ctx context.Context, cause tandem.Cause) error
	hangUp func(ctx context.Context) error
	press  func(ctx context.Context, key byte) error

	mu        sync.Mutex
	state     tandem.LegState
	pc        *webrtc.PeerConnection
	heard     []int16
	keys      []byte
	lastKey   uint32
	change    chan struct{}
	once      sync.Once
	quit      chan struct{}
	work      sync.WaitGroup
	heardKeys atomic.Int64
	timed     atomic.Pointer[chan time.Duration] // how long packets of bare sockets were on their way; nil: nobody asks
}

var (
	_ switchtest.Listener      = (*webParty)(nil)
	_ switchtest.DigitListener = (*webParty)(nil)
)

func newWebParty(tb testing.TB, offer string) *webParty {
	tb.Helper()
	w := &webParty{offer: offer, hertz: nextVoice(), change: make(chan struct{}), quit: make(chan struct{})}
	tb.Cleanup(w.close)
	return w
}

func (w *webParty) voice() float64 { return w.hertz }

func (w *webParty) close() {
	w.once.Do(func() {
		close(w.quit)
		w.mu.Lock()
		pc := w.pc
		w.mu.Unlock()
		if pc != nil {
			_ = pc.GracefulClose()
		}
	})
	w.work.Wait()
}

func (w *webParty) become(s tandem.LegState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s > w.state {
		w.state = s
		close(w.change)
		w.change = make(chan struct{})
	}
}

// newPeer makes a PeerConnection as a browser would: PCMU, PCMA and telephone events only, to keep the test short.
func newPeer() (*webrtc.PeerConnection, error) {
	var me webrtc.MediaEngine
	for _, c := range []struct {
		mime string
		pt   webrtc.PayloadType
	}{{webrtc.MimeTypePCMU, 0}, {webrtc.MimeTypePCMA, 8}, {"audio/telephone-event", 101}} {
		err := me.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: c.mime, ClockRate: 8000}, PayloadType: c.pt,
		}, webrtc.RTPCodecTypeAudio)
		if err != nil {
			return nil, err
		}
	}
	var se webrtc.SettingEngine
	se.SetIncludeLoopbackCandidate(true)
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	se.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	return webrtc.NewAPI(webrtc.WithMediaEngine(&me), webrtc.WithSettingEngine(se)).NewPeerConnection(webrtc.Configuration{})
}

// Answer implements switchtest.Party.
func (w *webParty) Answer(ctx context.Context) error {
	pc, err := newPeer()
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.pc = pc
	w.mu.Unlock()
	mime := webrtc.MimeTypePCMU
	if _, after, ok := strings.Cut(w.offer, "m=audio "); ok && len(strings.Fields(after)) > 2 && strings.Fields(after)[2] == "8" {
		mime = webrtc.MimeTypePCMA
	}
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 8000}, "mic", "mic")
	if err != nil {
		return err
	}
	if _, err := pc.AddTrack(track); err != nil {
		return err
	}
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { w.listen(t) })
	connected := make(chan struct{})
	var once sync.Once
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(connected) })
		}
	})
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: w.offer}); err != nil {
		return err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return err
	}
	<-gathered
	if err := w.answer(ctx, pc.LocalDescription().SDP); err != nil {
		return err
	}
	if err := w.Wait(ctx, tandem.LegStateUp); err != nil {
		return err
	}
	select {
	case <-connected:
	case <-w.quit:
		return errors.New("the leg has ended")
	case <-ctx.Done():
		return fmt.Errorf("ICE and DTLS: %w", ctx.Err())
	}
	w.work.Go(func() { w.speak(track, mime) })
	return nil
}

// speak sends this page's tone until the leg ends.
func (w *webParty) speak(track *webrtc.TrackLocalStaticRTP, mime string) {
	encode, pt := tone.EncodeULaw, uint8(0)
	if mime == webrtc.MimeTypePCMA {
		encode, pt = tone.EncodeALaw, 8
	}
	src := tone.NewSine(w.hertz, 0.4)
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	pkt := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: pt, SequenceNumber: 1}}
	var frame [160]int16
	for {
		select {
		case <-w.quit:
			return
		case <-every.C:
		}
		src.Fill(frame[:])
		pkt.Payload = pkt.Payload[:0]
		for _, s := range frame {
			pkt.Payload = append(pkt.Payload, encode(s))
		}
		pkt.SequenceNumber++
		pkt.Timestamp += 160
		if track.WriteRTP(&pkt) != nil {
			return
		}
	}
}

// listen keeps what is heard.
func (w *webParty) listen(t *webrtc.TrackRemote) {
	for {
		pkt, _, err := t.ReadRTP()
		if err != nil {
			return
		}
		if c := w.timed.Load(); c != nil && len(pkt.Payload) == 160 && pkt.Payload[0] == 3 {
			*c <- time.Duration(time.Now().UnixNano() - int64(binary.BigEndian.Uint64(pkt.Payload[1:])))
		}
		w.mu.Lock()
		switch pkt.PayloadType {
		case 0, 8:
			decode := tone.DecodeULaw
			if pkt.PayloadType == 8 {
				decode = tone.DecodeALaw
			}
			for _, b := range pkt.Payload {
				w.heard = append(w.heard, decode(b))
			}
			if len(w.heard) > 5*tone.Rate {
				w.heard = w.heard[tone.Rate:]
			}
		case 101:
			if len(pkt.Payload) == 4 && pkt.Payload[1]&0x80 != 0 && pkt.Timestamp != w.lastKey {
				w.lastKey = pkt.Timestamp
				w.keys = append(w.keys, "0123456789*#ABCD"[pkt.Payload[0]&15])
			}
		}
		w.mu.Unlock()
	}
}

// Refuse implements switchtest.Party.
func (w *webParty) Refuse(ctx context.Context, cause tandem.Cause) error { return w.refuse(ctx, cause) }

// HangUp implements switchtest.Party.
func (w *webParty) HangUp(ctx context.Context) error { return w.hangUp(ctx) }

// Press implements switchtest.Party.
func (w *webParty) Press(ctx context.Context, key byte) error { return w.press(ctx, key) }

// Wait implements switchtest.Party.
func (w *webParty) Wait(ctx context.Context, s tandem.LegState) error {
	for {
		w.mu.Lock()
		state, change := w.state, w.change
		w.mu.Unlock()
		if state == s {
			return nil
		}
		if state == tandem.LegStateEnded {
			return errors.New("the leg has ended")
		}
		select {
		case <-change:
		case <-ctx.Done():
			return fmt.Errorf("the page's leg is %s, not %s: %w", state, s, ctx.Err())
		}
	}
}

// Cause implements switchtest.Party.
func (w *webParty) Cause() tandem.Cause { return tandem.CauseUnset }

func (w *webParty) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = nil
}

func (w *webParty) recording() []int16 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.heard)
}

// HearParty implements switchtest.Listener.
func (w *webParty) HearParty(ctx context.Context, other switchtest.Party) error {
	hz := other.(voiced).voice() //nolint:forcetypeassert // All far ends here have a voice.
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		s := w.recording()
		s = s[max(0, len(s)-tone.Rate/5):]
		if len(s) == tone.Rate/5 && tone.Detect(s, hz) > 0.5 {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			f, l := tone.Peak(s)
			return fmt.Errorf("no %.0f Hz but %.0f Hz (%.2f) in %d samples: %w", hz, f, l, len(s), ctx.Err())
		}
	}
}

// HearSound implements switchtest.Listener.
func (w *webParty) HearSound(ctx context.Context, kind tandem.SoundKind) error {
	return hearSound(ctx, kind, w.reset, w.recording)
}

// Digit implements switchtest.DigitListener.
func (w *webParty) Digit(ctx context.Context) (byte, error) {
	return nextDigit(ctx, &w.heardKeys, func() string {
		w.mu.Lock()
		defer w.mu.Unlock()
		return string(w.keys)
	})
}

func TestPhone_RefusesWhatIsNoPhone(t *testing.T) {
	t.Parallel()
	r := newBridge(t, func(c *sipbridge.Config) { c.Credentials = nil })
	rec := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/phone", http.NoBody)
	r.bridge.Phone("ana").ServeHTTP(rec, req)
	require.Equal(t, http.StatusBadRequest, rec.Code, "without the subprotocol")
	req.Header.Set("Sec-WebSocket-Protocol", sipbridge.PhoneProtocol)
	rec = httptest.NewRecorder()
	r.bridge.Phone("ana").ServeHTTP(rec, req)
	require.Equal(t, http.StatusServiceUnavailable, rec.Code, "before Run")
	r.bridge.Close()
}
