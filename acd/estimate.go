package acd

import "time"

// pace is what a queue has measured of its own speed, from which the waits of those in it are estimated.
type pace struct {
	busy   bool    // calls have been waiting ever since the last one was connected
	last   int64   // when that was
	gap    float64 // the mean time between two connections while calls wait, in nanoseconds
	gaps   uint64  // how many were measured
	waited float64 // the sum of all waits that are over, in nanoseconds
}

// memory is over how many connections the mean reaches back: long enough not to jump, short enough to follow the agents who come and go.
const memory = 32

// minGaps is how many connections must have been measured before anything is said.
const minGaps = 3

// connected takes a connection: others: how many wait on.
func (p *pace) connected(now int64, waited int64, others int) {
	if p.busy {
		p.gaps++
		p.gap += (float64(now-p.last) - p.gap) / float64(min(p.gaps, memory))
	}
	p.last, p.busy = now, others > 0
	p.waited += float64(waited)
}

// left takes a call that left without an agent.
func (p *pace) left(waited int64, others int) {
	p.busy = p.busy && others > 0
	p.waited += float64(waited)
}

// estimates returns a function that gives, call by call, the remaining wait of a patient caller at positions 1, 2, 3 and so on; 0: not known. Each place before
// somebody's own is taken at the measured pace, or given up at the rate at which callers have been losing patience (Erlang A with the measured rates).
func (q *queue) estimates() func() time.Duration {
	p := q.pace
	if p.gaps < minGaps || p.gap <= 0 {
		return func() time.Duration { return 0 }
	}
	impatience := 0.0
	if p.waited > 0 {
		impatience = float64(q.abandoned) / p.waited
	}
	sum, ahead := 0.0, 0.0
	return func() time.Duration {
		sum += 1 / (1/p.gap + ahead*impatience)
		ahead++
		return time.Duration(min(sum, float64(maxEstimate)))
	}
}

// maxEstimate bounds what an estimate says.
const maxEstimate = 24 * time.Hour
