package crm_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/crm"
)

// box is an Outbox in memory.
type box struct {
	mu   sync.Mutex
	ds   map[string]crm.Delivery
	mark uint64
	fail error // what Enqueue returns, if not nil
}

func newBox() *box { return &box{ds: make(map[string]crm.Delivery)} }

func (b *box) Enqueue(_ context.Context, mark uint64, ds ...crm.Delivery) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	for _, d := range ds {
		if _, known := b.ds[d.ID]; !known {
			b.ds[d.ID] = d
		}
	}
	b.mark = max(b.mark, mark)
	return nil
}

func (b *box) Mark(context.Context) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mark, nil
}

func (b *box) Due(_ context.Context, now time.Time, limit int) ([]crm.Delivery, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := make(map[string]crm.Delivery)
	for _, d := range b.ds {
		if f, ok := first[d.Order]; d.State == crm.DeliveryPending && (!ok || d.Seq < f.Seq) {
			first[d.Order] = d
		}
	}
	var due []crm.Delivery
	for _, d := range first {
		if !d.NextAt.After(now) {
			due = append(due, d)
		}
	}
	slices.SortFunc(due, func(x, y crm.Delivery) int { return cmp.Or(x.NextAt.Compare(y.NextAt), cmp.Compare(x.Seq, y.Seq)) })
	return due[:min(len(due), limit)], nil
}

func (b *box) Settle(_ context.Context, d crm.Delivery) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	old, ok := b.ds[d.ID]
	if !ok {
		return tandem.ErrNotFound
	}
	old.State, old.Attempts, old.NextAt, old.LastError = d.State, d.Attempts, d.NextAt, d.LastError
	b.ds[d.ID] = old
	return nil
}

func (b *box) List(_ context.Context, state crm.DeliveryState, limit int) ([]crm.Delivery, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ds []crm.Delivery
	for _, d := range b.ds {
		if d.State == state {
			ds = append(ds, d)
		}
	}
	slices.SortFunc(ds, func(x, y crm.Delivery) int { return cmp.Compare(y.Seq, x.Seq) })
	return ds[:min(len(ds), limit)], nil
}
