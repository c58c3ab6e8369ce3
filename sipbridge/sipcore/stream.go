package sipcore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

var (
	errStreamTooLarge = errors.New("sipcore: message too large for the stream")
	errStreamFraming  = errors.New("sipcore: stream without message boundary")
)

// splitMessage finds the first whole message in a stream (RFC 3261 18.3): its length, or 0
// when more bytes are needed. skip is how many bytes of CRLF keep-alives are before it.
func splitMessage(b []byte, limit int) (skip, n int, err error) {
	for skip < len(b) && (b[skip] == '\r' || b[skip] == '\n') {
		skip++
	}
	b = b[skip:]
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		if len(b) > limit {
			return skip, 0, errStreamTooLarge
		}
		return skip, 0, nil
	}
	head += 4
	body, err := contentLength(b[:head])
	if err != nil {
		return skip, 0, err
	}
	if head+body > limit {
		return skip, 0, errStreamTooLarge
	}
	if len(b) < head+body {
		return skip, 0, nil
	}
	return skip, head + body, nil
}

// contentLength reads the Content-Length of a header section; none means no body.
func contentLength(head []byte) (int, error) {
	length, seen := 0, false
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		switch strings.ToLower(string(bytes.TrimRight(name, " \t"))) {
		case "content-length", "l":
			n, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 31)
			if err != nil || (seen && int(n) != length) {
				return 0, fmt.Errorf("%w: content-length", errStreamFraming)
			}
			length, seen = int(n), true
		}
	}
	return length, nil
}

// readTCP serves one connection until it ends.
func (e *Endpoint) readTCP(ctx context.Context, c net.Conn, f *Flow) {
	defer e.dropFlow(f)
	buf := make([]byte, 0, 8192)
	// Strangers' connections that only hold memory are closed soon; one that we made ourselves may be silent.
	owed, began := f.accepted, time.Now()
	for {
		deadline := time.Now().Add(e.cfg.IdleTimeout)
		if end := began.Add(e.cfg.MessageTimeout); owed && end.Before(deadline) {
			deadline = end
		}
		if err := c.SetReadDeadline(deadline); err != nil {
			return
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := c.Read(buf[len(buf):cap(buf)])
		if err != nil {
			return
		}
		buf = buf[:len(buf)+n]
		rest, err := e.drain(ctx, f, buf)
		if err != nil {
			e.count.malformed.Add(1)
			e.log.InfoContext(ctx, "sip stream closed", "source", f.remote.Addr(), "reason", err)
			return
		}
		if whole := len(rest) < len(buf); whole || !owed {
			began = time.Now()
			owed = len(rest) > 0
		}
		buf = append(buf[:0], rest...)
		if cap(buf) > 4*e.cfg.MaxMessage && len(buf) == 0 {
			buf = make([]byte, 0, 8192)
		}
	}
}

// drain takes the whole messages off the buffer.
func (e *Endpoint) drain(ctx context.Context, f *Flow, b []byte) ([]byte, error) {
	for {
		skip, n, err := splitMessage(b, e.cfg.MaxMessage)
		if skip > 0 {
			e.keepAlive(f, b[:skip])
		}
		b = b[skip:]
		if err != nil || n == 0 {
			return b, err
		}
		if e.guard.allow(f.remote.Addr(), time.Now()) {
			e.ingest(ctx, f, b[:n])
		} else {
			e.count.rateLimited.Add(1)
		}
		b = b[n:]
	}
}

// keepAlive answers the double CRLF of RFC 5626 section 3.5.1.
func (e *Endpoint) keepAlive(f *Flow, b []byte) {
	e.count.keepAlives.Add(1)
	if len(b) == 4 && string(b) == "\r\n\r\n" {
		_ = f.write([]byte("\r\n")) // a keep-alive that cannot be answered has failed, as it should
	}
}

// serveMessages serves a connection of whole messages.
func (e *Endpoint) serveMessages(ctx context.Context, c MessageConn) error {
	f := &Flow{
		id: fmt.Sprintf("ws/%d", e.serial.Add(1)), transport: TransportWS,
		local: addrPort(c.LocalAddr()), remote: addrPort(c.RemoteAddr()), user: c.User(),
		listener: "ws", send: c.WriteMessage, shut: c.Close, symmetric: true,
	}
	f.advertise = f.local.String()
	if c.Secure() {
		f.transport = TransportWSS
	}
	if !e.running() || !e.addFlow(f) {
		if err := c.Close(); err != nil {
			return fmt.Errorf("%w: %w", ErrClosed, err)
		}
		return ErrClosed
	}
	defer e.dropFlow(f)
	done := make(chan error, 1)
	if !e.spawn(func(inner context.Context) { done <- e.readMessages(inner, c, f) }) {
		return ErrClosed
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		e.dropFlow(f)
		return errors.Join(ctx.Err(), <-done)
	}
}

func (e *Endpoint) readMessages(ctx context.Context, c MessageConn, f *Flow) error {
	for {
		b, err := c.ReadMessage()
		if err != nil {
			return err
		}
		if !e.guard.allow(f.remote.Addr(), time.Now()) {
			e.count.rateLimited.Add(1)
			continue
		}
		e.ingest(ctx, f, b)
	}
}
