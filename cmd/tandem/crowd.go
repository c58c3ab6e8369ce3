package main

import (
	"net"
	"net/netip"
	"sync"
)

// The bounds of the web server's connections. Each holds a file descriptor, and calls need theirs: a stranger who opens
// connections without end must not keep a caller's sound from finding a socket.
const (
	maxWebConns       = 8192
	maxWebConnsSource = 512 // of one address that is not this machine's own, where a proxy may stand
)

// crowd is a listener that closes what comes beyond its bounds at once.
type crowd struct {
	net.Listener

	total  int
	source int // 0: addresses are not told apart, because a proxy in front has but one

	mu   sync.Mutex // guards the fields below
	open int
	by   map[netip.Addr]int
}

func newCrowd(l net.Listener, total, source int) *crowd {
	return &crowd{Listener: l, total: total, source: source, by: map[netip.Addr]int{}}
}

// Accept returns the next connection that is within the bounds.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // The web server looks at the kind of the error.
		}
		var from netip.Addr
		if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
			from = a.AddrPort().Addr().Unmap().WithZone("")
		}
		if c.enter(from) {
			return &guest{Conn: conn, leave: sync.OnceFunc(func() { c.leave(from) })}, nil
		}
		_ = conn.Close() // It has been told nothing.
	}
}

func (c *crowd) enter(from netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open >= c.total || c.source > 0 && !from.IsLoopback() && c.by[from] >= c.source {
		return false
	}
	c.open++
	c.by[from]++
	return true
}

func (c *crowd) leave(from netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	if c.by[from]--; c.by[from] <= 0 {
		delete(c.by, from)
	}
}

// guest is a connection that is counted until it is closed.
type guest struct {
	net.Conn

	leave func()
}

// Close closes the connection.
func (g *guest) Close() error {
	g.leave()
	return g.Conn.Close()
}
