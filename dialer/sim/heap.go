package sim

// kind is what happens at an event. The zero value is unset.
type kind uint8

const (
	kindUnset   kind = iota
	kindOutcome      // a call is answered or over
	kindGiveUp       // a person who waits gives up
	kindTalked       // an agent's conversation is over
	kindWrapped      // an agent's wrap-up is over
	kindAsk          // the pacer wants to be asked again
	kindStaff        // agents come or go
)

type event struct {
	at   float64 // seconds since the start of the shift
	kind kind
	who  int    // call or agent
	gen  uint32 // of the call's place; an event of a former one is void
}

// queue is a heap of events, the earliest on top.
type queue []event

func (q *queue) push(e event) {
	h := append(*q, e)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if h[up].at <= e.at {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = e
	*q = h
}

func (q *queue) pop() event {
	h := *q
	top, e := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*q = h
	if len(h) == 0 {
		return top
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down+1].at < h[down].at {
			down++
		}
		if e.at <= h[down].at {
			break
		}
		h[i] = h[down]
		i = down
	}
	h[i] = e
	return top
}
