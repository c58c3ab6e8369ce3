package acd

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/tandem-cc/tandem"
)

// maxClasses is how many classes a queue keeps for calls to come. Beyond it, those that no call is in are forgotten.
const maxClasses = 16

// maxRequirements bounds what a call may ask for.
const maxRequirements = 32

// class is a line for the calls of a queue that ask the same of their agents. It comes about with its first call, at the cost of one look at each
// seat of the queue; from then on the agents who will do stand in it as in any other line, and a decision costs no scan.
type class struct {
	line  line
	key   string
	needs []tandem.Requirement // by skill
	level int32                // the highest that is asked
	calls int
}

// allLevels is a class's level when every agent is asked.
const allLevels = math.MaxInt32

// takes says whether the agent of a seat will do.
func (cl *class) takes(s *seat) bool {
	return s.level <= cl.level && meets(s.agent, cl.needs)
}

func meets(a *agent, needs []tandem.Requirement) bool {
	for _, r := range needs {
		if !r.MetBy(a.cfg.Skills) {
			return false
		}
	}
	return true
}

// checkNeeds returns what is wrong with requirements, alone or together.
func checkNeeds(where string, needs ...[]tandem.Requirement) error {
	all := slices.Concat(needs...)
	if len(all) > maxRequirements {
		return &tandem.ConfigError{Where: where, What: fmt.Sprintf("are more than %d", maxRequirements)}
	}
	for _, r := range all {
		if err := r.Validate(); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
	}
	for _, r := range merge(all) {
		if r.Max > 0 && r.Min > r.Max {
			return &tandem.ConfigError{Where: where, What: fmt.Sprintf("contradict each other on skill %q: at least %d, at most %d", r.Skill, r.Min, r.Max)}
		}
	}
	return nil
}

// merge joins requirements into one for each skill, in the order of the skills.
func merge(all []tandem.Requirement) []tandem.Requirement {
	slices.SortStableFunc(all, func(a, b tandem.Requirement) int { return cmp.Compare(a.Skill, b.Skill) })
	merged := all[:0]
	for _, r := range all {
		if r.Max == 0 {
			r.Max = 100
		}
		if n := len(merged); n > 0 && merged[n-1].Skill == r.Skill {
			m := &merged[n-1]
			m.Min, m.Max = max(m.Min, r.Min), min(m.Max, r.Max)
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

// checkEasing returns what is wrong with a queue's requirements and their relaxation.
func (c QueueConfig) checkEasing(where string) error {
	if err := checkNeeds(where+".requirements", c.Requirements); err != nil {
		return err
	}
	for i, r := range c.Relax {
		at := fmt.Sprintf("%s.relax[%d]", where, i)
		switch {
		case r.After <= 0:
			return &tandem.ConfigError{Where: at + ".after", What: "is not positive"}
		case r.Skill == "":
			return &tandem.ConfigError{Where: at + ".skill", What: "is missing"}
		case r.Min > 100:
			return &tandem.ConfigError{Where: at + ".min", What: "is above 100"}
		}
	}
	for i, t := range c.Tiers {
		at := fmt.Sprintf("%s.tiers[%d]", where, i)
		switch {
		case t.After <= 0:
			return &tandem.ConfigError{Where: at + ".after", What: "is not positive"}
		case t.Level <= 0 || t.Level > maxLevel:
			return &tandem.ConfigError{Where: at + ".level", What: fmt.Sprintf("is not from 1 to %d", maxLevel)}
		case i > 0 && (t.Level <= c.Tiers[i-1].Level || t.After < c.Tiers[i-1].After):
			return &tandem.ConfigError{Where: at, What: "does not come after the one before it"}
		}
	}
	return nil
}

// asks returns what a call asks of its agents after it has waited so long, and when that changes next; 0: never.
func (q *queue) asks(own []tandem.Requirement, waited time.Duration) (needs []tandem.Requirement, level int32, next time.Duration) {
	level = allLevels
	later := func(d time.Duration) {
		if next == 0 || d < next {
			next = d
		}
	}
	for _, t := range q.cfg.Tiers {
		if waited < t.After {
			level = int32(t.Level) - 1 //nolint:gosec // checked
			later(t.After)
			break
		}
	}
	if len(q.cfg.Requirements)+len(own) == 0 {
		return nil, level, next
	}
	needs = merge(slices.Concat(q.cfg.Requirements, own))
	for _, r := range q.cfg.Relax {
		if waited < r.After {
			later(r.After)
			continue
		}
		for i := range needs {
			if n := &needs[i]; n.Skill == r.Skill && r.Min < n.Min {
				n.Min = r.Min
			}
		}
	}
	needs = slices.DeleteFunc(needs, func(r tandem.Requirement) bool { return r.Min == 0 && r.Max == 100 })
	return needs, level, next
}

// class returns the class of calls that ask for this, or nil for those that ask for nothing.
func (q *queue) class(needs []tandem.Requirement, level int32) *class {
	if len(needs) == 0 && level == allLevels {
		return nil
	}
	var buf [128]byte
	key := strconv.AppendInt(buf[:0], int64(level), 10)
	for _, r := range needs {
		key = append(key, ' ', r.Min, r.Max)
		key = strconv.AppendQuote(key, string(r.Skill))
	}
	for _, cl := range q.classes {
		if cl.key == string(key) {
			return cl
		}
	}
	if len(q.classes) >= maxClasses {
		q.forgetClass()
	}
	cl := &class{key: string(key), needs: needs, level: level}
	q.classes = append(q.classes, cl)
	for _, home := range q.seats {
		if cl.takes(home) {
			home.agent.sit(&seat{agent: home.agent, line: &cl.line, home: home, level: home.level, position: home.position, key: home.key})
		}
	}
	return cl
}

// sit gives an agent one more seat.
func (a *agent) sit(s *seat) {
	a.seats = append(a.seats, s)
	if a.standing {
		s.line.ready.insert(s.stander())
	}
}

// forgetClass drops the oldest class that no call is in, if there is one.
func (q *queue) forgetClass() {
	i := slices.IndexFunc(q.classes, func(cl *class) bool { return cl.calls == 0 })
	if i < 0 {
		return
	}
	cl := q.classes[i]
	q.classes = slices.Delete(q.classes, i, i+1)
	for _, home := range q.seats {
		a := home.agent
		a.seats = slices.DeleteFunc(a.seats, func(s *seat) bool { return s.line == &cl.line })
	}
}

// classify brings a waiting call to the line of those that ask the same, and says whether that is another one than before.
func (e *Engine) classify(c *call) bool {
	needs, level, next := c.queue.asks(c.needs, time.Duration(e.now-c.since))
	c.eases = 0
	if next > 0 {
		c.eases = c.since + int64(next)
	}
	cl := c.queue.class(needs, level)
	if cl == c.class && c.direct == nil {
		return false
	}
	c.relocate(cl)
	return true
}

// relocate moves a call to another line of its queue; nil: that of the calls that ask for nothing.
func (c *call) relocate(cl *class) {
	spot := c.spot
	c.move(spotNone)
	c.leaveClass()
	c.direct, c.released = nil, 0
	c.class, c.line = cl, &c.queue.line
	if cl != nil {
		cl.calls++
		c.line = &cl.line
	}
	c.move(spot)
}

func (c *call) leaveClass() {
	if c.class != nil {
		c.class.calls--
		c.class = nil
	}
}

// letGo gives a call that was kept for a preferred agent to everybody.
func (e *Engine) letGo(c *call, rule string) {
	e.decided(tandem.Decided{Call: c.ID, Queue: c.queue.cfg.ID, Strategy: c.queue.strategy, Rule: rule})
	e.classify(c)
	if c.queue.ringer != nil && c.offers > 0 {
		c.rungAt = e.now
		e.widen(c)
	}
}

// missed makes the calls that are kept for an agent be looked at when the input is done.
func (e *Engine) missed(a *agent) {
	if a.own != nil && !a.forsaken && a.absent() {
		a.forsaken = true
		e.forsaken = append(e.forsaken, a)
	}
}

// forsake lets go of the calls that are kept for an agent who is not at work any more.
func (e *Engine) forsake(a *agent) {
	a.forsaken = false
	if !a.absent() {
		return
	}
	var kept []*call
	a.own.line.open.each(func(w waiter) bool {
		if w.call.released > 0 {
			kept = append(kept, w.call)
		}
		return true
	})
	for _, c := range kept {
		e.letGo(c, "preferred_absent")
		e.arm(c)
		e.seek(c)
	}
}

// absent says whether there is no sense in keeping a call for an agent.
func (a *agent) absent() bool {
	return a.wants != wantsReady || !a.reachable
}
