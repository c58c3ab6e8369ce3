package switchtest

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
)

func errorCases() []testCase {
	return []testCase{
		{name: "UnknownLegIsNotFound", body: unknownLeg},
		{name: "EndedLegIsNotFound", body: endedLeg},
		{name: "LegNameInUseIsConflict", body: nameInUse},
		{name: "InvalidDialIsInvalid", body: invalidDial},
		{name: "UnansweredLegsAreNotBridged", body: unansweredBridge},
		{name: "AnswerOfWhatIsAnsweredIsErrState", body: answerTwice},
		{name: "AnswerOfADialledLegIsErrState", body: answerDialled},
		{name: "FailedBridgeLeavesTheConversation", body: failedBridge},
		{name: "LegWithItselfIsRefused", body: func(b *bench) {
			leg, _ := b.callInAnswered(0)
			b.fails("bridge a leg with itself", func(ctx context.Context) error {
				return b.sw.Bridge(ctx, leg, leg)
			}, tandem.ErrInvalid, tandem.ErrState)
			b.hangUp(leg)
		}},
	}
}

func unknownLeg(b *bench) {
	leg, _ := b.callInAnswered(0)
	gone := b.newLeg()
	b.fails("answer", func(ctx context.Context) error { return b.sw.Answer(ctx, gone) }, tandem.ErrNotFound)
	b.fails("hang up", func(ctx context.Context) error { return b.sw.Hangup(ctx, gone, tandem.CauseNormal) }, tandem.ErrNotFound)
	b.fails("bridge", func(ctx context.Context) error { return b.sw.Bridge(ctx, gone, leg) }, tandem.ErrNotFound)
	b.fails("bridge", func(ctx context.Context) error { return b.sw.Bridge(ctx, leg, gone) }, tandem.ErrNotFound)
	b.hangUp(leg)
}

func endedLeg(b *bench) {
	first, _ := b.callInAnswered(0)
	leg, far := b.callInAnswered(1)
	b.hangUp(leg)
	b.over(far)
	b.fails("answer", func(ctx context.Context) error { return b.sw.Answer(ctx, leg) }, tandem.ErrNotFound)
	b.fails("hang up", func(ctx context.Context) error { return b.sw.Hangup(ctx, leg, tandem.CauseNormal) }, tandem.ErrNotFound)
	b.fails("bridge", func(ctx context.Context) error { return b.sw.Bridge(ctx, first, leg) }, tandem.ErrNotFound)
	b.hangUp(first)
}

func nameInUse(b *bench) {
	leg, far := b.answered(tandem.Dial{To: b.customer(0)})
	again := func(ctx context.Context) error {
		return b.sw.Dial(ctx, tandem.Dial{Leg: leg, Call: "another", To: b.customer(1)})
	}
	b.fails("dial with the name of a leg that is up", again, tandem.ErrConflict)
	b.calm()
	b.hangUp(leg)
	b.over(far)
}

func invalidDial(b *bench) {
	good := tandem.Dial{Leg: b.newLeg(), Call: "c", To: b.customer(0)}
	bad := map[string]func(d *tandem.Dial){
		"without a leg":         func(d *tandem.Dial) { d.Leg = "" },
		"without a call":        func(d *tandem.Dial) { d.Call = "" },
		"to nowhere":            func(d *tandem.Dial) { d.To = tandem.Endpoint{} },
		"to agent and trunk":    func(d *tandem.Dial) { d.To.Agent = b.plan.Agents[0] },
		"to a missing number":   func(d *tandem.Dial) { d.To.Number = "" },
		"with negative timeout": func(d *tandem.Dial) { d.Timeout = -time.Second },
	}
	for name, spoil := range bad {
		d := good
		spoil(&d)
		b.fails("dial "+name, func(ctx context.Context) error { return b.sw.Dial(ctx, d) }, tandem.ErrInvalid)
	}
	b.calm()
}

func unansweredBridge(b *bench) {
	up, _ := b.callInAnswered(0)
	in, _ := b.callIn(1)
	out, _ := b.ringing(tandem.Dial{To: b.customer(2)})
	for _, leg := range []tandem.LegID{in, out} {
		b.fails("bridge", func(ctx context.Context) error { return b.sw.Bridge(ctx, up, leg) }, tandem.ErrState)
		b.fails("bridge", func(ctx context.Context) error { return b.sw.Bridge(ctx, leg, up) }, tandem.ErrState)
	}
	b.calm()
	b.hangUp(up)
}

func answerTwice(b *bench) {
	leg, _ := b.callInAnswered(0)
	b.fails("answer again", func(ctx context.Context) error { return b.sw.Answer(ctx, leg) }, tandem.ErrState)
	b.hangUp(leg)
	b.calm()
}

func answerDialled(b *bench) {
	leg, _ := b.ringing(tandem.Dial{To: b.customer(0)})
	b.fails("answer", func(ctx context.Context) error { return b.sw.Answer(ctx, leg) }, tandem.ErrState)
	b.must("cancel", func(ctx context.Context) error { return b.sw.Hangup(ctx, leg, tandem.CauseCancelled) })
	b.ended(leg, tandem.CauseCancelled, ours)
}

// failedBridge checks that a Bridge that is refused takes nobody apart.
func failedBridge(b *bench) {
	c := joined(b)
	out, _ := b.ringing(tandem.Dial{To: b.customer(1)})
	b.fails("bridge", func(ctx context.Context) error { return b.sw.Bridge(ctx, c.customerLeg, out) }, tandem.ErrState)
	b.calm()
	b.hear(c.customerFar, c.agentFar)
	b.hangUp(c.agentLeg)
	require.Equal(b, c.agentLeg, expect[tandem.LegUnbridged](b, c.customerLeg).Peer, "LegUnbridged.Peer")
	b.hangUp(c.customerLeg)
}
