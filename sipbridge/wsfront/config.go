package wsfront

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// ErrClosed is returned by operations on a connection that has ended.
var ErrClosed = errors.New("wsfront: connection closed")

// ErrSlow ends a connection whose client does not read what it is sent.
var ErrSlow = errors.New("wsfront: client reads too slowly")

// ErrProtocol wraps violations of RFC 6455 by the client.
var ErrProtocol = errors.New("wsfront: protocol violation")

// ErrTooLarge ends a connection that sent a message above Config.MaxMessage.
var ErrTooLarge = errors.New("wsfront: message too large")

// Config configures a [Front]. Serve is required.
type Config struct {
	// Serve is given each new connection and owns it; when it returns, the connection is
	// closed. ctx ends with the request. Required.
	Serve func(ctx context.Context, c *Conn) error
	// Subprotocols are accepted in order of preference; the default is "sip". A client that
	// offers none of them is refused (RFC 7118 section 5).
	Subprotocols []string
	// CheckOrigin says whether a page of this origin may connect; origin is "" for clients
	// that are not browsers. The default allows no origin, and the origin whose host is the
	// request's host.
	CheckOrigin func(r *http.Request, origin string) bool
	// Authenticate names the user of a handshake, for example from a session cookie or a
	// token in the query. An error refuses with 401. Nil lets everybody in as nobody: SIP
	// authentication follows anyway.
	Authenticate func(r *http.Request) (user string, err error)
	// RemoteAddr tells the client's real address behind a trusted reverse proxy; the default
	// takes the address of the connection.
	RemoteAddr func(r *http.Request) (netip.AddrPort, bool)
	// MaxMessage bounds one message in bytes. Default 65535.
	MaxMessage int
	// MaxConnections bounds all connections, default 10000; MaxConnectionsPerIP those of one address,
	// default 64. More are answered 503 and 429.
	MaxConnections, MaxConnectionsPerIP int
	// IdleTimeout ends a connection that was silent (not even a ping) for this long. Default 2 minutes.
	IdleTimeout time.Duration
	// PingEvery sends a ping this often, so that proxies keep the connection and dead
	// clients are noticed. Default 30 s; negative never.
	PingEvery time.Duration
	// WriteTimeout bounds one write to the network. Default 10 s.
	WriteTimeout time.Duration
	// SendQueue is how many messages may wait for a slow client before it is disconnected.
	// Default 64.
	SendQueue int
	// Logger receives refusals; nil discards.
	Logger *slog.Logger
}

// Counters are totals since the start.
type Counters struct {
	// Open is the present number of connections.
	Open int
	// Accepted counts upgrades; Refused counts refusals by reason.
	Accepted, RefusedLimit, RefusedOrigin, RefusedAuth, RefusedHandshake uint64
	// Messages counts whole messages received, KeepAlives CRLF pings answered.
	Messages, KeepAlives uint64
	// Slow, Idle, TooLarge and Violations count connections that were ended for it.
	Slow, Idle, TooLarge, Violations uint64
}

func (c *Config) withDefaults() (Config, error) {
	d := *c
	if d.Serve == nil {
		return d, fmt.Errorf("wsfront: new: Serve is required")
	}
	if len(d.Subprotocols) == 0 {
		d.Subprotocols = []string{"sip"}
	}
	if d.CheckOrigin == nil {
		d.CheckOrigin = SameOrigin
	}
	if d.MaxMessage <= 0 {
		d.MaxMessage = 65535
	}
	if d.MaxConnections <= 0 {
		d.MaxConnections = 10000
	}
	if d.MaxConnectionsPerIP <= 0 {
		d.MaxConnectionsPerIP = 64
	}
	if d.IdleTimeout <= 0 {
		d.IdleTimeout = 2 * time.Minute
	}
	if d.PingEvery == 0 {
		d.PingEvery = 30 * time.Second
	}
	if d.WriteTimeout <= 0 {
		d.WriteTimeout = 10 * time.Second
	}
	if d.SendQueue <= 0 {
		d.SendQueue = 64
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return d, nil
}
