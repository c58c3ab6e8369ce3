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

// Archive is reports.Archive in memory. The zero value is an empty archive; it must not be copied after first use.
type Archive struct {
	mu    sync.RWMutex
	cp    reports.Checkpoint
	calls []reports.CallRecord // in the order of compareCalls
	where map[tandem.CallID]reports.CallCursor
	acts  []reports.Activity // by Seq
}

var _ reports.Archive = (*Archive)(nil)

// NewArchive returns an empty archive.
func NewArchive() *Archive { return &Archive{} }

// Save implements reports.Archive.
func (a *Archive) Save(ctx context.Context, c reports.Changes) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: save archive: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.Rebuild {
		a.calls, a.where, a.acts = nil, nil, nil
	} else if c.Since != a.cp.Seq {
		return fmt.Errorf("memstore: save archive: the checkpoint is not at %d: %w", c.Since, tandem.ErrConflict)
	}
	if a.where == nil {
		a.where = make(map[tandem.CallID]reports.CallCursor)
	}
	a.cp = reports.Checkpoint{Seq: c.Checkpoint.Seq, State: slices.Clone(c.Checkpoint.State)}
	for i := range c.Calls {
		rec := clone(&c.Calls[i])
		at, known := a.where[rec.Call.ID]
		if !known {
			at = *rec.Cursor()
			a.where[rec.Call.ID] = at
		}
		n, found := slices.BinarySearchFunc(a.calls, at, compareCalls)
		if found {
			a.calls[n] = rec
		} else {
			a.calls = slices.Insert(a.calls, n, rec)
		}
	}
	for _, act := range c.Activities {
		n, found := slices.BinarySearchFunc(a.acts, act.Seq, func(x reports.Activity, seq uint64) int { return cmp.Compare(x.Seq, seq) })
		if found {
			a.acts[n] = act
		} else {
			a.acts = slices.Insert(a.acts, n, act)
		}
	}
	return nil
}

// compareCalls orders call records as the databases do, by the microsecond.
func compareCalls(c reports.CallRecord, at reports.CallCursor) int {
	return cmp.Or(c.Started.Truncate(time.Microsecond).Compare(at.Started.Truncate(time.Microsecond)), cmp.Compare(c.Call.ID, at.Call))
}

func clone(c *reports.CallRecord) reports.CallRecord {
	out := *c
	out.Segments = slices.Clone(c.Segments)
	return out
}

// Checkpoint implements reports.Archive.
func (a *Archive) Checkpoint(ctx context.Context) (reports.Checkpoint, error) {
	if err := ctx.Err(); err != nil {
		return reports.Checkpoint{}, fmt.Errorf("memstore: checkpoint: %w", err)
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	return reports.Checkpoint{Seq: a.cp.Seq, State: slices.Clone(a.cp.State)}, nil
}

// Call implements reports.Archive.
func (a *Archive) Call(ctx context.Context, id tandem.CallID) (reports.CallRecord, error) {
	if err := ctx.Err(); err != nil {
		return reports.CallRecord{}, fmt.Errorf("memstore: call: %w", err)
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	if at, ok := a.where[id]; ok {
		if n, found := slices.BinarySearchFunc(a.calls, at, compareCalls); found {
			return clone(&a.calls[n]), nil
		}
	}
	return reports.CallRecord{}, fmt.Errorf("memstore: call %s: %w", id, tandem.ErrNotFound)
}

// Calls implements reports.Archive.
func (a *Archive) Calls(ctx context.Context, q reports.CallQuery) ([]reports.CallRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memstore: calls: %w", err)
	}
	limit, err := q.Page()
	if err != nil {
		return nil, fmt.Errorf("memstore: calls: %w", err)
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	lo, hi := 0, len(a.calls)
	if !q.From.IsZero() {
		lo, _ = slices.BinarySearchFunc(a.calls, reports.CallCursor{Started: q.From}, compareCalls)
	}
	if !q.To.IsZero() {
		hi, _ = slices.BinarySearchFunc(a.calls, reports.CallCursor{Started: q.To}, compareCalls)
	}
	if q.After != nil {
		n, found := slices.BinarySearchFunc(a.calls, *q.After, compareCalls)
		switch {
		case q.Newest:
			hi = min(hi, n)
		case found:
			lo = max(lo, n+1)
		default:
			lo = max(lo, n)
		}
	}
	out := make([]reports.CallRecord, 0, min(limit, max(0, hi-lo)))
	for i := lo; i < hi && len(out) < limit; i++ {
		c := &a.calls[i]
		if q.Newest {
			c = &a.calls[hi-1-(i-lo)]
		}
		if matches(c, &q) {
			out = append(out, clone(c))
		}
	}
	return out, nil
}

// matches says whether a record passes the query's filters, its times apart.
func matches(c *reports.CallRecord, q *reports.CallQuery) bool {
	return (q.Direction == tandem.DirectionUnset || q.Direction == c.Call.Direction) &&
		(q.Campaign == "" || q.Campaign == c.Call.Campaign) &&
		(q.Customer == "" || q.Customer == c.Call.CustomerNumber()) &&
		(q.Queue == "" || slices.Contains(c.Queues(), q.Queue)) &&
		(q.Agent == "" || slices.Contains(c.Agents(), q.Agent))
}

// Activities implements reports.Archive.
func (a *Archive) Activities(ctx context.Context, q reports.ActivityQuery) ([]reports.Activity, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memstore: activities: %w", err)
	}
	limit, err := q.Page()
	if err != nil {
		return nil, fmt.Errorf("memstore: activities: %w", err)
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	n, found := slices.BinarySearchFunc(a.acts, q.After, func(x reports.Activity, seq uint64) int { return cmp.Compare(x.Seq, seq) })
	if found {
		n++
	}
	var out []reports.Activity
	for _, act := range a.acts[n:] {
		if len(out) == limit {
			break
		}
		if (q.Agent == "" || q.Agent == act.Agent) &&
			(q.To.IsZero() || act.From.Before(q.To)) &&
			(q.From.IsZero() || act.To.IsZero() || act.To.After(q.From)) {
			out = append(out, act)
		}
	}
	return out, nil
}
