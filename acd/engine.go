package acd

import (
	"fmt"
	"math"
	"time"

	"github.com/tandem-cc/tandem"
)

// Engine decides who gets the next call. It is a value with methods: no goroutine, no clock, no input or output. Every input carries the
// time at which it happens; what the engine decides on it is fetched with Take. It must not be used concurrently.
//
// Time may stand still between inputs. Where a later input carries an earlier time, its records show that time, and
// deadlines go on from the latest time seen.
type Engine struct {
	clearing int64
	ring     bool
	record   func(Input) // nil: nobody wants to know
	sharing  Sharing
	ageing   int64

	queues    []*queue
	queueByID map[tandem.QueueID]*queue
	agents    []*agent
	agentByID map[tandem.AgentID]*agent
	calls     map[tandem.CallID]*call
	// Two maps, because there are far fewer agents than waiting calls: most events are of an agent's leg, and the smaller map stays in the cache.
	agentLegs map[tandem.LegID]*agent
	customers map[tandem.LegID]*call
	strays    strays
	timers    timers
	deserted  []*queue // queues to look at when the input is done: nobody may be left to serve them
	forsaken  []*agent // agents to look at when the input is done: calls may be kept for them in vain
	free      []*call  // ended calls, to be used again

	epoch time.Time // of the first input
	last  time.Time // of the latest input
	at    time.Time // of this input, as records show it
	now   int64     // nanoseconds from epoch to last

	seq     uint64 // the last call's place in the order of arrival
	fence   uint64 // the last reservation's number
	records uint64 // how many were emitted
	out     Output
}

// maxFree bounds the memory kept for calls to come.
const maxFree = 4096

// NewEngine checks the configuration and returns an engine in which everybody is logged out. A wrong setting is a *tandem.ConfigError.
func NewEngine(cfg EngineConfig) (*Engine, error) {
	e := &Engine{
		clearing:  int64(cfg.Clearing),
		ring:      cfg.Ring,
		record:    cfg.Record,
		sharing:   cfg.Sharing,
		ageing:    int64(cfg.Ageing),
		queueByID: make(map[tandem.QueueID]*queue, len(cfg.Queues)),
		agentByID: make(map[tandem.AgentID]*agent, len(cfg.Agents)),
		calls:     make(map[tandem.CallID]*call),
		agentLegs: make(map[tandem.LegID]*agent),
		customers: make(map[tandem.LegID]*call),
	}
	switch {
	case cfg.Clearing < 0:
		return nil, &tandem.ConfigError{Where: "clearing", What: "is negative"}
	case cfg.Ageing < 0:
		return nil, &tandem.ConfigError{Where: "ageing", What: "is negative"}
	case cfg.Sharing > SharingWait:
		return nil, &tandem.ConfigError{Where: "sharing", What: "is of no known kind"}
	case cfg.Clearing == 0:
		e.clearing = int64(5 * time.Second)
	}
	for i, qc := range cfg.Queues {
		if err := e.addQueue(fmt.Sprintf("queues[%d]", i), qc); err != nil {
			return nil, err
		}
	}
	for i, q := range e.queues {
		if err := e.checkExits(q, fmt.Sprintf("queues[%d]", i)); err != nil {
			return nil, err
		}
	}
	for i, ac := range cfg.Agents {
		if err := e.addAgent(fmt.Sprintf("agents[%d]", i), ac); err != nil {
			return nil, err
		}
	}
	e.rankAgents()
	return e, nil
}

// Take returns what was decided since the last Take. The memory of last, an Output taken before and not needed any more, is used again.
func (e *Engine) Take(last Output) Output {
	out := e.out
	last.reset()
	e.out = last
	return out
}

// Pending returns how many records, actions and faults a Take would return.
func (e *Engine) Pending() int { return e.out.Len() }

// Next returns the time of the earliest deadline, at which Tick is due; false: there is none.
func (e *Engine) Next() (time.Time, bool) {
	at, ok := e.timers.next()
	if !ok {
		return time.Time{}, false
	}
	return e.last.Add(time.Duration(at - e.now)), true
}

// Tick does what is due at now. Every other input does the same first.
func (e *Engine) Tick(now time.Time) {
	if e.record != nil {
		e.record(Input{At: now, Op: "tick"})
	}
	e.begin(now)
	e.finish()
}

// Handle takes an event of the switch. Events that do not concern the engine are passed over, LegIncoming too: see Incoming.
func (e *Engine) Handle(now time.Time, ev tandem.Event) {
	if e.record != nil {
		e.record(heard(now, ev))
	}
	e.begin(now)
	switch ev := ev.(type) {
	case tandem.LegAnswered:
		e.legAnswered(ev.Leg)
	case tandem.LegBridged:
		e.legBridged(ev.Leg, ev.Peer)
	case tandem.LegEnded:
		e.legEnded(ev)
	case tandem.LegDigit:
		e.digit(ev)
	case tandem.DeviceChanged:
		e.deviceChanged(ev)
	default:
	}
	e.finish()
}

// endOfTime is where the clock stands still, lest a deadline after it be more than a duration can hold: a century and a half after the first input.
const endOfTime = math.MaxInt64 / 2

// begin moves the clock and does what was due.
func (e *Engine) begin(now time.Time) {
	if e.epoch.IsZero() {
		e.epoch, e.last = now, now
	}
	e.at = now.Round(0).UTC()
	if d := int64(now.Sub(e.epoch)); d > e.now {
		e.now, e.last = min(d, endOfTime), now
	}
	for t := e.timers.pop(e.now); t != nil; t = e.timers.pop(e.now) {
		if t.call != nil {
			e.callDue(t.call)
		} else {
			e.agentDue(t.agent)
		}
	}
}

// finish does what had to wait until every state is settled: waiting calls leave the queues that nobody serves any more.
func (e *Engine) finish() {
	for len(e.forsaken) > 0 {
		a := e.forsaken[0]
		e.forsaken = e.forsaken[1:]
		e.forsake(a)
	}
	for len(e.deserted) > 0 {
		q := e.deserted[0]
		e.deserted = e.deserted[1:]
		q.suspect = false
		if q.allIn(q.cfg.LeaveWhen) {
			e.sendAway(q)
		}
	}
}

// timeOf returns the moment of an instant on the engine's own clock.
func (e *Engine) timeOf(ns int64) time.Time { return e.at.Add(time.Duration(ns - e.now)) }

// strays remembers the last legs that ended without belonging to a call, so that a call whose customer was faster than
// the command to enqueue it is not queued for ever.
type strays struct {
	known map[tandem.LegID]struct{}
	ring  []tandem.LegID
	next  int
}

const maxStrays = 1024

func (s *strays) add(leg tandem.LegID) {
	if s.known == nil {
		s.known = make(map[tandem.LegID]struct{})
	}
	if len(s.ring) < maxStrays {
		s.ring = append(s.ring, leg)
	} else {
		delete(s.known, s.ring[s.next])
		s.ring[s.next] = leg
		s.next = (s.next + 1) % maxStrays
	}
	s.known[leg] = struct{}{}
}

func (s *strays) has(leg tandem.LegID) bool {
	_, ok := s.known[leg]
	return ok
}
