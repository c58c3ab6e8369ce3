package wsfront

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
	"unicode/utf8"
)

// Conn is one WebSocket as a stream of whole messages. ReadMessage is for one goroutine;
// everything else may be called concurrently.
type Conn struct {
	front  *Front
	nc     net.Conn
	r      *bufio.Reader
	remote netip.AddrPort
	user   string
	secure bool
	proto  string
	done   chan struct{}
	once   sync.Once

	mu     sync.Mutex // guards the queue
	queue  [][]byte   // encoded frames; above Config.SendQueue the connection is closed
	kick   chan struct{}
	saying bool // a close frame is queued; nothing may follow it
}

// RemoteAddr is the client's address.
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// LocalAddr is the server's address of the connection.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// User is who Config.Authenticate named; empty otherwise.
func (c *Conn) User() string { return c.user }

// Secure says whether the connection runs over TLS here.
func (c *Conn) Secure() bool { return c.secure }

// Subprotocol is the agreed subprotocol.
func (c *Conn) Subprotocol() string { return c.proto }

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// ReadMessage returns the next whole message, text or binary, put together from its
// fragments. Pings, pongs and CRLF keep-alives are dealt with on the way. After an error
// the connection is closed.
func (c *Conn) ReadMessage() ([]byte, error) {
	for {
		msg, err := c.readMessage()
		if err != nil {
			c.fail(err)
			return nil, err
		}
		if len(bytes.Trim(msg, "\r\n")) > 0 {
			c.front.count.messages.Add(1)
			return msg, nil
		}
		c.front.count.keepAlives.Add(1)
		if len(msg) == 4 {
			if err := c.WriteMessage([]byte("\r\n")); err != nil {
				return nil, err
			}
		}
	}
}

// readMessage reads frames up to the end of a message.
func (c *Conn) readMessage() ([]byte, error) {
	var (
		msg     []byte
		started bool
		text    bool
	)
	for {
		if err := c.nc.SetReadDeadline(time.Now().Add(c.front.cfg.IdleTimeout)); err != nil {
			return nil, err
		}
		f, err := readFrame(c.r, c.front.cfg.MaxMessage)
		if err != nil {
			return nil, err
		}
		if f.op.control() {
			if err := c.control(f); err != nil {
				return nil, err
			}
			continue
		}
		if started != (f.op == opContinuation) {
			return nil, ErrProtocol
		}
		if !started {
			started, text = true, f.op == opText
		}
		if len(msg)+len(f.payload) > c.front.cfg.MaxMessage {
			return nil, ErrTooLarge
		}
		msg = append(msg, f.payload...)
		if !f.fin {
			continue
		}
		if text && !utf8.Valid(msg) {
			return nil, errBadText
		}
		return msg, nil
	}
}

var errBadText = errors.New("wsfront: text that is not UTF-8")

func (c *Conn) control(f frame) error {
	switch f.op {
	case opPing:
		return c.enqueue(opPong, f.payload)
	case opClose:
		code, err := closeCode(f.payload)
		c.sayClose(code)
		if err != nil {
			return err
		}
		return ErrClosed
	case opPong, opContinuation, opText, opBinary:
	}
	return nil
}

// fail ends the connection with the close code of the error.
func (c *Conn) fail(err error) {
	count := &c.front.count
	switch {
	case errors.Is(err, ErrTooLarge):
		count.tooLarge.Add(1)
		c.sayClose(closeTooBig)
	case errors.Is(err, errBadText):
		count.violations.Add(1)
		c.sayClose(closeBadText)
	case errors.Is(err, ErrProtocol):
		count.violations.Add(1)
		c.sayClose(closeProtocol)
	case errors.Is(err, os.ErrDeadlineExceeded):
		count.idle.Add(1)
		c.sayClose(closeGoingAway)
	case errors.Is(err, ErrClosed):
	default:
		_ = c.hangup() // the network has failed
		return
	}
	// The writer sends the close frame and hangs up.
}

// WriteMessage queues one text message. [ErrSlow] means that the client does not read and
// has been disconnected, [ErrClosed] that it is gone. It never blocks.
func (c *Conn) WriteMessage(b []byte) error {
	op := opText
	if !utf8.Valid(b) {
		op = opBinary
	}
	return c.enqueue(op, b)
}

func (c *Conn) enqueue(op opcode, payload []byte) error {
	select {
	case <-c.done:
		return ErrClosed
	default:
	}
	c.mu.Lock()
	if c.saying {
		c.mu.Unlock()
		return ErrClosed
	}
	if len(c.queue) >= c.front.cfg.SendQueue {
		c.mu.Unlock()
		c.front.count.slow.Add(1)
		_ = c.hangup() // it does not read anyway
		return ErrSlow
	}
	c.queue = append(c.queue, appendFrame(nil, op, payload))
	c.mu.Unlock()
	c.wake()
	return nil
}

func (c *Conn) wake() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// sayClose queues a close frame as the last one.
func (c *Conn) sayClose(code int) {
	c.mu.Lock()
	if !c.saying {
		c.saying = true
		c.queue = append(c.queue, appendFrame(nil, opClose, closePayload(code)))
	}
	c.mu.Unlock()
	c.wake()
}

// write is the writer: it sends what is queued and, now and then, a ping.
func (c *Conn) write() {
	defer func() { _ = c.hangup() }() // it may be closed already
	var ping <-chan time.Time
	if c.front.cfg.PingEvery > 0 {
		t := time.NewTicker(c.front.cfg.PingEvery)
		defer t.Stop()
		ping = t.C
	}
	for {
		select {
		case <-c.kick:
		case <-ping:
			// A close frame that is queued already still has to go out.
			if err := c.enqueue(opPing, nil); errors.Is(err, ErrSlow) {
				return
			}
		case <-c.done:
			return
		}
		c.mu.Lock()
		batch, last := c.queue, c.saying
		c.queue = nil
		c.mu.Unlock()
		if len(batch) == 0 {
			continue
		}
		if err := c.nc.SetWriteDeadline(time.Now().Add(c.front.cfg.WriteTimeout)); err != nil {
			return
		}
		buffers := net.Buffers(batch)
		if _, err := buffers.WriteTo(c.nc); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.front.count.slow.Add(1)
			}
			return
		}
		if last {
			return
		}
	}
}

// Close ends the connection with a close frame. It does not wait.
func (c *Conn) Close() error {
	c.sayClose(closeNormal)
	return nil
}

// hangup ends the connection without a word.
func (c *Conn) hangup() error {
	var err error
	c.once.Do(func() {
		close(c.done)
		err = c.nc.Close()
	})
	return err
}
