package sdp

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"
)

// defaultPtime is the packet length of RFC 3551 when nobody says another.
const defaultPtime = 20 * time.Millisecond

// Offer completes a media end's local description to an offer: default codecs, sendrecv, 20 ms, origin, and for a
// browser setup actpass and mid 0. A description that already says these things keeps them.
func Offer(local Description) Description {
	local.complete()
	if local.Web != nil {
		w := *local.Web
		w.Setup = SetupActPass // RFC 8842 section 5.2: every offer, whatever the role in an earlier round.
		if w.Mid == "" {
			w.Mid = "0"
		}
		local.Web = &w
	}
	return local
}

func (d *Description) complete() {
	if d.Codecs == nil {
		d.Codecs = DefaultCodecs()
	}
	if d.Direction == DirectionUnset {
		d.Direction = SendRecv
	}
	if d.Ptime == 0 {
		d.Ptime = defaultPtime
	}
	if d.Origin.ID == 0 {
		d.Origin.ID = 1 + rand.Uint64N(1<<48) // Some peers keep it in a float.
	}
	if d.Origin.Version == 0 {
		d.Origin.Version = 1
	}
	if d.Web != nil {
		d.RTCPMux = true
	}
}

// Answer answers an offer with what the local side is and can do (a media end's Local): the codecs that both know, in
// the offer's order of preference and with the offer's payload numbers; the direction that both allow (an offer of
// sendonly becomes recvonly, inactive stays inactive); DTLS setup passive unless the offer is passive or the local side
// says active already; media lines that are not ours refused with port 0 in their order. The errors are
// ErrNoCommonCodec, ErrNoAudio and ErrNotSecure, wrapped.
func Answer(offer, local Description) (Description, error) {
	if offer.Addr.Port() == 0 && offer.Web == nil {
		return Description{}, fmt.Errorf("sdp: answer: %w", ErrNoAudio)
	}
	if (offer.Web == nil) != (local.Web == nil) {
		return Description{}, fmt.Errorf("sdp: answer: offer %q: %w", offer.Proto, ErrNotSecure)
	}
	local.complete()
	ans := local
	ans.Codecs = nil
	for _, o := range offer.Codecs {
		if l, ok := find(local.Codecs, o); ok {
			o.Fmtp = answerFmtp(o, l)
			ans.Codecs = append(ans.Codecs, o)
		}
	}
	if !hasAudio(ans.Codecs) {
		return Description{}, fmt.Errorf("sdp: answer: %d codecs offered, %d known: %w",
			len(offer.Codecs), len(local.Codecs), ErrNoCommonCodec)
	}
	ans.Direction = local.Direction.And(offer.Direction.Reverse())
	ans.Proto, ans.Others, ans.Index = offer.Proto, offer.Others, offer.Index
	ans.RTCPMux = offer.RTCPMux && (local.RTCPMux || local.Web != nil)
	if local.Web != nil {
		w := *local.Web
		w.Mid = offer.Web.Mid
		w.Setup = answerSetup(offer.Web.Setup, w.Setup)
		ans.Web = &w
	}
	return ans, nil
}

// answerSetup prefers passive: an ICE-lite side learns the peer's address from its checks and lets it begin.
func answerSetup(offer, local Setup) Setup {
	switch {
	case offer == SetupActive:
		return SetupPassive
	case offer == SetupPassive, local == SetupActive:
		return SetupActive
	default:
		return SetupPassive
	}
}

// answerFmtp keeps to what this side knows: of events, those that both list.
func answerFmtp(offered, known Codec) string {
	if known.Fmtp != "" {
		return known.Fmtp
	}
	return offered.Fmtp
}

func find(list []Codec, c Codec) (Codec, bool) {
	i := slices.IndexFunc(list, func(l Codec) bool { return l.same(c) })
	if i < 0 {
		return Codec{}, false
	}
	return list[i], true
}

func (c Codec) same(o Codec) bool {
	return strings.EqualFold(c.Name, o.Name) && c.Rate == o.Rate && max(c.Channels, 1) == max(o.Channels, 1)
}

// hasAudio reports whether the list holds a codec for sound; digits and comfort noise alone are no call.
func hasAudio(list []Codec) bool {
	return slices.ContainsFunc(list, Codec.IsAudio)
}

// IsAudio reports whether the codec carries sound, unlike telephone-event and comfort noise.
func (c Codec) IsAudio() bool {
	return !strings.EqualFold(c.Name, "telephone-event") && !strings.EqualFold(c.Name, "CN")
}

// Renew gives next the origin of previous, with the version raised by one if anything else differs (RFC 3264 section
// 8). Use it for each further offer or answer of one side in a dialog.
func Renew(previous, next Description) Description {
	next.Origin = previous.Origin
	if !reflect.DeepEqual(previous, next) {
		next.Origin.Version++
	}
	return next
}

// Agreement is what a finished offer and answer mean for our side.
type Agreement struct {
	// Formats are the codecs in use, best first, with their numbers in each direction.
	Formats []Format
	// Direction is what we may do: Sends is whether we send to the other side.
	Direction Direction
	// Remote is where the other side receives RTP; not valid when it named no address. On a browser leg ICE finds the
	// address and this is not used.
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
func Agree(ours, theirs Description) (Agreement, error) {
	if theirs.Addr.Port() == 0 && theirs.Web == nil {
		return Agreement{}, fmt.Errorf("sdp: agree: %w", ErrNoAudio)
	}
	if (ours.Web == nil) != (theirs.Web == nil) {
		return Agreement{}, fmt.Errorf("sdp: agree: theirs is %q: %w", theirs.Proto, ErrNotSecure)
	}
	a := Agreement{
		Direction: ours.Direction.And(theirs.Direction.Reverse()),
		Ptime:     theirs.Ptime,
		Web:       theirs.Web,
	}
	if a.Ptime == 0 {
		a.Ptime = defaultPtime
	}
	audio := false
	for _, t := range theirs.Codecs {
		if o, ok := find(ours.Codecs, t); ok {
			a.Formats = append(a.Formats, Format{Codec: t, Send: t.Payload, Receive: o.Payload})
			audio = audio || t.IsAudio()
		}
	}
	if !audio {
		return Agreement{}, fmt.Errorf("sdp: agree: %w", ErrNoCommonCodec)
	}
	if !theirs.Addr.Addr().IsUnspecified() {
		a.Remote = theirs.Addr
	}
	if a.Web != nil {
		a.Client = ours.Web.Setup == SetupActive || (ours.Web.Setup != SetupPassive && theirs.Web.Setup == SetupPassive)
	}
	return a, nil
}

// Kind tells which codec c is.
func (c Codec) Kind() Kind {
	switch {
	case c.Rate != 8000 || c.Channels > 1:
		return KindOpaque
	case strings.EqualFold(c.Name, "PCMU"):
		return KindPCMU
	case strings.EqualFold(c.Name, "PCMA"):
		return KindPCMA
	case strings.EqualFold(c.Name, "telephone-event"):
		return KindTelephoneEvent
	default:
		return KindOpaque
	}
}

// Held reports whether the description puts its listener on hold: its side does not receive.
func (d Description) Held() bool { return !d.Direction.Receives() }

// WithDirection returns a copy with another direction, for hold (SendOnly, or Inactive) and resume (SendRecv).
func (d Description) WithDirection(dir Direction) Description {
	d.Direction = dir
	return d
}
