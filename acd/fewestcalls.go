package acd

// FewestCalls asks the agent first who has answered the fewest calls of the queue.
type FewestCalls struct{}

// Key returns how many calls of the queue the agent has answered.
func (FewestCalls) Key(s Standing) float64 { return float64(s.Answered) }

// String returns "fewest_calls".
func (FewestCalls) String() string { return "fewest_calls" }
