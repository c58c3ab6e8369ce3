package acd

import (
	"fmt"
	"time"
)

// Progressive rings a few agents first and adds more while nobody answers. The zero value rings one and adds one every 5 s, the longest idle first.
type Progressive struct {
	First int           // how many ring at once; zero means 1
	Step  int           // how many are added; zero means 1
	Every time.Duration // after how long; zero means 5 s
	Order Strategy      // who is asked first; nil means LongestIdle
}

var _ Ringer = Progressive{}

// Key returns what Order does.
func (p Progressive) Key(s Standing) float64 {
	if p.Order == nil {
		return LongestIdle{}.Key(s)
	}
	return p.Order.Key(s)
}

// Rings returns how many agents ring after the call has been ringing for so long, and when there will be more.
func (p Progressive) Rings(ringing time.Duration) (int, time.Duration) {
	first, step, every := max(p.First, 1), max(p.Step, 1), p.Every
	if every <= 0 {
		every = 5 * time.Second
	}
	return first + step*int(ringing/every), every - ringing%every
}

// String returns "progressive" with the name of the order, when there is one.
func (p Progressive) String() string {
	if n, ok := p.Order.(fmt.Stringer); ok {
		return "progressive_" + n.String()
	}
	return "progressive"
}
