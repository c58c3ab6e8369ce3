package acd

// LongestIdle asks the agent first who has been free of work for the longest time.
type LongestIdle struct{}

// Key returns the moment since which the agent has been idle.
func (LongestIdle) Key(s Standing) float64 { return s.IdleSince.Seconds() }

// String returns "longest_idle".
func (LongestIdle) String() string { return "longest_idle" }
