package acdtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// History is what came of a scenario.
type History struct {
	Start   time.Time
	Records []tandem.Record // the engine's and the switch's, in order
	Looks   []Look
	Faults  []error // what the engine complained of
	Refused []error // commands that were refused, such as an answer that came too late
}

// Look is a snapshot that an expectation asks for.
type Look struct {
	At       time.Duration
	Snapshot acd.Snapshot
}

// Check returns everything that was expected and did not happen, or happened and must not; within is how far times may be off.
func (s *Scenario) Check(h *History, within time.Duration) error {
	c := checker{h: h, within: within}
	for _, r := range h.Records {
		for _, words := range tell(r.Event) {
			c.told = append(c.told, happening{at: r.At.Sub(h.Start), words: words})
		}
	}
	for _, e := range s.Expect {
		if err := c.check(e); err != nil {
			c.errs = append(c.errs, fmt.Errorf("line %d: %w", e.Line, err))
		}
	}
	if len(c.errs) > 0 {
		c.errs = append(c.errs, errors.New("what happened:\n"+c.story()))
	}
	return errors.Join(c.errs...)
}

type happening struct {
	at    time.Duration
	words []string
	taken bool
}

type checker struct {
	h      *History
	within time.Duration
	told   []happening
	errs   []error
}

func (c *checker) check(e Expectation) error {
	switch e.Kind {
	case ExpectAt:
		for i, h := range c.told {
			if !h.taken && (h.at-e.At).Abs() <= c.within && means(h.words, e.Words, c.within) {
				c.told[i].taken = true
				return nil
			}
		}
		return fmt.Errorf("expected at %s: %s", e.At, strings.Join(e.Words, " "))
	case ExpectTimes:
		return c.times(e)
	case ExpectNever:
		return c.never(e)
	case ExpectState, ExpectCounts:
		return c.look(e)
	case ExpectUnset:
		return errors.New("expects nothing")
	}
	return nil
}

func (c *checker) times(e Expectation) error {
	n := 0
	for _, h := range c.told {
		if means(h.words, e.Words, c.within) {
			n++
		}
	}
	if n != e.Times {
		return fmt.Errorf("expected %d times, came %d times: %s", e.Times, n, strings.Join(e.Words, " "))
	}
	return nil
}

func (c *checker) never(e Expectation) error {
	for _, h := range c.told {
		in := (e.From == 0 || h.at > e.From) && (e.To == 0 || h.at < e.To)
		if in && means(h.words, e.Words, c.within) {
			return fmt.Errorf("must not happen, came at %s: %s", h.at, strings.Join(h.words, " "))
		}
	}
	return nil
}

// look checks an expectation about a snapshot.
func (c *checker) look(e Expectation) error {
	i := slices.IndexFunc(c.h.Looks, func(l Look) bool { return l.At == e.At })
	if i < 0 {
		return fmt.Errorf("nobody looked at %s", e.At)
	}
	snap := c.h.Looks[i].Snapshot
	for _, a := range snap.Agents {
		if e.Kind == ExpectState && a.ID == e.Agent && a.State != e.State {
			return fmt.Errorf("at %s agent %s is %s, expected %s", e.At, a.ID, a.State, e.State)
		}
	}
	for _, q := range snap.Queues {
		got := [6]int{int(q.Offered), int(q.Answered), int(q.Abandoned), int(q.Left), len(q.Waiting), q.Talking} //nolint:gosec // small
		if e.Kind == ExpectCounts && q.ID == e.Queue && got != e.Counts {
			return fmt.Errorf("at %s queue %s counts %s, expected %s", e.At, q.ID, countsText(got), countsText(e.Counts))
		}
	}
	return nil
}

// story tells what happened, a line each.
func (c *checker) story() string {
	var b strings.Builder
	for _, h := range c.told {
		fmt.Fprintf(&b, "  %s %s\n", h.at, strings.Join(h.words, " "))
	}
	for _, err := range append(slices.Clone(c.h.Faults), c.h.Refused...) {
		fmt.Fprintf(&b, "  fault: %v\n", err)
	}
	return b.String()
}
