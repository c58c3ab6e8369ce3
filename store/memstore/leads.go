package memstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
)

// Leads is campaign.Store, campaign.Lists and campaign.DoNotCall in memory. The zero value is empty and ready; it must not
// be copied after first use. Leasing looks at every lead of the campaign.
type Leads struct {
	mu       sync.Mutex
	states   map[tandem.CampaignID]tandem.CampaignState
	lists    map[tandem.CampaignID][]*lead
	leads    map[tandem.LeadID]*lead
	attempts map[tandem.AttemptID]*attempt
	begun    []*attempt // in the order of their beginning
	blocked  map[blocked]struct{}
}

type lead struct {
	campaign.Entry
	fence uint64
	until time.Time // leased until
}

type attempt struct {
	campaign.Attempt
	settled bool
	outcome tandem.Outcome
}

type blocked struct {
	campaign tandem.CampaignID
	number   tandem.Number
}

var (
	_ campaign.Store     = (*Leads)(nil)
	_ campaign.Lists     = (*Leads)(nil)
	_ campaign.DoNotCall = (*Leads)(nil)
)

// NewLeads returns a store without campaigns.
func NewLeads() *Leads { return &Leads{} }

// begin locks the store and makes its maps, or says why not.
func (l *Leads) begin(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: %s: %w", op, err)
	}
	l.mu.Lock()
	if l.states == nil {
		l.states = make(map[tandem.CampaignID]tandem.CampaignState)
		l.lists = make(map[tandem.CampaignID][]*lead)
		l.leads = make(map[tandem.LeadID]*lead)
		l.attempts = make(map[tandem.AttemptID]*attempt)
		l.blocked = make(map[blocked]struct{})
	}
	return nil
}

// Load implements campaign.Store.
func (l *Leads) Load(ctx context.Context, id tandem.CampaignID, node tandem.NodeID) (campaign.Loaded, error) {
	if err := l.begin(ctx, "load campaign"); err != nil {
		return campaign.Loaded{}, err
	}
	defer l.mu.Unlock()
	loaded := campaign.Loaded{State: l.states[id]}
	for _, a := range l.begun {
		if a.Campaign == id && !a.settled && (node == "" || a.Node == node) {
			loaded.Unfinished = append(loaded.Unfinished, a.Attempt)
		}
	}
	slices.SortStableFunc(loaded.Unfinished, func(a, b campaign.Attempt) int { return a.At.Compare(b.At) })
	return loaded, nil
}

// SetState implements campaign.Store.
func (l *Leads) SetState(ctx context.Context, id tandem.CampaignID, from, to tandem.CampaignState) error {
	if err := l.begin(ctx, "set state of campaign"); err != nil {
		return err
	}
	defer l.mu.Unlock()
	if l.states[id] != from {
		return fmt.Errorf("memstore: set state of campaign %s: is %q, not %q: %w", id, l.states[id], from, tandem.ErrConflict)
	}
	l.states[id] = to
	return nil
}

// Lease implements campaign.Store.
func (l *Leads) Lease(ctx context.Context, r campaign.LeaseRequest) (campaign.Batch, error) {
	if r.Max < 1 || r.TTL <= 0 || r.Now.IsZero() {
		return campaign.Batch{}, fmt.Errorf("memstore: lease leads: needs a maximum, a time and a time to live: %w", tandem.ErrInvalid)
	}
	if err := l.begin(ctx, "lease leads"); err != nil {
		return campaign.Batch{}, err
	}
	defer l.mu.Unlock()
	free, b := l.freeLocked(r)
	for _, x := range free[:min(len(free), r.Max)] {
		x.fence++
		x.until = r.Now.Add(r.TTL)
		b.Leads = append(b.Leads, campaign.Leased{Lead: cloneLead(x.Lead), Progress: cloneProgress(x.Progress), Fence: x.fence})
	}
	if len(b.Leads) > 0 {
		b.NextDue, b.Exhausted = time.Time{}, false
	}
	return b, nil
}

// freeLocked returns the leads that may be leased, in order, and a batch that says when there will be others.
func (l *Leads) freeLocked(r campaign.LeaseRequest) ([]*lead, campaign.Batch) {
	b := campaign.Batch{Exhausted: true}
	var again, fresh []*lead
	for _, x := range l.lists[r.Campaign] {
		b.Exhausted = b.Exhausted && x.Progress.State == campaign.LeadDone
		if x.Progress.State != campaign.LeadWaiting {
			continue
		}
		free := x.Progress.NextAt
		if x.until.After(free) {
			free = x.until
		}
		switch {
		case free.After(r.Now):
			if b.NextDue.IsZero() || free.Before(b.NextDue) {
				b.NextDue = free
			}
		case x.Progress.Attempts > 0:
			again = append(again, x)
		default:
			fresh = append(fresh, x)
		}
	}
	slices.SortStableFunc(again, func(a, b *lead) int { return a.Progress.NextAt.Compare(b.Progress.NextAt) })
	return append(again, fresh...), b
}

func cloneLead(l tandem.Lead) tandem.Lead {
	l.Phones, l.Fields = slices.Clone(l.Phones), maps.Clone(l.Fields)
	return l
}

func cloneProgress(p campaign.Progress) campaign.Progress {
	p.Tries = maps.Clone(p.Tries)
	return p
}

// leadLocked returns a lead of a campaign.
func (l *Leads) leadLocked(id tandem.CampaignID, name tandem.LeadID) (*lead, error) {
	x, ok := l.leads[name]
	if !ok || x.Lead.Campaign != id {
		return nil, fmt.Errorf("lead %s: %w", name, tandem.ErrNotFound)
	}
	return x, nil
}

// Begin implements campaign.Store.
func (l *Leads) Begin(ctx context.Context, a campaign.Attempt) error {
	if err := l.begin(ctx, "begin attempt"); err != nil {
		return err
	}
	defer l.mu.Unlock()
	if err := l.beginLocked(a); err != nil {
		return fmt.Errorf("memstore: begin attempt %s: %w", a.ID, err)
	}
	return nil
}

func (l *Leads) beginLocked(a campaign.Attempt) error {
	x, err := l.leadLocked(a.Campaign, a.Lead)
	if err != nil {
		return err
	}
	_, taken := l.attempts[a.ID]
	if taken || x.Progress.State != campaign.LeadWaiting || x.fence != a.Fence || x.Progress.Attempts+1 != a.Count {
		return fmt.Errorf("lead %s is in other hands or the name is taken: %w", a.Lead, tandem.ErrConflict)
	}
	if l.states[a.Campaign] != tandem.CampaignActive {
		return fmt.Errorf("campaign %s is %q: %w", a.Campaign, l.states[a.Campaign], tandem.ErrState)
	}
	if l.blockedLocked(a.Campaign, a.Number) {
		return campaign.ErrDoNotCall
	}
	a.Before = cloneProgress(a.Before)
	kept := &attempt{Attempt: a}
	l.attempts[a.ID] = kept
	l.begun = append(l.begun, kept)
	x.Progress.State = campaign.LeadDialing
	x.Progress.Attempts++
	return nil
}

// Settle implements campaign.Store.
func (l *Leads) Settle(ctx context.Context, s campaign.Settlement) error {
	if err := l.begin(ctx, "settle lead"); err != nil {
		return err
	}
	defer l.mu.Unlock()
	if err := l.settleLocked(s); err != nil {
		return fmt.Errorf("memstore: settle lead %s: %w", s.Lead, err)
	}
	return nil
}

func (l *Leads) settleLocked(s campaign.Settlement) error {
	if s.Next.State != campaign.LeadWaiting && s.Next.State != campaign.LeadDone {
		return fmt.Errorf("a settled lead cannot be %q: %w", s.Next.State, tandem.ErrInvalid)
	}
	x, err := l.leadLocked(s.Campaign, s.Lead)
	if err != nil {
		return err
	}
	want := campaign.LeadWaiting
	var a *attempt
	if s.Attempt != "" {
		want = campaign.LeadDialing
		if a = l.attempts[s.Attempt]; a == nil || a.Lead != s.Lead {
			return fmt.Errorf("attempt %s: %w", s.Attempt, tandem.ErrNotFound)
		}
		if a.settled {
			return fmt.Errorf("attempt %s is settled: %w", s.Attempt, tandem.ErrConflict)
		}
	}
	if x.fence != s.Fence || x.Progress.State != want {
		return fmt.Errorf("it is in other hands: %w", tandem.ErrConflict)
	}
	if a != nil {
		a.settled, a.outcome = true, s.Outcome
	}
	attempts := x.Progress.Attempts
	x.Progress = cloneProgress(s.Next)
	x.Progress.Attempts = attempts
	x.until = time.Time{}
	x.fence++ // what it was settled under is worth nothing any more
	return nil
}

// Import implements campaign.Lists.
func (l *Leads) Import(
	ctx context.Context, id tandem.CampaignID, policy campaign.Duplicates, leads []campaign.NewLead,
) (campaign.ImportCounts, error) {
	if err := l.begin(ctx, "import"); err != nil {
		return campaign.ImportCounts{}, err
	}
	defer l.mu.Unlock()
	ids := make(map[tandem.LeadID]struct{}, len(leads))
	byKey := make(map[string]*lead)
	for _, x := range slices.Backward(l.lists[id]) {
		byKey[x.Key] = x
	}
	var counts campaign.ImportCounts
	var added []*lead
	var updates []func()
	for i, n := range leads {
		if n.Lead.ID == "" || len(n.Lead.Phones) == 0 {
			return campaign.ImportCounts{}, fmt.Errorf("memstore: import: lead %d needs an ID and a phone: %w", i+1, tandem.ErrInvalid)
		}
		n.Lead = cloneLead(n.Lead)
		n.Lead.Campaign = id
		if same := byKey[n.Key]; same != nil && n.Key != "" && policy != campaign.AddAll {
			if policy == campaign.UpdateFirst {
				counts.Updated++
				updates = append(updates, func() { same.update(n.Lead) })
			} else {
				counts.Skipped++
			}
			continue
		}
		_, here := ids[n.Lead.ID]
		if _, there := l.leads[n.Lead.ID]; here || there {
			return campaign.ImportCounts{}, fmt.Errorf("memstore: import: lead %d (%s): %w", i+1, n.Lead.ID, tandem.ErrConflict)
		}
		ids[n.Lead.ID] = struct{}{}
		x := &lead{Entry: campaign.Entry{Lead: n.Lead, Key: n.Key, Progress: campaign.Progress{State: campaign.LeadWaiting}}}
		added = append(added, x)
		if byKey[n.Key] == nil {
			byKey[n.Key] = x
		}
	}
	counts.Added = len(added)
	for _, update := range updates {
		update()
	}
	for _, x := range added {
		l.leads[x.Lead.ID] = x
	}
	l.lists[id] = append(l.lists[id], added...)
	return counts, nil
}

// update gives a lead new contents; its name and progress stay.
func (x *lead) update(with tandem.Lead) {
	with.ID = x.Lead.ID
	x.Lead = with
	if x.Progress.Phone >= len(with.Phones) {
		x.Progress.Phone = 0
	}
}

// Counts implements campaign.Lists.
func (l *Leads) Counts(ctx context.Context, id tandem.CampaignID) (campaign.Counts, error) {
	if err := l.begin(ctx, "count leads"); err != nil {
		return campaign.Counts{}, err
	}
	defer l.mu.Unlock()
	var c campaign.Counts
	for _, x := range l.lists[id] {
		switch x.Progress.State {
		case campaign.LeadWaiting:
			c.Waiting++
		case campaign.LeadDialing:
			c.Dialing++
		case campaign.LeadDone:
			c.Done++
		case campaign.LeadUnset:
		}
	}
	for _, a := range l.begun {
		if a.Campaign == id && a.settled {
			if c.Outcomes == nil {
				c.Outcomes = make(map[tandem.Outcome]int)
			}
			c.Outcomes[a.outcome]++
		}
	}
	return c, nil
}

// Leads implements campaign.Lists.
func (l *Leads) Leads(ctx context.Context, id tandem.CampaignID, after tandem.LeadID, limit int) ([]campaign.Entry, error) {
	if limit < 1 || limit > 1000 {
		return nil, fmt.Errorf("memstore: leads: limit %d is not between 1 and 1000: %w", limit, tandem.ErrInvalid)
	}
	if err := l.begin(ctx, "leads"); err != nil {
		return nil, err
	}
	defer l.mu.Unlock()
	list := l.lists[id]
	if after != "" {
		i := slices.IndexFunc(list, func(x *lead) bool { return x.Lead.ID == after })
		if i < 0 {
			return nil, fmt.Errorf("memstore: leads: lead %s: %w", after, tandem.ErrNotFound)
		}
		list = list[i+1:]
	}
	var out []campaign.Entry
	for _, x := range list[:min(len(list), limit)] {
		out = append(out, campaign.Entry{Lead: cloneLead(x.Lead), Key: x.Key, Progress: cloneProgress(x.Progress)})
	}
	return out, nil
}

// Block implements campaign.DoNotCall.
func (l *Leads) Block(ctx context.Context, id tandem.CampaignID, numbers ...tandem.Number) error {
	if err := l.begin(ctx, "block numbers"); err != nil {
		return err
	}
	defer l.mu.Unlock()
	for _, n := range numbers {
		l.blocked[blocked{id, n}] = struct{}{}
	}
	return nil
}

// Unblock implements campaign.DoNotCall.
func (l *Leads) Unblock(ctx context.Context, id tandem.CampaignID, numbers ...tandem.Number) error {
	if err := l.begin(ctx, "unblock numbers"); err != nil {
		return err
	}
	defer l.mu.Unlock()
	for _, n := range numbers {
		delete(l.blocked, blocked{id, n})
	}
	return nil
}

// Blocked implements campaign.DoNotCall.
func (l *Leads) Blocked(ctx context.Context, id tandem.CampaignID, number tandem.Number) (bool, error) {
	if err := l.begin(ctx, "blocked"); err != nil {
		return false, err
	}
	defer l.mu.Unlock()
	return l.blockedLocked(id, number), nil
}

func (l *Leads) blockedLocked(id tandem.CampaignID, number tandem.Number) bool {
	for _, c := range []tandem.CampaignID{"", id} {
		if _, ok := l.blocked[blocked{c, number}]; ok {
			return true
		}
	}
	return false
}

// byID orders by a name.
func byID[K cmp.Ordered, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}
