package loopback

import (
	"container/heap"
	"time"
)

// act is something that a far end, or the switch for it, does at a given time.
type act uint8

const (
	actRing     act = iota // the dialled telephone begins to ring
	actReact               // the person does what the script's reaction says
	actGiveUp              // the ring timeout of the dial is over
	actPatience            // the person has waited long enough
	actTalked              // the person has talked enough
	actKey                 // the person presses the script's next key
	actPlayed              // the sound is at its end
)

// item is one act of one leg. Items of legs that have ended in the meantime are passed over.
type item struct {
	at  time.Time
	seq uint64
	leg *leg
	do  act
	gen uint32 // for actPlayed: which Play it belongs to
}

// agenda holds the items by time and, at the same time, by the order in which they were added.
type agenda struct {
	items items
	seq   uint64
}

func (a *agenda) add(it item) {
	a.seq++
	it.seq = a.seq
	heap.Push(&a.items, it)
}

// due takes the first item that is not after now.
func (a *agenda) due(now time.Time) (item, bool) {
	if len(a.items) == 0 || a.items[0].at.After(now) {
		return item{}, false
	}
	it, ok := heap.Pop(&a.items).(item)
	return it, ok
}

// next tells when the first item is due.
func (a *agenda) next() (time.Time, bool) {
	if len(a.items) == 0 {
		return time.Time{}, false
	}
	return a.items[0].at, true
}

// items implements heap.Interface.
type items []item

func (h items) Len() int { return len(h) }

func (h items) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}

func (h items) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *items) Push(x any) {
	if it, ok := x.(item); ok {
		*h = append(*h, it)
	}
}

func (h *items) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = item{}
	*h = old[:len(old)-1]
	return it
}
