package web

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// feed tells every listener what happens: it follows the journal once for all and keeps the latest records and the latest snapshot.
type feed struct {
	cfg     *Config
	metrics *metrics
	board   atomic.Pointer[acd.Snapshot] // the latest; nil before the first
	started time.Time                    // what is older was counted by an earlier process
	dirty   chan struct{}                // holds one token: something happened since the last snapshot

	mu        sync.Mutex // guards the fields below
	recent    []tandem.Record
	last      uint64 // number of the last record seen
	listeners map[*listener]struct{}
	sessions  map[string]int // open streams by session
	closed    bool
}

// listener is one open event stream.
type listener struct {
	session string
	records chan tandem.Record // closed when the listener is cut off or the feed ends
	board   chan struct{}      // holds one token: there is a new snapshot
}

// maxStreamsPerSession bounds the streams of one log-in: windows of one person.
const maxStreamsPerSession = 8

func newFeed(cfg *Config, m *metrics) *feed {
	return &feed{cfg: cfg, metrics: m, started: time.Now(), dirty: make(chan struct{}, 1), listeners: make(map[*listener]struct{}), sessions: make(map[string]int)}
}

// errJump ends a Follow that began too far back.
var errJump = errors.New("web: the journal is longer than was known")

// run feeds the listeners until ctx ends or the journal does.
func (f *feed) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { f.refresh(ctx) })
	err := f.follow(ctx)
	cancel()
	wg.Wait()
	f.close()
	return err
}

// follow begins with the latest records that are worth keeping. A journal that has not begun to run does not know its length
// yet: then it is followed from its beginning, and the first records tell whether that is too far back.
func (f *feed) follow(ctx context.Context) error {
	keep := uint64(f.cfg.Keep)
	for {
		known := f.cfg.Journal.Last()
		from := uint64(1)
		if known > keep {
			from = known - keep + 1
		}
		err := f.cfg.Journal.Follow(ctx, from, func(rs []tandem.Record) error {
			if last := f.cfg.Journal.Last(); known == 0 && last > 2*keep {
				return errJump
			}
			known = max(known, 1)
			f.tell(rs)
			return nil
		})
		if !errors.Is(err, errJump) {
			return err
		}
	}
}

// tell hands records to every listener; one whose buffer is full is cut off.
func (f *feed) tell(rs []tandem.Record) {
	f.metrics.apply(rs, f.started)
	f.mu.Lock()
	f.recent = append(f.recent, rs...)
	if len(f.recent) > 2*f.cfg.Keep { // not at each record: the copy would cost more than all else
		f.recent = append(f.recent[:0:0], f.recent[len(f.recent)-f.cfg.Keep:]...)
	}
	f.last = rs[len(rs)-1].Seq
	for l := range f.listeners {
		for _, r := range rs {
			select {
			case l.records <- r:
				continue
			default:
			}
			f.dropLocked(l)
			f.metrics.streamsCut.Inc()
			break
		}
	}
	f.mu.Unlock()
	select {
	case f.dirty <- struct{}{}:
	default:
	}
}

// refresh takes a snapshot when something happened, at most one per BoardEvery, and at least every five seconds.
func (f *feed) refresh(ctx context.Context) {
	const atLeast = 5 * time.Second
	idle := time.NewTicker(atLeast)
	defer idle.Stop()
	pause := time.NewTicker(f.cfg.BoardEvery)
	defer pause.Stop()
	for {
		f.take(ctx)
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-f.dirty:
		case <-idle.C:
		}
	}
}

// take takes one snapshot and tells the listeners that it is there.
func (f *feed) take(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, err := f.cfg.Floor.Snapshot(ctx)
	if err != nil {
		if ctx.Err() == nil {
			f.cfg.Logger.WarnContext(ctx, "board cannot be taken", "error", err)
		}
		return
	}
	f.board.Store(&s)
	f.mu.Lock()
	defer f.mu.Unlock()
	for l := range f.listeners {
		select {
		case l.board <- struct{}{}:
		default:
		}
	}
}

// listen opens a stream. after is the last record that the listener has, 0 for "from now on". The records to send first are
// returned; whole says that none between after and them is lost. ErrFull: too many streams.
func (f *feed) listen(session string, after uint64) (l *listener, missed []tandem.Record, whole bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return nil, nil, false, tandem.ErrClosed
	case len(f.listeners) >= f.cfg.Streams || f.sessions[session] >= maxStreamsPerSession:
		return nil, nil, false, tandem.ErrFull
	}
	l = &listener{session: session, records: make(chan tandem.Record, f.cfg.Buffer), board: make(chan struct{}, 1)}
	l.board <- struct{}{}
	f.listeners[l] = struct{}{}
	f.sessions[session]++
	f.metrics.streams.Inc()
	if after == 0 || after == f.last {
		return l, nil, true, nil
	}
	if n := len(f.recent); after > f.last || n == 0 || after+1 < f.recent[0].Seq {
		return l, nil, false, nil
	}
	missed = f.recent[after+1-f.recent[0].Seq:]
	return l, slices.Clip(missed), true, nil
}

// leave closes a stream.
func (f *feed) leave(l *listener) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, here := f.listeners[l]; here {
		f.dropLocked(l)
	}
}

func (f *feed) dropLocked(l *listener) {
	delete(f.listeners, l)
	close(l.records)
	if f.sessions[l.session]--; f.sessions[l.session] <= 0 {
		delete(f.sessions, l.session)
	}
	f.metrics.streams.Dec()
}

func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for l := range f.listeners {
		f.dropLocked(l)
	}
}

// concerns says whether a record is about an agent: what an agent's stream tells.
func concerns(e tandem.Event, agent tandem.AgentID) bool {
	if agent == "" {
		return false
	}
	switch e := e.(type) {
	case tandem.CallOffered:
		return e.Agent == agent
	case tandem.OfferEnded:
		return e.Agent == agent
	case tandem.CallConnected:
		return e.Agent == agent
	case tandem.CallReleased:
		return e.Agent == agent
	case tandem.CallDisposed:
		return e.Agent == agent
	case tandem.AgentChanged:
		return e.Agent == agent
	case tandem.DeviceChanged:
		return e.Agent == agent
	default:
		return false // what is about calls, trunks and nodes at large is for supervisors
	}
}
