package sipcore

import (
	"net/netip"
	"sync"
	"time"
)

// guard is a token bucket per source address, consulted before a message is parsed. Its
// table is bounded: when it is full, all new sources share one bucket.
type guard struct {
	cfg GuardConfig

	mu       sync.Mutex
	buckets  map[netip.Addr]*bucket
	overflow bucket
}

type bucket struct {
	tokens float64
	last   time.Time
}

func newGuard(cfg GuardConfig) *guard {
	return &guard{cfg: cfg, buckets: make(map[netip.Addr]*bucket), overflow: bucket{tokens: float64(cfg.Burst)}}
}

// sourceKey is what is limited: an IPv4 address, or the /64 that one IPv6 user has.
func sourceKey(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// allow takes one token of the source; false means that the message is to be dropped.
func (g *guard) allow(src netip.Addr, now time.Time) bool {
	if g.cfg.Rate < 0 || (g.cfg.Trusted != nil && g.cfg.Trusted(src.Unmap().String())) {
		return true
	}
	key := sourceKey(src)
	g.mu.Lock()
	defer g.mu.Unlock()
	b, ok := g.buckets[key]
	switch {
	case ok:
	case len(g.buckets) >= g.cfg.MaxSources:
		b = &g.overflow
	default:
		b = &bucket{tokens: float64(g.cfg.Burst), last: now}
		g.buckets[key] = b
	}
	return b.take(g.cfg, now)
}

func (b *bucket) take(cfg GuardConfig, now time.Time) bool {
	if passed := now.Sub(b.last); passed > 0 {
		b.tokens = min(float64(cfg.Burst), b.tokens+passed.Seconds()*cfg.Rate)
		b.last = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// sweep forgets the sources whose buckets are full again.
func (g *guard) sweep(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for k, b := range g.buckets {
		if b.tokens+now.Sub(b.last).Seconds()*g.cfg.Rate >= float64(g.cfg.Burst) {
			delete(g.buckets, k)
		}
	}
}

func (g *guard) size() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.buckets)
}
