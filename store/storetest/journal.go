package storetest

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
)

// Journal checks a reports.Store.
func Journal(t *testing.T, open func(t *testing.T) Durable[reports.Store]) {
	t.Helper()
	cases(t, open, map[string]func(*testing.T, Durable[reports.Store]){
		"BeginsEmpty":           journalBeginsEmpty,
		"NumbersWithoutGaps":    journalNumbersWithoutGaps,
		"KeepsEveryEvent":       journalKeepsEveryEvent,
		"ReadsPages":            journalReadsPages,
		"RefusesWhatItCantKeep": journalRefuses,
		"KeepsHostileText":      journalKeepsHostileText,
		"TakesManyAtOnce":       journalTakesManyAtOnce,
		"TakesConcurrentCalls":  journalTakesConcurrentCalls,
		"HeedsTheContext":       journalHeedsTheContext,
		"SurvivesReopening":     journalSurvivesReopening,
	})
}

// digits returns n records that can be told apart.
func digits(from, n int) []tandem.Record {
	rs := make([]tandem.Record, n)
	for i := range rs {
		rs[i] = tandem.Record{
			At:    start().Add(time.Duration(from+i) * time.Millisecond),
			Event: tandem.LegRinging{Leg: tandem.LegID(fmt.Sprint("leg-", from+i))},
		}
	}
	return rs
}

func journalBeginsEmpty(t *testing.T, d Durable[reports.Store]) {
	last, err := d.Store.Last(t.Context())
	require.NoError(t, err)
	assert.Zero(t, last, "the last record of an empty journal")
	rs, err := d.Store.Read(t.Context(), 0, 10)
	require.NoError(t, err)
	assert.Empty(t, rs)
	require.NoError(t, d.Store.Append(t.Context(), nil), "appending nothing")
}

func journalNumbersWithoutGaps(t *testing.T, d Durable[reports.Store]) {
	var all []tandem.Record
	for _, n := range []int{1, 3, 1, 20, 2} {
		rs := digits(len(all), n)
		rs[0].Seq = 4711 // whatever it was before
		require.NoError(t, d.Store.Append(t.Context(), rs))
		all = append(all, rs...)
	}
	for i := range all {
		require.Equal(t, uint64(i+1), all[i].Seq, "the number given to the caller's record %d", i)
	}
	got, err := d.Store.Read(t.Context(), 1, 100)
	require.NoError(t, err)
	assert.Equal(t, all, got)
	last, err := d.Store.Last(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, len(all), last)
}

func journalKeepsEveryEvent(t *testing.T, d Durable[reports.Store]) {
	rs := Events()
	require.NoError(t, d.Store.Append(t.Context(), rs))
	got, err := d.Store.Read(t.Context(), 1, len(rs)+1)
	require.NoError(t, err)
	require.Len(t, got, len(rs))
	for i := range rs {
		assert.Equal(t, rs[i], got[i])
	}
}

func journalReadsPages(t *testing.T, d Durable[reports.Store]) {
	all := digits(0, 25)
	require.NoError(t, d.Store.Append(t.Context(), all))
	for _, limit := range []int{1, 7, 25, 26, 1000} {
		var got []tandem.Record
		for next := uint64(1); ; {
			rs, err := d.Store.Read(t.Context(), next, limit)
			require.NoError(t, err)
			require.LessOrEqual(t, len(rs), limit)
			if len(rs) == 0 {
				break
			}
			got = append(got, rs...)
			next = rs[len(rs)-1].Seq + 1
		}
		require.Equal(t, all, got, "pages of %d", limit)
	}
	rs, err := d.Store.Read(t.Context(), 26, 5)
	require.NoError(t, err)
	assert.Empty(t, rs, "past the end")
	for _, limit := range []int{0, -1} {
		_, err := d.Store.Read(t.Context(), 1, limit)
		require.ErrorIs(t, err, tandem.ErrInvalid, "limit %d", limit)
	}
}

func journalRefuses(t *testing.T, d Durable[reports.Store]) {
	good := digits(0, 1)[0]
	for name, bad := range map[string]tandem.Record{
		"no event":      {At: start()},
		"no time":       {Event: tandem.NodeAlive{Node: "n"}},
		"not encodable": {At: start(), Event: tandem.Decided{Rule: "r", Candidates: []tandem.Candidate{{Agent: "a", Key: math.NaN()}}}},
	} {
		err := d.Store.Append(t.Context(), []tandem.Record{good, bad, good})
		require.ErrorIs(t, err, tandem.ErrInvalid, name)
	}
	last, err := d.Store.Last(t.Context())
	require.NoError(t, err)
	assert.Zero(t, last, "a refused append leaves nothing behind")
}

func journalKeepsHostileText(t *testing.T, d Durable[reports.Store]) {
	rs := []tandem.Record{{At: start(), Event: tandem.LegIncoming{
		Leg: "l", Trunk: "t", From: tandem.CallerID{Number: hostile, Name: hostile}, To: hostile,
	}}}
	require.NoError(t, d.Store.Append(t.Context(), rs))
	got, err := d.Store.Read(t.Context(), 1, 10)
	require.NoError(t, err)
	require.Len(t, got, 1)
	e, ok := got[0].Event.(tandem.LegIncoming)
	require.True(t, ok, "got %T", got[0].Event)
	assert.Contains(t, e.From.Name, "DROP TABLE", "the text is kept, not done")
}

func journalTakesManyAtOnce(t *testing.T, d Durable[reports.Store]) {
	const n = 5003 // more than one statement, and no round number
	rs := digits(0, n)
	require.NoError(t, d.Store.Append(t.Context(), rs))
	got, err := d.Store.Read(t.Context(), 1, n+1)
	require.NoError(t, err)
	require.Equal(t, rs, got)
}

func journalTakesConcurrentCalls(t *testing.T, d Durable[reports.Store]) {
	const writers, each, size = 8, 10, 3
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				rs := digits((w*each+i)*size, size)
				if err := d.Store.Append(t.Context(), rs); err != nil {
					t.Error(err)
					return
				}
				if !assert.Equal(t, rs[0].Seq+size-1, rs[size-1].Seq, "the records of one call stay together") {
					return
				}
			}
		})
	}
	wg.Go(func() { // a reader never sees a gap, whenever it looks
		for range 50 {
			rs, err := d.Store.Read(t.Context(), 1, writers*each*size+1)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range rs {
				if !assert.EqualValues(t, i+1, rs[i].Seq, "a reader sees a gap") {
					return
				}
			}
		}
	})
	wg.Wait()
	rs, err := d.Store.Read(t.Context(), 1, 1000)
	require.NoError(t, err)
	require.Len(t, rs, writers*each*size)
	legs := make([]string, len(rs))
	for i, r := range rs {
		e, ok := r.Event.(tandem.LegRinging)
		require.True(t, ok)
		legs[i] = string(e.Leg)
	}
	slices.Sort(legs)
	assert.Len(t, slices.Compact(legs), writers*each*size, "each record once")
}

func journalHeedsTheContext(t *testing.T, d Durable[reports.Store]) {
	ctx := cancelled(t)
	require.Error(t, d.Store.Append(ctx, digits(0, 1)))
	_, err := d.Store.Read(ctx, 1, 1)
	require.Error(t, err)
	_, err = d.Store.Last(ctx)
	require.Error(t, err)
	require.NoError(t, d.Store.Append(t.Context(), digits(0, 1)), "the store goes on working")
}

func journalSurvivesReopening(t *testing.T, d Durable[reports.Store]) {
	all := digits(0, 10)
	require.NoError(t, d.Store.Append(t.Context(), all))
	again := d.reopen(t)
	more := digits(10, 2)
	require.NoError(t, again.Append(t.Context(), more))
	got, err := again.Read(t.Context(), 1, 100)
	require.NoError(t, err)
	assert.Equal(t, append(all, more...), got)
}
