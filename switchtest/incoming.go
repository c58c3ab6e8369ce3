package switchtest

import (
	"context"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
)

func incomingCases() []testCase {
	return []testCase{
		{name: "AnsweredAndWeHangUp", body: func(b *bench) {
			leg, far := b.callInAnswered(0)
			b.hangUp(leg)
			b.over(far)
			b.calm()
		}},
		{name: "AnsweredAndCallerHangsUp", body: func(b *bench) {
			leg, far := b.callInAnswered(0)
			b.must("the caller hangs up", far.HangUp)
			b.ended(leg, tandem.CauseNormal, theirs)
			b.calm()
		}},
		{name: "CallerGivesUpBeforeAnswer", body: func(b *bench) {
			leg, far := b.callIn(0)
			b.must("the caller gives up", far.HangUp)
			b.ended(leg, tandem.CauseCancelled, theirs)
			b.fails("answer what has ended", func(ctx context.Context) error { return b.sw.Answer(ctx, leg) }, tandem.ErrNotFound)
			b.calm()
		}},
		{name: "RefusedBusy", body: func(b *bench) { refuse(b, tandem.CauseBusy) }},
		{name: "RefusedUnallocated", body: func(b *bench) { refuse(b, tandem.CauseUnallocated) }},
		{name: "RefusedCongestion", body: func(b *bench) { refuse(b, tandem.CauseCongestion) }},
		{name: "GiveUpRacesAnswer", body: giveUpRacesAnswer},
		{name: "DigitsArriveInOrder", body: digits},
	}
}

// refuse checks that an incoming leg hung up before its answer is refused with the cause.
func refuse(b *bench, cause tandem.Cause) {
	leg, far := b.callIn(0)
	b.must("refuse", func(ctx context.Context) error { return b.sw.Hangup(ctx, leg, cause) })
	b.ended(leg, cause, ours)
	b.over(far)
	if told := far.Cause(); told != tandem.CauseUnset {
		require.Equal(b, cause, told, "the cause that the caller was told")
	}
}

func giveUpRacesAnswer(b *bench) {
	for i := range 3 {
		leg, far := b.callIn(i)
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			ctx, done := b.step()
			defer done()
			_ = b.sw.Answer(ctx, leg) // it may come too late
		}()
		b.must("the caller gives up", far.HangUp)
		e := expect[tandem.LegEnded](b, leg)
		require.False(b, e.Ours, "leg %s: whether the end was ours (%s)", leg, e.Detail)
		<-answered
	}
	b.calm()
}

func digits(b *bench) {
	leg, far := b.callInAnswered(0)
	const keys = "1590#*"
	for i := range len(keys) {
		b.must("press a key", func(ctx context.Context) error { return far.Press(ctx, keys[i]) })
		require.Equal(b, keys[i:i+1], expect[tandem.LegDigit](b, leg).Digit, "LegDigit.Digit")
	}
	b.hangUp(leg)
}
