package switchtest

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/tandem-cc/tandem"
)

// journal is the Handler of every case: it keeps all events and checks the order of each leg's as they come.
type journal struct {
	mu      sync.Mutex
	legs    map[tandem.LegID]*legLog
	devices map[tandem.AgentID][]bool
	arrived []tandem.LegIncoming
	faults  []string
	changed chan struct{}
	hook    func(ctx context.Context, e tandem.Event) error
}

// legLog is what is known of one leg.
type legLog struct {
	state  tandem.LegState
	peer   tandem.LegID
	events []tandem.Event
	taken  map[string]int // by kind: how many the case has looked at
}

func newJournal() *journal {
	return &journal{
		legs:    make(map[tandem.LegID]*legLog),
		devices: make(map[tandem.AgentID][]bool),
		changed: make(chan struct{}),
	}
}

// Handle keeps and checks records, then calls the case's hook.
func (j *journal) Handle(ctx context.Context, rs ...tandem.Record) error {
	for _, r := range rs {
		hook := j.note(r)
		if hook == nil {
			continue
		}
		if err := hook(ctx, r.Event); err != nil {
			return err
		}
	}
	return nil
}

func (j *journal) note(r tandem.Record) func(context.Context, tandem.Event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if r.Event == nil {
		j.fault("a record without an event")
		return nil
	}
	if r.At.IsZero() {
		j.fault("%s: the record has no time", r.Event.Kind())
	}
	switch e := r.Event.(type) {
	case tandem.DeviceChanged:
		j.device(e)
	case tandem.TrunkChanged:
	default:
		j.legEvent(r.Event)
	}
	close(j.changed)
	j.changed = make(chan struct{})
	return j.hook
}

func (j *journal) device(e tandem.DeviceChanged) {
	seen := j.devices[e.Agent]
	if len(seen) > 0 && seen[len(seen)-1] == e.Reachable {
		j.fault("agent %s: two DeviceChanged in a row say reachable=%t", e.Agent, e.Reachable)
	}
	j.devices[e.Agent] = append(seen, e.Reachable)
}

func (j *journal) legEvent(e tandem.Event) {
	id, next, ok := progress(e)
	if !ok {
		j.fault("%s is not an event of a switch", e.Kind())
		return
	}
	if id == "" {
		j.fault("%s without a leg", e.Kind())
		return
	}
	l := j.legs[id]
	if in, is := e.(tandem.LegIncoming); is {
		if l != nil {
			j.fault("leg %s: LegIncoming for a leg that is known", id)
			return
		}
		l = &legLog{taken: make(map[string]int)}
		j.legs[id] = l
		j.arrived = append(j.arrived, in)
	}
	if l == nil {
		j.fault("leg %s: %s for a leg that nobody dialled and that did not come in", id, e.Kind())
		return
	}
	l.events = append(l.events, e)
	j.order(id, l, e, next)
}

// order checks one event of a leg against what came before it.
func (j *journal) order(id tandem.LegID, l *legLog, e tandem.Event, next tandem.LegState) {
	again := next == tandem.LegStateRinging && l.state == next // ringing may be told any number of times
	switch {
	case next == tandem.LegUnset: // a digit, a sound, a hold: in between
		if l.state == tandem.LegStateEnded {
			j.fault("leg %s: %s after LegEnded", id, e.Kind())
		}
	case !again && !l.state.CanBecome(next):
		j.fault("leg %s: %s when it is %s", id, e.Kind(), l.state)
	default:
		l.state = next
	}
	switch e := e.(type) {
	case tandem.LegBridged:
		l.peer = e.Peer
	case tandem.LegUnbridged:
		if e.Peer != l.peer {
			j.fault("leg %s: unbridged from %s when it was bridged with %s", id, e.Peer, l.peer)
		}
		l.peer = ""
	case tandem.LegEnded:
		if e.Cause == tandem.CauseUnset {
			j.fault("leg %s: ended without a cause", id)
		}
	default:
	}
}

// progress returns the leg of a switch's event and the state that it brings, LegUnset for none.
func progress(e tandem.Event) (tandem.LegID, tandem.LegState, bool) {
	switch e := e.(type) {
	case tandem.LegIncoming:
		return e.Leg, tandem.LegStateIn, true
	case tandem.LegRinging:
		return e.Leg, tandem.LegStateRinging, true
	case tandem.LegAnswered:
		return e.Leg, tandem.LegStateUp, true
	case tandem.LegBridged:
		return e.Leg, tandem.LegStateBridged, true
	case tandem.LegUnbridged:
		return e.Leg, tandem.LegStateUp, true
	case tandem.LegDigit:
		return e.Leg, tandem.LegUnset, true
	case tandem.LegPlayed:
		return e.Leg, tandem.LegUnset, true
	case tandem.LegHeld:
		return e.Leg, tandem.LegUnset, true
	case tandem.LegEnded:
		return e.Leg, tandem.LegStateEnded, true
	default:
		return "", tandem.LegUnset, false
	}
}

func (j *journal) fault(format string, args ...any) {
	j.faults = append(j.faults, fmt.Sprintf(format, args...))
}

// dialled makes a leg known before it is dialled, since its events may come before Dial returns.
func (j *journal) dialled(id tandem.LegID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.legs[id] = &legLog{state: tandem.LegStateDialing, taken: make(map[string]int)}
}

// await calls look under the mutex after each event until it says that it is done, or ctx ends.
func (j *journal) await(ctx context.Context, look func() (done bool, err error)) error {
	for {
		j.mu.Lock()
		done, err := look()
		changed := j.changed
		j.mu.Unlock()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// next waits for the leg's next event of a kind that the case has not looked at yet. It gives up at once when the
// leg has ended.
func (j *journal) next(ctx context.Context, id tandem.LegID, kind string) (tandem.Event, error) {
	var found tandem.Event
	err := j.await(ctx, func() (bool, error) {
		l := j.legs[id]
		if l == nil {
			return false, nil
		}
		skip := l.taken[kind]
		for _, e := range l.events {
			if e.Kind() != kind {
				continue
			}
			if skip == 0 {
				found = e
				l.taken[kind]++
				return true, nil
			}
			skip--
		}
		if l.state == tandem.LegStateEnded {
			return false, fmt.Errorf("the leg has ended: %w", tandem.ErrState)
		}
		return false, nil
	})
	return found, err
}

// story is what a leg has seen so far, for failure messages.
func (j *journal) story(id tandem.LegID) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	l := j.legs[id]
	if l == nil {
		return "nothing"
	}
	var text strings.Builder
	for _, e := range l.events {
		fmt.Fprintf(&text, " %s%+v", e.Kind(), e)
	}
	return text.String()
}

func (j *journal) allFaults() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.faults...)
}

// setHook lets f see every event from now on, inside the Handler.
func (j *journal) setHook(f func(ctx context.Context, e tandem.Event) error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.hook = f
}
