package sipcore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// ErrClosed is returned by calls on an endpoint that is not running or on a call that has ended.
var ErrClosed = errors.New("sipcore: closed")

// ErrState is returned by a command that does not fit the state of its call, for example
// an answer to a call that is answered already.
var ErrState = errors.New("sipcore: command does not fit the state of the call")

// ErrBusy is returned when a bounded queue or table is full.
var ErrBusy = errors.New("sipcore: too much in flight")

// ErrNoRoute is returned when a request has no flow, no destination that can be reached,
// or no listener of the wanted transport.
var ErrNoRoute = errors.New("sipcore: no route to the peer")

// Listener describes one socket to receive SIP on. Either Addr, or the socket itself
// (PacketConn for UDP, Stream for TCP), must be given.
type Listener struct {
	// Name identifies the listener in logs and in [InviteRequest.Listener]; the default is
	// "udp:host:port" or "tcp:host:port".
	Name string
	// Transport is TransportUDP or TransportTCP. WebSocket comes through
	// [Endpoint.ServeMessages]. It is required.
	Transport Transport
	// Addr is bound by Run when no socket is given, for example "192.0.2.1:5060". Bind
	// IPv4 and IPv6 separately: wildcard sockets that serve both are refused.
	Addr string
	// PacketConn is a bound UDP socket; Run closes it.
	PacketConn net.PacketConn
	// Stream is a bound TCP listener; Run closes it.
	Stream net.Listener
	// Advertise is the host:port written into Via and Contact of requests sent through this
	// listener; the default is its own address. Set it behind a one-to-one NAT.
	Advertise string
	// ForceRport answers to the source port even when the request has no rport parameter
	// (RFC 3581), for trunks behind NAT.
	ForceRport bool
}

// Config configures an [Endpoint]. Handler and Admit are required.
type Config struct {
	// Listeners are the sockets to serve. None is allowed: an endpoint for WebSocket only.
	Listeners []Listener
	// Handler receives calls and what happens to them. Required.
	Handler Handler
	// Admit judges every request from outside a dialog before any state is kept for it.
	// Required: without it nobody is let in.
	Admit AdmitFunc
	// Register serves REGISTER requests; nil answers 405. Package registrar implements it.
	Register Registrar
	// Reroute names the flow to use for a call whose connection is gone, for example the
	// user's newest binding. Nil means that the call cannot be reached.
	Reroute func(call *Call) *Flow
	// FlowClosed is told when a TCP or WebSocket flow ends. It must not block. May be nil.
	FlowClosed func(flow *Flow)

	// Domain is the host part of our own From and Contact addresses where the request gives
	// none; the default is the advertised host of the listener used.
	Domain string
	// UserAgent is written into Server and User-Agent; empty writes neither.
	UserAgent string

	// T1 and T2 drive retransmission in the dialog layer; the defaults are 500 ms and 4 s
	// (RFC 3261 table 4).
	T1, T2 time.Duration
	// SessionExpires is the session interval we ask for (RFC 4028); the default is 30
	// minutes, negative turns asking off. What a peer asks for is always honoured.
	SessionExpires time.Duration
	// MinSE is the shortest session interval we accept; the default is 90 s.
	MinSE time.Duration
	// ReofferTimeout bounds [Handler.Reoffer]; the default is 5 s. Afterwards the offer is
	// answered 500 and the session stays as it was.
	ReofferTimeout time.Duration

	// MaxCalls bounds the calls alive; further INVITEs are answered 503. Default 10000.
	MaxCalls int
	// MaxTransactions bounds server transactions alive; further requests are answered 503
	// without state. Default 50000.
	MaxTransactions int
	// MaxConnections bounds TCP connections; further ones are closed. Default 4096.
	MaxConnections int
	// MaxConnectionsPerIP bounds TCP connections from one address. Default 256.
	MaxConnectionsPerIP int
	// IdleTimeout closes a TCP connection without traffic. Default 10 minutes.
	IdleTimeout time.Duration
	// MessageTimeout closes a TCP connection that was accepted and says nothing, or on which a message has begun and does not
	// end, for so long. Default 30 seconds.
	MessageTimeout time.Duration
	// MaxMessage bounds one message in bytes; larger ones are answered 513 or dropped.
	// Default 65535.
	MaxMessage int

	// Guard limits each source before its messages are parsed.
	Guard GuardConfig

	// Logger receives refusals and faults; nil discards.
	Logger *slog.Logger
}

// GuardConfig limits what one source address may send before anything is parsed.
type GuardConfig struct {
	// Rate is how many messages a second one address may send in the long run. Default
	// 200; a negative rate turns the guard off.
	Rate float64
	// Burst is how many it may send at once. Default 400.
	Burst int
	// MaxSources bounds the table. When it is full, new sources share one bucket of the
	// same rate until quiet ones are forgotten. Default 65536.
	MaxSources int
	// Trusted addresses are not limited, for example configured trunks. It may be called
	// concurrently and must not block. Nil trusts nobody.
	Trusted func(addr string) bool
}

// AdmitFunc judges a request from outside a dialog (INVITE, OPTIONS, MESSAGE, ...; not
// REGISTER, ACK, CANCEL). It is called concurrently, before any state is kept.
type AdmitFunc func(ctx context.Context, in *Inbound) Admission

// Admission is the verdict over one request. The zero value refuses with 403.
type Admission struct {
	// Allow lets the request in.
	Allow bool
	// Status is the final status of a refusal, for example 401 or 407; zero means 403.
	// Zero with Silent set drops the request without an answer.
	Status int
	// Silent drops the request without an answer.
	Silent bool
	// Headers are added to the refusal, for example a challenge.
	Headers []Header
	// User is the authenticated user, if there is one.
	User string
	// Trunk is the configured trunk that the request came from, if there is one.
	Trunk string
	// Reason says in a few words why it was refused, for the log; it is not sent.
	Reason string
}

// Registrar serves REGISTER requests. It is called concurrently.
type Registrar interface {
	// Register authenticates and applies a REGISTER and returns the answer.
	Register(ctx context.Context, in *Inbound) Reply
}

// Reply is a final answer to a request without a dialog.
type Reply struct {
	// Status is the SIP status; zero drops the request.
	Status int
	// Phrase is the reason phrase; empty takes the standard one.
	Phrase string
	// Headers are added in order.
	Headers []Header
	// Body and ContentType carry a message body.
	Body        []byte
	ContentType string
}

// Header is one header field.
type Header struct {
	Name, Value string
}

// orInt returns v, or the default for what is not positive: these limits cannot be switched off.
func orInt(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}

func (c *Config) withDefaults() (Config, error) {
	d := *c
	if d.Handler == nil {
		return d, fmt.Errorf("sipcore: new: %w: Handler is required", errConfig)
	}
	if d.Admit == nil {
		return d, fmt.Errorf("sipcore: new: %w: Admit is required", errConfig)
	}
	d.T1 = cmp.Or(d.T1, 500*time.Millisecond)
	d.T2 = cmp.Or(d.T2, 4*time.Second)
	d.SessionExpires = max(cmp.Or(d.SessionExpires, 30*time.Minute), 0)
	d.MinSE = cmp.Or(d.MinSE, 90*time.Second)
	d.ReofferTimeout = cmp.Or(d.ReofferTimeout, 5*time.Second)
	d.MaxCalls = orInt(d.MaxCalls, 10000)
	d.MaxTransactions = orInt(d.MaxTransactions, 50000)
	d.MaxConnections = orInt(d.MaxConnections, 4096)
	d.MaxConnectionsPerIP = orInt(d.MaxConnectionsPerIP, 256)
	d.IdleTimeout = cmp.Or(d.IdleTimeout, 10*time.Minute)
	d.MaxMessage = orInt(d.MaxMessage, 65535)
	if d.Guard.Rate == 0 {
		d.Guard.Rate = 200
	}
	d.Guard.Burst = orInt(d.Guard.Burst, 400)
	d.Guard.MaxSources = orInt(d.Guard.MaxSources, 65536)
	if d.MessageTimeout == 0 {
		d.MessageTimeout = 30 * time.Second
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	for i, l := range d.Listeners {
		if err := l.check(); err != nil {
			return d, fmt.Errorf("sipcore: new: listener %d: %w", i, err)
		}
	}
	return d, nil
}

var errConfig = errors.New("incomplete configuration")

func (l *Listener) check() error {
	switch l.Transport {
	case TransportUDP:
		if l.PacketConn == nil && l.Addr == "" {
			return fmt.Errorf("%w: UDP needs PacketConn or Addr", errConfig)
		}
	case TransportTCP:
		if l.Stream == nil && l.Addr == "" {
			return fmt.Errorf("%w: TCP needs Stream or Addr", errConfig)
		}
	case TransportUnset, TransportWS, TransportWSS:
		return fmt.Errorf("%w: transport %q cannot be listened on here", errConfig, l.Transport)
	}
	return nil
}
