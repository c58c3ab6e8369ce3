package acd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// world is an engine among people and a switch whose every delay is chosen at random: commands are performed late, events arrive late (in order
// for each leg), and everybody does what they like.
type world struct {
	t      *rapid.T
	cfg    acd.EngineConfig
	e      *acd.Engine
	now    time.Time
	out    acd.Output
	inputs []func(e *acd.Engine) // for the second run
	rs     []tandem.Record
	faults []error
	ledger *ledger
	routes map[tandem.CallID]acd.Route // as they were asked for
	made   int

	todo  []acd.Action // in order; per call the first may be performed next
	legs  map[tandem.LegID]*worldLeg
	order []tandem.LegID // of the living legs, oldest first
}

type worldLeg struct {
	id     tandem.LegID
	agent  tandem.AgentID // empty: a customer
	state  tandem.LegState
	peer   *worldLeg
	events []tandem.Event // on their way to the engine
}

func worldConfig(t *rapid.T) acd.EngineConfig {
	cfg := acd.EngineConfig{
		Ring: true, Sharing: rapid.SampledFrom([]acd.Sharing{acd.SharingWeight, acd.SharingPriority, acd.SharingWait}).Draw(t, "sharing"),
		Ageing: rapid.SampledFrom([]time.Duration{0, 0, 3 * time.Second}).Draw(t, "ageing"),
	}
	strategies := append(acd.Strategies(), acd.Progressive{Step: 2, Every: 3 * time.Second, Order: acd.Random{Seed: 1}}, acd.StrategyFunc(func(s acd.Standing) float64 { return float64(s.Answered) }))
	queues := rapid.IntRange(1, 3).Draw(t, "queues")
	for i := range queues {
		q := acd.QueueConfig{
			Queue:       tandem.Queue{ID: tandem.QueueID(fmt.Sprintf("q%d", i))},
			Strategy:    rapid.SampledFrom(strategies).Draw(t, "strategy"),
			RingAtOnce:  rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "ring"),
			MaxWaiting:  rapid.SampledFrom([]int{0, 0, 3}).Draw(t, "max"),
			MaxWait:     rapid.SampledFrom([]time.Duration{0, 30 * time.Second}).Draw(t, "wait"),
			WrapUp:      rapid.SampledFrom([]time.Duration{-1, 0}).Draw(t, "wrap"),
			Weight:      rapid.IntRange(0, 1).Draw(t, "weight"),
			RefuseWhen:  rapid.SampledFrom([][]tandem.AgentState{nil, {tandem.AgentLoggedOut}}).Draw(t, "refuse"),
			LeaveWhen:   rapid.SampledFrom([][]tandem.AgentState{nil, {tandem.AgentLoggedOut, tandem.AgentPaused, tandem.AgentUnavailable}}).Draw(t, "leave"),
			RingTimeout: 10 * time.Second,
		}
		if rapid.Bool().Draw(t, "hasty") {
			q.Retry = acd.Retry{NoAnswer: -1, Rejected: -1, Busy: -1, Failed: -1}
		}
		ease(t, &q)
		exits := []acd.Exit{{}, {}, {Host: "voicemail"}}
		for k := range queues {
			if k != i {
				exits = append(exits, acd.Exit{Queue: tandem.QueueID(fmt.Sprintf("q%d", k))})
			}
		}
		exit := rapid.SampledFrom(exits)
		q.OnTimeout, q.OnFull, q.OnEmpty = exit.Draw(t, "on timeout"), exit.Draw(t, "on full"), exit.Draw(t, "on empty")
		q.Keys = map[string]acd.Exit{"1": exit.Draw(t, "on 1")}
		cfg.Queues = append(cfg.Queues, q)
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "agents") {
		a := acd.AgentConfig{Agent: tandem.Agent{ID: tandem.AgentID(fmt.Sprintf("a%d", i))}, MaxMisses: rapid.SampledFrom([]int{-1, 0, 1}).Draw(t, "misses")}
		a.Skills = map[tandem.SkillID]uint8{"es": rapid.SampledFrom([]uint8{0, 50, 100}).Draw(t, "es"), "ru": rapid.SampledFrom([]uint8{0, 50}).Draw(t, "ru")}
		for k := range queues {
			if k == i%queues || rapid.Bool().Draw(t, "serves") {
				a.Queues = append(a.Queues, acd.Seat{Queue: cfg.Queues[k].ID, Level: rapid.IntRange(0, 1).Draw(t, "level")})
			}
		}
		cfg.Agents = append(cfg.Agents, a)
	}
	return cfg
}

func requirement(t *rapid.T) tandem.Requirement {
	return tandem.Requirement{
		Skill: rapid.SampledFrom([]tandem.SkillID{"es", "ru"}).Draw(t, "skill"), Min: rapid.SampledFrom([]uint8{0, 30, 60}).Draw(t, "min"),
		Max: rapid.SampledFrom([]uint8{0, 70}).Draw(t, "max"),
	}
}

// ease makes a queue ask for skills and levels, and for less as time goes by.
func ease(t *rapid.T, q *acd.QueueConfig) {
	if rapid.Bool().Draw(t, "skilled") {
		q.Requirements = []tandem.Requirement{requirement(t)}
	}
	if rapid.Bool().Draw(t, "relaxed") {
		q.Relax = []acd.Relaxation{{After: 6 * time.Second, Skill: "es", Min: 20}, {After: 12 * time.Second, Skill: "es"}, {After: 9 * time.Second, Skill: "ru"}}
	}
	if rapid.Bool().Draw(t, "tiered") {
		q.Tiers = []acd.Tier{{Level: 1, After: 5 * time.Second}}
	}
}

// may is what the configuration and the call's route say about an agent, worked out in the plainest way.
func (w *world) may(call tandem.CallID, queue tandem.QueueID, agent tandem.AgentID, waited time.Duration) bool {
	route := w.routes[call]
	if route.Agent != "" && w.ledger.call(call).hops == 0 {
		return route.Agent == agent
	}
	q := w.cfg.Queues[slices.IndexFunc(w.cfg.Queues, func(q acd.QueueConfig) bool { return q.ID == queue })]
	a := w.cfg.Agents[slices.IndexFunc(w.cfg.Agents, func(a acd.AgentConfig) bool { return a.ID == agent })]
	i := slices.IndexFunc(a.Queues, func(s acd.Seat) bool { return s.Queue == queue })
	if i < 0 {
		return false
	}
	for _, t := range q.Tiers {
		if a.Queues[i].Level >= t.Level && waited < t.After {
			return false
		}
	}
	for _, r := range slices.Concat(q.Requirements, route.Requirements) {
		least := r.Min
		for _, x := range q.Relax {
			if x.Skill == r.Skill && waited >= x.After {
				least = min(least, x.Min)
			}
		}
		if has := a.Skills[r.Skill]; has < least || r.Max > 0 && has > r.Max {
			return false
		}
	}
	return true
}

func (w *world) kept(call tandem.CallID) (tandem.AgentID, time.Duration) {
	route := w.routes[call]
	if w.ledger.call(call).hops > 0 {
		return "", 0
	}
	if route.PreferFor == 0 {
		route.PreferFor = 30 * time.Second
	}
	return route.Prefer, route.PreferFor
}

func newWorld(t *rapid.T) *world {
	cfg := worldConfig(t)
	e, err := acd.NewEngine(cfg)
	require.NoError(t, err)
	w := &world{
		t: t, cfg: cfg, e: e, now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), ledger: newLedger(),
		routes: map[tandem.CallID]acd.Route{}, legs: map[tandem.LegID]*worldLeg{},
	}
	w.ledger.may, w.ledger.kept, w.ledger.ageing = w.may, w.kept, cfg.Ageing
	return w
}

// input gives the engine something and reads what came of it.
func (w *world) input(do func(e *acd.Engine)) {
	w.inputs = append(w.inputs, do)
	do(w.e)
	w.out = w.e.Take(w.out)
	rs := w.out.Records(nil)
	w.rs = append(w.rs, rs...)
	w.todo = append(w.todo, w.out.Actions...)
	w.faults = append(w.faults, w.out.Faults...)
	for _, r := range rs {
		w.ledger.read(r)
	}
	w.ledger.agree(w.e.Snapshot(w.now))
	w.explains()
	require.Zero(w.t, w.e.Pending(), "a snapshot at the same instant decides nothing")
	for _, err := range w.faults {
		if strings.Contains(err.Error(), "cannot become") || strings.Contains(err.Error(), "no task") {
			w.ledger.require(false, "fault: %v", err)
		}
	}
	if w.ledger.err != nil {
		tail := w.rs[max(0, len(w.rs)-25):]
		var b strings.Builder
		for _, r := range tail {
			fmt.Fprintf(&b, "%s %s\n", r.At.Format("05.000"), line(r.Event))
		}
		w.t.Fatalf("%v\n%s", w.ledger.err, b.String())
	}
}

// explains checks that the engine can say of everybody who waits why, and that what it says is so.
func (w *world) explains() {
	s := w.e.Snapshot(w.now)
	for _, q := range s.Queues {
		for _, wc := range q.Waiting {
			y, err := w.e.Why(w.now, wc.Call)
			require.NoError(w.t, err)
			w.ledger.require(y.Place == wc.Position && y.Queue == q.ID, "why %s: %+v", wc.Call, y)
			for _, o := range y.Agents {
				w.ledger.require(o.Skip != "" || y.Rule == "rings", "%s waits by rule %s, and nothing speaks against %s", wc.Call, y.Rule, o.Agent)
				unfit := o.Skip == "skill" || o.Skip == "level"
				w.ledger.require(!unfit || !w.may(wc.Call, q.ID, o.Agent, w.now.Sub(wc.Since)), "%s: %s would do, and is skipped for %s", wc.Call, o.Agent, o.Skip)
			}
		}
	}
	for _, a := range s.Agents {
		y, err := w.e.WhyAgent(w.now, a.ID)
		require.NoError(w.t, err)
		w.ledger.require(y.Rule != "", "no reason why %s is idle", a.ID)
		if y.Rule == "no_call_fits" || y.Rule == "no_call_waits" {
			for _, q := range y.Queues {
				n := 0
				for _, k := range q.Skip {
					n += k
				}
				w.ledger.require(n == q.Wanting, "%s is idle, and %d of %d calls of %s are accounted for", a.ID, n, q.Wanting, q.Queue)
			}
		}
	}
}

func (w *world) agent() tandem.AgentID { return rapid.SampledFrom(w.cfg.Agents).Draw(w.t, "agent").ID }

func (w *world) add(l *worldLeg) {
	w.legs[l.id] = l
	w.order = append(w.order, l.id)
}

func (w *world) emit(l *worldLeg, ev tandem.Event) { l.events = append(l.events, ev) }

// end ends a leg in the switch; its last event is on its way.
func (w *world) end(l *worldLeg, cause tandem.Cause, ours bool) {
	if l.state == tandem.LegStateEnded {
		return
	}
	l.state = tandem.LegStateEnded
	if p := l.peer; p != nil {
		l.peer, p.peer = nil, nil
		p.state = tandem.LegStateUp
		w.emit(p, tandem.LegUnbridged{Leg: p.id, Peer: l.id})
	}
	w.emit(l, tandem.LegEnded{Leg: l.id, Cause: cause, Ours: ours})
}

// pick draws a leg that fits, or nil.
func (w *world) pick(fits func(*worldLeg) bool) *worldLeg {
	var all []*worldLeg
	for _, id := range w.order {
		if l := w.legs[id]; fits(l) {
			all = append(all, l)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return rapid.SampledFrom(all).Draw(w.t, "leg")
}

// arrive lets a customer call, or an answered outbound call be handed over.
func (w *world) arrive() {
	if w.made > 60 {
		return
	}
	w.made++
	id := tandem.CallID(fmt.Sprintf("c%d", w.made))
	route := acd.Route{
		Queue: rapid.SampledFrom(w.cfg.Queues).Draw(w.t, "queue").ID, Priority: rapid.SampledFrom([]int{0, 0, 0, 5}).Draw(w.t, "priority"),
		Patience: rapid.SampledFrom([]time.Duration{0, 0, 7 * time.Second}).Draw(w.t, "patience"),
	}
	if rapid.IntRange(0, 4).Draw(w.t, "direct") == 0 {
		route.Agent = w.agent()
	} else if rapid.IntRange(0, 4).Draw(w.t, "prefers") == 0 {
		route.Prefer, route.PreferFor = w.agent(), rapid.SampledFrom([]time.Duration{0, 5 * time.Second}).Draw(w.t, "prefer for")
	}
	if rapid.IntRange(0, 3).Draw(w.t, "asks") == 0 {
		route.Requirements = []tandem.Requirement{requirement(w.t)}
	}
	w.routes[id] = route
	l := &worldLeg{id: in(id), state: tandem.LegStateIn}
	w.add(l)
	now := w.now
	if rapid.IntRange(0, 4).Draw(w.t, "outbound") == 0 {
		l.state = tandem.LegStateUp
		w.ledger.outbound[id] = true
		w.input(func(e *acd.Engine) {
			_ = e.Enqueue(now, tandem.Arrival{
				Call:  tandem.Call{ID: id, Direction: tandem.Outbound, Customer: in(id), To: "+15550100"},
				Queue: route.Queue, Agent: route.Agent, Priority: route.Priority, Patience: route.Patience, Answered: true,
				Requirements: route.Requirements, Prefer: route.Prefer, PreferFor: route.PreferFor,
			})
		})
		return
	}
	w.input(func(e *acd.Engine) {
		_ = e.Incoming(now, id, tandem.LegIncoming{Leg: in(id), Trunk: "carrier", From: tandem.CallerID{Number: "+15550100"}, To: "1000"})
	})
	if rapid.IntRange(0, 9).Draw(w.t, "gone") == 0 {
		w.end(l, tandem.CauseCancelled, false)
	}
	w.answerRoute(id, route)
}

func (w *world) answerRoute(id tandem.CallID, route acd.Route) {
	w.todo = slices.DeleteFunc(w.todo, func(a acd.Action) bool { return a.Kind == acd.ActionRoute && a.Call == id })
	now := w.now
	w.input(func(e *acd.Engine) { _ = e.Routed(now, id, route) })
}

// perform does the first outstanding command of some call.
func (w *world) perform() {
	if len(w.todo) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.todo)-1).Draw(w.t, "action")
	i = slices.IndexFunc(w.todo, func(a acd.Action) bool { return a.Call == w.todo[i].Call })
	a := w.todo[i]
	w.todo = slices.Delete(w.todo, i, i+1)
	if err := w.command(a); err != nil {
		now := w.now
		w.input(func(e *acd.Engine) { e.Failed(now, a, err) })
	}
}

func (w *world) command(a acd.Action) error {
	l := w.legs[a.Leg]
	if a.Kind == acd.ActionDial {
		for _, o := range w.legs {
			overlap := o.agent == a.Agent && o.state != tandem.LegStateEnded
			w.ledger.require(!overlap || len(w.faults) > 0, "agent %s is dialled while leg %s is up", a.Agent, o.id)
		}
		n := &worldLeg{id: a.Leg, agent: a.Agent, state: tandem.LegStateRinging}
		w.add(n)
		if rapid.IntRange(0, 9).Draw(w.t, "dead") == 0 {
			w.end(n, tandem.CauseUnavailable, false)
		}
		return nil
	}
	if l == nil || l.state == tandem.LegStateEnded {
		return tandem.ErrNotFound
	}
	switch a.Kind {
	case acd.ActionAnswer:
		l.state = tandem.LegStateUp
		w.emit(l, tandem.LegAnswered{Leg: l.id})
	case acd.ActionHangup:
		w.end(l, a.Cause, true)
	case acd.ActionBridge:
		p := w.legs[a.Peer]
		if p == nil || p.state == tandem.LegStateEnded {
			return tandem.ErrNotFound
		}
		if !l.state.Up() || !p.state.Up() {
			return tandem.ErrState
		}
		w.ledger.require(l.peer == nil && p.peer == nil, "leg %s is bridged twice", l.id)
		l.peer, p.peer = p, l
		l.state, p.state = tandem.LegStateBridged, tandem.LegStateBridged
		w.emit(l, tandem.LegBridged{Leg: l.id, Peer: p.id})
		w.emit(p, tandem.LegBridged{Leg: p.id, Peer: l.id})
	case acd.ActionUnset, acd.ActionRoute, acd.ActionPlay, acd.ActionDial, acd.ActionExit:
	}
	return nil
}

// deliver brings the next event of some leg to the engine.
func (w *world) deliver() {
	l := w.pick(func(l *worldLeg) bool { return len(l.events) > 0 })
	if l == nil {
		return
	}
	ev := l.events[0]
	l.events = l.events[1:]
	if _, last := ev.(tandem.LegEnded); last {
		w.order = slices.DeleteFunc(w.order, func(id tandem.LegID) bool { return id == l.id })
	}
	now := w.now
	w.input(func(e *acd.Engine) { e.Handle(now, ev) })
}

func (w *world) farEnd() {
	switch rapid.IntRange(0, 5).Draw(w.t, "deed") {
	case 0, 1, 2:
		if l := w.pick(func(l *worldLeg) bool { return l.agent != "" && l.state == tandem.LegStateRinging }); l != nil {
			l.state = tandem.LegStateUp
			w.emit(l, tandem.LegAnswered{Leg: l.id})
		}
	case 3:
		if l := w.pick(func(l *worldLeg) bool { return l.agent != "" && l.state == tandem.LegStateRinging }); l != nil {
			w.end(l, rapid.SampledFrom([]tandem.Cause{tandem.CauseBusy, tandem.CauseRejected, tandem.CauseNetwork}).Draw(w.t, "cause"), false)
		}
	default:
		if l := w.pick(func(l *worldLeg) bool { return l.state != tandem.LegStateEnded }); l != nil {
			w.end(l, rapid.SampledFrom([]tandem.Cause{tandem.CauseNormal, tandem.CauseNormal, tandem.CauseTimeout}).Draw(w.t, "cause"), false)
		}
	}
}

func (w *world) agentCommand() {
	id, now := w.agent(), w.now
	call := tandem.CallID(fmt.Sprintf("c%d", rapid.IntRange(max(1, w.made-5), max(1, w.made)).Draw(w.t, "call")))
	switch rapid.IntRange(0, 10).Draw(w.t, "command") {
	case 0, 1, 2:
		w.input(func(e *acd.Engine) { _ = e.Login(now, id) })
	case 3:
		w.input(func(e *acd.Engine) { _ = e.Logout(now, id) })
	case 4:
		w.input(func(e *acd.Engine) { _ = e.Pause(now, id, "lunch") })
	case 5, 6:
		w.input(func(e *acd.Engine) { _ = e.Ready(now, id) })
	case 7:
		w.input(func(e *acd.Engine) { _ = e.FinishWrapUp(now, id) })
	case 8:
		w.input(func(e *acd.Engine) { _ = e.Reject(now, id, call) })
	case 9:
		by := tandem.Party(rapid.IntRange(0, 4).Draw(w.t, "by")) //nolint:gosec // small
		w.input(func(e *acd.Engine) { _ = e.Hangup(now, call, by) })
	case 10:
		w.input(func(e *acd.Engine) {
			_ = e.Dispose(now, tandem.CallDisposed{Call: call, Agent: id, Disposition: "sold"})
		})
	}
}

func (w *world) device() {
	id, now, up := w.agent(), w.now, rapid.IntRange(0, 3).Draw(w.t, "up") > 0
	w.input(func(e *acd.Engine) { e.Handle(now, tandem.DeviceChanged{Agent: id, Reachable: up}) })
}

// press lets a customer press a key.
func (w *world) press() {
	if l := w.pick(func(l *worldLeg) bool { return l.agent == "" && l.state != tandem.LegStateEnded }); l != nil {
		w.emit(l, tandem.LegDigit{Leg: l.id, Digit: rapid.SampledFrom([]string{"1", "2"}).Draw(w.t, "key")})
	}
}

// supervise lets a supervisor move some call.
func (w *world) supervise() {
	if w.made == 0 {
		return
	}
	id, now := tandem.CallID(fmt.Sprintf("c%d", rapid.IntRange(1, w.made).Draw(w.t, "call"))), w.now
	to := rapid.SampledFrom(w.cfg.Queues).Draw(w.t, "to").ID
	agent := w.agent()
	switch rapid.IntRange(0, 5).Draw(w.t, "supervisor's deed") {
	case 0:
		w.input(func(e *acd.Engine) { _ = e.Move(now, id, to) })
	case 1:
		p := rapid.IntRange(-1, 6).Draw(w.t, "priority")
		w.input(func(e *acd.Engine) { _ = e.SetPriority(now, id, p) })
	case 2:
		w.ledger.picked[id] = agent
		w.input(func(e *acd.Engine) { _ = e.Pick(now, id, agent) })
		delete(w.ledger.picked, id)
	case 3:
		st := rapid.SampledFrom([]tandem.AgentState{tandem.AgentReady, tandem.AgentPaused, tandem.AgentLoggedOut}).Draw(w.t, "forced")
		w.input(func(e *acd.Engine) { _ = e.Force(now, agent, st, "forced") })
	case 4:
		w.input(func(e *acd.Engine) { _ = e.ExtendWrapUp(now, agent, 5*time.Second) })
	case 5:
		if rapid.Bool().Draw(w.t, "drain") {
			w.input(func(e *acd.Engine) { _ = e.Drain(now, to) })
			return
		}
		w.input(func(e *acd.Engine) { _ = e.Reopen(now, to) })
	}
}

// lose lets the switch end, and another one begin, now and then.
func (w *world) lose() {
	if rapid.IntRange(0, 9).Draw(w.t, "lost") > 0 {
		return
	}
	now := w.now
	w.order, w.legs, w.todo = nil, map[tandem.LegID]*worldLeg{}, nil
	w.input(func(e *acd.Engine) { e.SwitchLost(now) })
	w.todo = nil
}

func (w *world) pass() {
	w.elapse(time.Duration(rapid.IntRange(1, 8000).Draw(w.t, "ms")) * time.Millisecond)
}

func (w *world) elapse(d time.Duration) {
	until := w.now.Add(d)
	for at, ok := w.e.Next(); ok && !at.After(until); at, ok = w.e.Next() {
		w.now = at
		w.input(func(e *acd.Engine) { e.Tick(at) })
	}
	w.now = until
	w.input(func(e *acd.Engine) { e.Tick(until) })
}

// windUp lets everybody hang up and everything arrive; then nothing may be left over.
func (w *world) windUp() {
	for len(w.order) > 0 || len(w.todo) > 0 {
		for _, id := range slices.Clone(w.order) {
			if l := w.legs[id]; l.agent == "" {
				w.end(l, tandem.CauseNormal, false)
			}
			for l := w.legs[id]; len(l.events) > 0; {
				ev, now := l.events[0], w.now
				l.events = l.events[1:]
				w.input(func(e *acd.Engine) { e.Handle(now, ev) })
			}
			if w.legs[id].state == tandem.LegStateEnded {
				w.order = slices.DeleteFunc(w.order, func(x tandem.LegID) bool { return x == id })
			}
		}
		for len(w.todo) > 0 {
			a, now := w.todo[0], w.now
			w.todo = w.todo[1:]
			if err := w.command(a); err != nil {
				w.input(func(e *acd.Engine) { e.Failed(now, a, err) })
			}
		}
		w.elapse(time.Minute)
	}
	w.elapse(2 * time.Minute)
	s := w.e.Snapshot(w.now)
	for _, q := range s.Queues {
		require.Empty(w.t, q.Waiting, "calls are stuck in %s", q.ID)
		require.Zero(w.t, q.Talking, "calls are stuck with agents of %s", q.ID)
	}
	for _, a := range s.Agents {
		require.NotContains(w.t, []tandem.AgentState{tandem.AgentReserved, tandem.AgentOnCall, tandem.AgentWrapUp}, a.State, "agent %s is stuck", a.ID)
		require.Empty(w.t, a.Leg, "agent %s has a leg", a.ID)
	}
	for id, c := range w.ledger.calls {
		require.True(w.t, c.over, "call %s never ended", id)
	}
}

// history lets the world take its course, then checks that nothing is left over and that a second run gives the same bytes.
func history(t *rapid.T) {
	w := newWorld(t)
	for _, a := range w.cfg.Agents {
		id, now := a.ID, w.now
		w.input(func(e *acd.Engine) { _ = e.Login(now, id) })
		w.input(func(e *acd.Engine) { e.Handle(now, tandem.DeviceChanged{Agent: id, Reachable: true}) })
	}
	deeds := []func(){
		w.arrive, w.arrive, w.perform, w.perform, w.perform, w.deliver, w.deliver, w.deliver, w.farEnd, w.farEnd, w.agentCommand, w.device, w.pass, w.lose, w.press, w.supervise,
	}
	n := rapid.IntRange(1, 150).Draw(t, "steps")
	for range n {
		deeds[rapid.IntRange(0, len(deeds)-1).Draw(t, "deed")]()
	}
	steps.Add(int64(n))
	w.windUp()

	var recorded []byte
	cfg := w.cfg
	cfg.Record = func(in acd.Input) {
		line, err := json.Marshal(in)
		require.NoError(t, err)
		recorded = append(append(recorded, line...), '\n')
	}
	again, err := acd.NewEngine(cfg)
	require.NoError(t, err)
	for _, input := range w.inputs {
		input(again)
	}
	out := again.Take(acd.Output{})
	require.Equal(t, journal(t, w.rs), journal(t, out.Records(nil)), "the same input gave another output")

	replayed, err := acd.NewEngine(w.cfg)
	require.NoError(t, err)
	for dec := json.NewDecoder(bytes.NewReader(recorded)); dec.More(); {
		var in acd.Input
		require.NoError(t, dec.Decode(&in))
		_ = replayed.Replay(in) // the error is the one that was given then
	}
	out = replayed.Take(acd.Output{})
	require.Equal(t, journal(t, w.rs), journal(t, out.Records(nil)), "a replay of the recorded inputs gave another output")
}

func TestEngine_KeepsItsPromisesInEveryHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, history)
}

func FuzzEngine_KeepsItsPromises(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(history))
}
