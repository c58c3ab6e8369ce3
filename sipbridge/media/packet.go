package media

import "encoding/binary"

// header is what the packet path needs of an RTP header (RFC 3550 section 5.1).
type header struct {
	payload uint8
	seq     uint16
	ts      uint32
	ssrc    uint32
	from    int // where the payload begins
	to      int // where it ends, before padding
}

const (
	fixedHeader = 12
	markerBit   = 0x80
)

// parseHeader checks an RTP packet as far as lengths go and reads its header.
func parseHeader(b []byte) (header, bool) {
	if len(b) < fixedHeader || b[0]>>6 != 2 {
		return header{}, false
	}
	h := header{
		payload: b[1] & 0x7f, seq: binary.BigEndian.Uint16(b[2:]), ts: binary.BigEndian.Uint32(b[4:]),
		ssrc: binary.BigEndian.Uint32(b[8:]), from: fixedHeader + 4*int(b[0]&0x0f), to: len(b),
	}
	if b[0]&0x10 != 0 {
		if len(b) < h.from+4 {
			return header{}, false
		}
		h.from += 4 + 4*int(binary.BigEndian.Uint16(b[h.from+2:]))
	}
	if b[0]&0x20 != 0 {
		pad := int(b[len(b)-1])
		if pad == 0 {
			return header{}, false
		}
		h.to -= pad
	}
	if h.from > h.to {
		return header{}, false
	}
	return h, true
}

// rewrite puts new numbers into the header of a packet.
func rewrite(b []byte, seq uint16, ts, ssrc uint32) {
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], ts)
	binary.BigEndian.PutUint32(b[8:], ssrc)
}

// isRTCP tells reports from sound on one port (RFC 5761 section 4).
func isRTCP(b []byte) bool { return len(b) >= 2 && b[1] >= 192 && b[1] <= 223 }

// isRTP tells packets of version 2 by their first byte (RFC 7983).
func isRTP(b []byte) bool { return b[0] >= 128 && b[0] <= 191 }
