package acd

// RoundRobin asks the agents of a queue in turn: first who was offered none of its calls yet, then whose last offer lies furthest back.
type RoundRobin struct{}

// Key returns the number of the agent's last offer in the queue.
func (RoundRobin) Key(s Standing) float64 { return float64(s.LastOffer) }

// String returns "round_robin".
func (RoundRobin) String() string { return "round_robin" }
