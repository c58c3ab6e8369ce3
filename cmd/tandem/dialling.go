package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/campaign"
	"github.com/tandem-cc/tandem/dialer"
	"github.com/tandem-cc/tandem/web"
)

// dialling is the configured campaigns: a tandem.Handler that gives each its records, and what the pages see of them.
type dialling struct {
	campaigns []*outbound
	stores    *stores
	log       *slog.Logger
}

// outbound is one campaign.
type outbound struct {
	campaignConfig

	runner  *campaign.Runner
	learner *dialer.Learner // nil unless it dials ahead
}

var _ web.Campaigns = (*dialling)(nil)

// build makes a Runner of each configured campaign.
func (d *dialling) build(ctx context.Context, s *server) error {
	d.stores, d.log = s.stores, s.log
	for i, c := range s.cfg.Campaigns {
		rules := campaign.DefaultRules()
		if c.Retry > 0 {
			for o, r := range rules {
				if o == tandem.OutcomeBusy || o == tandem.OutcomeNoAnswer || o == tandem.OutcomeCongestion {
					r.Delay = time.Duration(c.Retry)
					rules[o] = r
				}
			}
		}
		p, err := newPacing(ctx, s, c)
		if err != nil {
			return fmt.Errorf("campaigns[%d]: %w", i, err)
		}
		r, err := campaign.New(campaign.Config{
			ID: tandem.CampaignID(c.ID), Queue: tandem.QueueID(c.Queue), Switch: s.bridge, Store: s.stores.Leads(),
			Agents: staffed{s.centre}, Trunk: campaign.Trunk{ID: tandem.TrunkID(c.Trunk)}, Events: p.events,
			Pacer: p.pacer, Limit: p.limit, Ledger: p.ledger, From: tandem.CallerID{Number: tandem.Number(c.CallerID), Name: c.Name},
			Retry: campaign.Retry{MaxAttempts: c.Attempts, Rules: rules}, Ring: time.Duration(c.Ring),
			Patience: time.Duration(c.Patience), CancelRinging: true, KeepOpen: true, Logger: s.log,
		})
		if err != nil {
			return fmt.Errorf("campaigns[%d]: %w", i, err)
		}
		d.campaigns = append(d.campaigns, &outbound{campaignConfig: c, runner: r, learner: p.learner})
	}
	return nil
}

// Handle gives every campaign the records of the switch and of the routing engine.
func (d *dialling) Handle(ctx context.Context, rs ...tandem.Record) error {
	for _, c := range d.campaigns {
		if c.learner != nil {
			if err := c.learner.Handle(ctx, rs...); err != nil {
				return err
			}
		}
		if err := c.runner.Handle(ctx, rs...); err != nil {
			return err
		}
	}
	return nil
}

// run works through all campaigns until ctx ends. A campaign that cannot go on ends alone: calls that come in are served.
func (d *dialling) run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, c := range d.campaigns {
		wg.Go(func() {
			if err := c.runner.Run(ctx); err != nil && ctx.Err() == nil {
				d.log.ErrorContext(ctx, "campaign stopped", "campaign", c.ID, "error", err)
			}
		})
	}
	for _, c := range d.campaigns {
		wg.Go(func() {
			if err := d.open(ctx, c); err != nil && ctx.Err() == nil {
				d.log.ErrorContext(ctx, "campaign did not open", "campaign", c.ID, "error", err)
			}
		})
	}
	wg.Wait()
	<-ctx.Done()
	return ctx.Err()
}

// open imports a campaign's list, once, and starts it when the configuration says so and nobody has decided otherwise.
func (d *dialling) open(ctx context.Context, c *outbound) error {
	id := tandem.CampaignID(c.ID)
	counts, err := d.stores.Lists().Counts(ctx, id)
	if err != nil {
		return fmt.Errorf("counts: %w", err)
	}
	if len(c.DNC) > 0 {
		numbers := make([]tandem.Number, len(c.DNC))
		for i, n := range c.DNC {
			numbers[i] = tandem.Number(n)
		}
		if err := d.stores.DoNotCall().Block(ctx, id, numbers...); err != nil {
			return fmt.Errorf("do-not-call: %w", err)
		}
	}
	if c.List != "" && counts.Total() == 0 {
		f, err := os.Open(filepath.Clean(c.List))
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		res, err := d.Import(ctx, id, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("list %s: %w", c.List, err)
		}
		for _, e := range res.Errors {
			d.log.WarnContext(ctx, "row of a list not taken", "campaign", c.ID, "list", c.List, "row", e.Row, "reason", e.What)
		}
		d.log.InfoContext(ctx, "list imported", "campaign", c.ID, "added", res.Added, "refused", res.Refused)
	}
	st, err := c.runner.Status(ctx)
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	if c.Active && (st.State == tandem.CampaignUnset || st.State == tandem.CampaignDraft) {
		return c.runner.Start(ctx, "configured as active")
	}
	return nil
}

// List returns the campaigns in the order of the configuration.
func (d *dialling) List(ctx context.Context) ([]web.Campaign, error) {
	out := make([]web.Campaign, 0, len(d.campaigns))
	for _, c := range d.campaigns {
		st, err := c.runner.Status(ctx)
		if err != nil {
			return nil, fmt.Errorf("campaign %s: %w", c.ID, err)
		}
		n, err := d.stores.Lists().Counts(ctx, tandem.CampaignID(c.ID))
		if err != nil {
			return nil, fmt.Errorf("campaign %s: %w", c.ID, err)
		}
		name := c.Name
		if name == "" {
			name = c.ID
		}
		attempts := 0
		for _, k := range n.Outcomes {
			attempts += k
		}
		out = append(out, web.Campaign{
			ID: tandem.CampaignID(c.ID), Name: name, State: st.State, Queue: tandem.QueueID(c.Queue), Leads: n.Total(), Done: n.Done,
			Attempts: attempts, Connected: n.Outcomes[tandem.OutcomeConnected], Dialling: st.Dialing,
		})
	}
	return out, nil
}

// SetState starts, pauses or finishes a campaign.
func (d *dialling) SetState(ctx context.Context, id tandem.CampaignID, state tandem.CampaignState) error {
	c, err := d.find(id)
	if err != nil {
		return err
	}
	const why = "by a person"
	switch state {
	case tandem.CampaignActive:
		return c.runner.Start(ctx, why)
	case tandem.CampaignPaused:
		return c.runner.Pause(ctx, why)
	case tandem.CampaignFinished:
		return c.runner.Finish(ctx, why)
	case tandem.CampaignUnset, tandem.CampaignDraft, tandem.CampaignArchived:
	}
	return fmt.Errorf("campaign %s cannot be made %s: %w", id, state, tandem.ErrState)
}

func (d *dialling) find(id tandem.CampaignID) (*outbound, error) {
	for _, c := range d.campaigns {
		if c.ID == string(id) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("campaign %s: %w", id, tandem.ErrNotFound)
}

// Import adds the contacts of a CSV list to a campaign. A contact that is on the list already stays as it is.
func (d *dialling) Import(ctx context.Context, id tandem.CampaignID, list io.Reader) (web.ImportResult, error) {
	if _, err := d.find(id); err != nil {
		return web.ImportResult{}, err
	}
	rep, err := campaign.ImportCSV(ctx, list, d.stores.Lists(), id, campaign.Import{Limits: campaign.Limits{Errors: 100}})
	res := web.ImportResult{Added: rep.Written.Added, Repeated: rep.Written.Skipped, Refused: rep.Bad}
	for _, e := range rep.Errors {
		what := e.What
		if e.Column != "" {
			what = "column " + e.Column + ": " + what
		}
		res.Errors = append(res.Errors, web.RowError{Row: e.Line, What: what})
	}
	if err != nil {
		return res, fmt.Errorf("campaign %s: import: %w", id, err)
	}
	return res, nil
}

// staffed is the routing engine as a campaign sees it.
type staffed struct{ centre *acd.Center }

// Staff returns the queue's agents who are at work, and how many calls wait without one.
func (s staffed) Staff(ctx context.Context, queue tandem.QueueID) (campaign.Staff, error) {
	snap, err := s.centre.Snapshot(ctx)
	if err != nil {
		return campaign.Staff{}, fmt.Errorf("staff: %w", err)
	}
	var st campaign.Staff
	for _, q := range snap.Queues {
		if q.ID != queue {
			continue
		}
		for _, w := range q.Waiting {
			if w.Agent == "" {
				st.Waiting++
			}
		}
	}
	for _, a := range snap.Agents {
		if a.State == tandem.AgentLoggedOut || a.State == tandem.AgentUnset || !slices.Contains(a.Queues, queue) {
			continue
		}
		state := a.State
		if state == tandem.AgentReady && a.Until.After(snap.At) {
			state = tandem.AgentPaused // in back-off: nothing is offered to this agent yet
		}
		st.Agents = append(st.Agents, dialer.Agent{State: state, Age: snap.At.Sub(a.Since)})
	}
	return st, nil
}

// Enqueue hands an answered call over.
func (s staffed) Enqueue(ctx context.Context, a tandem.Arrival) error {
	return s.centre.Enqueue(ctx, a)
}
