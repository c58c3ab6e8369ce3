package wsfront

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455 section 4.2.2 prescribes it; it protects nothing.
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Front is the handler; see [New].
type Front struct {
	cfg   Config
	count struct {
		accepted, refusedLimit, refusedOrigin, refusedAuth, refusedHandshake atomic.Uint64
		messages, keepAlives, slow, idle, tooLarge, violations               atomic.Uint64
	}

	mu    sync.Mutex // guards what is below
	open  int
	perIP map[netip.Addr]int
}

var _ http.Handler = (*Front)(nil)

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Front, error) {
	c, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Front{cfg: c, perIP: make(map[netip.Addr]int)}, nil
}

// Counters returns the totals since the start.
func (f *Front) Counters() Counters {
	f.mu.Lock()
	open := f.open
	f.mu.Unlock()
	n := &f.count
	return Counters{
		Open: open, Accepted: n.accepted.Load(), RefusedLimit: n.refusedLimit.Load(),
		RefusedOrigin: n.refusedOrigin.Load(), RefusedAuth: n.refusedAuth.Load(),
		RefusedHandshake: n.refusedHandshake.Load(), Messages: n.messages.Load(), KeepAlives: n.keepAlives.Load(),
		Slow: n.slow.Load(), Idle: n.idle.Load(), TooLarge: n.tooLarge.Load(), Violations: n.violations.Load(),
	}
}

// SameOrigin allows clients that name no origin, which are not browsers, and pages of the
// host that was asked.
func SameOrigin(r *http.Request, origin string) bool {
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// refusal is an answer instead of an upgrade.
type refusal struct {
	status int
	text   string
	count  *atomic.Uint64
}

// ServeHTTP upgrades the request and serves the connection until it ends.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	proto, no := f.check(r)
	if no != nil {
		f.refuse(w, r, *no)
		return
	}
	user := ""
	if f.cfg.Authenticate != nil {
		var err error
		if user, err = f.cfg.Authenticate(r); err != nil {
			f.refuse(w, r, refusal{http.StatusUnauthorized, "not authenticated", &f.count.refusedAuth})
			return
		}
	}
	remote := f.remote(r)
	if status := f.enter(remote.Addr()); status != 0 {
		f.refuse(w, r, refusal{status, "too many connections", &f.count.refusedLimit})
		return
	}
	defer f.leave(remote.Addr())
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		f.refuse(w, r, refusal{http.StatusInternalServerError, "cannot upgrade here", &f.count.refusedHandshake})
		return
	}
	c := &Conn{
		front: f, nc: nc, r: rw.Reader, remote: remote, user: user, secure: r.TLS != nil, proto: proto,
		done: make(chan struct{}), kick: make(chan struct{}, 1),
	}
	if err := f.accept(nc, r, proto); err != nil {
		_ = c.hangup() // the client left
		return
	}
	f.count.accepted.Add(1)
	f.serve(r.Context(), c)
}

func (f *Front) refuse(w http.ResponseWriter, r *http.Request, no refusal) {
	no.count.Add(1)
	f.cfg.Logger.InfoContext(r.Context(), "websocket refused", "source", r.RemoteAddr, "status", no.status, "reason", no.text)
	if no.status == http.StatusUpgradeRequired {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Sec-WebSocket-Version", "13")
	}
	http.Error(w, no.text, no.status)
}

// check examines the handshake (RFC 6455 section 4.2.1, RFC 7118 section 5).
func (f *Front) check(r *http.Request) (string, *refusal) {
	bad := func(status int, text string) (string, *refusal) {
		return "", &refusal{status, text, &f.count.refusedHandshake}
	}
	h := r.Header
	switch {
	case r.Method != http.MethodGet:
		return bad(http.StatusMethodNotAllowed, "a websocket starts with GET")
	case !listed(h, "Connection", "upgrade") || !listed(h, "Upgrade", "websocket"):
		return bad(http.StatusUpgradeRequired, "this is a websocket for SIP phones")
	case h.Get("Sec-WebSocket-Version") != "13":
		return bad(http.StatusUpgradeRequired, "websocket version 13 is needed")
	}
	if key, err := base64.StdEncoding.DecodeString(h.Get("Sec-WebSocket-Key")); err != nil || len(key) != 16 {
		return bad(http.StatusBadRequest, "malformed Sec-WebSocket-Key")
	}
	if !f.cfg.CheckOrigin(r, h.Get("Origin")) {
		return "", &refusal{http.StatusForbidden, "origin is not allowed", &f.count.refusedOrigin}
	}
	for _, p := range f.cfg.Subprotocols {
		if listed(h, "Sec-WebSocket-Protocol", p) {
			return p, nil
		}
	}
	return bad(http.StatusBadRequest, "the subprotocol sip is needed")
}

// listed says whether a token is among the comma-separated values of a header field.
func listed(h http.Header, name, token string) bool {
	for _, v := range h.Values(name) {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

func (f *Front) remote(r *http.Request) netip.AddrPort {
	if f.cfg.RemoteAddr != nil {
		if a, ok := f.cfg.RemoteAddr(r); ok {
			return a
		}
	}
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// enter counts a connection in; another status than 0 refuses it.
func (f *Front) enter(ip netip.Addr) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.open >= f.cfg.MaxConnections:
		return http.StatusServiceUnavailable
	case f.perIP[ip] >= f.cfg.MaxConnectionsPerIP:
		return http.StatusTooManyRequests
	}
	f.open++
	f.perIP[ip]++
	return 0
}

func (f *Front) leave(ip netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
	if f.perIP[ip]--; f.perIP[ip] <= 0 {
		delete(f.perIP, ip)
	}
}

// accept answers the handshake.
func (f *Front) accept(nc net.Conn, r *http.Request, proto string) error {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + guid)) //nolint:gosec // see the import.
	if err := nc.SetDeadline(time.Time{}); err != nil {
		return err
	}
	if err := nc.SetWriteDeadline(time.Now().Add(f.cfg.WriteTimeout)); err != nil {
		return err
	}
	w := bufio.NewWriter(nc)
	for _, line := range []string{
		"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]), "Sec-WebSocket-Protocol: " + proto, "",
	} {
		if _, err := w.WriteString(line + "\r\n"); err != nil {
			return err
		}
	}
	return w.Flush()
}

// serve runs the connection to its end.
func (f *Front) serve(ctx context.Context, c *Conn) {
	var wg sync.WaitGroup
	wg.Go(c.write)
	if err := f.cfg.Serve(ctx, c); err != nil {
		f.cfg.Logger.DebugContext(ctx, "websocket ended", "source", c.remote.Addr(), "reason", err)
	}
	c.sayClose(closeNormal)
	wg.Wait()
}
