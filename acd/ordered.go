package acd

import "sort"

// blockSize is how many entries a block of an ordered list holds at most: moving half of them costs about as much as
// the cache misses of finding the place.
const blockSize = 256

// sortable is an entry of an ordered list. Two different entries of a list are never equal: one is before the other.
type sortable[E any] interface{ before(e E) bool }

// ordered is a sorted list in blocks: the first entry at once, insertion at the end and removal at the front in constant time, anywhere else and
// rank in about the square root of its length. It keeps its memory while it shrinks to nothing, so a list in steady use allocates nothing.
// The zero value is empty.
type ordered[E sortable[E]] struct {
	blocks []block[E]
	spare  []E // the memory of the last block that was emptied
	n      int
}

// len returns how many entries there are.
func (o *ordered[E]) len() int { return o.n }

// first returns the first entry, or nil. It is valid until the next change.
func (o *ordered[E]) first() *E {
	if o.n == 0 {
		return nil
	}
	b := &o.blocks[0]
	return &b.buf[b.head]
}

// insert puts e in its place.
func (o *ordered[E]) insert(e E) {
	if len(o.blocks) == 0 {
		o.blocks = append(o.blocks, block[E]{})
	}
	i := o.find(e)
	if o.blocks[i].len() >= blockSize {
		i = o.split(i, e)
	}
	o.blocks[i].insert(e)
	o.n++
}

// remove takes e out and says whether it was there.
func (o *ordered[E]) remove(e E) bool {
	if o.n == 0 {
		return false
	}
	i := o.find(e)
	b := &o.blocks[i]
	k := b.search(e)
	if k == b.len() || e.before(b.buf[b.head+k]) {
		return false
	}
	b.remove(k)
	o.n--
	if b.len() == 0 && len(o.blocks) > 1 {
		o.spare = b.buf[:0]
		o.blocks = append(o.blocks[:i], o.blocks[i+1:]...)
		o.blocks[:len(o.blocks)+1][len(o.blocks)] = block[E]{}
	}
	return true
}

// rank returns how many entries are before e, which need not be in the list.
func (o *ordered[E]) rank(e E) int {
	if o.n == 0 {
		return 0
	}
	if b := &o.blocks[len(o.blocks)-1]; b.buf[len(b.buf)-1].before(e) {
		return o.n
	}
	i := o.find(e)
	before := 0
	for k := range i {
		before += o.blocks[k].len()
	}
	return before + o.blocks[i].search(e)
}

// each calls f for the entries in order until f returns false.
func (o *ordered[E]) each(f func(E) bool) {
	for i := range o.blocks {
		for _, e := range o.blocks[i].live() {
			if !f(e) {
				return
			}
		}
	}
}

// find returns the block that e belongs to: the last one that begins before or with e, or the first.
func (o *ordered[E]) find(e E) int {
	last := len(o.blocks) - 1
	if last == 0 || !e.before(o.blocks[last].live()[0]) {
		return last
	}
	return max(0, sort.Search(last, func(i int) bool { return e.before(o.blocks[i].live()[0]) })-1)
}

// split makes room next to the full block i and returns the block that e now belongs to. An entry past the end of the last block gets
// a block of its own, so that a list that grows at its end has full blocks.
func (o *ordered[E]) split(i int, e E) int {
	tail := o.spare
	o.spare = nil
	b := &o.blocks[i]
	appended := i == len(o.blocks)-1 && b.buf[len(b.buf)-1].before(e)
	if !appended {
		half := b.head + b.len()/2
		tail = append(tail, b.buf[half:]...)
		clear(b.buf[half:])
		b.buf = b.buf[:half]
	}
	o.blocks = append(o.blocks, block[E]{})
	copy(o.blocks[i+2:], o.blocks[i+1:])
	o.blocks[i+1] = block[E]{buf: tail}
	if !appended && e.before(tail[0]) {
		return i
	}
	return i + 1
}

// block is a run of entries, buf[head:], with room at the front from entries that were taken there.
type block[E sortable[E]] struct {
	buf  []E
	head int
}

func (b *block[E]) len() int  { return len(b.buf) - b.head }
func (b *block[E]) live() []E { return b.buf[b.head:] }

// search returns the index within live of the first entry that is not before e.
func (b *block[E]) search(e E) int {
	live := b.live()
	lo, hi := 0, len(live)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1) //nolint:gosec // both are small and not negative
		if live[mid].before(e) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

func (b *block[E]) insert(e E) {
	n := b.len()
	if n == 0 {
		b.buf, b.head = append(b.buf[:0], e), 0
		return
	}
	if b.head > 0 && len(b.buf) == cap(b.buf) && b.head >= n {
		copy(b.buf, b.buf[b.head:])
		clear(b.buf[n:])
		b.buf, b.head = b.buf[:n], 0
	}
	k := n
	if !b.buf[len(b.buf)-1].before(e) {
		k = b.search(e)
	}
	if b.head > 0 && k < n/2 {
		b.head--
		copy(b.buf[b.head:], b.buf[b.head+1:b.head+1+k])
		b.buf[b.head+k] = e
		return
	}
	b.buf = append(b.buf, e)
	if k < n {
		live := b.live()
		copy(live[k+1:], live[k:n])
		live[k] = e
	}
}

// remove takes out the entry at index k of live, moving the shorter side.
func (b *block[E]) remove(k int) {
	var none E
	live := b.live()
	if k < len(live)/2 || k == 0 {
		copy(live[1:k+1], live[:k])
		live[0] = none
		b.head++
		return
	}
	copy(live[k:], live[k+1:])
	live[len(live)-1] = none
	b.buf = b.buf[:len(b.buf)-1]
}
