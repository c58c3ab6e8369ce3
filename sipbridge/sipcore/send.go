package sipcore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/tandem-cc/tandem/sipbridge/sipcore/dialog"
)

// draft is a request in the making. It is written as text and parsed back, so that every
// address in it has been through the parser once.
type draft struct {
	method string
	uri    string
	from   string // whole header field values
	to     string
	callID string
	seq    uint32
	hops   int
	routes []string
	fields []Header
	ctype  string
	body   []byte
	branch string
}

var errInjection = errors.New("sipcore: line break in a header field")

func (e *Endpoint) newBranch() string {
	return e.branchPrefix() + strconv.FormatUint(e.serial.Add(1), 36) + randomHex(4)
}

func (e *Endpoint) build(f *Flow, d draft) (*sip.Request, error) {
	if d.branch == "" {
		d.branch = e.newBranch()
	}
	if d.hops <= 0 {
		d.hops = 70
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\n", d.method, d.uri)
	fmt.Fprintf(&b, "Via: SIP/2.0/%s %s;branch=%s;rport\r\n", f.transport, f.advertise, d.branch)
	for _, r := range d.routes {
		fmt.Fprintf(&b, "Route: %s\r\n", r)
	}
	fmt.Fprintf(&b, "Max-Forwards: %d\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n",
		d.hops, d.from, d.to, d.callID, d.seq, d.method)
	head := b.String()
	for _, h := range d.fields {
		if !cleanHeader(h) {
			return nil, fmt.Errorf("%w: %s", errInjection, strings.TrimSpace(h.Name))
		}
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
	}
	if e.cfg.UserAgent != "" {
		fmt.Fprintf(&b, "User-Agent: %s\r\n", e.cfg.UserAgent)
	}
	if len(d.body) > 0 {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", d.ctype)
	}
	if want := 6 + len(d.routes) + 1; strings.Count(head, "\r\n") != want || strings.Count(head, "\n") != want {
		return nil, errInjection
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(d.body))
	b.Write(d.body)
	msg, err := e.parser.ParseSIP([]byte(b.String()))
	if err != nil {
		return nil, fmt.Errorf("sipcore: build %s: %w", d.method, err)
	}
	req, ok := msg.(*sip.Request)
	if !ok {
		return nil, fmt.Errorf("sipcore: build %s: not a request", d.method)
	}
	return req, nil
}

// contactURI is our address for a peer behind a flow.
func (e *Endpoint) contactURI(f *Flow, user string) string {
	uri := "sip:" + user + "@" + f.advertise
	if p := f.transport.param(); p != "" {
		uri += ";transport=" + p
	}
	return uri
}

// route finds the flow to a destination such as "udp:192.0.2.7:5060".
func (e *Endpoint) route(ctx context.Context, flow *Flow, destination, listener string) (*Flow, error) {
	if flow != nil {
		if flow.Closed() {
			return nil, fmt.Errorf("%w: the connection is gone", ErrNoRoute)
		}
		return flow, nil
	}
	proto, rest, ok := strings.Cut(destination, ":")
	if !ok || (proto != "udp" && proto != "tcp") {
		return nil, fmt.Errorf("%w: destination must be udp:host:port or tcp:host:port", ErrNoRoute)
	}
	addr, err := resolve(ctx, rest)
	if err != nil {
		return nil, err
	}
	if proto == "tcp" {
		return e.dialTCP(ctx, addr)
	}
	return e.udpTo(addr, listener)
}

func (e *Endpoint) udpTo(addr netip.AddrPort, listener string) (*Flow, error) {
	e.net.Lock()
	defer e.net.Unlock()
	for _, l := range e.net.listeners {
		if l.pc == nil || (listener != "" && l.name != listener) || l.local.Addr().Is4() != addr.Addr().Is4() {
			continue
		}
		return l.udpFlow(addr), nil
	}
	return nil, fmt.Errorf("%w: no UDP listener for the destination", ErrNoRoute)
}

// resolve looks a host and port up; IPv4 first.
func resolve(ctx context.Context, hostport string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		host, port = strings.Trim(hostport, "[]"), "5060"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return netip.AddrPort{}, fmt.Errorf("%w: port is not a number", ErrNoRoute)
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(a.Unmap(), uint16(n)), nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(addrs) == 0 {
		return netip.AddrPort{}, fmt.Errorf("%w: %w", ErrNoRoute, err)
	}
	for _, a := range addrs {
		if a.Unmap().Is4() {
			return netip.AddrPortFrom(a.Unmap(), uint16(n)), nil
		}
	}
	return netip.AddrPortFrom(addrs[0], uint16(n)), nil
}

func (e *Endpoint) invite(ctx context.Context, req InviteRequest) (*Call, error) {
	if !e.running() {
		return nil, fmt.Errorf("sipcore: invite: %w", ErrClosed)
	}
	flow, err := e.route(ctx, req.Flow, req.Destination, req.Listener)
	if err != nil {
		return nil, fmt.Errorf("sipcore: invite: %w", err)
	}
	id := req.ID
	if id == "" {
		id = randomHex(16)
	}
	c := e.newCall(dialog.RoleUAC, id)
	c.dial, c.to, c.user = &req, req.To, req.User
	c.maxForwards = req.MaxForwards
	if c.maxForwards <= 0 {
		c.maxForwards = 70
	}
	c.sticky = req.Flow != nil || flow.symmetric || flow.transport != TransportUDP
	c.flow.Store(flow)
	// Building once more than needed finds bad addresses before anything is kept.
	if _, err := e.build(flow, c.draft(dialog.Send{Method: "INVITE", Seq: 1})); err != nil {
		return nil, fmt.Errorf("sipcore: invite: %w", err)
	}
	if err := e.enter(c); err != nil {
		return nil, fmt.Errorf("sipcore: invite: %w", err)
	}
	timeout := req.Timeout
	if timeout <= 0 {
		timeout = 60 * time.Second
	}
	e.count.callsOut.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ring = time.AfterFunc(timeout, func() { _ = c.command(dialog.Hangup{Reason: EndTimeout}) })
	if err := c.perform(dialog.Dial{SDP: req.SDP}); err != nil {
		c.finish()
		return nil, fmt.Errorf("sipcore: invite: %w", err)
	}
	return c, nil
}

// draft fills in what every request of the call has.
func (c *Call) draft(s dialog.Send) draft {
	d := draft{
		method: s.Method, uri: s.Target, callID: c.callID, seq: s.Seq, routes: s.Routes, hops: 70,
		ctype: s.BodyType, body: s.Body,
	}
	if d.uri == "" {
		d.uri = c.to
	}
	if c.in != nil {
		d.from = c.in.To.header(c.localTag)
		d.to = c.in.From.header("")
	} else {
		d.from, d.to = c.dial.fromHeader(c.ep.domain(c.flow.Load()), c.localTag), c.dial.toHeader()
	}
	if s.Tag != "" {
		d.to += ";tag=" + s.Tag
	}
	for _, f := range s.Fields {
		d.fields = append(d.fields, Header(f))
	}
	switch s.Method {
	case "INVITE", "UPDATE":
		d.fields = append(d.fields, Header{"Contact", c.contact(c.flow.Load())}, Header{"Allow", c.ep.allow()})
		ext := supported
		if s.Method == "INVITE" {
			ext += ", 100rel"
		}
		d.fields = append(d.fields, Header{"Supported", ext})
		if s.Tag == "" {
			d.hops = c.maxForwards
			d.fields = append(d.fields, c.dial.Headers...)
		}
	}
	return d
}

func (a Address) header(tag string) string {
	var b strings.Builder
	if a.Display != "" {
		b.WriteString(quoteDisplay(a.Display) + " ")
	}
	b.WriteString("<" + a.URI.wire() + ">")
	if tag != "" {
		b.WriteString(";tag=" + tag)
	}
	return b.String()
}

// wire writes the URI with the user part escaped again.
func (u URI) wire() string {
	u.User = escapeUser(u.User)
	return u.String()
}

func escapeUser(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,?/"
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(plain, s[i]) >= 0 {
			b.WriteByte(s[i])
			continue
		}
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

func quoteDisplay(s string) string {
	r := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", " ", "\n", " ")
	return `"` + r.Replace(s) + `"`
}

func (r *InviteRequest) fromHeader(domain, tag string) string {
	uri := r.From
	if uri == "" {
		uri = "sip:tandem@" + domain
	}
	h := "<" + uri + ">;tag=" + tag
	if r.FromDisplay != "" {
		h = quoteDisplay(r.FromDisplay) + " " + h
	}
	return h
}

func (r *InviteRequest) toHeader() string {
	if r.ToHeader != "" {
		return "<" + r.ToHeader + ">"
	}
	return "<" + r.To + ">"
}

func (e *Endpoint) domain(f *Flow) string {
	if e.cfg.Domain != "" {
		return e.cfg.Domain
	}
	if host, _, err := net.SplitHostPort(f.advertise); err == nil {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return f.advertise
}

// hop is the flow for the next request of the dialog. Phones are reached by the flow they
// came over; trunks by the route set or the remote target (RFC 3261 12.2.1.1).
func (c *Call) hop(s dialog.Send) *Flow {
	f := c.flow.Load()
	if f.Closed() && c.ep.cfg.Reroute != nil {
		if next := c.ep.cfg.Reroute(c); next != nil {
			c.flow.Store(next)
			return next
		}
	}
	if c.sticky || s.Tag == "" || f.via == nil {
		return f
	}
	next := s.Target
	if len(s.Routes) > 0 {
		next = s.Routes[0]
	}
	if a, ok := uriAddr(next); ok && a.Addr().Is4() == f.remote.Addr().Is4() && a != f.remote {
		return f.via.udpFlow(a)
	}
	return f
}

// uriAddr reads the address of a URI or route whose host is an IP address.
func uriAddr(s string) (netip.AddrPort, bool) {
	if i := strings.IndexByte(s, '<'); i >= 0 {
		s, _, _ = strings.Cut(s[i+1:], ">")
	}
	var u sip.Uri
	if err := sip.ParseUri(s, &u); err != nil {
		return netip.AddrPort{}, false
	}
	a, err := netip.ParseAddr(strings.Trim(u.Host, "[]"))
	if err != nil || u.Port < 0 || u.Port > 65535 {
		return netip.AddrPort{}, false
	}
	port := uint16(5060)
	if u.Port != 0 {
		port = uint16(u.Port)
	}
	return netip.AddrPortFrom(a.Unmap(), port), true
}

// send sends a request of the machine. c.mu is held.
func (c *Call) send(s dialog.Send) {
	f := c.hop(s)
	d := c.draft(s)
	c.authorize(&d)
	req, err := c.ep.build(f, d)
	if err != nil {
		c.ep.log.Warn("sip request not built", "call_id", c.id, "method", s.Method, "error", err)
		c.sendFailed(s)
		return
	}
	if s.Method == "ACK" {
		c.ep.write(f, []byte(req.String()))
		return
	}
	ct, err := c.ep.transact(f, req, func(res *sip.Response, err error) { c.answer(s, res, err) })
	if err != nil {
		c.sendFailed(s)
		return
	}
	if s.Method == "INVITE" {
		c.invites[s.Seq] = &outInvite{tx: ct, req: req}
		for seq := range c.invites {
			if seq+2 < s.Seq {
				delete(c.invites, seq)
			}
		}
	}
}

// sendFailed reports a request that could not be sent, as soon as the lock is free.
func (c *Call) sendFailed(s dialog.Send) {
	if s.Method == "ACK" {
		return
	}
	c.ep.spawn(func(context.Context) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.over {
			c.feed(dialog.Failed{Method: s.Method, Seq: s.Seq})
		}
	})
}

// answer feeds a response, or the failure of the transaction, to the machine.
func (c *Call) answer(s dialog.Send, res *sip.Response, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	if err != nil {
		c.feed(dialog.Failed{Method: s.Method, Seq: s.Seq, Timeout: errors.Is(err, sip.ErrTransactionTimeout)})
		return
	}
	if inv := c.invites[s.Seq]; inv != nil && s.Method == "INVITE" && !res.IsProvisional() {
		inv.final = true
	}
	m := c.message(res, sip.RequestMethod(s.Method))
	m.Status, m.Seq = res.StatusCode, s.Seq
	m.Tag = ""
	if to := res.To(); to != nil {
		m.Tag, _ = to.Params.Get("tag")
	}
	m.RSeq = reliableSeq(res)
	if res.StatusCode == 401 || res.StatusCode == 407 {
		m.Authorizable = c.learn(res)
	}
	if s.Method == "INVITE" && res.IsSuccess() && c.machine.PeerTag() != "" && m.Tag != c.machine.PeerTag() {
		c.ep.count.forked.Add(1)
	}
	c.feed(dialog.Received{Message: m})
}

// reliableSeq is the RSeq of a reliable provisional response (RFC 3262); 0 for others.
func reliableSeq(res *sip.Response) uint32 {
	v := headerValues(res, "RSeq")
	if !res.IsProvisional() || res.StatusCode == 100 || len(v) == 0 || !lists(res, "Require", "100rel") {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(v[0]), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// sendCancel cancels an INVITE: same Request-URI, Via, From, To, Call-ID and CSeq number
// (RFC 3261 9.1).
func (c *Call) sendCancel(a dialog.Cancel) {
	inv := c.invites[a.Seq]
	if inv == nil {
		return
	}
	branch, _ := inv.req.Via().Params.Get("branch")
	d := c.draft(dialog.Send{Method: "CANCEL", Seq: a.Seq})
	d.branch, d.hops = branch, 70
	for _, h := range inv.req.GetHeaders("Route") {
		d.routes = append(d.routes, h.Value())
	}
	if !a.Cause.IsZero() {
		d.fields = append(d.fields, Header{"Reason", a.Cause.String()})
	}
	req, err := c.ep.build(inv.tx.flow, d)
	if err != nil {
		return
	}
	if _, err := c.ep.transact(inv.tx.flow, req, func(*sip.Response, error) {}); err != nil {
		c.ep.count.sendErrors.Add(1)
	}
}
