package media

import (
	"net/netip"
	"time"

	"github.com/pion/srtp/v3"
)

// Feed hands a packet to an end as its reader goroutine would, and so measures the packet path without the system's
// share of the receiving side.
func (e *End) Feed(b []byte, from netip.AddrPort) { e.receive(b, from, time.Now()) }

// Crypt gives a browser end keys and a way, as ICE and DTLS would.
func (e *End) Crypt(in, out *srtp.Context, at netip.AddrPort) {
	e.ice.keys.Store(in)
	e.out.secured(out)
	e.out.giveConsent(at)
	e.plane.mu.Lock()
	e.plane.addrs[at] = e
	e.plane.mu.Unlock()
	e.ice.mu.Lock()
	e.ice.paths = append(e.ice.paths, at)
	e.ice.started, e.ice.dest, e.ice.lastCheck = true, at, time.Now()
	e.ice.mu.Unlock()
}

// FeedWeb returns a function that takes a packet as the web reader does.
func (p *Plane) FeedWeb() func(b []byte, from netip.AddrPort) {
	var r webReader
	plain := make([]byte, 0, maxPacket)
	return func(b []byte, from netip.AddrPort) { r.demux(p, b, plain, from) }
}

// AgeCheck makes a browser's latest check older.
func (e *End) AgeCheck(by time.Duration) {
	e.ice.mu.Lock()
	defer e.ice.mu.Unlock()
	if !e.ice.lastCheck.IsZero() {
		e.ice.lastCheck = e.ice.lastCheck.Add(-by)
	}
}

// AgeSound makes the latest packet older.
func (e *End) AgeSound(by time.Duration) {
	e.in.mu.Lock()
	defer e.in.mu.Unlock()
	e.in.since = e.in.since.Add(-by)
}
