package reports_test

import (
	"context"
	"io"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/memstore"
)

// BenchmarkJournal_Handle is the cost of a record through the journal into memory, with many callers at once.
func BenchmarkJournal_Handle(b *testing.B) {
	j := run(b, reports.Config{Store: memstore.NewJournal()})
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := j.Handle(b.Context(), ring(1)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(j.Stats().Records)/float64(j.Stats().Batches), "records/batch")
}

// BenchmarkJournal_Follow is the cost of a record that a hundred followers are told.
func BenchmarkJournal_Follow(b *testing.B) {
	const followers = 100
	j := run(b, reports.Config{Store: memstore.NewJournal()})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var told atomic.Int64
	ended := make(chan error, followers)
	for range followers {
		go func() {
			ended <- j.Follow(ctx, 1, func(rs []tandem.Record) error {
				told.Add(int64(len(rs)))
				return nil
			})
		}()
	}
	rs := make([]tandem.Record, 64)
	for i := range rs {
		rs[i] = ring(i)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := j.Handle(b.Context(), rs...); err != nil {
			b.Fatal(err)
		}
		n += len(rs)
	}
	for told.Load() < int64(n)*followers {
		select {
		case err := <-ended:
			b.Fatal(err)
		default:
		}
	}
	b.ReportMetric(float64(told.Load())/b.Elapsed().Seconds(), "told/s")
}

func BenchmarkFolder_Apply(b *testing.B) {
	rs := history(1, 20_000)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		f := reports.NewFolder()
		for i := range rs {
			f.Apply(rs[i])
			if i%256 == 0 {
				f.Take()
			}
		}
		n += len(rs)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkCSVWriter_Write(b *testing.B) {
	a := make(archive)
	a.fold(reports.NewFolder(), answered(), func(int) bool { return true })
	c := a["c1"]
	w := reports.NewCSVWriter(io.Discard)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(&c); err != nil {
			b.Fatal(err)
		}
	}
	require.NoError(b, w.Flush())
}
