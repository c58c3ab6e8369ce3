package media

import (
	"fmt"
	"time"

	"github.com/pion/rtcp"
)

const (
	reportInterval = 5 * time.Second
	// firstReport is how soon the next report follows while nothing was received yet.
	firstReport = time.Second
	// ntpEpoch is the start of NTP time, in seconds before that of Unix.
	ntpEpoch = 2208988800
)

// reportIn is what is remembered between RTCP reports.
type reportIn struct {
	due                time.Time
	expected, received uint64 // at the latest report, for the fraction lost
	senderNTP          uint32 // middle of the peer's latest sender report
	senderAt           time.Time

	lost      uint64 // of our packets, as the peer says
	jitter    time.Duration
	roundTrip time.Duration
}

func (r *reportIn) restart() { r.expected, r.received = 0, 0 }

// reportDue sends a report to a browser every five seconds. Plain peers get none: RTCP for them would need a second
// socket for each call.
func (e *End) reportDue(now time.Time) {
	if e.ice == nil {
		return
	}
	block, due := e.in.block(now)
	if !due {
		return
	}
	if err := e.out.sendReport(e, block, now); err != nil {
		e.plane.log.Debug("send rtcp report", "label", e.label, "error", err)
	}
}

// block makes the receiver's part of a report; nil when nothing was received yet.
func (in *inbound) block(now time.Time) ([]rtcp.ReceptionReport, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	r := &in.report
	if now.Before(r.due) {
		return nil, false
	}
	if !in.begun {
		r.due = now.Add(firstReport)
		return nil, true
	}
	r.due = now.Add(reportInterval)
	b := rtcp.ReceptionReport{
		SSRC: in.ssrc, TotalLost: uint32(min(in.lost(), 0x7fffff)), Jitter: uint32(in.jitter),
		LastSequenceNumber: uint32(in.base) + uint32(in.expected) - 1, LastSenderReport: r.senderNTP,
	}
	if !r.senderAt.IsZero() {
		b.Delay = uint32(now.Sub(r.senderAt) * 65536 / time.Second)
	}
	expected, received := in.expected-r.expected, in.unique-r.received
	if expected > received {
		b.FractionLost = uint8(min(255, (expected-received)*256/expected))
	}
	r.expected, r.received = in.expected, in.unique
	return []rtcp.ReceptionReport{b}, true
}

func (o *outbound) sendReport(e *End, blocks []rtcp.ReceptionReport, now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.terms == nil || o.closed || !o.dest.IsValid() || o.keys == nil || !o.consent {
		return nil
	}
	var first rtcp.Packet = &rtcp.ReceiverReport{SSRC: o.ssrc, Reports: blocks}
	if !o.at.IsZero() && now.Sub(o.at) < 2*reportInterval {
		rate := int64(o.terms.audio.Codec.Rate)
		first = &rtcp.SenderReport{
			SSRC: o.ssrc, NTPTime: ntp(now), RTPTime: o.ts + uint32(now.Sub(o.at).Milliseconds()*rate/1000),
			PacketCount: uint32(o.packets), OctetCount: uint32(o.octets), Reports: blocks,
		}
	}
	name := &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: o.ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: fmt.Sprintf("tandem-%d", o.ssrc)}},
	}}}
	b, err := rtcp.Marshal([]rtcp.Packet{first, name})
	if err != nil {
		return err
	}
	if b, err = o.keys.EncryptRTCP(nil, b, nil); err != nil {
		return err
	}
	_, err = e.conn.WriteToUDPAddrPort(b, o.dest)
	return err
}

func ntp(t time.Time) uint64 {
	return uint64(t.Unix()+ntpEpoch)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// receiveReport reads a peer's report, decrypted if need be.
func (e *End) receiveReport(b []byte, now time.Time) {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		e.in.drop()
		return
	}
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			e.in.mu.Lock()
			e.in.report.senderNTP, e.in.report.senderAt = uint32(p.NTPTime>>16), now
			e.in.mu.Unlock()
			e.heardOf(p.Reports, now)
		case *rtcp.ReceiverReport:
			e.heardOf(p.Reports, now)
		}
	}
}

// heardOf notes what the peer says of the stream that we send.
func (e *End) heardOf(blocks []rtcp.ReceptionReport, now time.Time) {
	e.out.mu.Lock()
	ssrc, rate := e.out.ssrc, 8000
	if e.out.terms != nil {
		rate = e.out.terms.audio.Codec.Rate
	}
	e.out.mu.Unlock()
	for _, b := range blocks {
		if b.SSRC != ssrc || rate <= 0 {
			continue
		}
		e.in.mu.Lock()
		r := &e.in.report
		r.lost = uint64(b.TotalLost)
		r.jitter = time.Duration(b.Jitter) * time.Second / time.Duration(rate)
		if b.LastSenderReport != 0 {
			// RFC 3550 section 6.4.1, in units of 1/65536 s; a peer's nonsense must not become a negative time.
			if rtt := int32(uint32(ntp(now)>>16) - b.LastSenderReport - b.Delay); rtt >= 0 {
				r.roundTrip = time.Duration(rtt) * time.Second / 65536
			}
		}
		e.in.mu.Unlock()
	}
}
