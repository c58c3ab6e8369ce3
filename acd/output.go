package acd

import (
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
)

// Output is what an Engine has decided since it was last asked: what happened, what is to be done, and what is wrong. Its memory is used again
// when it is given back to Engine.Take. The zero value is empty.
//
// The facts lie here by type and become records, each a small allocation, only when Records is called: so the owner loop, which must be fast, does not pay for it,
// and whoever writes the journal does.
type Output struct {
	Actions []Action // in the order in which to perform them; for one call in this order exactly
	// Faults are what a host should be told of and the engine lived through: a strategy that panicked, a leg that never ended.
	Faults []error

	order      []fact
	candidates []tandem.Candidate // what the decisions point into
	started    []tandem.CallStarted
	queued     []tandem.CallQueued
	offered    []tandem.CallOffered
	offerEnds  []tandem.OfferEnded
	connected  []tandem.CallConnected
	left       []tandem.CallLeft
	released   []tandem.CallReleased
	ended      []tandem.CallEnded
	disposed   []tandem.CallDisposed
	decided    []tandem.Decided
	agents     []tandem.AgentChanged
}

// fact is one record to be: its kind, its place among the facts of that kind, and when it happened.
type fact struct {
	at    time.Time
	kind  factKind
	index int32
}

// factKind is a type of event that the engine emits.
type factKind uint8

const (
	factUnset factKind = iota
	factStarted
	factQueued
	factOffered
	factOfferEnded
	factConnected
	factLeft
	factReleased
	factEnded
	factDisposed
	factDecided
	factAgent
)

// Len returns how many records, actions and faults there are.
func (o *Output) Len() int { return len(o.order) + len(o.Actions) + len(o.Faults) }

// Count returns how many records there are.
func (o *Output) Count() int { return len(o.order) }

// Records appends what happened to dst, in order, and returns it. The records keep nothing of o's memory.
func (o *Output) Records(dst []tandem.Record) []tandem.Record {
	dst = slices.Grow(dst, len(o.order))
	for _, f := range o.order {
		dst = append(dst, tandem.Record{At: f.at, Event: o.event(f)})
	}
	return dst
}

func (o *Output) event(f fact) tandem.Event {
	switch f.kind {
	case factStarted:
		return o.started[f.index]
	case factQueued:
		return o.queued[f.index]
	case factOffered:
		return o.offered[f.index]
	case factOfferEnded:
		return o.offerEnds[f.index]
	case factConnected:
		return o.connected[f.index]
	case factLeft:
		return o.left[f.index]
	case factReleased:
		return o.released[f.index]
	case factEnded:
		return o.ended[f.index]
	case factDisposed:
		return o.disposed[f.index]
	case factDecided:
		d := o.decided[f.index]
		d.Candidates = slices.Clone(d.Candidates)
		return d
	case factAgent:
		return o.agents[f.index]
	case factUnset:
	}
	return nil
}

// reset empties o and keeps its memory.
func (o *Output) reset() {
	o.Actions = emptied(o.Actions)
	o.Faults = emptied(o.Faults)
	o.order = emptied(o.order)
	o.candidates = emptied(o.candidates)
	o.started = emptied(o.started)
	o.queued = emptied(o.queued)
	o.offered = emptied(o.offered)
	o.offerEnds = emptied(o.offerEnds)
	o.connected = emptied(o.connected)
	o.left = emptied(o.left)
	o.released = emptied(o.released)
	o.ended = emptied(o.ended)
	o.disposed = emptied(o.disposed)
	o.decided = emptied(o.decided)
	o.agents = emptied(o.agents)
}

// maxKept is how many elements of memory an Output keeps for later: a burst does not cost for ever.
const maxKept = 1 << 14

// emptied returns s without its elements, which it lets go of.
func emptied[E any](s []E) []E {
	if cap(s) > maxKept {
		return nil
	}
	clear(s)
	return s[:0]
}

func note[E any](e *Engine, kind factKind, list *[]E, ev E) {
	e.out.order = append(e.out.order, fact{at: e.at, kind: kind, index: int32(len(*list))}) //nolint:gosec // far below 2^31
	*list = append(*list, ev)
	e.records++
}

func (e *Engine) started(ev tandem.CallStarted)     { note(e, factStarted, &e.out.started, ev) }
func (e *Engine) queued(ev tandem.CallQueued)       { note(e, factQueued, &e.out.queued, ev) }
func (e *Engine) offered(ev tandem.CallOffered)     { note(e, factOffered, &e.out.offered, ev) }
func (e *Engine) offerEnded(ev tandem.OfferEnded)   { note(e, factOfferEnded, &e.out.offerEnds, ev) }
func (e *Engine) connected(ev tandem.CallConnected) { note(e, factConnected, &e.out.connected, ev) }
func (e *Engine) left(ev tandem.CallLeft)           { note(e, factLeft, &e.out.left, ev) }
func (e *Engine) released(ev tandem.CallReleased)   { note(e, factReleased, &e.out.released, ev) }
func (e *Engine) ended(ev tandem.CallEnded)         { note(e, factEnded, &e.out.ended, ev) }
func (e *Engine) disposed(ev tandem.CallDisposed)   { note(e, factDisposed, &e.out.disposed, ev) }
func (e *Engine) decided(ev tandem.Decided)         { note(e, factDecided, &e.out.decided, ev) }
func (e *Engine) agentChanged(ev tandem.AgentChanged) {
	note(e, factAgent, &e.out.agents, ev)
}

func (e *Engine) act(a Action) { e.out.Actions = append(e.out.Actions, a) }

func (e *Engine) fault(err error) { e.out.Faults = append(e.out.Faults, err) }
