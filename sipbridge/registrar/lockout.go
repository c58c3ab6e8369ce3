package registrar

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// lockouts counts wrong passwords by user and address, and by address alone. Its table is
// bounded; the oldest entry makes room for a new one.
type lockouts struct {
	cfg *Config

	mu    sync.Mutex
	table map[lockKey]*list.Element
	order *list.List // of *lockEntry, oldest first
}

// lockKey is a pair; the empty user stands for the address whatever the user.
type lockKey struct {
	user string
	src  netip.Addr
}

type lockEntry struct {
	key      lockKey
	failures int
	since    time.Time
	until    time.Time // locked until
	last     string    // response of the last failure, so that retransmissions count once
}

func newLockouts(cfg *Config) *lockouts {
	return &lockouts{cfg: cfg, table: make(map[lockKey]*list.Element), order: list.New()}
}

// sourceKey is the unit of an address: itself, or the /64 that one IPv6 user has.
func sourceKey(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// locked says whether the pair or the address is shut out.
func (l *lockouts) locked(user string, src netip.Addr, now time.Time) bool {
	src = sourceKey(src)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range []lockKey{{user, src}, {"", src}} {
		if el, ok := l.table[k]; ok {
			if e, ok := el.Value.(*lockEntry); ok && now.Before(e.until) {
				return true
			}
		}
	}
	return false
}

// fail counts a failure and says whether a lock-out began.
func (l *lockouts) fail(user string, src netip.Addr, response string, now time.Time) bool {
	if l.cfg.Exempt != nil && l.cfg.Exempt(src) {
		return false
	}
	src = sourceKey(src)
	l.mu.Lock()
	defer l.mu.Unlock()
	began := l.countLocked(lockKey{user, src}, l.cfg.MaxFailures, response, now)
	return l.countLocked(lockKey{"", src}, l.cfg.MaxSourceFailures, response, now) || began
}

func (l *lockouts) countLocked(k lockKey, limit int, response string, now time.Time) bool {
	if limit < 0 {
		return false
	}
	e := l.entryLocked(k, now)
	if e.last == response && response != "" {
		return false
	}
	e.last = response
	e.failures++
	if e.failures < limit || now.Before(e.until) {
		return false
	}
	e.until, e.failures = now.Add(l.cfg.LockFor), 0
	return true
}

func (l *lockouts) entryLocked(k lockKey, now time.Time) *lockEntry {
	if el, ok := l.table[k]; ok {
		if e, ok := el.Value.(*lockEntry); ok {
			if now.Sub(e.since) > l.cfg.FailureWindow && !now.Before(e.until) {
				*e = lockEntry{key: k, since: now}
			}
			return e
		}
	}
	for l.order.Len() >= l.cfg.MaxLocks {
		l.dropLocked(l.order.Front())
	}
	e := &lockEntry{key: k, since: now}
	l.table[k] = l.order.PushBack(e)
	return e
}

func (l *lockouts) dropLocked(el *list.Element) {
	if e, ok := l.order.Remove(el).(*lockEntry); ok {
		delete(l.table, e.key)
	}
}

// succeed forgets the failures of a pair; those of the address stay.
func (l *lockouts) succeed(user string, src netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if el, ok := l.table[lockKey{user, sourceKey(src)}]; ok {
		l.dropLocked(el)
	}
}

func (l *lockouts) unlock(user string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for el := l.order.Front(); el != nil; {
		next := el.Next()
		if e, ok := el.Value.(*lockEntry); ok && e.key.user == user {
			l.dropLocked(el)
		}
		el = next
	}
}

// sweep forgets what is over.
func (l *lockouts) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for el := l.order.Front(); el != nil; {
		next := el.Next()
		if e, ok := el.Value.(*lockEntry); ok && now.Sub(e.since) > l.cfg.FailureWindow && !now.Before(e.until) {
			l.dropLocked(el)
		}
		el = next
	}
}
