package dialer

import (
	"math"
	"time"

	"github.com/tandem-cc/tandem"
)

// Predictive dials ahead of the agents who will be free when somebody answers. Each further call is judged by its own risk: how likely
// the person who answers it finds nobody, given what rings already, who is free, and who will be (all from Snapshot.Learned). It is placed
// if that risk is no higher than what the budget can bear: a bucket that each answered call fills by Snapshot.Limit
// and each abandoned one empties by one. When the bucket is overdrawn, it dials one line per free agent like Progressive. So
// the share in the ledger never exceeds the limit by more than what the calls then in flight add. Without Learned, or with a limit of zero,
// it is Progressive. The zero value is ready to use.
type Predictive struct {
	// Lines is how many calls may be in flight per agent at most; zero means 12.
	Lines float64
}

const (
	horizon = 2 // seconds: the steps in which the near future is looked at
	steps   = (ringBins + horizon - 1) / horizon
	// riskAtEase is the risk that one call may have when the bucket is as full as it should be, as a part of the limit.
	riskAtEase = 0.6
	// steadyOver is over how many answers a bucket that is too full or too empty is brought back.
	steadyOver = 1200
	// The reserve that the bucket should hold, in abandoned calls, grows with the calls that are answered in half a minute.
	reserveLeast  = 1.5
	reserveGrowth = 3
	// startLines is how many lines per free agent are out while the first calls ring.
	startLines = 1.3
	// outageLines is how many lines per agent are out at most, unless so few people answer that more are needed.
	outageLines = 6
	soon        = 500 * time.Millisecond
)

// Validate returns a tandem.ErrInvalid that says what is wrong, or nil.
func (p Predictive) Validate() error {
	if p.Lines != 0 {
		if math.IsNaN(p.Lines) || p.Lines < 1 || p.Lines > maxLines {
			return &tandem.ConfigError{Where: "dialer: predictive.lines", What: "is not from 1 to 20"}
		}
	}
	return nil
}

// Pace implements Pacer.
func (p Predictive) Pace(s *Snapshot) Decision {
	e := s.Learned
	if e == nil || s.Limit <= 0 || s.Limit >= whole {
		return Progressive{}.Pace(s)
	}
	v := survey(s)
	if v.staff == 0 {
		return Decision{Rule: RuleNoAgent}
	}
	safe := max(0, v.head.Free-v.head.Dialing)
	if e.calls == 0 || s.Now.Sub(e.first) < v.ring {
		most := int(startLines * float64(v.head.Ready))
		return place(max(0, min(most, startup(&v))-v.head.Dialing), RuleStart)
	}
	if v.outage(e, s.Now) {
		return place(safe, RuleOutage)
	}
	v.foresee()
	bear := v.bearable(s)
	if bear <= 0 {
		return place(safe, RuleBudget)
	}
	lines := p.Lines
	if lines <= 0 {
		lines = 12
	}
	lines = min(lines, max(outageLines, 1.2/max(v.share, 1e-3)))
	most := int(lines*float64(v.staff)) - v.head.Dialing
	low, high := safe, max(safe, most)
	// The risk grows with each call: the largest number whose last one is bearable.
	for step := 1; low < high; step *= 2 {
		next := min(low+step, high)
		if v.risk(next-1) > bear {
			high = next - 1
			break
		}
		low = next
	}
	for low < high {
		mid := (low + high + 1) / 2
		if v.risk(mid-1) > bear {
			high = mid - 1
		} else {
			low = mid
		}
	}
	return place(low, RuleRisk)
}

// startup is how many lines are wanted while the first calls ring.
func startup(v *view) int { return int(startLines * float64(max(0, v.head.Free))) }

func place(n int, rule string) Decision {
	if n == 0 && rule == RuleRisk {
		return Decision{Next: soon, Rule: RuleCovered}
	}
	return Decision{Calls: n, Next: soon, Rule: rule}
}

// view is a Snapshot worked out for one decision.
type view struct {
	head     Head
	staff    int // agents at work
	ring     time.Duration
	last     int // the second in which a call is given up
	patience float64
	dialing  [ringBins]float64 // calls by age
	talk     ages
	wrap     ages
	known    [steps]float64 // agents whose end is known, by step
	answer   [ringBins]float64
	alive    [ringBins + 1]float64
	hazard   [ringBins + 1]float64 // of an answer, summed up
	share    float64               // of new calls that will be answered
	talking  hazards
	wrapping hazards
	wraps    float64 // which part of the conversations has a wrap-up
	handle   float64 // seconds
	count    int     // of steps
	demand   [steps]binomial
	supply   [steps]binomial
	ahead    [steps]float64 // of a new call: answered before the step
	weight   [steps]float64 // and in it
}

func survey(s *Snapshot) (v view) {
	v.head = s.Head()
	v.ring = s.Ring
	if v.ring <= 0 || v.ring > (ringBins-1)*time.Second {
		v.ring = (ringBins - 1) * time.Second
	}
	v.last = second(v.ring)
	v.patience = s.Patience.Seconds()
	for i := range s.Calls {
		if s.Calls[i].Stage == StageDialing {
			v.dialing[second(s.Calls[i].Age)]++
		}
	}
	for i := range s.Agents {
		a := &s.Agents[i]
		switch a.State {
		case tandem.AgentOnCall, tandem.AgentWrapUp:
			v.staff++
			if a.Left > 0 {
				// Ready by the middle of the step and the patience after it: certain, so rounded up.
				if k := int(math.Ceil(max(0, a.Left.Seconds()-v.patience-horizon/2) / horizon)); k < steps {
					v.known[k]++
				}
				continue
			}
			if a.State == tandem.AgentOnCall {
				v.talk.add(a.Age.Seconds())
			} else {
				v.wrap.add(a.Age.Seconds())
			}
		case tandem.AgentReady, tandem.AgentReserved:
			v.staff++
		case tandem.AgentUnset, tandem.AgentLoggedOut, tandem.AgentPaused, tandem.AgentUnavailable:
		}
	}
	v.learn(s.Learned, s.Now)
	return v
}

// learn turns experience into the distributions of this moment. A call that rings still is known not to have been answered yet.
func (v *view) learn(e *Experience, now time.Time) {
	out := e.out(now)
	older, slow, fast := 0.0, 0.0, 0.0
	var h [ringBins]float64
	var fail [ringBins]float64
	answered, expected := 0.0, 0.0
	var atRisk [ringBins]float64
	for k := ringBins - 1; k >= 0; k-- {
		idle := e.idle.over[k]
		if out {
			idle = 0
		}
		slow += e.slow.answered[k] + e.slow.over[k] + idle
		fast += e.fast.answered[k] + e.fast.over[k] + idle
		n := slow + older
		h[k] = (e.slow.answered[k] + priorCalls*priorHazard) / (n + priorCalls)
		fail[k] = (e.slow.over[k] + idle) / (n + priorCalls)
		atRisk[k] = fast + older
		older += v.dialing[k]
	}
	const doubt = 25.0 // answers that are as expected, so that few calls do not make a trend
	for k := range h {
		answered += e.fast.answered[k]
		if k < v.last+1 {
			expected += atRisk[k] * h[k]
		}
	}
	trend := 1.0
	if e.calls > 200 {
		trend = (answered + doubt) / (expected + doubt)
	}
	alive := 1.0
	for k := range v.answer {
		v.alive[k] = alive
		v.hazard[k+1] = v.hazard[k]
		if k > v.last {
			continue
		}
		hz := min(0.95, h[k]*trend)
		v.hazard[k+1] += hz
		v.answer[k] = alive * hz
		v.share += v.answer[k]
		alive *= max(0, 1-hz-min(fail[k], 1-hz))
	}
	v.wraps = (e.wrap.total + 0.5) / (e.talk.total + 1)
	v.wraps = min(1, v.wraps)
	v.talking = e.talk.learn(&v.talk, 120)
	v.wrapping = e.wrap.learn(&v.wrap, 30)
	v.handle = max(10, e.talk.mean()+v.wraps*e.wrap.mean())
}

// outage says whether so many answers are missing that the carrier must be out of order.
func (v *view) outage(e *Experience, now time.Time) bool {
	at := e.answeredAt
	if at.IsZero() {
		at = e.first
	}
	since := now.Sub(at)
	if since < outageAfter || since > outageLast {
		return false
	}
	missing := e.idle.expected
	back := second(since)
	for k, n := range v.dialing {
		if n > 0 {
			missing += n * (v.hazard[k] - v.hazard[max(0, k-back)])
		}
	}
	return missing > outageExpected
}

// bearable returns the highest risk that the budget can bear for one more call; zero: none.
func (v *view) bearable(s *Snapshot) float64 {
	limit := float64(s.Limit) / whole
	if !s.Spent.Within(s.Limit) {
		return 0
	}
	n := float64(s.Spent.Answered)
	lost := float64(s.Spent.Abandoned) + float64(max(0, -v.head.Free))
	coming, losing := v.inFlight()
	bucket := 0.99*limit*(n+coming) - lost - losing
	pace := float64(v.staff) / (1.08 * v.handle) // answers in a second, about
	team := math.Sqrt(float64(v.staff))          // large teams lose more people at once
	over := steadyOver + n/100
	reserve := reserveLeast + reserveGrowth*math.Sqrt(30*pace)
	if !s.Until.IsZero() {
		left := max(0, s.Until.Sub(s.Now).Seconds()) * pace
		if bucket+limit*left/2 < 0.8+0.5*team {
			return 0 // a loss now could not be made good any more
		}
		// As the end comes, less has to be kept for bad luck.
		reserve = min(reserve, 0.5+math.Sqrt(2*limit*left))
		over = max(30, min(over, left))
	}
	ease := max(0.1, min(1+(bucket-reserve)/(limit*over), 2.5+float64(v.staff)/300))
	guard := max(0.02, min(1, (bucket+0.5)/(1+reserve)))
	return riskAtEase * limit * ease * guard * math.Sqrt(guard) * (1 + 4/float64(v.staff))
}

// inFlight returns how many of the calls that ring will be answered, and how many of those will find nobody.
func (v *view) inFlight() (answered, lost float64) {
	for j := range v.count {
		more := max(0, v.demand[j].mean-answered)
		if more > 0 {
			lost += more * shortage(v.head.Free, v.demand[j], v.supply[j])
		}
		answered += more
	}
	return answered, lost
}

// foresee works out demand and supply for each step of the time in which a new call may be answered.
func (v *view) foresee() {
	v.count = min(steps, (v.last+horizon)/horizon)
	var wrapped [steps]float64 // the time that an agent who stops talking now has been ready by the step, in seconds
	t := 0.0
	for j := range v.count {
		for ; t < v.at(j); t++ {
			done := 1 - v.wraps + v.wraps*v.wrapping.within(0, t+0.5)
			for i := j; i < v.count; i++ {
				wrapped[i] += done * min(1, v.at(i)-t)
			}
		}
	}
	known := 0.0
	for j := range v.count {
		known += v.known[j]
		v.supply[j].mean = known
		at := v.at(j)
		for k := range spanBins {
			if n := v.talk.n[k]; n > 0 {
				rate := v.talking.rate[span(v.talk.sum[k]/n+at/2)]
				v.supply[j].add(n, 1-math.Exp(-rate*wrapped[j]))
			}
			if n := v.wrap.n[k]; n > 0 {
				v.supply[j].add(n, v.wrapping.within(v.wrap.sum[k]/n, at))
			}
		}
	}
	v.foreseeDemand()
}

// at is the moment up to which agents must be ready for a person who answers in step j.
func (v *view) at(j int) float64 { return float64(horizon)*(float64(j)+0.5) + v.patience }

func (v *view) foreseeDemand() {
	var sum [ringBins + 1]float64 // of answers, up to each age
	for k := range v.answer {
		sum[k+1] = sum[k] + v.answer[k]
	}
	end := v.last + 1
	for k, n := range v.dialing {
		if n == 0 || v.alive[k] <= 1e-9 {
			continue
		}
		for j := range v.count {
			// Halfway into the step; calls are half a second older than their age tells.
			to := min(end, k+j*horizon+horizon/2)
			q := (sum[to] - sum[min(to, k)]) / v.alive[k]
			if k+j*horizon+horizon/2 > end {
				q = (sum[end] - sum[min(end, k)]) / v.alive[k]
			}
			v.demand[j].add(n, min(1, q))
		}
	}
	for j := range v.count {
		from, mid, to := min(end, j*horizon), min(end, j*horizon+horizon/2), min(end, (j+1)*horizon)
		v.ahead[j] = sum[mid]
		v.weight[j] = sum[to] - sum[from]
	}
}

// risk returns how likely the person who answers a call finds nobody, if it is placed after that many others at this moment.
func (v *view) risk(others int) float64 {
	lost, all := 0.0, 0.0
	for j := range v.count {
		w := v.weight[j]
		if w <= 0 {
			continue
		}
		d := v.demand[j]
		d.add(float64(others), v.ahead[j])
		lost += w * shortage(v.head.Free, d, v.supply[j])
		all += w
	}
	if all <= 0 {
		return 1
	}
	return lost / all
}
