package acdtest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// strategies are those that a scenario can name.
func strategies() map[string]acd.Strategy {
	return map[string]acd.Strategy{"longest_idle": acd.LongestIdle{}, "round_robin": acd.RoundRobin{}}
}

func (p *parser) queue() error {
	id, err := p.name()
	q := acd.QueueConfig{Queue: tandem.Queue{ID: tandem.QueueID(id)}}
	for err == nil && len(p.words) > 0 {
		switch option := p.next(); option {
		case "strategy":
			name := p.next()
			if q.Strategy = strategies()[name]; q.Strategy == nil {
				err = fmt.Errorf("there is no strategy %q", name)
			}
		case "ring":
			q.RingTimeout, err = p.duration()
		case "at-once":
			q.RingAtOnce, err = p.number()
		case "wrap-up":
			q.WrapUp, err = p.durationOrNone()
		case "weight":
			q.Weight, err = p.number()
		case "max-waiting":
			q.MaxWaiting, err = p.number()
		case "max-wait":
			q.MaxWait, err = p.duration()
		case "service-level":
			q.ServiceLevel, err = p.duration()
		case "back-off":
			var d time.Duration
			d, err = p.durationOrNone()
			q.Retry = acd.Retry{NoAnswer: d, Rejected: d, Busy: d, Failed: d}
		case "refuse-when":
			q.RefuseWhen, err = states(p.next())
		case "leave-when":
			q.LeaveWhen, err = states(p.next())
		default:
			err = fmt.Errorf("%q is no setting of a queue", option)
		}
	}
	p.s.Queues = append(p.s.Queues, q)
	return err
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
