package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandem-cc/tandem/internal/tone"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

const (
	// maxPacket is the largest datagram that is looked at; sound and handshakes fit into an Ethernet frame.
	maxPacket = 1600
	// eventQueue bounds the events that wait for Notify.
	eventQueue = 4096
	// freeTries is how often a free port may turn out odd.
	freeTries = 16
	// webReadBuffer is what the browsers' shared socket asks the system for: half a second of 500 calls.
	webReadBuffer = 4 << 20
)

// Plane owns the media sockets of one server. All methods may be called concurrently.
type Plane struct {
	cfg    Config
	log    *slog.Logger
	ident  *identity
	web    *net.UDPConn
	toALaw *tone.Table
	toULaw *tone.Table

	started    atomic.Bool
	running    chan struct{}                                // closed when Run has begun
	child      func() (context.Context, context.CancelFunc) // makes a context with the values of Run's; set before running is closed
	closing    chan struct{}                                // closed when Close or Run's end has begun
	closeOnce  sync.Once
	events     chan Event
	handshakes chan struct{} // a place for each handshake under way
	nextID     atomic.Uint64 // of sources of sound, see outbound
	unknown    atomic.Uint64
	lostEvents atomic.Uint64
	clock      clock

	topo sync.Mutex // held while joins and agreements change; never on the packet path

	mu       sync.RWMutex // guards what follows
	ends     map[*End]struct{}
	ufrags   map[string]*End
	addrs    map[netip.AddrPort]*End
	nextPort uint16
	closed   bool
}

// New checks the configuration and binds the browsers' shared port; it starts nothing. Close or Run releases the port.
func New(c Config) (*Plane, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	ident, err := newIdentity()
	if err != nil {
		return nil, fmt.Errorf("media: new: certificate: %w", err)
	}
	web, err := listen(netip.AddrPortFrom(c.Bind, c.WebPort))
	if err != nil {
		return nil, fmt.Errorf("media: new: browsers' port: %w", err)
	}
	if err := web.SetReadBuffer(webReadBuffer); err != nil {
		c.Logger.Debug("media read buffer stays as it is", "error", err)
	}
	return &Plane{
		cfg: c, log: c.Logger, ident: ident, web: web,
		toALaw: tone.ULawToALaw(), toULaw: tone.ALawToULaw(),
		running: make(chan struct{}), closing: make(chan struct{}),
		events: make(chan Event, eventQueue), handshakes: make(chan struct{}, c.MaxHandshakes),
		clock: newClock(), nextPort: c.RTPPorts.First,
		ends: map[*End]struct{}{}, ufrags: map[string]*End{}, addrs: map[netip.AddrPort]*End{},
	}, nil
}

func listen(at netip.AddrPort) (*net.UDPConn, error) {
	network := "udp4"
	if at.Addr().Is6() {
		network = "udp6"
	}
	return net.ListenUDP(network, net.UDPAddrFromAddrPort(at))
}

// Run carries sound until ctx is done; then it closes every end and the sockets and returns ctx.Err(). A plane runs once.
func (p *Plane) Run(ctx context.Context) error {
	if !p.started.CompareAndSwap(false, true) {
		return errors.New("media: run: a plane runs once")
	}
	var work sync.WaitGroup
	work.Go(p.readWeb)
	work.Go(p.notify)
	work.Go(func() { music() }) // Before the first caller waits for it.
	p.child = func() (context.Context, context.CancelFunc) { return context.WithCancel(context.WithoutCancel(ctx)) }
	close(p.running)
	err := p.tick(ctx)
	p.Close()
	work.Wait()
	return err
}

// Close closes every end and the sockets and makes Run return ErrClosed. It may be called more than once and without
// Run.
func (p *Plane) Close() {
	p.closeOnce.Do(func() {
		p.mu.Lock()
		p.closed = true
		ends := make([]*End, 0, len(p.ends))
		for e := range p.ends {
			ends = append(ends, e)
		}
		p.mu.Unlock()
		for _, e := range ends {
			e.Close()
		}
		close(p.closing)
		if err := p.web.Close(); err != nil {
			p.log.Debug("close browsers' port", "error", err)
		}
	})
}

// WebAddr returns the address that browsers send to, as advertised.
func (p *Plane) WebAddr() netip.AddrPort {
	return netip.AddrPortFrom(p.cfg.Advertise, portOf(p.web))
}

func portOf(c *net.UDPConn) uint16 {
	a, ok := c.LocalAddr().(*net.UDPAddr)
	if !ok {
		return 0
	}
	return a.AddrPort().Port()
}

// ready waits until Run has begun.
func (p *Plane) ready(ctx context.Context) error {
	select {
	case <-p.running:
		return nil
	case <-p.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// OpenRTP opens a plain end with a socket of its own. It waits for Run to have begun, or for ctx.
func (p *Plane) OpenRTP(ctx context.Context, c RTPConfig) (*End, error) {
	if err := p.ready(ctx); err != nil {
		return nil, fmt.Errorf("media: open: %w", err)
	}
	conn, err := p.listenRTP()
	if err != nil {
		return nil, fmt.Errorf("media: open: %w", err)
	}
	e := p.newEnd(conn, c.Codecs, c.Label)
	e.in.strict = c.Source == SourceStrict
	e.addr = netip.AddrPortFrom(p.cfg.Advertise, portOf(conn))
	if err := p.add(e); err != nil {
		return nil, errors.Join(fmt.Errorf("media: open: %w", err), conn.Close())
	}
	if !e.work(e.readRTP) {
		return nil, fmt.Errorf("media: open: %w", ErrClosed)
	}
	return e, nil
}

// OpenWeb opens a browser end on the shared port. It waits for Run to have begun, or for ctx.
func (p *Plane) OpenWeb(ctx context.Context, c WebConfig) (*End, error) {
	if err := p.ready(ctx); err != nil {
		return nil, fmt.Errorf("media: open: %w", err)
	}
	e := p.newEnd(p.web, c.Codecs, c.Label)
	e.addr = p.WebAddr()
	e.ice = newICE()
	e.out.secure, e.out.buf = true, make([]byte, 0, maxPacket)
	if err := p.add(e); err != nil {
		return nil, fmt.Errorf("media: open: %w", err)
	}
	return e, nil
}

func (p *Plane) newEnd(conn *net.UDPConn, codecs []sdp.Codec, label string) *End {
	if codecs == nil {
		codecs = sdp.DefaultCodecs()
	}
	e := &End{
		plane: p, label: label, conn: conn, codecs: codecs,
		origin: sdp.Origin{ID: 1 + rand.Uint64N(1<<48), Version: 1},
	}
	e.out.begin()
	return e
}

func (p *Plane) add(e *End) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return ErrClosed
	case len(p.ends) >= p.cfg.MaxEnds:
		return fmt.Errorf("%d ends are open: %w", len(p.ends), ErrLimit)
	}
	p.ends[e] = struct{}{}
	if e.ice != nil {
		p.ufrags[e.ice.ufrag] = e
	}
	return nil
}

func (p *Plane) remove(e *End) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.ends, e)
	if e.ice == nil {
		return
	}
	for _, u := range e.ice.names() {
		delete(p.ufrags, u)
	}
	for _, a := range e.ice.forget() {
		if p.addrs[a] == e {
			delete(p.addrs, a)
		}
	}
}

// listenRTP takes the next free even port of the range.
func (p *Plane) listenRTP() (*net.UDPConn, error) {
	r := p.cfg.RTPPorts
	if r.First == 0 {
		return p.listenFree()
	}
	for range (int(r.Last)-int(r.First))/2 + 1 {
		p.mu.Lock()
		port := p.nextPort
		if int(port)+2 > int(r.Last) {
			p.nextPort = r.First
		} else {
			p.nextPort += 2
		}
		p.mu.Unlock()
		if c, err := listen(netip.AddrPortFrom(p.cfg.Bind, port)); err == nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("no free port from %d to %d: %w", r.First, r.Last, ErrLimit)
}

// listenFree takes a free even port, as peers may send RTCP to the odd one above or round an odd one down (RFC 3550
// section 11).
func (p *Plane) listenFree() (*net.UDPConn, error) {
	for range freeTries {
		c, err := listen(netip.AddrPortFrom(p.cfg.Bind, 0))
		if err != nil || portOf(c)%2 == 0 {
			return c, err
		}
		if err := c.Close(); err != nil {
			return nil, err
		}
	}
	return listen(netip.AddrPortFrom(p.cfg.Bind, 0)) // Better an odd port than no call.
}

// Join relays sound and digits between a and b, both ways. What either was playing goes on until the other's first
// packet comes (at most a second), so that nobody hears a gap. The ends may be joined before or after Apply, and each
// may be applied anew while joined. It errs with ErrJoined when one of them is joined with a third end and ErrClosed.
func (p *Plane) Join(a, b *End) error {
	if a == b || a.plane != p || b.plane != p {
		return errors.New("media: join: needs two ends of this plane")
	}
	p.topo.Lock()
	defer p.topo.Unlock()
	if a.isClosed() || b.isClosed() {
		return fmt.Errorf("media: join: %w", ErrClosed)
	}
	if a.joined == b {
		return nil
	}
	if a.joined != nil || b.joined != nil {
		return fmt.Errorf("media: join: %w", ErrJoined)
	}
	a.joined, b.joined = b, a
	until := time.Now().Add(playGrace)
	a.out.endPlay(until)
	b.out.endPlay(until)
	a.routeLocked()
	b.routeLocked()
	return nil
}

// Part ends the relay between a and b; both stay open and silent until something is played or joined. It does nothing
// when they are not joined with each other.
func (p *Plane) Part(a, b *End) {
	p.topo.Lock()
	defer p.topo.Unlock()
	if a.joined == b && b.joined == a {
		a.partLocked()
	}
}

// Stats returns the plane's figures.
func (p *Plane) Stats() PlaneStats {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return PlaneStats{
		Ends: len(p.ends), Handshakes: len(p.handshakes), Unknown: p.unknown.Load(), EventsDropped: p.lostEvents.Load(),
	}
}

func (p *Plane) emit(ev Event) {
	if p.cfg.Notify == nil {
		return
	}
	select {
	case p.events <- ev:
	default:
		p.lostEvents.Add(1)
	}
}

func (p *Plane) notify() {
	for {
		select {
		case ev := <-p.events:
			p.cfg.Notify(ev)
		case <-p.closing:
			return
		}
	}
}
