package campaign

import (
	"context"
	"errors"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

// plan arranges whatever is to be done now, and sets when to look again.
func (l *loop) plan(now time.Time) {
	l.wake = now.Add(l.cfg.Poll)
	l.saveAgain(now)
	l.giveUpOn(now)
	open := l.state == tandem.CampaignActive && l.cfg.Window.Open(now)
	l.may.Store(open && l.able)
	if !open {
		l.giveBack()
		if l.state == tandem.CampaignActive {
			l.wakeAt(l.cfg.Window.Next(now))
		}
		if len(l.flights) == 0 {
			l.stale = true // for when it opens
			return
		}
	}
	if l.held(now, l.store.until) {
		return
	}
	if open {
		l.lease(now)
	}
	l.askAgents(now)
}

// held says whether a back-off holds the work up, and until when.
func (l *loop) held(now, until time.Time) bool {
	if !now.Before(until) {
		return false
	}
	l.stale = true
	l.wakeAt(until)
	return true
}

func (l *loop) wakeAt(t time.Time) {
	if t.Before(l.wake) {
		l.wake = t
	}
}

// ahead is how many leads are held ready: enough for every agent to become free at once.
func (l *loop) ahead() int { return min(200, max(5, 2*l.staff)) }

// lease asks for more leads when the ones at hand run low and somebody could talk to them.
func (l *loop) lease(now time.Time) {
	short := l.ahead() - len(l.leads)
	if l.leasing || !l.able || short <= l.ahead()/2 {
		return
	}
	if now.Before(l.leaseAt) {
		l.wakeAt(l.leaseAt)
		return
	}
	l.leasing = true
	req := LeaseRequest{Campaign: l.cfg.ID, Node: l.cfg.Node, Max: short, Now: now, TTL: l.cfg.LeaseTTL}
	l.do(func(ctx context.Context) func() {
		b, err := l.cfg.Store.Lease(ctx, req)
		return func() {
			l.leasing = false
			if err != nil {
				l.storeFailed(ctx, "lease", err)
				return
			}
			if l.failing == "lease" || l.failing == "load" {
				l.store.good() // a store that reads and cannot write is not well yet
			}
			l.leased(now, b)
		}
	})
}

// rests is for how many of Config.Poll no leads are asked for when none is due: others may be imported meanwhile.
const rests = 3

func (l *loop) leased(asked time.Time, b Batch) {
	l.leads = append(l.leads, b.Leads...)
	l.stale = true
	if len(b.Leads) > 0 {
		return
	}
	l.leaseAt = asked.Add(rests * l.cfg.Poll)
	if !b.NextDue.IsZero() && b.NextDue.Before(l.leaseAt) {
		l.leaseAt = b.NextDue
	}
	if b.Exhausted && len(l.flights) == 0 && len(l.leads) == 0 && !l.cfg.KeepOpen && !l.changing {
		l.change(tandem.CampaignFinished, "every lead is done", func(error) {})
	}
}

// giveBack returns the leads at hand, so that others need not wait for their leases to run out.
func (l *loop) giveBack() {
	for _, lead := range l.leads {
		s := Settlement{Campaign: l.cfg.ID, Lead: lead.Lead.ID, Fence: lead.Fence, At: time.Now(), Next: lead.Progress}
		l.do(func(ctx context.Context) func() {
			// If it cannot be told, the lease runs out by itself.
			_ = l.cfg.Store.Settle(ctx, s)
			return func() {}
		})
	}
	l.leads = nil
}

// askAgents looks at the agents when something has happened since the last time.
func (l *loop) askAgents(now time.Time) {
	due := !l.nextAsk.IsZero() && !now.Before(l.nextAsk)
	if l.asking || !l.stale && !due {
		if !l.nextAsk.IsZero() {
			l.wakeAt(l.nextAsk)
		}
		return
	}
	l.asking, l.stale, l.nextAsk = true, false, now.Add(l.cfg.Poll)
	gen := l.gen
	l.do(func(ctx context.Context) func() {
		staff, err := l.cfg.Agents.Staff(ctx, l.cfg.Queue)
		return func() {
			l.asking = false
			if err != nil {
				if ctx.Err() == nil {
					l.cfg.Logger.ErrorContext(ctx, "campaign cannot see its agents", "campaign", l.cfg.ID, "error", err)
				}
				return // nothing is dialled for agents whom nobody sees; Poll tries again
			}
			l.pace(time.Now(), staff, gen)
		}
	})
}

// pace places as many calls as the pacer wants and the trunk allows.
func (l *loop) pace(now time.Time, staff Staff, gen uint64) {
	l.staff = len(staff.Agents)
	l.able = false
	for _, a := range staff.Agents {
		l.able = l.able || able(a.State)
	}
	if !l.able {
		l.may.Store(false)
		l.rule = dialer.RuleNoAgent
		l.cancelRinging(now)
		return
	}
	if l.state != tandem.CampaignActive || !l.cfg.Window.Open(now) {
		return
	}
	d := l.cfg.Pacer.Pace(l.snapshot(now, staff, gen))
	l.rule = d.Rule
	if d.Next > 0 {
		l.nextAsk = now.Add(min(d.Next, l.cfg.Poll))
	}
	l.may.Store(true)
	for range d.Calls {
		if len(l.leads) == 0 || !l.trunkFree(now) {
			return
		}
		lead := l.leads[0]
		l.leads = l.leads[1:]
		l.place(now, lead)
	}
}

// able says whether an agent in the state takes calls, now or when the present one is over.
func able(s tandem.AgentState) bool {
	switch s {
	case tandem.AgentReady, tandem.AgentReserved, tandem.AgentOnCall, tandem.AgentWrapUp:
		return true
	case tandem.AgentUnset, tandem.AgentLoggedOut, tandem.AgentPaused, tandem.AgentUnavailable:
		return false
	}
	return false
}

func (l *loop) snapshot(now time.Time, staff Staff, gen uint64) *dialer.Snapshot {
	calls := l.snap.Calls[:0]
	waiting := 0
	for _, f := range l.flights {
		stage := f.stage(gen)
		if stage == dialer.StageUnset {
			continue
		}
		if stage == dialer.StageWaiting {
			waiting++
		}
		calls = append(calls, dialer.Call{Stage: stage, Age: now.Sub(f.dialledAt), In: now.Sub(f.entered)})
	}
	l.snap = dialer.Snapshot{
		Now:      now,
		Agents:   staff.Agents,
		Calls:    calls,
		Queued:   max(0, staff.Waiting-waiting),
		Spent:    l.cfg.Ledger.Tally(now),
		Limit:    l.cfg.Limit,
		Ring:     l.cfg.Ring,
		Patience: l.cfg.Patience,
	}
	return &l.snap
}

// trunkFree says whether the trunk takes one more call now.
func (l *loop) trunkFree(now time.Time) bool {
	for _, until := range [...]time.Time{l.trunk.until, l.nextDial} {
		if now.Before(until) {
			l.nextAsk = until
			return false
		}
	}
	if l.cfg.Trunk.Channels > 0 && len(l.flights)-len(l.unsaved) >= l.cfg.Trunk.Channels {
		return false
	}
	if l.cfg.Trunk.PerSecond <= 0 {
		return true
	}
	l.nextDial = now.Add(time.Duration(float64(time.Second) / l.cfg.Trunk.PerSecond))
	return true
}

// place begins an attempt: it is recorded, told, and only then dialled.
func (l *loop) place(now time.Time, lead Leased) {
	phone := lead.Progress.Phone
	if phone < 0 || phone >= len(lead.Lead.Phones) {
		phone = 0
	}
	if len(lead.Lead.Phones) == 0 {
		return // an import lets none in; its lease runs out
	}
	f := &flight{lead: lead, dialledAt: now, attempt: Attempt{
		ID:       tandem.AttemptID(l.cfg.IDs()),
		Campaign: l.cfg.ID,
		Lead:     lead.Lead.ID,
		Fence:    lead.Fence,
		Node:     l.cfg.Node,
		Call:     tandem.CallID(l.cfg.IDs()),
		Leg:      tandem.LegID(l.cfg.IDs()),
		Number:   lead.Lead.Phones[phone],
		Phone:    phone,
		Phones:   len(lead.Lead.Phones),
		Count:    lead.Progress.Attempts + 1,
		At:       now,
		Before:   lead.Progress,
	}}
	f.attempt.Before.Phone = phone
	f.become(flightBeginning)
	l.flights[f.attempt.Call] = f
	l.legs[f.attempt.Leg] = f
	l.r.follow(f.attempt)
	l.do(func(ctx context.Context) func() { return l.begin(ctx, f) })
}

// begin is the job that records and dials an attempt.
func (l *loop) begin(ctx context.Context, f *flight) func() {
	a := f.attempt
	if !l.may.Load() {
		return func() { l.notBegun(ctx, f, tandem.ErrState) }
	}
	if err := l.cfg.Store.Begin(ctx, a); err != nil {
		return func() { l.notBegun(ctx, f, err) }
	}
	err := l.emit(ctx, tandem.CallStarted{Call: f.call(l.cfg)}, tandem.AttemptStarted{
		Attempt: a.ID, Campaign: a.Campaign, Lead: a.Lead, Call: a.Call, Leg: a.Leg, Number: a.Number, Count: a.Count,
	})
	if err != nil {
		return func() {
			l.fail(err)
			l.over(f, tandem.OutcomeCancelled, tandem.CauseCancelled, tandem.PartySystem)
		}
	}
	if !l.may.Load() { // the last agent has left, or the campaign was stopped meanwhile
		return func() {
			f.announced = true
			l.over(f, tandem.OutcomeCancelled, tandem.CauseCancelled, tandem.PartySystem)
		}
	}
	err = l.cfg.Switch.Dial(ctx, tandem.Dial{
		Leg:     a.Leg,
		Call:    a.Call,
		To:      tandem.Endpoint{Trunk: l.cfg.Trunk.ID, Number: a.Number},
		From:    l.cfg.From,
		Timeout: l.cfg.Ring,
	})
	return func() { l.dialled(ctx, f, err) }
}

// dialled takes the switch's answer to Dial. Its events may have come before.
func (l *loop) dialled(ctx context.Context, f *flight, err error) {
	l.store.good()
	if f.state != flightBeginning {
		return
	}
	f.announced = true
	switch {
	case err == nil:
		f.become(flightDialing)
	case ctx.Err() != nil:
		l.over(f, tandem.OutcomeCancelled, tandem.CauseCancelled, tandem.PartySystem)
	default:
		l.cfg.Logger.ErrorContext(ctx, "campaign cannot dial", "campaign", l.cfg.ID,
			"attempt_id", f.attempt.ID, "error", err)
		l.over(f, tandem.OutcomeCongestion, tandem.CauseFailed, tandem.PartySystem)
	}
}

// notBegun takes the store's refusal to record an attempt. Nothing was dialled.
func (l *loop) notBegun(ctx context.Context, f *flight, err error) {
	switch {
	case errors.Is(err, ErrDoNotCall):
		f.attempt.ID = "" // there is no attempt: the lead is given back, moved on
		f.outcome = tandem.OutcomeBlocked
		f.next = l.cfg.Retry.Next(len(f.lead.Lead.Phones), f.attempt.Before, f.outcome, time.Now())
		l.settle(f)
	case errors.Is(err, tandem.ErrConflict), errors.Is(err, tandem.ErrNotFound):
		l.cfg.Logger.DebugContext(ctx, "lead is in other hands", "campaign", l.cfg.ID, "lead", f.attempt.Lead)
		l.drop(f)
	case errors.Is(err, tandem.ErrState):
		l.leads = append(l.leads, f.lead)
		l.drop(f)
		l.reload()
	default:
		// The store may have recorded it all the same. Settled as cancelled it is out of the way in either case.
		l.storeFailed(ctx, "begin", err)
		l.over(f, tandem.OutcomeCancelled, tandem.CauseCancelled, tandem.PartySystem)
	}
}

// cancelRinging gives up the calls that ring although nobody could take them.
func (l *loop) cancelRinging(now time.Time) {
	if !l.cfg.CancelRinging {
		return
	}
	for _, f := range l.flights {
		if f.state != flightDialing || f.cancelled {
			continue
		}
		if ripe := f.dialledAt.Add(l.cfg.MinRing); now.Before(ripe) {
			l.nextAsk = minTime(l.nextAsk, ripe)
			continue
		}
		f.cancelled = true
		l.hangUp(f, tandem.CauseCancelled)
	}
}

func minTime(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
