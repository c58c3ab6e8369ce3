package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
)

// Archive checks a reports.Archive.
func Archive(t *testing.T, open func(t *testing.T) Durable[reports.Archive]) {
	t.Helper()
	cases(t, open, map[string]func(*testing.T, Durable[reports.Archive]){
		"BeginsEmpty":       archiveBeginsEmpty,
		"KeepsEveryField":   archiveKeepsEveryField,
		"MovesCheckpoint":   archiveMovesCheckpoint,
		"SelectsAndPages":   archiveSelectsAndPages,
		"PagesActivities":   archivePagesActivities,
		"RefusesBadPages":   archiveRefusesBadPages,
		"Rebuilds":          archiveRebuilds,
		"KeepsHostileText":  archiveKeepsHostileText,
		"HeedsTheContext":   archiveHeedsTheContext,
		"SurvivesReopening": archiveSurvivesReopening,
	})
}

// fullCall returns a record with every field set.
func fullCall(id tandem.CallID, at time.Time) reports.CallRecord {
	return reports.CallRecord{
		Call: tandem.Call{
			ID: id, Direction: tandem.Inbound, Customer: "l1", Trunk: "t", From: tandem.CallerID{Number: "+34600000001", Name: "Eva"},
			To: "900", Campaign: "k", Attempt: "a", Lead: "d",
		},
		Started: at, Answered: at.Add(time.Second), Connected: at.Add(4 * time.Second), Ended: at.Add(time.Minute),
		Segments: []reports.Segment{
			{Kind: reports.SegmentQueued, Queue: "sales", Agent: "ana", From: at, To: at.Add(4 * time.Second), Position: 1, Left: tandem.LeaveMoved},
			{Kind: reports.SegmentRinging, Queue: "sales", Agent: "ana", Leg: "l2", From: at, To: at.Add(4 * time.Second), Cause: tandem.CauseBusy},
			{Kind: reports.SegmentTalking, Queue: "sales", Agent: "ana", Leg: "l2", From: at.Add(4 * time.Second), By: tandem.PartyAgent},
		},
		Waited: 4 * time.Second, Rang: 3 * time.Second, Talked: 50 * time.Second, Held: 2 * time.Second, WrapUp: time.Second,
		Result: reports.ResultAnswered, Cause: tandem.CauseNormal, EndedBy: tandem.PartyCustomer, Outcome: tandem.OutcomeConnected,
		Disposition: "sale", DisposedBy: "ana", Note: "two", FirstSeq: 3, LastSeq: 9,
	}
}

// save stores changes on top of what is there.
func save(t *testing.T, a reports.Archive, calls []reports.CallRecord, acts ...reports.Activity) {
	t.Helper()
	cp, err := a.Checkpoint(t.Context())
	require.NoError(t, err)
	require.NoError(t, a.Save(t.Context(), reports.Changes{
		Since: cp.Seq, Checkpoint: reports.Checkpoint{Seq: cp.Seq + 1, State: []byte(`{}`)}, Calls: calls, Activities: acts,
	}))
}

func archiveBeginsEmpty(t *testing.T, d Durable[reports.Archive]) {
	cp, err := d.Store.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, reports.Checkpoint{}, cp)
	_, err = d.Store.Call(t.Context(), "c1")
	require.ErrorIs(t, err, tandem.ErrNotFound)
	calls, err := d.Store.Calls(t.Context(), reports.CallQuery{})
	require.NoError(t, err)
	assert.Empty(t, calls)
	acts, err := d.Store.Activities(t.Context(), reports.ActivityQuery{})
	require.NoError(t, err)
	assert.Empty(t, acts)
}

func archiveKeepsEveryField(t *testing.T, d Durable[reports.Archive]) {
	c := fullCall("c1", start())
	act := reports.Activity{Seq: 5, Agent: "ana", State: tandem.AgentPaused, Reason: "lunch", Call: "c1", From: start(), To: start().Add(time.Hour)}
	save(t, d.Store, []reports.CallRecord{c}, act)
	got, err := d.Store.Call(t.Context(), "c1")
	require.NoError(t, err)
	assert.Equal(t, c, got)
	acts, err := d.Store.Activities(t.Context(), reports.ActivityQuery{})
	require.NoError(t, err)
	assert.Equal(t, []reports.Activity{act}, acts)

	c.Note, c.LastSeq = "three", 10
	c.Segments = append(c.Segments, reports.Segment{Kind: reports.SegmentWrapUp, Queue: "after", Agent: "bo", From: start()})
	act.To = time.Time{}
	save(t, d.Store, []reports.CallRecord{c}, act)
	calls, err := d.Store.Calls(t.Context(), reports.CallQuery{Agent: "bo", Queue: "after"})
	require.NoError(t, err)
	assert.Equal(t, []reports.CallRecord{c}, calls, "a later record replaces the earlier, and is found by what it added")
}

func archiveMovesCheckpoint(t *testing.T, d Durable[reports.Archive]) {
	first := reports.Checkpoint{Seq: 7, State: []byte(`{"seq":7,"text":"a\u0000b"}`)}
	require.NoError(t, d.Store.Save(t.Context(), reports.Changes{Checkpoint: first}))
	got, err := d.Store.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, first, got)

	late := reports.Changes{Since: 3, Checkpoint: reports.Checkpoint{Seq: 9}, Calls: []reports.CallRecord{fullCall("c1", start())}}
	require.ErrorIs(t, d.Store.Save(t.Context(), late), tandem.ErrConflict, "built on another checkpoint")
	_, err = d.Store.Call(t.Context(), "c1")
	require.ErrorIs(t, err, tandem.ErrNotFound, "nothing of it is stored")
	got, err = d.Store.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, first, got)
}

func archiveSelectsAndPages(t *testing.T, d Durable[reports.Archive]) {
	const n = 30
	var all []reports.CallRecord
	for i := range n {
		at := start().Add(time.Duration(i/3) * time.Minute) // three calls start at the same moment
		c := fullCall(tandem.CallID(fmt.Sprintf("c%02d", i)), at)
		c.Segments = []reports.Segment{{Kind: reports.SegmentQueued, Queue: "sales", From: at}}
		if i%2 == 0 {
			c.Segments[0].Queue = "help"
			c.Segments = append(c.Segments, reports.Segment{Kind: reports.SegmentRinging, Queue: "help", Agent: "ana", From: at})
		}
		if i%5 == 0 {
			c.Call.Direction, c.Call.Campaign, c.Call.To = tandem.Outbound, "spring", "+34600000999"
		}
		all = append(all, c)
	}
	for i := n - 1; i >= 0; i-- { // saved in another order than asked for
		save(t, d.Store, all[i:i+1])
	}
	minute := func(m int) time.Time { return start().Add(time.Duration(m) * time.Minute) }
	for name, c := range map[string]struct {
		query reports.CallQuery
		keep  func(i int) bool
	}{
		"all":       {reports.CallQuery{}, func(int) bool { return true }},
		"from":      {reports.CallQuery{From: minute(4)}, func(i int) bool { return i/3 >= 4 }},
		"to":        {reports.CallQuery{To: minute(4)}, func(i int) bool { return i/3 < 4 }},
		"between":   {reports.CallQuery{From: minute(2), To: minute(3)}, func(i int) bool { return i/3 == 2 }},
		"queue":     {reports.CallQuery{Queue: "help"}, func(i int) bool { return i%2 == 0 }},
		"agent":     {reports.CallQuery{Agent: "ana", From: minute(1)}, func(i int) bool { return i%2 == 0 && i >= 3 }},
		"direction": {reports.CallQuery{Direction: tandem.Outbound}, func(i int) bool { return i%5 == 0 }},
		"campaign":  {reports.CallQuery{Campaign: "spring", Queue: "help"}, func(i int) bool { return i%10 == 0 }},
		"customer":  {reports.CallQuery{Customer: "+34600000999"}, func(i int) bool { return i%5 == 0 }},
		"nobody":    {reports.CallQuery{Agent: "zoe"}, func(int) bool { return false }},
	} {
		for _, limit := range []int{4, 100} {
			for _, newest := range []bool{false, true} {
				var want []tandem.CallID
				for i := range n {
					if c.keep(i) {
						want = append(want, all[i].Call.ID)
					}
				}
				if newest {
					for l, r := 0, len(want)-1; l < r; l, r = l+1, r-1 {
						want[l], want[r] = want[r], want[l]
					}
				}
				q := c.query
				q.Limit, q.Newest = limit, newest
				assert.Equal(t, want, pages(t, d.Store, q), "%s, pages of %d, newest first %t", name, limit, newest)
			}
		}
	}
}

// pages asks for page after page and returns the calls of all.
func pages(t *testing.T, a reports.Archive, q reports.CallQuery) []tandem.CallID {
	t.Helper()
	var ids []tandem.CallID
	for {
		calls, err := a.Calls(t.Context(), q)
		require.NoError(t, err)
		require.LessOrEqual(t, len(calls), q.Limit)
		for i := range calls {
			ids = append(ids, calls[i].Call.ID)
		}
		if len(calls) == 0 {
			return ids
		}
		q.After = calls[len(calls)-1].Cursor()
	}
}

func archivePagesActivities(t *testing.T, d Durable[reports.Archive]) {
	var acts []reports.Activity
	for i := range 10 {
		a := reports.Activity{
			Seq: uint64(i + 1), Agent: "ana", State: tandem.AgentReady, //nolint:gosec // i is not negative
			From: start().Add(time.Duration(i) * time.Minute), To: start().Add(time.Duration(i+1) * time.Minute),
		}
		if i%2 == 1 {
			a.Agent = "bo"
		}
		if i == 9 {
			a.To = time.Time{}
		}
		acts = append(acts, a)
	}
	save(t, d.Store, nil, acts...)
	get := func(q reports.ActivityQuery) []uint64 {
		got, err := d.Store.Activities(t.Context(), q)
		require.NoError(t, err)
		seqs := make([]uint64, len(got))
		for i := range got {
			seqs[i] = got[i].Seq
		}
		return seqs
	}
	assert.Equal(t, []uint64{1, 2, 3}, get(reports.ActivityQuery{Limit: 3}))
	assert.Equal(t, []uint64{4, 5, 6}, get(reports.ActivityQuery{Limit: 3, After: 3}))
	assert.Equal(t, []uint64{2, 4, 6, 8, 10}, get(reports.ActivityQuery{Agent: "bo"}))
	assert.Equal(t, []uint64{3, 4}, get(reports.ActivityQuery{From: start().Add(150 * time.Second), To: start().Add(200 * time.Second)}), "what overlaps")
	assert.Equal(t, []uint64{10}, get(reports.ActivityQuery{From: start().Add(time.Hour)}), "what goes on still")
}

func archiveRefusesBadPages(t *testing.T, d Durable[reports.Archive]) {
	for _, limit := range []int{-1, reports.MaxPage + 1} {
		_, err := d.Store.Calls(t.Context(), reports.CallQuery{Limit: limit})
		require.ErrorIs(t, err, tandem.ErrInvalid, "calls, limit %d", limit)
		_, err = d.Store.Activities(t.Context(), reports.ActivityQuery{Limit: limit})
		require.ErrorIs(t, err, tandem.ErrInvalid, "activities, limit %d", limit)
	}
}

func archiveRebuilds(t *testing.T, d Durable[reports.Archive]) {
	act := reports.Activity{Seq: 5, Agent: "ana", State: tandem.AgentReady, From: start()}
	save(t, d.Store, []reports.CallRecord{fullCall("old", start())}, act)
	require.NoError(t, d.Store.Save(t.Context(), reports.Changes{
		Since: 4711, Rebuild: true, Checkpoint: reports.Checkpoint{Seq: 1, State: []byte("{}")},
		Calls: []reports.CallRecord{fullCall("new", start())},
	}))
	assert.Equal(t, []tandem.CallID{"new"}, pages(t, d.Store, reports.CallQuery{Limit: 10}))
	assert.Equal(t, []tandem.CallID{"new"}, pages(t, d.Store, reports.CallQuery{Limit: 10, Queue: "sales"}))
	acts, err := d.Store.Activities(t.Context(), reports.ActivityQuery{})
	require.NoError(t, err)
	assert.Empty(t, acts)
}

func archiveKeepsHostileText(t *testing.T, d Durable[reports.Archive]) {
	c := fullCall("c1", start())
	c.Call.From, c.Note, c.Segments[0].Queue = tandem.CallerID{Number: hostile, Name: hostile}, hostile, hostile
	save(t, d.Store, []reports.CallRecord{c})
	got, err := d.Store.Call(t.Context(), "c1")
	require.NoError(t, err)
	assert.Contains(t, got.Note, "DROP TABLE")
	calls, err := d.Store.Calls(t.Context(), reports.CallQuery{Customer: hostile, Queue: hostile})
	require.NoError(t, err)
	assert.Len(t, calls, 1, "found by the same text")
}

func archiveHeedsTheContext(t *testing.T, d Durable[reports.Archive]) {
	ctx := cancelled(t)
	require.Error(t, d.Store.Save(ctx, reports.Changes{Checkpoint: reports.Checkpoint{Seq: 1}}))
	_, err := d.Store.Calls(ctx, reports.CallQuery{})
	require.Error(t, err)
	cp, err := d.Store.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Zero(t, cp.Seq)
}

func archiveSurvivesReopening(t *testing.T, d Durable[reports.Archive]) {
	c := fullCall("c1", start())
	save(t, d.Store, []reports.CallRecord{c})
	again := d.reopen(t)
	got, err := again.Call(t.Context(), "c1")
	require.NoError(t, err)
	assert.Equal(t, c, got)
	cp, err := again.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, cp.Seq)
}
