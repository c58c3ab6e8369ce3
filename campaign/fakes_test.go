package campaign_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
	"github.com/tandem-cc/tandem/dialer"
)

// errDown is what a store that is out of order says.
var errDown = errors.New("the database is away")

// store is a campaign.Store in memory that a test can break and look into.
type store struct {
	mu       sync.Mutex
	state    tandem.CampaignState
	leads    []*entry
	attempts map[tandem.AttemptID]*kept
	order    []tandem.AttemptID
	blocked  map[tandem.Number]bool
	// fault is asked before and after each operation; an error from the second call is an answer lost on the way.
	fault func(op string, after bool) error
}

type entry struct {
	campaign.Entry
	fence uint64
	until time.Time
}

type kept struct {
	campaign.Attempt
	settled bool
	outcome tandem.Outcome
	endedAt time.Time
}

var _ campaign.Store = (*store)(nil)

func newStore(leads ...tandem.Lead) *store {
	s := &store{attempts: make(map[tandem.AttemptID]*kept), blocked: make(map[tandem.Number]bool)}
	for _, l := range leads {
		s.leads = append(s.leads, &entry{Entry: campaign.Entry{Lead: l, Progress: campaign.Progress{State: campaign.LeadWaiting}}})
	}
	return s
}

// leads makes n leads with one phone each.
func leads(n int) []tandem.Lead {
	out := make([]tandem.Lead, n)
	for i := range out {
		out[i] = tandem.Lead{ID: tandem.LeadID(fmt.Sprintf("lead%d", i)), Phones: []tandem.Number{number(i)}}
	}
	return out
}

func number(i int) tandem.Number { return tandem.Number(fmt.Sprintf("+1555%06d", i)) }

func (s *store) broken(op string, after bool) error {
	if s.fault == nil {
		return nil
	}
	return s.fault(op, after)
}

// tx runs one operation with the faults around it.
func (s *store) tx(ctx context.Context, op string, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.broken(op, false); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	return s.broken(op, true)
}

func (s *store) Load(ctx context.Context, _ tandem.CampaignID, node tandem.NodeID) (campaign.Loaded, error) {
	var out campaign.Loaded
	err := s.tx(ctx, "load", func() error {
		out.State = s.state
		for _, id := range s.order {
			if a := s.attempts[id]; !a.settled && (node == "" || a.Node == node) {
				out.Unfinished = append(out.Unfinished, a.Attempt)
			}
		}
		return nil
	})
	return out, err
}

func (s *store) SetState(ctx context.Context, _ tandem.CampaignID, from, to tandem.CampaignState) error {
	return s.tx(ctx, "state", func() error {
		if s.state != from {
			return tandem.ErrConflict
		}
		s.state = to
		return nil
	})
}

func (s *store) Lease(ctx context.Context, r campaign.LeaseRequest) (campaign.Batch, error) {
	b := campaign.Batch{Exhausted: true}
	err := s.tx(ctx, "lease", func() error {
		var due []*entry
		for _, e := range s.leads {
			if e.Progress.State == campaign.LeadDone {
				continue
			}
			b.Exhausted = false
			if e.Progress.State != campaign.LeadWaiting {
				continue
			}
			at := e.Progress.NextAt
			if at.Before(e.until) {
				at = e.until
			}
			if !at.After(r.Now) {
				due = append(due, e)
			} else if b.NextDue.IsZero() || at.Before(b.NextDue) {
				b.NextDue = at
			}
		}
		slices.SortStableFunc(due, func(a, b *entry) int {
			if (a.Progress.Attempts > 0) != (b.Progress.Attempts > 0) {
				return cmp.Compare(b.Progress.Attempts, a.Progress.Attempts)
			}
			return a.Progress.NextAt.Compare(b.Progress.NextAt)
		})
		for _, e := range due[:min(r.Max, len(due))] {
			e.fence++
			e.until = r.Now.Add(r.TTL)
			b.Leads = append(b.Leads, campaign.Leased{Lead: e.Lead, Progress: e.Progress, Fence: e.fence})
		}
		return nil
	})
	return b, err
}

func (s *store) lead(id tandem.LeadID) *entry {
	i := slices.IndexFunc(s.leads, func(e *entry) bool { return e.Lead.ID == id })
	if i < 0 {
		return nil
	}
	return s.leads[i]
}

func (s *store) Begin(ctx context.Context, a campaign.Attempt) error {
	return s.tx(ctx, "begin", func() error {
		e := s.lead(a.Lead)
		switch {
		case e == nil:
			return tandem.ErrNotFound
		case e.Progress.State != campaign.LeadWaiting, e.fence != a.Fence, s.attempts[a.ID] != nil, a.Count != e.Progress.Attempts+1:
			return tandem.ErrConflict
		case s.state != tandem.CampaignActive:
			return tandem.ErrState
		case s.blocked[a.Number]:
			return campaign.ErrDoNotCall
		}
		e.Progress.State = campaign.LeadDialing
		e.Progress.Attempts++
		s.attempts[a.ID] = &kept{Attempt: a}
		s.order = append(s.order, a.ID)
		return nil
	})
}

func (s *store) Settle(ctx context.Context, t campaign.Settlement) error {
	return s.tx(ctx, "settle", func() error {
		e := s.lead(t.Lead)
		if e == nil {
			return tandem.ErrNotFound
		}
		if e.fence != t.Fence {
			return tandem.ErrConflict
		}
		if t.Attempt == "" && e.Progress.State != campaign.LeadWaiting {
			return tandem.ErrConflict
		}
		if t.Attempt != "" {
			a := s.attempts[t.Attempt]
			if a == nil {
				return tandem.ErrNotFound
			}
			if a.settled {
				return tandem.ErrConflict
			}
			a.settled, a.outcome, a.endedAt = true, t.Outcome, t.At
		}
		attempts := e.Progress.Attempts
		e.Progress = t.Next
		e.Progress.Attempts = attempts
		e.until = time.Time{}
		return nil
	})
}

// isOpen says whether an attempt with that leg and number is on record and not settled.
func (s *store) isOpen(leg tandem.LegID, n tandem.Number) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.attempts {
		if a.Leg == leg && a.Number == n && !a.settled {
			return true
		}
	}
	return false
}

func (s *store) outcomes() map[tandem.Outcome]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[tandem.Outcome]int)
	for _, a := range s.attempts {
		out[a.outcome]++
	}
	return out
}

func (s *store) progress(id tandem.LeadID) campaign.Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lead(id).Progress
}

func (s *store) setFault(f func(op string, after bool) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// floor is a routing engine with agents who talk for a fixed time and wrap up for another: as much of package acd as a campaign
// sees of it.
type floor struct {
	sw     tandem.Switch
	events tandem.Handler
	talk   func() time.Duration
	wrap   time.Duration

	mu     sync.Mutex
	agents map[tandem.AgentID]tandem.AgentState
	calls  map[tandem.LegID]*floorCall
	queue  []*floorCall
	refuse error // what Enqueue says
	out    []tandem.Record
	worst  int // the most calls that waited at a time
}

type floorCall struct {
	tandem.Arrival
	agent tandem.AgentID
}

func newFloor(n int) *floor {
	f := &floor{
		agents: make(map[tandem.AgentID]tandem.AgentState),
		calls:  make(map[tandem.LegID]*floorCall),
		talk:   func() time.Duration { return 2 * time.Minute },
		wrap:   20 * time.Second,
	}
	for i := range n {
		f.agents[tandem.AgentID(fmt.Sprintf("agent%d", i))] = tandem.AgentReady
	}
	return f
}

func (f *floor) Staff(ctx context.Context, _ tandem.QueueID) (campaign.Staff, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var s campaign.Staff
	for _, st := range f.agents {
		s.Agents = append(s.Agents, dialer.Agent{State: st})
	}
	s.Waiting = len(f.queue)
	return s, ctx.Err()
}

func (f *floor) Enqueue(ctx context.Context, a tandem.Arrival) error {
	f.mu.Lock()
	if f.refuse != nil {
		defer f.mu.Unlock()
		return f.refuse
	}
	c := &floorCall{Arrival: a}
	f.calls[a.Call.Customer] = c
	f.queue = append(f.queue, c)
	f.assign()
	if c.agent == "" {
		time.AfterFunc(a.Patience, func() { f.giveUp(context.WithoutCancel(ctx), c) })
	}
	f.worst = max(f.worst, len(f.queue))
	f.mu.Unlock()
	return f.flush(ctx)
}

// most returns how many calls waited at a time at the worst.
func (f *floor) most() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.worst
}

// assign gives waiting calls to ready agents.
func (f *floor) assign() {
	for _, id := range slices.Sorted(maps.Keys(f.agents)) {
		if f.agents[id] != tandem.AgentReady || len(f.queue) == 0 {
			continue
		}
		c := f.queue[0]
		f.queue = f.queue[1:]
		c.agent = id
		f.set(id, tandem.AgentReserved)
		f.set(id, tandem.AgentOnCall)
		f.note(tandem.CallConnected{Call: c.Call.ID, Queue: c.Queue, Agent: id, Leg: "agent-leg"})
		time.AfterFunc(f.talk(), func() {
			_ = f.sw.Hangup(context.Background(), c.Call.Customer, tandem.CauseNormal)
		})
	}
}

func (f *floor) set(id tandem.AgentID, to tandem.AgentState) {
	f.note(tandem.AgentChanged{Agent: id, From: f.agents[id], To: to})
	f.agents[id] = to
}

// put brings an agent into a state from outside.
func (f *floor) put(ctx context.Context, id tandem.AgentID, to tandem.AgentState) {
	f.mu.Lock()
	f.set(id, to)
	f.assign()
	f.mu.Unlock()
	_ = f.flush(ctx)
}

func (f *floor) giveUp(ctx context.Context, c *floorCall) {
	f.mu.Lock()
	i := slices.Index(f.queue, c)
	if i >= 0 {
		f.queue = slices.Delete(f.queue, i, i+1)
		f.note(tandem.CallLeft{Call: c.Call.ID, Queue: c.Queue, Reason: tandem.LeaveTimeout})
	}
	f.mu.Unlock()
	if i >= 0 {
		_ = f.flush(ctx)
		_ = f.sw.Hangup(ctx, c.Call.Customer, tandem.CauseNormal)
	}
}

// Handle takes the switch's events.
func (f *floor) Handle(ctx context.Context, rs ...tandem.Record) error {
	f.mu.Lock()
	for _, r := range rs {
		e, ok := r.Event.(tandem.LegEnded)
		if !ok || f.calls[e.Leg] == nil {
			continue
		}
		c := f.calls[e.Leg]
		delete(f.calls, e.Leg)
		if i := slices.Index(f.queue, c); i >= 0 {
			f.queue = slices.Delete(f.queue, i, i+1)
			f.note(tandem.CallLeft{Call: c.Call.ID, Queue: c.Queue, Reason: tandem.LeaveAbandoned})
		}
		f.note(tandem.CallEnded{Call: c.Call.ID, Cause: e.Cause, By: tandem.PartyCustomer})
		if c.agent == "" {
			continue
		}
		f.set(c.agent, tandem.AgentWrapUp)
		time.AfterFunc(f.wrap, func() {
			f.mu.Lock()
			if f.agents[c.agent] == tandem.AgentWrapUp {
				f.set(c.agent, tandem.AgentReady)
				f.assign()
			}
			f.mu.Unlock()
			_ = f.flush(context.Background())
		})
	}
	f.mu.Unlock()
	return f.flush(ctx)
}

func (f *floor) note(e tandem.Event) {
	f.out = append(f.out, tandem.Record{At: time.Now(), Event: e})
}

func (f *floor) flush(ctx context.Context) error {
	f.mu.Lock()
	out := f.out
	f.out = nil
	f.mu.Unlock()
	if len(out) == 0 {
		return nil
	}
	return f.events.Handle(ctx, out...)
}
