package media

import (
	"context"
	"sync"
	"time"
)

const (
	// maxCatchUp is how many missed ticks are made up for at once when the process was held up.
	maxCatchUp = 5
	// upkeepTicks is how often, in ticks, every end is looked after.
	upkeepTicks = 5
)

// clock knows the ends that have something of their own to send.
type clock struct {
	mu     sync.Mutex
	active map[*End]struct{}
}

func newClock() clock { return clock{active: map[*End]struct{}{}} }

func (c *clock) start(e *End) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !e.isClosed() {
		c.active[e] = struct{}{}
	}
}

func (c *clock) stop(e *End) {
	c.mu.Lock()
	delete(c.active, e)
	c.mu.Unlock()
}

// list copies the active ends into buf.
func (c *clock) list(buf []*End) []*End {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := range c.active {
		buf = append(buf, e)
	}
	return buf
}

// rest takes an end off the clock unless it has something to send again.
func (c *clock) rest(e *End) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !e.out.hasWork() {
		delete(c.active, e)
	}
}

func (o *outbound) hasWork() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.playing != nil || o.digits.pending()
}

// tick is the plane's clock: it sends what the ends play every 20 ms, counted from the beginning and not from the
// latest tick, so that the rate is right over time.
func (p *Plane) tick(ctx context.Context) error {
	ticker := time.NewTicker(frameTime)
	defer ticker.Stop()
	next := time.Now().Add(frameTime)
	var buf []*End
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.closing:
			return ErrClosed
		case <-ticker.C:
		}
		now := time.Now()
		if late := now.Sub(next); late > maxCatchUp*frameTime {
			next = now
		}
		for ; !next.After(now); next = next.Add(frameTime) {
			buf = p.clock.list(buf[:0])
			for _, e := range buf {
				if !e.tick(now) {
					p.clock.rest(e)
				}
			}
			if n++; n%upkeepTicks == 0 {
				p.upkeep(now)
			}
		}
		clear(buf)
	}
}

// upkeep looks after every end ten times a second.
func (p *Plane) upkeep(now time.Time) {
	p.mu.RLock()
	ends := make([]*End, 0, len(p.ends))
	for e := range p.ends {
		ends = append(ends, e)
	}
	p.mu.RUnlock()
	for _, e := range ends {
		e.expireDigit(now)
		e.quiet(now)
		e.reportDue(now)
		if e.ice != nil {
			e.checkConsent(now)
		}
	}
}
