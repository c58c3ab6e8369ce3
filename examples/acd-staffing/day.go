package main

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// day is the world around the engine: callers who come, talk and lose patience by chance, and agents who answer at once.
type day struct {
	plan
	engine  *acd.Engine
	rnd     *rand.Rand
	now     time.Time
	end     time.Time // nobody calls after it
	due     []event   // latest first
	made    int
	longest time.Duration
}

// event is something to do at its time.
type event struct {
	at time.Time
	do func()
}

// after arranges something.
func (d *day) after(wait time.Duration, do func()) {
	e := event{at: d.now.Add(wait), do: do}
	i := sort.Search(len(d.due), func(i int) bool { return !d.due[i].at.After(e.at) })
	d.due = append(d.due, event{})
	copy(d.due[i+1:], d.due[i:])
	d.due[i] = e
}

// random returns a time by chance, exponentially distributed around the mean.
func (d *day) random(mean time.Duration) time.Duration {
	return time.Duration(d.rnd.ExpFloat64() * float64(mean))
}

// step does what is due next; false: the day is over.
func (d *day) step() bool {
	if len(d.due) == 0 {
		return false
	}
	e := d.due[len(d.due)-1]
	d.due = d.due[:len(d.due)-1]
	d.now = e.at
	e.do()
	d.obey()
	return true
}

// arrive lets a customer call, who waits as long as the patience goes, and arranges the next one.
func (d *day) arrive() {
	d.made++
	id := tandem.CallID(fmt.Sprint("call", d.made))
	leg := tandem.LegID(id)
	arrival := tandem.Arrival{Call: tandem.Call{ID: id, Direction: tandem.Inbound, Customer: leg}, Queue: "line", Answered: true, Patience: d.random(d.patience)}
	if err := d.engine.Enqueue(d.now, arrival); err != nil {
		fmt.Println(err)
	}
	if next := d.random(time.Duration(float64(time.Hour) / d.calls)); d.now.Add(next).Before(d.end) {
		d.after(next, d.arrive)
	}
}

// obey does what the engine wants: agents answer at once, and talk for as long as chance has it.
func (d *day) obey() {
	out := d.engine.Take(acd.Output{})
	for _, r := range out.Records(nil) {
		if c, ok := r.Event.(tandem.CallConnected); ok {
			d.longest = max(d.longest, c.Waited)
		}
	}
	for _, a := range out.Actions {
		switch a.Kind {
		case acd.ActionDial:
			d.after(0, func() { d.engine.Handle(d.now, tandem.LegAnswered{Leg: a.Leg}) })
		case acd.ActionBridge:
			d.after(0, func() { d.engine.Handle(d.now, tandem.LegBridged{Leg: a.Leg, Peer: a.Peer}) })
			d.after(d.random(d.talk), func() {
				d.engine.Handle(d.now, tandem.LegEnded{Leg: a.Leg, Cause: tandem.CauseNormal})
			})
		case acd.ActionHangup:
			d.after(0, func() { d.engine.Handle(d.now, tandem.LegEnded{Leg: a.Leg, Cause: a.Cause, Ours: true}) })
		case acd.ActionUnset, acd.ActionRoute, acd.ActionAnswer, acd.ActionPlay, acd.ActionExit:
		}
	}
}
