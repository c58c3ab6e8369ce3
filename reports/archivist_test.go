package reports_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/memstore"
)

// keep runs an archivist until the function that it returns is called, which returns what Run did.
func keep(t *testing.T, cfg reports.ArchivistConfig) (*reports.Archivist, func() error) {
	t.Helper()
	a, err := reports.NewArchivist(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stopped := false
	stop := func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() { _ = stop() })
	return a, stop
}

// everything returns what is in an archive.
func everything(t *testing.T, a reports.Archive) archive {
	t.Helper()
	calls, err := a.Calls(t.Context(), reports.CallQuery{Limit: reports.MaxPage})
	require.NoError(t, err)
	got := make(archive)
	for _, c := range calls {
		got[c.Call.ID] = c
	}
	return got
}

func TestArchivist_KeepsWhatTheFoldSaysAcrossRestarts(t *testing.T) {
	t.Parallel()
	rs := history(9, 900)
	want := make(archive)
	want.fold(reports.NewFolder(), rs, func(int) bool { return false })
	store, kept := memstore.NewJournal(), memstore.NewArchive()
	j := run(t, reports.Config{Store: store})
	for _, part := range [][]tandem.Record{rs[:100], rs[100:101], rs[101:500], rs[500:]} {
		a, stop := keep(t, reports.ArchivistConfig{Journal: j.Journal, Archive: kept, Every: time.Millisecond})
		for _, r := range part {
			require.NoError(t, j.Handle(t.Context(), r))
		}
		require.NoError(t, a.Sync(t.Context(), j.Last()))
		require.ErrorIs(t, stop(), context.Canceled)
	}
	assert.Equal(t, want, everything(t, kept))

	other := memstore.NewArchive()
	require.NoError(t, other.Save(t.Context(), reports.Changes{
		Checkpoint: reports.Checkpoint{Seq: 5, State: []byte("rubbish")},
		Calls:      []reports.CallRecord{{Call: tandem.Call{ID: "left over"}}},
	}))
	a, _ := keep(t, reports.ArchivistConfig{Journal: j.Journal, Archive: other, Rebuild: true})
	require.NoError(t, a.Sync(t.Context(), j.Last()))
	assert.Equal(t, want, everything(t, other), "rebuilt from the journal alone")
}

func TestArchivist_ShowsCallsThatAreUp(t *testing.T) {
	t.Parallel()
	kept := memstore.NewArchive()
	j := run(t, reports.Config{Store: memstore.NewJournal()})
	a, _ := keep(t, reports.ArchivistConfig{Journal: j.Journal, Archive: kept})
	require.NoError(t, j.Handle(t.Context(), rec(0, tandem.CallStarted{Call: inbound}), rec(1, tandem.CallQueued{Call: "c1", Queue: "sales"})))
	require.NoError(t, a.Sync(t.Context(), 2))
	c, err := kept.Call(t.Context(), "c1")
	require.NoError(t, err)
	assert.Equal(t, reports.ResultUnset, c.Result)
	require.Len(t, c.Segments, 1)
	assert.Zero(t, c.Segments[0].To)
}

func TestArchivist_SavesTheRestWhenTheJournalEnds(t *testing.T) {
	t.Parallel()
	kept := memstore.NewArchive()
	j := run(t, reports.Config{Store: memstore.NewJournal()})
	a, err := reports.NewArchivist(reports.ArchivistConfig{Journal: j.Journal, Archive: kept, Every: time.Hour})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- a.Run(t.Context()) }()
	require.NoError(t, a.Sync(t.Context(), 0))
	require.NoError(t, j.Handle(t.Context(), rec(0, tandem.CallStarted{Call: inbound})))
	j.stop()
	require.ErrorIs(t, <-done, tandem.ErrClosed)
	_, err = kept.Call(t.Context(), "c1")
	require.NoError(t, err)
	require.ErrorIs(t, a.Sync(t.Context(), 99), tandem.ErrClosed)
}

func TestArchivist_EndsWithTheArchivesError(t *testing.T) {
	t.Parallel()
	j := run(t, reports.Config{Store: memstore.NewJournal()})
	a, err := reports.NewArchivist(reports.ArchivistConfig{Journal: j.Journal, Archive: fullArchive{memstore.NewArchive()}, Every: time.Millisecond, GiveUp: 50 * time.Millisecond})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- a.Run(t.Context()) }()
	require.NoError(t, j.Handle(t.Context(), ring(1)))
	require.ErrorIs(t, <-done, errFull)
}

func TestArchivist_OutlivesAnArchiveThatRefusesForAWhile(t *testing.T) {
	t.Parallel()
	rs := history(11, 500)
	want := make(archive)
	want.fold(reports.NewFolder(), rs, func(int) bool { return false })
	kept := memstore.NewArchive()
	shaky := &shakyArchive{Archive: kept}
	j := run(t, reports.Config{Store: memstore.NewJournal()})
	a, _ := keep(t, reports.ArchivistConfig{Journal: j.Journal, Archive: shaky, Every: time.Millisecond})
	for _, r := range rs {
		require.NoError(t, j.Handle(t.Context(), r))
	}
	require.NoError(t, a.Sync(t.Context(), j.Last()))
	assert.Equal(t, want, everything(t, kept))
	assert.Greater(t, shaky.n, 3, "it was tried again")
}

// shakyArchive saves the third time only, and says so the fourth time only: the answer to the third is lost.
type shakyArchive struct {
	*memstore.Archive
	n int
}

func (s *shakyArchive) Save(ctx context.Context, c reports.Changes) error {
	s.n++
	if s.n == 1 || s.n == 2 {
		return errFull
	}
	if err := s.Archive.Save(ctx, c); err != nil {
		return err
	}
	if s.n == 3 {
		return errFull
	}
	return nil
}

var errFull = errors.New("no space left")

type fullArchive struct{ *memstore.Archive }

func (fullArchive) Save(context.Context, reports.Changes) error { return errFull }

func TestNewArchivist_ChecksItsConfig(t *testing.T) {
	t.Parallel()
	j := run(t, reports.Config{Store: memstore.NewJournal()})
	for name, cfg := range map[string]reports.ArchivistConfig{
		"no journal": {Archive: memstore.NewArchive()},
		"no archive": {Journal: j.Journal},
		"negative":   {Journal: j.Journal, Archive: memstore.NewArchive(), Every: -1},
	} {
		_, err := reports.NewArchivist(cfg)
		require.ErrorIs(t, err, tandem.ErrInvalid, name)
	}
}
