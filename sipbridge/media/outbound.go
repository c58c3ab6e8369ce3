package media

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/tandem-cc/tandem/internal/tone"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

const (
	// playGrace is how long a source plays on after Join while the other side is still silent.
	playGrace = time.Second
	// maxLead is how far a source's sequence numbers may run ahead before it counts as a new source.
	maxLead = 3000
	// sentWindow is how far back a late packet may lie and still be sent.
	sentWindow = 64
)

// outbound is what an end sends: one stream, whatever the sources. The lock is taken by whoever sends: the joined end's
// reader, or the plane's clock.
type outbound struct {
	mu     sync.Mutex
	open   bool // the agreement lets us send
	closed bool
	secure bool // a browser end: nothing leaves without keys and consent
	dest   netip.AddrPort
	terms  *terms

	keys    *srtp.Context
	consent bool
	buf     []byte // encrypted packet
	hdr     rtp.Header

	ssrc uint32    // never changes
	seq  uint16    // highest sent
	sent uint64    // bit i: seq-i was sent; the same number must never be encrypted twice
	ts   uint32    // of seq
	at   time.Time // of seq

	source     uint64 // whose numbers the offsets are for
	sourceSSRC uint32
	seqOff     uint16
	tsOff      uint32

	playing  Source
	playID   uint64
	playEnds time.Time // zero is never
	samples  [FrameSamples]int16
	packet   [fixedHeader + FrameSamples]byte
	digits   digitOut

	packets, octets, failed uint64
}

func (o *outbound) begin() {
	o.ssrc = max(1, rand.Uint32())
	o.seq = uint16(rand.IntN(1 << 15)) // Far from the wrap, so that SRTP's first rollover is seen by both.
	o.ts = rand.Uint32()
}

func (o *outbound) apply(t *terms, dest netip.AddrPort) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.terms = t
	o.open = t.agreement.Direction.Sends()
	if !o.secure {
		o.dest = dest
	}
	if !t.events {
		o.digits.clear()
	}
}

// redirect sends to another address from now on.
func (o *outbound) redirect(to netip.AddrPort) {
	o.mu.Lock()
	o.dest = to
	o.mu.Unlock()
}

// secured takes the keys of a new DTLS association.
func (o *outbound) secured(keys *srtp.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keys = keys
}

// giveConsent records that the browser wants packets at dest (RFC 7675), and reports whether that is new.
func (o *outbound) giveConsent(dest netip.AddrPort) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	changed := !o.consent
	o.consent, o.dest = true, dest
	return changed
}

// revokeConsent stops all sending to a browser.
func (o *outbound) revokeConsent() {
	o.mu.Lock()
	o.consent = false
	o.mu.Unlock()
}

func (o *outbound) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.playing = true, nil
	o.digits.clear()
}

func (o *outbound) readyLocked() bool {
	return o.open && !o.closed && o.dest.IsValid() && (!o.secure || (o.keys != nil && o.consent))
}

// forward sends on a packet that the joined end received. It is the packet path: no allocation, no goroutine.
func (e *End) forward(b []byte, h *header, r *route, now time.Time) {
	w := &r.way[h.payload]
	if !w.pass {
		return
	}
	o := &e.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.readyLocked() || o.digits.busy {
		return
	}
	o.playing = nil // The other side has begun; ring-back or music is over.
	ahead := int16(h.seq + o.seqOff - o.seq)
	if o.source != r.id || o.sourceSSRC != h.ssrc || ahead > maxLead || ahead <= -sentWindow {
		o.switchLocked(r.id, h, now)
		ahead = 1
		b[1] |= markerBit
	}
	if !o.claimLocked(ahead) {
		return
	}
	b[1] = b[1]&markerBit | w.pt
	seq, ts := h.seq+o.seqOff, h.ts+o.tsOff
	rewrite(b, seq, ts, o.ssrc)
	if ahead > 0 {
		o.ts, o.at = ts, now
	}
	if w.table != nil {
		w.table.Apply(b[h.from:h.to])
	}
	e.transmitLocked(b, h.to-h.from)
}

// switchLocked makes the stream go on with another source: the next number, and a timestamp ahead by the time that passed.
func (o *outbound) switchLocked(id uint64, h *header, now time.Time) {
	o.source, o.sourceSSRC = id, h.ssrc
	o.seqOff = o.seq + 1 - h.seq
	o.tsOff = o.ts + o.elapsedLocked(now) - h.ts
}

// elapsedLocked is the time since the latest packet in clock units, at least one packet's worth.
func (o *outbound) elapsedLocked(now time.Time) uint32 {
	rate := int64(o.terms.audio.Codec.Rate)
	least := rate * int64(frameTime) / int64(time.Second)
	if o.at.IsZero() {
		return uint32(least)
	}
	return uint32(max(least, now.Sub(o.at).Milliseconds()*rate/1000))
}

// claimLocked takes a sequence number, ahead of the highest by that much; it refuses one that was sent before. With
// SRTP a number used twice would use the same key stream twice (RFC 3711 section 9.1).
func (o *outbound) claimLocked(ahead int16) bool {
	if ahead > 0 {
		if ahead < sentWindow {
			o.sent = o.sent<<ahead | 1
		} else {
			o.sent = 1
		}
		o.seq += uint16(ahead)
		return true
	}
	bit := uint64(1) << uint(-ahead)
	if o.sent&bit != 0 {
		return false
	}
	o.sent |= bit
	return true
}

func (e *End) transmitLocked(b []byte, octets int) {
	o := &e.out
	if o.secure {
		var err error
		if b, err = o.keys.EncryptRTP(o.buf[:0], b, &o.hdr); err != nil {
			o.failed++
			return
		}
	}
	if _, err := e.conn.WriteToUDPAddrPort(b, o.dest); err != nil {
		o.failed++
		return
	}
	o.packets++
	o.octets += uint64(octets)
}

func (o *outbound) play(s Source, id uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.playing, o.playID, o.playEnds = s, id, time.Time{}
	}
}

func (o *outbound) stopPlay() {
	o.mu.Lock()
	o.playing = nil
	o.mu.Unlock()
}

func (o *outbound) endPlay(at time.Time) {
	o.mu.Lock()
	o.playEnds = at
	o.mu.Unlock()
}

// tick sends what is due from this end's own sources; the plane's clock calls it every 20 ms while it returns true.
func (e *End) tick(now time.Time) bool {
	o := &e.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.digits.pending() {
		if o.readyLocked() {
			e.tickDigitLocked(now)
		}
		return true
	}
	if o.playing != nil && !o.playEnds.IsZero() && now.After(o.playEnds) {
		o.playing = nil
	}
	if o.playing == nil {
		return false
	}
	if !o.readyLocked() || o.terms.kind == sdp.KindOpaque {
		return true
	}
	n := min(max(o.playing.Fill(o.samples[:]), 0), FrameSamples)
	if n > 0 {
		clear(o.samples[n:])
		e.soundLocked(now)
	}
	if n < FrameSamples {
		o.playing = nil
		e.emit(Event{Kind: EventPlayed})
		return false
	}
	return true
}

// soundLocked sends the frame in o.samples.
func (e *End) soundLocked(now time.Time) {
	o := &e.out
	payload := o.packet[fixedHeader:]
	if o.terms.kind == sdp.KindPCMA {
		for i, s := range o.samples {
			payload[i] = tone.EncodeALaw(s)
		}
	} else {
		for i, s := range o.samples {
			payload[i] = tone.EncodeULaw(s)
		}
	}
	mark := byte(0)
	step := uint32(FrameSamples)
	if o.source != o.playID {
		o.source, mark = o.playID, markerBit
		step = o.elapsedLocked(now)
	}
	o.claimLocked(1)
	o.ts, o.at = o.ts+step, now
	o.packet[0], o.packet[1] = 0x80, mark|o.terms.audio.Send
	rewrite(o.packet[:], o.seq, o.ts, o.ssrc)
	e.transmitLocked(o.packet[:], FrameSamples)
}

func (o *outbound) fillStats(s *Stats) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s.PacketsOut, s.OctetsOut = o.packets, o.octets
	s.Dropped += o.failed
}

// putEvent writes the payload of a telephone event (RFC 4733 section 2.3).
func putEvent(b []byte, event, flags byte, duration uint16) {
	b[0], b[1] = event, flags
	binary.BigEndian.PutUint16(b[2:], duration)
}
