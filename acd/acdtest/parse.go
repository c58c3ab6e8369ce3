package acdtest

import (
	"bufio"
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// The limits of a scenario: one that is larger is no scenario that anybody reads.
const (
	maxLines = 10_000
	maxTime  = 30 * 24 * time.Hour
)

// Parse reads a scenario. What is wrong is a *tandem.ConfigError whose Where is the line.
func Parse(r io.Reader) (*Scenario, error) {
	p := &parser{
		s:     &Scenario{Within: 400 * time.Millisecond, Manner: map[tandem.AgentID]Manner{}, Away: map[tandem.AgentID]bool{}},
		calls: map[tandem.CallID]bool{},
	}
	scan := bufio.NewScanner(r)
	for scan.Scan() {
		p.line++
		if p.line > maxLines {
			return nil, p.wrong(errors.New("is too many lines"))
		}
		p.words = strings.Fields(scan.Text())
		if len(p.words) == 0 || strings.HasPrefix(p.words[0], "#") {
			continue
		}
		if err := p.statement(); err != nil {
			return nil, p.wrong(err)
		}
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("acdtest: line %d: %w", p.line+1, err)
	}
	return p.finish()
}

// parser reads one line after the other; words are those of the line not read yet.
type parser struct {
	s     *Scenario
	line  int
	words []string
	calls map[tandem.CallID]bool
	alone int // the line that only the engine alone can run
	last  time.Duration
}

func (p *parser) wrong(err error) error {
	return &tandem.ConfigError{Where: fmt.Sprintf("acdtest: line %d", p.line), What: err.Error()}
}

// finish checks the whole and puts it in order.
func (p *parser) finish() (*Scenario, error) {
	s := p.s
	switch {
	case s.Title == "":
		p.line = 1
		return nil, p.wrong(errors.New(`wants "promise" or "defect" and a text`))
	case len(s.Expect) == 0:
		return nil, p.wrong(errors.New("the scenario expects nothing"))
	}
	if s.On == nil {
		s.On = []string{OnEngine, OnLoopback}
	}
	if p.alone > 0 && (len(s.On) != 1 || s.On[0] != OnEngine) {
		p.line = p.alone
		return nil, p.wrong(errors.New(`needs "on engine"`))
	}
	if s.End == 0 {
		s.End = p.last + time.Minute
	}
	if s.End < p.last {
		return nil, p.wrong(fmt.Errorf("the end %s is before %s", s.End, p.last))
	}
	slices.SortStableFunc(s.Steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.At, b.At), compareLook(a, b))
	})
	if _, err := acd.NewEngine(acd.EngineConfig{Queues: s.Queues, Agents: s.Agents}); err != nil {
		return nil, fmt.Errorf("acdtest: %w", err)
	}
	return s, nil
}

// compareLook lets one look after everything else of the same instant was done.
func compareLook(a, b Step) int {
	switch {
	case a.Deed != DeedLook && b.Deed == DeedLook:
		return -1
	case a.Deed == DeedLook && b.Deed != DeedLook:
		return 1
	}
	return 0
}

func (p *parser) statement() error {
	first := p.next()
	switch {
	case first == "promise" || first == "defect":
		if p.s.Title != "" || len(p.words) == 0 {
			return fmt.Errorf("%s wants a text, once", first)
		}
		p.s.Title, p.s.Defect = strings.Join(p.words, " "), first == "defect"
		return nil
	case p.s.Title == "":
		return errors.New(`wants "promise" or "defect" and a text first`)
	}
	kinds := map[string]func() error{
		"on": p.places, "within": p.into(&p.s.Within), "queue": p.queue, "agent": p.agent, "hang-up": p.hangUp, "at": p.at, "expect": p.expectation,
		"end": p.into(&p.s.End),
	}
	kind := kinds[first]
	if kind == nil {
		return fmt.Errorf("%q is no statement", first)
	}
	err := kind()
	if err == nil && len(p.words) > 0 {
		return fmt.Errorf("%q is too much", strings.Join(p.words, " "))
	}
	return err
}

// into returns what reads a duration to d.
func (p *parser) into(d *time.Duration) func() error {
	return func() (err error) {
		*d, err = p.duration()
		return err
	}
}

func (p *parser) hangUp() error {
	p.alone = p.line
	if err := p.expect("takes"); err != nil {
		return err
	}
	return p.into(&p.s.HangUp)()
}

func (p *parser) places() error {
	p.s.On = nil
	for len(p.words) > 0 {
		place := p.next()
		if place != OnEngine && place != OnLoopback && place != OnReal || p.s.RunsOn(place) {
			return fmt.Errorf("%q is no place to run on, or is there twice", place)
		}
		p.s.On = append(p.s.On, place)
	}
	if p.s.On == nil {
		return errors.New("names no place to run on")
	}
	return nil
}

// next takes the next word; the empty one when there is none.
func (p *parser) next() string {
	if len(p.words) == 0 {
		return ""
	}
	w := p.words[0]
	p.words = p.words[1:]
	return w
}

// take takes the words if they come next.
func (p *parser) take(words ...string) bool {
	if len(p.words) < len(words) || !slices.Equal(p.words[:len(words)], words) {
		return false
	}
	p.words = p.words[len(words):]
	return true
}

func (p *parser) expect(word string) error {
	if got := p.next(); got != word {
		return fmt.Errorf("wants %q, got %q", word, got)
	}
	return nil
}

func (p *parser) duration() (time.Duration, error) {
	w := p.next()
	d, err := time.ParseDuration(w)
	if err != nil || d < 0 || d > maxTime {
		return 0, fmt.Errorf("%q is no time from 0s to %s", w, maxTime)
	}
	return d, nil
}

// durationOrNone takes "none" for none at all, which the configuration writes as negative.
func (p *parser) durationOrNone() (time.Duration, error) {
	if p.take("none") {
		return -1, nil
	}
	return p.duration()
}

func (p *parser) number() (int, error) {
	w := p.next()
	n, err := strconv.Atoi(w)
	if err != nil || n < -1_000_000 || n > 1_000_000 {
		return 0, fmt.Errorf("%q is no number", w)
	}
	return n, nil
}

func (p *parser) name() (string, error) {
	w := p.next()
	if !isName(w) {
		return "", fmt.Errorf("%q is no name", w)
	}
	return w, nil
}

// isName says whether a word can name something: letters, digits, _ and -, and none of the words that sentences begin with.
func isName(w string) bool {
	if w == "" || len(w) > 40 || slices.Contains([]string{anything, "agent", "offer", "queue", "call", "device", "supervisor", "switch"}, w) {
		return false
	}
	return !strings.ContainsFunc(w, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

// named reads the name of something that must be there.
func (p *parser) agentID() (tandem.AgentID, error) {
	w := p.next()
	if !slices.ContainsFunc(p.s.Agents, func(a acd.AgentConfig) bool { return string(a.ID) == w }) {
		return "", fmt.Errorf("there is no agent %q", w)
	}
	return tandem.AgentID(w), nil
}

func (p *parser) queueID() (tandem.QueueID, error) {
	w := p.next()
	if !slices.ContainsFunc(p.s.Queues, func(q acd.QueueConfig) bool { return string(q.ID) == w }) {
		return "", fmt.Errorf("there is no queue %q", w)
	}
	return tandem.QueueID(w), nil
}

func (p *parser) callID() (tandem.CallID, error) {
	w := tandem.CallID(p.next())
	if !p.calls[w] {
		return "", fmt.Errorf("there is no call %q", w)
	}
	return w, nil
}

// enum reads a name of a closed set.
func enum[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](w string) (T, error) {
	var v T
	if w == "" {
		return v, errors.New("a word is missing at the end")
	}
	return v, P(&v).UnmarshalText([]byte(w))
}

func states(w string) ([]tandem.AgentState, error) {
	var all []tandem.AgentState
	for name := range strings.SplitSeq(w, ",") {
		s, err := enum[tandem.AgentState](name)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}
