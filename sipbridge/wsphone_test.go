package sipbridge_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/switchtest"
)

// wsPhone is a SIP phone in a browser, as JsSIP is one: SIP over a WebSocket, sound by a PeerConnection, digits by INFO.
type wsPhone struct {
	tb    testing.TB
	user  string
	url   string
	ep    *sipcore.Endpoint
	rings chan *webParty

	mu    sync.Mutex
	calls map[string]*webParty
	conn  *clientSocket
}

var (
	_ device          = (*wsPhone)(nil)
	_ sipcore.Handler = (*wsPhone)(nil)
)

// withWSPhones gives the agents SIP phones in browsers.
func (r *rig) withWSPhones() *rig {
	srv := httptest.NewServer(r.bridge.SIPWebSocket())
	r.tb.Cleanup(srv.Close)
	for _, a := range []string{"ana", "ben"} {
		p := &wsPhone{
			tb: r.tb, user: a, url: "ws" + strings.TrimPrefix(srv.URL, "http"), calls: map[string]*webParty{},
			rings: make(chan *webParty, 100),
		}
		ep, err := sipcore.New(sipcore.Config{
			Handler: p,
			Admit:   func(context.Context, *sipcore.Inbound) sipcore.Admission { return sipcore.Admission{Allow: true} },
		})
		require.NoError(r.tb, err)
		p.ep = ep
		background(r.tb, func(ctx context.Context) { _ = ep.Run(ctx) })
		<-ep.Ready()
		r.agents[tandem.AgentID(a)] = p
	}
	return r
}

func (p *wsPhone) attach(ctx context.Context) error {
	conn, resp, err := websocket.Dial(ctx, p.url, &websocket.DialOptions{Subprotocols: []string{"sip"}})
	if err != nil {
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		return err
	}
	c := &clientSocket{Conn: conn, ctx: context.WithoutCancel(p.tb.Context()), done: make(chan struct{})}
	p.mu.Lock()
	p.conn = c
	p.mu.Unlock()
	background(p.tb, func(ctx context.Context) {
		defer close(c.done)
		_ = p.ep.ServeMessages(ctx, c)
	})
	var flow *sipcore.Flow
	for i := 0; flow == nil; i = (i + 1) % 8 {
		if f, ok := p.ep.Flow(fmt.Sprintf("ws/%d", i)); ok && !f.Closed() {
			flow = f
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	aor := "sip:" + p.user + "@" + domain
	r, err := p.ep.Do(ctx, sipcore.Request{
		Method: "REGISTER", URI: "sip:" + domain, To: aor, From: aor, Flow: flow,
		Credentials: &sipcore.Credentials{Username: p.user, Password: password},
		Headers: []sipcore.Header{
			{Name: "Contact", Value: `<sip:x7@abc.invalid;transport=ws>;+sip.instance="<urn:uuid:1-` + p.user + `>";reg-id=1;expires=600`},
			{Name: "Supported", Value: "outbound, path"},
		},
	})
	if err == nil && r.Status != 200 {
		err = fmt.Errorf("REGISTER answered %d", r.Status)
	}
	return err
}

func (p *wsPhone) detach(context.Context) error {
	p.mu.Lock()
	c := p.conn
	p.mu.Unlock()
	_ = c.CloseNow()
	<-c.done
	return nil
}

func (p *wsPhone) ringing(ctx context.Context) (switchtest.Party, error) {
	select {
	case w := <-p.rings:
		return w, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Incoming lets the phone ring.
func (p *wsPhone) Incoming(_ context.Context, call *sipcore.Call) {
	w := newWebParty(p.tb, string(call.Offer()))
	w.answer = func(_ context.Context, sdp string) error { return call.Answer([]byte(sdp)) }
	w.refuse = func(_ context.Context, cause tandem.Cause) error {
		return call.Reject(sipbridge.StatusFor(cause), sipcore.Cause{})
	}
	w.hangUp = func(context.Context) error { return call.Hangup(sipcore.Cause{}) }
	w.press = func(_ context.Context, key byte) error { return call.SendDigit(rune(key), 0) }
	p.mu.Lock()
	p.calls[call.ID()] = w
	p.mu.Unlock()
	_ = call.Progress(180, nil)
	p.rings <- w
}

// Event takes what happens to a call.
func (p *wsPhone) Event(_ context.Context, call *sipcore.Call, ev sipcore.Event) {
	p.mu.Lock()
	w := p.calls[call.ID()]
	p.mu.Unlock()
	switch ev.(type) {
	case sipcore.Confirmed:
		w.become(tandem.LegStateUp)
	case sipcore.Ended:
		w.become(tandem.LegStateEnded)
		w.close()
	default:
	}
}

// Reoffer refuses: no test lets the bridge re-offer.
func (p *wsPhone) Reoffer(context.Context, *sipcore.Call, []byte) ([]byte, error) {
	return nil, errors.New("not expected")
}

// clientSocket is a WebSocket as sipcore wants it, from the client's side.
type clientSocket struct {
	*websocket.Conn
	ctx  context.Context //nolint:containedctx // sipcore.MessageConn has none.
	done chan struct{}
}

func (c *clientSocket) ReadMessage() ([]byte, error) {
	_, b, err := c.Read(c.ctx)
	return b, err
}

func (c *clientSocket) WriteMessage(b []byte) error { return c.Write(c.ctx, websocket.MessageText, b) }

func (c *clientSocket) Close() error { return c.CloseNow() }

func (c *clientSocket) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (c *clientSocket) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2}
}

func (c *clientSocket) Secure() bool { return false }

func (c *clientSocket) User() string { return "" }
