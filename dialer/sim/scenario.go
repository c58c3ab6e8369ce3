package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

// Scenario is what a shift is like. The functions get the time since its start; they must be quick. Use Day for one in which nothing changes.
type Scenario struct {
	Name   string
	Agents int // logged in at most
	Length time.Duration
	Limit  dialer.Share
	// Answer is the probability that a call placed then is answered by a person.
	Answer func(t time.Duration) float64
	// Handle is the mean time of talk and wrap-up of a conversation that begins then.
	Handle func(t time.Duration) time.Duration
	// Staff is how many agents are at work; nil: all. It is looked at every minute.
	Staff func(t time.Duration) int
	// Dead says when the carrier connects nothing: calls fail within seconds. Nil: never.
	Dead func(t time.Duration) bool
	// Wrap is which part of the handle time is wrap-up.
	Wrap float64
	// Short is which part of the conversations lasts a few seconds only.
	Short float64
	// Machines is which part of the unanswered calls is taken by a machine.
	Machines float64
	// RingMean is the mean ringing time of answered calls, Ring when a call is given up.
	RingMean, Ring time.Duration
	Patience       time.Duration
	// Window is what the limit holds over; the zero value is the whole run.
	Window dialer.Window
	// Blind scenarios never say how long the shift is.
	Blind bool
	// Memoryless makes talk, wrap-up and ringing exponential, for comparison with closed forms.
	Memoryless bool
	// Fickle makes the patience exponential, with Patience as its mean, for the same purpose.
	Fickle bool
}

// Day is an 8-hour shift with the reference values: 3 % limit, 2 s patience, 25 s ringing.
func Day(agents int, answer float64, handle time.Duration) Scenario {
	return Scenario{
		Name:     fmt.Sprintf("%d agents, %g answer, %s", agents, answer, handle),
		Agents:   agents,
		Length:   8 * time.Hour,
		Limit:    dialer.Percent(3),
		Answer:   func(time.Duration) float64 { return answer },
		Handle:   func(time.Duration) time.Duration { return handle },
		Wrap:     0.2,
		Machines: 0.15,
		RingMean: 12 * time.Second,
		Ring:     25 * time.Second,
		Patience: 2 * time.Second,
	}
}

// Validate returns a tandem.ErrInvalid that says what is wrong with the scenario, or nil.
func (s Scenario) Validate() error {
	bad := func(what, why string) error { return &tandem.ConfigError{Where: "sim: " + what, What: why} }
	switch {
	case s.Agents < 1 || s.Agents > 10_000:
		return bad("agents", "are not from 1 to 10000")
	case s.Length <= 0 || s.Length > 31*24*time.Hour:
		return bad("length", "is not above 0 and up to 31 days")
	case s.Answer == nil || !(s.Answer(0) > 0 && s.Answer(0) <= 1):
		return bad("answer", "is not above 0 and up to 1")
	case s.Handle == nil || s.Handle(0) < time.Second || s.Handle(0) > 4*time.Hour:
		return bad("handle", "is not from 1s to 4h")
	case s.Ring <= 0 || s.RingMean <= 0 || s.RingMean >= s.Ring || s.Patience < 0:
		return bad("ring", "times do not fit together")
	}
	return s.Limit.Validate()
}

// chance is a stream of random numbers that can be started anew for each record.
type chance struct {
	pcg *rand.PCG
	*rand.Rand
}

func newChance(a, b uint64) chance {
	p := rand.NewPCG(a, b)
	return chance{p, rand.New(p)}
}

// logNormal draws from the log-normal distribution with the given mean and coefficient of variation.
func (c chance) logNormal(mean, cv float64) float64 {
	v := math.Log(1 + cv*cv)
	return mean * math.Exp(math.Sqrt(v)*c.NormFloat64()-v/2)
}

// fate is what becomes of a placed call.
type fate struct {
	after    float64 // seconds
	answered bool
	talk     float64
	wrap     float64
}

// mix makes neighbouring numbers unlike each other (the finaliser of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// fate draws what becomes of record k when it is called at t.
func (s *Scenario) fate(c chance, seed, k uint64, t time.Duration) (f fate) {
	c.pcg.Seed(mix(seed), mix(k^seed<<32))
	if s.Dead != nil && s.Dead(t) {
		f.after = 1 + 4*c.Float64()
		return f
	}
	timeout := s.Ring.Seconds()
	ring := func() float64 {
		for {
			if r := c.logNormal(s.RingMean.Seconds(), 0.5); r < timeout {
				return r
			}
		}
	}
	switch {
	case c.Float64() < s.Answer(t):
		f.answered, f.after = true, ring()
		s.converse(c, &f, s.Handle(t).Seconds())
	case c.Float64() < s.Machines:
		f.after = ring() + 6 // the machine's greeting
	case c.Float64() < 0.15:
		f.after = 1 + 4*c.Float64()
	default:
		f.after = timeout
	}
	return f
}

func (s *Scenario) converse(c chance, f *fate, mean float64) {
	f.talk, f.wrap = c.logNormal((1-s.Wrap)*mean, 0.9), 0
	switch {
	case s.Memoryless:
		f.talk = c.ExpFloat64() * mean
		return
	case s.Short > 0 && c.Float64() < s.Short:
		f.talk = 3 + 9*c.Float64()
	case s.Short > 0:
		f.talk *= 1 / (1 - s.Short)
	}
	if s.Wrap > 0 {
		f.wrap = c.logNormal(s.Wrap*mean, 0.5)
	}
}
