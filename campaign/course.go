package campaign

import (
	"context"
	"errors"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

// handle takes a record about a flight.
func (l *loop) handle(rec tandem.Record) {
	switch e := rec.Event.(type) {
	case tandem.LegAnswered:
		if f := l.legs[e.Leg]; f != nil {
			f.heardOf()
			l.answered(f, rec.At)
		}
	case tandem.LegEnded:
		if f := l.legs[e.Leg]; f != nil {
			f.heardOf()
			l.legEnded(f, e)
		}
	case tandem.CallConnected:
		if f := l.flights[e.Call]; f != nil {
			l.taken(f)
		}
	case tandem.CallEnded:
		if f := l.flights[e.Call]; f != nil {
			l.callEnded(f, e)
		}
	default:
	}
}

// answered hands the call of a person who answered to the routing engine.
func (l *loop) answered(f *flight, at time.Time) {
	if !f.become(flightHanding) {
		return
	}
	f.answeredAt = at
	l.trunk.good()
	l.stale = true
	arrival := tandem.Arrival{
		Call:     f.call(l.cfg),
		Queue:    l.cfg.Queue,
		Priority: l.cfg.Priority,
		Answered: true,
		Patience: l.cfg.Patience,
	}
	l.do(func(ctx context.Context) func() {
		err := l.cfg.Agents.Enqueue(ctx, arrival)
		return func() { l.handed(ctx, f, err) }
	})
}

// handed takes the routing engine's answer.
func (l *loop) handed(ctx context.Context, f *flight, err error) {
	switch {
	case err == nil:
		f.become(flightQueued) // unless its records were faster
	case f.state != flightHanding:
	case !f.goneAt.IsZero():
		l.over(f, tandem.OutcomeAbandoned, f.cause, f.by)
	default:
		l.cfg.Logger.ErrorContext(ctx, "campaign cannot queue an answered call", "campaign", l.cfg.ID,
			"call_id", f.attempt.Call, "queue", l.cfg.Queue, "error", err)
		f.become(flightDropping)
		l.hangUp(f, tandem.CauseNormal)
	}
}

// legEnded takes the end of the customer's leg. Once the routing engine has the call, its CallEnded says more.
func (l *loop) legEnded(f *flight, e tandem.LegEnded) {
	switch f.state {
	case flightBeginning, flightDialing:
		l.over(f, tandem.OutcomeOf(e.Cause), e.Cause, endedBy(e))
	case flightDropping:
		l.over(f, tandem.OutcomeAbandoned, e.Cause, endedBy(e))
	case flightHanding, flightQueued, flightTalking:
		f.goneAt, f.cause, f.by = time.Now(), e.Cause, endedBy(e)
	case flightUnset, flightSettling:
	}
}

// taken notes that an agent talks with the person.
func (l *loop) taken(f *flight) {
	if !f.become(flightTalking) {
		return
	}
	l.gen++
	f.wasTaken, f.takenGen = true, l.gen
	l.cfg.Ledger.Add(time.Now(), f.answeredAt, dialer.FateTaken)
	l.stale = true
}

// callEnded takes the end of a call that the routing engine had.
func (l *loop) callEnded(f *flight, e tandem.CallEnded) {
	switch f.state {
	case flightHanding, flightQueued, flightTalking:
		f.closed = true
		l.over(f, f.reached(), e.Cause, e.By)
	case flightUnset, flightBeginning, flightDialing, flightDropping, flightSettling:
		// Our own CallEnded comes by here too.
	}
}

// reached is the outcome of an answered call.
func (f *flight) reached() tandem.Outcome {
	if f.wasTaken {
		return tandem.OutcomeConnected
	}
	return tandem.OutcomeAbandoned
}

// patienceWithEngine is how long a call whose leg is gone may take to be ended by the routing engine.
const patienceWithEngine = 30 * time.Second

// giveUpOn ends the flights whose leg is long gone without the routing engine saying so.
func (l *loop) giveUpOn(now time.Time) {
	for _, f := range l.flights {
		if f.goneAt.IsZero() || f.state == flightSettling || f.state == flightHanding {
			continue
		}
		if due := f.goneAt.Add(patienceWithEngine); now.Before(due) {
			l.wakeAt(due)
			continue
		}
		l.cfg.Logger.Error("routing engine did not end a call", "campaign", l.cfg.ID, "call_id", f.attempt.Call)
		l.over(f, f.reached(), f.cause, f.by)
	}
}

// over settles a flight that was begun.
func (l *loop) over(f *flight, o tandem.Outcome, cause tandem.Cause, by tandem.Party) {
	now := time.Now()
	f.outcome, f.cause, f.by = o, cause, by
	f.next = l.cfg.Retry.Next(f.attempt.Phones, f.attempt.Before, o, now)
	if o == tandem.OutcomeAbandoned {
		l.cfg.Ledger.Add(now, f.answeredAt, dialer.FateAbandoned)
	}
	if f.answeredAt.IsZero() {
		l.judgeTrunk(now, o)
	}
	l.settle(f)
}

// judgeTrunk counts failures of the carrier in a row.
func (l *loop) judgeTrunk(now time.Time, o tandem.Outcome) {
	switch o {
	case tandem.OutcomeCongestion:
		l.trunk.bad(now)
	case tandem.OutcomeCancelled, tandem.OutcomeInterrupted, tandem.OutcomeBlocked, tandem.OutcomeUnset:
	case tandem.OutcomeConnected, tandem.OutcomeAbandoned, tandem.OutcomeMachine, tandem.OutcomeBusy,
		tandem.OutcomeNoAnswer, tandem.OutcomeRejected, tandem.OutcomeInvalid:
		l.trunk.good()
	}
}

// settle tells the store what came of a flight.
func (l *loop) settle(f *flight) {
	if !f.become(flightSettling) {
		return
	}
	l.stale = true
	at := time.Now()
	l.do(func(ctx context.Context) func() {
		err := l.save1(ctx, f, at)
		return func() { l.settled(ctx, f, err) }
	})
}

// save1 is the job that records a flight's end: in the journal when it is a call that nobody else ends, in the store, and in the
// journal again as the attempt's end.
func (l *loop) save1(ctx context.Context, f *flight, at time.Time) error {
	if f.announced && !f.closed {
		if err := l.emit(ctx, tandem.CallEnded{Call: f.attempt.Call, Cause: f.cause, By: f.by}); err != nil {
			return err
		}
		f.closed = true
	}
	if err := l.cfg.Store.Settle(ctx, f.settlement(at)); err != nil {
		return err
	}
	if f.announced {
		return l.emit(ctx, f.ended())
	}
	return nil
}

// settled takes the store's answer. A store that is out of order is asked again later: what happened is not forgotten.
func (l *loop) settled(ctx context.Context, f *flight, err error) {
	var journal *eventsError
	switch {
	case err == nil:
		l.store.good()
		if f.next.State == LeadWaiting && f.next.NextAt.Before(l.leaseAt) {
			l.leaseAt = f.next.NextAt
		}
		l.drop(f)
	case errors.As(err, &journal):
		l.fail(err)
		l.unsaved = append(l.unsaved, f)
	case errors.Is(err, tandem.ErrConflict), errors.Is(err, tandem.ErrNotFound):
		if f.announced {
			l.cfg.Logger.ErrorContext(ctx, "attempt was settled by another", "campaign", l.cfg.ID,
				"attempt_id", f.attempt.ID, "error", err)
		}
		l.drop(f)
	default:
		l.storeFailed(ctx, "settle", err)
		l.unsaved = append(l.unsaved, f)
	}
}

// saveAgain tries to settle again what the store could not take.
func (l *loop) saveAgain(now time.Time) {
	if len(l.unsaved) == 0 || l.held(now, l.store.until) {
		return
	}
	again := l.unsaved
	l.unsaved = nil
	for _, f := range again {
		l.do(func(ctx context.Context) func() {
			err := l.save1(ctx, f, time.Now())
			return func() { l.settled(ctx, f, err) }
		})
	}
}

// drop forgets a flight.
func (l *loop) drop(f *flight) {
	delete(l.flights, f.attempt.Call)
	delete(l.legs, f.attempt.Leg)
	l.r.forget(f.attempt)
	l.stale = true
	if len(l.flights) == 0 {
		l.leaseAt = time.Time{} // perhaps that was the last lead
	}
}

// hangUp ends the customer's leg. Its LegEnded does the rest.
func (l *loop) hangUp(f *flight, cause tandem.Cause) {
	leg := f.attempt.Leg
	l.do(func(ctx context.Context) func() {
		err := l.cfg.Switch.Hangup(ctx, leg, cause)
		return func() {
			if err != nil && !tandem.IsGone(err) && ctx.Err() == nil {
				l.cfg.Logger.ErrorContext(ctx, "campaign cannot hang up", "campaign", l.cfg.ID,
					"leg_id", leg, "error", err)
			}
		}
	})
}

// graceAtEnd is how long Run works on after its context has ended.
const graceAtEnd = 5 * time.Second

// close settles everything at the end of Run.
func (l *loop) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceAtEnd)
	defer cancel()
	for _, f := range l.flights {
		l.r.forget(f.attempt) // nobody reads the inbox any more
	}
	for _, f := range l.flights {
		l.closeFlight(ctx, f)
	}
	for _, lead := range l.leads {
		// If it cannot be told, the lease runs out by itself.
		_ = l.cfg.Store.Settle(ctx, Settlement{
			Campaign: l.cfg.ID, Lead: lead.Lead.ID, Fence: lead.Fence, At: time.Now(), Next: lead.Progress,
		})
	}
}

func (l *loop) closeFlight(ctx context.Context, f *flight) {
	now := time.Now()
	if f.owned() && f.announced {
		if err := l.cfg.Switch.Hangup(ctx, f.attempt.Leg, tandem.CauseCancelled); err != nil && !tandem.IsGone(err) {
			l.cfg.Logger.WarnContext(ctx, "campaign cannot hang up at its end", "campaign", l.cfg.ID, "error", err)
		}
	}
	l.cutOff(f, now)
	if l.fault != nil {
		f.announced = false // the journal takes nothing more; the store still may
	}
	err := l.save1(ctx, f, now)
	if err != nil && !errors.Is(err, tandem.ErrConflict) && !errors.Is(err, tandem.ErrNotFound) {
		l.cfg.Logger.WarnContext(ctx, "attempt stays unsettled until the next start", "campaign", l.cfg.ID,
			"attempt_id", f.attempt.ID, "error", err)
	}
}

// cutOff decides what came of a flight that the end of Run cuts off.
func (l *loop) cutOff(f *flight, now time.Time) {
	f.by = tandem.PartySystem
	switch f.state {
	case flightBeginning, flightDialing:
		f.outcome, f.cause = tandem.OutcomeCancelled, tandem.CauseCancelled
	case flightHanding, flightDropping:
		f.outcome, f.cause = tandem.OutcomeAbandoned, tandem.CauseNormal
	case flightQueued:
		f.outcome, f.cause, f.closed = tandem.OutcomeInterrupted, tandem.CauseInterrupted, true
	case flightTalking:
		f.outcome, f.cause, f.closed = tandem.OutcomeConnected, tandem.CauseInterrupted, true
	case flightUnset, flightSettling:
		return
	}
	if f.state == flightBeginning && !f.announced {
		f.attempt.ID = "" // its job never ran: the lead is given back as it was
		f.next, f.outcome, f.cause = f.attempt.Before, tandem.OutcomeUnset, tandem.CauseUnset
		return
	}
	f.next = l.cfg.Retry.Next(f.attempt.Phones, f.attempt.Before, f.outcome, now)
}
