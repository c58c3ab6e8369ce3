package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/siptest"
)

// sipPhone is a telephone over sipgo's own dialogs, so that it shares no signalling code with the server: a caller on the
// trunk, or an agent's desk phone. Its sound is a siptest.RTPPhone.
type sipPhone struct {
	t      *testing.T
	user   string
	port   int
	client *sipgo.Client
	dialog *sipgo.DialogUA

	mu       sync.Mutex
	incoming map[string]*sipgo.DialogServerSession // by dialog ID
	outgoing map[string]*sipgo.DialogClientSession
	rings    chan *ringing
}

// ringing is a call that rings at the phone.
type ringing struct {
	phone   *sipPhone
	session *sipgo.DialogServerSession
	gone    chan struct{} // closed when it was cancelled
}

// sipCall is an answered call with its sound.
type sipCall struct {
	*siptest.RTPPhone

	wire *wire // what passed
	hang func(ctx context.Context) error
	done <-chan struct{}
	at   time.Time // when it was answered, by this phone's clock
}

// newSIPPhone opens a phone on a loopback port.
func newSIPPhone(t *testing.T, user string) *sipPhone {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	port := conn.LocalAddr().(*net.UDPAddr).Port
	ua, err := sipgo.NewUA(sipgo.WithUserAgent(user))
	require.NoError(t, err)
	quiet := slog.New(slog.DiscardHandler)
	srv, err := sipgo.NewServer(ua, sipgo.WithServerLogger(quiet))
	require.NoError(t, err)
	client, err := sipgo.NewClient(ua, sipgo.WithClientHostname("127.0.0.1"), sipgo.WithClientPort(port), sipgo.WithClientLogger(quiet))
	require.NoError(t, err)
	p := &sipPhone{
		t: t, user: user, port: port, client: client, rings: make(chan *ringing, 8),
		incoming: map[string]*sipgo.DialogServerSession{}, outgoing: map[string]*sipgo.DialogClientSession{},
		dialog: &sipgo.DialogUA{Client: client, ContactHDR: sip.ContactHeader{Address: sip.Uri{User: user, Host: "127.0.0.1", Port: port}}},
	}
	srv.OnInvite(p.onInvite)
	srv.OnAck(p.onAck)
	srv.OnBye(p.onBye)
	srv.OnCancel(func(req *sip.Request, tx sip.ServerTransaction) {
		_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil)) // the transaction layer has ended the INVITE
	})
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.ServeUDP(conn) }() // ends when the socket is closed
	t.Cleanup(func() { _ = ua.Close(); _ = conn.Close(); <-served })
	return p
}

func (p *sipPhone) onInvite(req *sip.Request, tx sip.ServerTransaction) {
	d, err := p.dialog.ReadInvite(req, tx)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.incoming[d.ID] = d
	p.mu.Unlock()
	_ = d.Respond(180, "Ringing", nil) // it may be cancelled already
	r := &ringing{phone: p, session: d, gone: make(chan struct{})}
	tx.OnCancel(func(*sip.Request) { close(r.gone) })
	p.rings <- r
	<-tx.Done()
}

func (p *sipPhone) onAck(req *sip.Request, tx sip.ServerTransaction) {
	if d := p.byServerID(req); d != nil {
		_ = d.ReadAck(req, tx) // a repeated one is refused
	}
}

func (p *sipPhone) byServerID(req *sip.Request) *sipgo.DialogServerSession {
	id, err := sip.DialogIDFromRequestUAS(req)
	if err != nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.incoming[id]
}

func (p *sipPhone) onBye(req *sip.Request, tx sip.ServerTransaction) {
	if d := p.byServerID(req); d != nil {
		_ = d.ReadBye(req, tx) // the call is over either way
		return
	}
	id, _ := sip.DialogIDFromRequestUAC(req)
	p.mu.Lock()
	d := p.outgoing[id]
	p.mu.Unlock()
	if d == nil {
		_ = tx.Respond(sip.NewResponseFromRequest(req, 481, "No such call", nil))
		return
	}
	_ = d.ReadBye(req, tx) // the call is over either way
}

// sound opens the sound of a call, with a tone to say.
func (p *sipPhone) sound(frequency float64) *siptest.RTPPhone {
	p.t.Helper()
	s, err := siptest.NewRTPPhone(siptest.RTPConfig{})
	require.NoError(p.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }() // ends with ctx
	p.t.Cleanup(func() { cancel(); <-done })
	s.Speak(media.Sine(frequency, 0.5))
	return s
}

// call dials a DID at the server and returns when it is answered.
func (p *sipPhone) call(ctx context.Context, server, did string, frequency float64) (*sipCall, error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	s := p.sound(frequency)
	w := newWire(p.t, s.Local().Addr)
	offer := sdp.Offer(s.Local())
	offer.Addr = addrOf(w.outer)
	body, err := offer.Marshal()
	if err != nil {
		return nil, err
	}
	d, err := p.dialog.Invite(ctx, sip.Uri{User: did, Host: host, Port: n}, body, sip.NewHeader("Content-Type", "application/sdp"))
	if err != nil {
		return nil, err
	}
	if err := d.WaitAnswer(ctx, sipgo.AnswerOptions{}); err != nil {
		return nil, err
	}
	at := time.Now()
	p.mu.Lock()
	p.outgoing[d.ID] = d
	p.mu.Unlock()
	if err := d.Ack(ctx); err != nil {
		return nil, err
	}
	theirs, err := sdp.Parse(d.InviteResponse.Body())
	if err != nil {
		return nil, err
	}
	if err := s.Connect(offer, w.connect(theirs)); err != nil {
		return nil, err
	}
	return &sipCall{RTPPhone: s, wire: w, hang: d.Bye, done: d.Context().Done(), at: at}, nil
}

// register registers the phone at the server with a password.
func (p *sipPhone) register(ctx context.Context, server, domain, password string) error {
	uri := sip.Uri{Host: domain}
	req := sip.NewRequest(sip.REGISTER, uri)
	aor := sip.Uri{User: p.user, Host: domain}
	req.AppendHeader(&sip.FromHeader{Address: aor, Params: sip.HeaderParams{{K: "tag", V: sip.GenerateTagN(10)}}})
	req.AppendHeader(&sip.ToHeader{Address: aor})
	req.AppendHeader(&sip.ContactHeader{Address: sip.Uri{User: p.user, Host: "127.0.0.1", Port: p.port}})
	req.AppendHeader(sip.NewHeader("Expires", "120"))
	req.SetDestination(server)
	resp, err := p.client.Do(ctx, req)
	if err != nil {
		return err
	}
	if resp.StatusCode == 401 {
		if resp, err = p.client.DoDigestAuth(ctx, req, resp, sipgo.DigestAuth{Username: p.user, Password: password}); err != nil {
			return err
		}
	}
	if resp.StatusCode != 200 {
		return fmt.Errorf("REGISTER: %d %s", resp.StatusCode, resp.Reason)
	}
	return nil
}

// nextRing waits for a call to ring.
func (p *sipPhone) nextRing(ctx context.Context) (*ringing, error) {
	select {
	case r := <-p.rings:
		return r, nil
	case <-ctx.Done():
		return nil, errors.New("nothing rang")
	}
}

// answer takes the call with a tone to say.
func (r *ringing) answer(frequency float64) (*sipCall, error) {
	s := r.phone.sound(frequency)
	theirs, err := sdp.Parse(r.session.InviteRequest.Body())
	if err != nil {
		return nil, err
	}
	w := newWire(r.phone.t, s.Local().Addr)
	local := s.Local()
	local.Addr = addrOf(w.outer)
	ours, err := sdp.Answer(theirs, local)
	if err != nil {
		return nil, err
	}
	body, err := ours.Marshal()
	if err != nil {
		return nil, err
	}
	if err := s.Connect(ours, w.connect(theirs)); err != nil {
		return nil, err
	}
	resp := sip.NewResponseFromRequest(r.session.InviteRequest, 200, "OK", body)
	resp.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	if err := r.session.WriteResponse(resp); err != nil {
		return nil, err
	}
	return &sipCall{RTPPhone: s, wire: w, hang: r.session.Bye, done: r.session.Context().Done(), at: time.Now()}, nil
}
