package media

import (
	"crypto/rand"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/stun/v4"

	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

const (
	// consentTimeout is how long a browser's checks may stay away (RFC 7675 section 5.1).
	consentTimeout = 30 * time.Second
	// maxPaths bounds the addresses from which one browser may be checked in.
	maxPaths = 16
	// hostPriority is that of a host candidate for RTP (RFC 8445 section 5.1.2.1).
	hostPriority = 126<<24 | 65535<<8 | 255
)

// credentials are a username fragment and its password.
type credentials struct{ ufrag, pwd string }

// newCredentials returns more random bits than RFC 8445 section 5.3 asks for; rand.Text holds only letters and digits.
func newCredentials() credentials { return credentials{rand.Text()[:8], rand.Text()} }

// ice is a browser end's ICE-lite agent (RFC 8445 section 2.5) and its DTLS association. It sends no checks of its own:
// the browser finds the way, and every check proves that it still wants our packets.
type ice struct {
	mu sync.Mutex
	credentials
	old       credentials // before a restart, until the first check with the new ones
	peer      string      // the browser's username fragment; empty before Apply
	paths     []netip.AddrPort
	dest      netip.AddrPort // chosen by the browser
	chosen    bool           // dest was nominated, not only checked
	lastCheck time.Time

	dtls
}

func newICE() *ice {
	return &ice{credentials: newCredentials(), dtls: newDTLS()}
}

// names are the username fragments that mean this end.
func (i *ice) names() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.old.ufrag == "" {
		return []string{i.ufrag}
	}
	return []string{i.ufrag, i.old.ufrag}
}

// restart takes new credentials and returns the names that are good no longer.
func (i *ice) restart() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var gone []string
	if i.old.ufrag != "" {
		gone = []string{i.old.ufrag}
	}
	i.old, i.credentials = i.credentials, newCredentials()
	return gone
}

// forget returns the known paths and forgets them.
func (i *ice) forget() []netip.AddrPort {
	i.mu.Lock()
	defer i.mu.Unlock()
	paths := i.paths
	i.paths = nil
	return paths
}

func (i *ice) local(addr netip.AddrPort, ssrc uint32, fingerprint string) *sdp.Web {
	i.mu.Lock()
	defer i.mu.Unlock()
	return &sdp.Web{
		Ufrag: i.ufrag, Pwd: i.pwd, Lite: true, Fingerprint: fingerprint, Setup: i.role, SSRC: ssrc,
		Candidates: []sdp.Candidate{{
			Foundation: "1", Component: 1, Transport: "udp", Priority: hostPriority,
			Host: addr.Addr().String(), Port: addr.Port(), Type: "host",
		}},
	}
}

func (i *ice) apply(a sdp.Agreement) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.peer = a.Web.Ufrag
	i.applyDTLSLocked(a)
}

// readWeb is the reader goroutine of the browsers' shared port.
func (p *Plane) readWeb() {
	buf, plain := make([]byte, maxPacket), make([]byte, 0, maxPacket)
	var r webReader
	for {
		n, from, err := p.web.ReadFromUDPAddrPort(buf)
		if err != nil {
			select {
			case <-p.closing:
				return
			default:
				continue // An ICMP error of an earlier packet.
			}
		}
		if n == 0 || n == maxPacket {
			p.unknown.Add(1)
			continue
		}
		r.demux(p, buf[:n], plain, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
	}
}

// demux tells apart what comes to the shared port by its first byte (RFC 7983 section 7).
func (r *webReader) demux(p *Plane, b, plain []byte, from netip.AddrPort) {
	now := time.Now()
	if b[0] < 4 {
		p.check(b, from, now)
		return
	}
	p.mu.RLock()
	e := p.addrs[from]
	p.mu.RUnlock()
	switch {
	case e == nil:
		p.unknown.Add(1)
	case b[0] >= 20 && b[0] <= 63:
		e.ice.push(b)
	case !isRTP(b):
		e.in.drop()
	case isRTCP(b):
		if out, ok := r.decryptReport(e, b); ok {
			e.receiveReport(out, now)
		}
	default:
		if out, ok := r.decrypt(e, b, plain); ok {
			e.receive(out, netip.AddrPort{}, now)
		}
	}
}

// check answers a connectivity check (RFC 8445 section 7.3). One without the right name and password is ignored: an
// answer would help only a scanner.
func (p *Plane) check(b []byte, from netip.AddrPort, now time.Time) {
	m := &stun.Message{Raw: slices.Clone(b)} // Checking the integrity writes into it.
	if m.Decode() != nil || m.Type != stun.BindingRequest {
		p.unknown.Add(1)
		return
	}
	var name stun.Username
	if name.GetFrom(m) != nil {
		p.unknown.Add(1)
		return
	}
	mine, theirs, _ := strings.Cut(name.String(), ":")
	p.mu.RLock()
	e := p.ufrags[mine]
	p.mu.RUnlock()
	if e == nil {
		p.unknown.Add(1)
		return
	}
	pwd, ok := e.ice.password(mine, theirs)
	integrity := stun.NewShortTermIntegrity(pwd)
	if !ok || integrity.Check(m) != nil {
		e.in.drop()
		return
	}
	p.answer(m, integrity, from)
	_, useErr := m.Get(stun.AttrUseCandidate)
	p.checkedIn(e, from, mine, useErr == nil, now)
}

func (p *Plane) answer(m *stun.Message, integrity stun.MessageIntegrity, to netip.AddrPort) {
	setters := []stun.Setter{stun.NewTransactionIDSetter(m.TransactionID)}
	if m.Contains(stun.AttrICEControlled) {
		// Two sides that both wait would wait for ever; the lite side is always the controlled one.
		setters = append(setters, stun.NewType(stun.MethodBinding, stun.ClassErrorResponse), stun.CodeRoleConflict)
	} else {
		setters = append(setters, stun.BindingSuccess, &stun.XORMappedAddress{IP: to.Addr().AsSlice(), Port: int(to.Port())})
	}
	res, err := stun.Build(append(setters, integrity, stun.Fingerprint)...)
	if err == nil {
		_, err = p.web.WriteToUDPAddrPort(res.Raw, to)
	}
	if err != nil {
		p.log.Debug("answer ice check", "error", err)
	}
}

// password returns what a check for one of our names must be signed with; false when the other name is not the
// browser's.
func (i *ice) password(mine, theirs string) (string, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case mine == i.ufrag && (i.peer == "" || i.old.ufrag != "" || theirs == i.peer):
		return i.pwd, true
	case i.old.ufrag != "" && mine == i.old.ufrag:
		return i.old.pwd, true
	default:
		return "", false
	}
}

// checkedIn notes a good check: where the browser is, and that it wants packets.
func (p *Plane) checkedIn(e *End, from netip.AddrPort, name string, nominated bool, now time.Time) { //nolint:revive // As the check says.
	i := e.ice
	i.mu.Lock()
	stale := ""
	if name == i.ufrag && i.old.ufrag != "" {
		stale, i.old, i.chosen = i.old.ufrag, credentials{}, false
	}
	var gone netip.AddrPort
	if !slices.Contains(i.paths, from) {
		if len(i.paths) == maxPaths {
			at := slices.IndexFunc(i.paths, func(a netip.AddrPort) bool { return a != i.dest })
			gone = i.paths[at]
			i.paths = slices.Delete(i.paths, at, at+1)
		}
		i.paths = append(i.paths, from)
	}
	if nominated || !i.chosen {
		i.dest, i.chosen = from, nominated
	}
	i.lastCheck = now
	dest := i.dest
	i.mu.Unlock()

	p.mu.Lock()
	if _, open := p.ends[e]; open {
		p.addrs[from] = e
		if gone.IsValid() && p.addrs[gone] == e {
			delete(p.addrs, gone)
		}
		if stale != "" {
			delete(p.ufrags, stale)
		}
	}
	p.mu.Unlock()
	if e.out.giveConsent(dest) {
		e.in.heardAgain(e)
	}
	e.secure()
}

// heardAgain reports that a browser that had gone silent is back.
func (in *inbound) heardAgain(e *End) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.lostConsent {
		in.lostConsent = false
		e.emit(Event{Kind: EventResumed})
	}
}

// checkConsent stops sending to a browser whose checks stopped.
func (e *End) checkConsent(now time.Time) {
	i := e.ice
	i.mu.Lock()
	lost := !i.lastCheck.IsZero() && now.Sub(i.lastCheck) > consentTimeout
	if lost {
		i.lastCheck = time.Time{} // Once.
	}
	i.mu.Unlock()
	if !lost {
		return
	}
	e.out.revokeConsent()
	e.in.mu.Lock()
	e.in.lostConsent = true
	e.in.mu.Unlock()
	e.emit(Event{Kind: EventConsentLost})
}
