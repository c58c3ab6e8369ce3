package dialer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

func TestPredictive_KnowingNothingItIsProgressive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := snapshots(t)
		require.Equal(t, dialer.Progressive{}.Pace(&s), dialer.Predictive{}.Pace(&s))
		s.Learned, s.Limit = experienced(s.Now), 0
		require.Equal(t, dialer.Progressive{}.Pace(&s), dialer.Predictive{}.Pace(&s), "a limit of zero")
	})
}

// TestPredictive_OverTheLimitItAddsNoRisk: whatever the state, when the share exceeds the limit no more lines are out than agents are free.
func TestPredictive_OverTheLimitItAddsNoRisk(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := snapshots(t)
		s.Ring, s.Patience = 25*time.Second, 2*time.Second
		s.Now = time.Unix(1_000_000, 0)
		s.Learned = experienced(s.Now)
		for i := range s.Calls {
			s.Calls[i].Age = time.Duration(rapid.IntRange(0, 40).Draw(t, "age")) * time.Second
		}
		d := dialer.Predictive{}.Pace(&s)
		require.GreaterOrEqual(t, d.Calls, 0)
		h := s.Head()
		if d.Calls > 0 && !s.Spent.Within(s.Limit) {
			require.LessOrEqual(t, h.Dialing+d.Calls, h.Free)
		}
		require.LessOrEqual(t, h.Dialing+d.Calls, max(h.Dialing, h.Free, 12*len(s.Agents)))
	})
}

func TestPredictive_FirstRingTimeIsCareful(t *testing.T) {
	t.Parallel()
	s := dialer.Snapshot{
		Now: time.Unix(1_000_000, 0), Limit: dialer.Percent(3), Learned: &dialer.Experience{},
		Ring: 25 * time.Second, Patience: 2 * time.Second,
	}
	for range 100 {
		s.Agents = append(s.Agents, dialer.Agent{State: tandem.AgentReady})
	}
	d := dialer.Predictive{}.Pace(&s)
	require.Equal(t, 130, d.Calls)
	require.Equal(t, dialer.RuleStart, d.Rule)
}

func TestPredictive_StopsDialingAheadWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	s := crowd(100, 300)
	require.NotEqual(t, dialer.RuleOutage, dialer.Predictive{}.Pace(s).Rule)
	s.Now = s.Now.Add(30 * time.Second)
	d := dialer.Predictive{}.Pace(s)
	require.Equal(t, dialer.RuleOutage, d.Rule)
	require.Zero(t, d.Calls)
}

func TestPredictive_Validate(t *testing.T) {
	t.Parallel()
	require.NoError(t, dialer.Predictive{}.Validate())
	require.ErrorIs(t, dialer.Predictive{Lines: 0.5}.Validate(), tandem.ErrInvalid)
}

func TestLearner_LearnsFromRecordsAndPaces(t *testing.T) {
	t.Parallel()
	l, err := dialer.NewLearner("spring", dialer.Predictive{})
	require.NoError(t, err)
	at := time.Unix(1_000_000, 0)
	record := func(e tandem.Event) { require.NoError(t, l.Handle(t.Context(), tandem.Record{At: at, Event: e})) }
	s := dialer.Snapshot{
		Limit: dialer.Percent(3), Ring: 25 * time.Second, Patience: 2 * time.Second,
		Agents: agents(tandem.AgentReady, tandem.AgentReady, tandem.AgentReady, tandem.AgentReady, tandem.AgentReady),
		Spent:  dialer.Tally{Answered: 2000, Abandoned: 20},
	}
	s.Now = at
	require.Equal(t, dialer.RuleStart, l.Pace(&s).Rule)
	for i := range 500 {
		record(tandem.AttemptStarted{Attempt: "a", Campaign: "spring", Call: "c", Leg: "l"})
		if i%5 == 0 {
			at = at.Add(10 * time.Second)
			record(tandem.LegAnswered{Leg: "l"})
			record(tandem.AgentChanged{Agent: "ann", To: tandem.AgentOnCall, Call: "c"})
			at = at.Add(3 * time.Minute)
			record(tandem.AgentChanged{Agent: "ann", From: tandem.AgentOnCall, To: tandem.AgentReady, Call: "c"})
		} else {
			at = at.Add(25 * time.Second)
			record(tandem.LegEnded{Leg: "l", Cause: tandem.CauseTimeout})
		}
	}
	s.Now = at
	d := l.Pace(&s)
	require.Equal(t, dialer.RuleRisk, d.Rule)
	require.Greater(t, d.Calls, 8, "one in five answers: five free agents need more than a line each")
	require.Less(t, d.Calls, 30)
	require.Nil(t, s.Learned, "the snapshot is the host's")

	_, err = dialer.NewLearner("", dialer.Predictive{})
	require.ErrorIs(t, err, tandem.ErrInvalid)
}

func TestVICIdial_CountsConversationsInItsGoal(t *testing.T) {
	t.Parallel()
	s := dialer.Snapshot{
		Agents: agents(tandem.AgentReady, tandem.AgentOnCall, tandem.AgentOnCall, tandem.AgentWrapUp),
		Calls:  calls(dialer.StageConnected, dialer.StageConnected, dialer.StageDialing),
	}
	require.Equal(t, 3, dialer.VICIdial{Level: 2}.Pace(&s).Calls, "2 x 3 agents, 3 calls are up")
	require.Equal(t, 1, dialer.VICIdial{Level: 2, AvailableOnly: true}.Pace(&s).Calls, "2 x 1 agent and 2 conversations")
	require.Equal(t, 0, dialer.VICIdial{}.Pace(&s).Calls, "one to one")
}
