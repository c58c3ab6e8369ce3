package switchtest

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
)

func optionalCases() []testCase {
	return []testCase{
		{name: "RingerTellsTheCaller", body: ringer, needs: "Ringer", has: is[tandem.Ringer]},
		{name: "ParterLeavesBothUp", body: parter, needs: "Parter", has: is[tandem.Parter]},
		{name: "PlayerPlaysUntilBridged", body: player, needs: "Player", has: is[tandem.Player]},
		{name: "PlayerNeedsALoneAnsweredLeg", body: playerStates, needs: "Player", has: is[tandem.Player]},
		{name: "PlayerTellsTheEndOfAFile", body: playerFile, needs: "Player", has: is[tandem.Player]},
		{name: "DigitSenderReachesTheFarEnd", body: digitSender, needs: "DigitSender", has: is[tandem.DigitSender]},
		{name: "HolderHoldsAndResumes", body: holder, needs: "Holder", has: is[tandem.Holder]},
	}
}

func is[I any](sw tandem.Switch) bool {
	_, ok := sw.(I)
	return ok
}

// has returns the switch as an optional interface, or skips the case.
func has[I any](b *bench) I {
	b.Helper()
	i, ok := b.sw.(I)
	if !ok {
		b.Skipf("the switch is no %T, and Config.Lacks does not say so", (*I)(nil))
	}
	return i
}

func ringer(b *bench) {
	r := has[tandem.Ringer](b)
	leg, far := b.callIn(0)
	b.must("ring", func(ctx context.Context) error { return r.Ring(ctx, leg) })
	b.must("the caller is told that it rings", func(ctx context.Context) error { return far.Wait(ctx, tandem.LegStateRinging) })
	b.must("answer", func(ctx context.Context) error { return b.sw.Answer(ctx, leg) })
	expect[tandem.LegAnswered](b, leg)
	b.fails("ring what is answered", func(ctx context.Context) error { return r.Ring(ctx, leg) }, tandem.ErrState)
	b.fails("ring a stranger", func(ctx context.Context) error { return r.Ring(ctx, b.newLeg()) }, tandem.ErrNotFound)
	b.hangUp(leg)
}

func parter(b *bench) {
	p := has[tandem.Parter](b)
	c := joined(b)
	b.must("part", func(ctx context.Context) error { return p.Part(ctx, c.agentLeg) })
	require.Equal(b, c.customerLeg, expect[tandem.LegUnbridged](b, c.agentLeg).Peer, "LegUnbridged.Peer")
	require.Equal(b, c.agentLeg, expect[tandem.LegUnbridged](b, c.customerLeg).Peer, "LegUnbridged.Peer")
	b.hearSound(c.customerFar, tandem.SoundUnset)
	b.hearSound(c.agentFar, tandem.SoundUnset)
	b.fails("part what is alone", func(ctx context.Context) error { return p.Part(ctx, c.agentLeg) }, tandem.ErrState)
	b.fails("part a stranger", func(ctx context.Context) error { return p.Part(ctx, b.newLeg()) }, tandem.ErrNotFound)
	b.bridge(c.agentLeg, c.customerLeg)
	b.hear(c.customerFar, c.agentFar)
	b.hangUp(c.agentLeg)
	b.hangUp(c.customerLeg)
}

func player(b *bench) {
	p := has[tandem.Player](b)
	agent := b.attach(0)
	leg, far := b.callInAnswered(0)
	for _, kind := range []tandem.SoundKind{tandem.SoundRing, tandem.SoundMusic} {
		b.must("play", func(ctx context.Context) error { return p.Play(ctx, leg, tandem.Sound{Kind: kind}) })
		b.hearSound(far, kind)
	}
	b.must("stop", func(ctx context.Context) error { return p.StopPlay(ctx, leg) })
	b.hearSound(far, tandem.SoundUnset)
	b.must("stop when nothing plays", func(ctx context.Context) error { return p.StopPlay(ctx, leg) })
	b.must("play", func(ctx context.Context) error { return p.Play(ctx, leg, tandem.Sound{Kind: tandem.SoundMusic}) })
	b.hearSound(far, tandem.SoundMusic)
	agentLeg, agentFar := b.answered(tandem.Dial{To: tandem.Endpoint{Agent: agent}, With: leg})
	b.bridge(leg, agentLeg)
	b.hear(far, agentFar)
	b.hangUp(agentLeg)
	expect[tandem.LegUnbridged](b, leg)
	b.hearSound(far, tandem.SoundUnset)
	b.hangUp(leg)
}

func playerStates(b *bench) {
	p := has[tandem.Player](b)
	music := tandem.Sound{Kind: tandem.SoundMusic}
	in, _ := b.callIn(1)
	b.fails("play before the answer", func(ctx context.Context) error { return p.Play(ctx, in, music) }, tandem.ErrState)
	c := joined(b)
	b.fails("play to a bridged leg", func(ctx context.Context) error { return p.Play(ctx, c.customerLeg, music) }, tandem.ErrState)
	b.fails("play to a stranger", func(ctx context.Context) error { return p.Play(ctx, b.newLeg(), music) }, tandem.ErrNotFound)
	b.hangUp(c.agentLeg)
	expect[tandem.LegUnbridged](b, c.customerLeg)
	b.fails("play nothing", func(ctx context.Context) error {
		return p.Play(ctx, c.customerLeg, tandem.Sound{})
	}, tandem.ErrInvalid)
	b.hangUp(c.customerLeg)
}

func playerFile(b *bench) {
	p := has[tandem.Player](b)
	if b.plan.File == "" {
		b.Skip("the rig's plan names no sound file")
	}
	leg, _ := b.callInAnswered(0)
	file := tandem.Sound{Kind: tandem.SoundFile, Name: b.plan.File}
	b.must("play", func(ctx context.Context) error { return p.Play(ctx, leg, file) })
	require.Equal(b, file.Name, expect[tandem.LegPlayed](b, leg).Sound.Name, "LegPlayed.Sound.Name")
	b.hangUp(leg)
}

func digitSender(b *bench) {
	d := has[tandem.DigitSender](b)
	in, _ := b.callIn(1)
	b.fails("send before the answer", func(ctx context.Context) error { return d.SendDigits(ctx, in, "1") }, tandem.ErrState)
	leg, far := b.answered(tandem.Dial{To: b.customer(0)})
	b.must("send", func(ctx context.Context) error { return d.SendDigits(ctx, leg, "42#") })
	for _, key := range []byte("42#") {
		b.hearDigit(far, key)
	}
	b.fails("send letters", func(ctx context.Context) error { return d.SendDigits(ctx, leg, "4x") }, tandem.ErrInvalid)
	b.fails("send to a stranger", func(ctx context.Context) error { return d.SendDigits(ctx, b.newLeg(), "1") }, tandem.ErrNotFound)
	b.hangUp(leg)
}

func holder(b *bench) {
	h := has[tandem.Holder](b)
	in, _ := b.callIn(1)
	b.fails("hold before the answer", func(ctx context.Context) error { return h.Hold(ctx, in) }, tandem.ErrState)
	c := joined(b)
	b.must("hold", func(ctx context.Context) error { return h.Hold(ctx, c.customerLeg) })
	e := expect[tandem.LegHeld](b, c.customerLeg)
	require.True(b, e.Held, "LegHeld.Held")
	require.NotEqual(b, tandem.PartyUnset, e.By, "LegHeld.By names the far end, but we did it")
	b.hearSound(c.customerFar, tandem.SoundMusic)
	b.must("resume", func(ctx context.Context) error { return h.Resume(ctx, c.customerLeg) })
	require.False(b, expect[tandem.LegHeld](b, c.customerLeg).Held, "LegHeld.Held")
	b.hear(c.customerFar, c.agentFar)
	b.hangUp(c.agentLeg)
	b.hangUp(c.customerLeg)
	limit := time.NewTimer(b.cfg.Calm)
	defer limit.Stop()
	<-limit.C
}
