package switchtest

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
)

func dialCases() []testCase {
	refusals := []struct {
		name  string
		cause tandem.Cause
	}{
		{"Busy", tandem.CauseBusy},
		{"Rejected", tandem.CauseRejected},
		{"Unallocated", tandem.CauseUnallocated},
		{"Congestion", tandem.CauseCongestion},
	}
	cases := []testCase{
		{name: "AgentAnswersAndWeHangUp", body: agentAnswers},
		{name: "AgentHangsUp", body: agentHangsUp},
		{name: "CustomerAnswersAndHangsUp", body: customerAnswers},
		{name: "AgentWithoutDeviceIsUnavailable", body: noDevice},
		{name: "AgentWhoseDeviceLeftIsUnavailable", body: deviceLeft},
		{name: "AgentNoAnswerAfterTimeout", body: func(b *bench) {
			noAnswer(b, tandem.Endpoint{Agent: b.attach(0)})
		}},
		{name: "CustomerNoAnswerAfterTimeout", body: func(b *bench) { noAnswer(b, b.customer(0)) }},
		{name: "AnswerStopsTheTimeout", body: answerStopsTimeout},
		{name: "AgentCancelled", body: func(b *bench) { cancelled(b, tandem.Endpoint{Agent: b.attach(0)}) }},
		{name: "CustomerCancelled", body: func(b *bench) { cancelled(b, b.customer(0)) }},
		{name: "CancelRacesAnswer", body: cancelRacesAnswer},
		{name: "HangUpAtOnce", body: hangUpAtOnce},
	}
	for _, r := range refusals {
		cases = append(cases, testCase{name: "Customer" + r.name, body: func(b *bench) { refused(b, b.customer(0), r.cause) }})
	}
	for _, r := range refusals[:2] {
		cases = append(cases, testCase{name: "Agent" + r.name, body: func(b *bench) {
			refused(b, tandem.Endpoint{Agent: b.attach(0)}, r.cause)
		}})
	}
	return cases
}

func agentAnswers(b *bench) {
	agent := b.attach(0)
	leg, far := b.ringing(tandem.Dial{To: tandem.Endpoint{Agent: agent}, From: tandem.CallerID{Number: "+15550100", Name: "Ada"}})
	expect[tandem.LegRinging](b, leg)
	b.must("the agent answers", far.Answer)
	expect[tandem.LegAnswered](b, leg)
	b.hangUp(leg)
	b.over(far)
	b.calm()
}

func agentHangsUp(b *bench) {
	agent := b.attach(0)
	leg, far := b.answered(tandem.Dial{To: tandem.Endpoint{Agent: agent}})
	b.must("the agent hangs up", far.HangUp)
	b.ended(leg, tandem.CauseNormal, theirs)
	b.calm()
}

func customerAnswers(b *bench) {
	leg, far := b.answered(tandem.Dial{To: b.customer(0)})
	b.must("the customer hangs up", far.HangUp)
	b.ended(leg, tandem.CauseNormal, theirs)
	b.calm()
}

func noDevice(b *bench) {
	leg := b.dial(tandem.Dial{To: tandem.Endpoint{Agent: b.plan.Agents[1]}})
	b.ended(leg, tandem.CauseUnavailable, theirs)
}

func deviceLeft(b *bench) {
	agent := b.attach(0)
	b.must("detach", func(ctx context.Context) error { return b.rig.Detach(ctx, agent) })
	b.device(agent, false)
	leg := b.dial(tandem.Dial{To: tandem.Endpoint{Agent: agent}})
	b.ended(leg, tandem.CauseUnavailable, theirs)
}

func noAnswer(b *bench, to tandem.Endpoint) {
	began := time.Now()
	leg, far := b.ringing(tandem.Dial{To: to, Timeout: b.cfg.Ring})
	b.ended(leg, tandem.CauseNoAnswer, ours)
	took := time.Since(began)
	// A server may count in whole seconds, or from the moment at which it rings.
	require.GreaterOrEqual(b, took, b.cfg.Ring-time.Second, "how long it rang")
	b.over(far)
	b.calm()
}

func answerStopsTimeout(b *bench) {
	leg, far := b.answered(tandem.Dial{To: b.customer(0), Timeout: b.cfg.Ring})
	wait := time.NewTimer(b.cfg.Ring + time.Second)
	defer wait.Stop()
	<-wait.C
	b.hangUp(leg) // it would not be found if the timeout had ended it
	b.over(far)
}

func cancelled(b *bench, to tandem.Endpoint) {
	leg, far := b.ringing(tandem.Dial{To: to})
	b.must("cancel", func(ctx context.Context) error { return b.sw.Hangup(ctx, leg, tandem.CauseCancelled) })
	b.ended(leg, tandem.CauseCancelled, ours)
	b.over(far)
	b.fails("hang up what has ended", func(ctx context.Context) error {
		return b.sw.Hangup(ctx, leg, tandem.CauseNormal)
	}, tandem.ErrNotFound)
	b.calm()
}

func refused(b *bench, to tandem.Endpoint, cause tandem.Cause) {
	leg, far := b.ringing(tandem.Dial{To: to})
	b.must("the far end refuses", func(ctx context.Context) error { return far.Refuse(ctx, cause) })
	b.ended(leg, cause, theirs)
	b.calm()
}

// cancelRacesAnswer cancels while the answer is under way: whoever wins, there is one LegEnded, last, and it is ours.
func cancelRacesAnswer(b *bench) {
	for i := range 3 {
		leg, far := b.ringing(tandem.Dial{To: b.customer(i)})
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			ctx, done := b.step()
			defer done()
			_ = far.Answer(ctx) // it may come too late
		}()
		b.must("cancel", func(ctx context.Context) error { return b.sw.Hangup(ctx, leg, tandem.CauseCancelled) })
		e := expect[tandem.LegEnded](b, leg)
		require.True(b, e.Ours, "leg %s: whether the end was ours (%s)", leg, e.Detail)
		<-answered
		b.over(far)
	}
	b.calm()
}

// hangUpAtOnce hangs up before anything was heard of the far end.
func hangUpAtOnce(b *bench) {
	leg := b.dial(tandem.Dial{To: b.customer(0)})
	b.must("hang up", func(ctx context.Context) error { return b.sw.Hangup(ctx, leg, tandem.CauseCancelled) })
	b.ended(leg, tandem.CauseCancelled, ours)
	b.calm()
}
