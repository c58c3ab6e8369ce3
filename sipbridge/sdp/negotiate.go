package sdp

import (
	"errors"
	"net/netip"
	"time"
)

var errNotYet = errors.New("sdp: not built yet") //nolint:gochecknoglobals // Goes with the first body.

// Offer completes a media end's local description to an offer: default codecs, sendrecv, 20 ms, origin, and for a
// browser setup actpass and mid 0. A description that already says these things keeps them.
func Offer(local Description) Description { return local }

// Answer answers an offer with what the local side is and can do (a media end's Local): the codecs that both know, in
// the offer's order of preference and with the offer's payload numbers; the direction that both allow (an offer of
// sendonly becomes recvonly, inactive stays inactive); DTLS setup passive unless the offer is passive; media lines that
// are not ours refused with port 0 in their order. The errors are ErrNoCommonCodec, ErrNoAudio and ErrNotSecure,
// wrapped.
func Answer(offer, local Description) (Description, error) { return Description{}, errNotYet }

// Renew gives next the origin of previous, with the version raised by one if anything else differs (RFC 3264 section
// 8). Use it for each further offer or answer in a dialog.
func Renew(previous, next Description) Description { return next }

// Agreement is what a finished offer and answer mean for our side.
type Agreement struct {
	// Formats are the codecs in use, best first, with their numbers in each direction.
	Formats []Format
	// Direction is what we may do: Sends is whether we send to the other side.
	Direction Direction
	// Remote is where the other side receives RTP. On a browser leg ICE finds the address and this is not used.
	Remote netip.AddrPort
	// Ptime is the packet length the other side asked for; 20 ms when it did not.
	Ptime time.Duration
	// Web is the other side's browser part; nil on plain RTP.
	Web *Web
	// Client says that our side opens the DTLS connection.
	Client bool
}

// Format is one agreed codec. The two sides may number it differently (RFC 3264 section 5.1).
type Format struct {
	// Codec is the format as the other side described it.
	Codec Codec
	// Send is the payload number that we send it with, Receive the one that we receive it with.
	Send, Receive uint8
}

// Agree works out what our description and theirs mean together; who offered and who answered does not matter. The
// errors are ErrNoCommonCodec, ErrNoAudio (they refused with port 0) and ErrNotSecure, wrapped.
func Agree(ours, theirs Description) (Agreement, error) { return Agreement{}, errNotYet }

// Kind tells which codec c is.
func (c Codec) Kind() Kind { return KindOpaque }

// Held reports whether the description puts the listener on hold: its side does not receive.
func (d Description) Held() bool { return !d.Direction.Receives() }

// WithDirection returns a copy with another direction, for hold (SendOnly, or Inactive) and resume (SendRecv).
func (d Description) WithDirection(dir Direction) Description {
	d.Direction = dir
	return d
}
