package acdtest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// strategies are those that a scenario can name.
func strategies() map[string]acd.Strategy {
	return map[string]acd.Strategy{
		"longest_idle": acd.LongestIdle{}, "round_robin": acd.RoundRobin{}, "least_recent": acd.LeastRecent{}, "fewest_calls": acd.FewestCalls{},
		"least_talk": acd.LeastTalk{}, "linear": acd.Linear{}, "ring_all": acd.RingAll{},
	}
}

func (p *parser) queue() error {
	id, err := p.name()
	q := acd.QueueConfig{Queue: tandem.Queue{ID: tandem.QueueID(id)}}
	settings := map[string]func() error{
		"ring": p.into(&q.RingTimeout), "max-wait": p.into(&q.MaxWait), "service-level": p.into(&q.ServiceLevel),
		"at-once": p.count(&q.RingAtOnce), "weight": p.count(&q.Weight), "max-waiting": p.count(&q.MaxWaiting),
		"strategy": func() error {
			name := p.next()
			if q.Strategy = strategies()[name]; q.Strategy == nil {
				return fmt.Errorf("there is no strategy %q", name)
			}
			return nil
		},
		"wrap-up": func() (err error) {
			q.WrapUp, err = p.durationOrNone()
			return err
		},
		"back-off": func() error {
			d, err := p.durationOrNone()
			q.Retry = acd.Retry{NoAnswer: d, Rejected: d, Busy: d, Failed: d}
			return err
		},
		"refuse-when": func() (err error) {
			q.RefuseWhen, err = states(p.next())
			return err
		},
		"leave-when": func() (err error) {
			q.LeaveWhen, err = states(p.next())
			return err
		},
	}
	for err == nil && len(p.words) > 0 {
		option := p.next()
		set := settings[option]
		if set == nil {
			return fmt.Errorf("%q is no setting of a queue", option)
		}
		err = set()
	}
	p.s.Queues = append(p.s.Queues, q)
	return err
}

// count returns what reads a number to n.
func (p *parser) count(n *int) func() error {
	return func() (err error) {
		*n, err = p.number()
		return err
	}
}

func (p *parser) agent() error {
	name, err := p.name()
	if err != nil {
		return err
	}
	a := acd.AgentConfig{Agent: tandem.Agent{ID: tandem.AgentID(name)}}
	if err := p.expect("seats"); err != nil {
		return err
	}
	for text := range strings.SplitSeq(p.next(), ",") {
		s, err := seat(text)
		if err != nil {
			return err
		}
		a.Queues = append(a.Queues, s)
	}
	for err == nil && len(p.words) > 0 {
		switch {
		case p.take("wrap-up"):
			a.WrapUp, err = p.durationOrNone()
		case p.take("misses", "never"):
			a.MaxMisses = -1
		case p.take("misses"):
			a.MaxMisses, err = p.number()
		case p.take("skill"):
			err = p.skill(&a)
		case p.take("away"):
			p.s.Away[a.ID] = true
		default:
			var m Manner
			m, err = p.manner()
			p.s.Manner[a.ID] = m
		}
	}
	p.s.Agents = append(p.s.Agents, a)
	return err
}

// skill reads what an agent can, and how well.
func (p *parser) skill(a *acd.AgentConfig) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	level, err := p.number()
	if err != nil || level < 0 || level > 100 {
		return fmt.Errorf("skill %q wants a level from 0 to 100", name)
	}
	if a.Skills == nil {
		a.Skills = map[tandem.SkillID]uint8{}
	}
	a.Skills[tandem.SkillID(name)] = uint8(level)
	return nil
}

// needs reads what a call asks of its agents.
func (p *parser) needs(r *acd.Route) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	level, err := p.number()
	if err != nil || level < 0 || level > 100 {
		return fmt.Errorf("skill %q wants a level from 0 to 100", name)
	}
	r.Requirements = append(r.Requirements, tandem.Requirement{Skill: tandem.SkillID(name), Min: uint8(level)})
	return nil
}

func seat(text string) (acd.Seat, error) {
	parts := strings.Split(text, ":")
	s := acd.Seat{Queue: tandem.QueueID(parts[0])}
	if !isName(parts[0]) || len(parts) > 3 {
		return s, fmt.Errorf("%q is no seat", text)
	}
	for i, part := range parts[1:] {
		n, err := strconv.Atoi(part)
		if err != nil {
			return s, fmt.Errorf("%q is no seat: %q is no number", text, part)
		}
		if i == 0 {
			s.Level = n
		} else {
			s.Position = n
		}
	}
	return s, nil
}

func (p *parser) manner() (Manner, error) {
	var m Manner
	var err error
	switch {
	case p.take("ignores"):
		m.Ignores = true
	case p.take("answers", "after"):
		m.After, err = p.duration()
	case p.take("refuses"):
		if m.Refuses, err = enum[tandem.Cause](p.next()); err == nil {
			err = p.expect("after")
		}
		if err == nil {
			m.After, err = p.duration()
		}
	default:
		err = fmt.Errorf("%q is nothing an agent does", strings.Join(p.words, " "))
	}
	return m, err
}

func (p *parser) at() error {
	at, err := p.duration()
	if err != nil {
		return err
	}
	p.last = max(p.last, at)
	step := Step{At: at, Line: p.line}
	switch {
	case p.take("agent"):
		if step.Agent, err = p.agentID(); err == nil {
			err = p.agentDeed(&step)
		}
	case p.take("device"):
		if step.Agent, err = p.agentID(); err != nil {
			return err
		}
		switch w := p.next(); w {
		case "lost":
			step.Deed = DeedDeviceLost
		case "back":
			step.Deed = DeedDeviceBack
		default:
			return fmt.Errorf("a device is lost or back, not %q", w)
		}
	case p.take("call"):
		err = p.arrival(&step)
	case p.take("supervisor", "hangs", "up"):
		step.Deed = DeedSupervisorHangsUp
		step.Call, err = p.callID()
	case p.take("switch", "lost"):
		step.Deed, p.alone = DeedSwitchLost, p.line
	default:
		step.Deed = DeedHangsUp
		if step.Call, err = p.callID(); err == nil && !p.take("hangs", "up") {
			err = fmt.Errorf("%q is nothing a customer does", strings.Join(p.words, " "))
		}
	}
	p.s.Steps = append(p.s.Steps, step)
	return err
}

func (p *parser) agentDeed(s *Step) error {
	plain := map[string]Deed{"login": DeedLogin, "logout": DeedLogout, "ready": DeedReady, "finish": DeedFinish}
	if len(p.words) == 1 {
		if s.Deed = plain[p.words[0]]; s.Deed != DeedUnset {
			p.next()
			return nil
		}
	}
	var err error
	switch {
	case p.take("pause"):
		s.Deed, s.Reason = DeedPause, p.next()
	case p.take("reject"):
		s.Deed = DeedReject
		s.Call, err = p.callID()
	case p.take("hangs", "up"):
		s.Deed = DeedAgentHangsUp
	case len(p.words) == 1 && p.take("answers"):
		s.Deed = DeedAnswer
	case len(p.words) == 2 && p.take("refuses"):
		s.Deed = DeedRefuse
		s.Cause, err = enum[tandem.Cause](p.next())
	default:
		s.Deed = DeedManner
		s.Manner, err = p.manner()
	}
	return err
}

func (p *parser) arrival(s *Step) error {
	s.Deed = DeedCall
	name, err := p.name()
	s.Call = tandem.CallID(name)
	switch {
	case err != nil:
		return err
	case p.calls[s.Call]:
		return fmt.Errorf("call %q is there twice", name)
	}
	p.calls[s.Call] = true
	if err := p.expect("to"); err != nil {
		return err
	}
	s.Route.Queue, err = p.queueID()
	for err == nil && len(p.words) > 0 {
		switch option := p.next(); option {
		case "priority":
			s.Route.Priority, err = p.number()
		case "for":
			s.Route.Agent, err = p.agentID()
		case "prefers":
			s.Route.Prefer, err = p.agentID()
		case "needs":
			err = p.needs(&s.Route)
		case "waits":
			s.Route.Patience, err = p.duration()
		case "patience":
			s.Patience, err = p.duration()
		case "talks":
			s.Talk, err = p.duration()
		default:
			err = fmt.Errorf("%q is nothing about a call", option)
		}
	}
	return err
}

func (p *parser) expectation() error {
	e := Expectation{Line: p.line}
	var err error
	switch {
	case p.take("never"):
		e.Kind = ExpectNever
		if n := len(p.words); n > 2 && (p.words[n-2] == "before" || p.words[n-2] == "after") {
			limit, rest := p.words[n-2:], p.words[:n-2]
			p.words = limit[1:]
			d, err := p.duration()
			if err != nil {
				return err
			}
			if p.last = max(p.last, d); limit[0] == "before" {
				e.To = d
			} else {
				e.From = d
			}
			p.words = rest
		}
	case len(p.words) > 2 && p.words[1] == "times":
		e.Kind = ExpectTimes
		e.Times, err = p.number()
		p.next()
	default:
		e.Kind = ExpectAt
		e.At, err = p.duration()
		p.last = max(p.last, e.At)
	}
	if err == nil {
		err = p.whatHappens(&e)
	}
	p.s.Expect = append(p.s.Expect, e)
	return err
}

func (p *parser) whatHappens(e *Expectation) error {
	var err error
	look := func(kind ExpectationKind) {
		e.Kind = kind
		p.s.Steps = append(p.s.Steps, Step{At: e.At, Line: p.line, Deed: DeedLook})
	}
	switch {
	case e.Kind == ExpectAt && len(p.words) == 4 && p.words[0] == "agent" && p.words[2] == "is":
		look(ExpectState)
		p.next()
		if e.Agent, err = p.agentID(); err != nil {
			return err
		}
		p.next()
		e.State, err = enum[tandem.AgentState](p.next())
	case e.Kind == ExpectAt && len(p.words) > 3 && p.words[0] == "queue" && p.words[2] == "counts":
		look(ExpectCounts)
		p.next()
		if e.Queue, err = p.queueID(); err != nil {
			return err
		}
		p.next()
		for i, what := range [...]string{"offered", "answered", "abandoned", "left", "waiting", "talking"} {
			if err = p.expect(what); err != nil {
				return err
			}
			if e.Counts[i], err = p.number(); err != nil {
				return err
			}
		}
	default:
		e.Words, p.words = p.words, nil
		err = p.sentence(e.Words)
	}
	return err
}
