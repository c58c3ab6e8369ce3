package registrar

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/sipbridge/sipcore/digest"
)

// verdict is the outcome of looking at credentials.
type verdict struct {
	user   string // who it is; empty means refused
	status int    // of the refusal: 401 or 407 with a challenge, 403, 503
	stale  bool
	reason string
}

// door says where credentials stand: REGISTER asks as a server, everything else as a proxy.
type door struct {
	status            int
	header, challenge string
}

func registerDoor() door { return door{401, "Authorization", "WWW-Authenticate"} }

func proxyDoor() door { return door{407, "Proxy-Authorization", "Proxy-Authenticate"} }

// judge looks at the credentials of a request.
func (r *Registrar) judge(ctx context.Context, in *sipcore.Inbound, d door) verdict {
	now := time.Now()
	src := in.Source.Addr()
	cr, ok := r.pick(in.Values(d.header))
	if !ok {
		r.count.challenges.Add(1)
		return verdict{status: d.status, reason: "no credentials"}
	}
	made, ok := r.nonces.check(cr.Nonce, src, now)
	if !ok {
		r.count.stale.Add(1)
		return verdict{status: d.status, stale: true, reason: "stale nonce"}
	}
	if r.locks.locked(cr.Username, src, now) {
		r.count.locked.Add(1)
		return verdict{status: 403, reason: "locked out"}
	}
	ha1, err := r.cfg.Credentials.HA1(ctx, cr.Username, r.cfg.Realm, cr.Algorithm)
	unknown := errors.Is(err, ErrUnknownUser)
	if err != nil && !unknown {
		r.count.storeErrors.Add(1)
		r.log.ErrorContext(ctx, "sip credentials not available", "error", err)
		return verdict{status: 503, reason: "credential store"}
	}
	if unknown {
		ha1 = r.decoy // the same work is done for users that do not exist
	}
	if right := cr.Verify(ha1, in.Method); !right || unknown {
		return r.wrong(ctx, cr, src, d, now)
	}
	switch r.nonces.use(cr.Nonce, made, cr.NC) {
	case nonceReplayed:
		r.count.replays.Add(1)
		return verdict{status: d.status, stale: true, reason: "nonce count used before"}
	case nonceStale:
		r.count.stale.Add(1)
		return verdict{status: d.status, stale: true, reason: "stale nonce"}
	case nonceUnset, nonceGood:
	}
	r.locks.succeed(cr.Username, src)
	return verdict{user: cr.Username}
}

// pick finds credentials for our realm with an algorithm that we offered.
func (r *Registrar) pick(values []string) (digest.Credentials, bool) {
	for _, v := range values {
		cr, err := digest.ParseCredentials(v)
		if err == nil && cr.Realm == r.cfg.Realm && slices.Contains(r.cfg.Algorithms, cr.Algorithm) {
			return cr, true
		}
	}
	return digest.Credentials{}, false
}

// wrong counts a wrong password, or an unknown user, which looks the same from outside.
func (r *Registrar) wrong(ctx context.Context, cr digest.Credentials, src netip.Addr, d door, now time.Time) verdict {
	r.count.failures.Add(1)
	if r.locks.fail(cr.Username, src, cr.Response, now) {
		r.count.lockouts.Add(1)
		r.log.WarnContext(ctx, "sip user locked out after wrong passwords", "agent", cr.Username, "source", src,
			"failures", r.cfg.MaxFailures, "lock_for", r.cfg.LockFor)
		return verdict{status: 403, reason: "locked out"}
	}
	r.log.InfoContext(ctx, "sip password wrong", "agent", cr.Username, "source", src)
	return verdict{status: d.status, reason: "wrong credentials"}
}

// headers are the challenges of a refusal.
func (r *Registrar) headers(v verdict, d door, src netip.Addr) []sipcore.Header {
	if v.status != d.status {
		return nil
	}
	nonce := r.nonces.make(src, time.Now())
	out := make([]sipcore.Header, 0, len(r.cfg.Algorithms))
	for _, a := range r.cfg.Algorithms {
		ch := digest.Challenge{Realm: r.cfg.Realm, Nonce: nonce, Algorithm: a, QOP: []string{"auth"}, Stale: v.stale}
		out = append(out, sipcore.Header{Name: d.challenge, Value: ch.String()})
	}
	return out
}

func (r *Registrar) authenticate(ctx context.Context, in *sipcore.Inbound) sipcore.Admission {
	d := proxyDoor()
	v := r.judge(ctx, in, d)
	if v.user == "" {
		return sipcore.Admission{Status: v.status, Headers: r.headers(v, d, in.Source.Addr()), Reason: v.reason}
	}
	if v.user != in.From.URI.User {
		return sipcore.Admission{Status: 403, Reason: "From is not the authenticated user"}
	}
	return sipcore.Admission{Allow: true, User: v.user}
}
