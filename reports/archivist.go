package reports

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
)

// ArchivistConfig says how an Archivist works.
type ArchivistConfig struct {
	// Journal is what is followed. Required.
	Journal *Journal
	// Archive is where the records go. Required.
	Archive Archive
	// Every is how often the archive is saved at most while records come in. Default 250 ms.
	Every time.Duration
	// Rebuild makes everything again from the journal's first record.
	Rebuild bool
	// GiveUp is how long an archive that refuses is tried again before Run ends with its error. Default 10 s.
	GiveUp time.Duration
	// Logger tells of records that fit nowhere. Default: discarded.
	Logger *slog.Logger
}

// Archivist follows a journal and keeps an archive of call records and activities up to date. The records of calls
// that are still up are in it too, as far as they have come. All methods may be called concurrently.
type Archivist struct {
	cfg  ArchivistConfig
	urge chan struct{} // capacity 1: somebody waits for the archive, save now

	mu      sync.Mutex
	saved   uint64
	closed  bool
	changed chan struct{} // closed and replaced at each change
}

// NewArchivist returns an Archivist. It does nothing until Run.
func NewArchivist(cfg ArchivistConfig) (*Archivist, error) {
	switch {
	case cfg.Journal == nil:
		return nil, &tandem.ConfigError{Where: "archivist.journal", What: "is missing"}
	case cfg.Archive == nil:
		return nil, &tandem.ConfigError{Where: "archivist.archive", What: "is missing"}
	case cfg.Every < 0, cfg.GiveUp < 0:
		return nil, &tandem.ConfigError{Where: "archivist", What: "has a negative time"}
	}
	cfg.Every = cmp.Or(cfg.Every, 250*time.Millisecond)
	cfg.GiveUp = cmp.Or(cfg.GiveUp, 10*time.Second)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Archivist{cfg: cfg, urge: make(chan struct{}, 1), changed: make(chan struct{})}, nil
}

// Sync waits until the archive holds everything up to the journal's record seq. It returns ErrClosed when Run ended
// before that.
func (a *Archivist) Sync(ctx context.Context, seq uint64) error {
	for {
		a.mu.Lock()
		saved, closed, changed := a.saved, a.closed, a.changed
		a.mu.Unlock()
		switch {
		case saved >= seq:
			return nil
		case closed:
			return fmt.Errorf("reports: archive at %d, not %d: %w", saved, seq, tandem.ErrClosed)
		}
		select {
		case a.urge <- struct{}{}:
		default:
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("reports: archive at %d, not %d: %w", saved, seq, ctx.Err())
		}
	}
}

// Run keeps the archive until ctx ends, or until the journal has ended and everything is saved (ErrClosed). It ends
// earlier with the archive's error. It is called at most once.
func (a *Archivist) Run(ctx context.Context) error {
	defer a.announce(func() { a.closed = true })
	f := filing{a: a, folder: NewFolder(), rebuild: a.cfg.Rebuild}
	if !f.rebuild {
		cp, err := a.cfg.Archive.Checkpoint(ctx)
		if err != nil {
			return fmt.Errorf("reports: archivist: %w", err)
		}
		if f.folder, err = RestoreFolder(cp); err != nil {
			return fmt.Errorf("reports: archivist: %w", err)
		}
		f.saved = cp.Seq
		a.announce(func() { a.saved = cp.Seq })
	}

	// The follower blocks in Follow and the saving needs a clock, hence two goroutines; both end before Run returns.
	followCtx, stop := context.WithCancel(ctx)
	incoming := make(chan []tandem.Record) // unbuffered: the journal keeps what we have not taken yet
	followed := make(chan error, 1)
	from := f.saved + 1
	go func() {
		followed <- a.cfg.Journal.Follow(followCtx, from, func(rs []tandem.Record) error {
			select {
			case incoming <- rs:
				return nil
			case <-followCtx.Done():
				return followCtx.Err()
			}
		})
	}()
	running := true
	defer func() {
		stop()
		if running {
			err := <-followed
			a.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "archivist follows no more", slog.Any("error", err))
		}
	}()

	due := time.NewTimer(0)
	defer due.Stop()
	for {
		var err error
		select {
		case rs := <-incoming:
			err = f.apply(ctx, rs)
		case <-due.C:
			due.Reset(a.cfg.Every)
			err = f.save(ctx)
		case <-a.urge:
			err = f.save(ctx)
		case err = <-followed:
			running = false
			// What was told is kept even when it is ctx that ended.
			if saveErr := f.save(context.WithoutCancel(ctx)); saveErr != nil {
				err = errors.Join(saveErr, err)
			}
		}
		if err != nil {
			return fmt.Errorf("reports: archivist: %w", err)
		}
	}
}

// announce changes the state that Sync waits for.
func (a *Archivist) announce(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
	close(a.changed)
	a.changed = make(chan struct{})
}

// filing is what Run alone owns.
type filing struct {
	a       *Archivist
	folder  *Folder
	saved   uint64
	rebuild bool
}

// filingLimit is how many records are folded between two saves at most; then the follower waits.
const filingLimit = 4096

func (f *filing) apply(ctx context.Context, rs []tandem.Record) error {
	for i := range rs {
		if id, missing := f.folder.Missing(rs[i]); missing {
			if err := f.load(ctx, id); err != nil {
				return err
			}
		}
		f.folder.Apply(rs[i])
	}
	if f.folder.Seq()-f.saved >= filingLimit {
		return f.save(ctx)
	}
	return nil
}

// load fetches a call that the folder has let go already and that a late record is about.
func (f *filing) load(ctx context.Context, id tandem.CallID) error {
	var c CallRecord
	err := f.patiently(ctx, func(ctx context.Context) (err error) {
		c, err = f.a.cfg.Archive.Call(ctx, id)
		return err
	})
	switch {
	case errors.Is(err, tandem.ErrNotFound):
		f.a.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "record about an unknown call", slog.String("call_id", string(id)))
		return nil
	case err != nil:
		return err
	}
	f.folder.Load(c)
	return nil
}

func (f *filing) save(ctx context.Context) error {
	seq := f.folder.Seq()
	if seq == f.saved && !f.rebuild {
		return nil
	}
	calls, activities := f.folder.Take()
	state, err := f.folder.MarshalJSON()
	if err != nil {
		return err
	}
	changes := Changes{
		Since: f.saved, Checkpoint: Checkpoint{Seq: seq, State: state}, Calls: calls, Activities: activities, Rebuild: f.rebuild,
	}
	tried := false
	err = f.patiently(ctx, func(ctx context.Context) error {
		err := f.a.cfg.Archive.Save(ctx, changes)
		if tried && errors.Is(err, tandem.ErrConflict) {
			// The answer to an earlier try was lost, perhaps, and the changes are there.
			if cp, cpErr := f.a.cfg.Archive.Checkpoint(ctx); cpErr == nil && cp.Seq == seq {
				return nil
			}
		}
		tried = true
		return err
	})
	if err != nil {
		return err
	}
	f.saved, f.rebuild = seq, false
	f.a.announce(func() { f.a.saved = seq })
	return nil
}

// patiently does something with the archive, again and again for as long as GiveUp allows. Answers that will not change
// by themselves are returned at once.
func (f *filing) patiently(ctx context.Context, do func(ctx context.Context) error) error {
	cfg := &f.a.cfg
	ctx, cancel := context.WithTimeout(ctx, cfg.GiveUp)
	defer cancel()
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		err := do(ctx)
		if err == nil || errors.Is(err, tandem.ErrNotFound) || errors.Is(err, tandem.ErrConflict) || errors.Is(err, tandem.ErrInvalid) {
			return err
		}
		cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "archive cannot be used", slog.Any("error", err))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}
