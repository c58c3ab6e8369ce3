package media

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

// Config configures a Plane. The zero value works on this machine alone.
type Config struct {
	// Bind is the address that sockets listen on; zero is 127.0.0.1.
	Bind netip.Addr
	// Advertise is the address written into descriptions, for servers behind one-to-one NAT; zero is Bind, which must
	// then be a real address and not 0.0.0.0.
	Advertise netip.Addr
	// WebPort is the UDP port that all browsers share; zero takes a free one.
	WebPort uint16
	// RTPPorts is the range whose even ports plain ends use; zero takes free even ones.
	RTPPorts PortRange
	// MaxEnds bounds the open ends; zero is 4096. Opening one more fails with ErrLimit.
	MaxEnds int
	// MaxHandshakes bounds the DTLS handshakes at one time; zero is 256. One more waits for the peer's next flight.
	MaxHandshakes int
	// HandshakeTimeout ends a DTLS handshake that does not finish; zero is 10 s.
	HandshakeTimeout time.Duration
	// FirstPacketTimeout is how long after Apply an end may hear nothing before an EventSilent; zero is 10 s, negative never.
	FirstPacketTimeout time.Duration
	// SilenceTimeout is the same once packets have come; zero is 30 s, negative never. It rests while the end is on hold.
	SilenceTimeout time.Duration
	// Notify is called for each Event of every end, in order, by one goroutine; it must return soon and may call the
	// plane. Nil ignores events. At most 4096 events wait; more are dropped and counted in PlaneStats.
	Notify func(Event)
	// Logger takes what an operator acts on; nil discards.
	Logger *slog.Logger
}

// Defaults of Config.
const (
	defaultMaxEnds            = 4096
	defaultMaxHandshakes      = 256
	defaultHandshakeTimeout   = 10 * time.Second
	defaultFirstPacketTimeout = 10 * time.Second
	defaultSilenceTimeout     = 30 * time.Second
)

func (c *Config) complete() error {
	if !c.Bind.IsValid() {
		c.Bind = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	c.Bind = c.Bind.Unmap()
	if !c.Advertise.IsValid() {
		c.Advertise = c.Bind
	}
	c.Advertise = c.Advertise.Unmap()
	if c.Advertise.IsUnspecified() || c.Advertise.Is4() != c.Bind.Is4() {
		return fmt.Errorf("media: new: Advertise %v does not fit Bind %v", c.Advertise, c.Bind)
	}
	if r := c.RTPPorts; r.First > r.Last || (r.First == 0) != (r.Last == 0) || r.First%2 != 0 {
		return fmt.Errorf("media: new: RTPPorts %d to %d must rise from an even port", r.First, r.Last)
	}
	if c.MaxEnds < 0 || c.MaxHandshakes < 0 || c.HandshakeTimeout < 0 {
		return errors.New("media: new: limits must not be negative")
	}
	c.MaxEnds = cmp.Or(c.MaxEnds, defaultMaxEnds)
	c.MaxHandshakes = cmp.Or(c.MaxHandshakes, defaultMaxHandshakes)
	c.HandshakeTimeout = cmp.Or(c.HandshakeTimeout, defaultHandshakeTimeout)
	c.FirstPacketTimeout = cmp.Or(c.FirstPacketTimeout, defaultFirstPacketTimeout)
	c.SilenceTimeout = cmp.Or(c.SilenceTimeout, defaultSilenceTimeout)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// PortRange is an inclusive range of UDP ports; the zero value leaves the choice to the system.
type PortRange struct{ First, Last uint16 }

// SourcePolicy says whom a plain end believes.
type SourcePolicy uint8

const (
	// SourceLearn sends to and hears the source that packets really come from, learned in a window after Apply
	// (comedia, rtp_symmetric); the default.
	SourceLearn SourcePolicy = iota
	// SourceStrict sends to and hears only the address in the description.
	SourceStrict
)

// RTPConfig configures a plain end. The zero value works.
type RTPConfig struct {
	// Codecs are those the end takes, best first; nil is sdp.DefaultCodecs.
	Codecs []sdp.Codec
	// Source says whom the end believes.
	Source SourcePolicy
	// Label is given back in each Event, so that a host can name its leg; it is not interpreted.
	Label string
}

// WebConfig configures a browser end. The zero value works.
type WebConfig struct {
	// Codecs are those the end takes, best first; nil is sdp.DefaultCodecs.
	Codecs []sdp.Codec
	// Label is given back in each Event, so that a host can name its leg; it is not interpreted.
	Label string
}
