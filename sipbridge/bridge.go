package sipbridge

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/registrar"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

// What a Bridge is, beyond a Switch.
var (
	_ tandem.Switch      = (*Bridge)(nil)
	_ tandem.Ringer      = (*Bridge)(nil)
	_ tandem.Parter      = (*Bridge)(nil)
	_ tandem.Player      = (*Bridge)(nil)
	_ tandem.DigitSender = (*Bridge)(nil)
	_ tandem.Holder      = (*Bridge)(nil)
)

// Bridge is the switch. Make one with New. All methods may be called concurrently.
type Bridge struct {
	cfg    Config
	log    *slog.Logger
	sip    *sipcore.Endpoint
	plane  *media.Plane
	phones *registrar.Registrar // nil without Credentials
	peers  *registrar.Registrar // judges trunks' passwords; nil when no trunk has one
	front  http.Handler
	ready  chan struct{} // closed when calls can be taken, or Run has failed
	wake   chan struct{} // says that the outbox is not empty; holds one token
	count  counters

	mu      sync.Mutex
	life    life
	spawn   func(f func(context.Context)) // starts a goroutine that Run waits for; set while running
	join    func() (leave func())         // makes Run wait for a goroutine that is not ours; set while running
	outbox  []tandem.Record
	turns   int // legs whose turn runs
	legs    map[tandem.LegID]*leg
	calls   map[string]*branch // by Call-ID of SIP branches
	ends    map[*media.End]*branch
	trunks  map[tandem.TrunkID]*trunkState
	devices map[tandem.AgentID]*devices
	users   map[string]tandem.AgentID // whose phone each SIP user is, as far as they have shown their password
}

// New checks the configuration and binds the browsers' media port. It starts nothing; Run does.
func New(c Config) (*Bridge, error) {
	cfg, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("sipbridge: new: %w", err)
	}
	b := &Bridge{
		cfg: cfg, log: cfg.Logger,
		ready:   make(chan struct{}),
		wake:    make(chan struct{}, 1),
		legs:    map[tandem.LegID]*leg{},
		calls:   map[string]*branch{},
		ends:    map[*media.End]*branch{},
		trunks:  map[tandem.TrunkID]*trunkState{},
		devices: map[tandem.AgentID]*devices{},
		users:   map[string]tandem.AgentID{},
	}
	for i := range cfg.Trunks {
		t := &cfg.Trunks[i]
		b.trunks[t.ID] = &trunkState{
			Trunk: t, sources: t.sources(), listener: t.listener(cfg.Listen),
			placed: bucket{rate: t.CPS, burst: max(1, t.CPS)},
		}
	}
	if err := b.newLayers(); err != nil {
		return nil, fmt.Errorf("sipbridge: new: %w", err)
	}
	return b, nil
}

// newLayers makes the registrar, the signalling, the WebSocket front and, last because it binds a port, the media plane.
func (b *Bridge) newLayers() error {
	cfg := &b.cfg
	core := sipcore.Config{
		Handler: (*signals)(b), Admit: b.admit, Reroute: b.reroute, FlowClosed: b.flowClosed,
		Domain: cfg.Domain, UserAgent: cfg.UserAgent, SessionExpires: cfg.Timing.Session,
		MaxCalls: 2 * cfg.Limits.Legs, Logger: b.log,
		Guard: sipcore.GuardConfig{Rate: cfg.Limits.SourceRate, Burst: cfg.Limits.SourceBurst, Trusted: b.trusted},
	}
	for i, l := range cfg.Listen {
		core.Listeners = append(core.Listeners, sipcore.Listener{
			Name: indexed("listen", i), Transport: l.Transport, Addr: l.Addr, PacketConn: l.PacketConn, Stream: l.Listener,
			Advertise: l.Advertise, ForceRport: b.forcesRport(i),
		})
	}
	var err error
	if err = b.newRegistrars(); err != nil {
		return fmt.Errorf("registrar: %w", err)
	}
	if b.phones != nil {
		core.Register = b.phones
	}
	if b.sip, err = sipcore.New(core); err != nil {
		return fmt.Errorf("signalling: %w", err)
	}
	if b.front, err = b.newFront(); err != nil {
		return fmt.Errorf("websocket front: %w", err)
	}
	b.plane, err = media.New(media.Config{
		Bind: cfg.Media.Bind, Advertise: cfg.Media.Advertise, WebPort: cfg.Media.WebPort,
		RTPPorts:           media.PortRange{First: cfg.Media.FirstPort, Last: cfg.Media.LastPort},
		MaxEnds:            3 * cfg.Limits.Legs, // A leg that rings at three devices has three.
		HandshakeTimeout:   cfg.Timing.Setup,
		FirstPacketTimeout: cfg.Timing.Silence, SilenceTimeout: cfg.Timing.Silence,
		Notify: b.sound, Logger: b.log,
	})
	if err != nil {
		return fmt.Errorf("media: %w", err)
	}
	return nil
}

// newRegistrars makes the one that keeps the agents' phones and the one that judges trunks' passwords. They share the key of their
// nonces: who is challenged may turn out to be either.
func (b *Bridge) newRegistrars() error {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // crypto/rand.Read never returns an error.
	var err error
	if b.cfg.Credentials != nil {
		b.phones, err = registrar.New(registrar.Config{
			Realm: b.cfg.Domain, Credentials: accounts{from: b.cfg.Credentials, seen: b.userSeen}, NonceKey: key,
			OnPresence: b.presence, Logger: b.log,
		})
		if err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(b.cfg.Trunks, func(t Trunk) bool { return t.AuthIn.User != "" }) {
		return nil
	}
	b.peers, err = registrar.New(registrar.Config{
		Realm: b.cfg.Domain, Credentials: peerCredentials(b.cfg.Trunks), NonceKey: key, Logger: b.log,
	})
	return err
}

// forcesRport says whether a trunk on the i-th listener wants answers and requests to go back where its own came from.
func (b *Bridge) forcesRport(i int) bool {
	for _, t := range b.trunks {
		if t.listener == i && (t.Preset.ForceRport || t.Preset.RewriteContact) {
			return true
		}
	}
	return false
}

// life is how far Run has come.
type life uint8

const (
	lifeNew life = iota
	lifeRunning
	lifeStopping
	lifeStopped
)

// Ready is closed when calls can be taken and SIPAddr is known, or when Run has ended.
func (b *Bridge) Ready() <-chan struct{} { return b.ready }

// SIPAddr returns where the i-th socket of Config.Listen is bound; not valid before Ready.
func (b *Bridge) SIPAddr(i int) netip.AddrPort {
	a, _ := b.sip.Addr(indexed("listen", i))
	return a
}

// WebMediaAddr returns the UDP address that browsers send sound to.
func (b *Bridge) WebMediaAddr() netip.AddrPort { return b.plane.WebAddr() }

// SIPWebSocket returns the handler for SIP over WebSocket (RFC 7118): JsSIP and other SIP phones in browsers. Mount it on
// the web server, usually at /ws; the phones register with a password of Config.Credentials.
func (b *Bridge) SIPWebSocket() http.Handler { return b.front }

// Close releases what New has bound when Run will not be called. It does nothing once Run was.
func (b *Bridge) Close() {
	b.mu.Lock()
	fresh := b.life == lifeNew
	if fresh {
		b.life = lifeStopped
	}
	b.mu.Unlock()
	if fresh {
		b.plane.Close()
		for _, l := range b.cfg.Listen {
			if l.PacketConn != nil {
				_ = l.PacketConn.Close() // It was only to be released.
			}
			if l.Listener != nil {
				_ = l.Listener.Close()
			}
		}
		close(b.ready)
	}
}

// Run serves calls and delivers events to h until ctx ends or h returns an error. Then it hangs up every leg, waits for the
// goodbyes to be acknowledged (at most Timing.Stop), and returns ctx's error, h's error wrapped, or what broke below.
func (b *Bridge) Run(ctx context.Context, h tandem.Handler) error {
	if h == nil {
		return &tandem.ConfigError{Where: "sipbridge: handler", What: "is missing"}
	}
	// The layers below outlive ctx by the time that hanging up takes.
	below, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var group sync.WaitGroup
	b.mu.Lock()
	if b.life != lifeNew {
		b.mu.Unlock()
		return fmt.Errorf("sipbridge: run: %w", tandem.ErrState)
	}
	b.life = lifeRunning
	b.spawn = func(f func(context.Context)) { group.Go(func() { f(below) }) }
	b.join = func() func() {
		group.Add(1)
		return group.Done
	}
	b.mu.Unlock()

	broken := make(chan error, 4) // One for each layer: none of them waits.
	layer := func(name string, run func(context.Context) error) {
		group.Go(func() {
			if err := run(below); below.Err() == nil {
				broken <- fmt.Errorf("sipbridge: %s: %w", name, err)
			}
		})
	}
	layer("media", b.plane.Run)
	layer("signalling", b.sip.Run)
	if b.phones != nil {
		layer("registrar", b.phones.Run)
	}
	if b.peers != nil {
		layer("trunk passwords", b.peers.Run)
	}
	group.Go(func() { b.clock(below) })

	err := b.deliver(ctx, h, broken)
	b.stopAll(below)
	stop(nil)
	group.Wait()
	b.mu.Lock()
	b.life = lifeStopped
	b.mu.Unlock()
	return err
}

// deliver hands the outbox to h until something ends Run.
func (b *Bridge) deliver(ctx context.Context, h tandem.Handler, broken <-chan error) error {
	ready := b.sip.Ready()
	for {
		select {
		case <-ctx.Done():
			b.closeReady()
			return ctx.Err()
		case err := <-broken:
			b.closeReady()
			return err
		case <-ready:
			ready = nil
			b.closeReady()
		case <-b.wake:
			rs := b.takeOutbox()
			if len(rs) == 0 {
				continue
			}
			if err := h.Handle(ctx, rs...); err != nil {
				b.closeReady()
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return fmt.Errorf("sipbridge: handler: %w", err)
			}
		}
	}
}

// closeReady tells those who wait for Ready. Only Run's goroutine calls it.
func (b *Bridge) closeReady() {
	select {
	case <-b.ready:
	default:
		close(b.ready)
	}
}

func (b *Bridge) takeOutbox() []tandem.Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	rs := b.outbox
	b.outbox = nil
	return rs
}

// emitLocked appends an event to the outbox.
func (b *Bridge) emitLocked(e tandem.Event) {
	b.outbox = append(b.outbox, tandem.Record{At: time.Now(), Event: e})
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// stopAll refuses further work, hangs up every leg and waits until that is done, or long enough.
func (b *Bridge) stopAll(ctx context.Context) {
	b.mu.Lock()
	b.life = lifeStopping
	for _, l := range b.legs {
		b.endLocked(l, ending{cause: tandem.CauseInterrupted, ours: true, detail: "switch stops"})
	}
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timing.Stop)
	defer cancel()
	b.await(ctx, func() bool { return b.turns == 0 })
	b.locked(func() {
		for _, d := range b.devices {
			d.closePhoneLocked(closeGoingAway)
		}
	})
	b.await(ctx, func() bool { return len(b.calls) == 0 })
}

// await waits until done, called under the mutex, says so, or ctx ends.
func (b *Bridge) await(ctx context.Context, done func() bool) {
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for over := false; !over; {
		b.locked(func() { over = done() })
		if over {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
	}
}

// runningLocked returns ErrClosed unless Run is running.
func (b *Bridge) runningLocked() error {
	if b.life != lifeRunning {
		return tandem.ErrClosed
	}
	return nil
}

// trunkState is a trunk with what is known of it now; the pointers never change, the rest is guarded by Bridge.mu.
type trunkState struct {
	*Trunk
	sources  []source
	listener int

	channels int    // legs up or on the way
	placed   bucket // calls out per second
	asking   bool   // an OPTIONS is under way
	asked    time.Time
	misses   int
	up       bool // answered the last OPTIONS
}

// takeLocked takes a channel, or says why not. Only calls that we place count against the rate.
func (t *trunkState) takeLocked(now time.Time, d tandem.Direction) string {
	if t.MaxChannels > 0 && t.channels >= t.MaxChannels {
		return "all channels of the trunk are in use"
	}
	if t.CPS > 0 && d == tandem.Outbound && !t.placed.take(now) {
		return "the trunk's calls per second are used up"
	}
	t.channels++
	return ""
}

// trunkFor returns the trunk that addr belongs to, and how exactly it was recognised (0: none).
func (b *Bridge) trunkFor(addr netip.AddrPort) (*trunkState, int) {
	var best *trunkState
	weight := 0
	for _, t := range b.trunks {
		for _, s := range t.sources {
			if w := s.weight(addr); w > weight {
				best, weight = t, w
			}
		}
	}
	return best, weight
}

// trusted says whether an address is a trunk's, so that the guard lets it send as much as it likes.
func (b *Bridge) trusted(addr string) bool {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return false
	}
	a = a.Unmap()
	for _, t := range b.trunks {
		if slices.ContainsFunc(t.sources, func(s source) bool { return s.prefix.Contains(a) }) {
			return true
		}
	}
	return false
}
