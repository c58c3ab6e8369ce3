package rawpeer

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// Message is one SIP message as text, with the little reading that tests need.
type Message struct {
	Raw string
	// From is the address it came from; empty over streams.
	From string
}

// Start is the start line.
func (m Message) Start() string { s, _, _ := strings.Cut(m.Raw, "\r\n"); return s }

// Status is the status of a response; 0 for a request.
func (m Message) Status() int {
	var status int
	if _, err := fmt.Sscanf(m.Start(), "SIP/2.0 %d", &status); err != nil {
		return 0
	}
	return status
}

// Method is the method of a request; empty for a response.
func (m Message) Method() string {
	if m.Status() != 0 {
		return ""
	}
	s, _, _ := strings.Cut(m.Start(), " ")
	return s
}

// Header is the first value of a header field by its long name; "" if there is none.
func (m Message) Header(name string) string {
	if v := m.Values(name); len(v) > 0 {
		return v[0]
	}
	return ""
}

// Values are all values of a header field.
func (m Message) Values(name string) []string {
	head, _, _ := strings.Cut(m.Raw, "\r\n\r\n")
	var out []string
	for line := range strings.SplitSeq(head, "\r\n") {
		k, v, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(strings.TrimSpace(k), name) {
			out = append(out, strings.TrimSpace(v))
		}
	}
	return out
}

// Body is the message body.
func (m Message) Body() string { _, b, _ := strings.Cut(m.Raw, "\r\n\r\n"); return b }

// Tag is the tag parameter of From or To.
func (m Message) Tag(header string) string {
	_, t, ok := strings.Cut(m.Header(header), ";tag=")
	if !ok {
		return ""
	}
	t, _, _ = strings.Cut(t, ";")
	return t
}

// Branch is the branch of the top Via.
func (m Message) Branch() string {
	_, b, _ := strings.Cut(m.Header("Via"), ";branch=")
	b, _, _ = strings.Cut(b, ";")
	return b
}

// Peer is a SIP peer that sends exactly the text that a test writes and hands back what it
// receives: the way to play the other side of a race.
type Peer struct {
	tb    testing.TB
	write func(b []byte, to string) error
	local string
	proto string
	in    chan Message
}

// Addr is the peer's own address, host:port.
func (p *Peer) Addr() string { return p.local }

// Proto is the transport for a Via header field: UDP, TCP or WS.
func (p *Peer) Proto() string { return p.proto }

// UDP opens a peer on a loopback port.
func UDP(tb testing.TB) *Peer {
	tb.Helper()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0") //nolint:noctx // it is bound at once.
	require.NoError(tb, err)
	p := &Peer{tb: tb, local: pc.LocalAddr().String(), proto: "UDP", in: make(chan Message, 1024)}
	p.write = func(b []byte, to string) error {
		a, err := net.ResolveUDPAddr("udp4", to)
		if err != nil {
			return err
		}
		_, err = pc.WriteTo(b, a)
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 65536)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			p.in <- Message{Raw: string(buf[:n]), From: from.String()}
		}
	})
	tb.Cleanup(func() {
		_ = pc.Close() // it is being thrown away
		wg.Wait()
	})
	return p
}

// TCP connects a peer to an address.
func TCP(tb testing.TB, addr string) *Peer {
	tb.Helper()
	c, err := net.Dial("tcp4", addr) //nolint:noctx // loopback answers at once.
	require.NoError(tb, err)
	p := &Peer{tb: tb, local: c.LocalAddr().String(), proto: "TCP", in: make(chan Message, 1024)}
	p.write = func(b []byte, _ string) error { _, err := c.Write(b); return err }
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(p.in)
		var buf []byte
		chunk := make([]byte, 65536)
		for {
			n, err := c.Read(chunk)
			if err != nil {
				return
			}
			buf = p.cut(append(buf, chunk[:n]...))
		}
	})
	tb.Cleanup(func() {
		_ = c.Close() // it is being thrown away
		wg.Wait()
	})
	return p
}

// cut takes whole messages off a stream.
func (p *Peer) cut(buf []byte) []byte {
	for {
		if bytes.HasPrefix(buf, []byte("\r\n")) {
			p.in <- Message{Raw: "\r\n"}
			buf = buf[2:]
			continue
		}
		head := bytes.Index(buf, []byte("\r\n\r\n"))
		if head < 0 {
			return buf
		}
		length := 0
		_, _ = fmt.Sscanf(Message{Raw: string(buf[:head+4])}.Header("Content-Length"), "%d", &length) // none is 0
		if len(buf) < head+4+length {
			return buf
		}
		p.in <- Message{Raw: string(buf[:head+4+length])}
		buf = buf[head+4+length:]
	}
}

// WS connects a peer to a WebSocket URL with the subprotocol sip.
func WS(tb testing.TB, url string) *Peer {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	c, res, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{"sip"}})
	if res != nil && res.Body != nil {
		_ = res.Body.Close() // there is nothing in it
	}
	require.NoError(tb, err)
	c.SetReadLimit(1 << 20)
	p := &Peer{tb: tb, local: "browser.invalid", proto: "WS", in: make(chan Message, 1024)}
	p.write = func(b []byte, _ string) error { return c.Write(ctx, websocket.MessageText, b) }
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(p.in)
		for {
			_, b, err := c.Read(ctx)
			if err != nil {
				return
			}
			p.in <- Message{Raw: string(b)}
		}
	})
	tb.Cleanup(func() {
		_ = c.CloseNow() // it is being thrown away
		cancel()
		wg.Wait()
	})
	return p
}

// Send writes the text; to is needed over UDP only. Line ends of one character are made
// two, so that messages can be written as raw strings, and a Content-Length is filled in
// where the text has "Content-Length: auto".
func (p *Peer) Send(to, text string) {
	p.tb.Helper()
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	head = strings.Replace(head, "Content-Length: auto", fmt.Sprintf("Content-Length: %d", len(body)), 1)
	p.SendRaw(to, head+"\r\n\r\n"+body)
}

// SendRaw writes the text as it is.
func (p *Peer) SendRaw(to, text string) {
	p.tb.Helper()
	require.NoError(p.tb, p.write([]byte(text), to))
}

// Next returns the next message, within five seconds.
func (p *Peer) Next() Message {
	p.tb.Helper()
	select {
	case m, ok := <-p.in:
		require.True(p.tb, ok, "the connection has ended")
		return m
	case <-time.After(5 * time.Second):
		require.FailNow(p.tb, "no message came")
		return Message{}
	}
}

// Want skips messages until the status (as "200") or method (as "BYE") comes.
func (p *Peer) Want(what string) Message {
	p.tb.Helper()
	deadline := time.After(10 * time.Second)
	var seen []string
	for {
		select {
		case m, ok := <-p.in:
			require.Truef(p.tb, ok, "the connection has ended; want %s, seen %q", what, seen)
			if m.Method() == what || fmt.Sprint(m.Status()) == what {
				return m
			}
			seen = append(seen, m.Start())
		case <-deadline:
			require.FailNowf(p.tb, "message did not come", "want %s, seen %q", what, seen)
		}
	}
}

// Silent wants that nothing comes for the duration.
func (p *Peer) Silent(d time.Duration) {
	p.tb.Helper()
	select {
	case m, ok := <-p.in:
		if ok {
			require.FailNowf(p.tb, "unexpected message", "%s", m.Start())
		}
	case <-time.After(d):
	}
}

// Gone says whether the connection was ended by the other side within five seconds.
func (p *Peer) Gone() bool {
	for {
		select {
		case _, ok := <-p.in:
			if !ok {
				return true
			}
		case <-time.After(5 * time.Second):
			return false
		}
	}
}

// Reply answers a request with a status. extra are whole header lines; tag is the To-tag.
func (p *Peer) Reply(req Message, status int, tag, extra, body string) {
	p.tb.Helper()
	to := req.Header("To")
	if tag != "" && !strings.Contains(to, ";tag=") {
		to += ";tag=" + tag
	}
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d Test\r\n", status)
	for _, v := range req.Values("Via") {
		fmt.Fprintf(&b, "Via: %s\r\n", v)
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n%s",
		req.Header("From"), to, req.Header("Call-ID"), req.Header("CSeq"), extra)
	if body != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	p.SendRaw(req.From, b.String())
}

// Request writes a request with the usual header fields. vary replaces or adds header
// fields by name; an empty value removes one.
func (p *Peer) Request(method, uri string, vary map[string]string, body string) string {
	order := []string{"Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Contact"}
	h := map[string]string{
		"Via":          fmt.Sprintf("SIP/2.0/%s %s;branch=z9hG4bK%d;rport", p.proto, p.local, time.Now().UnixNano()),
		"Max-Forwards": "70",
		"From":         "<sip:caller@test.invalid>;tag=peer1",
		"To":           "<" + uri + ">",
		"Call-ID":      fmt.Sprintf("call-%d@test.invalid", time.Now().UnixNano()),
		"CSeq":         "1 " + method,
		"Contact":      "<sip:caller@" + p.local + ">",
	}
	if body != "" {
		order = append(order, "Content-Type")
		h["Content-Type"] = "application/sdp"
	}
	for k, v := range vary {
		if _, known := h[k]; !known {
			order = append(order, k)
		}
		h[k] = v
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\n", method, uri)
	for _, k := range order {
		if h[k] != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", k, h[k])
		}
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.String()
}
