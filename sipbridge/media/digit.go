package media

import (
	"encoding/binary"
	"strings"
	"time"
)

const (
	// keys are the events 0 to 15 of RFC 4733 section 3.2.
	keys = "0123456789*#ABCD"
	// maxDigit keeps the duration field from running over (RFC 4733 section 2.5.1.3).
	maxDigit     = 8 * time.Second
	defaultDigit = 100 * time.Millisecond
	// maxDigits bounds the keys that wait to be sent on one end.
	maxDigits = 64
	// digitGap is the rest between two keys, in packets.
	digitGap = 3
	// endPackets is how often the last packet of an event is sent.
	endPackets = 3
	eventSize  = 4
	endBit     = 0x80
	eventLevel = 10 // dBm0 below zero
	// digitTimeout ends a received event whose end packets were all lost.
	digitTimeout = 400 * time.Millisecond
)

func digitEvent(digit rune) (byte, bool) {
	if digit >= 'a' && digit <= 'd' {
		digit -= 'a' - 'A'
	}
	i := strings.IndexRune(keys, digit)
	return byte(i), i >= 0
}

// digitIn puts the packets of one received event together, so that a key is reported once.
type digitIn struct {
	open, done bool
	event      byte
	ts         uint32
	duration   uint16
	seen       time.Time
}

// receiveDigit reads an event packet.
func (e *End) receiveDigit(h *header, payload []byte, now time.Time) {
	if len(payload) < eventSize {
		e.in.drop()
		return
	}
	in := &e.in
	in.mu.Lock()
	defer in.mu.Unlock()
	d := &in.digit
	if (d.open || d.done) && h.ts != d.ts {
		if int32(h.ts-d.ts) < 0 && now.Sub(d.seen) < time.Second {
			return // Late packet of an earlier event.
		}
		e.endDigitLocked()
		d.done = false
	}
	if d.done {
		return // The end is sent three times.
	}
	d.open, d.ts, d.event, d.seen = true, h.ts, payload[0], now
	d.duration = max(d.duration, binary.BigEndian.Uint16(payload[2:]))
	if payload[1]&endBit != 0 {
		e.endDigitLocked()
	}
}

// endDigitLocked reports the open event, if any; in.mu is held.
func (e *End) endDigitLocked() {
	d := &e.in.digit
	if !d.open {
		return
	}
	d.open, d.done = false, true
	if int(d.event) < len(keys) {
		held := time.Duration(d.duration) * time.Second / 8000
		e.emit(Event{Kind: EventDigit, Digit: rune(keys[d.event]), Duration: held})
	}
	d.duration = 0
}

// expireDigit ends an event whose packets stopped coming.
func (e *End) expireDigit(now time.Time) {
	e.in.mu.Lock()
	defer e.in.mu.Unlock()
	if d := &e.in.digit; d.open && now.Sub(d.seen) > digitTimeout {
		e.endDigitLocked()
	}
}

// digitOut sends keys one after the other.
type digitOut struct {
	queue []queuedDigit
	busy  bool // an event is under way; sound rests
	ticks int  // packets sent of it
	rest  int  // ticks of gap left
}

type queuedDigit struct {
	event byte
	ticks int
}

func (d *digitOut) pending() bool { return d.busy || d.rest > 0 || len(d.queue) > 0 }

func (d *digitOut) clear() { *d = digitOut{} }

func (o *outbound) queueDigit(event byte, length time.Duration) error {
	if length == 0 {
		length = defaultDigit
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return ErrClosed
	}
	if len(o.digits.queue) >= maxDigits {
		return ErrBusy
	}
	ticks := max(2, int((length+frameTime/2)/frameTime))
	o.digits.queue = append(o.digits.queue, queuedDigit{event, ticks})
	return nil
}

// tickDigitLocked sends the next packet of the key under way, or begins the next key; out.mu is held.
func (e *End) tickDigitLocked(now time.Time) {
	o := &e.out
	d := &o.digits
	if d.rest > 0 {
		d.rest--
		return
	}
	q := d.queue[0]
	mark := byte(0)
	if !d.busy {
		d.busy, d.ticks, mark = true, 0, markerBit
		o.ts += o.elapsedLocked(now)
		o.source = 0 // Whatever sounds after the key begins anew.
	}
	d.ticks++
	flags := byte(eventLevel)
	duration := uint16(d.ticks * FrameSamples)
	if d.ticks >= q.ticks {
		flags |= endBit
		duration = uint16(q.ticks * FrameSamples)
	}
	b := o.packet[:fixedHeader+eventSize]
	o.claimLocked(1)
	o.at = now
	b[0], b[1] = 0x80, mark|o.terms.event
	rewrite(b, o.seq, o.ts, o.ssrc)
	putEvent(b[fixedHeader:], q.event, flags, duration)
	e.transmitLocked(b, eventSize)
	if d.ticks == q.ticks+endPackets-1 {
		o.ts += uint32(q.ticks * FrameSamples)
		d.busy, d.rest = false, digitGap
		d.queue = d.queue[1:]
	}
}
