package sipbridge

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"

	tandem "github.com/tandem-cc/tandem"
)

// What a Bridge is, beyond a Switch.
var (
	_ tandem.Switch      = (*Bridge)(nil)
	_ tandem.Ringer      = (*Bridge)(nil)
	_ tandem.Parter      = (*Bridge)(nil)
	_ tandem.Player      = (*Bridge)(nil)
	_ tandem.DigitSender = (*Bridge)(nil)
	_ tandem.Holder      = (*Bridge)(nil)
)

// Bridge is the switch. Make one with New. All methods may be called concurrently.
type Bridge struct{ cfg Config }

// New checks the configuration and binds the browsers' media port. It starts nothing; Run does.
func New(c Config) (*Bridge, error) {
	cfg, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("sipbridge: new: %w", err)
	}
	return &Bridge{cfg: cfg}, nil
}

// Ready is closed when calls can be taken and SIPAddr is known, or when Run has ended.
func (b *Bridge) Ready() <-chan struct{} { return nil }

// SIPAddr returns where the i-th socket of Config.Listen is bound; not valid before Ready.
func (b *Bridge) SIPAddr(i int) netip.AddrPort { return netip.AddrPort{} }

// WebMediaAddr returns the UDP address that browsers send sound to.
func (b *Bridge) WebMediaAddr() netip.AddrPort { return netip.AddrPort{} }

// SIPWebSocket returns the handler for SIP over WebSocket (RFC 7118): JsSIP and other SIP phones in browsers. Mount it on
// the web server, usually at /ws; the phones register with a password of Config.Credentials.
func (b *Bridge) SIPWebSocket() http.Handler { return http.NotFoundHandler() }

// Phone returns the handler of one agent's browser phone: a WebSocket of the subprotocol PhoneProtocol. The caller has
// authenticated the request as that agent before it calls the handler.
func (b *Bridge) Phone(agent tandem.AgentID) http.Handler { return http.NotFoundHandler() }

// PhoneProtocol is the WebSocket subprotocol of the browser phone.
const PhoneProtocol = "tandem-phone.v1"

// Stats returns the figures of this moment.
func (b *Bridge) Stats() Stats { return Stats{} }

// Close releases what New has bound when Run will not be called. It does nothing once Run was.
func (b *Bridge) Close() {}

// Run serves calls and delivers events to h until ctx ends or h returns an error. Then it hangs up every leg, waits for the
// goodbyes to be acknowledged (at most Timing.Stop), and returns ctx's error, h's error wrapped, or what broke below.
func (b *Bridge) Run(ctx context.Context, h tandem.Handler) error { return errNotYet }

var errNotYet = fmt.Errorf("sipbridge: not built yet: %w", tandem.ErrUnsupported) //nolint:gochecknoglobals // Goes with the first body.

// Dial makes a new leg and rings the far end: every device of an agent, or a number through a trunk.
func (b *Bridge) Dial(ctx context.Context, d tandem.Dial) error { return errNotYet }

// Answer answers an incoming leg.
func (b *Bridge) Answer(ctx context.Context, leg tandem.LegID) error { return errNotYet }

// Ring tells the caller of an incoming leg that somewhere it rings (SIP 180).
func (b *Bridge) Ring(ctx context.Context, leg tandem.LegID) error { return errNotYet }

// Bridge joins two answered legs so that each hears the other.
func (b *Bridge) Bridge(ctx context.Context, x, y tandem.LegID) error { return errNotYet }

// Part takes two bridged legs apart; both stay up and hear silence.
func (b *Bridge) Part(ctx context.Context, leg tandem.LegID) error { return errNotYet }

// Hangup ends a leg in any state.
func (b *Bridge) Hangup(ctx context.Context, leg tandem.LegID, cause tandem.Cause) error {
	return errNotYet
}

// Play plays to one answered leg that is not bridged.
func (b *Bridge) Play(ctx context.Context, leg tandem.LegID, s tandem.Sound) error { return errNotYet }

// StopPlay ends what Play began; the leg hears silence.
func (b *Bridge) StopPlay(ctx context.Context, leg tandem.LegID) error { return errNotYet }

// SendDigits sends DTMF to an answered leg.
func (b *Bridge) SendDigits(ctx context.Context, leg tandem.LegID, digits string) error {
	return errNotYet
}

// Hold puts an answered leg on hold: it hears music and its peer, if it has one, silence.
func (b *Bridge) Hold(ctx context.Context, leg tandem.LegID) error { return errNotYet }

// Resume takes a leg back from hold.
func (b *Bridge) Resume(ctx context.Context, leg tandem.LegID) error { return errNotYet }
