package sipcore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// listener is a bound socket.
type listener struct {
	Listener
	name      string
	local     netip.AddrPort
	advertise string
	pc        net.PacketConn
	stream    net.Listener
}

func (l *listener) close() {
	if l.pc != nil {
		_ = l.pc.Close() // it is being thrown away
	}
	if l.stream != nil {
		_ = l.stream.Close() // it is being thrown away
	}
}

// listen binds and serves the listeners; on an error it closes those it has bound.
func (e *Endpoint) listen(ctx context.Context) error {
	var bound []*listener
	for i := range e.cfg.Listeners {
		l, err := e.cfg.Listeners[i].bind(ctx)
		if err != nil {
			for _, b := range bound {
				b.close()
			}
			return fmt.Errorf("sipcore: listen %s: %w", e.cfg.Listeners[i].describe(), err)
		}
		bound = append(bound, l)
	}
	e.net.Lock()
	e.net.listeners = bound
	e.net.Unlock()
	for _, l := range bound {
		if l.pc != nil {
			e.spawn(func(ctx context.Context) { e.readUDP(ctx, l) })
			continue
		}
		e.spawn(func(ctx context.Context) { e.acceptTCP(ctx, l) })
	}
	return nil
}

func (l *Listener) describe() string {
	if l.Name != "" {
		return l.Name
	}
	return l.Transport.String() + " " + l.Addr
}

func (l *Listener) bind(ctx context.Context) (*listener, error) {
	b := &listener{Listener: *l, pc: l.PacketConn, stream: l.Stream}
	family, err := l.family()
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	var addr net.Addr
	switch l.Transport {
	case TransportUDP:
		if b.pc == nil {
			if b.pc, err = lc.ListenPacket(ctx, "udp"+family, l.Addr); err != nil {
				return nil, err
			}
		}
		if u, ok := b.pc.(interface{ SetReadBuffer(n int) error }); ok {
			_ = u.SetReadBuffer(1 << 20) // the system may allow less
		}
		b.stream, addr = nil, b.pc.LocalAddr()
	case TransportTCP:
		if b.stream == nil {
			if b.stream, err = lc.Listen(ctx, "tcp"+family, l.Addr); err != nil {
				return nil, err
			}
		}
		b.pc, addr = nil, b.stream.Addr()
	case TransportUnset, TransportWS, TransportWSS:
		return nil, errConfig // New has refused it
	}
	b.local = addrPort(addr)
	b.advertise = l.Advertise
	if b.advertise == "" {
		if b.local.Addr().IsUnspecified() {
			b.close()
			return nil, fmt.Errorf("%w: a wildcard address needs Advertise", errConfig)
		}
		b.advertise = b.local.String()
	}
	b.name = l.Name
	if b.name == "" {
		b.name = strings.ToLower(l.Transport.String()) + ":" + b.local.String()
	}
	return b, nil
}

// family is "4" or "6": a socket of both would write addresses that peers cannot parse.
func (l *Listener) family() (string, error) {
	if l.Addr == "" {
		return "", nil
	}
	host, _, err := net.SplitHostPort(l.Addr)
	if err != nil {
		return "", err
	}
	if host == "" {
		return "", errDualStack
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return "", nil //nolint:nilerr // a host name is looked up by the system.
	}
	if a.Is4() {
		return "4", nil
	}
	return "6", nil
}

// addrPort reads a socket address, with mapped IPv4 addresses as IPv4.
func addrPort(a net.Addr) netip.AddrPort {
	if a == nil {
		return netip.AddrPort{}
	}
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		ap = a.AddrPort()
	case *net.TCPAddr:
		ap = a.AddrPort()
	default:
		p, err := netip.ParseAddrPort(a.String())
		if err != nil {
			return netip.AddrPort{}
		}
		ap = p
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// udpFlow is the way to a remote address through a UDP listener.
func (l *listener) udpFlow(remote netip.AddrPort) *Flow {
	return &Flow{
		transport: TransportUDP, local: l.local, remote: remote, listener: l.name, advertise: l.advertise,
		symmetric: l.ForceRport,
		send: func(b []byte) error {
			_, err := l.pc.WriteTo(b, net.UDPAddrFromAddrPort(remote))
			return err
		},
		via: l,
	}
}

func (e *Endpoint) readUDP(ctx context.Context, l *listener) {
	buf := make([]byte, 65536)
	for {
		n, from, err := l.pc.ReadFrom(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
				return
			}
			// Errors of single datagrams (an ICMP refusal, one that is too long) pass.
			e.log.DebugContext(ctx, "sip udp read failed", "listener", l.name, "error", err)
			continue
		}
		src := addrPort(from)
		if !src.IsValid() || src.Port() == 0 {
			continue
		}
		if !e.guard.allow(src.Addr(), time.Now()) {
			e.count.rateLimited.Add(1)
			continue
		}
		if n > e.cfg.MaxMessage {
			e.count.oversized.Add(1)
			continue
		}
		e.ingest(ctx, l.udpFlow(src), buf[:n])
	}
}

func (e *Endpoint) acceptTCP(ctx context.Context, l *listener) {
	for {
		c, err := l.stream.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
				return
			}
			e.log.WarnContext(ctx, "sip tcp accept failed", "listener", l.name, "error", err)
			select {
			case <-time.After(50 * time.Millisecond): // out of descriptors: do not spin
			case <-ctx.Done():
				return
			}
			continue
		}
		f := e.addStream(c, l.name, l.advertise)
		if f == nil {
			e.count.overload.Add(1)
			_ = c.Close() // refused
			continue
		}
		f.accepted = true
		if !e.spawn(func(ctx context.Context) { e.readTCP(ctx, c, f) }) {
			e.dropFlow(f)
		}
	}
}

// addStream enters a TCP connection; nil when there are too many.
func (e *Endpoint) addStream(c net.Conn, listener, advertise string) *Flow {
	out := &outbox{conn: c, kick: make(chan struct{}, 1), done: make(chan struct{})}
	f := &Flow{
		transport: TransportTCP, local: addrPort(c.LocalAddr()), remote: addrPort(c.RemoteAddr()),
		listener: listener, advertise: advertise, send: out.put, shut: out.close,
	}
	f.id = fmt.Sprintf("tcp/%d", e.serial.Add(1))
	if !e.addFlow(f) {
		return nil
	}
	if !e.spawn(out.run) {
		e.dropFlow(f)
		return nil
	}
	return f
}

func (e *Endpoint) addFlow(f *Flow) bool {
	ip := f.remote.Addr()
	e.net.Lock()
	defer e.net.Unlock()
	if f.transport == TransportTCP && (len(e.net.flows) >= e.cfg.MaxConnections || e.net.perIP[ip] >= e.cfg.MaxConnectionsPerIP) {
		return false
	}
	e.net.flows[f.id] = f
	e.net.perIP[ip]++
	if f.transport == TransportTCP {
		e.net.remotes[f.remote] = f
	}
	return true
}

// dropFlow forgets a connection that ended and tells everybody.
func (e *Endpoint) dropFlow(f *Flow) {
	if f.closed.Swap(true) {
		return
	}
	_ = f.Close() // it may be closed already
	ip := f.remote.Addr()
	e.net.Lock()
	delete(e.net.flows, f.id)
	if e.net.remotes[f.remote] == f {
		delete(e.net.remotes, f.remote)
	}
	if e.net.perIP[ip]--; e.net.perIP[ip] <= 0 {
		delete(e.net.perIP, ip)
	}
	e.net.Unlock()
	e.txs.abort(f)
	if e.cfg.FlowClosed != nil {
		e.cfg.FlowClosed(f)
	}
}

// outbox is the bounded queue before a TCP connection. When a peer does not read, the
// connection is closed; nobody waits for it.
type outbox struct {
	conn net.Conn
	kick chan struct{}
	done chan struct{}
	once sync.Once

	mu    sync.Mutex
	queue [][]byte
	bytes int
}

// maxOutbox bounds what waits for one TCP peer.
const maxOutbox = 1 << 20

var errSlowPeer = errors.New("sipcore: peer reads too slowly")

func (o *outbox) put(b []byte) error {
	o.mu.Lock()
	if o.bytes+len(b) > maxOutbox {
		o.mu.Unlock()
		_ = o.close() // nothing better can be done with it
		return errSlowPeer
	}
	o.queue = append(o.queue, append([]byte(nil), b...))
	o.bytes += len(b)
	o.mu.Unlock()
	select {
	case o.kick <- struct{}{}:
	default:
	}
	return nil
}

func (o *outbox) close() error {
	var err error
	o.once.Do(func() {
		close(o.done)
		err = o.conn.Close()
	})
	return err
}

func (o *outbox) run(context.Context) {
	for {
		select {
		case <-o.kick:
		case <-o.done:
			return
		}
		o.mu.Lock()
		batch := o.queue
		o.queue, o.bytes = nil, 0
		o.mu.Unlock()
		for _, b := range batch {
			if err := o.conn.SetWriteDeadline(time.Now().Add(10 * time.Second)); err == nil {
				_, err = o.conn.Write(b)
				if err == nil {
					continue
				}
			}
			_ = o.close() // the reader notices and cleans up
			return
		}
	}
}

// dialTCP returns a connection to the address, an open one if there is one.
func (e *Endpoint) dialTCP(ctx context.Context, remote netip.AddrPort) (*Flow, error) {
	e.net.Lock()
	f := e.net.remotes[remote]
	e.net.Unlock()
	if f != nil && !f.Closed() {
		return f, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", remote.String())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoRoute, err)
	}
	name, advertise := e.tcpListenerFor(addrPort(c.LocalAddr()))
	f = e.addStream(c, name, advertise)
	if f == nil {
		_ = c.Close() // refused
		return nil, ErrBusy
	}
	if !e.spawn(func(ctx context.Context) { e.readTCP(ctx, c, f) }) {
		e.dropFlow(f)
		return nil, ErrClosed
	}
	return f, nil
}

// tcpListenerFor names the listener that a connection of ours is advertised as, so that
// the peer can reach us when the connection is gone.
func (e *Endpoint) tcpListenerFor(local netip.AddrPort) (name, advertise string) {
	e.net.Lock()
	defer e.net.Unlock()
	for _, l := range e.net.listeners {
		if l.stream != nil && (l.local.Addr() == local.Addr() || l.local.Addr().IsUnspecified()) {
			return l.name, l.advertise
		}
	}
	return "", local.String()
}
