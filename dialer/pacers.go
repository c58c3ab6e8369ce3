package dialer

import (
	"fmt"
	"math"

	"github.com/tandem-cc/tandem"
)

// Progressive dials one line for each agent who is ready and for whom none is out yet. Nobody who answers can meet
// fewer agents than when the call was dialled, but for agents who leave in the meantime. It is the pacer to begin with,
// and the only one that a limit of zero allows.
type Progressive struct{}

// Pace implements Pacer.
func (Progressive) Pace(s *Snapshot) Decision {
	h := s.Head()
	return decide(h, h.Free, RuleOnePer)
}

// Ratio dials a fixed number of lines for each agent who is ready. It knows nothing about how many people answer: put it
// into a Budget.
type Ratio struct {
	// Lines is how many lines are out for each ready agent, from 1 to 20; parts of lines are rounded down over all agents.
	Lines float64
}

// maxLines is more lines per agent than any answer rate justifies.
const maxLines = 20

// Validate returns a tandem.ErrInvalid that says what is wrong with the ratio, or nil.
func (r Ratio) Validate() error {
	if math.IsNaN(r.Lines) || r.Lines < 1 || r.Lines > maxLines {
		return &tandem.ConfigError{Where: "dialer: ratio.lines", What: fmt.Sprintf("%g is not from 1 to %d", r.Lines, maxLines)}
	}
	return nil
}

// Pace implements Pacer. A ratio that is not valid counts as 1.
func (r Ratio) Pace(s *Snapshot) Decision {
	lines := r.Lines
	if r.Validate() != nil {
		lines = 1
	}
	h := s.Head()
	return decide(h, int(lines*float64(max(0, h.Free))), RuleRatio)
}

// decide brings the lines that are out to the number wanted.
func decide(h Head, want int, rule string) Decision {
	switch {
	case h.Ready == 0:
		return Decision{Rule: RuleNoAgent}
	case want <= h.Dialing:
		return Decision{Rule: RuleCovered}
	}
	return Decision{Calls: want - h.Dialing, Rule: rule}
}

// Budget keeps another pacer inside the snapshot's limit, whatever that one wants: each line beyond one per free agent
// may become one abandoned call, so no more of them are out than the ledger has room for. The share of the window can
// then exceed the limit only by agents who leave while their calls ring. With a limit of zero every pacer is Progressive.
type Budget struct {
	// Pacer is the one to keep; nil means Progressive.
	Pacer Pacer
}

// Pace implements Pacer.
func (b Budget) Pace(s *Snapshot) Decision {
	if b.Pacer == nil {
		return Progressive{}.Pace(s)
	}
	d := b.Pacer.Pace(s)
	h := s.Head()
	// Each line out may be answered, and so may each person who waits be lost: beyond the free agents both are at risk.
	allowed := max(0, h.Ready) + s.Spent.Room(s.Limit) - h.Waiting - h.Dialing
	if d.Calls > allowed {
		d.Calls = max(0, allowed)
		d.Rule = RuleBudget
	}
	return d
}
