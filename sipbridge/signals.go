package sipbridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/sipbridge/sipcore/digest"
)

// signals is the Bridge as sipcore sees it.
type signals Bridge

var _ sipcore.Handler = (*signals)(nil)

// admit judges every request from outside a dialog. It is called concurrently, before any state is kept.
func (b *Bridge) admit(ctx context.Context, in *sipcore.Inbound) sipcore.Admission {
	t, weight := b.trunkFor(in.Source)
	if in.Flow.Transport() == sipcore.TransportWS || in.Flow.Transport() == sipcore.TransportWSS {
		t = nil // A browser is no trunk, wherever it stands.
	}
	// A registered phone may stand at a trunk's address; only a source that names the port outweighs that.
	if t != nil && (weight == exactSource || !b.registeredHere(in)) {
		return b.admitTrunk(ctx, in, t)
	}
	switch in.Method {
	case "INVITE":
	case "OPTIONS":
		// Somebody looks whether we are there. That is answered without saying anything about who exists.
		return sipcore.Admission{Allow: true}
	default:
		return sipcore.Admission{Status: http.StatusMethodNotAllowed, Reason: "method from a stranger"}
	}
	a := b.authenticate(ctx, in)
	if !a.Allow {
		return b.stranger(in, a)
	}
	return a
}

// authenticate asks for a password: that of a trunk which is known by its password alone, or of an agent's phone.
func (b *Bridge) authenticate(ctx context.Context, in *sipcore.Inbound) sipcore.Admission {
	t := b.claimedTrunk(in)
	switch {
	case t != nil:
		return b.authenticateTrunk(ctx, in, t)
	case b.phones != nil:
		return b.phones.Authenticate(ctx, in)
	case b.peers != nil:
		return b.peers.AuthenticatePeer(ctx, in) // The challenge.
	}
	return sipcore.Admission{Status: http.StatusForbidden, Reason: "not from a trunk, and no phones here"}
}

// claimedTrunk returns the trunk whose user name the request's credentials give; they are not proven yet.
func (b *Bridge) claimedTrunk(in *sipcore.Inbound) *trunkState {
	if b.peers == nil {
		return nil
	}
	for _, v := range in.Values("Proxy-Authorization") {
		cr, err := digest.ParseCredentials(v)
		if err != nil || cr.Realm != b.cfg.Domain {
			continue
		}
		for _, t := range b.trunks {
			if t.AuthIn.User == cr.Username && cr.Username != "" {
				return t
			}
		}
	}
	return nil
}

func (b *Bridge) authenticateTrunk(ctx context.Context, in *sipcore.Inbound, t *trunkState) sipcore.Admission {
	a := b.peers.AuthenticatePeer(ctx, in)
	switch {
	case !a.Allow:
		return a
	case a.User != t.AuthIn.User:
		return sipcore.Admission{Status: http.StatusForbidden, Reason: "the password of another trunk"}
	}
	return sipcore.Admission{Allow: true, Trunk: string(t.ID)}
}

// admitTrunk lets in what comes from a trunk's address, if the trunk has no password or gives it.
func (b *Bridge) admitTrunk(ctx context.Context, in *sipcore.Inbound, t *trunkState) sipcore.Admission {
	switch {
	case in.Method == "OPTIONS":
	case in.Method != "INVITE":
		return sipcore.Admission{Status: http.StatusMethodNotAllowed, Reason: "method from a trunk"}
	case t.AuthIn.User != "":
		a := b.authenticateTrunk(ctx, in, t)
		if !a.Allow {
			return b.stranger(in, a)
		}
		return a
	}
	return sipcore.Admission{Allow: true, Trunk: string(t.ID)}
}

// stranger counts and logs a refused INVITE. A first request without credentials is no attack: the challenge is on its way.
func (b *Bridge) stranger(in *sipcore.Inbound, a sipcore.Admission) sipcore.Admission {
	if in.Header("Proxy-Authorization") != "" || in.Header("Authorization") != "" {
		b.count.badPassword.Add(1)
	} else {
		b.count.strangers.Add(1)
	}
	if a.Status != http.StatusProxyAuthRequired {
		b.log.Warn("call from a stranger refused", "source", in.Source, "status", a.Status, "reason", a.Reason)
	}
	return a
}

// registeredHere says whether the request came over the flow of a phone that its From names.
func (b *Bridge) registeredHere(in *sipcore.Inbound) bool {
	if b.phones == nil {
		return false
	}
	for _, p := range b.phones.Lookup(in.From.URI.User) {
		if p.Flow.ID() == in.Flow.ID() {
			return true
		}
	}
	return false
}

// reroute names the newest way to the phone of a call whose connection is gone.
func (b *Bridge) reroute(call *sipcore.Call) *sipcore.Flow {
	if b.phones == nil || call.User() == "" {
		return nil
	}
	for _, p := range b.phones.Lookup(call.User()) {
		if !p.Flow.Closed() {
			return p.Flow
		}
	}
	return nil
}

func (b *Bridge) flowClosed(f *sipcore.Flow) {
	if b.phones != nil {
		b.phones.FlowClosed(f)
	}
}

// Incoming implements sipcore.Handler: a leg begins, or is refused before anybody hears of it.
func (s *signals) Incoming(ctx context.Context, call *sipcore.Call) {
	b := (*Bridge)(s)
	in := call.Request()
	l := &leg{
		id: tandem.LegID(b.cfg.IDs()), trunk: b.trunks[tandem.TrunkID(call.Trunk())], state: tandem.LegUnset, started: time.Now(),
	}
	br := &branch{leg: l, line: &sipLine{bridge: b, call: call}}
	l.main, l.branches = br, []*branch{br}
	if l.hops = call.MaxForwards(); l.hops == 0 {
		l.hops = -1
	}
	codecs := sdp.DefaultCodecs()
	if l.trunk != nil {
		codecs = l.trunk.codecs()
	}
	if body := call.Offer(); body != nil {
		offer, err := sdp.Parse(body)
		if err == nil {
			codecs, err = choose(offer, codecs)
		}
		if err != nil {
			b.count.badSDP.Add(1)
			b.refuse(call, sdpStatus(err), err.Error())
			return
		}
		br.theirs = offer
	}
	l.codecs = codecs
	e := tandem.LegIncoming{Leg: l.id, From: callerOf(in, l.trunk != nil), To: dialled(in.URI.User)}
	b.mu.Lock()
	status, why := b.takeIncomingLocked(l, call, &e)
	b.mu.Unlock()
	if status != 0 {
		b.refuse(call, status, why)
	}
}

// takeIncomingLocked enters a new leg into the tables, or says with which status it is refused and why.
func (b *Bridge) takeIncomingLocked(l *leg, call *sipcore.Call, e *tandem.LegIncoming) (int, string) {
	switch {
	case b.life != lifeRunning:
		return http.StatusServiceUnavailable, "stopping"
	case len(b.legs) >= b.cfg.Limits.Legs:
		return http.StatusServiceUnavailable, "too many legs"
	case len(b.outbox) >= b.cfg.Limits.Events:
		return http.StatusServiceUnavailable, "too many events wait for the handler"
	}
	if l.trunk != nil {
		if why := l.trunk.takeLocked(time.Now(), tandem.Inbound); why != "" {
			return http.StatusServiceUnavailable, why
		}
		e.Trunk = l.trunk.ID
	} else {
		l.agent = b.users[call.User()]
		if l.agent == "" {
			return http.StatusForbidden, "no agent has this phone"
		}
		e.Agent = l.agent
	}
	b.becomeLocked(l, tandem.LegStateIn)
	b.legs[l.id] = l
	b.calls[call.ID()] = l.main
	b.count.incoming.Add(1)
	b.emitLocked(*e)
	return 0, ""
}

// refuse turns an admitted call away before it has become a leg.
func (b *Bridge) refuse(call *sipcore.Call, status int, why string) {
	b.count.refused.Add(1)
	b.log.Warn("call refused", "source", call.Request().Source, "trunk", call.Trunk(), "status", status, "reason", why)
	if err := call.Reject(status, sipcore.Cause{}); err != nil {
		b.log.Debug("refusal cannot be sent", "error", err)
	}
}

// sdpStatus returns the SIP status for a description that cannot be used.
func sdpStatus(err error) int {
	if errors.Is(err, sdp.ErrSyntax) {
		return http.StatusBadRequest
	}
	return statusNotAcceptable
}

// callerOf returns who calls. A trunk's network vouches for P-Asserted-Identity (RFC 3325); a phone's word is nobody's.
func callerOf(in *sipcore.Inbound, trunk bool) tandem.CallerID { //nolint:revive // Whom to believe is the difference.
	id := tandem.CallerID{Number: tandem.Number(tidyText(in.From.URI.User, maxNumber)), Name: tidyText(unquoted(in.From.Display), maxName)}
	if strings.EqualFold(in.From.URI.User, "anonymous") || strings.HasSuffix(in.From.URI.Host, ".invalid") && in.From.URI.User == "" {
		id = tandem.CallerID{}
	}
	if pai := in.Header("P-Asserted-Identity"); trunk && pai != "" && id.Number == "" && !strings.Contains(in.Header("Privacy"), "id") {
		id.Number = tandem.Number(tidyText(userPart(pai), maxNumber))
	}
	return id
}

// userPart returns the user of the first SIP or tel URI in a header field value.
func userPart(v string) string {
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		_, rest, ok := strings.Cut(v, scheme)
		if !ok {
			continue
		}
		if i := strings.IndexAny(rest, "@>;, "); i >= 0 {
			rest = rest[:i]
		}
		return rest
	}
	return ""
}

// choose returns the one codec for sound of an offer that we like best, and its telephone events, both with the offer's numbers.
// One codec alone is answered, so that both sides use the same and nothing need be transcoded.
func choose(offer sdp.Description, ours []sdp.Codec) ([]sdp.Codec, error) {
	var out []sdp.Codec
	for _, o := range ours {
		if !o.IsAudio() {
			continue
		}
		if c, ok := sameCodec(offer.Codecs, o); ok {
			out = append(out, c)
			break
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("sipbridge: %d codecs offered: %w", len(offer.Codecs), sdp.ErrNoCommonCodec)
	}
	if c, ok := sameCodec(offer.Codecs, sdp.TelephoneEvent(telephoneEvent)); ok {
		out = append(out, c)
	}
	return out, nil
}

// sameCodec finds a codec by name and rate.
func sameCodec(list []sdp.Codec, want sdp.Codec) (sdp.Codec, bool) {
	for _, c := range list {
		if c.Rate == want.Rate && strings.EqualFold(c.Name, want.Name) && max(c.Channels, 1) == max(want.Channels, 1) {
			return c, true
		}
	}
	return sdp.Codec{}, false
}

// Event implements sipcore.Handler.
func (s *signals) Event(_ context.Context, call *sipcore.Call, ev sipcore.Event) {
	b := (*Bridge)(s)
	b.mu.Lock()
	br := b.calls[call.ID()]
	if _, over := ev.(sipcore.Ended); over {
		delete(b.calls, call.ID())
	}
	b.mu.Unlock()
	if br == nil {
		return
	}
	switch ev := ev.(type) {
	case sipcore.Progressed:
		if ev.Status >= statusRinging {
			b.locked(func() { b.ringingLocked(br) })
		}
	case sipcore.Answered:
		b.answeredBy(br, ev.SDP)
	case sipcore.Confirmed:
		if ev.SDP != nil {
			b.answeredBy(br, ev.SDP)
		}
	case sipcore.Digit:
		b.locked(func() {
			if !br.dropped && br.leg.main == br {
				b.passDigitLocked(br.leg, ev.Digit, ev.Duration)
			}
		})
	case sipcore.ReofferResult:
	case sipcore.Ended:
		b.locked(func() {
			if !br.dropped {
				b.failLocked(br, endOf(ev))
			}
		})
	}
}

// locked does f under the mutex.
func (b *Bridge) locked(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// answeredBy takes a device's answer to our offer: the first of a leg's devices that answers has the leg.
func (b *Bridge) answeredBy(br *branch, body []byte) {
	theirs, err := sdp.Parse(body)
	b.mu.Lock()
	defer b.mu.Unlock()
	l := br.leg
	if br.dropped {
		return
	}
	if err == nil {
		err = br.end.Apply(br.ours, theirs)
	}
	if err != nil {
		b.count.badSDP.Add(1)
		e := ending{cause: tandem.CauseIncompatible, detail: err.Error()}
		line := br.line
		b.doLocked(l, func(context.Context) { line.drop(e) })
		b.failLocked(br, e)
		return
	}
	br.theirs = theirs
	if agreed, err := sdp.Agree(br.ours, theirs); err == nil {
		l.codecs = inUse(agreed)
	}
	if l.state.Up() {
		return // A later round.
	}
	b.upLocked(br)
}

// inUse returns the codec for sound that we send with and the telephone events, as the other side numbers them.
func inUse(a sdp.Agreement) []sdp.Codec {
	var out []sdp.Codec
	for _, f := range a.Formats {
		c := f.Codec
		c.Payload = f.Send
		switch {
		case c.IsAudio() && len(out) == 0:
			out = append(out, c)
		case c.Kind() == sdp.KindTelephoneEvent && len(out) == 1:
			return append(out, c)
		}
	}
	return out
}

// Reoffer implements sipcore.Handler: the far end wants to change its address, codec or direction (hold).
func (s *signals) Reoffer(_ context.Context, call *sipcore.Call, offer []byte) ([]byte, error) {
	b := (*Bridge)(s)
	b.mu.Lock()
	defer b.mu.Unlock()
	br := b.calls[call.ID()]
	if br == nil || br.dropped || br.leg.main != br || br.end == nil {
		return nil, fmt.Errorf("sipbridge: re-offer: %w", tandem.ErrNotFound)
	}
	if offer == nil {
		// The peer wants us to offer; the answer comes with Confirmed.
		return br.ours.Marshal()
	}
	theirs, err := sdp.Parse(offer)
	if err != nil {
		return nil, fmt.Errorf("sipbridge: re-offer: %w", err)
	}
	local := br.end.Local()
	// The codec in use stays, if it is offered again: the peer's leg is on the same.
	if codecs, err := choose(theirs, append(slices.Clip(br.leg.codecs), local.Codecs...)); err == nil {
		local.Codecs = codecs
	}
	ans, err := sdp.Answer(theirs, local)
	if err != nil {
		return nil, fmt.Errorf("sipbridge: re-offer: %w", err)
	}
	ans = sdp.Renew(br.ours, ans)
	if err := br.end.Apply(ans, theirs); err != nil {
		return nil, fmt.Errorf("sipbridge: re-offer: %w", err)
	}
	br.ours, br.theirs = ans, theirs
	b.farHoldLocked(br.leg, theirs.Held())
	return ans.Marshal()
}

// farHoldLocked notes that the far end has put us on hold, or taken us back.
func (b *Bridge) farHoldLocked(l *leg, held bool) { //nolint:revive // A fact, not a way to work.
	if l.farHeld == held || !l.state.Up() {
		return
	}
	l.farHeld = held
	b.emitLocked(tandem.LegHeld{Leg: l.id, Held: held})
	b.wireLocked(l)
}

// sipLine is the signalling of a SIP device.
type sipLine struct {
	bridge *Bridge
	call   *sipcore.Call // nil until Invite has returned
}

func (s *sipLine) ring() error { return s.call.Progress(statusRinging, nil) }

func (s *sipLine) accept(body []byte) error { return s.call.Answer(body) }

func (s *sipLine) held(bool) {} // The sound tells it.

func (s *sipLine) drop(e ending) {
	if s.call == nil {
		return // It was never sent.
	}
	var err error
	if s.call.Inbound() && (s.call.State() == sipcore.StateCalling || s.call.State() == sipcore.StateEarly) {
		err = s.call.Reject(statusFor(e.cause), reasonFor(e.cause))
	} else {
		err = sipcore.ErrState
	}
	if errors.Is(err, sipcore.ErrState) { // Also when our answer has just gone out.
		err = s.call.Hangup(reasonFor(e.cause))
	}
	if err != nil && !errors.Is(err, sipcore.ErrClosed) && !errors.Is(err, sipcore.ErrState) {
		s.bridge.log.Warn("hang-up cannot be sent", "error", err)
	}
}
