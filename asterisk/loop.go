package asterisk

import (
	"context"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk/ami"
)

const (
	// lastWords is how long the end of Run waits for Asterisk to hang up every leg.
	lastWords = 5 * time.Second
	// guardTime is how long a leg that Asterisk says is not there may still be told to have ended.
	guardTime = 2 * time.Second
	// hangupAgain is how long a hang-up may take before it is asked for again.
	hangupAgain = 2 * time.Second
	// ownPrefix begins the Uniqueid of channels that we dialled.
	ownPrefix = "tandem-"
)

// loop owns everything that a running switch knows of its legs.
type loop struct {
	sw       *Switch
	nonce    string
	serial   uint64
	legs     map[tandem.LegID]*leg
	byUID    map[string]*leg
	agents   map[tandem.AgentID]string // device
	owners   map[string]owner          // of a device
	trunks   map[tandem.TrunkID]Trunk
	incoming map[string]bool // contexts

	phase     phase
	up        bool // the manager connection
	actions   map[string]action
	reachable map[tandem.AgentID]bool
	alive     map[tandem.TrunkID]bool // trunks that were told to be up
	down      map[string]bool         // devices of trunks that cannot be reached
	census    *census
	ghosts    map[string]bool // channels whose legs have ended without us being able to hang them up
	losses    int             // counts lost connections
}

// phase is how far the loop has come.
type phase uint8

const (
	connecting phase = iota // no connection yet
	serving
	stopping
)

// owner is whose a device is: a trunk's or an agent's.
type owner struct {
	trunk tandem.TrunkID
	agent tandem.AgentID
}

// action is an action of ours whose response or list is awaited.
type action struct {
	name string
	leg  *leg
	// device is which one was asked for.
	device string
}

func newLoop(s *Switch) *loop {
	lp := &loop{
		sw: s, nonce: tandem.RandomIDs()(),
		legs: map[tandem.LegID]*leg{}, byUID: map[string]*leg{},
		agents: map[tandem.AgentID]string{}, owners: map[string]owner{}, trunks: map[tandem.TrunkID]Trunk{}, incoming: map[string]bool{},
		actions: map[string]action{}, reachable: map[tandem.AgentID]bool{}, alive: map[tandem.TrunkID]bool{}, down: map[string]bool{}, ghosts: map[string]bool{},
	}
	for _, t := range s.cfg.Trunks {
		lp.trunks[t.ID] = t
		for _, d := range t.devices() {
			lp.owners[d] = owner{trunk: t.ID}
		}
	}
	for _, a := range s.cfg.Agents {
		lp.agents[a.ID] = a.Device
		lp.owners[a.Device] = owner{agent: a.ID}
	}
	for _, c := range s.cfg.Incoming {
		lp.incoming[c] = true
	}
	return lp
}

// run serves until Run wants the end, then hangs up every leg.
func (lp *loop) run(ctx context.Context) {
	stop := lp.sw.stop
	var limit <-chan time.Time
	for lp.phase != stopping || len(lp.legs) > 0 {
		select {
		case f := <-lp.sw.cmds:
			f(lp)
		case n := <-lp.sw.notices:
			lp.notice(ctx, n)
		case <-stop:
			stop = nil
			t := time.NewTimer(lastWords)
			defer t.Stop()
			limit = t.C
			lp.finish()
		case <-limit:
			lp.sw.cfg.Logger.WarnContext(ctx, "legs left behind in asterisk", "legs", len(lp.legs))
			return
		}
		if lp.phase == stopping && !lp.up {
			return
		}
	}
}

// finish begins the end.
func (lp *loop) finish() {
	lp.phase = stopping
	for _, l := range lp.legs {
		lp.hangUp(l, tandem.CauseNormal)
	}
}

// taking says whether commands are taken.
func (lp *loop) taking() bool { return lp.phase == serving }

// emit queues an event for the Handler.
func (lp *loop) emit(e tandem.Event) {
	if lp.phase != stopping {
		lp.sw.outbox.put(e)
	}
}

// live returns a leg that is there and is not being hung up, or nil.
func (lp *loop) live(id tandem.LegID) *leg {
	if l := lp.legs[id]; l != nil && l.ending == nil {
		return l
	}
	return nil
}

func (lp *loop) add(l *leg) {
	lp.legs[l.id] = l
	lp.byUID[l.uid] = l
}

// send sends an action and remembers for whom. It says whether the action went out: without a connection nothing does, and whoever
// wants something of a leg gets it when the census after the next connection drives the leg again.
func (lp *loop) send(a *ami.Action, about action) bool {
	about.name = a.Name()
	id, err := lp.sw.client.Send(a)
	if err != nil {
		lp.sw.cfg.Logger.Warn("action not sent to asterisk", "action", a.Name(), "error", err)
		return false
	}
	lp.actions[id] = about
	return true
}

// notice takes what the client tells.
func (lp *loop) notice(ctx context.Context, n ami.Notice) {
	switch n.Kind {
	case ami.NoticeUp:
		lp.up = true
		lp.connected()
	case ami.NoticeLost:
		lp.up = false
		lp.lost()
	case ami.NoticeResponse:
		lp.response(n.Message)
	case ami.NoticeEvent:
		lp.event(n.Message)
	case ami.NoticeUnset:
	}
}

// response takes the response to one of our actions.
func (lp *loop) response(m ami.Message) {
	id := m.ActionID()
	a, ok := lp.actions[id]
	if !ok {
		return
	}
	err := m.Err()
	// An Originate and a list go on after their response.
	if err != nil || (a.name != "Originate" && a.name != "CoreShowChannels") {
		delete(lp.actions, id)
	}
	if a.name == "PlayDTMF" && lp.legs[a.leg.id] == a.leg {
		lp.keyed(a.leg)
		return // A key that could not be sent is told by nobody: the leg is being hung up or moved.
	}
	switch {
	case a.name == "Getvar":
		// Whoever may not ask is told of changes all the same: until then a trunk is taken to work, a telephone not to.
		lp.device(a.device, m.Get("Value"))
	case err == nil:
	case a.name == "ShowDialPlan":
		lp.sw.cfg.Logger.Error("asterisk's dialplan has no place for answered legs, or does not show it",
			"context", lp.sw.cfg.Context, "exten", lp.sw.cfg.Exten, "error", err)
	case a.name == "CoreShowChannels":
		lp.sw.cfg.Logger.Error("asterisk refuses to list its channels: legs cannot be found again", "error", err)
		lp.census = nil
	case a.leg != nil:
		lp.refused(a, err)
	}
}

// refused deals with an action about a leg that Asterisk refused.
func (lp *loop) refused(a action, err error) {
	l := a.leg
	if lp.legs[l.id] != l {
		return
	}
	lp.sw.cfg.Logger.Debug("asterisk refused", "leg_id", l.id, "action", a.name, "error", err)
	switch a.name {
	case "Originate":
		lp.end(l, tandem.CauseFailed, err.Error())
	case "AGI":
		// It is not waiting for commands: most likely it is being hung up. If not, this brings it back.
		l.agi, l.running = false, run{}
		if !l.deferred {
			lp.redirect(l)
		}
	default: // Hangup, Redirect: the channel is not there any more, and its Hangup is under way.
		lp.guard(l, tandem.CauseFailed, err.Error())
	}
}

// guard ends a leg whose end Asterisk does not tell in time.
func (lp *loop) guard(l *leg, cause tandem.Cause, detail string) {
	lp.sw.later(guardTime, func(lp *loop) {
		if lp.legs[l.id] == l {
			lp.end(l, cause, detail)
		}
	})
}
