package sipbridge

import (
	"cmp"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

// Transport is what carries SIP.
type Transport = sipcore.Transport

// The transports that can be listened on here. WebSocket comes through the web server: Bridge.SIPWebSocket.
const (
	UDP = sipcore.TransportUDP
	TCP = sipcore.TransportTCP
)

// Config configures a Bridge. The zero value is a switch for browsers on this machine alone.
type Config struct {
	// Domain is the host part of our SIP addresses and the realm of passwords; default "tandem.invalid". Changing it
	// invalidates every stored HA1.
	Domain string
	// Listen are the sockets for SIP. None: only SIP over WebSocket and the JSON phone.
	Listen []Listen
	// Media says where sound goes; the zero value is loopback with free ports.
	Media Media
	// Trunks are the carriers and PBXs that calls are exchanged with.
	Trunks []Trunk
	// Credentials knows the agents' SIP phones; nil: no SIP phone may register or call.
	Credentials Credentials
	// Waiting is what the caller on an answered incoming trunk leg hears until Play or Bridge: SoundRing (the default)
	// or SoundMusic.
	Waiting tandem.SoundKind
	// Country chooses the call progress tones; default media.Europe.
	Country media.Country
	// Sounds opens the file of a SoundFile by name; nil: Play of a file fails with ErrUnsupported. It is called in Play
	// and should not take long.
	Sounds func(name string) (media.Source, error)
	// Limits bound what comes from outside.
	Limits Limits
	// Timing holds the waiting times.
	Timing Timing
	// CheckOrigin says whether a page may open a WebSocket (both kinds); nil allows pages of the request's own host and
	// clients that are not browsers.
	CheckOrigin func(r *http.Request, origin string) bool
	// IDs names incoming legs; default tandem.RandomIDs.
	IDs tandem.IDSource
	// UserAgent is written into SIP messages; empty writes none.
	UserAgent string
	// Logger takes what an operator acts on; nil discards.
	Logger *slog.Logger
}

// Listen is one socket for SIP: an address, or a socket that is open already.
type Listen struct {
	// Transport is UDP or TCP; required.
	Transport Transport
	// Addr is bound by Run, for example "192.0.2.10:5060"; port 0 takes a free one (see Bridge.SIPAddr).
	Addr string
	// PacketConn is an open socket for UDP, Listener for TCP; Run closes it.
	PacketConn net.PacketConn
	Listener   net.Listener
	// Advertise is the host:port that peers are told, behind one-to-one NAT; default the socket's own.
	Advertise string
}

// Media says where sound goes.
type Media struct {
	// Bind is the address of our sockets; default 127.0.0.1.
	Bind netip.Addr
	// Advertise is the address that peers are told, behind one-to-one NAT; default Bind.
	Advertise netip.Addr
	// FirstPort and LastPort are the inclusive range of UDP ports for plain RTP; zero takes free ports.
	FirstPort, LastPort uint16
	// WebPort is the UDP port that all browsers share; zero takes a free one.
	WebPort uint16
}

// Limits bound what comes from outside. Zero values take the defaults.
type Limits struct {
	// Legs bounds the legs alive; default 2000. Beyond it an INVITE is answered 503 and Dial fails with ErrFull.
	Legs int
	// Events is the mark of the outbox above which no new leg is taken; default 20000.
	Events int
	// SourceRate and SourceBurst bound the SIP messages per second from one address that is not a trunk's; defaults 50
	// and 200.
	SourceRate  float64
	SourceBurst int
	// Phones bounds the connected browser phones; default 2000.
	Phones int
	// PhoneRate is how many messages per second a browser phone may send in the long run, default 20, with bursts of
	// three times as many; more ends its connection.
	PhoneRate int
}

// Timing holds the waiting times. Zero values take the defaults.
type Timing struct {
	// Setup is how long an answered leg may take until its sound can flow (ICE, DTLS); default 15 s.
	Setup time.Duration
	// Silence ends an answered leg from which no packet comes (it rests on hold); default 60 s, negative never.
	Silence time.Duration
	// PhoneGrace is how long an answered leg outlives its browser phone's socket; default 10 s.
	PhoneGrace time.Duration
	// DeviceGrace is how long an agent counts as reachable after the last device went away, so that reloading the page
	// is not a loss; default 5 s.
	DeviceGrace time.Duration
	// PhoneIdle ends the connection of a browser phone that says nothing; default 75 s. The page sends a ping every 25 s.
	PhoneIdle time.Duration
	// Qualify is how often a trunk is asked by OPTIONS whether it is there; default 60 s, negative never. It counts as gone after two
	// questions without an answer within 5 s, the second of which comes 5 s after the first at the latest.
	Qualify time.Duration
	// Session is the interval of session timers (RFC 4028) that we ask for; default 30 minutes, negative does not ask.
	Session time.Duration
	// Stop is how long Run waits at its end for hang-ups to be sent and acknowledged; default 2 s.
	Stop time.Duration
}

// The defaults of Config.
const (
	defaultDomain      = "tandem.invalid"
	defaultLegs        = 2000
	defaultEvents      = 20000
	defaultSourceRate  = 50
	defaultSourceBurst = 200
	defaultPhones      = 2000
	defaultPhoneRate   = 20
	defaultSetup       = 15 * time.Second
	defaultSilence     = 60 * time.Second
	defaultPhoneGrace  = 10 * time.Second
	defaultDeviceGrace = 5 * time.Second
	defaultPhoneIdle   = 75 * time.Second
	defaultQualify     = 60 * time.Second
	defaultSession     = 30 * time.Minute
	defaultStop        = 2 * time.Second
)

// withDefaults checks the configuration and fills in what is not said.
func (c *Config) withDefaults() (Config, error) {
	d := *c
	d.Domain = cmp.Or(d.Domain, defaultDomain)
	d.Waiting = cmp.Or(d.Waiting, tandem.SoundRing)
	d.Country = cmp.Or(d.Country, media.Europe)
	if d.Waiting != tandem.SoundRing && d.Waiting != tandem.SoundMusic {
		return d, &tandem.ConfigError{Where: "waiting", What: "is neither ring nor music"}
	}
	if d.IDs == nil {
		d.IDs = tandem.RandomIDs()
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	d.Limits.fill()
	d.Timing.fill()
	if err := checkListen(d.Listen); err != nil {
		return d, err
	}
	return d, checkTrunks(d.Trunks, d.Listen)
}

func (l *Limits) fill() {
	l.Legs = cmp.Or(l.Legs, defaultLegs)
	l.Events = cmp.Or(l.Events, defaultEvents)
	l.SourceRate = cmp.Or(l.SourceRate, defaultSourceRate)
	l.SourceBurst = cmp.Or(l.SourceBurst, defaultSourceBurst)
	l.Phones = cmp.Or(l.Phones, defaultPhones)
	l.PhoneRate = cmp.Or(l.PhoneRate, defaultPhoneRate)
}

func (t *Timing) fill() {
	t.Setup = cmp.Or(t.Setup, defaultSetup)
	t.Silence = cmp.Or(t.Silence, defaultSilence)
	t.PhoneGrace = cmp.Or(t.PhoneGrace, defaultPhoneGrace)
	t.DeviceGrace = cmp.Or(t.DeviceGrace, defaultDeviceGrace)
	t.PhoneIdle = cmp.Or(t.PhoneIdle, defaultPhoneIdle)
	t.Qualify = cmp.Or(t.Qualify, defaultQualify)
	t.Session = cmp.Or(t.Session, defaultSession)
	t.Stop = cmp.Or(t.Stop, defaultStop)
}

func checkListen(all []Listen) error {
	for i, l := range all {
		where := indexed("listen", i)
		switch {
		case l.Transport != UDP && l.Transport != TCP:
			return &tandem.ConfigError{Where: where + ".transport", What: "is neither UDP nor TCP"}
		case l.Transport == UDP && l.Listener != nil, l.Transport == TCP && l.PacketConn != nil:
			return &tandem.ConfigError{Where: where, What: "has a socket of another transport"}
		case l.Addr == "" && l.PacketConn == nil && l.Listener == nil:
			return &tandem.ConfigError{Where: where + ".addr", What: "is missing"}
		}
	}
	return nil
}
