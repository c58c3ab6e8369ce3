package reports_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/memstore"
)

// running is a journal and how to stop it.
type running struct {
	*reports.Journal
	stop context.CancelFunc
	done chan error // what Run returned
}

// run starts a journal; it is stopped at the end of the test at the latest.
func run(tb testing.TB, cfg reports.Config) *running {
	tb.Helper()
	j, err := reports.New(cfg)
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(tb.Context())
	r := &running{Journal: j, stop: cancel, done: make(chan error, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.done <- j.Run(ctx)
	}()
	tb.Cleanup(func() {
		cancel()
		<-ended
	})
	return r
}

// ring is a record that can be told apart.
func ring(n int) tandem.Record {
	return rec(float64(n), tandem.LegRinging{Leg: tandem.LegID(fmt.Sprint("leg", n))})
}

// broken is a store whose Append can be made to misbehave.
type broken struct {
	reports.Store
	append func(ctx context.Context, rs []tandem.Record) error
}

func (b *broken) Append(ctx context.Context, rs []tandem.Record) error { return b.append(ctx, rs) }

// gated is a store whose Append waits for a gate.
type gated struct {
	reports.Store
	gate  chan struct{}
	taken atomic.Int64 // records that wait at the gate
}

func (g *gated) Append(ctx context.Context, rs []tandem.Record) error {
	g.taken.Store(int64(len(rs)))
	select {
	case <-g.gate:
		return g.Store.Append(ctx, rs)
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errBroken = errors.New("disk is on fire")

func TestNew_ChecksItsConfig(t *testing.T) {
	t.Parallel()
	_, err := reports.New(reports.Config{})
	require.ErrorIs(t, err, tandem.ErrInvalid)
	_, err = reports.New(reports.Config{Store: memstore.NewJournal(), Inbox: -1})
	require.ErrorIs(t, err, tandem.ErrInvalid)
}

func TestJournal_NumbersRecordsOfCaller(t *testing.T) {
	t.Parallel()
	store := memstore.NewJournal()
	j := run(t, reports.Config{Store: store})
	rs := []tandem.Record{ring(1), ring(2), ring(3)}
	require.NoError(t, j.Handle(t.Context(), rs...))
	for i := range rs {
		assert.EqualValues(t, i+1, rs[i].Seq, "the caller's records get their numbers")
	}
	got, err := store.Read(t.Context(), 1, 10)
	require.NoError(t, err)
	assert.Equal(t, rs, got, "they are in the store when Handle has returned")
	assert.EqualValues(t, 3, j.Last())
	require.NoError(t, j.Handle(t.Context()), "nothing is nothing")
}

func TestJournal_CallersShareTransactions(t *testing.T) {
	t.Parallel()
	store := memstore.NewJournal()
	gate := make(chan struct{})
	slow := &gated{Store: store, gate: gate}
	j := run(t, reports.Config{Store: slow})
	const callers = 50
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			rs := []tandem.Record{ring(i), ring(i + 1000)}
			if assert.NoError(t, j.Handle(t.Context(), rs...)) {
				assert.Equal(t, rs[0].Seq+1, rs[1].Seq, "a caller's records stay together")
			}
		})
	}
	require.Eventually(t, func() bool { return j.Stats().Queued+int(slow.taken.Load())/2 == callers }, 10*time.Second, time.Millisecond)
	close(gate)
	wg.Wait()
	s := j.Stats()
	assert.EqualValues(t, 2*callers, s.Records)
	assert.LessOrEqual(t, s.Batches, uint64(2), "who waited went into one transaction")
}

func TestJournal_FollowersSeeEachRecordOnceAndInOrder(t *testing.T) {
	t.Parallel()
	store := memstore.NewJournal()
	require.NoError(t, store.Append(t.Context(), []tandem.Record{ring(0), ring(0), ring(0)}))
	j := run(t, reports.Config{Store: store, Keep: 8}) // so few that followers must read the store, too
	const writers, each = 6, 150
	total := uint64(3 + writers*each)
	var wg sync.WaitGroup
	for f := range 4 {
		wg.Go(func() { // from the beginning, from the middle, from where nothing is yet
			next := uint64(1 + f*200)
			err := j.Follow(t.Context(), next, func(rs []tandem.Record) error {
				for _, r := range rs {
					if r.Seq != next {
						return fmt.Errorf("follower %d got record %d, not %d", f, r.Seq, next)
					}
					next++
				}
				if next > total {
					return errBroken
				}
				return nil
			})
			assert.Equal(t, errBroken, err, "what fn returns is returned as it is")
		})
	}
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				assert.NoError(t, j.Handle(t.Context(), ring(w*each+i)))
			}
		})
	}
	wg.Wait()
}

func TestJournal_SlowFollowerHoldsUpNobody(t *testing.T) {
	t.Parallel()
	j := run(t, reports.Config{Store: memstore.NewJournal(), Keep: 4})
	stuck, release := make(chan struct{}), make(chan struct{})
	var seen atomic.Uint64
	followed := make(chan error, 1)
	go func() {
		followed <- j.Follow(t.Context(), 1, func(rs []tandem.Record) error {
			if seen.Add(uint64(len(rs))) == 1 {
				close(stuck)
				<-release
			}
			return nil
		})
	}()
	require.NoError(t, j.Handle(t.Context(), ring(0)))
	<-stuck
	for i := range 200 {
		require.NoError(t, j.Handle(t.Context(), ring(i)))
	}
	close(release)
	require.Eventually(t, func() bool { return seen.Load() == 201 }, 10*time.Second, time.Millisecond, "it catches up, out of the store")
	j.stop()
	require.ErrorIs(t, <-followed, tandem.ErrClosed)
}

func TestJournal_FullQueueSlowsTheSourceDown(t *testing.T) {
	t.Parallel()
	store := memstore.NewJournal()
	gate := make(chan struct{})
	slow := &gated{Store: store, gate: gate}
	j := run(t, reports.Config{Store: slow, Inbox: 1})
	results := make(chan error, 2)
	go func() { results <- j.Handle(t.Context(), ring(1)) }() // in the writer's hands
	require.Eventually(t, func() bool { return slow.taken.Load() == 1 }, 10*time.Second, time.Millisecond)
	go func() { results <- j.Handle(t.Context(), ring(2)) }() // in the queue
	require.Eventually(t, func() bool { return slow.taken.Load() == 1 && j.Stats().Queued == 1 }, 10*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, j.Handle(ctx, ring(3)), context.DeadlineExceeded, "the third waits until its context ends")
	close(gate)
	require.NoError(t, <-results)
	require.NoError(t, <-results)
}

func TestJournal_BadRecordHarmsItsCallerOnly(t *testing.T) {
	t.Parallel()
	store := memstore.NewJournal()
	gate := make(chan struct{})
	slow := &gated{Store: store, gate: gate}
	j := run(t, reports.Config{Store: slow})
	require.ErrorIs(t, j.Handle(t.Context(), tandem.Record{At: at(0)}), tandem.ErrInvalid, "no event")
	require.ErrorIs(t, j.Handle(t.Context(), tandem.Record{Event: tandem.NodeAlive{}}), tandem.ErrInvalid, "no time")
	var wg sync.WaitGroup
	for i := range 9 {
		wg.Go(func() {
			if i == 4 {
				bad := rec(0, tandem.Decided{Candidates: []tandem.Candidate{{Key: math.Inf(1)}}})
				assert.ErrorIs(t, j.Handle(t.Context(), bad), tandem.ErrInvalid, "not encodable")
				return
			}
			assert.NoError(t, j.Handle(t.Context(), ring(i)))
		})
	}
	require.Eventually(t, func() bool { return j.Stats().Queued+int(slow.taken.Load()) == 9 }, 10*time.Second, time.Millisecond)
	close(gate)
	wg.Wait()
	assert.EqualValues(t, 8, j.Last(), "the others' records are there")
}

func TestJournal_StoreThatRefusesIsTriedAgainAndNothingIsDoubled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.NewJournal()
		n := 0
		shaky := &broken{Store: store}
		shaky.append = func(ctx context.Context, rs []tandem.Record) error {
			n++
			switch n % 3 {
			case 1:
				return errBroken // not written
			case 2:
				if err := store.Append(ctx, append([]tandem.Record(nil), rs...)); err != nil {
					return err
				}
				return errBroken // written, but the answer is lost
			}
			return store.Append(ctx, rs)
		}
		j := run(t, reports.Config{Store: shaky})
		for i := range 20 {
			rs := []tandem.Record{ring(i), ring(i)}
			require.NoError(t, j.Handle(t.Context(), rs...))
			require.EqualValues(t, 2*i+1, rs[0].Seq)
		}
		last, err := store.Last(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 40, last)
	})
}

func TestJournal_GivesUpAndSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.NewJournal()
		dead := &broken{Store: store, append: func(context.Context, []tandem.Record) error { return errBroken }}
		j := run(t, reports.Config{Store: dead, GiveUp: 3 * time.Second})
		began := time.Now()
		require.ErrorIs(t, j.Handle(t.Context(), ring(1)), errBroken)
		assert.GreaterOrEqual(t, time.Since(began), 3*time.Second, "not at the first trouble")
		require.ErrorIs(t, <-j.done, errBroken, "Run ends with the store's error")
		require.ErrorIs(t, j.Handle(t.Context(), ring(2)), tandem.ErrClosed)
		require.ErrorIs(t, j.Follow(t.Context(), 1, nil), tandem.ErrClosed)
	})
}

func TestJournal_SaysThatItIsInTroubleForAsLongAsItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.NewJournal()
		var full atomic.Bool
		full.Store(true)
		disk := &broken{Store: store}
		disk.append = func(ctx context.Context, rs []tandem.Record) error {
			if full.Load() {
				return errBroken
			}
			return store.Append(ctx, rs)
		}
		j := run(t, reports.Config{Store: disk})
		require.NoError(t, j.Trouble())
		done := make(chan error, 1)
		go func() { done <- j.Handle(t.Context(), ring(1)) }()
		wait(time.Second)
		require.ErrorIs(t, j.Trouble(), errBroken)
		full.Store(false)
		require.NoError(t, <-done)
		require.NoError(t, j.Trouble())
		j.stop()
		<-j.done
		wait(time.Second)
		require.ErrorIs(t, j.Trouble(), tandem.ErrClosed)
	})
}

func TestJournal_NoticesAnotherWriter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.NewJournal()
		stolen := &broken{Store: store}
		stolen.append = func(ctx context.Context, _ []tandem.Record) error {
			if err := store.Append(ctx, []tandem.Record{ring(7), ring(8), ring(9)}); err != nil {
				return err
			}
			return errBroken
		}
		j := run(t, reports.Config{Store: stolen})
		require.ErrorIs(t, j.Handle(t.Context(), ring(1)), tandem.ErrConflict)
	})
}

func TestJournal_StopWritesWhatWasTakenAndTheEnd(t *testing.T) {
	t.Parallel()
	store := memstore.NewJournal()
	gate := make(chan struct{})
	slow := &gated{Store: store, gate: gate}
	j := run(t, reports.Config{Store: slow, Node: "n1"})
	results := make(chan error, 3)
	for i := range 3 {
		go func() { results <- j.Handle(t.Context(), ring(i)) }()
	}
	require.Eventually(t, func() bool { return j.Stats().Queued+int(slow.taken.Load()) == 3 }, 10*time.Second, time.Millisecond)
	j.stop() // in the middle of a write
	close(gate)
	for range 3 {
		require.NoError(t, <-results)
	}
	require.ErrorIs(t, <-j.done, context.Canceled)
	rs, err := store.Read(t.Context(), 1, 10)
	require.NoError(t, err)
	require.Len(t, rs, 4)
	assert.Equal(t, tandem.NodeStopped{Node: "n1"}, rs[3].Event)
	require.ErrorIs(t, j.Handle(t.Context(), ring(9)), tandem.ErrClosed)
	require.ErrorIs(t, j.Run(t.Context()), tandem.ErrState, "it runs once")
}

func TestJournal_ShowsSignsOfLifeWhileCallsAreUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.NewJournal()
		j := run(t, reports.Config{Store: store, Node: "n1", AliveEvery: 5 * time.Second})
		alive := func() (n int) {
			synctest.Wait()
			rs, err := store.Read(t.Context(), 1, 1000)
			require.NoError(t, err)
			for _, r := range rs {
				if r.Event == (tandem.NodeAlive{Node: "n1"}) {
					n++
				}
			}
			return n
		}
		now := func(e tandem.Event) tandem.Record { return tandem.Record{At: time.Now(), Event: e} }
		wait(time.Minute)
		assert.Zero(t, alive(), "nothing is up")
		require.NoError(t, j.Handle(t.Context(), now(tandem.CallStarted{Call: inbound})))
		wait(12 * time.Second)
		assert.Equal(t, 2, alive(), "one each 5 s without another record")
		for range 10 {
			wait(4 * time.Second)
			require.NoError(t, j.Handle(t.Context(), now(tandem.LegRinging{Leg: "l"})))
		}
		assert.Equal(t, 3, alive(), "one before the first of them; then other records are signs of life enough")
		require.NoError(t, j.Handle(t.Context(), now(tandem.CallEnded{Call: inbound.ID})))
		wait(time.Minute)
		assert.Equal(t, 3, alive(), "nothing is up any more")
	})
}

func TestJournal_HandleWaitsForRun(t *testing.T) {
	t.Parallel()
	j, err := reports.New(reports.Config{Store: memstore.NewJournal()})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, j.Handle(ctx, ring(1)), context.DeadlineExceeded)
	require.ErrorIs(t, j.Follow(ctx, 1, nil), context.DeadlineExceeded)
}

// wait lets the bubble's clock run for d.
func wait(d time.Duration) { <-time.After(d) }
