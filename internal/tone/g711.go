package tone

import "math/bits"

// G.711 (ITU-T) writes a sample as a sign, a segment of three bits and a step of four bits.
const (
	ulawBias = 0x84
	ulawClip = 32635
)

// EncodeULaw turns a 16-bit sample into mu-law.
func EncodeULaw(s int16) byte {
	v := int(s)
	sign := byte(0)
	if v < 0 {
		v, sign = -v, 0x80
	}
	v = min(v, ulawClip) + ulawBias
	seg := bits.Len(uint(v)) - 8
	return ^(sign | byte(seg<<4) | byte(v>>(seg+3)&0x0f))
}

// DecodeULaw turns a mu-law byte into a 16-bit sample.
func DecodeULaw(b byte) int16 {
	b = ^b
	v := (int(b&0x0f)<<3+ulawBias)<<(b>>4&7) - ulawBias
	if b&0x80 != 0 {
		v = -v
	}
	return int16(v)
}

// EncodeALaw turns a 16-bit sample into A-law.
func EncodeALaw(s int16) byte {
	v := int(s) >> 3
	sign := byte(0x80)
	if v < 0 {
		v, sign = -v-1, 0
	}
	seg := max(bits.Len(uint(v))-5, 0)
	step := v >> 1
	if seg > 1 {
		step = v >> seg
	}
	return (sign | byte(seg<<4) | byte(step&0x0f)) ^ 0x55
}

// DecodeALaw turns an A-law byte into a 16-bit sample.
func DecodeALaw(b byte) int16 {
	b ^= 0x55
	seg := int(b >> 4 & 7)
	v := int(b&0x0f)<<4 + 8
	if seg > 0 {
		v = (v + 0x100) << (seg - 1)
	}
	if b&0x80 == 0 {
		v = -v
	}
	return int16(v)
}

// Table maps each byte of one G.711 law to the nearest of the other, so that no sound need be decoded.
type Table [256]byte

// ULawToALaw returns the table from mu-law to A-law.
func ULawToALaw() *Table {
	t := &Table{}
	for i := range t {
		t[i] = EncodeALaw(DecodeULaw(byte(i)))
	}
	return t
}

// ALawToULaw returns the table from A-law to mu-law.
func ALawToULaw() *Table {
	t := &Table{}
	for i := range t {
		t[i] = EncodeULaw(DecodeALaw(byte(i)))
	}
	return t
}

// Apply translates b in place.
func (t *Table) Apply(b []byte) {
	for i, x := range b {
		b[i] = t[x]
	}
}
