package dialer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

func agents(states ...tandem.AgentState) []dialer.Agent {
	out := make([]dialer.Agent, len(states))
	for i, s := range states {
		out[i].State = s
	}
	return out
}

func calls(stages ...dialer.Stage) []dialer.Call {
	out := make([]dialer.Call, len(stages))
	for i, s := range stages {
		out[i].Stage = s
	}
	return out
}

func TestProgressive_OneLinePerReadyAgent(t *testing.T) {
	t.Parallel()
	const (
		ready    = tandem.AgentReady
		reserved = tandem.AgentReserved
		busy     = tandem.AgentOnCall
		paused   = tandem.AgentPaused
		dialing  = dialer.StageDialing
		waiting  = dialer.StageWaiting
		talking  = dialer.StageConnected
	)
	rows := map[string]struct {
		s    dialer.Snapshot
		want int
		rule string
	}{
		"nobody":                {dialer.Snapshot{}, 0, dialer.RuleNoAgent},
		"nobody ready":          {dialer.Snapshot{Agents: agents(busy, paused, reserved)}, 0, dialer.RuleNoAgent},
		"two ready":             {dialer.Snapshot{Agents: agents(ready, busy, ready)}, 2, dialer.RuleOnePer},
		"one line is out":       {dialer.Snapshot{Agents: agents(ready, ready), Calls: calls(dialing)}, 1, dialer.RuleOnePer},
		"all lines are out":     {dialer.Snapshot{Agents: agents(ready), Calls: calls(dialing)}, 0, dialer.RuleCovered},
		"talk needs no line":    {dialer.Snapshot{Agents: agents(ready, busy), Calls: calls(talking)}, 1, dialer.RuleOnePer},
		"a person waits":        {dialer.Snapshot{Agents: agents(ready), Calls: calls(waiting)}, 0, dialer.RuleCovered},
		"an agent is on it":     {dialer.Snapshot{Agents: agents(ready, reserved), Calls: calls(waiting)}, 1, dialer.RuleOnePer},
		"inbound waits":         {dialer.Snapshot{Agents: agents(ready, ready), Queued: 1}, 1, dialer.RuleOnePer},
		"more wait than agents": {dialer.Snapshot{Agents: agents(ready), Queued: 5}, 0, dialer.RuleCovered},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dialer.Progressive{}.Pace(&row.s)
			require.Equal(t, row.want, d.Calls, "calls")
			require.Equal(t, row.rule, d.Rule, "rule")
		})
	}
}

func TestRatio_LinesPerReadyAgent(t *testing.T) {
	t.Parallel()
	s := dialer.Snapshot{
		Agents: agents(tandem.AgentReady, tandem.AgentReady, tandem.AgentReady),
		Calls:  calls(dialer.StageDialing),
	}
	require.Equal(t, 3, dialer.Ratio{Lines: 1.5}.Pace(&s).Calls, "4.5 lines for three agents, one is out")
	require.Equal(t, 2, dialer.Ratio{Lines: 1}.Pace(&s).Calls)
	require.Equal(t, 2, dialer.Ratio{Lines: -7}.Pace(&s).Calls, "an invalid ratio counts as 1")
	require.NoError(t, dialer.Ratio{Lines: 20}.Validate())
	for _, bad := range []float64{0, 0.99, 20.1, -1} {
		require.ErrorIs(t, dialer.Ratio{Lines: bad}.Validate(), tandem.ErrInvalid, "%v", bad)
	}
}

// snapshots draws any snapshot.
func snapshots(t *rapid.T) dialer.Snapshot {
	state := rapid.SampledFrom([]tandem.AgentState{
		tandem.AgentReady, tandem.AgentReserved, tandem.AgentOnCall, tandem.AgentWrapUp, tandem.AgentPaused,
	})
	stage := rapid.SampledFrom([]dialer.Stage{dialer.StageDialing, dialer.StageWaiting, dialer.StageConnected})
	n := rapid.IntRange(0, 500).Draw(t, "answered")
	return dialer.Snapshot{
		Agents: agents(rapid.SliceOfN(state, 0, 30).Draw(t, "agents")...),
		Calls:  calls(rapid.SliceOfN(stage, 0, 60).Draw(t, "calls")...),
		Queued: rapid.IntRange(0, 10).Draw(t, "queued"),
		Spent:  dialer.Tally{Answered: n, Abandoned: rapid.IntRange(0, n).Draw(t, "abandoned")},
		Limit:  dialer.Share(rapid.IntRange(0, 1000).Draw(t, "limit")),
	}
}

func pacers() map[string]dialer.Pacer {
	return map[string]dialer.Pacer{
		"progressive":     dialer.Progressive{},
		"ratio":           dialer.Ratio{Lines: 3},
		"budget of ratio": dialer.Budget{Pacer: dialer.Ratio{Lines: 8}},
		"empty budget":    dialer.Budget{},
	}
}

func TestPacers_NeverNegativeNeverWithoutAgentsAlwaysTheSame(t *testing.T) {
	t.Parallel()
	for name, p := range pacers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				s := snapshots(t)
				d := p.Pace(&s)
				require.GreaterOrEqual(t, d.Calls, 0)
				require.Equal(t, d, p.Pace(&s), "the same snapshot, another decision")
				require.NotEmpty(t, d.Rule)
				if s.Head().Ready == 0 {
					require.Zero(t, d.Calls, "calls without an agent")
				}
			})
		})
	}
}

func TestProgressive_NeverMoreLinesThanFreeAgents(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := snapshots(t)
		h := s.Head()
		if d := (dialer.Progressive{}).Pace(&s); d.Calls > 0 {
			require.LessOrEqual(t, h.Dialing+h.Waiting+d.Calls, h.Ready)
		}
	})
}

// TestBudget_KeepsTheLimitWhateverHappens plays histories in which as many calls are answered, and as many of those abandoned, as
// chance wants and the number of agents allows: the share in the ledger never exceeds the limit.
func TestBudget_KeepsTheLimitWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := dialer.Share(rapid.IntRange(0, 1000).Draw(t, "limit"))
		lines := rapid.Float64Range(1, 20).Draw(t, "lines")
		p := dialer.Budget{Pacer: dialer.Ratio{Lines: lines}}
		ledger, err := dialer.NewLedger(dialer.Window{})
		require.NoError(t, err)
		ready := rapid.IntRange(1, 10).Draw(t, "agents")
		now := time.Unix(0, 0)
		for range rapid.IntRange(1, 200).Draw(t, "rounds") {
			s := dialer.Snapshot{Spent: ledger.Tally(now), Limit: limit}
			for range ready {
				s.Agents = append(s.Agents, dialer.Agent{State: tandem.AgentReady})
			}
			dialled := p.Pace(&s).Calls
			answered := rapid.IntRange(0, dialled).Draw(t, "answered")
			// Those for whom an agent is free are taken last, so that the share is judged at its worst moment.
			for i := range answered {
				fate := dialer.FateTaken
				if i < answered-ready {
					fate = dialer.FateAbandoned
				}
				ledger.Add(now, now, fate)
			}
			got := ledger.Tally(now)
			require.True(t, got.Within(limit), "%+v exceeds %s", got, limit)
			now = now.Add(time.Minute)
		}
	})
}

func TestTally_RoomIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 100_000).Draw(t, "answered")
		tally := dialer.Tally{Answered: n, Abandoned: rapid.IntRange(0, n).Draw(t, "abandoned")}
		limit := dialer.Share(rapid.IntRange(0, 9_999).Draw(t, "limit"))
		k := tally.Room(limit)
		with := func(k int) dialer.Tally {
			return dialer.Tally{Answered: tally.Answered + k, Abandoned: tally.Abandoned + k}
		}
		if k > 0 {
			require.True(t, with(k).Within(limit), "room for %d is too much", k)
		}
		if tally.Within(limit) {
			require.False(t, with(k+1).Within(limit), "room for %d is too little", k)
		}
	})
}

func TestShare_ReadsAndRoundsAgainstUs(t *testing.T) {
	t.Parallel()
	require.Equal(t, dialer.Share(300), dialer.Percent(3))
	require.Equal(t, dialer.Share(295), dialer.Percent(2.95))
	require.Equal(t, "2.95%", dialer.Percent(2.95).String())
	require.Equal(t, "3%", dialer.Percent(3).String())
	require.Equal(t, dialer.Share(301), dialer.Tally{Answered: 9_999, Abandoned: 300}.Share(), "just over 3 %")
	require.Error(t, dialer.Percent(100).Validate())
	require.Error(t, dialer.Percent(-1).Validate())
	require.NoError(t, dialer.Percent(0).Validate())
}

func TestLedger_WindowsCutWhereTheyShould(t *testing.T) {
	t.Parallel()
	madrid, err := time.LoadLocation("Europe/Madrid")
	require.NoError(t, err)
	evening := time.Date(2026, 3, 31, 23, 59, 30, 0, madrid)
	rows := map[string]struct {
		window dialer.Window
		after  time.Duration // from the answer
		want   int
	}{
		"campaign keeps all":        {dialer.Window{}, 400 * 24 * time.Hour, 1},
		"the same day":              {dialer.Window{Kind: dialer.WindowDay, Zone: madrid}, 29 * time.Second, 1},
		"the next day":              {dialer.Window{Kind: dialer.WindowDay, Zone: madrid}, 30 * time.Second, 0},
		"the same day in UTC":       {dialer.Window{Kind: dialer.WindowDay}, 30 * time.Second, 1},
		"the next month":            {dialer.Window{Kind: dialer.WindowMonth, Zone: madrid}, time.Minute, 0},
		"sliding, at its end":       {dialer.Window{Kind: dialer.WindowSliding, Length: time.Hour}, time.Hour - 1, 1},
		"sliding, just over":        {dialer.Window{Kind: dialer.WindowSliding, Length: time.Hour}, time.Hour, 0},
		"sliding, long after":       {dialer.Window{Kind: dialer.WindowSliding, Length: time.Hour}, 24 * time.Hour, 0},
		"sliding day over midnight": {dialer.Window{Kind: dialer.WindowSliding, Length: 24 * time.Hour}, time.Hour, 1},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := dialer.NewLedger(row.window)
			require.NoError(t, err)
			l.Add(evening, evening, dialer.FateAbandoned)
			require.Equal(t, dialer.Tally{Answered: 1, Abandoned: 1}, l.Tally(evening))
			require.Equal(t, row.want, l.Tally(evening.Add(row.after)).Abandoned)
		})
	}
}

// TestLedger_SlidingCountsLikeAList compares the sliding window with counting by hand, fates arriving out of order.
func TestLedger_SlidingCountsLikeAList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l, err := dialer.NewLedger(dialer.Window{Kind: dialer.WindowSliding, Length: time.Minute})
		require.NoError(t, err)
		type call struct {
			at   time.Time
			lost bool
		}
		var all []call
		now := time.Unix(1_000_000, 0)
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "ms")) * time.Millisecond)
			c := call{now.Add(-time.Duration(rapid.IntRange(0, 4000).Draw(t, "late")) * time.Millisecond), rapid.Bool().Draw(t, "lost")}
			all = append(all, c)
			fate := dialer.FateTaken
			if c.lost {
				fate = dialer.FateAbandoned
			}
			l.Add(now, c.at, fate)
			var want dialer.Tally
			for _, c := range all {
				if now.Sub(c.at) >= time.Minute {
					continue
				}
				want.Answered++
				if c.lost {
					want.Abandoned++
				}
			}
			require.Equal(t, want, l.Tally(now))
		}
	})
}

func TestLedger_RefusesABadWindow(t *testing.T) {
	t.Parallel()
	for _, w := range []dialer.Window{
		{Kind: dialer.WindowSliding},
		{Kind: dialer.WindowSliding, Length: -time.Second},
		{Kind: dialer.WindowDay, Length: time.Hour},
		{Kind: 77},
	} {
		_, err := dialer.NewLedger(w)
		require.ErrorIs(t, err, tandem.ErrInvalid, "%+v", w)
	}
}

func BenchmarkPace(b *testing.B) {
	s := dialer.Snapshot{Spent: dialer.Tally{Answered: 5000, Abandoned: 100}, Limit: dialer.Percent(3)}
	for i := range 1000 {
		s.Agents = append(s.Agents, dialer.Agent{State: tandem.AgentReady + tandem.AgentState(i%4), Age: time.Second})
	}
	for i := range 8000 {
		s.Calls = append(s.Calls, dialer.Call{Stage: dialer.StageDialing + dialer.Stage(i%3), Age: time.Second})
	}
	for name, p := range pacers() {
		b.Run(name+" with 1000 agents and 8000 calls", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Pace(&s)
			}
		})
	}
}

func BenchmarkLedger(b *testing.B) {
	l, err := dialer.NewLedger(dialer.Window{Kind: dialer.WindowSliding, Length: time.Hour})
	require.NoError(b, err)
	now := time.Unix(1_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(100 * time.Millisecond)
		l.Add(now, now, dialer.FateTaken)
	}
}

func ExampleBudget() {
	pacer := dialer.Budget{Pacer: dialer.Ratio{Lines: 2}}
	s := dialer.Snapshot{
		Agents: []dialer.Agent{{State: tandem.AgentReady}, {State: tandem.AgentReady}, {State: tandem.AgentOnCall}},
		Limit:  dialer.Percent(3),
	}
	for _, answered := range []int{0, 50, 100} {
		s.Spent = dialer.Tally{Answered: answered, Abandoned: answered / 100}
		d := pacer.Pace(&s)
		fmt.Printf("after %3d answered, room for %d: %d calls (%s)\n", answered, s.Spent.Room(s.Limit), d.Calls, d.Rule)
	}
	// Output:
	// after   0 answered, room for 0: 2 calls (budget_spent)
	// after  50 answered, room for 1: 3 calls (budget_spent)
	// after 100 answered, room for 2: 4 calls (lines_per_agent)
}
