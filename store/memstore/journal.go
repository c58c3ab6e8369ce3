package memstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
)

// Journal is reports.Store in memory. The zero value is an empty journal; it must not be copied after first use.
type Journal struct {
	mu sync.RWMutex
	rs []tandem.Record // rs[i].Seq is i+1
}

var _ reports.Store = (*Journal)(nil)

// NewJournal returns an empty journal.
func NewJournal() *Journal { return &Journal{} }

// Append implements reports.Store.
func (j *Journal) Append(ctx context.Context, rs []tandem.Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: append: %w", err)
	}
	for i := range rs {
		if rs[i].Event == nil || rs[i].At.IsZero() {
			return fmt.Errorf("memstore: append: record %d of %d lacks its event or time: %w", i+1, len(rs), tandem.ErrInvalid)
		}
		if d, ok := rs[i].Event.(tandem.Decided); ok { // the one event that holds numbers JSON may not know
			if _, err := json.Marshal(d); err != nil {
				return fmt.Errorf("memstore: append: record %d of %d: %w: %w", i+1, len(rs), tandem.ErrInvalid, err)
			}
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range rs {
		rs[i].Seq = uint64(len(j.rs) + 1)
		r := rs[i]
		r.At = r.At.Round(0).UTC()
		j.rs = append(j.rs, r)
	}
	return nil
}

// Read implements reports.Store.
func (j *Journal) Read(ctx context.Context, from uint64, limit int) ([]tandem.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memstore: read: %w", err)
	}
	if limit < 1 {
		return nil, fmt.Errorf("memstore: read: limit %d: %w", limit, tandem.ErrInvalid)
	}
	j.mu.RLock()
	defer j.mu.RUnlock()
	n := uint64(len(j.rs))
	first := max(from, 1) - 1
	if first >= n {
		return nil, nil
	}
	return slices.Clone(j.rs[first:min(n, first+uint64(limit))]), nil
}

// Last implements reports.Store.
func (j *Journal) Last(ctx context.Context) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("memstore: last: %w", err)
	}
	j.mu.RLock()
	defer j.mu.RUnlock()
	return uint64(len(j.rs)), nil
}
