package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/crm"
)

// Outbox is crm.Outbox in memory. The zero value is empty and ready; it must not be copied after first use.
type Outbox struct {
	mu   sync.Mutex
	mark uint64
	by   map[string]*crm.Delivery
}

var _ crm.Outbox = (*Outbox)(nil)

// NewOutbox returns an empty outbox.
func NewOutbox() *Outbox { return &Outbox{} }

// Enqueue implements crm.Outbox.
func (o *Outbox) Enqueue(ctx context.Context, mark uint64, ds ...crm.Delivery) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: enqueue: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.by == nil {
		o.by = make(map[string]*crm.Delivery)
	}
	for _, d := range ds {
		if _, known := o.by[d.ID]; !known {
			d.Body = slices.Clone(d.Body)
			o.by[d.ID] = &d
		}
	}
	o.mark = max(o.mark, mark)
	return nil
}

// Mark implements crm.Outbox.
func (o *Outbox) Mark(ctx context.Context) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("memstore: mark: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mark, nil
}

// Due implements crm.Outbox.
func (o *Outbox) Due(ctx context.Context, now time.Time, limit int) ([]crm.Delivery, error) {
	if err := check(ctx, limit); err != nil {
		return nil, fmt.Errorf("memstore: due deliveries: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	first := make(map[string]uint64) // the lowest pending Seq of each order
	for _, d := range o.by {
		if seq, ok := first[d.Order]; d.State == crm.DeliveryPending && (!ok || d.Seq < seq) {
			first[d.Order] = d.Seq
		}
	}
	out := o.selectLocked(func(d *crm.Delivery) bool {
		return d.State == crm.DeliveryPending && d.Seq == first[d.Order] && !d.NextAt.After(now)
	})
	slices.SortFunc(out, func(a, b crm.Delivery) int {
		return cmp.Or(a.NextAt.Compare(b.NextAt), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(limit, len(out))], nil
}

// Settle implements crm.Outbox.
func (o *Outbox) Settle(ctx context.Context, d crm.Delivery) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: settle delivery: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	kept, ok := o.by[d.ID]
	if !ok {
		return fmt.Errorf("memstore: settle delivery %s: %w", d.ID, tandem.ErrNotFound)
	}
	kept.State, kept.Attempts, kept.NextAt, kept.LastError = d.State, d.Attempts, d.NextAt, d.LastError
	return nil
}

// List implements crm.Outbox.
func (o *Outbox) List(ctx context.Context, state crm.DeliveryState, limit int) ([]crm.Delivery, error) {
	if err := check(ctx, limit); err != nil {
		return nil, fmt.Errorf("memstore: list deliveries: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.selectLocked(func(d *crm.Delivery) bool { return d.State == state })
	slices.SortFunc(out, func(a, b crm.Delivery) int { return cmp.Or(cmp.Compare(b.Seq, a.Seq), cmp.Compare(a.ID, b.ID)) })
	return out[:min(limit, len(out))], nil
}

func (o *Outbox) selectLocked(pass func(*crm.Delivery) bool) []crm.Delivery {
	var out []crm.Delivery
	for _, d := range o.by {
		if pass(d) {
			c := *d
			c.Body = slices.Clone(d.Body)
			out = append(out, c)
		}
	}
	return out
}

func check(ctx context.Context, limit int) error {
	if limit < 1 {
		return fmt.Errorf("limit %d: %w", limit, tandem.ErrInvalid)
	}
	return ctx.Err()
}
