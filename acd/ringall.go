package acd

import (
	"math"
	"time"
)

// RingAll rings every ready agent of the queue at once; the first to answer gets the call, and the others are told that somebody else did.
type RingAll struct{}

var _ Ringer = RingAll{}

// Key returns 0: with everybody rung, the order hardly matters.
func (RingAll) Key(Standing) float64 { return 0 }

// Rings returns no limit.
func (RingAll) Rings(time.Duration) (int, time.Duration) { return math.MaxInt, 0 }

// String returns "ring_all".
func (RingAll) String() string { return "ring_all" }
