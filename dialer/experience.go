package dialer

import (
	"math"
	"time"
)

// Experience is what a campaign's calls have taught so far: how likely people answer after so many seconds of ringing, and how
// long agents talk and wrap up. Calls and agents that are still busy teach too: Predictive adds them from the Snapshot, so that
// nothing is learned from quick endings alone. The zero value knows nothing. It has a fixed size and never allocates; whoever
// feeds it owns it, and it is not to be used concurrently with a Pacer that reads it: a Learner is.
type Experience struct {
	slow, fast ringing
	talk, wrap durations
	first      time.Time // when the first call was placed
	answeredAt time.Time // when somebody answered last
	recentAt   time.Time // up to when fast has forgotten
	calls      int       // resolved
	idle       idleRun
}

// idleRun is what was resolved since somebody answered last. It is only believed when somebody answers in time: else the
// carrier was out of order, and there is nothing to learn from that.
type idleRun struct {
	over     [ringBins]float64
	expected float64
}

const (
	ringBins   = 64 // seconds of ringing that are told apart
	slowMemory = 3000.0
	fastMemory = 150.0
	// fastTime is how long fast remembers at least: several times as long as any call rings, or calls that ring still
	// would outweigh those that are over.
	fastTime = 100 * time.Second
	// outageExpected is how many answers must be missing before we believe that the carrier is out of order.
	outageExpected = 7.0
	outageAfter    = 5 * time.Second
	// outageLast is how long that is believed at most: then it is the people who do not answer.
	outageLast = 5 * time.Minute
	// The hazard that is assumed before anything is known, and how many calls it weighs: nearly everybody answers.
	priorHazard = 1.0 / 10
	priorCalls  = 3.0
)

// ringing counts calls by the second in which they were answered or given up.
type ringing struct {
	answered [ringBins]float64
	over     [ringBins]float64
}

func (r *ringing) forget(keep float64) {
	for k := range r.answered {
		r.answered[k] *= keep
		r.over[k] *= keep
	}
}

func second(d time.Duration) int { return min(ringBins-1, max(0, int(d/time.Second))) }

// Answered counts a call that a person answered at now after it rang for so long since it was placed.
func (e *Experience) Answered(now time.Time, rang time.Duration) {
	e.placed(now.Add(-rang))
	keep := 1 - 1/fastMemory
	if !e.recentAt.IsZero() {
		keep = max(keep, math.Exp(-float64(max(0, now.Sub(e.recentAt)))/float64(fastTime)))
	}
	e.recentAt = now
	if !e.out(now) {
		for k, n := range e.idle.over {
			e.slow.over[k] += n
			e.fast.over[k] += n
		}
	}
	e.idle = idleRun{}
	e.fast.forget(keep)
	e.slow.forget(1 - 1/slowMemory)
	e.slow.answered[second(rang)]++
	e.fast.answered[second(rang)]++
	e.answeredAt = now
}

// Unanswered counts a call that was over at now, so long after it was placed, without a person having answered: busy, rejected,
// a machine, given up. Calls that we broke off ourselves early do not count.
func (e *Experience) Unanswered(now time.Time, rang time.Duration) {
	e.placed(now.Add(-rang))
	e.idle.over[second(rang)]++
	if e.answeredAt.IsZero() {
		e.answeredAt = e.first
	}
	// Only that part of the ringing counts in which nobody answered anything.
	quiet := now.Sub(e.answeredAt)
	e.idle.expected += e.answerShare() * min(1, quiet.Seconds()/max(1, rang.Seconds()))
	if now.Sub(e.answeredAt) > outageLast {
		for k, n := range e.idle.over {
			e.slow.over[k] += n
			e.fast.over[k] += n
		}
		e.idle = idleRun{expected: e.idle.expected}
	}
}

func (e *Experience) placed(at time.Time) {
	e.calls++
	if e.first.IsZero() || at.Before(e.first) {
		e.first = at
	}
}

// answerShare is roughly which part of the calls is answered, judged by those that are over.
func (e *Experience) answerShare() float64 {
	var a, n float64
	for k := range e.slow.answered {
		a += e.slow.answered[k]
		n += e.slow.over[k]
	}
	if a+n < 20 {
		return 0
	}
	return a / (a + n)
}

// out says whether what happened since the last answer looks like a carrier that is out of order.
func (e *Experience) out(now time.Time) bool {
	since := now.Sub(e.answeredAt)
	return e.idle.expected > outageExpected && since > outageAfter && since < outageLast
}

// Talked counts a conversation that is over, from the offer's acceptance to the end.
func (e *Experience) Talked(d time.Duration) { e.talk.add(d) }

// Wrapped counts a wrap-up that is over. Agents without wrap-up have none to count.
func (e *Experience) Wrapped(d time.Duration) { e.wrap.add(d) }

const (
	spanBins   = 25
	spanMemory = 400.0
)

// durations learns the hazards of a duration: how likely it ends in the next second at each age. Ages are told apart finely when
// young and coarsely when old.
type durations struct {
	ended [spanBins]float64
	spent [spanBins]float64 // seconds
	total float64           // sum of ended
}

// span returns the bin of an age in seconds.
func span(age float64) int {
	s := uint(max(0, min(age, 12_000)))
	if s < 4 {
		return 0
	}
	l := 0
	for v := s; v > 0; v >>= 1 {
		l++
	}
	return min(spanBins-1, 1+(l-3)*2+int(s>>(l-2))&1)
}

// spanStart returns where a bin begins, in seconds.
func spanStart(k int) float64 {
	if k == 0 {
		return 0
	}
	l := (k-1)/2 + 3
	return float64(uint(2+(k-1)%2) << (l - 2))
}

func (d *durations) add(v time.Duration) {
	const keep = 1 - 1/spanMemory
	for k := range d.ended {
		d.ended[k] *= keep
		d.spent[k] *= keep
	}
	age := max(0, v.Seconds())
	last := span(age)
	for k := range last {
		d.spent[k] += spanStart(k+1) - spanStart(k)
	}
	d.spent[last] += age - spanStart(last)
	d.ended[last]++
	d.total = d.total*keep + 1
}

// mean returns the mean of what has ended, in seconds.
func (d *durations) mean() float64 {
	if d.total <= 0 {
		return 0
	}
	sum := 0.0
	for _, s := range d.spent {
		sum += s
	}
	return sum / d.total
}
