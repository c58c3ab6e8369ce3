package sdp

import (
	"fmt"
)

// Direction says who may send on a stream, from the describing side's view (RFC 8866 section 6.7).
type Direction uint8

// The directions. The zero value means that nothing was said, which counts as SendRecv.
const (
	DirectionUnset Direction = iota
	SendRecv
	SendOnly
	RecvOnly
	Inactive
)

// half is one way of a stream, so that directions can be taken apart and put together.
type half uint8

const (
	sends half = 1 << iota
	receives
)

func (d Direction) halves() half {
	switch d {
	case SendOnly:
		return sends
	case RecvOnly:
		return receives
	case Inactive:
		return 0
	case DirectionUnset, SendRecv:
	}
	return sends | receives
}

func (h half) direction() Direction {
	switch h {
	case sends | receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	default:
		return Inactive
	}
}

// Sends reports whether the describing side sends.
func (d Direction) Sends() bool { return d.halves()&sends != 0 }

// Receives reports whether the describing side receives.
func (d Direction) Receives() bool { return d.halves()&receives != 0 }

// Reverse returns the same fact from the other side's view.
func (d Direction) Reverse() Direction {
	h := d.halves()
	return (h>>1&sends | h<<1&receives).direction()
}

// And returns what both directions allow, both seen from the same side.
func (d Direction) And(other Direction) Direction { return (d.halves() & other.halves()).direction() }

// String returns the attribute's name; unset is "sendrecv" in effect, but prints as "unset".
func (d Direction) String() string {
	switch d {
	case SendRecv:
		return "sendrecv"
	case SendOnly:
		return "sendonly"
	case RecvOnly:
		return "recvonly"
	case Inactive:
		return "inactive"
	case DirectionUnset:
		return "unset"
	}
	return fmt.Sprintf("direction(%d)", uint8(d))
}

// MarshalText writes the attribute's name.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads an attribute's name.
func (d *Direction) UnmarshalText(text []byte) error {
	for _, c := range []Direction{DirectionUnset, SendRecv, SendOnly, RecvOnly, Inactive} {
		if c.String() == string(text) {
			*d = c
			return nil
		}
	}
	return fmt.Errorf("sdp: direction %q: %w", text, ErrSyntax)
}

// Setup says who opens the DTLS connection (RFC 4145, RFC 5763).
type Setup uint8

// The roles. The zero value means that nothing was said.
const (
	SetupUnset Setup = iota
	// SetupActPass offers both roles; only offers say it.
	SetupActPass
	// SetupActive is the DTLS client.
	SetupActive
	// SetupPassive is the DTLS server.
	SetupPassive
)

// String returns the attribute's value.
func (s Setup) String() string {
	switch s {
	case SetupActPass:
		return "actpass"
	case SetupActive:
		return "active"
	case SetupPassive:
		return "passive"
	case SetupUnset:
		return "unset"
	}
	return fmt.Sprintf("setup(%d)", uint8(s))
}

// MarshalText writes the attribute's value.
func (s Setup) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads an attribute's value.
func (s *Setup) UnmarshalText(text []byte) error {
	for _, c := range []Setup{SetupUnset, SetupActPass, SetupActive, SetupPassive} {
		if c.String() == string(text) {
			*s = c
			return nil
		}
	}
	return fmt.Errorf("sdp: setup %q: %w", text, ErrSyntax)
}
