package reports_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
)

// at is a moment s seconds into the examples' day.
func at(s float64) time.Time {
	return time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC).Add(time.Duration(s * float64(time.Second)))
}

// rec is a record s seconds into the day.
func rec(s float64, e tandem.Event) tandem.Record { return tandem.Record{At: at(s), Event: e} }

// number gives records their places.
func number(rs ...tandem.Record) []tandem.Record {
	for i := range rs {
		rs[i].Seq = uint64(i + 1)
	}
	return rs
}

// archive is the simplest archive: it keeps what the fold lets go, for late records.
type archive map[tandem.CallID]reports.CallRecord

// fold applies records one at a time and takes after every one that take says.
func (a archive) fold(f *reports.Folder, rs []tandem.Record, take func(i int) bool) {
	for i, r := range rs {
		if id, missing := f.Missing(r); missing {
			if c, ok := a[id]; ok {
				f.Load(c)
			}
		}
		f.Apply(r)
		if take(i) {
			a.take(f)
		}
	}
	a.take(f)
}

func (a archive) take(f *reports.Folder) {
	calls, _ := f.Take()
	for _, c := range calls {
		a[c.Call.ID] = c
	}
}

var inbound = tandem.Call{ID: "c1", Direction: tandem.Inbound, Customer: "cl", From: tandem.CallerID{Number: "+34600000001"}, To: "900"}

func foldOne(t *testing.T, rs ...tandem.Record) reports.CallRecord {
	t.Helper()
	a := make(archive)
	a.fold(reports.NewFolder(), number(rs...), func(int) bool { return true })
	require.Contains(t, a, inbound.ID)
	return a[inbound.ID]
}

// answered is a call that is answered by the second agent, held once, and wrapped up.
func answered() []tandem.Record {
	return number(
		rec(0, tandem.AgentChanged{Agent: "ana", From: tandem.AgentLoggedOut, To: tandem.AgentReady}),
		rec(0, tandem.AgentChanged{Agent: "bo", From: tandem.AgentLoggedOut, To: tandem.AgentReady}),
		rec(1, tandem.LegIncoming{Leg: "cl"}),
		rec(1, tandem.CallStarted{Call: inbound}),
		rec(1.5, tandem.LegAnswered{Leg: "cl"}),
		rec(2, tandem.CallQueued{Call: "c1", Queue: "sales", Position: 1}),
		rec(3, tandem.CallOffered{Call: "c1", Queue: "sales", Agent: "ana", Leg: "l1", Fence: 7}),
		rec(3, tandem.AgentChanged{Agent: "ana", From: tandem.AgentReady, To: tandem.AgentReserved, Call: "c1"}),
		rec(8, tandem.OfferEnded{Call: "c1", Queue: "sales", Agent: "ana", Leg: "l1", Fence: 7, Cause: tandem.CauseNoAnswer}),
		rec(8, tandem.AgentChanged{Agent: "ana", From: tandem.AgentReserved, To: tandem.AgentReady}),
		rec(8, tandem.CallOffered{Call: "c1", Queue: "sales", Agent: "bo", Leg: "l2", Fence: 8}),
		rec(8, tandem.AgentChanged{Agent: "bo", From: tandem.AgentReady, To: tandem.AgentReserved, Call: "c1"}),
		rec(10, tandem.CallConnected{Call: "c1", Queue: "sales", Agent: "bo", Leg: "l2", Waited: 8 * time.Second}),
		rec(10, tandem.AgentChanged{Agent: "bo", From: tandem.AgentReserved, To: tandem.AgentOnCall, Call: "c1"}),
		rec(20, tandem.LegHeld{Leg: "l2", Held: true}),
		rec(25, tandem.LegHeld{Leg: "l2", Held: false}),
		rec(40, tandem.CallReleased{Call: "c1", Queue: "sales", Agent: "bo", Leg: "l2", By: tandem.PartyCustomer}),
		rec(40, tandem.AgentChanged{Agent: "bo", From: tandem.AgentOnCall, To: tandem.AgentWrapUp, Call: "c1"}),
		rec(40, tandem.CallEnded{Call: "c1", Cause: tandem.CauseNormal, By: tandem.PartyCustomer}),
		rec(44, tandem.CallDisposed{Call: "c1", Agent: "bo", Disposition: "sale", Note: "two"}),
		rec(47, tandem.AgentChanged{Agent: "bo", From: tandem.AgentWrapUp, To: tandem.AgentReady}),
		rec(99, tandem.CallDisposed{Call: "c1", Agent: "bo", Disposition: "refund"}),
	)
}

func TestFolder_TellsAnAnsweredCallFromEndToEnd(t *testing.T) {
	t.Parallel()
	want := reports.CallRecord{
		Call: inbound, Started: at(1), Answered: at(1.5), Connected: at(10), Ended: at(40),
		Segments: []reports.Segment{
			{Kind: reports.SegmentQueued, Queue: "sales", Agent: "bo", From: at(2), To: at(10), Position: 1},
			{Kind: reports.SegmentRinging, Queue: "sales", Agent: "ana", Leg: "l1", From: at(3), To: at(8), Cause: tandem.CauseNoAnswer},
			{Kind: reports.SegmentRinging, Queue: "sales", Agent: "bo", Leg: "l2", From: at(8), To: at(10)},
			{Kind: reports.SegmentTalking, Queue: "sales", Agent: "bo", Leg: "l2", From: at(10), To: at(20)},
			{Kind: reports.SegmentHeld, Queue: "sales", Agent: "bo", Leg: "l2", From: at(20), To: at(25)},
			{Kind: reports.SegmentTalking, Queue: "sales", Agent: "bo", Leg: "l2", From: at(25), To: at(40), By: tandem.PartyCustomer},
			{Kind: reports.SegmentWrapUp, Queue: "sales", Agent: "bo", Leg: "l2", From: at(40), To: at(47)},
		},
		Waited: 8 * time.Second, Rang: 7 * time.Second, Talked: 25 * time.Second, Held: 5 * time.Second, WrapUp: 7 * time.Second,
		Result: reports.ResultAnswered, Cause: tandem.CauseNormal, EndedBy: tandem.PartyCustomer,
		Disposition: "refund", DisposedBy: "bo", FirstSeq: 4, LastSeq: 22,
	}
	got := foldOne(t, answered()...)
	assert.Equal(t, want, got)
	assert.Equal(t, []tandem.QueueID{"sales"}, got.Queues())
	assert.Equal(t, []tandem.AgentID{"ana", "bo"}, got.Agents(), "in the order in which they were asked")
	assert.Equal(t, []tandem.AgentID{"bo"}, got.Served())
}

func TestFolder_NamesTheResult(t *testing.T) {
	t.Parallel()
	queued := rec(1, tandem.CallQueued{Call: "c1", Queue: "sales"})
	ended := func(by tandem.Party, why tandem.Cause) tandem.Record {
		return rec(9, tandem.CallEnded{Call: "c1", By: by, Cause: why})
	}
	left := func(why tandem.LeaveReason) tandem.Record {
		return rec(5, tandem.CallLeft{Call: "c1", Queue: "sales", Reason: why})
	}
	outbound := inbound
	outbound.Direction = tandem.Outbound
	for name, c := range map[string]struct {
		call tandem.Call
		rs   []tandem.Record
		want reports.Result
	}{
		"abandoned":           {inbound, []tandem.Record{queued, left(tandem.LeaveAbandoned), ended(tandem.PartyCustomer, tandem.CauseNormal)}, reports.ResultAbandoned},
		"abandoned, not told": {inbound, []tandem.Record{queued, ended(tandem.PartyCustomer, tandem.CauseNormal)}, reports.ResultAbandoned},
		"timed out":           {inbound, []tandem.Record{queued, left(tandem.LeaveTimeout), ended(tandem.PartySystem, tandem.CauseNormal)}, reports.ResultTimeout},
		"full":                {inbound, []tandem.Record{left(tandem.LeaveFull), ended(tandem.PartySystem, tandem.CauseQueueFull)}, reports.ResultFull},
		"hung up before":      {inbound, []tandem.Record{ended(tandem.PartyCustomer, tandem.CauseNormal)}, reports.ResultAbandoned},
		"refused":             {inbound, []tandem.Record{ended(tandem.PartySystem, tandem.CauseForbidden)}, reports.ResultRefused},
		"interrupted":         {inbound, []tandem.Record{queued, ended(tandem.PartySystem, tandem.CauseInterrupted)}, reports.ResultInterrupted},
		"unreached":           {outbound, []tandem.Record{ended(tandem.PartyCustomer, tandem.CauseBusy)}, reports.ResultUnreached},
		"overflow, then gone": {inbound, []tandem.Record{queued, left(tandem.LeaveOverflow), rec(6, tandem.CallQueued{Call: "c1", Queue: "help"}), ended(tandem.PartyCustomer, tandem.CauseNormal)}, reports.ResultAbandoned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := foldOne(t, append([]tandem.Record{rec(0, tandem.CallStarted{Call: c.call})}, c.rs...)...)
			assert.Equal(t, c.want, got.Result)
		})
	}
}

func TestFolder_ConservesTime(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		a := make(archive)
		rs := history(seed, 600)
		a.fold(reports.NewFolder(), rs, func(i int) bool { return i%7 == 0 })
		var tally reports.Tally
		for id, c := range a {
			conserved(t, seed, &c)
			tally.Add(&c, "", rs[len(rs)-1].At)
			_ = id
		}
		require.True(t, tally.Conserved(), "seed %d: visits are lost: %+v", seed, tally)
		require.NotZero(t, tally.Answered, "seed %d: a history without an answered call proves little", seed)
	}
}

// conserved checks that a record's times add up.
func conserved(t *testing.T, seed uint64, c *reports.CallRecord) {
	t.Helper()
	sums := make(map[reports.SegmentKind]time.Duration)
	var customer []reports.Segment // where the customer is
	agents := make(map[tandem.AgentID][]reports.Segment)
	for _, s := range c.Segments {
		if s.To.IsZero() {
			require.True(t, c.Ended.IsZero() || s.Kind == reports.SegmentWrapUp, "seed %d: %s of ended call %s is open", seed, s.Kind, c.Call.ID)
			continue
		}
		require.False(t, s.To.Before(s.From), "seed %d: %s of %s ends before it begins", seed, s.Kind, c.Call.ID)
		require.False(t, s.From.Before(c.Started), "seed %d: %s of %s begins before the call", seed, s.Kind, c.Call.ID)
		sums[s.Kind] += s.To.Sub(s.From)
		if s.Kind == reports.SegmentQueued || s.Kind == reports.SegmentTalking || s.Kind == reports.SegmentHeld {
			customer = append(customer, s)
		}
		if s.Kind != reports.SegmentQueued {
			agents[s.Agent] = append(agents[s.Agent], s)
		}
	}
	disjoint(t, seed, customer)
	for _, segments := range agents {
		disjoint(t, seed, segments)
	}
	require.Equal(t, []time.Duration{
		sums[reports.SegmentQueued], sums[reports.SegmentRinging], sums[reports.SegmentTalking], sums[reports.SegmentHeld], sums[reports.SegmentWrapUp],
	}, []time.Duration{c.Waited, c.Rang, c.Talked, c.Held, c.WrapUp}, "seed %d: the sums of %s", seed, c.Call.ID)
	if !c.Ended.IsZero() {
		require.LessOrEqual(t, c.Waited+c.Talked+c.Held, c.Ended.Sub(c.Started), "seed %d: %s lasted longer than itself", seed, c.Call.ID)
		require.NotEqual(t, reports.ResultUnset, c.Result, "seed %d: %s has ended", seed, c.Call.ID)
	}
}

func disjoint(t *testing.T, seed uint64, segments []reports.Segment) {
	t.Helper()
	slices.SortStableFunc(segments, func(a, b reports.Segment) int { return a.From.Compare(b.From) })
	for i := 1; i < len(segments); i++ {
		require.False(t, segments[i].From.Before(segments[i-1].To), "seed %d: %+v overlaps %+v", seed, segments[i-1], segments[i])
	}
}

func TestFolder_PartsFoldToTheSameAsTheWhole(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		rs := history(seed, 300)
		whole := make(archive)
		end := reports.NewFolder()
		whole.fold(end, rs, func(int) bool { return false })
		wantState, err := json.Marshal(end)
		require.NoError(t, err)
		for _, cut := range []int{1, len(rs) / 3, len(rs) / 2, len(rs) - 1} {
			parts := make(archive)
			f := reports.NewFolder()
			parts.fold(f, rs[:cut], func(i int) bool { return i%3 == 0 })
			state, err := json.Marshal(f)
			require.NoError(t, err)
			f, err = reports.RestoreFolder(reports.Checkpoint{Seq: f.Seq(), State: state})
			require.NoError(t, err)
			f.Apply(rs[cut-1]) // told again: passed over
			parts.fold(f, rs[cut:], func(i int) bool { return i%5 == 0 })
			require.Equal(t, whole, parts, "seed %d cut at %d", seed, cut)
			gotState, err := json.Marshal(f)
			require.NoError(t, err)
			require.JSONEq(t, string(wantState), string(gotState), "seed %d cut at %d: what is open", seed, cut)
		}
	}
}

func TestFolder_ForgetsWhatIsOver(t *testing.T) {
	t.Parallel()
	f := reports.NewFolder()
	a := make(archive)
	most := 0
	for _, r := range history(3, 20_000) {
		a.fold(f, []tandem.Record{r}, func(int) bool { return true })
		most = max(most, len(f.Calls()))
	}
	assert.Greater(t, len(a), 500, "calls in all")
	assert.Less(t, most, 15, "calls held at once: the open ones and those in wrap-up")
}

func TestFolder_AgentsTimeIsWithoutGaps(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		f := reports.NewFolder()
		by := make(map[uint64]reports.Activity)
		rs := history(seed, 400)
		for i, r := range rs {
			f.Apply(r)
			if i%11 == 0 || i == len(rs)-1 {
				_, acts := f.Take()
				for _, a := range acts {
					by[a.Seq] = a
				}
			}
		}
		open := make(map[tandem.AgentID]reports.Activity)
		for _, r := range rs {
			e, ok := r.Event.(tandem.AgentChanged)
			if !ok {
				continue
			}
			if before, ok := open[e.Agent]; ok {
				require.Equal(t, r.At, before.To, "seed %d: an activity ends where the next begins", seed)
			}
			delete(open, e.Agent)
			if e.To != tandem.AgentLoggedOut {
				a, ok := by[r.Seq]
				require.True(t, ok, "seed %d: activity %d", seed, r.Seq)
				require.Equal(t, e.To, a.State)
				open[e.Agent] = a
			}
		}
		for _, a := range open {
			require.Zero(t, a.To, "seed %d: what goes on has no end", seed)
		}
	}
}

func TestRestoreFolder_RefusesDamage(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{
		"no JSON":         `{`,
		"another place":   `{"seq":3}`,
		"a call of none":  `{"seq":4,"calls":[null]}`,
		"a bad reference": `{"seq":4,"calls":[{"record":{"call":{"id":"c"}},"queued":2}]}`,
		"a bad part":      `{"seq":4,"calls":[{"record":{"call":{"id":"c"}},"parts":[{"agent":"a","open":1}]}]}`,
		"an agent none":   `{"seq":4,"agents":[null]}`,
		"an attempt none": `{"seq":4,"attempts":[null]}`,
	} {
		_, err := reports.RestoreFolder(reports.Checkpoint{Seq: 4, State: []byte(state)})
		require.ErrorIs(t, err, tandem.ErrInvalid, name)
	}
}

func FuzzFolder_TakesAnyJournal(f *testing.F) {
	for _, r := range append(answered(), history(1, 60)...) {
		b, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, b)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		folder := reports.NewFolder()
		for i, line := range [][]byte{a, b, b, a} {
			var r tandem.Record
			if json.Unmarshal(line, &r) != nil {
				continue
			}
			r.Seq = uint64(i + 1)
			folder.Apply(r)
		}
		folder.Take()
		state, err := json.Marshal(folder)
		if err != nil {
			t.Fatalf("state: %v", err)
		}
		if folder.Seq() == 0 {
			return
		}
		if _, err := reports.RestoreFolder(reports.Checkpoint{Seq: folder.Seq(), State: state}); err != nil {
			t.Fatalf("restore its own state %s: %v", state, err)
		}
	})
}

func FuzzRestoreFolder(f *testing.F) {
	folder := reports.NewFolder()
	for _, r := range history(2, 200) {
		folder.Apply(r)
		folder.Take()
	}
	state, err := json.Marshal(folder)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(folder.Seq(), state)
	f.Fuzz(func(_ *testing.T, seq uint64, state []byte) {
		folder, err := reports.RestoreFolder(reports.Checkpoint{Seq: seq, State: state})
		if err != nil {
			return
		}
		for _, r := range history(5, 40) {
			r.Seq += seq
			folder.Apply(r)
		}
		folder.Take()
	})
}
