package ami

import (
	"context"
	"crypto/md5" //nolint:gosec // The protocol has no other challenge.
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

const (
	// outbox is how many actions may wait to be written; beyond, Send and Do fail with tandem.ErrFull.
	outbox = 4096
	// pingID begins the ActionIDs of keep-alives, whose answers are for nobody.
	pingID = "tandem-ping"
)

// session is one connection after its login.
type session struct {
	conn     net.Conn
	frames   *frames
	out      chan []byte
	greeting string
	login    Message
}

// connect opens a connection and logs in.
func (c *Client) connect(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	conn, err := c.cfg.Dial(ctx, "tcp", c.cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("ami: connect: %w", err)
	}
	// The end of ctx must end a login that waits for a mute server, too.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	s, err := c.logIn(ctx, conn)
	if !stop() && err == nil {
		err = fmt.Errorf("ami: login: %w", ctx.Err())
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

// logIn reads the greeting and logs in by challenge, so that the secret itself is not sent.
func (c *Client) logIn(ctx context.Context, conn net.Conn) (*session, error) {
	if c.cfg.TLS != nil {
		t := tls.Client(conn, c.cfg.TLS)
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("ami: TLS: %w", err)
		}
		conn = t
	}
	s := &session{
		conn: conn, frames: newFrames(conn, c.cfg.MaxLine, c.cfg.MaxMessage), out: make(chan []byte, outbox),
	}
	greeting, err := s.frames.readLine()
	if err != nil {
		return nil, fmt.Errorf("ami: greeting: %w", err)
	}
	if !strings.HasPrefix(string(greeting), "Asterisk Call Manager/") {
		return nil, fmt.Errorf("ami: greeting %.40q: this is no Asterisk manager interface", greeting)
	}
	s.greeting = string(greeting)
	challenge, err := s.exchange(NewAction("Challenge").With("AuthType", "MD5"))
	if err != nil {
		return nil, fmt.Errorf("ami: challenge: %w", err)
	}
	if err := challenge.Err(); err != nil {
		return nil, fmt.Errorf("ami: challenge: %w: %w", ErrAuth, err)
	}
	sum := md5.Sum([]byte(challenge.Get("Challenge") + c.cfg.Secret)) //nolint:gosec // See the import.
	s.login, err = s.exchange(NewAction("Login").With("AuthType", "MD5").With("Username", c.cfg.Username).
		With("Key", hex.EncodeToString(sum[:])).With("Events", c.cfg.Events))
	if err != nil {
		return nil, fmt.Errorf("ami: login: %w", err)
	}
	if err := s.login.Err(); err != nil {
		return nil, fmt.Errorf("ami: login as %s: %w: %w", c.cfg.Username, ErrAuth, err)
	}
	return s, nil
}

// exchange sends an action and returns the response. Events do not come before the login.
func (s *session) exchange(a *Action) (Message, error) {
	b, err := a.encode("login")
	if err != nil {
		return Message{}, err
	}
	if _, err := s.conn.Write(b); err != nil {
		return Message{}, err
	}
	for {
		m, err := s.frames.next()
		if err != nil || m.Event() == "" {
			return m, err
		}
	}
}

// run reads and writes until the connection ends, and says why it did.
func (s *session) run(ctx context.Context, c *Client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Closing is what wakes the reader.
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	defer stop()
	var writer sync.WaitGroup
	writer.Go(func() { cancel(s.write(ctx, c)) })
	cancel(s.read(c))
	writer.Wait()
	_ = s.conn.Close()
	return context.Cause(ctx)
}

// read takes messages until the connection ends.
func (s *session) read(c *Client) error {
	for {
		// Each Ping brings at least its response; silence is a dead peer.
		if err := s.conn.SetReadDeadline(time.Now().Add(c.cfg.Ping + c.cfg.Timeout)); err != nil {
			return err
		}
		m, err := s.frames.next()
		if err != nil {
			return err
		}
		if err := c.take(m); err != nil {
			return err
		}
	}
}

// write sends actions and keep-alives until ctx ends or sending fails.
func (s *session) write(ctx context.Context, c *Client) error {
	ping, err := NewAction("Ping").encode(pingID)
	if err != nil {
		return err
	}
	tick := time.NewTicker(c.cfg.Ping)
	defer tick.Stop()
	for {
		var b []byte
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b = <-s.out:
		case <-tick.C:
			b = ping
		}
		if err := s.conn.SetWriteDeadline(time.Now().Add(c.cfg.Timeout)); err != nil {
			return err
		}
		if _, err := s.conn.Write(b); err != nil {
			return err
		}
	}
}
