package amifake

import (
	"bufio"
	"context"
	"crypto/md5" //nolint:gosec // The protocol has no other challenge.
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
)

const challenge = "1234567"

// Action is what a client sent.
type Action struct {
	Name   string
	Header map[string]string // by name in lower case; the last of each name
	Text   string            // as it was sent
}

// Server is a manager interface. Its fields are set before the first connection; its methods may be called concurrently.
type Server struct {
	Secret string // what a login must prove to know
	// Answer returns what is sent for an action, each text one message without its empty line and ActionID; nil for silence. Nil
	// answers every action with success. Challenge, Login and Ping are answered by the server itself unless Mute.
	Answer func(a Action) []string
	Mute   func(a Action) bool // nil: never
	TLS    *tls.Config         // nil: none

	mu      sync.Mutex
	conn    net.Conn
	dials   int
	refuse  bool
	wg      sync.WaitGroup
	seen    []Action
	changed chan struct{}
}

// Dial is a connection to the server, of the kind that ami.Config.Dial wants. A new connection replaces the last one.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials++
	if s.refuse {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	s.conn = ours
	if s.TLS != nil {
		s.conn = tls.Server(ours, s.TLS)
	}
	conn := s.conn
	s.wg.Go(func() { s.serve(conn) })
	return theirs, ctx.Err()
}

// Dials returns how often a connection was wanted.
func (s *Server) Dials() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dials
}

// Refuse makes the server take no connections, until Accept.
func (s *Server) Refuse() { s.setRefuse(true) }

// Accept makes the server take connections again.
func (s *Server) Accept() { s.setRefuse(false) }

func (s *Server) setRefuse(no bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = no
}

// Cut ends the present connection.
func (s *Server) Cut() {
	s.mu.Lock()
	c := s.conn
	s.mu.Unlock()
	if c != nil {
		_ = c.Close()
	}
}

// Close ends the present connection and waits for everything of the server.
func (s *Server) Close() {
	s.Cut()
	s.wg.Wait()
}

// Send sends bytes as they are; it fails when the client is gone.
func (s *Server) Send(text string) error {
	s.mu.Lock()
	c := s.conn
	s.mu.Unlock()
	if c == nil {
		return net.ErrClosed
	}
	_, err := c.Write([]byte(text))
	return err
}

// Event sends an event: its name, then header lines.
func (s *Server) Event(name string, headers ...string) error {
	return s.Send(message(append([]string{"Event: " + name}, headers...)...))
}

// Wait waits for the n-th action of a name, from 1, and returns it.
func (s *Server) Wait(ctx context.Context, name string, n int) (Action, error) {
	for {
		s.mu.Lock()
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed, found := s.changed, 0
		for _, a := range s.seen {
			if a.Name == name {
				if found++; found == n {
					s.mu.Unlock()
					return a, nil
				}
			}
		}
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return Action{}, fmt.Errorf("%d of %d actions %s: %w", found, n, name, ctx.Err())
		}
	}
}

func message(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }

func (s *Server) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte("Asterisk Call Manager/11.0.0\r\n")); err != nil {
		return
	}
	for r := bufio.NewReader(c); ; {
		a, err := readAction(r)
		if err != nil {
			return
		}
		s.note(a)
		for _, m := range s.answer(a) {
			if _, err := c.Write([]byte(message(m, "ActionID: "+a.Header["actionid"]))); err != nil {
				return
			}
		}
	}
}

func readAction(r *bufio.Reader) (Action, error) {
	a := Action{Header: map[string]string{}}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return a, err
		}
		a.Text += line
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			a.Name = a.Header["action"]
			return a, nil
		}
		name, value, _ := strings.Cut(line, ": ")
		a.Header[strings.ToLower(name)] = value
	}
}

func (s *Server) note(a Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, a)
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

func (s *Server) answer(a Action) []string {
	if s.Mute != nil && s.Mute(a) {
		return nil
	}
	switch a.Name {
	case "Challenge":
		return []string{"Response: Success\r\nChallenge: " + challenge}
	case "Login":
		sum := md5.Sum([]byte(challenge + s.Secret)) //nolint:gosec // See the import.
		if a.Header["key"] != hex.EncodeToString(sum[:]) {
			return []string{"Response: Error\r\nMessage: Authentication failed"}
		}
		return []string{"Response: Success\r\nMessage: Authentication accepted"}
	case "Ping":
		return []string{"Response: Success\r\nPing: Pong"}
	}
	if s.Answer != nil {
		return s.Answer(a)
	}
	return []string{"Response: Success"}
}
