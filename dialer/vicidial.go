package dialer

import (
	"math"
	"time"

	"github.com/tandem-cc/tandem"
)

// VICIdial dials as the adaptive modes of VICIdial do: so many calls are up, conversations included, as its dial level times the
// agents who are ready or talk (those who wrap up are not counted). The level is VICIdialLevel's to find. It is for comparison and for
// those who come from there: put it into a Budget to keep it within a limit.
type VICIdial struct {
	// Level is the dial level; below 1 it counts as 1.
	Level float64
	// AvailableOnly multiplies the ready agents only.
	AvailableOnly bool
}

// vicidialLoop is how often VICIdial looks.
const vicidialLoop = 2500 * time.Millisecond

// Pace implements Pacer.
func (v VICIdial) Pace(s *Snapshot) Decision {
	h := s.Head()
	talking, up := 0, h.Dialing
	for i := range s.Agents {
		if s.Agents[i].State == tandem.AgentOnCall {
			talking++
		}
	}
	for i := range s.Calls {
		switch s.Calls[i].Stage {
		case StageWaiting, StageConnected:
			up++
		case StageUnset, StageDialing:
		}
	}
	level := max(1, v.Level)
	goal := int(math.Round(level * float64(h.Ready+talking)))
	if v.AvailableOnly {
		goal = int(math.Round(level*float64(h.Ready))) + talking
	}
	if h.Ready+talking == 0 {
		return Decision{Rule: RuleNoAgent}
	}
	return Decision{Calls: max(0, goal-up), Next: vicidialLoop, Rule: RuleLevel}
}

// VICIdialLevel finds the dial level from what it sees, as VICIdial's adaptive hard-limit mode does with its default
// settings: every 15 seconds the level moves by the mean difference of ready agents and waiting calls per agent; when the share of abandoned
// calls exceeds the limit after 50 calls it falls to 1. The zero value begins at level 1. Not to be used concurrently.
type VICIdialLevel struct {
	// Most is the highest level; zero means 3.
	Most float64
	// Target is added to the difference, in agents: negative levels keep callers from waiting.
	Target float64
	// AvailableOnly is that of VICIdial.
	AvailableOnly bool

	level          float64
	sampled, moved time.Time
	ready, waiting float64
	agents         float64
	samples        float64
}

// See looks at a snapshot; to be called about every second.
func (l *VICIdialLevel) See(s *Snapshot) {
	if l.level == 0 {
		l.level, l.moved = 1, s.Now
	}
	if s.Now.Sub(l.sampled) < time.Second {
		return
	}
	l.sampled = s.Now
	h := s.Head()
	l.ready += float64(h.Ready)
	l.waiting += float64(h.Waiting)
	l.agents += float64(len(s.Agents))
	l.samples++
	if s.Now.Sub(l.moved) < 15*time.Second || l.agents == 0 {
		return
	}
	l.moved = s.Now
	most := l.Most
	if most <= 0 {
		most = 3
	}
	diff := (l.ready - l.waiting + l.Target*l.samples) / l.agents
	l.level = min(most, max(1, l.level*(1+diff)))
	if s.Spent.Answered > 50 && !s.Spent.Within(s.Limit) {
		l.level = 1
	}
	l.ready, l.waiting, l.agents, l.samples = 0, 0, 0, 0
}

// Pacer returns the pacer with the level of now.
func (l *VICIdialLevel) Pacer() VICIdial {
	return VICIdial{Level: l.level, AvailableOnly: l.AvailableOnly}
}
