package reports

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandem-cc/tandem"
)

// Config says how a Journal works.
type Config struct {
	// Store keeps the records. Required.
	Store Store
	// Node is the process that writes the signs of life NodeAlive and NodeStopped. Empty: none are written.
	Node tandem.NodeID
	// AliveEvery is the longest time without a record while calls are up: then a NodeAlive is written. Default 5 s.
	AliveEvery time.Duration
	// Inbox is how many Handle calls may wait for the writer; more of them block until there is room. Default 1024.
	Inbox int
	// Batch is how many records are appended in one transaction at most, when so many wait. Default 512.
	Batch int
	// Keep is how many of the latest records are kept in memory for followers; a follower that is further
	// behind reads the store. Default 4096.
	Keep int
	// GiveUp is how long a store that refuses is tried again before Run ends with its error. Default 10 s.
	GiveUp time.Duration
	// Logger tells of a store that refuses. Default: discarded.
	Logger *slog.Logger
}

// Journal appends records to a store, many callers' in one transaction, and lets readers follow them. It implements
// tandem.Handler and is the first of every chain. All methods may be called concurrently.
type Journal struct {
	cfg   Config
	queue chan *request
	ended chan struct{} // closed when Run has ended

	last    atomic.Uint64
	refused atomic.Pointer[error] // why the store refuses at this moment; nil: it does not
	records atomic.Uint64
	batches atomic.Uint64

	mu      sync.Mutex
	started bool
	ready   bool            // last and recent are valid
	recent  []tandem.Record // the latest records, consecutive, ending with last; its elements never change
	changed chan struct{}   // closed and replaced at each change
	closed  bool
}

var _ tandem.Handler = (*Journal)(nil)

// request is one Handle call on its way through the writer.
type request struct {
	rs   []tandem.Record // a copy: the caller may be gone before it is written
	done chan error      // capacity 1
}

// New returns a Journal over a store. It does nothing until Run.
func New(cfg Config) (*Journal, error) {
	switch {
	case cfg.Store == nil:
		return nil, &tandem.ConfigError{Where: "journal.store", What: "is missing"}
	case cfg.AliveEvery < 0, cfg.Inbox < 0, cfg.Batch < 0, cfg.Keep < 0, cfg.GiveUp < 0:
		return nil, &tandem.ConfigError{Where: "journal", What: "has a negative limit"}
	}
	cfg.AliveEvery = cmp.Or(cfg.AliveEvery, 5*time.Second)
	cfg.GiveUp = cmp.Or(cfg.GiveUp, 10*time.Second)
	cfg.Inbox = cmp.Or(cfg.Inbox, 1024)
	cfg.Batch = cmp.Or(cfg.Batch, 512)
	cfg.Keep = cmp.Or(cfg.Keep, 4096)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Journal{
		cfg: cfg, queue: make(chan *request, cfg.Inbox), ended: make(chan struct{}), changed: make(chan struct{}),
	}, nil
}

// Handle appends records, in order, and returns when they are durable, with their Seq set in rs. Before Run it waits for
// it; after Run it returns ErrClosed. A full queue makes it wait: that slows the source down. When ctx ends first, the
// records may still be written. ErrInvalid says that a record cannot be kept; none of rs is written then.
func (j *Journal) Handle(ctx context.Context, rs ...tandem.Record) error {
	if len(rs) == 0 {
		return nil
	}
	for i := range rs {
		if rs[i].Event == nil || rs[i].At.IsZero() {
			return fmt.Errorf("reports: journal: record %d of %d lacks its event or time: %w", i+1, len(rs), tandem.ErrInvalid)
		}
	}
	req := &request{rs: slices.Clone(rs), done: make(chan error, 1)}
	for i := range req.rs {
		req.rs[i].At = req.rs[i].At.Round(0).UTC() // what followers see equals what the store gives back
	}
	select {
	case j.queue <- req:
	case <-ctx.Done():
		return fmt.Errorf("reports: journal: %w", ctx.Err())
	case <-j.ended:
		return fmt.Errorf("reports: journal: %w", tandem.ErrClosed)
	}
	var err error
	select {
	case err = <-req.done:
	case <-ctx.Done():
		return fmt.Errorf("reports: journal: %w", ctx.Err())
	case <-j.ended:
		select { // written just before the end
		case err = <-req.done:
		default:
			err = tandem.ErrClosed
		}
	}
	if err != nil {
		return fmt.Errorf("reports: journal: %w", err)
	}
	copy(rs, req.rs)
	return nil
}

// Last returns the Seq of the last record written, 0 when there is none or Run has not begun.
func (j *Journal) Last() uint64 { return j.last.Load() }

// Trouble returns why records cannot be written at this moment, or ErrClosed after Run; nil: nothing is known against it.
func (j *Journal) Trouble() error {
	select {
	case <-j.ended:
		return fmt.Errorf("reports: journal: %w", tandem.ErrClosed)
	default:
	}
	if err := j.refused.Load(); err != nil {
		return fmt.Errorf("reports: journal: %w", *err)
	}
	return nil
}

// Read returns records as Store.Read does.
func (j *Journal) Read(ctx context.Context, from uint64, limit int) ([]tandem.Record, error) {
	rs, err := j.cfg.Store.Read(ctx, from, limit)
	if err != nil {
		return nil, fmt.Errorf("reports: journal: read from %d: %w", from, err)
	}
	return rs, nil
}

// Stats are figures about a journal's work.
type Stats struct {
	Last    uint64 // the last record's Seq
	Records uint64 // written since Run began
	Batches uint64 // transactions since Run began
	Queued  int    // Handle calls that wait now, of at most Config.Inbox: the saturation
}

// Stats returns the journal's figures at this moment.
func (j *Journal) Stats() Stats {
	return Stats{Last: j.last.Load(), Records: j.records.Load(), Batches: j.batches.Load(), Queued: len(j.queue)}
}

// followPage is how many records a follower is handed at once at most.
const followPage = 256

// Follow calls fn with every record from Seq from on, in order, each exactly once: first what the store has, then what
// comes, for as long as the journal runs. From 0 is the same as from 1; Last()+1 is "from now on". It returns when ctx ends,
// when fn returns an error (that error), or with ErrClosed when Run has ended and all is told. A slow fn holds up nobody
// else. The slice belongs to the journal: fn must not change it, and may keep it.
func (j *Journal) Follow(ctx context.Context, from uint64, fn func(rs []tandem.Record) error) error {
	next := max(from, 1)
	for {
		rs, wait, err := j.next(ctx, next)
		if err != nil {
			return fmt.Errorf("reports: follow from %d: %w", next, err)
		}
		if wait != nil {
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return fmt.Errorf("reports: follow from %d: %w", next, ctx.Err())
			}
		}
		if err := fn(rs); err != nil {
			return err
		}
		next = rs[len(rs)-1].Seq + 1
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("reports: follow from %d: %w", next, err)
		}
	}
}

// next returns records from Seq from on, or a channel to wait at.
func (j *Journal) next(ctx context.Context, from uint64) ([]tandem.Record, <-chan struct{}, error) {
	j.mu.Lock()
	if !j.ready || from > j.last.Load() {
		defer j.mu.Unlock()
		if j.closed {
			return nil, nil, tandem.ErrClosed
		}
		return nil, j.changed, nil
	}
	if n := len(j.recent); n > 0 && from >= j.recent[0].Seq {
		rs := j.recent[from-j.recent[0].Seq:]
		j.mu.Unlock()
		return slices.Clip(rs[:min(len(rs), followPage)]), nil, nil
	}
	j.mu.Unlock()
	rs, err := j.cfg.Store.Read(ctx, from, followPage)
	if err != nil {
		return nil, nil, err
	}
	if len(rs) == 0 || rs[0].Seq != from {
		return nil, nil, fmt.Errorf("the store lacks record %d: %w", from, tandem.ErrNotFound)
	}
	return rs, nil, nil
}
