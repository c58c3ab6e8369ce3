package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
)

// Presence is reports.Presence in memory. The zero value is ready; it must not be copied after first use.
type Presence struct {
	mu sync.Mutex
	by map[tandem.AgentID]present
}

type present struct {
	reports.Present
	until time.Time
}

var _ reports.Presence = (*Presence)(nil)

// NewPresence returns a Presence in which nobody is present.
func NewPresence() *Presence { return &Presence{} }

// Put implements reports.Presence.
func (p *Presence) Put(ctx context.Context, who reports.Present, ttl time.Duration) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: presence: %w", err)
	}
	if err := who.Validate(); err != nil {
		return fmt.Errorf("memstore: presence: %w", err)
	}
	if ttl < time.Millisecond {
		return fmt.Errorf("memstore: presence of %s: needs at least 1 ms: %w", who.Agent, tandem.ErrInvalid)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = make(map[tandem.AgentID]present)
	}
	p.by[who.Agent] = present{Present: who, until: time.Now().Add(ttl)}
	return nil
}

// Remove implements reports.Presence.
func (p *Presence) Remove(ctx context.Context, agent tandem.AgentID, node tandem.NodeID) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: presence: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by[agent].Node == node {
		delete(p.by, agent)
	}
	return nil
}

// Get implements reports.Presence.
func (p *Presence) Get(ctx context.Context, agent tandem.AgentID) (reports.Present, error) {
	if err := ctx.Err(); err != nil {
		return reports.Present{}, fmt.Errorf("memstore: presence: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	who, ok := p.by[agent]
	if !ok || !time.Now().Before(who.until) {
		return reports.Present{}, fmt.Errorf("memstore: presence of %s: %w", agent, tandem.ErrNotFound)
	}
	return who.Present, nil
}

// List implements reports.Presence.
func (p *Presence) List(ctx context.Context) ([]reports.Present, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memstore: presence: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	out := make([]reports.Present, 0, len(p.by))
	for id, who := range p.by {
		if now.Before(who.until) {
			out = append(out, who.Present)
		} else {
			delete(p.by, id)
		}
	}
	slices.SortFunc(out, func(a, b reports.Present) int { return cmp.Compare(a.Agent, b.Agent) })
	return out, nil
}
