package acdtest

import (
	"cmp"
	"container/heap"
	"fmt"
	"maps"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// RunEngine plays the scenario with the engine alone: a switch that obeys at once, people as the scenario has them, in virtual time.
func RunEngine(s *Scenario) (*History, error) {
	e, err := acd.NewEngine(acd.EngineConfig{Queues: s.Queues, Agents: s.Agents, Ring: true})
	if err != nil {
		return nil, fmt.Errorf("acdtest: %w", err)
	}
	start := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	w := &stage{
		s: s, e: e, now: start, h: &History{Start: start}, legs: map[tandem.LegID]*leg{}, manner: map[tandem.AgentID]Manner{},
		routes: map[tandem.CallID]Step{},
	}
	maps.Copy(w.manner, s.Manner)
	for _, a := range s.Agents {
		w.event(tandem.DeviceChanged{Agent: a.ID, Reachable: !s.Away[a.ID]})
	}
	for i, step := range s.Steps {
		// What is arranged before the start comes first at its instant, but a look comes last.
		seq := i - len(s.Steps)
		if step.Deed == DeedLook {
			seq = 1 << 40
		}
		heap.Push(&w.due, due{at: start.Add(step.At), seq: seq, do: func() { w.step(step) }})
	}
	if !w.run(start.Add(s.End)) {
		return nil, fmt.Errorf("acdtest: no rest after %d deeds, at %s: %w", maxDeeds, w.now.Sub(start), tandem.ErrInvalid)
	}
	return w.h, nil
}

// maxDeeds bounds a scenario in which somebody is rung and refuses without pause.
const maxDeeds = 200_000

// stage is an engine with a switch and people around it.
type stage struct {
	s      *Scenario
	e      *acd.Engine
	out    acd.Output
	now    time.Time
	h      *History
	due    dueList
	seq    int
	legs   map[tandem.LegID]*leg
	manner map[tandem.AgentID]Manner
	routes map[tandem.CallID]Step
}

type leg struct {
	id     tandem.LegID
	agent  tandem.AgentID // empty: a customer
	call   tandem.CallID
	up     bool
	peer   *leg
	joined bool // was bridged once
	born   int
}

type due struct {
	at  time.Time
	seq int
	do  func()
}

type dueList []due

func (d dueList) Len() int { return len(d) }

func (d dueList) Less(i, j int) bool {
	return cmp.Or(d[i].at.Compare(d[j].at), cmp.Compare(d[i].seq, d[j].seq)) < 0
}
func (d dueList) Swap(i, j int) { d[i], d[j] = d[j], d[i] }

// Push and Pop serve container/heap.
func (d *dueList) Push(x any) { *d = append(*d, x.(due)) } //nolint:forcetypeassert // nothing else is pushed

func (d *dueList) Pop() any {
	old := *d
	x := old[len(old)-1]
	*d = old[:len(old)-1]
	return x
}

func (w *stage) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.due, due{at: w.now.Add(d), seq: w.seq, do: do})
}

// run does what is due until the end, the engine's deadlines before what the people do at the same instant. It reports false when there is no end.
func (w *stage) run(end time.Time) bool {
	for range maxDeeds {
		at, ok := w.e.Next()
		if ok && !at.After(end) && (len(w.due) == 0 || !at.After(w.due[0].at)) {
			w.now = at
			w.e.Tick(at)
			w.settle()
			continue
		}
		if len(w.due) == 0 || w.due[0].at.After(end) {
			return true
		}
		d := heap.Pop(&w.due).(due) //nolint:forcetypeassert // nothing else is pushed
		w.now = d.at
		d.do()
	}
	return false
}

func (w *stage) event(ev tandem.Event) {
	w.e.Handle(w.now, ev)
	w.settle()
}

// settle reads what the engine decided and obeys.
func (w *stage) settle() {
	for w.e.Pending() > 0 {
		w.out = w.e.Take(w.out)
		w.h.Records = w.out.Records(w.h.Records)
		w.h.Faults = append(w.h.Faults, w.out.Faults...)
		for _, a := range w.out.Actions {
			w.after(0, func() { w.obey(a) })
		}
	}
}

// obey performs an action on the switch.
func (w *stage) obey(a acd.Action) {
	l := w.legs[a.Leg]
	switch {
	case a.Kind == acd.ActionRoute:
		w.refused(w.e.Routed(w.now, a.Call, w.routes[a.Call].Route))
		w.settle()
		return
	case a.Kind == acd.ActionDial:
		n := &leg{id: a.Leg, agent: a.Agent, call: a.Call, born: w.seq}
		w.legs[a.Leg] = n
		w.ring(n)
		return
	case l == nil:
		w.fail(a, tandem.ErrNotFound)
		return
	}
	switch a.Kind { //nolint:exhaustive // the rest was done above, or nobody notices it
	case acd.ActionAnswer:
		w.answer(l)
	case acd.ActionHangup:
		w.after(w.s.HangUp, func() { w.end(l, a.Cause, true) })
	case acd.ActionBridge:
		w.bridge(a, l)
	}
}

func (w *stage) fail(a acd.Action, err error) {
	w.e.Failed(w.now, a, err)
	w.settle()
}

// ring lets a device ring and its agent do as is the agent's manner.
func (w *stage) ring(l *leg) {
	m := w.manner[l.agent]
	switch {
	case m.Ignores:
	case m.Refuses != tandem.CauseUnset:
		w.after(m.After, func() { w.end(l, m.Refuses, false) })
	default:
		w.after(m.After, func() { w.answer(l) })
	}
}

func (w *stage) answer(l *leg) {
	if w.legs[l.id] == l && !l.up {
		l.up = true
		w.event(tandem.LegAnswered{Leg: l.id})
	}
}

func (w *stage) bridge(a acd.Action, l *leg) {
	p := w.legs[a.Peer]
	switch {
	case p == nil:
		w.fail(a, tandem.ErrNotFound)
		return
	case !l.up || !p.up || l.peer != nil || p.peer != nil:
		w.fail(a, tandem.ErrState)
		return
	}
	l.peer, p.peer = p, l
	if !l.joined {
		l.joined = true
		if talk := w.routes[a.Call].Talk; talk > 0 {
			w.after(talk, func() { w.end(l, tandem.CauseNormal, false) })
		}
	}
	w.event(tandem.LegBridged{Leg: l.id, Peer: p.id})
	w.event(tandem.LegBridged{Leg: p.id, Peer: l.id})
}

// end ends a leg, once.
func (w *stage) end(l *leg, cause tandem.Cause, ours bool) {
	if w.legs[l.id] != l {
		return
	}
	delete(w.legs, l.id)
	if p := l.peer; p != nil {
		p.peer = nil
		w.event(tandem.LegUnbridged{Leg: p.id, Peer: l.id})
	}
	w.event(tandem.LegEnded{Leg: l.id, Cause: cause, Ours: ours})
}

// step does what the scenario says.
func (w *stage) step(s Step) {
	switch s.Deed { //nolint:exhaustive // the rest are commands
	case DeedCall:
		w.routes[s.Call] = s
		l := &leg{id: customerLeg(s.Call), call: s.Call}
		w.legs[l.id] = l
		from := tandem.CallerID{Number: "+15550100"}
		w.refused(w.e.Incoming(w.now, s.Call, tandem.LegIncoming{Leg: l.id, Trunk: "carrier", From: from, To: "1000"}))
		if s.Patience > 0 {
			w.after(s.Patience, func() {
				if !l.joined {
					w.end(l, tandem.CauseNormal, false)
				}
			})
		}
	case DeedHangsUp:
		if l := w.legs[customerLeg(s.Call)]; l != nil {
			w.end(l, tandem.CauseNormal, false)
		}
	case DeedAgentHangsUp, DeedAnswer, DeedRefuse:
		w.byHand(s)
	case DeedManner:
		w.manner[s.Agent] = s.Manner
	case DeedDeviceLost, DeedDeviceBack:
		w.event(tandem.DeviceChanged{Agent: s.Agent, Reachable: s.Deed == DeedDeviceBack})
	case DeedSwitchLost:
		w.legs = map[tandem.LegID]*leg{}
		w.e.SwitchLost(w.now)
	case DeedLook:
		w.h.Looks = append(w.h.Looks, Look{At: s.At, Snapshot: w.e.Snapshot(w.now)})
	default:
		w.refused(command(w.e, w.now, s))
	}
	w.settle()
}

// byHand lets an agent do something with the leg that the device has now.
func (w *stage) byHand(s Step) {
	var l *leg
	for _, x := range w.legs {
		if x.agent == s.Agent && (l == nil || x.born > l.born) {
			l = x
		}
	}
	switch {
	case l != nil && s.Deed == DeedAnswer:
		w.answer(l)
		return
	case l != nil && s.Deed == DeedRefuse && !l.up:
		w.end(l, s.Cause, false)
		return
	case l != nil && s.Deed == DeedAgentHangsUp:
		w.end(l, tandem.CauseNormal, false)
		return
	}
	w.refused(fmt.Errorf("line %d: agent %s has no call: %w", s.Line, s.Agent, tandem.ErrState))
}

func (w *stage) refused(err error) {
	if err != nil {
		w.h.Refused = append(w.h.Refused, err)
	}
}

func customerLeg(c tandem.CallID) tandem.LegID { return tandem.LegID(c + "-in") }

// command gives the engine a command of an agent or supervisor.
func command(e *acd.Engine, now time.Time, s Step) error {
	switch s.Deed { //nolint:exhaustive // the rest are not commands
	case DeedLogin:
		return e.Login(now, s.Agent)
	case DeedLogout:
		return e.Logout(now, s.Agent)
	case DeedReady:
		return e.Ready(now, s.Agent)
	case DeedPause:
		return e.Pause(now, s.Agent, s.Reason)
	case DeedFinish:
		return e.FinishWrapUp(now, s.Agent)
	case DeedReject:
		return e.Reject(now, s.Agent, s.Call)
	case DeedSupervisorHangsUp:
		return e.Hangup(now, s.Call, tandem.PartySystem)
	default:
		return fmt.Errorf("acdtest: line %d: deed %d is no command: %w", s.Line, s.Deed, tandem.ErrInvalid)
	}
}
