package wsfront_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/wsfront"
)

// echo sends every message back.
func echo(_ context.Context, c *wsfront.Conn) error {
	for {
		b, err := c.ReadMessage()
		if err != nil {
			return err
		}
		if err := c.WriteMessage(b); err != nil {
			return err
		}
	}
}

func serve(t *testing.T, change func(*wsfront.Config)) (*wsfront.Front, string) {
	t.Helper()
	cfg := wsfront.Config{Serve: echo}
	if change != nil {
		change(&cfg)
	}
	front, err := wsfront.New(cfg)
	require.NoError(t, err)
	srv := httptest.NewServer(front)
	t.Cleanup(srv.Close)
	return front, srv.URL
}

// raw is a client that writes frames by hand.
type raw struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
}

// dial makes the handshake by hand; header lines are added to it.
func dial(t *testing.T, url string, headers ...string) (*raw, int) {
	t.Helper()
	var d net.Dialer
	nc, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	require.NoError(t, nc.SetDeadline(time.Now().Add(10*time.Second)))
	if len(headers) == 0 {
		headers = []string{"Sec-WebSocket-Protocol: sip"}
	}
	_, err = fmt.Fprintf(nc, "GET /ws HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n\r\n",
		strings.TrimPrefix(url, "http://"), strings.Join(headers, "\r\n"))
	require.NoError(t, err)
	c := &raw{t: t, nc: nc, r: bufio.NewReader(nc)}
	res, err := http.ReadResponse(c.r, nil) //nolint:bodyclose // an upgrade has no body, and a refusal ends the connection.
	require.NoError(t, err)
	if res.StatusCode == 101 {
		require.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", res.Header.Get("Sec-WebSocket-Accept"), "RFC 6455 section 1.3")
		require.Equal(t, "sip", res.Header.Get("Sec-WebSocket-Protocol"))
	}
	return c, res.StatusCode
}

// frame writes one masked frame.
func (c *raw) frame(first byte, payload string) {
	c.t.Helper()
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := [4]byte{1, 2, 3, 4}
	b = append(b, mask[:]...)
	for i := range payload {
		b = append(b, payload[i]^mask[i&3])
	}
	_, err := c.nc.Write(b)
	require.NoError(c.t, err)
}

// read reads one frame of the server.
func (c *raw) read() (byte, string) {
	c.t.Helper()
	var head [2]byte
	_, err := io.ReadFull(c.r, head[:])
	require.NoError(c.t, err)
	require.Zero(c.t, head[1]&0x80, "servers do not mask")
	n := uint64(head[1])
	switch n {
	case 126:
		var x [2]byte
		_, err = io.ReadFull(c.r, x[:])
		n = uint64(binary.BigEndian.Uint16(x[:]))
	case 127:
		var x [8]byte
		_, err = io.ReadFull(c.r, x[:])
		n = binary.BigEndian.Uint64(x[:])
	}
	require.NoError(c.t, err)
	b := make([]byte, n)
	_, err = io.ReadFull(c.r, b)
	require.NoError(c.t, err)
	return head[0], string(b)
}

// closed reads the close frame and its code.
func (c *raw) closed() int {
	c.t.Helper()
	first, payload := c.read()
	require.Equal(c.t, byte(0x88), first)
	_, err := c.r.ReadByte()
	require.ErrorIs(c.t, err, io.EOF, "the connection ends after the close frame")
	return int(binary.BigEndian.Uint16([]byte(payload)))
}

func TestFront_CarriesWholeMessagesHoweverTheyAreFramed(t *testing.T) {
	t.Parallel()
	front, url := serve(t, nil)
	c, status := dial(t, url)
	require.Equal(t, 101, status)
	c.frame(0x81, "text")
	_, got := c.read()
	require.Equal(t, "text", got)
	c.frame(0x82, "binary")
	first, got := c.read()
	require.Equal(t, byte(0x81), first, "SIP is sent as text")
	require.Equal(t, "binary", got)
	c.frame(0x01, "frag")
	c.frame(0x89, "ping in between")
	first, got = c.read()
	require.Equal(t, byte(0x8a), first)
	require.Equal(t, "ping in between", got)
	c.frame(0x00, "men")
	c.frame(0x80, "ted")
	_, got = c.read()
	require.Equal(t, "fragmented", got)
	c.frame(0x8a, "unasked pong")
	c.frame(0x81, "\r\n\r\n")
	_, got = c.read()
	require.Equal(t, "\r\n", got, "RFC 5626 3.5.1")
	c.frame(0x81, "\r\n")
	big := strings.Repeat("x", 60000)
	c.frame(0x81, big)
	_, got = c.read()
	require.Equal(t, big, got)
	c.frame(0x82, "not utf-8 \xff\xfe")
	first, _ = c.read()
	require.Equal(t, byte(0x82), first)
	c.frame(0x88, "\x03\xe8bye")
	require.Equal(t, 1000, c.closed())
	n := front.Counters()
	require.EqualValues(t, 5, n.Messages)
	require.EqualValues(t, 2, n.KeepAlives)
	require.Eventually(t, func() bool { return front.Counters().Open == 0 }, 5*time.Second, time.Millisecond)
}

func TestFront_EndsWhatBreaksTheProtocol(t *testing.T) {
	t.Parallel()
	front, url := serve(t, func(c *wsfront.Config) { c.MaxMessage = 1000 })
	cases := map[string]struct {
		send func(c *raw)
		code int
	}{
		"reserved bit":             {func(c *raw) { c.frame(0xc1, "x") }, 1002},
		"unknown opcode":           {func(c *raw) { c.frame(0x83, "x") }, 1002},
		"no mask":                  {func(c *raw) { _, _ = c.nc.Write([]byte{0x81, 1, 'x'}) }, 1002},
		"continuation of nothing":  {func(c *raw) { c.frame(0x80, "x") }, 1002},
		"text within text":         {func(c *raw) { c.frame(0x01, "x"); c.frame(0x81, "y") }, 1002},
		"fragmented ping":          {func(c *raw) { c.frame(0x09, "x") }, 1002},
		"long ping":                {func(c *raw) { c.frame(0x89, strings.Repeat("x", 126)) }, 1002},
		"length not short":         {func(c *raw) { _, _ = c.nc.Write([]byte{0x81, 0x80 | 126, 0, 5, 0, 0, 0, 0}) }, 1002},
		"bad close code":           {func(c *raw) { c.frame(0x88, "\x03\xed") }, 1002},
		"text that is not UTF-8":   {func(c *raw) { c.frame(0x81, "\xff") }, 1007},
		"frame too large":          {func(c *raw) { c.frame(0x81, strings.Repeat("x", 1001)) }, 1009},
		"fragments too large":      {func(c *raw) { c.frame(0x01, strings.Repeat("x", 600)); c.frame(0x80, strings.Repeat("x", 600)) }, 1009},
		"length of 2^62, no bytes": {func(c *raw) { _, _ = c.nc.Write([]byte{0x81, 0x80 | 127, 0x40, 0, 0, 0, 0, 0, 0, 0}) }, 1009},
	}
	for name, tc := range cases {
		c, status := dial(t, url)
		require.Equal(t, 101, status)
		tc.send(c)
		require.Equal(t, tc.code, c.closed(), name)
	}
	n := front.Counters()
	require.EqualValues(t, 3, n.TooLarge)
	require.Positive(t, n.Violations)
}

func TestFront_RefusesBeforeUpgrading(t *testing.T) {
	t.Parallel()
	front, url := serve(t, func(c *wsfront.Config) {
		c.MaxConnectionsPerIP = 1
		c.Authenticate = func(r *http.Request) (string, error) {
			if r.Header.Get("Cookie") == "bad" {
				return "", errors.New("bad cookie")
			}
			return "1001", nil
		}
	})
	host := strings.TrimPrefix(url, "http://")
	for _, c := range []struct {
		want    int
		headers []string
	}{
		{400, []string{"X: no subprotocol"}},
		{400, []string{"Sec-WebSocket-Protocol: chat"}},
		{403, []string{"Sec-WebSocket-Protocol: sip", "Origin: https://evil.example"}},
		{401, []string{"Sec-WebSocket-Protocol: sip", "Cookie: bad"}},
		{101, []string{"Sec-WebSocket-Protocol: chat, sip", "Origin: http://" + host}},
		{429, []string{"Sec-WebSocket-Protocol: sip"}},
	} {
		_, status := dial(t, url, c.headers...)
		require.Equal(t, c.want, status, "%v", c.headers)
	}
	res, err := http.Get(url) //nolint:noctx // a plain request on loopback.
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusUpgradeRequired, res.StatusCode)
	require.Equal(t, "13", res.Header.Get("Sec-Websocket-Version"))
	n := front.Counters()
	require.EqualValues(t, 1, n.RefusedOrigin)
	require.EqualValues(t, 1, n.RefusedAuth)
	require.EqualValues(t, 1, n.RefusedLimit)
	require.EqualValues(t, 3, n.RefusedHandshake)
}

func TestFront_IdleClientsAreEndedAndLivelyOnesPinged(t *testing.T) {
	t.Parallel()
	front, url := serve(t, func(c *wsfront.Config) { c.IdleTimeout, c.PingEvery = 300*time.Millisecond, 50*time.Millisecond })
	c, _ := dial(t, url)
	pings := 0
	for {
		first, payload := c.read()
		if first == 0x88 {
			require.Equal(t, 1001, int(binary.BigEndian.Uint16([]byte(payload))))
			break
		}
		require.Equal(t, byte(0x89), first)
		pings++
	}
	require.GreaterOrEqual(t, pings, 2)
	require.EqualValues(t, 1, front.Counters().Idle)
}

func TestFront_SlowReaderIsDisconnectedAndBlocksNobody(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	front, url := serve(t, func(c *wsfront.Config) {
		c.SendQueue, c.WriteTimeout = 4, 10*time.Second
		c.Serve = func(_ context.Context, c *wsfront.Conn) error {
			big := make([]byte, 60000)
			for {
				began := time.Now()
				if err := c.WriteMessage(big); err != nil {
					failed <- err
					return err
				}
				if took := time.Since(began); took > time.Second {
					failed <- fmt.Errorf("a write took %s", took)
				}
			}
		}
	})
	dial(t, url) // and never reads
	require.ErrorIs(t, <-failed, wsfront.ErrSlow)
	require.EqualValues(t, 1, front.Counters().Slow)
}

func TestFront_ServesAnIndependentClient(t *testing.T) {
	t.Parallel()
	_, url := serve(t, nil)
	c, res, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: []string{"sip"}})
	require.NoError(t, err)
	if res.Body != nil {
		require.NoError(t, res.Body.Close())
	}
	for _, m := range []string{"one", strings.Repeat("two", 5000)} {
		require.NoError(t, c.Write(t.Context(), websocket.MessageText, []byte(m)))
		_, got, err := c.Read(t.Context())
		require.NoError(t, err)
		require.Equal(t, m, string(got))
	}
	require.NoError(t, c.Close(websocket.StatusNormalClosure, "done"))
}

func TestFront_IdleConnectionsDoNotDelayTheNext(t *testing.T) {
	t.Parallel()
	_, url := serve(t, func(c *wsfront.Config) { c.MaxConnectionsPerIP = 300 })
	for range 100 {
		var d net.Dialer
		nc, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = nc.Close() })
		_, err = nc.Write([]byte("GET / HTTP/1.1\r\n"))
		require.NoError(t, err)
	}
	for range 100 {
		_, status := dial(t, url)
		require.Equal(t, 101, status)
	}
	c, status := dial(t, url)
	require.Equal(t, 101, status)
	c.frame(0x81, "hello")
	_, got := c.read()
	require.Equal(t, "hello", got)
}

// ExampleFront mounts the door beside the rest of a web server.
func ExampleFront() {
	front, err := wsfront.New(wsfront.Config{Serve: echo})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/ws", front)
	srv := httptest.NewServer(mux)
	defer srv.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, //nolint:bodyclose // an upgrade has no body.
		srv.URL+"/ws", &websocket.DialOptions{Subprotocols: []string{"sip"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = c.Write(ctx, websocket.MessageText, []byte("OPTIONS sip:me SIP/2.0"))
	_, answer, err := c.Read(ctx)
	fmt.Println(string(answer), err)
	_ = c.Close(websocket.StatusNormalClosure, "")
	// Output: OPTIONS sip:me SIP/2.0 <nil>
}
