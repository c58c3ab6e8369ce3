package siptest

import (
	"context"
	"errors"
	"net/netip"

	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

var errNotYet = errors.New("siptest: not built yet") //nolint:gochecknoglobals // Goes with the first body.

// RTPConfig configures an RTPPhone. The zero value listens on 127.0.0.1 and sends nothing until told to.
type RTPConfig struct {
	// Addr is the address to listen on; zero is a free port on 127.0.0.1.
	Addr netip.AddrPort
	// Codecs are those the phone offers; nil is sdp.DefaultCodecs.
	Codecs []sdp.Codec
	// Echo sends back what it hears, instead of a source.
	Echo bool
}

// RTPPhone is the sound half of a simulated telephone: it sends a source, records what it hears, and can say which
// tones and digits it heard. It is written apart from package media, so that the two can prove each other.
// All methods may be called concurrently.
type RTPPhone struct{}

// NewRTPPhone opens the phone's socket; it starts nothing.
func NewRTPPhone(c RTPConfig) (*RTPPhone, error) { return nil, errNotYet }

// Run sends and hears until ctx is done and returns ctx.Err(); then the socket is closed.
func (p *RTPPhone) Run(ctx context.Context) error { return errNotYet }

// Local returns the phone's side of a session, ready for sdp.Offer or sdp.Answer.
func (p *RTPPhone) Local() sdp.Description { return sdp.Description{} }

// Connect gives the phone a finished offer and answer: its own and the other side's. Call it again to change them.
func (p *RTPPhone) Connect(ours, theirs sdp.Description) error { return errNotYet }

// Speak sends s from now on, replacing what was sent; nil is silence (packets of silence still flow).
func (p *RTPPhone) Speak(s media.Source) {}

// Mute stops sending packets altogether until the next Speak.
func (p *RTPPhone) Mute() {}

// Press sends keys as telephone events of 100 ms each, with 100 ms between them.
func (p *RTPPhone) Press(keys string) error { return errNotYet }

// Digits returns the keys that the phone heard as telephone events so far.
func (p *RTPPhone) Digits() string { return "" }

// Level returns how strong a frequency was in the latest half second heard, between 0 and 1 of the whole energy; 0 when
// nothing was heard.
func (p *RTPPhone) Level(frequency float64) float64 { return 0 }

// WaitTone waits until Level(frequency) is above 0.5 and returns nil, or until ctx is done and says what was heard instead.
func (p *RTPPhone) WaitTone(ctx context.Context, frequency float64) error { return errNotYet }

// Recording returns the latest samples heard, at most 30 seconds.
func (p *RTPPhone) Recording() []int16 { return nil }

// Reset forgets what was heard: recording, digits and figures.
func (p *RTPPhone) Reset() {}

// PhoneStats are what a phone counts.
type PhoneStats struct {
	// Sent and Heard count RTP packets.
	Sent, Heard uint64
	// Gaps counts missing sequence numbers, Sources the SSRCs heard.
	Gaps, Sources uint64
	// From is where the latest packet came from.
	From netip.AddrPort
}

// Stats returns the phone's figures.
func (p *RTPPhone) Stats() PhoneStats { return PhoneStats{} }
