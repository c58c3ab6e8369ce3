package campaign

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
)

// Rule says whether and when a lead is dialled again after an attempt with a certain outcome.
type Rule struct {
	// Attempts is how many attempts may end with this outcome before the lead is done, the first one included; 0 and 1
	// mean that the first one ends it.
	Attempts int
	// Delay is how long after the attempt's end the lead is due again.
	Delay time.Duration
	// NextPhone goes on with the lead's next phone, and after the last one with the first again; otherwise it is the
	// same phone.
	NextPhone bool
}

// Retry says what becomes of a lead after an attempt. It is a value: Next is its one decision, and a pure function.
type Retry struct {
	// MaxAttempts is how many attempts a lead gets in all, whatever came of them; zero means 10.
	MaxAttempts int
	// Rules are those by outcome; nil means DefaultRules. An outcome without a rule ends the lead. A rule for
	// connected is allowed (a survey in waves); one for blocked is not: a blocked number is passed over, and the
	// lead is done when no other is left. The same goes for an invalid number, whose rule counts the numbers.
	Rules map[tandem.Outcome]Rule
}

// DefaultMaxAttempts is how many attempts a lead gets when Retry.MaxAttempts is zero.
const DefaultMaxAttempts = 10

// DefaultRules returns the rules that Retry uses when it is given none.
func DefaultRules() map[tandem.Outcome]Rule {
	return map[tandem.Outcome]Rule{ //nolint:exhaustive // an outcome without a rule ends the lead
		tandem.OutcomeBusy:       {Attempts: 4, Delay: 10 * time.Minute},
		tandem.OutcomeNoAnswer:   {Attempts: 4, Delay: time.Hour, NextPhone: true},
		tandem.OutcomeRejected:   {Attempts: 2, Delay: 4 * time.Hour, NextPhone: true},
		tandem.OutcomeCongestion: {Attempts: 6, Delay: 5 * time.Minute},
		tandem.OutcomeMachine:    {Attempts: 3, Delay: 2 * time.Hour, NextPhone: true},
		tandem.OutcomeCancelled:  {Attempts: 3, Delay: 15 * time.Minute},
		// Somebody was disturbed for nothing: not again before three days have passed.
		tandem.OutcomeAbandoned: {Attempts: 2, Delay: 72 * time.Hour},
		// Nobody knows what the person heard when our process ended.
		tandem.OutcomeInterrupted: {Attempts: 2, Delay: 24 * time.Hour},
		tandem.OutcomeInvalid:     {Attempts: 16, NextPhone: true},
	}
}

// Validate returns a tandem.ErrInvalid that says what is wrong with the rules, or nil.
func (r Retry) Validate() error {
	if r.MaxAttempts < 0 {
		return &tandem.ConfigError{Where: "retry.max_attempts", What: "is negative"}
	}
	for _, o := range slices.Sorted(maps.Keys(r.Rules)) {
		where := "retry.rules." + o.String()
		switch rule := r.Rules[o]; {
		case o == tandem.OutcomeUnset || o == tandem.OutcomeBlocked:
			return &tandem.ConfigError{Where: where, What: "is an outcome that no rule is for"}
		case rule.Attempts < 0:
			return &tandem.ConfigError{Where: where + ".attempts", What: "is negative"}
		case rule.Delay < 0:
			return &tandem.ConfigError{Where: where + ".delay", What: "is negative"}
		case rule.Attempts > 1 && rule.Delay < time.Second && o != tandem.OutcomeInvalid:
			return &tandem.ConfigError{Where: where + ".delay", What: fmt.Sprintf("%s would dial in a loop", rule.Delay)}
		}
	}
	return nil
}

// Next returns where a lead with so many phones goes after an attempt that ended at a time with an outcome. before is its progress
// when it was leased. The result's Attempts counts that attempt, unless it was blocked: then none was made.
func (r Retry) Next(phones int, before Progress, o tandem.Outcome, at time.Time) Progress {
	p := before
	p.Last = o
	p.Tries = maps.Clone(before.Tries)
	if p.Tries == nil {
		p.Tries = make(map[tandem.Outcome]int)
	}
	p.Tries[o]++
	p.NextAt = time.Time{}
	if o != tandem.OutcomeBlocked {
		p.Attempts++
	}
	if o == tandem.OutcomeInvalid || o == tandem.OutcomeBlocked {
		p.Dead = append(slices.Clone(before.Dead), before.Phone)
	}
	rule, again := r.rule(o)
	next, left := nextPhone(phones, p)
	switch {
	case !left, !again, p.Attempts >= r.max(), p.Tries[o] >= rule.Attempts && o != tandem.OutcomeBlocked:
		p.State = LeadDone
		return p
	}
	if rule.NextPhone || slices.Contains(p.Dead, p.Phone) {
		p.Phone = next
	}
	p.State = LeadWaiting
	p.NextAt = at.Add(rule.Delay)
	return p
}

func (r Retry) rule(o tandem.Outcome) (Rule, bool) {
	if o == tandem.OutcomeBlocked {
		return Rule{NextPhone: true}, true
	}
	rules := r.Rules
	if rules == nil {
		rules = DefaultRules()
	}
	rule, ok := rules[o]
	return rule, ok
}

func (r Retry) max() int {
	if r.MaxAttempts == 0 {
		return DefaultMaxAttempts
	}
	return r.MaxAttempts
}

// nextPhone returns the phone behind the present one that is not dead, going round; false when all are.
func nextPhone(phones int, p Progress) (int, bool) {
	for i := 1; i <= phones; i++ {
		n := (p.Phone + i) % phones
		if !slices.Contains(p.Dead, n) {
			return n, true
		}
	}
	return 0, false
}
