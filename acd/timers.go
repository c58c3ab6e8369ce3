package acd

// timer is one deadline of a call or an agent, part of its owner. The zero value is not set.
type timer struct {
	call  *call  // the owner is a call, or
	agent *agent // an agent
	pos   int    // place in the heap, from 1; 0: not set
}

// timers holds the deadlines: the next one at once, changes in logarithmic time. Equal times come due in the order in which they were
// set. It is a heap of four children per node, whose keys lie in the heap itself: fewer cache misses than with two.
type timers struct {
	heap []deadline
	ord  uint64
}

type deadline struct {
	at    int64
	ord   uint64
	timer *timer
}

func (d deadline) before(e deadline) bool { return d.at < e.at || d.at == e.at && d.ord < e.ord }

// next returns the earliest deadline.
func (h *timers) next() (int64, bool) {
	if len(h.heap) == 0 {
		return 0, false
	}
	return h.heap[0].at, true
}

// pop takes out the earliest timer when it is due at now, else it returns nil.
func (h *timers) pop(now int64) *timer {
	if len(h.heap) == 0 || h.heap[0].at > now {
		return nil
	}
	t := h.heap[0].timer
	h.stop(t)
	return t
}

// set makes t due at the given time, whether it was set before or not.
func (h *timers) set(t *timer, at int64) {
	h.ord++
	d := deadline{at: at, ord: h.ord, timer: t}
	if t.pos == 0 {
		h.heap = append(h.heap, d)
		h.up(len(h.heap)-1, d)
		return
	}
	h.fix(t.pos-1, d)
}

// at returns when t is due, and whether it is set.
func (h *timers) at(t *timer) (int64, bool) {
	if t.pos == 0 {
		return 0, false
	}
	return h.heap[t.pos-1].at, true
}

// stop makes t not set.
func (h *timers) stop(t *timer) {
	if t.pos == 0 {
		return
	}
	i, last := t.pos-1, len(h.heap)-1
	d := h.heap[last]
	h.heap[last] = deadline{}
	h.heap = h.heap[:last]
	t.pos = 0
	if i < last {
		h.fix(i, d)
	}
}

// fix puts d, whose timer's place is i now, where it belongs.
func (h *timers) fix(i int, d deadline) {
	if i > 0 && d.before(h.heap[(i-1)/4]) {
		h.up(i, d)
		return
	}
	h.down(i, d)
}

func (h *timers) up(i int, d deadline) {
	for i > 0 {
		parent := (i - 1) / 4
		if !d.before(h.heap[parent]) {
			break
		}
		h.place(i, h.heap[parent])
		i = parent
	}
	h.place(i, d)
}

func (h *timers) down(i int, d deadline) {
	for {
		least := 4*i + 1
		if least >= len(h.heap) {
			break
		}
		for k := least + 1; k < min(4*i+5, len(h.heap)); k++ {
			if h.heap[k].before(h.heap[least]) {
				least = k
			}
		}
		if !h.heap[least].before(d) {
			break
		}
		h.place(i, h.heap[least])
		i = least
	}
	h.place(i, d)
}

func (h *timers) place(i int, d deadline) {
	h.heap[i] = d
	d.timer.pos = i + 1
}
