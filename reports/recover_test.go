package reports_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/memstore"
)

// journalOf returns a store that holds rs.
func journalOf(t *testing.T, rs []tandem.Record) *memstore.Journal {
	t.Helper()
	s := memstore.NewJournal()
	require.NoError(t, s.Append(t.Context(), append([]tandem.Record(nil), rs...)))
	return s
}

func recoverOf(t *testing.T, s reports.Store, a reports.Archive) reports.Recovery {
	t.Helper()
	got, err := reports.Recover(t.Context(), reports.RecoverConfig{Store: s, Archive: a, Node: "n2", Version: "v", Now: at(10_000)})
	require.NoError(t, err)
	return got
}

func TestRecover_ClosesWhatTheCrashLeftOpenAtTheLastSignOfLife(t *testing.T) {
	t.Parallel()
	c2, c3 := inbound, inbound
	c2.ID, c2.Customer, c3.ID, c3.Customer = "c2", "cl2", "c3", "cl3"
	s := journalOf(t, []tandem.Record{
		rec(0, tandem.AgentChanged{Agent: "ana", From: tandem.AgentLoggedOut, To: tandem.AgentReady}),
		rec(1, tandem.CallStarted{Call: inbound}),
		rec(1, tandem.CallQueued{Call: "c1", Queue: "sales", Position: 1}),
		rec(2, tandem.CallOffered{Call: "c1", Queue: "sales", Agent: "ana", Leg: "l1", Fence: 7}),
		rec(2, tandem.AgentChanged{Agent: "ana", From: tandem.AgentReady, To: tandem.AgentReserved, Call: "c1"}),
		rec(4, tandem.CallConnected{Call: "c1", Queue: "sales", Agent: "ana", Leg: "l1"}),
		rec(4, tandem.AgentChanged{Agent: "ana", From: tandem.AgentReserved, To: tandem.AgentOnCall, Call: "c1"}),
		rec(5, tandem.AgentChanged{Agent: "bo", From: tandem.AgentLoggedOut, To: tandem.AgentReady}),
		rec(6, tandem.CallStarted{Call: c2}),
		rec(6, tandem.CallQueued{Call: "c2", Queue: "sales", Position: 1}),
		rec(7, tandem.CallOffered{Call: "c2", Queue: "sales", Agent: "bo", Leg: "l2", Fence: 8}),
		rec(7, tandem.AgentChanged{Agent: "bo", From: tandem.AgentReady, To: tandem.AgentReserved, Call: "c2"}),
		rec(8, tandem.AttemptStarted{Attempt: "a1", Campaign: "spring", Lead: "d1", Call: "c3", Leg: "cl3", Number: "1", Count: 1}),
		rec(8, tandem.CallStarted{Call: c3}),
		rec(12, tandem.NodeAlive{Node: "n1"}), // and then kill -9
	})
	got := recoverOf(t, s, nil)
	want := []tandem.Record{
		rec(12, tandem.CallReleased{Call: "c1", Queue: "sales", Agent: "ana", Leg: "l1", By: tandem.PartySystem, Talked: 8 * time.Second}),
		rec(12, tandem.CallEnded{Call: "c1", Cause: tandem.CauseInterrupted, By: tandem.PartySystem}),
		rec(12, tandem.OfferEnded{Call: "c2", Queue: "sales", Agent: "bo", Leg: "l2", Fence: 8, Cause: tandem.CauseInterrupted}),
		rec(12, tandem.CallLeft{Call: "c2", Queue: "sales", Reason: tandem.LeaveInterrupted, Position: 1, Waited: 6 * time.Second}),
		rec(12, tandem.CallEnded{Call: "c2", Cause: tandem.CauseInterrupted, By: tandem.PartySystem}),
		rec(12, tandem.CallEnded{Call: "c3", Cause: tandem.CauseInterrupted, By: tandem.PartySystem}),
		rec(12, tandem.AttemptEnded{Attempt: "a1", Campaign: "spring", Lead: "d1", Outcome: tandem.OutcomeInterrupted, Cause: tandem.CauseInterrupted}),
		rec(12, tandem.AgentChanged{Agent: "ana", From: tandem.AgentOnCall, To: tandem.AgentLoggedOut, Reason: "interrupted"}),
		rec(12, tandem.AgentChanged{Agent: "bo", From: tandem.AgentReserved, To: tandem.AgentLoggedOut, Reason: "interrupted"}),
		rec(10_000, tandem.NodeStarted{Node: "n2", Version: "v"}),
	}
	for i := range want {
		want[i].Seq = uint64(16 + i)
	}
	assert.Equal(t, want, got.Records)
	assert.Equal(t, []int{3, 2, 1}, []int{got.Calls, got.Agents, got.Attempts})
	assert.Equal(t, at(12), got.At)

	a := make(archive)
	rs, err := s.Read(t.Context(), 1, 1000)
	require.NoError(t, err)
	a.fold(reports.NewFolder(), rs, func(int) bool { return false })
	assert.Equal(t, reports.ResultAnswered, a["c1"].Result, "who talked was answered, whatever ended it")
	assert.Equal(t, 8*time.Second, a["c1"].Talked, "its true time")
	assert.Equal(t, tandem.CauseInterrupted, a["c1"].Cause)
	assert.Equal(t, reports.ResultInterrupted, a["c2"].Result)
	assert.Equal(t, tandem.OutcomeInterrupted, a["c3"].Outcome)
}

func TestRecover_AfterACrashAnywhereNothingIsOpenAndTheSecondTimeNothingIsDone(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		rs := history(seed, 200)
		for cut := 1; cut <= len(rs); cut++ {
			s := journalOf(t, rs[:cut])
			got := recoverOf(t, s, nil)
			for _, r := range got.Records[:len(got.Records)-1] {
				require.Equal(t, rs[cut-1].At, r.At, "seed %d cut at %d: at the last sign of life", seed, cut)
				if e, ok := r.Event.(tandem.AgentChanged); ok {
					require.True(t, e.From.CanBecome(e.To), "seed %d cut at %d: %s becomes %s", seed, cut, e.From, e.To)
				}
			}
			all, err := s.Read(t.Context(), 1, 10_000)
			require.NoError(t, err)
			f, a := reports.NewFolder(), make(archive)
			a.fold(f, all, func(int) bool { return false })
			require.Empty(t, f.Calls(), "seed %d cut at %d: open calls", seed, cut)
			require.Empty(t, f.Agents(), "seed %d cut at %d: open agents", seed, cut)
			for _, c := range a {
				conserved(t, seed, &c)
				require.False(t, c.Ended.IsZero(), "seed %d cut at %d: call %s", seed, cut, c.Call.ID)
			}
			again := recoverOf(t, s, nil)
			require.Len(t, again.Records, 1, "seed %d cut at %d: the second time only NodeStarted is written", seed, cut)
		}
	}
}

func TestRecover_BeginsAtTheCheckpoint(t *testing.T) {
	t.Parallel()
	rs := history(4, 400)
	for _, cut := range []int{1, 77, len(rs)} {
		f := reports.NewFolder()
		for _, r := range rs[:cut] {
			f.Apply(r)
		}
		calls, acts := f.Take()
		state, err := f.MarshalJSON()
		require.NoError(t, err)
		a := memstore.NewArchive()
		require.NoError(t, a.Save(t.Context(), reports.Changes{Checkpoint: reports.Checkpoint{Seq: f.Seq(), State: state}, Calls: calls, Activities: acts}))
		s := &counting{Store: journalOf(t, rs)}
		want := recoverOf(t, journalOf(t, rs), nil)
		got := recoverOf(t, s, a)
		require.Equal(t, want, got, "cut at %d", cut)
		assert.EqualValues(t, cut+1, s.first, "what is before the checkpoint is not read")
	}
}

// counting is a store that remembers where it was first read.
type counting struct {
	reports.Store
	first uint64
}

func (c *counting) Read(ctx context.Context, from uint64, limit int) ([]tandem.Record, error) {
	if c.first == 0 {
		c.first = from
	}
	return c.Store.Read(ctx, from, limit)
}

func TestRecover_LeavesAttemptsToTheirCampaign(t *testing.T) {
	t.Parallel()
	started := func(id tandem.AttemptID, c tandem.CampaignID) tandem.Record {
		return rec(8, tandem.AttemptStarted{Attempt: id, Campaign: c, Lead: "d1", Call: "c3"})
	}
	s := journalOf(t, []tandem.Record{started("a1", "spring"), started("a2", "autumn")})
	got, err := reports.Recover(t.Context(), reports.RecoverConfig{
		Store: s, Node: "n", Now: at(9), Settles: func(c tandem.CampaignID) bool { return c == "spring" },
	})
	require.NoError(t, err)
	require.Len(t, got.Left, 1)
	assert.Equal(t, tandem.AttemptID("a1"), got.Left[0].Attempt)
	require.Equal(t, 1, got.Attempts)
	e, ok := got.Records[0].Event.(tandem.AttemptEnded)
	require.True(t, ok)
	assert.Equal(t, tandem.AttemptID("a2"), e.Attempt)
}

func TestRecover_OfANewJournalOnlyBegins(t *testing.T) {
	t.Parallel()
	got := recoverOf(t, memstore.NewJournal(), memstore.NewArchive())
	require.Len(t, got.Records, 1)
	assert.Equal(t, tandem.NodeStarted{Node: "n2", Version: "v"}, got.Records[0].Event)
	assert.Zero(t, got.At)
	for name, cfg := range map[string]reports.RecoverConfig{
		"no store": {Node: "n", Now: at(0)}, "no node": {Store: memstore.NewJournal(), Now: at(0)}, "no time": {Store: memstore.NewJournal(), Node: "n"},
	} {
		_, err := reports.Recover(t.Context(), cfg)
		require.ErrorIs(t, err, tandem.ErrInvalid, name)
	}
}
