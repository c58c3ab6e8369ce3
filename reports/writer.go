package reports

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tandem-cc/tandem"
)

// The pauses between two tries to append to a store that refuses.
const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = time.Second
)

// Run appends what Handle brings until ctx ends; then it writes what is queued already and, when Node is set,
// NodeStopped, and returns ctx's error. So the journal is stopped last, after all who write to it. It
// ends earlier with the store's error when the store refuses for longer than Config.GiveUp. It is called at most once.
func (j *Journal) Run(ctx context.Context) error {
	j.mu.Lock()
	if j.started {
		j.mu.Unlock()
		return fmt.Errorf("reports: journal runs already: %w", tandem.ErrState)
	}
	j.started = true
	j.mu.Unlock()
	defer j.end()

	last, err := j.cfg.Store.Last(ctx)
	if err != nil {
		return fmt.Errorf("reports: journal: find the last record: %w", err)
	}
	j.mu.Lock()
	j.last.Store(last)
	j.ready = true
	j.announceLocked()
	j.mu.Unlock()

	w := writer{j: j}
	silence := time.NewTimer(j.cfg.AliveEvery)
	defer silence.Stop()
	for {
		select {
		case req := <-j.queue:
			err = w.write(ctx, w.collect(req))
			silence.Reset(j.cfg.AliveEvery)
		case <-silence.C:
			err = w.alive(ctx)
			silence.Reset(j.cfg.AliveEvery)
		case <-ctx.Done():
			if err := w.drain(ctx); err != nil {
				return fmt.Errorf("reports: journal: %w", err)
			}
			return fmt.Errorf("reports: journal: %w", ctx.Err())
		}
		if err != nil {
			return fmt.Errorf("reports: journal: %w", err)
		}
	}
}

// end tells everybody who waits that nothing more will be written.
func (j *Journal) end() {
	j.mu.Lock()
	j.closed = true
	j.announceLocked()
	j.mu.Unlock()
	close(j.ended)
}

// announceLocked wakes the followers. j.mu is held.
func (j *Journal) announceLocked() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// publish makes records that are durable visible to followers.
func (j *Journal) publish(rs []tandem.Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n := len(j.recent); n > 0 && j.recent[n-1].Seq+1 != rs[0].Seq {
		j.recent = nil // never so with one writer; then the store has what lies between
	}
	if n := len(j.recent) + len(rs); n > 2*j.cfg.Keep {
		// Followers may still hold the old array, so what is kept moves to a new one.
		kept := j.recent[min(len(j.recent), max(0, n-j.cfg.Keep)):]
		j.recent = append(make([]tandem.Record, 0, 2*j.cfg.Keep+j.cfg.Batch), kept...)
	}
	j.recent = append(j.recent, rs...)
	j.last.Store(rs[len(rs)-1].Seq)
	j.announceLocked()
}

// writer is what Run alone owns.
type writer struct {
	j     *Journal
	batch []*request
	rs    []tandem.Record
	up    int // calls that are up, of those that this journal saw start
}

// collect takes what else waits in the queue, up to a batch.
func (w *writer) collect(first *request) []*request {
	w.batch = append(w.batch[:0], first)
	for n := len(first.rs); n < w.j.cfg.Batch; {
		select {
		case req := <-w.j.queue:
			w.batch = append(w.batch, req)
			n += len(req.rs)
		default:
			return w.batch
		}
	}
	return w.batch
}

// write appends a batch and answers its callers. Its error is one that ends the journal.
func (w *writer) write(ctx context.Context, batch []*request) error {
	w.rs = w.rs[:0]
	for _, req := range batch {
		w.rs = append(w.rs, req.rs...)
	}
	err := w.append(ctx, w.rs)
	if errors.Is(err, tandem.ErrInvalid) {
		if len(batch) == 1 {
			batch[0].done <- err
			return nil
		}
		for i := range batch { // one of them is to blame; the others must not suffer
			if err := w.write(ctx, batch[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		for _, req := range batch {
			req.done <- err
		}
		return err
	}
	w.count(w.rs)
	w.j.publish(w.rs)
	w.j.batches.Add(1)
	w.j.records.Add(uint64(len(w.rs)))
	rs := w.rs
	for _, req := range batch {
		n := copy(req.rs, rs)
		rs = rs[n:]
		req.done <- nil
	}
	clear(w.rs)
	return nil
}

// append appends to the store, again and again for as long as GiveUp allows, without ever appending twice.
func (w *writer) append(ctx context.Context, rs []tandem.Record) error {
	cfg := &w.j.cfg
	// Once begun, a write is finished even when ctx ends, so that nobody is left in doubt.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.GiveUp)
	defer cancel()
	before := w.j.last.Load()
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		err := cfg.Store.Append(ctx, rs)
		if err == nil || errors.Is(err, tandem.ErrInvalid) {
			w.j.refused.Store(nil)
			return err
		}
		w.j.refused.Store(&err)
		cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "journal cannot be written", slog.Int("records", len(rs)), slog.Any("error", err))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
		done, lastErr := w.arrived(ctx, before, rs)
		if done {
			w.j.refused.Store(nil)
		}
		if done || errors.Is(lastErr, tandem.ErrConflict) {
			return lastErr
		}
	}
}

// arrived finds out whether an append whose answer was lost was done after all.
func (w *writer) arrived(ctx context.Context, before uint64, rs []tandem.Record) (bool, error) {
	last, err := w.j.cfg.Store.Last(ctx)
	if err != nil {
		return false, err
	}
	switch last {
	case before:
		return false, nil
	case before + uint64(len(rs)):
		for i := range rs {
			rs[i].Seq = before + 1 + uint64(i) //nolint:gosec // i is not negative
		}
		return true, nil
	}
	return false, fmt.Errorf("someone else writes to this journal: it ends with %d: %w", last, tandem.ErrConflict)
}

// count keeps the number of calls that are up.
func (w *writer) count(rs []tandem.Record) {
	for i := range rs {
		switch rs[i].Event.(type) { //nolint:gochecksumtype // only these two count
		case tandem.CallStarted:
			w.up++
		case tandem.CallEnded:
			w.up = max(0, w.up-1)
		}
	}
}

// alive writes a sign of life while calls are up.
func (w *writer) alive(ctx context.Context) error {
	if w.up == 0 || w.j.cfg.Node == "" {
		return nil
	}
	return w.write(ctx, own(tandem.NodeAlive{Node: w.j.cfg.Node}))
}

// drain writes what was queued when the end came, and the end itself.
func (w *writer) drain(ctx context.Context) error {
	for {
		select {
		case req := <-w.j.queue:
			if err := w.write(ctx, w.collect(req)); err != nil {
				return err
			}
			continue
		default:
		}
		if w.j.cfg.Node == "" {
			return nil
		}
		return w.write(ctx, own(tandem.NodeStopped{Node: w.j.cfg.Node}))
	}
}

// own makes a request out of an event of the journal's own.
func own(e tandem.Event) []*request {
	return []*request{{rs: []tandem.Record{{At: time.Now().UTC(), Event: e}}, done: make(chan error, 1)}}
}
