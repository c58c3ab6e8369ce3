package media

import (
	"strings"
	"time"

	"github.com/tandem-cc/tandem/internal/tone"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

// frameTime is the packet length that everything here makes; others' packets may be of any length.
const frameTime = 20 * time.Millisecond

// terms are an agreement in the form that packets need. They never change once stored.
type terms struct {
	agreement sdp.Agreement
	audio     sdp.Format // what we send when we make sound ourselves
	kind      sdp.Kind   // of audio
	events    bool       // digits can be sent
	event     uint8      // the number to send them with
	known     [128]use   // by received payload number
}

// use is what a received payload number stands for.
type use uint8

const (
	useNot use = iota
	useSound
	useEvent
)

func newTerms(a sdp.Agreement) *terms {
	t := &terms{agreement: a}
	found := false
	for _, f := range a.Formats {
		t.known[f.Receive&0x7f] = useSound
		switch {
		case f.Codec.Kind() == sdp.KindTelephoneEvent:
			t.known[f.Receive&0x7f] = useEvent
			if !t.events {
				t.events, t.event = true, f.Send
			}
		case f.Codec.IsAudio() && !found:
			t.audio, t.kind, found = f, f.Codec.Kind(), true
		}
	}
	return t
}

// route is the way of one end's sound to the other. It never changes once stored.
type route struct {
	to  *End
	id  uint64 // of this source of sound
	way [128]way
}

// way says what becomes of one received payload number.
type way struct {
	pass  bool
	pt    uint8
	table *tone.Table // nil leaves the payload as it is
}

// newRoute matches the numbers that from receives with those that to wants. Sound that to did not agree to is dropped,
// except that the two laws of G.711 are translated into each other.
func newRoute(from, to *terms, p *Plane) *route {
	r := &route{}
	for _, f := range from.agreement.Formats {
		if t, ok := match(f.Codec, to); ok {
			r.way[f.Receive&0x7f] = way{pass: true, pt: t.Send}
			continue
		}
		table, want := p.toALaw, sdp.KindPCMA
		switch f.Codec.Kind() {
		case sdp.KindPCMU:
		case sdp.KindPCMA:
			table, want = p.toULaw, sdp.KindPCMU
		case sdp.KindOpaque, sdp.KindTelephoneEvent:
			continue
		}
		for _, t := range to.agreement.Formats {
			if t.Codec.Kind() == want {
				r.way[f.Receive&0x7f] = way{pass: true, pt: t.Send, table: table}
			}
		}
	}
	return r
}

func match(c sdp.Codec, in *terms) (sdp.Format, bool) {
	for _, t := range in.agreement.Formats {
		if strings.EqualFold(c.Name, t.Codec.Name) && c.Rate == t.Codec.Rate && max(c.Channels, 1) == max(t.Codec.Channels, 1) {
			return t, true
		}
	}
	return sdp.Format{}, false
}
