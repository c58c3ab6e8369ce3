package sipcore

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"
)

// MessageConn is a connection that carries whole messages: a WebSocket of package
// wsfront, or a fake in tests.
type MessageConn interface {
	// ReadMessage returns the next whole message. It blocks until one arrives or the
	// connection ends. The slice is the caller's until the next call.
	ReadMessage() ([]byte, error)
	// WriteMessage queues one whole message without blocking. It may be called
	// concurrently; the connection copies b.
	WriteMessage(b []byte) error
	// Close ends the connection. It may be called more than once.
	Close() error
	// LocalAddr and RemoteAddr are the ends of the connection.
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
	// Secure says whether it runs over TLS.
	Secure() bool
	// User is who the handshake authenticated; empty if it did not.
	User() string
}

// Flow is a way to a peer: one connection, or one UDP listener together with a remote
// address. It is safe for concurrent use. Two messages with the same ID came the same way.
type Flow struct {
	id        string
	transport Transport
	local     netip.AddrPort
	remote    netip.AddrPort
	listener  string
	advertise string
	user      string
	accepted  bool // the peer made the connection
	symmetric bool // requests go back the way that messages came, whatever Contact says
	send      func(b []byte) error
	shut      func() error
	via       *listener // of a UDP flow
	closed    atomic.Bool
}

// ID identifies the flow: "udp/listener/remote", "tcp/16" or "ws/17"; the numbers are never
// reused by an endpoint.
func (f *Flow) ID() string {
	if f.id == "" {
		return "udp/" + f.listener + "/" + f.remote.String()
	}
	return f.id
}

// Transport is the kind of the flow.
func (f *Flow) Transport() Transport { return f.transport }

// Remote is the peer's address.
func (f *Flow) Remote() netip.AddrPort { return f.remote }

// Local is our own address.
func (f *Flow) Local() netip.AddrPort { return f.local }

// Listener is the name of the listener that it came in through.
func (f *Flow) Listener() string { return f.listener }

// User is who the WebSocket handshake authenticated; empty if nobody.
func (f *Flow) User() string { return f.user }

// Closed says whether the connection has ended. UDP flows never are.
func (f *Flow) Closed() bool { return f.closed.Load() }

// Close ends the connection below, if it has one.
func (f *Flow) Close() error {
	if f.shut == nil {
		return nil
	}
	return f.shut()
}

var errFlowClosed = errors.New("sipcore: flow is closed")

func (f *Flow) write(b []byte) error {
	if f.closed.Load() {
		return errFlowClosed
	}
	return f.send(b)
}

// conn makes a flow a sip.Connection, through which sipgo's transactions write.
type conn struct{ *Flow }

var _ sip.Connection = conn{}

// LocalAddr implements sip.Connection.
func (c conn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.local) }

// WriteMsg implements sip.Connection.
func (c conn) WriteMsg(msg sip.Message) error { return c.write([]byte(msg.String())) }

// Ref implements sip.Connection: a flow lives as long as its socket, not by counting.
func (c conn) Ref(int) int { return 1 }

// TryClose implements sip.Connection.
func (c conn) TryClose() (int, error) { return 1, nil }

// Close implements sip.Connection: transactions do not own the flow.
func (c conn) Close() error { return nil }

// ServeMessages serves one connection of whole messages until it ends or ctx is done, and
// closes it. Package wsfront calls it for every WebSocket. It returns the reason.
func (e *Endpoint) ServeMessages(ctx context.Context, c MessageConn) error {
	return e.serveMessages(ctx, c)
}
