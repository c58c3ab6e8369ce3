package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
	"github.com/tandem-cc/tandem/dialer"
)

// pacing is how one campaign decides when to place calls, and what it counts and learns for that.
type pacing struct {
	pacer   dialer.Pacer
	limit   dialer.Share
	ledger  *dialer.Ledger
	learner *dialer.Learner // nil for progressive
	events  tandem.Handler  // the campaign's own records: the journal first
}

// newPacing makes a campaign's pacing, with what the journal knows of this day's calls and of how people answer.
func newPacing(ctx context.Context, s *server, c campaignConfig) (pacing, error) {
	p := pacing{pacer: dialer.Progressive{}, events: s.journal}
	ledger, err := dialer.NewLedger(dialer.Window{Kind: dialer.WindowDay, Zone: time.Local})
	if err != nil {
		return p, err
	}
	p.ledger = ledger
	if c.AbandonLimit != nil {
		p.limit = dialer.Percent(*c.AbandonLimit)
	}
	if c.Pacing != "predictive" {
		return p, nil
	}
	id := tandem.CampaignID(c.ID)
	if p.learner, err = dialer.NewLearner(id, dialer.Predictive{}); err != nil {
		return p, err
	}
	p.pacer, p.events = p.learner, tandem.Handlers{s.journal, p.learner}
	refill := campaign.NewRefill(id, ledger)
	if err := replay(ctx, s, tandem.Handlers{refill, p.learner}); err != nil {
		return p, fmt.Errorf("what the journal knows: %w", err)
	}
	// Calls that a crash cut off are settled by the campaign later; those that nobody had taken were abandoned.
	loaded, err := s.stores.Leads().Load(ctx, id, s.node)
	if err != nil {
		return p, fmt.Errorf("unfinished attempts: %w", err)
	}
	for _, a := range loaded.Unfinished {
		ended := tandem.Record{At: time.Now(), Event: tandem.AttemptEnded{Attempt: a.ID, Campaign: id, Lead: a.Lead}}
		if err := refill.Handle(ctx, ended); err != nil {
			return p, err
		}
	}
	return p, nil
}

// replayPage is how many records of the journal are read at once.
const replayPage = 1000

// replay gives the journal's records so far to h.
func replay(ctx context.Context, s *server, h tandem.Handler) error {
	for from := uint64(1); ; {
		rs, err := s.journal.Read(ctx, from, replayPage)
		if err != nil {
			return err
		}
		if len(rs) == 0 {
			return nil
		}
		if err := h.Handle(ctx, rs...); err != nil {
			return err
		}
		from = rs[len(rs)-1].Seq + 1
	}
}
