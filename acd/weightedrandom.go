package acd

// WeightedRandom asks any of the ready agents of a level with a probability in proportion to the weight of the agent's seat (Seat.Weight).
// The same Seed and the same input give the same choices.
type WeightedRandom struct{ Seed uint64 }

// Key returns what Random would, divided by the weight.
func (r WeightedRandom) Key(s Standing) float64 {
	return s.LastKey + exponential(r.Seed, s)/float64(max(s.Weight, 1))
}

// String returns "weighted_random".
func (WeightedRandom) String() string { return "weighted_random" }
