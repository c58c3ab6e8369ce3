package reports

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
)

// RecoverConfig says whose journal is put in order after a crash.
type RecoverConfig struct {
	// Store is the journal's. Required; nobody else may write to it meanwhile.
	Store Store
	// Archive is where an Archivist keeps its checkpoint, from which on the journal is read. Nil: from the beginning.
	Archive Archive
	// Node is the process that starts now. Required.
	Node tandem.NodeID
	// Version is the program's, for NodeStarted. May be empty.
	Version string
	// Now is the time of NodeStarted. Required.
	Now time.Time
	// Settles says that a campaign settles its own attempts when it starts, which it does by its retry rules: they are
	// left open here. Nil: no campaign does, and every attempt ends here, its lead done.
	Settles func(campaign tandem.CampaignID) bool
}

// Recovery says what Recover found and wrote.
type Recovery struct {
	// At is the last sign of life before, zero for a new journal. What was open has ended then.
	At time.Time
	// Calls, Agents and Attempts are how many were closed.
	Calls, Agents, Attempts int
	// Left are the attempts that were left to their campaigns.
	Left []tandem.AttemptStarted
	// Records are what was written, with their Seq.
	Records []tandem.Record
}

// recoverPage is how many records are read at once.
const recoverPage = 1000

// Recover closes what a process that is no more has left open in the journal, and writes NodeStarted: calls end as
// interrupted (with their offers, conversations and places in queues), agents are logged out, attempts end as interrupted, all
// at the time of the last record, which is true to within Config.AliveEvery. It is one transaction, so that a crash in
// the middle leaves nothing half done, and doing it again finds nothing open. It is called before Journal.Run.
func Recover(ctx context.Context, cfg RecoverConfig) (Recovery, error) {
	switch {
	case cfg.Store == nil:
		return Recovery{}, &tandem.ConfigError{Where: "recover.store", What: "is missing"}
	case cfg.Node == "":
		return Recovery{}, &tandem.ConfigError{Where: "recover.node", What: "is missing"}
	case cfg.Now.IsZero():
		return Recovery{}, &tandem.ConfigError{Where: "recover.now", What: "is missing"}
	}
	f := NewFolder()
	if cfg.Archive != nil {
		cp, err := cfg.Archive.Checkpoint(ctx)
		if err != nil {
			return Recovery{}, fmt.Errorf("reports: recover: %w", err)
		}
		if f, err = RestoreFolder(cp); err != nil {
			return Recovery{}, fmt.Errorf("reports: recover: %w", err)
		}
	}
	for {
		rs, err := cfg.Store.Read(ctx, f.Seq()+1, recoverPage)
		if err != nil {
			return Recovery{}, fmt.Errorf("reports: recover: read from %d: %w", f.Seq()+1, err)
		}
		for i := range rs {
			f.Apply(rs[i])
		}
		f.Take() // lets go of what is over
		if len(rs) < recoverPage {
			break
		}
	}
	rec := f.interrupted(cfg.Settles)
	rec.Records = append(rec.Records, tandem.Record{
		At: cfg.Now.UTC(), Event: tandem.NodeStarted{Node: cfg.Node, Version: cfg.Version},
	})
	if err := cfg.Store.Append(ctx, rec.Records); err != nil {
		return Recovery{}, fmt.Errorf("reports: recover: %w", err)
	}
	return rec, nil
}

// interrupted returns what ends everything that is open, at the last sign of life.
func (f *Folder) interrupted(settles func(tandem.CampaignID) bool) Recovery {
	rec := Recovery{At: f.at}
	calls := slices.SortedFunc(maps.Values(f.calls), func(a, b *openCall) int {
		return cmp.Or(cmp.Compare(a.Record.FirstSeq, b.Record.FirstSeq), cmp.Compare(a.Record.Call.ID, b.Record.Call.ID))
	})
	add := func(e tandem.Event) { rec.Records = append(rec.Records, tandem.Record{At: f.at, Event: e}) }
	for _, c := range calls {
		if c.Closed {
			continue // only wrap-up or the attempt's end was missing
		}
		rec.Calls++
		for _, e := range c.interrupted(f.at) {
			add(e)
		}
	}
	for _, a := range slices.SortedFunc(maps.Values(f.attempts), func(a, b *openAttempt) int { return cmp.Compare(a.Seq, b.Seq) }) {
		if settles != nil && settles(a.Started.Campaign) {
			rec.Left = append(rec.Left, a.Started)
			continue
		}
		rec.Attempts++
		add(tandem.AttemptEnded{
			Attempt: a.Started.Attempt, Campaign: a.Started.Campaign, Lead: a.Started.Lead,
			Outcome: tandem.OutcomeInterrupted, Cause: tandem.CauseInterrupted,
		})
	}
	for _, id := range slices.Sorted(maps.Keys(f.agents)) {
		rec.Agents++
		add(tandem.AgentChanged{
			Agent: id, From: f.agents[id].Activity.State, To: tandem.AgentLoggedOut, Reason: tandem.CauseInterrupted.String(),
		})
	}
	return rec
}

// interrupted returns the events that end this call.
func (c *openCall) interrupted(at time.Time) []tandem.Event {
	id := c.Record.Call.ID
	var es []tandem.Event
	for i := range c.Parts {
		p := &c.Parts[i]
		switch {
		case p.Talking:
			es = append(es, tandem.CallReleased{
				Call: id, Queue: p.Queue, Agent: p.Agent, Leg: p.Leg, By: tandem.PartySystem, Talked: max(0, at.Sub(p.Since)),
			})
		case p.Open != 0 && c.Record.Segments[p.Open-1].Kind == SegmentRinging:
			es = append(es, tandem.OfferEnded{
				Call: id, Queue: p.Queue, Agent: p.Agent, Leg: p.Leg, Fence: p.Fence, Cause: tandem.CauseInterrupted,
			})
		}
	}
	if c.Queued != 0 {
		s := &c.Record.Segments[c.Queued-1]
		es = append(es, tandem.CallLeft{
			Call: id, Queue: s.Queue, Reason: tandem.LeaveInterrupted, Position: s.Position, Waited: s.Duration(at),
		})
	}
	return append(es, tandem.CallEnded{Call: id, Cause: tandem.CauseInterrupted, By: tandem.PartySystem})
}
