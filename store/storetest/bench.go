package storetest

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
)

// BenchJournal measures a reports.Store: records that come one at a time, in batches of 64, through a Journal with many callers, and
// read back.
func BenchJournal(b *testing.B, open func(b *testing.B) reports.Store) {
	b.Helper()
	b.Run("AppendOne", func(b *testing.B) { benchAppend(b, open(b), 1) })
	b.Run("Append64", func(b *testing.B) { benchAppend(b, open(b), 64) })
	b.Run("Journal32Callers", func(b *testing.B) { benchCallers(b, open(b)) })
	b.Run("Read256", func(b *testing.B) { benchRead(b, open(b)) })
}

func benchAppend(b *testing.B, s reports.Store, size int) {
	b.Helper()
	rs := digits(0, size)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := s.Append(b.Context(), rs); err != nil {
			b.Fatal(err)
		}
		n += size
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

func benchCallers(b *testing.B, s reports.Store) {
	b.Helper()
	j, err := reports.New(reports.Config{Store: s})
	require.NoError(b, err)
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx) }()
	b.ReportAllocs()
	b.SetParallelism(16) // callers for each of the machine's processors
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := j.Handle(ctx, digits(0, 1)...); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	st := j.Stats()
	b.ReportMetric(float64(st.Records)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(st.Records)/float64(max(1, st.Batches)), "records/tx")
	stop()
	require.ErrorIs(b, <-ended, context.Canceled)
}

func benchRead(b *testing.B, s reports.Store) {
	b.Helper()
	require.NoError(b, s.Append(b.Context(), digits(0, 2560)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		rs, err := s.Read(b.Context(), uint64(1+256*(n%10)), 256) //nolint:gosec // n counts up from 0
		if err != nil || len(rs) != 256 {
			b.Fatalf("%d records, %v", len(rs), err)
		}
		n++
	}
	b.ReportMetric(float64(256*n)/b.Elapsed().Seconds(), "records/s")
}

// BenchArchive measures a reports.Archive that holds a hundred days of two hundred calls: saving calls, and a day's export out of all of them.
func BenchArchive(b *testing.B, open func(b *testing.B) reports.Archive) {
	b.Helper()
	a := open(b)
	const days, perDay = 100, 200
	seq := uint64(0)
	save := func(day int) {
		calls := make([]reports.CallRecord, perDay)
		for i := range calls {
			id := tandem.CallID(fmt.Sprintf("c%03d-%04d", day, i))
			calls[i] = fullCall(id, start().AddDate(0, 0, day).Add(time.Duration(i)*time.Minute))
		}
		err := a.Save(b.Context(), reports.Changes{Since: seq, Checkpoint: reports.Checkpoint{Seq: seq + 1, State: []byte("{}")}, Calls: calls})
		require.NoError(b, err)
		seq++
	}
	for day := range days {
		save(day)
	}
	b.Run("Save200", func(b *testing.B) {
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			save(days) // a day that has begun: the same calls, changed
			n += perDay
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "calls/s")
	})
	for name, q := range map[string]reports.CallQuery{"ExportDay": {}, "ExportDayOfAgent": {Agent: "ana"}, "ExportDayOfQueue": {Queue: "sales"}} {
		q.From, q.To = start().AddDate(0, 0, 50), start().AddDate(0, 0, 51)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if n, err := reports.ExportCSV(b.Context(), io.Discard, a, q); err != nil || n != perDay {
					b.Fatalf("%d calls, %v", n, err)
				}
			}
			b.ReportMetric(perDay, "calls/op")
		})
	}
}
