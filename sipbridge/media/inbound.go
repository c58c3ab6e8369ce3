package media

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// learnWindow is how long after Apply with a new address the described source may take over from a learned one.
	learnWindow = 5 * time.Second
	// learnPackets is how many packets in a row a source that is not the described one must send to be believed.
	learnPackets = 3
	// relearnAfter is the silence after which another source may be believed.
	relearnAfter = 10 * time.Second
)

// inbound is what an end receives. Its reader goroutine takes the lock for each packet, the plane's clock a few times a second.
type inbound struct {
	mu     sync.Mutex
	strict bool
	source learning

	begun    bool
	ssrc     uint32
	base     uint16 // first sequence number
	top      uint16 // highest
	expected uint64
	unique   uint64 // packets counted against expected
	transit  int64  // in clock units, for jitter
	jitter   float64
	rate     int

	packets, octets, foreign, dropped uint64
	lostBefore                        uint64 // of earlier SSRCs
	first, last                       time.Time
	since                             time.Time // when silence began to count
	silent, lostConsent               bool
	digit                             digitIn
	report                            reportIn
}

// learning finds out where a plain peer really sends from (RFC 7362), without believing just anyone.
type learning struct {
	described netip.AddrPort
	locked    netip.AddrPort
	candidate netip.AddrPort
	ssrc      uint32
	count     int
	until     time.Time
}

// apply takes a new description and returns where to send.
func (in *inbound) apply(described netip.AddrPort, now time.Time) netip.AddrPort {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.since = now
	l := &in.source
	if described != l.described || (described.IsValid() && !l.locked.IsValid()) {
		*l = learning{described: described, until: now.Add(learnWindow)}
	}
	if l.locked.IsValid() {
		return l.locked
	}
	return described
}

// believe decides on a packet's source: whether it counts, and whether the source was learned just now. since is when the
// believed source was last heard, or need not have been heard.
func (l *learning) believe(from netip.AddrPort, ssrc uint32, now, since time.Time) (ok, learned bool) {
	if from == l.locked {
		return true, false
	}
	silent := now.Sub(since) > relearnAfter
	if l.locked.IsValid() && !silent && (now.After(l.until) || l.locked == l.described || from != l.described) {
		return false, false
	}
	if from != l.described {
		if from != l.candidate || ssrc != l.ssrc {
			l.candidate, l.ssrc, l.count = from, ssrc, 0
		}
		if l.count++; l.count < learnPackets {
			return false, false
		}
	}
	l.locked, l.candidate, l.count = from, netip.AddrPort{}, 0
	return true, true
}

// readRTP is a plain end's reader goroutine.
func (e *End) readRTP() {
	buf := make([]byte, maxPacket)
	for {
		n, from, err := e.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			if e.isClosed() {
				return
			}
			continue // An ICMP error of an earlier packet.
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		now := time.Now()
		switch b := buf[:n]; {
		case n < fixedHeader-4 || n == maxPacket || !isRTP(b):
			e.in.drop()
		case isRTCP(b):
			if e.in.trusts(from) {
				e.receiveReport(b, now)
			}
		default:
			e.receive(b, from, now)
		}
	}
}

// receive takes an RTP packet, decrypted if need be, and sends it on. from is not valid on a browser end, where
// authentication says more than an address.
func (e *End) receive(b []byte, from netip.AddrPort, now time.Time) {
	h, ok := parseHeader(b)
	t := e.terms.Load()
	if !ok || t == nil || !e.accept(t, &h, from, now) {
		if !ok || t == nil {
			e.in.drop()
		}
		return
	}
	if t.known[h.payload] == useEvent {
		e.receiveDigit(&h, b[h.from:h.to], now)
	}
	if r := e.route.Load(); r != nil {
		r.to.forward(b, &h, r, now)
	}
}

// accept checks and counts one packet.
func (e *End) accept(t *terms, h *header, from netip.AddrPort, now time.Time) bool {
	in := &e.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if !t.agreement.Direction.Receives() { // Before learning: a held line is no time to believe somebody new.
		in.dropped++
		return false
	}
	known := t.known[h.payload] != useNot
	if e.ice == nil {
		if !known && from != in.source.locked {
			in.foreign++
			return false
		}
		ok, learned := in.believeLocked(from, h.ssrc, now)
		if !ok {
			in.foreign++
			return false
		}
		if learned {
			e.out.redirect(from)
		}
	}
	if !known {
		in.dropped++
		return false
	}
	in.count(h, t, now)
	if in.packets == 1 {
		e.emit(Event{Kind: EventUp})
	}
	if in.silent {
		in.silent = false
		e.emit(Event{Kind: EventResumed})
	}
	return true
}

func (in *inbound) believeLocked(from netip.AddrPort, ssrc uint32, now time.Time) (ok, learned bool) {
	if !in.strict {
		return in.source.believe(from, ssrc, now, in.since)
	}
	if from != in.source.described {
		return false, false
	}
	learned = from != in.source.locked
	in.source.locked = from
	return true, learned
}

// count keeps the figures of RFC 3550 appendix A.
func (in *inbound) count(h *header, t *terms, now time.Time) {
	in.packets++
	in.octets += uint64(h.to - h.from)
	if !in.begun || h.ssrc != in.ssrc {
		in.lostBefore += in.lost()
		in.begun, in.ssrc, in.base, in.top = true, h.ssrc, h.seq, h.seq
		in.expected, in.unique, in.transit, in.jitter = 1, 1, 0, 0
		in.report.restart()
	} else {
		in.unique++
		if d := int16(h.seq - in.top); d > 0 {
			in.expected += uint64(d)
			in.top = h.seq
		}
	}
	if in.first.IsZero() {
		in.first = now
	}
	in.rate = t.audio.Codec.Rate
	arrival := now.Sub(in.first).Nanoseconds() * int64(in.rate) / int64(time.Second)
	if t.known[h.payload] == useSound { // Events repeat their timestamp.
		transit := arrival - int64(h.ts)
		if in.transit != 0 {
			d := int64(int32(transit - in.transit)) // Timestamps wrap.
			in.jitter += (float64(max(d, -d)) - in.jitter) / 16
		}
		in.transit = transit
	}
	in.last, in.since = now, now
}

func (in *inbound) lost() uint64 {
	if in.expected > in.unique {
		return in.expected - in.unique
	}
	return 0
}

func (in *inbound) drop() {
	in.mu.Lock()
	in.dropped++
	in.mu.Unlock()
}

// trusts reports whether a plain peer's report comes from where its sound comes from (or the port above).
func (in *inbound) trusts(from netip.AddrPort) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.source.locked.IsValid() && from.Addr() == in.source.locked.Addr() &&
		(from.Port() == in.source.locked.Port() || from.Port() == in.source.locked.Port()+1)
}

// quiet notices when an end has heard nothing for too long.
func (e *End) quiet(now time.Time) {
	t := e.terms.Load()
	if t == nil {
		return
	}
	in := &e.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.since.IsZero() || !t.agreement.Direction.Receives() {
		in.since = now
		return
	}
	limit := e.plane.cfg.SilenceTimeout
	if in.packets == 0 {
		limit = e.plane.cfg.FirstPacketTimeout
	}
	if d := now.Sub(in.since); limit > 0 && d >= limit && !in.silent {
		in.silent = true
		e.emit(Event{Kind: EventSilent, Duration: d})
	}
}

func (in *inbound) fillStats(s *Stats) {
	in.mu.Lock()
	defer in.mu.Unlock()
	s.PacketsIn, s.OctetsIn = in.packets, in.octets
	s.Foreign, s.Dropped = in.foreign, in.dropped
	s.Lost = in.lostBefore + in.lost()
	if in.rate > 0 {
		s.Jitter = time.Duration(in.jitter * float64(time.Second) / float64(in.rate))
	}
	s.FirstIn, s.LastIn = in.first, in.last
	s.RemoteLost, s.RemoteJitter, s.RoundTrip = in.report.lost, in.report.jitter, in.report.roundTrip
}
