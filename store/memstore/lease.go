package memstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
)

// Lease is tandem.Lease in memory, for the nodes of one process. The zero value is ready; it must not be copied after
// first use. Every name ever leased is remembered with its last fencing number.
type Lease struct {
	mu     sync.Mutex
	grants map[string]tandem.Grant
}

var _ tandem.Lease = (*Lease)(nil)

// NewLease returns a Lease under which nothing is held.
func NewLease() *Lease { return &Lease{} }

// Acquire implements tandem.Lease.
func (l *Lease) Acquire(ctx context.Context, name string, owner tandem.NodeID, ttl time.Duration) (tandem.Grant, error) {
	if err := ctx.Err(); err != nil {
		return tandem.Grant{}, fmt.Errorf("memstore: acquire lease %s: %w", name, err)
	}
	if name == "" || owner == "" || ttl < time.Millisecond {
		return tandem.Grant{}, fmt.Errorf("memstore: acquire lease %s: needs a name, an owner and at least 1 ms: %w", name, tandem.ErrInvalid)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	g := l.grants[name]
	held := g.Owner != "" && now.Before(g.Until)
	if held && g.Owner != owner {
		return tandem.Grant{}, fmt.Errorf("memstore: acquire lease %s: %w", name, tandem.ErrConflict)
	}
	if !held {
		g = tandem.Grant{Name: name, Owner: owner, Fence: g.Fence + 1}
	}
	return l.keepLocked(g, now.Add(ttl)), nil
}

// Renew implements tandem.Lease.
func (l *Lease) Renew(ctx context.Context, g tandem.Grant, ttl time.Duration) (tandem.Grant, error) {
	if err := ctx.Err(); err != nil {
		return tandem.Grant{}, fmt.Errorf("memstore: renew lease %s: %w", g.Name, err)
	}
	if ttl < time.Millisecond {
		return tandem.Grant{}, fmt.Errorf("memstore: renew lease %s: needs at least 1 ms: %w", g.Name, tandem.ErrInvalid)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !l.heldLocked(g, now) {
		return tandem.Grant{}, fmt.Errorf("memstore: renew lease %s: %w", g.Name, tandem.ErrConflict)
	}
	return l.keepLocked(g, now.Add(ttl)), nil
}

// Release implements tandem.Lease.
func (l *Lease) Release(ctx context.Context, g tandem.Grant) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: release lease %s: %w", g.Name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.heldLocked(g, time.Now()) {
		return fmt.Errorf("memstore: release lease %s: %w", g.Name, tandem.ErrConflict)
	}
	g.Owner = ""
	l.keepLocked(g, time.Time{})
	return nil
}

func (l *Lease) heldLocked(g tandem.Grant, now time.Time) bool {
	have, ok := l.grants[g.Name]
	return ok && g.Owner != "" && have.Owner == g.Owner && have.Fence == g.Fence && now.Before(have.Until)
}

func (l *Lease) keepLocked(g tandem.Grant, until time.Time) tandem.Grant {
	if l.grants == nil {
		l.grants = make(map[string]tandem.Grant)
	}
	g.Until = until
	l.grants[g.Name] = g
	return g
}
