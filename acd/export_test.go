package acd

// Number is an entry of an ordered list, for tests.
type Number int

func (n Number) before(x Number) bool { return n < x }

// Numbers is an ordered list of numbers, for tests.
type Numbers struct{ o ordered[Number] }

// Insert puts n in its place.
func (l *Numbers) Insert(n Number) { l.o.insert(n) }

// Remove takes n out.
func (l *Numbers) Remove(n Number) bool { return l.o.remove(n) }

// Rank returns how many are before n.
func (l *Numbers) Rank(n Number) int { return l.o.rank(n) }

// Len returns how many there are.
func (l *Numbers) Len() int { return l.o.len() }

// First returns the first, or -1.
func (l *Numbers) First() Number {
	if f := l.o.first(); f != nil {
		return *f
	}
	return -1
}

// All returns all in order.
func (l *Numbers) All() []Number {
	all := []Number{}
	l.o.each(func(n Number) bool {
		all = append(all, n)
		return true
	})
	return all
}

// Alarms are timers, for tests.
type Alarms struct {
	h      timers
	timers [16]timer
	names  map[*timer]int
}

// NewAlarms returns sixteen timers that are not set.
func NewAlarms() *Alarms {
	a := &Alarms{names: map[*timer]int{}}
	for i := range a.timers {
		a.names[&a.timers[i]] = i
	}
	return a
}

// Set sets timer i.
func (a *Alarms) Set(i int, at int64) { a.h.set(&a.timers[i], at) }

// Stop stops timer i.
func (a *Alarms) Stop(i int) { a.h.stop(&a.timers[i]) }

// At returns when timer i is due.
func (a *Alarms) At(i int) (int64, bool) { return a.h.at(&a.timers[i]) }

// Pop returns the timer that is due first, or -1.
func (a *Alarms) Pop(now int64) int {
	if t := a.h.pop(now); t != nil {
		return a.names[t]
	}
	return -1
}
