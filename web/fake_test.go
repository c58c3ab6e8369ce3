package web_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/web"
)

// people keeps accounts and sessions in memory.
type people struct {
	mu       sync.Mutex
	accounts map[string]web.Account
	sessions map[string]web.Session
}

func newPeople() *people {
	return &people{accounts: make(map[string]web.Account), sessions: make(map[string]web.Session)}
}

func (p *people) Account(_ context.Context, login string) (web.Account, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.accounts[login]
	if !ok {
		return a, tandem.ErrNotFound
	}
	return a, nil
}

func (p *people) ListAccounts(context.Context) ([]web.Account, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var as []web.Account
	for _, a := range p.accounts {
		as = append(as, a)
	}
	slices.SortFunc(as, func(x, y web.Account) int { return strings.Compare(x.Login, y.Login) })
	return as, nil
}

func (p *people) SaveAccount(_ context.Context, a web.Account) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.accounts[a.Login].Version != a.Version {
		return tandem.ErrConflict
	}
	a.Version++
	p.accounts[a.Login] = a
	return nil
}

func (p *people) SaveSession(_ context.Context, s web.Session) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions[s.Key] = s
	return nil
}

func (p *people) Session(_ context.Context, key string) (web.Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.sessions[key]
	if !ok {
		return s, tandem.ErrNotFound
	}
	return s, nil
}

func (p *people) ListSessions(_ context.Context, login string) ([]web.Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ss []web.Session
	for _, s := range p.sessions {
		if login == "" || s.Login == login {
			ss = append(ss, s)
		}
	}
	slices.SortFunc(ss, func(x, y web.Session) int { return y.Created.Compare(x.Created) })
	return ss, nil
}

func (p *people) DeleteSession(_ context.Context, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sessions, key)
	return nil
}

func (p *people) DeleteExpired(_ context.Context, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, s := range p.sessions {
		if !now.Before(s.Expires) {
			delete(p.sessions, k)
		}
	}
	return nil
}

// tape is a journal in memory.
type tape struct {
	mu      sync.Mutex
	rs      []tandem.Record
	changed chan struct{}

	asleep   atomic.Bool  // Last says 0 until Follow is called
	followed atomic.Int32 // how often Follow was called
}

func newTape() *tape { return &tape{changed: make(chan struct{})} }

func (j *tape) add(events ...tandem.Event) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range events {
		j.rs = append(j.rs, tandem.Record{Seq: uint64(len(j.rs)) + 1, At: time.Now().UTC(), Event: e})
	}
	close(j.changed)
	j.changed = make(chan struct{})
	return uint64(len(j.rs))
}

func (j *tape) Last() uint64 {
	if j.asleep.Load() {
		return 0
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return uint64(len(j.rs))
}

func (j *tape) Follow(ctx context.Context, from uint64, fn func([]tandem.Record) error) error {
	j.asleep.Store(false)
	j.followed.Add(1)
	next := max(from, 1)
	for {
		j.mu.Lock()
		rs, changed := slices.Clone(j.rs[min(next-1, uint64(len(j.rs))):]), j.changed
		j.mu.Unlock()
		if len(rs) > 0 {
			if err := fn(rs); err != nil {
				return err
			}
			next = rs[len(rs)-1].Seq + 1
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// centre is a call centre in memory that does what it is told.
type centre struct {
	journal *tape

	mu   sync.Mutex
	snap acd.Snapshot
	did  []string // the commands it got
	fail error    // what commands return, if not nil
}

func newCentre(j *tape) *centre {
	agent := func(id tandem.AgentID, name string, queues ...tandem.QueueID) acd.AgentStatus {
		return acd.AgentStatus{ID: id, Name: name, State: tandem.AgentLoggedOut, Since: time.Now(), Queues: queues}
	}
	return &centre{journal: j, snap: acd.Snapshot{
		Queues: []acd.QueueStatus{{ID: "sales", Name: "Sales", ServiceLevel: 1}, {ID: "support", Name: "Support", ServiceLevel: 1}},
		Agents: []acd.AgentStatus{agent("ann", "Ann Lee", "sales", "support"), agent("bob", "Bob Ray", "support")},
	}}
}

func (c *centre) Snapshot(context.Context) (acd.Snapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.snap
	s.At, s.Seq = time.Now(), c.journal.Last()
	s.Queues, s.Agents = slices.Clone(s.Queues), slices.Clone(s.Agents)
	return s, nil
}

// alter changes the centre and tells the journal.
func (c *centre) alter(f func(s *acd.Snapshot), events ...tandem.Event) {
	c.mu.Lock()
	f(&c.snap)
	c.mu.Unlock()
	c.journal.add(events...)
}

// agent changes one agent's state, keeping its call for the states that have one.
func (c *centre) agent(id tandem.AgentID, to tandem.AgentState, change func(a *acd.AgentStatus)) {
	var from tandem.AgentState
	c.mu.Lock()
	for i := range c.snap.Agents {
		if a := &c.snap.Agents[i]; a.ID == id {
			from = a.State
			a.State, a.Since, a.Until, a.Reason, a.Next = to, time.Now(), time.Time{}, "", tandem.AgentUnset
			if to != tandem.AgentReserved && to != tandem.AgentOnCall && to != tandem.AgentWrapUp {
				a.Call, a.Queue, a.Leg, a.Customer = "", "", "", tandem.CallerID{}
			}
			if change != nil {
				change(a)
			}
		}
	}
	c.mu.Unlock()
	c.journal.add(tandem.AgentChanged{Agent: id, From: from, To: to})
}

func (c *centre) command(text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.did = append(c.did, text)
	return c.fail
}

func (c *centre) commands() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.did)
}

func (c *centre) state(id tandem.AgentID) tandem.AgentState {
	s, _ := c.Snapshot(context.Background())
	for _, a := range s.Agents {
		if a.ID == id {
			return a.State
		}
	}
	return tandem.AgentUnset
}

func (c *centre) Login(_ context.Context, id tandem.AgentID) error {
	return c.command("login " + string(id))
}

func (c *centre) Logout(_ context.Context, id tandem.AgentID) error {
	err := c.command("logout " + string(id))
	if err == nil {
		c.agent(id, tandem.AgentLoggedOut, nil)
	}
	return err
}

func (c *centre) Ready(_ context.Context, id tandem.AgentID) error {
	err := c.command("ready " + string(id))
	if err == nil && c.state(id) != tandem.AgentOnCall {
		c.agent(id, tandem.AgentReady, func(a *acd.AgentStatus) { a.Reachable = true })
	}
	return err
}

func (c *centre) Pause(_ context.Context, id tandem.AgentID, reason string) error {
	err := c.command("pause " + string(id) + " " + reason)
	if err == nil && c.state(id) != tandem.AgentOnCall {
		c.agent(id, tandem.AgentPaused, func(a *acd.AgentStatus) { a.Reason = reason })
	}
	return err
}

func (c *centre) FinishWrapUp(_ context.Context, id tandem.AgentID) error {
	err := c.command("finish " + string(id))
	if err == nil {
		c.agent(id, tandem.AgentReady, nil)
	}
	return err
}

func (c *centre) Reject(_ context.Context, id tandem.AgentID, call tandem.CallID) error {
	err := c.command("reject " + string(id) + " " + string(call))
	if err == nil {
		c.agent(id, tandem.AgentReady, nil)
	}
	return err
}

func (c *centre) Hangup(_ context.Context, call tandem.CallID, by tandem.Party) error {
	err := c.command("hangup " + string(call) + " " + by.String())
	if err == nil {
		c.wrapUp("ann")
	}
	return err
}

func (c *centre) Dispose(_ context.Context, d tandem.CallDisposed) error {
	err := c.command("dispose " + string(d.Call) + " " + string(d.Disposition) + " " + d.Note)
	if err == nil {
		c.journal.add(d)
	}
	return err
}

// ring offers a call to an agent.
func (c *centre) ring(id tandem.AgentID, call tandem.CallID, leg tandem.LegID, from tandem.CallerID) {
	c.agent(id, tandem.AgentReserved, func(a *acd.AgentStatus) {
		a.Call, a.Queue, a.Leg, a.Customer, a.Until = call, "sales", leg, from, time.Now().Add(20*time.Second)
	})
}

func (c *centre) talk(id tandem.AgentID) { c.agent(id, tandem.AgentOnCall, nil) }

func (c *centre) wrapUp(id tandem.AgentID) {
	c.agent(id, tandem.AgentWrapUp, func(a *acd.AgentStatus) { a.Until = time.Now().Add(30 * time.Second) })
}

// archive keeps call records in memory.
type archive struct{ calls []reports.CallRecord }

func (a *archive) Call(_ context.Context, id tandem.CallID) (reports.CallRecord, error) {
	for _, c := range a.calls {
		if c.Call.ID == id {
			return c, nil
		}
	}
	return reports.CallRecord{}, tandem.ErrNotFound
}

func (a *archive) Calls(_ context.Context, q reports.CallQuery) ([]reports.CallRecord, error) {
	limit, err := q.Page()
	if err != nil {
		return nil, err
	}
	var out []reports.CallRecord
	for _, c := range a.calls {
		switch {
		case q.Agent != "" && !slices.Contains(c.Agents(), q.Agent), !q.From.IsZero() && c.Started.Before(q.From), !q.To.IsZero() && !c.Started.Before(q.To),
			q.Direction != tandem.DirectionUnset && c.Call.Direction != q.Direction, q.Queue != "" && !slices.Contains(c.Queues(), q.Queue):
			continue
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(x, y reports.CallRecord) int { return x.Started.Compare(y.Started) })
	if q.Newest {
		slices.Reverse(out)
	}
	if q.After != nil {
		i := slices.IndexFunc(out, func(c reports.CallRecord) bool { return c.Call.ID == q.After.Call })
		out = out[i+1:]
	}
	return out[:min(len(out), limit)], nil
}

// site is a server with everything behind it in memory.
type site struct {
	people  *people
	journal *tape
	centre  *centre
	archive *archive
	server  *web.Server
}

const password = "correct horse"

// sharedHash is the hash of password: hashing costs much, and every test needs accounts.
var sharedHash = sync.OnceValues(func() (string, error) { return web.HashPassword(password) })

// newSite makes a site with an agent (ann), a supervisor (sue) and an administrator (root); change may alter its configuration.
func newSite(tb testing.TB, change func(*web.Config)) *site {
	tb.Helper()
	hash, err := sharedHash()
	if err != nil {
		tb.Fatal(err)
	}
	s := &site{people: newPeople(), journal: newTape(), archive: &archive{}}
	s.centre = newCentre(s.journal)
	for _, a := range []web.Account{
		{Login: "ann", Name: "Ann Lee", Role: web.RoleAgent, Agent: "ann", Password: hash},
		{Login: "sue", Name: "Sue Park", Role: web.RoleSupervisor, Password: hash},
		{Login: "root", Role: web.RoleAdministrator, Password: hash},
	} {
		if err := s.people.SaveAccount(tb.Context(), a); err != nil {
			tb.Fatal(err)
		}
	}
	cfg := web.Config{
		Accounts: s.people, Sessions: s.people, Floor: s.centre, Desk: s.centre, Handset: s.centre, Journal: s.journal, Calls: s.archive,
		Pauses: []string{"Break", "Lunch", "Training"}, BoardEvery: 10 * time.Millisecond,
		Dispositions: []web.Disposition{{ID: "sold", Name: "Sold"}, {ID: "callback", Name: "Call back"}, {ID: "no-interest", Name: "No interest"}},
	}
	if change != nil {
		change(&cfg)
	}
	if s.server, err = web.New(cfg); err != nil {
		tb.Fatal(err)
	}
	return s
}

// run runs the live feed until the test ends.
func (s *site) run(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.server.Run(ctx)
	}()
	tb.Cleanup(func() {
		cancel()
		<-done
	})
}

// campaigns is a list of one campaign.
type campaigns struct {
	mu   sync.Mutex
	one  web.Campaign
	text string // what was imported
}

func (c *campaigns) List(context.Context) ([]web.Campaign, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return []web.Campaign{c.one}, nil
}

func (c *campaigns) SetState(_ context.Context, id tandem.CampaignID, state tandem.CampaignState) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case id != c.one.ID:
		return tandem.ErrNotFound
	case !c.one.State.CanBecome(state):
		return tandem.ErrState
	}
	c.one.State = state
	return nil
}

func (c *campaigns) Import(_ context.Context, id tandem.CampaignID, list io.Reader) (web.ImportResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id != c.one.ID {
		return web.ImportResult{}, tandem.ErrNotFound
	}
	text, err := io.ReadAll(list)
	c.text = string(text)
	return web.ImportResult{Added: 2, Refused: 1, Errors: []web.RowError{{Row: 3, What: "number is missing"}}}, err
}
