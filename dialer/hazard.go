package dialer

import "math"

// ages counts how many of the agents in one state are of which age.
type ages struct {
	n   [spanBins]float64
	sum [spanBins]float64 // of their ages in seconds
}

func (a *ages) add(age float64) {
	k := span(age)
	a.n[k]++
	a.sum[k] += max(0, age)
}

// hazards is a duration's distribution as it is used for one decision.
type hazards struct {
	rate [spanBins]float64 // per second
	cum  [spanBins]float64 // up to the start of the bin
}

// learn makes hazards of what has ended and of those who are busy still. fallback is the mean that is assumed with the weight of half
// an observation.
func (d *durations) learn(now *ages, fallback float64) (h hazards) {
	var spent [spanBins]float64
	older, seconds := 0.0, 0.0
	for k := spanBins - 1; k >= 0; k-- {
		spent[k] = d.spent[k] + now.sum[k] - now.n[k]*spanStart(k)
		if k+1 < spanBins {
			spent[k] += older * (spanStart(k+1) - spanStart(k))
		}
		older += now.n[k]
		seconds += spent[k]
	}
	overall := (d.total + 0.5) / (seconds + 0.5*fallback)
	const weight = 4
	sum := 0.0
	for k := range h.rate {
		h.rate[k] = (d.ended[k] + weight) / (spent[k] + weight/overall)
		h.cum[k] = sum
		if k+1 < spanBins {
			sum += h.rate[k] * (spanStart(k+1) - spanStart(k))
		}
	}
	return h
}

// upTo returns the hazard summed up to an age.
func (h *hazards) upTo(age float64) float64 {
	k := span(age)
	return h.cum[k] + h.rate[k]*(age-spanStart(k))
}

// within returns how likely something of the given age ends in the next t seconds.
func (h *hazards) within(age, t float64) float64 {
	return 1 - math.Exp(h.upTo(age)-h.upTo(age+t))
}

// binomial is a distribution given by mean and variance: sums of independent yes-or-no events, which are nearly binomial.
type binomial struct{ mean, variance float64 }

func (b *binomial) add(n, p float64) {
	b.mean += n * p
	b.variance += n * p * (1 - p)
}

// exactUpTo is up to which number distributions are worked out term by term; above, they are normal.
const exactUpTo = 40

// start returns the probability of zero, and the number of trials and the odds by which the other terms follow.
func (b binomial) start() (zero, trials, odds float64) {
	p := 1 - b.variance/b.mean
	if p < 1e-6 { // Poisson
		return math.Exp(-b.mean), math.Inf(1), 0
	}
	p = min(p, 1-1e-9)
	trials = b.mean / p
	return math.Pow(1-p, trials), trials, p / (1 - p)
}

// next returns term k+1 after term k.
func next(term float64, k int, mean, trials, odds float64) float64 {
	if math.IsInf(trials, 1) {
		return term * mean / float64(k+1)
	}
	return max(0, term*(trials-float64(k))/float64(k+1)*odds)
}

// shortage returns how likely the demand is at least free plus the supply: one more caller then finds nobody.
func shortage(free int, demand, supply binomial) float64 {
	most := supply.mean + 6*math.Sqrt(supply.variance)
	if float64(free)+most > exactUpTo {
		v := demand.variance + supply.variance
		if v <= 0 {
			v = 1e-9
		}
		return 0.5 * math.Erfc((float64(free)+supply.mean-0.5-demand.mean)/math.Sqrt(2*v))
	}
	if demand.mean <= 0 && free > 0 {
		return 0
	}
	// below is P(demand < free+k), by adding up terms as k grows.
	dTerm, dTrials, dOdds := 1.0, 0.0, 0.0
	if demand.mean > 0 {
		dTerm, dTrials, dOdds = demand.start()
	}
	below, d := 0.0, 0
	for ; d < free; d++ {
		below += dTerm
		dTerm = next(dTerm, d, demand.mean, dTrials, dOdds)
	}
	if supply.mean <= 1e-12 {
		return max(0, 1-below)
	}
	sTerm, sTrials, sOdds := supply.start()
	fine, mass := 0.0, 0.0
	for k := range exactUpTo + 20 {
		if free+k > 0 && k > 0 && free+k > d {
			below += dTerm
			dTerm = next(dTerm, d, demand.mean, dTrials, dOdds)
			d++
		}
		fine += sTerm * below
		mass += sTerm
		if mass > 1-1e-7 {
			break
		}
		sTerm = next(sTerm, k, supply.mean, sTrials, sOdds)
	}
	return min(1, max(0, 1-fine))
}
