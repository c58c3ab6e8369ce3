package campaign

import (
	"context"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

// Refill counts a campaign's answered and abandoned calls from the journal into a Ledger, as the Runner counted them when they
// happened: a host that restarts hands it the journal's records of the window, and then gives the Ledger to New. Not to be used concurrently.
type Refill struct {
	campaign tandem.CampaignID
	ledger   *dialer.Ledger
	legs     map[tandem.LegID]*refilled
	calls    map[tandem.CallID]*refilled
	attempts map[tandem.AttemptID]*refilled
}

// refilled is an attempt that has not ended.
type refilled struct {
	started    tandem.AttemptStarted
	answeredAt time.Time
	taken      bool
}

var _ tandem.Handler = (*Refill)(nil)

// NewRefill makes a Refill of one campaign's ledger.
func NewRefill(campaign tandem.CampaignID, ledger *dialer.Ledger) *Refill {
	return &Refill{
		campaign: campaign,
		ledger:   ledger,
		legs:     make(map[tandem.LegID]*refilled),
		calls:    make(map[tandem.CallID]*refilled),
		attempts: make(map[tandem.AttemptID]*refilled),
	}
}

// Handle takes records in the order of the journal; those that do not matter are passed over. The error is always nil.
func (f *Refill) Handle(_ context.Context, rs ...tandem.Record) error {
	for _, r := range rs {
		switch e := r.Event.(type) {
		case tandem.AttemptStarted:
			f.started(e)
		case tandem.LegAnswered:
			if a := f.legs[e.Leg]; a != nil {
				a.answeredAt = r.At
			}
		case tandem.CallConnected:
			if a := f.calls[e.Call]; a != nil && !a.taken {
				a.taken = true
				f.ledger.Add(r.At, a.answeredAt, dialer.FateTaken)
			}
		case tandem.AttemptEnded:
			f.ended(r.At, e)
		default:
		}
	}
	return nil
}

func (f *Refill) started(e tandem.AttemptStarted) {
	if e.Campaign != f.campaign {
		return
	}
	a := &refilled{started: e}
	f.legs[e.Leg], f.calls[e.Call], f.attempts[e.Attempt] = a, a, a
}

func (f *Refill) ended(at time.Time, e tandem.AttemptEnded) {
	a := f.attempts[e.Attempt]
	if a == nil {
		return
	}
	// A call that our own end cut off before an agent had it was abandoned, whatever the attempt is called.
	if !a.taken && !a.answeredAt.IsZero() {
		f.ledger.Add(at, a.answeredAt, dialer.FateAbandoned)
	}
	delete(f.legs, a.started.Leg)
	delete(f.calls, a.started.Call)
	delete(f.attempts, e.Attempt)
}
