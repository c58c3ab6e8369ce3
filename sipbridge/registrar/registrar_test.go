package registrar_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/registrar"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/sipbridge/sipcore/digest"
)

// passwords is a credential store for tests.
type passwords map[string]string

func (p passwords) HA1(_ context.Context, user, realm string, alg digest.Algorithm) ([]byte, error) {
	if user == "broken" {
		return nil, errors.New("store is down")
	}
	pw, ok := p[user]
	if !ok {
		return nil, registrar.ErrUnknownUser
	}
	return digest.HA1(alg, user, realm, pw), nil
}

// desk is one phone that registers by hand.
type desk struct {
	tb   testing.TB
	reg  *registrar.Registrar
	flow *sipcore.Flow
	user string
	pass string
	alg  digest.Algorithm
	seq  int
	call string
	nc   uint32
}

func setup(t *testing.T, change func(*registrar.Config)) *registrar.Registrar {
	t.Helper()
	cfg := registrar.Config{Realm: "tandem", Credentials: passwords{"alice": "secret", "bob": "hidden"}}
	if change != nil {
		change(&cfg)
	}
	r, err := registrar.New(cfg)
	require.NoError(t, err)
	return r
}

func newDesk(tb testing.TB, r *registrar.Registrar, user, pass, from string) *desk {
	tb.Helper()
	flow := sipcore.NewFlow("ws/"+from, sipcore.TransportWS, netip.MustParseAddrPort(from), func([]byte) error { return nil })
	return &desk{tb: tb, reg: r, flow: flow, user: user, pass: pass, alg: digest.MD5, call: "c-" + user + from}
}

func (d *desk) send(method string, headers ...string) sipcore.Reply {
	d.tb.Helper()
	d.seq++
	raw := fmt.Sprintf("%s sip:tandem SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK%d\r\nMax-Forwards: 69\r\n"+
		"From: <sip:%s@tandem>;tag=1\r\nTo: <sip:%s@tandem>\r\nCall-ID: %s\r\nCSeq: %d %s\r\n%s\r\nContent-Length: 0\r\n\r\n",
		method, d.seq, d.user, d.user, d.call, d.seq, method, strings.Join(headers, "\r\n"))
	in, err := sipcore.ParseInbound([]byte(raw), d.flow)
	require.NoError(d.tb, err)
	if method == "REGISTER" {
		return d.reg.Register(d.tb.Context(), in)
	}
	a := d.reg.Authenticate(d.tb.Context(), in)
	if a.Allow {
		return sipcore.Reply{Status: 200}
	}
	return sipcore.Reply{Status: a.Status, Headers: a.Headers}
}

func header(r sipcore.Reply, name string) string {
	for _, h := range r.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// credentials answers the challenge of a reply.
func (d *desk) credentials(r sipcore.Reply, method string) string {
	d.tb.Helper()
	name, value := "Authorization", header(r, "WWW-Authenticate")
	if r.Status == 407 {
		name, value = "Proxy-Authorization", header(r, "Proxy-Authenticate")
	}
	ch, err := digest.ParseChallenge(value)
	require.NoError(d.tb, err, "status %d", r.Status)
	d.nc++
	cr, err := ch.Answer(digest.Login{Username: d.user, Password: d.pass, Method: method, URI: "sip:tandem", CNonce: "abc", NC: d.nc})
	require.NoError(d.tb, err)
	return name + ": " + cr.String()
}

// register registers with a fresh challenge.
func (d *desk) register(headers ...string) sipcore.Reply {
	d.tb.Helper()
	first := d.send("REGISTER", headers...)
	if first.Status != 401 {
		return first
	}
	d.nc = 0
	return d.send("REGISTER", append(headers, d.credentials(first, "REGISTER"))...)
}

const webContact = `Contact: <sip:x1@random.invalid;transport=ws>;+sip.instance="<urn:uuid:1>";reg-id=1;expires=600`

func TestRegistrar_DeviceIsReachedByItsFlow(t *testing.T) {
	t.Parallel()
	r := setup(t, nil)
	d := newDesk(t, r, "alice", "secret", "192.0.2.1:1111")
	reply := d.register(webContact, "User-Agent: JsSIP 3.13.8")
	require.Equal(t, 200, reply.Status)
	require.Equal(t, `<sip:x1@random.invalid;transport=ws>;expires=600;+sip.instance="<urn:uuid:1>";reg-id=1`, header(reply, "Contact"))
	got := r.Lookup("alice")
	require.Len(t, got, 1)
	require.Same(t, d.flow, got[0].Flow)
	require.Equal(t, "JsSIP 3.13.8", got[0].UserAgent)
	require.Empty(t, r.Lookup("bob"))

	// The same device over a new connection replaces itself (RFC 5626).
	again := newDesk(t, r, "alice", "secret", "192.0.2.1:2222")
	require.Equal(t, 200, again.register(webContact).Status)
	got = r.Lookup("alice")
	require.Len(t, got, 1)
	require.Same(t, again.flow, got[0].Flow)
	r.FlowClosed(d.flow)
	require.Len(t, r.Lookup("alice"), 1, "the old connection's end does not touch the new binding")
	r.FlowClosed(again.flow)
	require.Empty(t, r.Lookup("alice"))
	require.EqualValues(t, 1, r.Counters().Lost)
}

func TestRegistrar_SeveralDevicesExpiryAndRemoval(t *testing.T) {
	t.Parallel()
	r := setup(t, func(c *registrar.Config) { c.MaxBindings = 2 })
	d := newDesk(t, r, "alice", "secret", "192.0.2.1:1111")
	require.Equal(t, 200, d.register("Contact: <sip:a@192.0.2.1:1111>", "Expires: 100").Status)
	require.Equal(t, 200, d.register("Contact: <sip:b@192.0.2.1:1112>", "Expires: 200").Status)
	require.Len(t, r.Lookup("alice"), 2)
	require.Equal(t, 200, d.register("Contact: <sip:c@192.0.2.1:1113>").Status)
	got := r.Lookup("alice")
	require.Len(t, got, 2, "the device that would expire first makes room")
	require.Equal(t, "sip:c@192.0.2.1:1113", got[0].Contact)
	require.Equal(t, 200, d.register("Contact: <sip:c@192.0.2.1:1113>;expires=0").Status)
	require.Len(t, r.Lookup("alice"), 1)
	require.Equal(t, 400, d.register("Contact: *", "Expires: 60").Status)
	require.Equal(t, 200, d.register("Contact: *", "Expires: 0").Status)
	require.Empty(t, r.Lookup("alice"))
	require.Equal(t, 0, r.Counters().Bindings)
}

func TestRegistrar_RefusesWhatTheRFCRefuses(t *testing.T) {
	t.Parallel()
	r := setup(t, nil)
	d := newDesk(t, r, "alice", "secret", "192.0.2.1:1111")
	brief := d.register("Contact: <sip:a@192.0.2.1>;expires=5")
	require.Equal(t, 423, brief.Status)
	require.Equal(t, "60", header(brief, "Min-Expires"))
	require.Equal(t, 400, d.register("Contact: <tel:123>").Status)
	require.Equal(t, 400, d.register("Contact: <sip:a@192.0.2.1>;reg-id=x").Status)
	require.Equal(t, 400, d.register("Contact: <sip:a@192.0.2.1>", "Expires: soon").Status)
	long := d.register("Contact: <sip:a@192.0.2.1>;expires=999999")
	require.Equal(t, 200, long.Status)
	require.Contains(t, header(long, "Contact"), "expires=3600")
	require.Equal(t, 200, d.register().Status, "without Contact it only asks what is bound")
	mallory := newDesk(t, r, "bob", "hidden", "192.0.2.9:1")
	first := mallory.send("REGISTER", webContact)
	cr := mallory.credentials(first, "REGISTER")
	mallory.user = "alice"
	require.Equal(t, 403, mallory.send("REGISTER", webContact, cr).Status, "nobody registers for another")
}

func TestRegistrar_ThreeWrongPasswordsLockThePairOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := setup(t, func(c *registrar.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		thief := newDesk(t, r, "alice", "guess", "203.0.113.5:1")
		require.Equal(t, 401, thief.register(webContact).Status)
		require.Equal(t, 401, thief.register(webContact).Status)
		require.Equal(t, 403, thief.register(webContact).Status, "the third wrong password")
		require.Equal(t, 403, thief.register(webContact).Status)
		thief.pass = "secret"
		require.Equal(t, 403, thief.register(webContact).Status, "locked means locked, with the right password too")
		require.Contains(t, log.String(), "sip user locked out after wrong passwords")
		require.Contains(t, log.String(), "agent=alice source=203.0.113.5")
		require.NotContains(t, log.String(), "guess")
		n := r.Counters()
		require.EqualValues(t, 3, n.Failures)
		require.EqualValues(t, 1, n.Lockouts)
		require.EqualValues(t, 2, n.Locked)

		owner := newDesk(t, r, "alice", "secret", "192.0.2.1:1")
		require.Equal(t, 200, owner.register(webContact).Status, "the owner elsewhere is not disturbed")
		time.Sleep(5*time.Minute + time.Second)
		require.Equal(t, 200, thief.register(webContact).Status, "the lock-out ends")

		// An operator can end it before.
		thief.pass = "guess"
		for range 3 {
			thief.register(webContact)
		}
		r.Unlock("alice")
		thief.pass = "secret"
		require.Equal(t, 200, thief.register(webContact).Status)
	})
}

func TestRegistrar_UnknownUsersLookLikeKnownOnes(t *testing.T) {
	t.Parallel()
	r := setup(t, nil)
	known, unknown := newDesk(t, r, "alice", "wrong", "192.0.2.1:1"), newDesk(t, r, "nobody", "wrong", "192.0.2.2:1")
	for range 4 {
		a, b := known.register(webContact), unknown.register(webContact)
		require.Equal(t, a.Status, b.Status)
		require.Len(t, b.Headers, len(a.Headers))
	}
}

func TestRegistrar_OneAddressCannotTryManyUsers(t *testing.T) {
	t.Parallel()
	r := setup(t, func(c *registrar.Config) { c.MaxSourceFailures = 5 })
	for i := range 5 {
		newDesk(t, r, fmt.Sprint("user", i), "x", "203.0.113.5:1").register(webContact)
	}
	require.Equal(t, 403, newDesk(t, r, "alice", "secret", "203.0.113.5:1").register(webContact).Status)
	require.Equal(t, 200, newDesk(t, r, "alice", "secret", "203.0.113.6:1").register(webContact).Status)
}

func TestRegistrar_NoncesAreOldStolenAndReplayedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := setup(t, nil)
		d := newDesk(t, r, "alice", "secret", "192.0.2.1:1")
		first := d.send("REGISTER", webContact)
		cr := d.credentials(first, "REGISTER")
		require.Equal(t, 200, d.send("REGISTER", webContact, cr).Status)
		replay := d.send("REGISTER", webContact, cr)
		require.Equal(t, 401, replay.Status)
		require.Contains(t, header(replay, "WWW-Authenticate"), "stale=true", "the phone tries again by itself")
		require.EqualValues(t, 1, r.Counters().Replays)
		require.Equal(t, 200, d.send("REGISTER", webContact, d.credentials(first, "REGISTER")).Status, "the next count is good")

		thief := newDesk(t, r, "alice", "secret", "203.0.113.5:1")
		require.Equal(t, 401, thief.send("REGISTER", webContact, d.credentials(first, "REGISTER")).Status, "of another address")

		time.Sleep(6 * time.Minute)
		old := d.send("REGISTER", webContact, d.credentials(first, "REGISTER"))
		require.Contains(t, header(old, "WWW-Authenticate"), "stale=true")
		require.Zero(t, r.Counters().Failures, "none of it counts as a wrong password")
	})
}

func TestRegistrar_InviteIsChallengedAndBoundToItsUser(t *testing.T) {
	t.Parallel()
	r := setup(t, func(c *registrar.Config) { c.Algorithms = []digest.Algorithm{digest.SHA256, digest.MD5} })
	d := newDesk(t, r, "alice", "secret", "192.0.2.1:1")
	first := d.send("INVITE")
	require.Equal(t, 407, first.Status)
	require.Len(t, first.Headers, 2, "one challenge per algorithm (RFC 8760)")
	require.Contains(t, first.Headers[0].Value, "SHA-256")
	cr := d.credentials(first, "INVITE")
	require.Equal(t, 200, d.send("INVITE", cr).Status)
	cr = d.credentials(first, "INVITE")
	d.user = "bob"
	require.Equal(t, 403, d.send("INVITE", cr).Status, "From must be who is authenticated")
	require.Equal(t, 503, newDesk(t, r, "broken", "x", "192.0.2.3:1").register(webContact).Status)
}

func TestRegistrar_PresenceIsToldInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			mu  sync.Mutex
			got []string
		)
		r := setup(t, func(c *registrar.Config) {
			c.OnPresence = func(p registrar.Presence) {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, fmt.Sprintf("%s %v", p.User, p.Up))
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		d := newDesk(t, r, "alice", "secret", "192.0.2.1:1")
		d.register("Contact: <sip:a@192.0.2.1>;expires=60")
		d.register("Contact: <sip:b@192.0.2.1>;expires=90")
		time.Sleep(70 * time.Second)
		require.Len(t, r.Lookup("alice"), 1)
		time.Sleep(30 * time.Second)
		require.Empty(t, r.Lookup("alice"))
		d.register("Contact: <sip:a@192.0.2.1>;expires=60")
		r.Remove("alice")
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.Equal(t, []string{"alice true", "alice false", "alice true", "alice false"}, got)
		require.EqualValues(t, 2, r.Counters().Expired)
	})
}

func BenchmarkRegister(b *testing.B) {
	r, err := registrar.New(registrar.Config{Realm: "tandem", Credentials: passwords{"alice": "secret"}})
	require.NoError(b, err)
	d := newDesk(b, r, "alice", "secret", "192.0.2.1:1")
	b.ReportAllocs()
	for b.Loop() {
		if reply := d.register(webContact); reply.Status != 200 {
			b.Fatal(reply.Status)
		}
	}
}
