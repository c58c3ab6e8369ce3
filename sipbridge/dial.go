package sipbridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/registrar"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

// Dial makes a new leg and rings the far end: every device of an agent at once, or a number through a trunk. A trunk that is not
// configured is ErrInvalid; a trunk without a free channel ends the leg with CauseCongestion.
func (b *Bridge) Dial(ctx context.Context, d tandem.Dial) error {
	err := d.Validate()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = b.place(d)
	}
	if err != nil {
		return fmt.Errorf("sipbridge: %w", &tandem.CallError{Op: "dial", Call: d.Call, Leg: d.Leg, Err: err})
	}
	return nil
}

// place enters a dialled leg into the tables and starts its turn.
func (b *Bridge) place(d tandem.Dial) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var t *trunkState
	if d.To.Trunk != "" {
		if t = b.trunks[d.To.Trunk]; t == nil {
			return &tandem.ConfigError{Where: "dial.endpoint.trunk", What: fmt.Sprintf("trunk %q is not configured", d.To.Trunk)}
		}
		if !dialable(d.To.Number) {
			return &tandem.ConfigError{Where: "dial.endpoint.number", What: "holds characters that no number has"}
		}
	}
	if err := b.runningLocked(); err != nil {
		return err
	}
	switch {
	case b.legs[d.Leg] != nil:
		return tandem.ErrConflict
	case len(b.legs) >= b.cfg.Limits.Legs:
		return fmt.Errorf("%d legs: %w", len(b.legs), tandem.ErrFull)
	case len(b.outbox) >= b.cfg.Limits.Events:
		return fmt.Errorf("%d events wait for the handler: %w", len(b.outbox), tandem.ErrFull)
	}
	ring := d.Timeout
	if ring == 0 {
		ring = tandem.DefaultRing
	}
	now := time.Now()
	l := &leg{id: d.Leg, call: d.Call, agent: d.To.Agent, dial: d, started: now, ringUntil: now.Add(ring)}
	b.becomeLocked(l, tandem.LegStateDialing)
	b.legs[l.id] = l
	b.count.dialled.Add(1)
	offer := b.offerCodecsLocked(d.With, t)
	if w := b.legs[d.With]; w != nil {
		l.hops = w.hops
	}
	if l.hops < 0 {
		b.endLocked(l, ending{cause: tandem.CauseFailed, detail: "too many hops: the call goes in circles"})
		return nil
	}
	if t == nil {
		b.dialAgentLocked(l, offer)
		return nil
	}
	if why := t.takeLocked(now, tandem.Outbound); why != "" {
		b.endLocked(l, ending{cause: tandem.CauseCongestion, detail: why})
		return nil
	}
	l.trunk, l.codecs, l.remotes = t, offer, t.Remotes
	b.doLocked(l, func(ctx context.Context) { b.dialTrunk(ctx, l) })
	return nil
}

// dialable says whether a number is safe to be written into a SIP address: digits, or a name of letters, digits and a few marks.
func dialable(n tandem.Number) bool {
	return len(n) <= 64 && strings.Trim(string(n), "+*#0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.~") == ""
}

// userOf writes a caller's number as the user of a SIP address; one that is withheld, or cannot stand there, is anonymous.
func userOf(n tandem.Number) string {
	if n == "" || !dialable(n) {
		return "anonymous"
	}
	return string(n)
}

// offerCodecsLocked returns what to offer: first what the leg to be bridged with uses, with its numbers, so that nothing need be
// changed between the two.
func (b *Bridge) offerCodecsLocked(with tandem.LegID, t *trunkState) []sdp.Codec {
	ours := sdp.DefaultCodecs()
	if t != nil {
		ours = t.codecs()
	}
	w := b.legs[with]
	if w == nil || len(w.codecs) == 0 {
		return ours
	}
	out := slices.Clone(w.codecs)
	for _, c := range ours {
		_, known := sameCodec(out, c)
		taken := slices.ContainsFunc(out, func(o sdp.Codec) bool { return o.Payload == c.Payload })
		if !known && !taken {
			out = append(out, c)
		}
	}
	// Sound before telephone events: the first is what peers take.
	slices.SortStableFunc(out, func(x, y sdp.Codec) int { return order(x) - order(y) })
	return out
}

func order(c sdp.Codec) int {
	if c.IsAudio() {
		return 0
	}
	return 1
}

// dialAgentLocked makes a branch for each device of the agent.
func (b *Bridge) dialAgentLocked(l *leg, offer []sdp.Codec) {
	d := b.devices[l.agent]
	if d == nil {
		b.endLocked(l, ending{cause: tandem.CauseUnavailable, detail: "no device"})
		return
	}
	if d.phoneHere() {
		br := &branch{leg: l, line: &phoneLine{bridge: b, agent: l.agent, leg: l.id}}
		l.branches = append(l.branches, br)
		b.doLocked(l, func(ctx context.Context) { b.ringPhone(ctx, br, offer) })
	}
	for user := range d.users {
		for _, contact := range b.phones.Lookup(user) {
			br := &branch{leg: l, line: &sipLine{bridge: b}}
			l.branches = append(l.branches, br)
			b.doLocked(l, func(ctx context.Context) { b.ringContact(ctx, br, contact, offer) })
		}
	}
	if len(l.branches) == 0 {
		b.endLocked(l, ending{cause: tandem.CauseUnavailable, detail: "no device"})
	}
}

// opening is which kind of end a branch needs.
type opening uint8

const (
	plainEnd opening = iota
	webEnd
)

// open opens a branch's end of the sound, unless the branch is no longer wanted.
func (b *Bridge) open(ctx context.Context, br *branch, kind opening, codecs []sdp.Codec, source media.SourcePolicy) error {
	label := string(br.leg.id)
	var end *media.End
	var err error
	if kind == webEnd {
		end, err = b.plane.OpenWeb(ctx, media.WebConfig{Codecs: codecs, Label: label})
	} else {
		end, err = b.plane.OpenRTP(ctx, media.RTPConfig{Codecs: codecs, Label: label, Source: source})
	}
	if err != nil {
		return fmt.Errorf("sipbridge: open media: %w", err)
	}
	b.mu.Lock()
	if !br.dropped {
		br.end = end
		b.ends[end] = br
		b.mu.Unlock()
		return nil
	}
	b.mu.Unlock()
	end.Close()
	return errDropped
}

// errDropped says that a branch was given up meanwhile.
var errDropped = fmt.Errorf("sipbridge: given up: %w", tandem.ErrClosed)

// offerOn opens a branch's end and returns our offer as text.
func (b *Bridge) offerOn(ctx context.Context, br *branch, kind opening, codecs []sdp.Codec) ([]byte, error) {
	source := media.SourceLearn
	if t := br.leg.trunk; t != nil && !t.Preset.RTPSymmetric {
		source = media.SourceStrict
	}
	if err := b.open(ctx, br, kind, codecs, source); err != nil {
		return nil, err
	}
	offer := sdp.Offer(br.end.Local())
	b.locked(func() { br.ours = offer })
	body, err := offer.Marshal()
	if err != nil {
		return nil, fmt.Errorf("sipbridge: offer: %w", err)
	}
	return body, nil
}

// giveUp ends a branch that could not be rung.
func (b *Bridge) giveUp(br *branch, cause tandem.Cause, err error) {
	if errors.Is(err, errDropped) {
		return
	}
	b.log.Warn("a device cannot be rung", "leg_id", br.leg.id, "error", err)
	b.locked(func() {
		if !br.dropped {
			b.failLocked(br, ending{cause: cause, detail: err.Error()})
		}
	})
}

// dialTrunk calls the number of a leg through the next remote of its trunk.
func (b *Bridge) dialTrunk(ctx context.Context, l *leg) {
	br := &branch{leg: l, line: &sipLine{bridge: b}}
	b.mu.Lock()
	if l.state == tandem.LegStateEnded {
		b.mu.Unlock()
		return
	}
	l.branches = append(l.branches, br)
	remote, t, codecs := "", l.trunk, l.codecs
	if len(l.remotes) > 0 {
		remote, l.remotes = l.remotes[0], l.remotes[1:]
	}
	b.mu.Unlock()
	listener, ok := t.wayOut()
	if remote == "" || !ok {
		b.giveUp(br, tandem.CauseUnavailable, fmt.Errorf("trunk %s has no way out: %w", t.ID, tandem.ErrUnsupported))
		return
	}
	body, err := b.offerOn(ctx, br, plainEnd, codecs)
	if err != nil {
		b.giveUp(br, tandem.CauseCongestion, err)
		return
	}
	domain, user := t.FromDomain, t.FromUser
	domain = cmp.Or(domain, b.cfg.Domain)
	if user == "" {
		user = userOf(l.dial.From.Number)
	}
	req := sipcore.InviteRequest{
		To:          "sip:" + string(l.dial.To.Number) + "@" + remote,
		From:        "sip:" + user + "@" + domain,
		FromDisplay: l.dial.From.Name,
		Destination: t.destination(remote),
		Listener:    listener,
		SDP:         body,
		Headers:     callHeaders(l.dial, b.cfg.Domain),
	}
	if t.AuthOut.User != "" {
		req.Credentials = &sipcore.Credentials{Username: t.AuthOut.User, Password: t.AuthOut.Password}
	}
	b.invite(ctx, br, req)
}

// callHeaders are what a called party is told beside From: the number that the network may believe, and the subject.
func callHeaders(d tandem.Dial, domain string) []sipcore.Header {
	var out []sipcore.Header
	if d.To.Trunk != "" && d.From.Number != "" && dialable(d.From.Number) {
		out = append(out, sipcore.Header{Name: "P-Asserted-Identity", Value: "<sip:" + string(d.From.Number) + "@" + domain + ">"})
	}
	if s := plainText(d.Subject); s != "" && d.To.Agent != "" {
		out = append(out, sipcore.Header{Name: "Subject", Value: s})
	}
	return out
}

// plainText takes line ends and other control characters out of a text for a header field.
func plainText(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s))
}

// ringContact calls one registered phone of an agent.
func (b *Bridge) ringContact(ctx context.Context, br *branch, contact registrar.Binding, codecs []sdp.Codec) {
	kind := plainEnd
	if tr := contact.Flow.Transport(); tr == sipcore.TransportWS || tr == sipcore.TransportWSS {
		kind = webEnd
	}
	body, err := b.offerOn(ctx, br, kind, codecs)
	if err != nil {
		b.giveUp(br, tandem.CauseCongestion, err)
		return
	}
	d := br.leg.dial
	b.invite(ctx, br, sipcore.InviteRequest{
		To:          contact.Contact,
		ToHeader:    "sip:" + contact.User + "@" + b.cfg.Domain,
		From:        "sip:" + userOf(d.From.Number) + "@" + b.cfg.Domain,
		FromDisplay: d.From.Name,
		Flow:        contact.Flow,
		SDP:         body,
		Headers:     callHeaders(d, b.cfg.Domain),
		User:        contact.User,
	})
}

// ringMargin is how much longer than ours the timers below run, so that ours decides.
const ringMargin = 10 * time.Second

// invite sends the INVITE of a branch.
func (b *Bridge) invite(ctx context.Context, br *branch, req sipcore.InviteRequest) {
	l := br.leg
	b.mu.Lock()
	if br.dropped {
		b.mu.Unlock()
		return
	}
	req.ID = b.cfg.IDs() + "@" + b.cfg.Domain
	req.Timeout = time.Until(l.ringUntil) + ringMargin
	req.MaxForwards = l.hops
	b.calls[req.ID] = br // Before it is sent: its events may come before Invite returns.
	b.mu.Unlock()

	call, err := b.sip.Invite(ctx, req)
	b.mu.Lock()
	if err != nil {
		delete(b.calls, req.ID)
	}
	br.line.(*sipLine).call = call //nolint:forcetypeassert // Who calls invite has made it.
	b.mu.Unlock()
	if err != nil {
		b.giveUp(br, tandem.CauseNetwork, err)
	}
}

// answer answers an incoming leg.
func (b *Bridge) answer(ctx context.Context, l *leg) {
	br := l.main
	b.mu.Lock()
	offer, codecs, over := br.theirs, l.codecs, l.state == tandem.LegStateEnded
	b.mu.Unlock()
	if over {
		return
	}
	if err := b.answerOn(ctx, br, offer, codecs); err != nil {
		if errors.Is(err, errDropped) || errors.Is(err, sipcore.ErrClosed) || errors.Is(err, sipcore.ErrState) {
			return // The caller has gone meanwhile, which is told already or will be.
		}
		b.log.WarnContext(ctx, "call cannot be answered", "leg_id", l.id, "error", err)
		b.locked(func() { b.endLocked(l, ending{cause: tandem.CauseIncompatible, detail: err.Error()}) })
	}
}

func (b *Bridge) answerOn(ctx context.Context, br *branch, offer sdp.Description, codecs []sdp.Codec) error {
	kind, source := plainEnd, media.SourceLearn
	if offer.Web != nil {
		kind = webEnd
	}
	if t := br.leg.trunk; t != nil && !t.Preset.RTPSymmetric {
		source = media.SourceStrict
	}
	if err := b.open(ctx, br, kind, codecs, source); err != nil {
		return err
	}
	if len(offer.Codecs) == 0 {
		return b.answerWithOffer(br)
	}
	ans, err := sdp.Answer(offer, br.end.Local())
	if err != nil {
		return fmt.Errorf("sipbridge: answer: %w", err)
	}
	body, err := ans.Marshal()
	if err != nil {
		return fmt.Errorf("sipbridge: answer: %w", err)
	}
	if err := br.end.Apply(ans, offer); err != nil {
		return fmt.Errorf("sipbridge: answer: %w", err)
	}
	if err := br.line.accept(body); err != nil {
		return fmt.Errorf("sipbridge: answer: %w", err)
	}
	b.locked(func() {
		br.ours = ans
		if !br.dropped {
			b.upLocked(br)
		}
	})
	return nil
}

// answerWithOffer answers an INVITE without a description with our offer (RFC 3261 section 13.2.1); the caller's answer comes with
// its ACK, and then the leg is answered.
func (b *Bridge) answerWithOffer(br *branch) error {
	offer := sdp.Offer(br.end.Local())
	b.locked(func() { br.ours = offer })
	body, err := offer.Marshal()
	if err != nil {
		return fmt.Errorf("sipbridge: answer: %w", err)
	}
	if err := br.line.accept(body); err != nil {
		return fmt.Errorf("sipbridge: answer: %w", err)
	}
	return nil
}
