package media

import (
	"context"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	piondtls "github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v4/deadline"

	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

const (
	// dtlsInbox bounds the handshake packets that wait; a whole flight is a handful. More are dropped and sent again
	// by the peer.
	dtlsInbox = 16
	// replayWindow is SRTP's (RFC 3711 section 3.3.2).
	replayWindow = 64
)

var errFingerprint = errors.New("media: certificate does not match the description's fingerprint")

// dtls is a browser end's association: the handshake that makes the SRTP keys. ice.mu guards what packets do not touch.
type dtls struct {
	inbox   chan []byte
	expect  string // the browser's fingerprint; empty before Apply
	client  bool   // we begin
	role    sdp.Setup
	started bool
	closed  bool
	abort   context.CancelFunc // ends the association under way

	keys    atomic.Pointer[srtp.Context] // for what comes in; used by the web reader only
	profile atomic.Uint32
}

func newDTLS() dtls { return dtls{inbox: make(chan []byte, dtlsInbox)} }

func (i *ice) applyDTLSLocked(a sdp.Agreement) {
	if i.expect == a.Web.Fingerprint {
		return // ICE may restart; the association goes on (RFC 8842 section 4).
	}
	if i.abort != nil {
		i.abort()
	}
	i.expect, i.client, i.started = a.Web.Fingerprint, a.Client, false
	i.role = sdp.SetupPassive
	if a.Client {
		i.role = sdp.SetupActive
	}
}

func (i *ice) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	if i.abort != nil {
		i.abort()
	}
}

func (i *ice) profileName() string {
	p := i.profile.Load()
	if p == 0 {
		return ""
	}
	return srtp.ProtectionProfile(p).String()
}

// push hands a DTLS packet to the handshake; b is copied, as its memory is the reader's.
func (i *ice) push(b []byte) {
	select {
	case i.inbox <- append([]byte(nil), b...):
	default:
	}
}

// secure begins the handshake once the browser's address and fingerprint are known and there is a place. When there is
// none, the browser's next check tries again.
//
//nolint:contextcheck,nolintlint // The handshake outlives whoever brought the description or the check; the callers would be reported.
func (e *End) secure() {
	i := e.ice
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.started || i.closed || i.expect == "" || !i.dest.IsValid() {
		return
	}
	select {
	case e.plane.handshakes <- struct{}{}:
	default:
		return
	}
	ctx, cancel := e.plane.child() // Ends with the end or a new association, no caller's.
	a := &association{end: e, client: i.client, expect: i.expect, dead: deadline.New(), gone: ctx.Done()}
	if !e.work(func() { defer cancel(); a.run(ctx) }) {
		cancel()
		<-e.plane.handshakes
		return
	}
	i.started, i.abort = true, cancel
}

var _ net.PacketConn = (*association)(nil)

// association is one DTLS connection of a browser end, and the net.PacketConn below it.
type association struct {
	end    *End
	client bool
	expect string
	dead   *deadline.Deadline
	gone   <-chan struct{}
}

// run shakes hands, hands over the keys and then serves the connection until it is aborted or the browser closes it.
func (a *association) run(ctx context.Context) {
	e := a.end
	conn, err := a.shake(ctx)
	<-e.plane.handshakes
	if err != nil {
		if ctx.Err() == nil {
			e.plane.log.DebugContext(ctx, "dtls handshake", "label", e.label, "error", err)
			e.emit(Event{Kind: EventFailed, Err: err})
		}
		return
	}
	stop := context.AfterFunc(ctx, func() { a.close(conn) })
	defer stop()
	defer a.close(conn)
	e.emit(Event{Kind: EventSecured})
	// Nothing comes over it but its own alerts and late handshake packets; reading drops anything else.
	buf := make([]byte, maxPacket)
	for {
		if _, err := conn.Read(buf); err != nil {
			return
		}
	}
}

func (a *association) close(conn *piondtls.Conn) {
	if err := conn.Close(); err != nil {
		a.end.plane.log.Debug("close dtls", "label", a.end.label, "error", err)
	}
}

func (a *association) shake(ctx context.Context) (*piondtls.Conn, error) {
	e := a.end
	remote := net.UDPAddrFromAddrPort(e.ice.destination())
	quiet := &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	common := []piondtls.Option{
		piondtls.WithCertificates(e.plane.ident.certificate),
		// GCM costs the least per packet; the other is what every peer knows (RFC 8827 section 6.5).
		piondtls.WithSRTPProtectionProfiles(piondtls.SRTP_AEAD_AES_128_GCM, piondtls.SRTP_AES128_CM_HMAC_SHA1_80),
		piondtls.WithExtendedMasterSecret(piondtls.RequireExtendedMasterSecret),
		piondtls.WithInsecureSkipVerify(true), // No authority signs it; the fingerprint is checked instead.
		piondtls.WithVerifyPeerCertificate(a.verify),
		piondtls.WithLoggerFactory(quiet),
	}
	conn, err := a.open(remote, common)
	if err != nil {
		return nil, fmt.Errorf("media: dtls: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, e.plane.cfg.HandshakeTimeout)
	defer cancel()
	err = conn.HandshakeContext(limited)
	if err == nil {
		err = a.takeKeys(conn)
	}
	if err != nil {
		a.close(conn)
		return nil, fmt.Errorf("media: dtls: %w", err)
	}
	return conn, nil
}

func (a *association) open(remote net.Addr, common []piondtls.Option) (*piondtls.Conn, error) {
	if a.client {
		opts := make([]piondtls.ClientOption, 0, len(common))
		for _, o := range common {
			opts = append(opts, o)
		}
		return piondtls.ClientWithOptions(a, remote, opts...)
	}
	opts := []piondtls.ServerOption{piondtls.WithClientAuth(piondtls.RequireAnyClientCert)}
	for _, o := range common {
		opts = append(opts, o)
	}
	return piondtls.ServerWithOptions(a, remote, opts...)
}

func (a *association) verify(certs [][]byte, _ [][]*x509.Certificate) error {
	if len(certs) == 0 {
		return errFingerprint
	}
	got := []byte(strings.ToLower(fingerprint(certs[0])))
	if subtle.ConstantTimeCompare(got, []byte(strings.ToLower(a.expect))) != 1 {
		return errFingerprint
	}
	return nil
}

func (a *association) takeKeys(conn *piondtls.Conn) error {
	chosen, ok := conn.SelectedSRTPProtectionProfile()
	if !ok {
		return errors.New("peer chose no SRTP profile")
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return errors.New("no connection state")
	}
	c := srtp.Config{Profile: srtp.ProtectionProfile(chosen)}
	if err := c.ExtractSessionKeysFromDTLS(&state, a.client); err != nil {
		return err
	}
	out, err := srtp.CreateContext(c.Keys.LocalMasterKey, c.Keys.LocalMasterSalt, c.Profile)
	if err != nil {
		return err
	}
	in, err := srtp.CreateContext(c.Keys.RemoteMasterKey, c.Keys.RemoteMasterSalt, c.Profile,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return err
	}
	a.end.ice.keys.Store(in)
	a.end.ice.profile.Store(uint32(chosen))
	a.end.out.secured(out)
	return nil
}

func (i *ice) destination() netip.AddrPort {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.dest
}

// ReadFrom implements net.PacketConn.
func (a *association) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-a.end.ice.inbox:
		return copy(b, p), net.UDPAddrFromAddrPort(a.end.ice.destination()), nil
	case <-a.dead.Done():
		return 0, nil, timeoutError{}
	case <-a.gone:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo implements net.PacketConn; packets go to where the browser is now.
func (a *association) WriteTo(b []byte, _ net.Addr) (int, error) {
	return a.end.conn.WriteToUDPAddrPort(b, a.end.ice.destination())
}

// Close implements net.PacketConn; the socket is shared and stays open.
func (a *association) Close() error {
	a.dead.Set(time.Unix(1, 0))
	return nil
}

// LocalAddr implements net.PacketConn.
func (a *association) LocalAddr() net.Addr { return a.end.conn.LocalAddr() }

// SetDeadline implements net.PacketConn.
func (a *association) SetDeadline(t time.Time) error { return a.SetReadDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (a *association) SetReadDeadline(t time.Time) error {
	a.dead.Set(t)
	return nil
}

// SetWriteDeadline implements net.PacketConn; sending a datagram does not wait.
func (a *association) SetWriteDeadline(time.Time) error { return nil }

type timeoutError struct{}

func (timeoutError) Error() string   { return "media: dtls: deadline exceeded" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// webReader holds what decryption reuses from packet to packet.
type webReader struct {
	rtp  rtp.Header
	rtcp rtcp.Header
}

// decrypt authenticates a packet of sound; a browser that has no keys yet has nothing to say.
func (r *webReader) decrypt(e *End, b, plain []byte) ([]byte, bool) {
	keys := e.ice.keys.Load()
	if keys == nil {
		e.in.drop()
		return nil, false
	}
	out, err := keys.DecryptRTP(plain[:0], b, &r.rtp)
	if err != nil {
		e.in.drop()
		return nil, false
	}
	return out, true
}

func (r *webReader) decryptReport(e *End, b []byte) ([]byte, bool) {
	keys := e.ice.keys.Load()
	if keys == nil {
		return nil, false
	}
	out, err := keys.DecryptRTCP(nil, b, &r.rtcp)
	if err != nil {
		e.in.drop()
		return nil, false
	}
	return out, true
}
