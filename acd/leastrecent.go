package acd

// LeastRecent asks the agent first whose last conversation ended the longest time ago, whatever the agent did since; first of all who had none yet.
type LeastRecent struct{}

// Key returns the moment at which the agent's last conversation ended.
func (LeastRecent) Key(s Standing) float64 { return s.LastCall.Seconds() }

// String returns "least_recent".
func (LeastRecent) String() string { return "least_recent" }
