package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// sockets are opened before anything else, so that a port in use is the first thing said and every address is known.
type sockets struct {
	web net.Listener
	udp net.PacketConn
	tcp net.Listener
	sip netip.AddrPort
}

// openSockets listens for the web server and, on one port, for SIP over UDP and TCP. Port 0 takes free ports.
func openSockets(ctx context.Context, httpAddr, sipAddr netip.AddrPort) (*sockets, error) {
	var lc net.ListenConfig
	s := &sockets{}
	var err error
	if s.web, err = lc.Listen(ctx, "tcp", httpAddr.String()); err != nil {
		return nil, taken("http", err)
	}
	// A free UDP port may be taken on TCP: with port 0 a few are tried.
	for range 20 {
		if s.udp, err = lc.ListenPacket(ctx, "udp", sipAddr.String()); err != nil {
			break
		}
		s.sip = s.udp.LocalAddr().(*net.UDPAddr).AddrPort() //nolint:forcetypeassert // ListenPacket("udp") gives nothing else
		if s.tcp, err = lc.Listen(ctx, "tcp", s.sip.String()); err == nil || sipAddr.Port() != 0 {
			break
		}
		err = errors.Join(err, s.udp.Close())
	}
	if err != nil {
		s.close()
		return nil, taken("sip", err)
	}
	s.sip = netip.AddrPortFrom(sipAddr.Addr(), s.sip.Port())
	return s, nil
}

// taken is err with the way out when another program has the port.
func taken(flag string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s: %w: choose another with --%s ADDRESS:PORT; port 0 takes a free one", flag, err, flag)
	}
	return fmt.Errorf("%s: %w", flag, err)
}

// close releases what has been opened. Whoever was given a socket may have closed it already: a second time does no harm.
func (s *sockets) close() {
	if s.web != nil {
		_ = s.web.Close()
	}
	if s.tcp != nil {
		_ = s.tcp.Close()
	}
	if s.udp != nil {
		_ = s.udp.Close()
	}
}
