package e2e_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKill_LeavesAWholeJournalAndNobodyStuck(t *testing.T) {
	requireServers(t)
	t.Parallel()
	caller, desk := newSIPPhone(t, "15550100"), newSIPPhone(t, "ann")
	dir := t.TempDir()
	s := serve(t, dir, centre(caller.port, ""))
	admin := s.password(t, "admin")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	customer, agent := talk(ctx, t, s, caller, desk)
	require.NoError(t, agent.WaitTone(ctx, customerTone))
	// Long enough for a sign of life after the last event: that is the time at which the call is known to have been up.
	time.Sleep(3 * time.Second)
	killed := time.Now()
	s.kill()

	s = serve(t, dir, centre(caller.port, ""))
	r := s.login(t, "admin", admin).record()
	require.Equal(t, "interrupted", r.Cause)
	require.WithinDuration(t, killed, r.Ended, 2500*time.Millisecond, "ended at the last sign of life, not at the restart")
	require.False(t, r.Ended.After(killed), "not after it")
	require.Equal(t, "system", r.EndedBy)
	require.Equal(t, []string{"ann"}, r.Agents)
	require.WithinDuration(t, customer.at, r.Started, 500*time.Millisecond, "began when the telephones say")
	require.WithinDuration(t, agent.at, r.Connected, 500*time.Millisecond, "connected when the telephones say")
	first, last, records := s.journal(ctx, t)
	require.Equal(t, 1, first)
	require.Equal(t, last, records, "no number is missing from the journal")

	// Nobody is stuck: the same agent takes the next call.
	_, agent = talk(ctx, t, s, caller, desk)
	require.NoError(t, agent.WaitTone(ctx, customerTone))
}

// talk brings a caller and the desk phone of ann together.
func talk(ctx context.Context, t *testing.T, s *server, caller, desk *sipPhone) (customer, agent *sipCall) {
	t.Helper()
	require.NoError(t, desk.register(ctx, s.SIP, "e2e.invalid", "desk-phone-1"))
	s.login(t, "ann", "open-sesame-1").ready()
	customer, err := caller.call(ctx, s.SIP, "100", customerTone)
	require.NoError(t, err)
	require.NoError(t, customer.WaitTone(ctx, 425), "the customer hears ring-back while waiting")
	ring, err := desk.nextRing(ctx)
	require.NoError(t, err)
	agent, err = ring.answer(agentTone)
	require.NoError(t, err)
	return customer, agent
}
