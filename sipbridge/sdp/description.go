package sdp

import (
	"errors"
	"net/netip"
	"time"
)

// MaxSize is the largest session description, in bytes, that Parse reads.
const MaxSize = 16 << 10

// Error values that callers branch on.
var (
	// ErrNoCommonCodec says that offer and answer share no audio codec; SIP answers 488.
	ErrNoCommonCodec = errors.New("sdp: no common codec")
	// ErrNoAudio says that a description has no audio stream that can be used (none at all, or port 0); SIP answers 488.
	ErrNoAudio = errors.New("sdp: no audio stream")
	// ErrSyntax says that a description is not well-formed or is too large; SIP answers 400.
	ErrSyntax = errors.New("sdp: malformed description")
	// ErrNotSecure says that one side is a browser (ICE and DTLS-SRTP) and the other is not, or that SRTP is offered
	// without them; SIP answers 488.
	ErrNotSecure = errors.New("sdp: plain RTP and DTLS-SRTP do not mix")
)

// Description is one side of one audio session. The zero value describes nothing; make one with Parse, with a media
// end's Local, or with a keyed literal, and pass it through Offer or Answer. It is a value: copy it freely, but treat
// slices and Web as read-only once shared.
type Description struct {
	// Origin identifies the session; its Version rises with every change (RFC 3264 section 8).
	Origin Origin
	// Addr is where this side wants to receive RTP. Port 0 means that the audio stream is refused.
	Addr netip.AddrPort
	// Codecs are the formats this side can receive, best first, with the payload numbers it wants them sent with.
	Codecs []Codec
	// Direction is from this side's own view; unset counts as SendRecv.
	Direction Direction
	// Ptime is the packet length asked for; zero means not said (20 ms).
	Ptime time.Duration
	// RTCPMux says that RTCP shares the RTP port (RFC 5761); always so on browser legs.
	RTCPMux bool
	// Web holds what browsers add; nil on plain RTP.
	Web *Web
	// Proto is the transport of the audio line as it was read, such as RTP/AVP; empty lets Marshal choose by Web.
	Proto string
	// Others are the other media lines (video, data) in their order, which an answer must repeat with port 0.
	Others []Other
	// Index is the place of the audio line among all media lines, from 0.
	Index int
}

// Origin is the o= line of a description without its address.
type Origin struct {
	// ID names the session; Offer and Answer choose one when it is zero.
	ID uint64
	// Version counts changes; Offer and Answer start it at 1.
	Version uint64
}

// Codec is one audio format with its payload number.
type Codec struct {
	// Payload is the number in packets, 0 to 127.
	Payload uint8
	// Name is the encoding name as in a=rtpmap, such as PCMU; compared without regard to case.
	Name string
	// Rate is the RTP clock rate in hertz.
	Rate int
	// Channels counts them; zero counts as 1.
	Channels int
	// Fmtp is the text of a=fmtp, without the payload number; empty when there is none.
	Fmtp string
}

// Web is what a browser leg adds: ICE (RFC 8445, RFC 8839) and DTLS-SRTP (RFC 5763).
type Web struct {
	// Ufrag and Pwd are the ICE credentials of this side.
	Ufrag, Pwd string
	// Lite says that this side is an ICE-lite agent: it answers checks and sends none.
	Lite bool
	// Fingerprint is the hash of this side's certificate as in the attribute, such as "sha-256 AB:CD:...".
	Fingerprint string
	// Setup says who starts the DTLS handshake.
	Setup Setup
	// Mid names the stream in the bundle.
	Mid string
	// SSRC is the number of the one stream that this side sends (RFC 5576); zero means not said.
	SSRC uint32
	// Candidates are the addresses of this side; an ICE-lite side needs only its own.
	Candidates []Candidate
}

// Candidate is one ICE address.
type Candidate struct {
	// Foundation groups candidates of one kind.
	Foundation string
	// Component is 1 for RTP and 2 for RTCP.
	Component int
	// Transport is udp or tcp.
	Transport string
	// Priority is the weight of RFC 8445 section 5.1.2.
	Priority uint32
	// Host is an address, or a name ending in .local that a browser hides its address behind.
	Host string
	// Port is the port.
	Port uint16
	// Type is host, srflx, prflx or relay.
	Type string
}

// Other is a media line that is not ours.
type Other struct {
	// Media is its kind, such as video.
	Media string
	// Proto is its transport.
	Proto string
	// Formats is the rest of the line as it was read.
	Formats []string
	// Mid is its name in the bundle, if it has one.
	Mid string
}

// Kind tells the codecs that the media plane understands from those that it only passes on.
type Kind uint8

// The kinds of codec.
const (
	// KindOpaque is any codec that is passed through and never looked into.
	KindOpaque Kind = iota
	// KindPCMU is G.711 mu-law at 8 kHz.
	KindPCMU
	// KindPCMA is G.711 A-law at 8 kHz.
	KindPCMA
	// KindTelephoneEvent carries digits (RFC 4733) with an 8 kHz clock.
	KindTelephoneEvent
)

// PCMU returns G.711 mu-law with its fixed payload number 0.
func PCMU() Codec { return Codec{Payload: 0, Name: "PCMU", Rate: 8000} }

// PCMA returns G.711 A-law with its fixed payload number 8.
func PCMA() Codec { return Codec{Payload: 8, Name: "PCMA", Rate: 8000} }

// TelephoneEvent returns the format of digits (RFC 4733) for events 0 to 16 with the given payload number, which is
// 96 to 127; 101 is what most phones use.
func TelephoneEvent(payload uint8) Codec {
	return Codec{Payload: payload, Name: "telephone-event", Rate: 8000, Fmtp: "0-16"}
}

// DefaultCodecs returns what an end offers when its configuration says nothing: PCMU, PCMA and telephone-event 101.
func DefaultCodecs() []Codec { return []Codec{PCMU(), PCMA(), TelephoneEvent(101)} }
