package sim

import (
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

// Result is what came of one shift.
type Result struct {
	Seed        uint64  `json:"seed"`
	Utilisation float64 `json:"utilisation"`   // percent
	Abandoned   float64 `json:"abandon_share"` // percent of the answered calls
	// Worst is the greatest share that the scenario's window held at its end (of each day or month, or at any moment if it slides), percent.
	Worst    float64 `json:"worst_window"`
	Placed   int     `json:"placed"`
	Answered int     `json:"answered"`
	Delayed  int     `json:"delayed"` // answered calls that found no agent at once
	Lost     int     `json:"abandoned"`
	PerHour  float64 `json:"connected_per_agent_hour"`
	MaxLines int     `json:"max_lines"` // calls in flight at most
}

// Pacing makes the pacer for one run, and how it wants to be served.
type Pacing struct {
	Name string
	// New makes the pacer; nil means dialer.Progressive.
	New func() dialer.Pacer
	// Ends tells the pacer when each agent will be ready: no real pacer can know.
	Ends bool
}

type call struct {
	fate
	gen    uint32
	stage  dialer.Stage
	placed float64
	since  float64
	slot   int // in active
}

type agent struct {
	state tandem.AgentState
	since float64
	until float64
	wrap  float64
	call  int
	leave bool
}

// shift is a run under way.
type shift struct {
	Scenario
	pacing  Pacing
	pacer   dialer.Pacer
	seed    uint64
	chance  chance
	now     float64
	end     float64
	events  queue
	calls   []call
	spare   []int
	active  []int // calls that are not over
	agents  []agent
	idle    []int // ready agents, the one who has waited longest first
	waiting []int // calls without an agent, the first first
	working int
	learned dialer.Experience
	ledger  *dialer.Ledger
	snap    dialer.Snapshot
	record  uint64
	busy    float64
	logged  float64
	loggedT float64
	res     Result
	asked   float64 // when the pacer was asked last
	ask     float64 // when it will be
	gap     float64
}

// epoch is when every shift begins.
func epoch() time.Time { return time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC) }

func (r *shift) time(t float64) time.Time { return epoch().Add(seconds(t)) }

func seconds(t float64) time.Duration { return time.Duration(t * float64(time.Second)) }

// Run plays one shift. The same arguments give the same result.
func Run(s Scenario, p Pacing, seed uint64) (Result, error) {
	if err := s.Validate(); err != nil {
		return Result{}, err
	}
	ledger, err := dialer.NewLedger(s.Window)
	if err != nil {
		return Result{}, err
	}
	r := &shift{
		Scenario: s, pacing: p, seed: seed, chance: newChance(1, 1), end: s.Length.Seconds(), ledger: ledger,
		agents: make([]agent, s.Agents), pacer: dialer.Progressive{}, res: Result{Seed: seed}, asked: -1,
	}
	if p.New != nil {
		r.pacer = p.New()
	}
	// A pacer is asked when something happens, but in large teams, where something always does, not all the time.
	r.gap = 0.25
	if s.Agents > 40 {
		r.gap = 0.5
	}
	for i := range r.agents {
		r.agents[i].state = tandem.AgentLoggedOut
	}
	r.staff()
	r.pace()
	for len(r.events) > 0 && r.events[0].at < r.end {
		e := r.events.pop()
		r.now = e.at
		r.apply(e)
	}
	r.now = r.end
	return r.result(), nil
}

func (r *shift) result() Result {
	for i := range r.agents {
		a := &r.agents[i]
		if a.state == tandem.AgentOnCall || a.state == tandem.AgentWrapUp {
			r.busy += r.end - a.since
		}
	}
	r.countLogged()
	x := &r.res
	x.Utilisation = 100 * r.busy / r.logged
	if x.Answered > 0 {
		x.Abandoned = 100 * float64(x.Lost) / float64(x.Answered)
	}
	r.judge()
	x.PerHour = float64(x.Answered-x.Lost) / (r.logged / 3600)
	return *x
}

// judge looks at the window's share.
func (r *shift) judge() {
	t := r.ledger.Tally(r.time(r.now))
	if t.Answered > 0 {
		r.res.Worst = max(r.res.Worst, 100*float64(t.Abandoned)/float64(t.Answered))
	}
}

func (r *shift) countLogged() {
	r.logged += float64(r.working) * (r.now - r.loggedT)
	r.loggedT = r.now
}

func (r *shift) apply(e event) {
	switch e.kind {
	case kindOutcome:
		r.outcome(e.who)
	case kindGiveUp:
		c := &r.calls[e.who]
		if c.gen != e.gen || c.stage != dialer.StageWaiting {
			return
		}
		r.lose(e.who)
	case kindTalked:
		r.talked(e.who)
	case kindWrapped:
		a := &r.agents[e.who]
		r.busy += r.now - a.since
		r.learned.Wrapped(seconds(r.now - a.since))
		r.ready(e.who)
	case kindAsk:
		if e.at < r.ask {
			return // asked anew meanwhile
		}
		r.ask = 0
		r.pace()
		return
	case kindStaff:
		r.staff()
	case kindUnset:
	}
	r.stale()
}

// stale arranges that the pacer is asked soon.
func (r *shift) stale() {
	at := max(r.now, r.asked+r.gap)
	if at <= r.now {
		r.pace()
		return
	}
	r.askAt(at)
}

func (r *shift) askAt(at float64) {
	if r.ask > r.now && r.ask <= at {
		return
	}
	r.ask = at
	r.events.push(event{at: at, kind: kindAsk})
}

func (r *shift) outcome(i int) {
	c := &r.calls[i]
	rang := seconds(r.now - c.placed)
	if !c.answered {
		r.learned.Unanswered(r.time(r.now), rang)
		r.drop(i)
		return
	}
	r.learned.Answered(r.time(r.now), rang)
	r.res.Answered++
	c.stage, c.since = dialer.StageWaiting, r.now
	if len(r.idle) > 0 {
		r.connect(r.idle[0], i)
		r.idle = append(r.idle[:0], r.idle[1:]...)
		return
	}
	r.waiting = append(r.waiting, i)
	r.res.Delayed++
	patience := r.Patience.Seconds()
	if r.Fickle {
		patience *= r.chance.ExpFloat64()
	}
	r.events.push(event{at: r.now + patience, kind: kindGiveUp, who: i, gen: c.gen})
}

func (r *shift) connect(who, i int) {
	a, c := &r.agents[who], &r.calls[i]
	now := r.time(r.now)
	r.ledger.Add(now, r.time(c.since), dialer.FateTaken)
	c.stage, c.since = dialer.StageConnected, r.now
	a.state, a.since, a.call, a.wrap = tandem.AgentOnCall, r.now, i, c.wrap
	a.until = r.now + c.talk + c.wrap
	r.events.push(event{at: r.now + c.talk, kind: kindTalked, who: who})
}

func (r *shift) lose(i int) {
	for k, w := range r.waiting {
		if w == i {
			r.waiting = append(r.waiting[:k], r.waiting[k+1:]...)
			break
		}
	}
	now := r.time(r.now)
	r.ledger.Add(now, r.time(r.calls[i].since), dialer.FateAbandoned)
	r.res.Lost++
	if r.Window.Kind == dialer.WindowSliding {
		r.judge()
	}
	r.drop(i)
}

func (r *shift) talked(who int) {
	a := &r.agents[who]
	r.busy += r.now - a.since
	r.learned.Talked(seconds(r.now - a.since))
	r.drop(a.call)
	if a.wrap <= 0 {
		r.ready(who)
		return
	}
	a.state, a.since = tandem.AgentWrapUp, r.now
	r.events.push(event{at: r.now + a.wrap, kind: kindWrapped, who: who})
}

func (r *shift) ready(who int) {
	a := &r.agents[who]
	a.state, a.since = tandem.AgentReady, r.now
	if a.leave {
		r.countLogged()
		a.leave, a.state = false, tandem.AgentLoggedOut
		r.working--
		return
	}
	if len(r.waiting) > 0 {
		i := r.waiting[0]
		r.waiting = append(r.waiting[:0], r.waiting[1:]...)
		r.connect(who, i)
		return
	}
	r.idle = append(r.idle, who)
}

// staff lets agents come and go as the scenario wants; those who talk leave afterwards.
func (r *shift) staff() {
	r.countLogged()
	want := r.Agents
	if r.Staff != nil {
		want = min(r.Agents, max(0, r.Staff(seconds(r.now))))
		r.events.push(event{at: r.now + 60, kind: kindStaff})
	}
	staying := 0
	for i := range r.agents {
		a := &r.agents[i]
		if a.state != tandem.AgentLoggedOut && !a.leave {
			staying++
		}
	}
	for i := range r.agents {
		a := &r.agents[i]
		switch {
		case staying < want && a.state == tandem.AgentLoggedOut:
			r.working++
			staying++
			r.ready(i)
		case staying < want && a.leave:
			a.leave = false
			staying++
		case staying > want && a.state != tandem.AgentLoggedOut && !a.leave:
			staying--
			r.sendHome(i)
		}
	}
}

func (r *shift) sendHome(i int) {
	a := &r.agents[i]
	a.leave = true
	if a.state != tandem.AgentReady {
		return
	}
	for k, who := range r.idle {
		if who == i {
			r.idle = append(r.idle[:k], r.idle[k+1:]...)
			break
		}
	}
	a.leave, a.state = false, tandem.AgentLoggedOut
	r.working--
}

// drop forgets a call.
func (r *shift) drop(i int) {
	c := &r.calls[i]
	last := r.active[len(r.active)-1]
	r.active[c.slot] = last
	r.calls[last].slot = c.slot
	r.active = r.active[:len(r.active)-1]
	c.stage = dialer.StageUnset
	c.gen++
	r.spare = append(r.spare, i)
}

// pace asks the pacer and places the calls that it wants.
func (r *shift) pace() {
	s := r.snapshot()
	r.asked = r.now
	d := r.pacer.Pace(s)
	for range d.Calls {
		r.place()
	}
	r.res.MaxLines = max(r.res.MaxLines, s.Head().Dialing+d.Calls)
	if d.Next > 0 {
		r.askAt(r.now + max(r.gap, d.Next.Seconds()))
	}
}

func (r *shift) place() {
	var i int
	if n := len(r.spare); n > 0 {
		i = r.spare[n-1]
		r.spare = r.spare[:n-1]
	} else {
		i = len(r.calls)
		r.calls = append(r.calls, call{})
	}
	c := &r.calls[i]
	c.fate = r.fate(r.chance, r.seed, r.record, seconds(r.now))
	r.record++
	r.res.Placed++
	c.stage, c.placed, c.since, c.slot = dialer.StageDialing, r.now, r.now, len(r.active)
	r.active = append(r.active, i)
	r.events.push(event{at: r.now + c.after, kind: kindOutcome, who: i})
}

func (r *shift) snapshot() *dialer.Snapshot {
	s := &r.snap
	s.Now = r.time(r.now)
	s.Agents, s.Calls = s.Agents[:0], s.Calls[:0]
	for i := range r.agents {
		a := &r.agents[i]
		if a.state == tandem.AgentLoggedOut || a.leave {
			continue
		}
		v := dialer.Agent{State: a.state, Age: seconds(r.now - a.since)}
		if r.pacing.Ends && a.state != tandem.AgentReady {
			v.Left = max(1, seconds(a.until-r.now))
		}
		s.Agents = append(s.Agents, v)
	}
	for _, i := range r.active {
		c := &r.calls[i]
		s.Calls = append(s.Calls, dialer.Call{Stage: c.stage, Age: seconds(r.now - c.placed), In: seconds(r.now - c.since)})
	}
	s.Spent, s.Limit = r.ledger.Tally(s.Now), r.Limit
	s.Ring, s.Patience = r.Ring, r.Patience
	if !r.Blind {
		s.Until = r.time(r.end)
	}
	s.Learned = &r.learned
	return s
}
