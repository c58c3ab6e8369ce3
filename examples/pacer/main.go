package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

// cautious dials two lines for each ready agent as long as at least a third of the floor is ready, and one otherwise.
func cautious(s *dialer.Snapshot) dialer.Decision {
	if h := s.Head(); 3*h.Ready >= len(s.Agents) {
		return dialer.Ratio{Lines: 2}.Pace(s)
	}
	return dialer.Progressive{}.Pace(s)
}

func main() {
	limit := dialer.Percent(3)
	fmt.Printf("%-28s %11s %9s %9s\n", "pacer", "utilisation", "answered", "abandoned")
	for _, p := range []struct {
		name  string
		pacer dialer.Pacer
	}{
		{"progressive", dialer.Progressive{}},
		{"3 lines per agent", dialer.Ratio{Lines: 3}},
		{"3 lines inside a 3% budget", dialer.Budget{Pacer: dialer.Ratio{Lines: 3}}},
		{"a pacer of one's own", dialer.Budget{Pacer: dialer.PacerFunc(cautious)}},
	} {
		used, spent := shift(p.pacer, limit)
		fmt.Printf("%-28s %10.1f%% %9d %9s\n", p.name, 100*used, spent.Answered, spent.Share())
	}
}

// The floor: ten agents, one call in four is answered, after some ten seconds, and takes about two minutes.
const (
	agents   = 10
	answers  = 0.25
	ringing  = 25
	patience = 2
)

// call is one call of the simulation: how old it is, when it is answered (0: never) and how long it has waited since.
type call struct{ age, answered, waited int }

// shift plays eight hours, second by second, and returns the share of their time that agents talked, and the ledger's count.
func shift(p dialer.Pacer, limit dialer.Share) (float64, dialer.Tally) {
	rnd := rand.New(rand.NewPCG(1, 2))
	ledger, err := dialer.NewLedger(dialer.Window{Kind: dialer.WindowDay})
	if err != nil {
		panic(err)
	}
	var busy [agents]int // seconds left of each agent's call
	var calls []call
	worked := 0
	now := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	const day = 8 * 3600
	for range day {
		now = now.Add(time.Second)
		worked += work(&busy)
		calls = advance(calls, &busy, rnd, func(f dialer.Fate) { ledger.Add(now, now, f) })
		s := dialer.Snapshot{Now: now, Spent: ledger.Tally(now), Limit: limit}
		for _, left := range busy {
			state := tandem.AgentReady
			if left > 0 {
				state = tandem.AgentOnCall
			}
			s.Agents = append(s.Agents, dialer.Agent{State: state})
		}
		for _, c := range calls {
			stage := dialer.StageDialing
			if c.waited > 0 {
				stage = dialer.StageWaiting
			}
			s.Calls = append(s.Calls, dialer.Call{Stage: stage, Age: time.Duration(c.age) * time.Second})
		}
		for range p.Pace(&s).Calls {
			c := call{}
			if rnd.Float64() < answers {
				c.answered = 4 + rnd.IntN(16)
			}
			calls = append(calls, c)
		}
	}
	return float64(worked) / (agents * day), ledger.Tally(now)
}

// work lets a second pass for the agents and returns how many of them talked.
func work(busy *[agents]int) int {
	n := 0
	for i := range busy {
		if busy[i] > 0 {
			busy[i]--
			n++
		}
	}
	return n
}

// advance lets a second pass for the calls: they ring, are taken by an agent, or are lost.
func advance(calls []call, busy *[agents]int, rnd *rand.Rand, fate func(dialer.Fate)) []call {
	var left []call
	for _, c := range calls {
		c.age++
		switch {
		case c.answered == 0 || c.age < c.answered:
			if c.age < ringing {
				left = append(left, c)
			}
		case take(busy, 60+rnd.IntN(120)):
			fate(dialer.FateTaken)
		case c.waited == patience:
			fate(dialer.FateAbandoned)
		default:
			c.waited++
			left = append(left, c)
		}
	}
	return left
}

// take gives a call of so many seconds to an agent who is free.
func take(busy *[agents]int, seconds int) bool {
	for i := range busy {
		if busy[i] == 0 {
			busy[i] = seconds
			return true
		}
	}
	return false
}
