package sipcore

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/tandem-cc/tandem/sipbridge/sipcore/digest"
)

// challenge is one that was answered before; further requests reuse its nonce.
type challenge struct {
	digest.Challenge
	header string
	nc     uint32
}

// learnChallenge picks the strongest challenge of a 401 or 407 (RFC 8760). It returns nil
// when none can be answered, or when the answer was given already and refused.
func learnChallenge(res *sip.Response, cr *Credentials, known *challenge) *challenge {
	if cr == nil {
		return nil
	}
	name, header := "WWW-Authenticate", "Authorization"
	if res.StatusCode == 407 {
		name, header = "Proxy-Authenticate", "Proxy-Authorization"
	}
	ch, ok := digest.Strongest(headerValues(res, name), cr.Realm)
	if !ok || (known != nil && known.header == header && known.Nonce == ch.Nonce && known.nc > 0 && !ch.Stale) {
		return nil
	}
	return &challenge{Challenge: ch, header: header}
}

// credentials answers the challenge for one more request.
func (ch *challenge) credentials(cr *Credentials, method, uri string) (Header, error) {
	ch.nc++
	a, err := ch.Answer(digest.Login{
		Username: cr.Username, Password: cr.Password, Method: method, URI: uri, CNonce: randomHex(8), NC: ch.nc,
	})
	if err != nil {
		return Header{}, err
	}
	return Header{ch.header, a.String()}, nil
}

// learn keeps a challenge for the next request; false means that it cannot be answered.
func (c *Call) learn(res *sip.Response) bool {
	if c.dial == nil {
		return false
	}
	ch := learnChallenge(res, c.dial.Credentials, c.challenge)
	if ch == nil {
		return false
	}
	c.challenge = ch
	return true
}

// authorize adds credentials once the peer has asked for them.
func (c *Call) authorize(d *draft) {
	if c.challenge == nil || d.method == "ACK" || d.method == "CANCEL" {
		return
	}
	h, err := c.challenge.credentials(c.dial.Credentials, d.method, d.uri)
	if err != nil {
		c.challenge = nil
		return
	}
	d.fields = append(d.fields, h)
}

func (e *Endpoint) checkRequest(r *Request) error {
	if !e.running() {
		return fmt.Errorf("sipcore: %s: %w", r.Method, ErrClosed)
	}
	if r.Method == "" || r.Method == "INVITE" || r.Method == "ACK" || r.Method == "CANCEL" || r.URI == "" {
		return fmt.Errorf("sipcore: do: %w: a method without dialog and a URI are needed", errConfig)
	}
	return nil
}

// do sends a request outside any dialog.
func (e *Endpoint) do(ctx context.Context, r Request) (*Response, error) {
	if err := e.checkRequest(&r); err != nil {
		return nil, err
	}
	flow, err := e.route(ctx, r.Flow, r.Destination, r.Listener)
	if err != nil {
		return nil, fmt.Errorf("sipcore: %s: %w", r.Method, err)
	}
	d := draft{
		method: r.Method, uri: r.URI, callID: r.CallID, seq: max(r.Seq, 1), ctype: r.ContentType, body: r.Body,
		from: angle(r.From, r.URI) + ";tag=" + randomHex(8), to: angle(r.To, r.URI),
	}
	if d.callID == "" {
		d.callID = randomHex(16)
	}
	var known *challenge
	for {
		d.fields = append([]Header(nil), r.Headers...)
		if known != nil {
			h, err := known.credentials(r.Credentials, d.method, d.uri)
			if err != nil {
				return nil, fmt.Errorf("sipcore: %s: %w", r.Method, err)
			}
			d.fields = append(d.fields, h)
		}
		res, err := e.exchange(ctx, flow, d)
		if err != nil {
			return nil, fmt.Errorf("sipcore: %s: %w", r.Method, err)
		}
		if res.StatusCode == 401 || res.StatusCode == 407 {
			if next := learnChallenge(res, r.Credentials, known); next != nil && d.seq < max(r.Seq, 1)+3 {
				known = next
				d.seq++
				continue
			}
		}
		return newResponse(res, d.seq), nil
	}
}

func angle(uri, otherwise string) string {
	if uri == "" {
		uri = otherwise
	}
	return "<" + uri + ">"
}

// exchange sends one request and waits for its final response.
func (e *Endpoint) exchange(ctx context.Context, flow *Flow, d draft) (*sip.Response, error) {
	req, err := e.build(flow, d)
	if err != nil {
		return nil, err
	}
	type outcome struct {
		res *sip.Response
		err error
	}
	final := make(chan outcome, 1)
	ct, err := e.transact(flow, req, func(res *sip.Response, err error) {
		if err == nil && res.IsProvisional() {
			return
		}
		select {
		case final <- outcome{res, err}:
		default:
		}
	})
	if err != nil {
		return nil, err
	}
	select {
	case o := <-final:
		if errors.Is(o.err, sip.ErrTransactionTimeout) {
			return sip.NewResponse(408, "Request Timeout"), nil
		}
		if o.err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoRoute, o.err)
		}
		return o.res, nil
	case <-ctx.Done():
		ct.tx.Terminate()
		return nil, ctx.Err()
	}
}

func newResponse(res *sip.Response, seq uint32) *Response {
	r := &Response{Status: res.StatusCode, Phrase: res.Reason, Body: res.Body(), Seq: seq}
	for _, h := range res.Headers() {
		r.Headers = append(r.Headers, Header{h.Name(), h.Value()})
	}
	return r
}

// Header returns the first value of the header field, or "".
func (r *Response) Header(name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// ParseInbound parses a request as the endpoint would, for tests of a [Registrar] or an
// [AdmitFunc].
func ParseInbound(raw []byte, flow *Flow) (*Inbound, error) {
	msg, err := sip.NewParser().ParseSIP(raw)
	if err != nil {
		return nil, fmt.Errorf("sipcore: parse: %w", err)
	}
	req, ok := msg.(*sip.Request)
	if !ok || !matchable(req) {
		return nil, fmt.Errorf("sipcore: parse: %w: not a whole request", errConfig)
	}
	return newInbound(req, flow), nil
}

// NewFlow makes a flow that writes through send, for tests of what takes one.
func NewFlow(id string, t Transport, remote netip.AddrPort, send func(b []byte) error) *Flow {
	return &Flow{id: id, transport: t, remote: remote, listener: "test", advertise: remote.String(), send: send}
}
