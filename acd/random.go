package acd

import "math"

// Random asks any of the ready agents of a level, each with the same probability, whenever they became ready. The same Seed
// and the same input give the same choices.
type Random struct{ Seed uint64 }

// Key returns an exponential step from the key that was chosen last. Because that distribution has no memory, the agents who stand since long and those
// who have just come have the same prospects at every choice, though each draws only once.
func (r Random) Key(s Standing) float64 { return s.LastKey + exponential(r.Seed, s) }

// String returns "random".
func (Random) String() string { return "random" }

// exponential draws a positive number with mean 1 from an exponential distribution, by the standing and a seed alone.
func exponential(seed uint64, s Standing) float64 {
	h := mix(seed ^ mix(s.Draw))
	for i := range len(s.Agent) {
		h = (h ^ uint64(s.Agent[i])) * 0x100000001b3
	}
	h = mix(h)
	for i := range len(s.Queue) {
		h = (h ^ uint64(s.Queue[i])) * 0x100000001b3
	}
	uniform := (float64(mix(h)>>11) + 0.5) / (1 << 53)
	return -math.Log(uniform)
}

// mix spreads the bits of x: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
