package switchtest

import (
	"context"
	"errors"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
)

func lifeCases() []testCase {
	return []testCase{
		{name: "CommandsBeforeRunAreClosed", body: commandsBeforeRun, idle: true},
		{name: "SecondRunIsErrState", body: secondRun},
		{name: "EndOfContextHangsUpEverything", body: endOfContext},
		{name: "HandlerErrorEndsRun", body: handlerError},
		{name: "CommandsInsideTheHandler", body: commandsInHandler},
		{name: "DeviceChangedTellsAppearanceAndLoss", body: deviceChanges},
	}
}

func commandsBeforeRun(b *bench) {
	agent := tandem.Endpoint{Agent: b.plan.Agents[0]}
	b.fails("dial before Run", func(ctx context.Context) error {
		return b.sw.Dial(ctx, tandem.Dial{Leg: b.newLeg(), Call: "c", To: agent})
	}, tandem.ErrClosed)
	b.fails("hang up before Run", func(ctx context.Context) error {
		return b.sw.Hangup(ctx, b.newLeg(), tandem.CauseNormal)
	}, tandem.ErrClosed)
	b.fails("Run without a Handler", func(ctx context.Context) error { return b.sw.Run(ctx, nil) }, tandem.ErrInvalid)
}

func secondRun(b *bench) {
	b.fails("Run while Run is running", func(ctx context.Context) error { return b.sw.Run(ctx, newJournal()) }, tandem.ErrState)
	b.stop()
	b.awaitRun()
	b.fails("Run after Run", func(ctx context.Context) error { return b.sw.Run(ctx, newJournal()) }, tandem.ErrState)
}

func endOfContext(b *bench) {
	agent := b.attach(0)
	_, talking := b.callInAnswered(0)
	_, waiting := b.callIn(1)
	_, ringing := b.ringing(tandem.Dial{To: tandem.Endpoint{Agent: agent}})
	b.stop()
	b.awaitRun()
	require.ErrorIs(b, b.err, context.Canceled, "what Run returned")
	for _, far := range []Party{talking, waiting, ringing} {
		b.over(far)
	}
	b.fails("dial after Run", func(ctx context.Context) error {
		return b.sw.Dial(ctx, tandem.Dial{Leg: b.newLeg(), Call: "c", To: tandem.Endpoint{Agent: agent}})
	}, tandem.ErrClosed)
}

func handlerError(b *bench) {
	boom := errors.New("the journal cannot be written")
	b.journal.setHook(func(_ context.Context, e tandem.Event) error {
		if _, ok := e.(tandem.LegIncoming); ok {
			return boom
		}
		return nil
	})
	_, far := b.callIn(0)
	b.awaitRun()
	require.ErrorIs(b, b.err, boom, "what Run returned")
	b.over(far)
}

func commandsInHandler(b *bench) {
	errs := make(chan error, 8)
	b.journal.setHook(func(ctx context.Context, e tandem.Event) error {
		switch e := e.(type) {
		case tandem.LegIncoming:
			errs <- b.sw.Answer(ctx, e.Leg)
		case tandem.LegAnswered:
			errs <- b.sw.Hangup(ctx, e.Leg, tandem.CauseNormal)
		default:
		}
		return nil
	})
	leg, far := b.callIn(0)
	b.ended(leg, tandem.CauseNormal, ours)
	b.over(far)
	require.NoError(b, <-errs, "answer inside the Handler")
	require.NoError(b, <-errs, "hang up inside the Handler")
}

func deviceChanges(b *bench) {
	agent := b.attach(0)
	b.must("detach", func(ctx context.Context) error { return b.rig.Detach(ctx, agent) })
	b.device(agent, false)
	b.attach(0)
	leg, far := b.answered(tandem.Dial{To: tandem.Endpoint{Agent: agent}})
	b.hangUp(leg)
	b.over(far)
}
