package acd

// LeastTalk asks the agent first who has talked the least in calls of the queue.
type LeastTalk struct{}

// Key returns the seconds that the agent has talked.
func (LeastTalk) Key(s Standing) float64 { return s.Talked.Seconds() }

// String returns "least_talk".
func (LeastTalk) String() string { return "least_talk" }
