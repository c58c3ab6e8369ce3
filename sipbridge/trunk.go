package sipbridge

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

// Trunk is a carrier or PBX that calls are exchanged with. ID and one of Remotes, Match and AuthIn are required.
type Trunk struct {
	// ID names the trunk in events and Dial.
	ID tandem.TrunkID
	// Preset holds the settings that depend on where the peer stands; the zero value is a peer on the same network.
	Preset Preset
	// Remotes are the host:port to send calls to, in order: the next is tried when one is unreachable or answers 503.
	// None: the trunk only receives.
	Remotes []string
	// Match are the sources whose calls are this trunk's: an address, address:port, or a prefix such as 192.0.2.0/24; the
	// most exact of all trunks' wins. Default: the addresses of Remotes, with any port.
	Match []string
	// AuthOut answers the peer's challenges; AuthIn is what we challenge the peer for. Empty: none.
	AuthOut, AuthIn Auth
	// FromUser is the user part of From on calls out; empty shows the caller's number.
	FromUser string
	// FromDomain is the host part of From; default Config.Domain.
	FromDomain string
	// Codecs are the encoding names to use, best first: PCMA, PCMU; default PCMA, PCMU.
	Codecs []string
	// MaxChannels bounds the calls in both directions; zero does not. One more in is answered 503, out ends with
	// CauseCongestion.
	MaxChannels int
	// CPS bounds the new calls out per second, with a burst of one second's worth; zero does not. One more ends with
	// CauseCongestion.
	CPS float64
}

// Auth is a user name and password for digest authentication.
type Auth struct{ User, Password string }

// String returns the user and keeps the password out of logs.
func (a Auth) String() string { return a.User }

// Preset holds the settings that differ between a peer on the same network, behind an address translator, and in a
// container beside us.
type Preset struct {
	// Transport carries our requests: UDP (the default) or TCP.
	Transport Transport
	// Port is the local port whose listener the trunk uses; zero takes the first listener of the transport.
	Port uint16
	// RTPSymmetric sends sound to where the peer's really comes from, instead of where its description says.
	RTPSymmetric bool
	// ForceRport answers to where a request came from even when the peer did not ask for it (RFC 3581). It holds for the
	// listener.
	ForceRport bool
	// RewriteContact sends later requests of a call to where the peer's came from, instead of to its Contact. It holds for
	// the listener, and so does what ForceRport brings.
	RewriteContact bool
}

// LAN returns the preset for a peer on the same network, on port 5161.
func LAN() Preset { return Preset{Transport: UDP, Port: 5161} }

// NAT returns the preset for a peer behind an address translator, on port 5162.
func NAT() Preset { return Preset{Transport: UDP, Port: 5162, RTPSymmetric: true, ForceRport: true} }

// Docker returns the preset for a peer in a container network, on port 5163.
func Docker() Preset {
	return Preset{Transport: UDP, Port: 5163, RTPSymmetric: true, ForceRport: true, RewriteContact: true}
}

// indexed names the i-th element of a list in a ConfigError.
func indexed(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

func checkTrunks(all []Trunk, listen []Listen) error {
	seen, users := map[tandem.TrunkID]int{}, map[string]int{}
	for i := range all {
		where := indexed("trunks", i)
		t := &all[i]
		if j, twice := seen[t.ID]; twice {
			return &tandem.ConfigError{Where: where + ".id", What: fmt.Sprintf("%q is also the name of trunks[%d]", t.ID, j)}
		}
		seen[t.ID] = i
		if j, twice := users[t.AuthIn.User]; twice && t.AuthIn.User != "" {
			return &tandem.ConfigError{Where: where + ".auth_in.user", What: fmt.Sprintf("is also that of trunks[%d]", j)}
		}
		users[t.AuthIn.User] = i
		if err := t.check(where, listen); err != nil {
			return err
		}
	}
	return nil
}

func (t *Trunk) check(where string, listen []Listen) error {
	switch {
	case t.ID == "":
		return &tandem.ConfigError{Where: where + ".id", What: "is missing"}
	case len(t.Remotes) == 0 && len(t.Match) == 0 && t.AuthIn.User == "":
		return &tandem.ConfigError{Where: where, What: "has neither remotes nor a way to be recognised"}
	case t.MaxChannels < 0:
		return &tandem.ConfigError{Where: where + ".max_channels", What: "is negative"}
	case t.CPS < 0:
		return &tandem.ConfigError{Where: where + ".cps", What: "is negative"}
	case t.AuthIn.User != "" && t.AuthIn.Password == "":
		return &tandem.ConfigError{Where: where + ".auth_in", What: "has no password"}
	case t.Preset.Transport != 0 && t.Preset.Transport != UDP && t.Preset.Transport != TCP:
		return &tandem.ConfigError{Where: where + ".preset.transport", What: "is neither UDP nor TCP"}
	}
	return t.checkLists(where, listen)
}

func (t *Trunk) checkLists(where string, listen []Listen) error {
	for i, r := range t.Remotes {
		if err := checkRemote(r); err != nil {
			return &tandem.ConfigError{Where: where + "." + indexed("remotes", i), What: fmt.Sprintf("%q is not host:port", r)}
		}
	}
	for i, m := range t.Match {
		if _, err := parseSource(m); err != nil {
			return &tandem.ConfigError{
				Where: where + "." + indexed("match", i), What: fmt.Sprintf("%q is not an address, address:port or prefix", m),
			}
		}
	}
	for i, c := range t.Codecs {
		if _, ok := codecNamed(c); !ok {
			return &tandem.ConfigError{Where: where + "." + indexed("codecs", i), What: fmt.Sprintf("%q is not PCMA or PCMU", c)}
		}
	}
	if t.Preset.Port != 0 && t.listener(listen) < 0 {
		return &tandem.ConfigError{
			Where: where + ".preset.port", What: fmt.Sprintf("no %s listener has port %d", t.transport(), t.Preset.Port),
		}
	}
	return nil
}

func checkRemote(r string) error {
	host, port, err := net.SplitHostPort(r)
	if err != nil {
		return err //nolint:wrapcheck // The caller says the same with the place.
	}
	if host == "" {
		return net.InvalidAddrError(r)
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err
}

func (t *Trunk) transport() Transport {
	if t.Preset.Transport == 0 {
		return UDP
	}
	return t.Preset.Transport
}

// listener returns the index of the listener that the trunk sends through, or -1.
func (t *Trunk) listener(all []Listen) int {
	return slices.IndexFunc(all, func(l Listen) bool {
		return l.Transport == t.transport() && (t.Preset.Port == 0 || l.port() == t.Preset.Port)
	})
}

// wayOut returns the name of the listener that the trunk sends through, empty for TCP, whose connections need none; false: there is
// no way.
func (t *trunkState) wayOut() (string, bool) {
	switch {
	case t.transport() == TCP:
		return "", true
	case t.listener < 0:
		return "", false
	}
	return indexed("listen", t.listener), true
}

// destination returns where sipcore is to send a request for a remote.
func (t *trunkState) destination(remote string) string {
	return strings.ToLower(t.transport().String()) + ":" + remote
}

// port returns the port that a listener is or will be bound to, as far as it is known before Run.
func (l *Listen) port() uint16 {
	addr := l.Addr
	switch {
	case l.PacketConn != nil:
		addr = l.PacketConn.LocalAddr().String()
	case l.Listener != nil:
		addr = l.Listener.Addr().String()
	}
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

// source is one entry of Trunk.Match.
type source struct {
	prefix netip.Prefix
	port   uint16 // zero: any
}

func parseSource(s string) (source, error) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		a := ap.Addr().Unmap()
		return source{netip.PrefixFrom(a, a.BitLen()), ap.Port()}, nil
	}
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap()
		return source{prefix: netip.PrefixFrom(a, a.BitLen())}, nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return source{}, fmt.Errorf("sipbridge: source %q: %w", s, err)
	}
	return source{prefix: p.Masked()}, nil
}

// weight says how exactly the source names addr: 0 not at all, more is more exact.
func (s source) weight(addr netip.AddrPort) int {
	switch {
	case !s.prefix.Contains(addr.Addr().Unmap()), s.port != 0 && s.port != addr.Port():
		return 0
	case s.port != 0:
		return exactSource
	}
	return 1 + s.prefix.Bits()
}

// exactSource is the weight of a source that names address and port.
const exactSource = 1000

// sources returns what the trunk is recognised by.
func (t *Trunk) sources() []source {
	list := t.Match
	if len(list) == 0 && t.AuthIn.User == "" {
		for _, r := range t.Remotes {
			if host, _, err := net.SplitHostPort(r); err == nil {
				list = append(list, host)
			}
		}
	}
	var out []source
	for _, m := range list {
		// A remote given by name is recognised by nothing: its address may change at any time.
		if s, err := parseSource(m); err == nil {
			out = append(out, s)
		}
	}
	return out
}

// codecs returns the codecs of the trunk, best first, with telephone events last.
func (t *Trunk) codecs() []sdp.Codec {
	names := t.Codecs
	if len(names) == 0 {
		names = []string{"PCMA", "PCMU"}
	}
	var out []sdp.Codec
	for _, n := range names {
		if c, ok := codecNamed(n); ok {
			out = append(out, c)
		}
	}
	return append(out, sdp.TelephoneEvent(telephoneEvent))
}

// telephoneEvent is the payload number we give telephone events where nobody else chose one.
const telephoneEvent = 101

func codecNamed(n string) (sdp.Codec, bool) {
	switch strings.ToUpper(n) {
	case "PCMA", "ALAW":
		return sdp.PCMA(), true
	case "PCMU", "ULAW":
		return sdp.PCMU(), true
	}
	return sdp.Codec{}, false
}
