package acd

// Linear asks the agents of a level always from the top down: by position, then by ID.
type Linear struct{}

// Key returns 0: the position decides.
func (Linear) Key(Standing) float64 { return 0 }

// String returns "linear".
func (Linear) String() string { return "linear" }
