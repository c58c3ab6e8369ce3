package e2e_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The tones by which each side is told: no harmonics of each other, and none of the ring-back's 425 Hz.
const (
	customerTone = 697
	agentTone    = 1209
)

// centre is a small centre's configuration, with the caller as its trunk.
func centre(trunkPort int, more string) string {
	return fmt.Sprintf(`
domain: e2e.invalid
trunks:
  - {id: carrier, remote: "127.0.0.1:%d", match: ["127.0.0.1:%d"]}
queues:
  - {id: support, name: Support, ring: 20s, wrap_up: 1s, sound: ring}
agents:
  - {id: ann, name: Ann Novak, queues: [support], password: open-sesame-1, sip_password: desk-phone-1}
routes:
  - {did: "100", queue: support}
%s`, trunkPort, trunkPort, more)
}

// twoTrunks is the same centre with a second trunk.
func twoTrunks(first, second int) string {
	return strings.Replace(centre(first, ""), "trunks:\n", fmt.Sprintf("trunks:\n  - {id: second, remote: \"127.0.0.1:%d\", match: [\"127.0.0.1:%d\"]}\n", second, second), 1)
}

// callRecord is the part of the API's call record that these tests look at.
type callRecord struct {
	ID        string    `json:"id"`
	Number    string    `json:"number"`
	DID       string    `json:"did"`
	Agents    []string  `json:"agents"`
	Started   time.Time `json:"started"`
	Connected time.Time `json:"connected"`
	Ended     time.Time `json:"ended"`
	Result    string    `json:"result"`
	Cause     string    `json:"cause"`
	EndedBy   string    `json:"ended_by"`
}

// record waits for the only call's record to say that it has ended.
func (c *client) record() callRecord {
	c.t.Helper()
	var list struct{ Items []callRecord }
	require.Eventually(c.t, func() bool {
		c.get("/api/v1/calls", &list)
		return len(list.Items) == 1 && !list.Items[0].Ended.IsZero()
	}, 10*time.Second, 50*time.Millisecond, "one call's record, ended")
	return list.Items[0]
}

func TestDeskPhone_TalksWithACallerOfTheTrunk(t *testing.T) {
	requireServers(t)
	t.Parallel()
	caller, desk := newSIPPhone(t, "15550100"), newSIPPhone(t, "ann")
	s := serve(t, t.TempDir(), centre(caller.port, ""))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	customer, agent := talk(ctx, t, s, caller, desk)
	require.NoError(t, customer.WaitTone(ctx, agentTone), "the customer hears the agent")
	require.NoError(t, agent.WaitTone(ctx, customerTone), "the agent hears the customer")

	require.NoError(t, customer.Press("5"))
	require.NoError(t, agent.WaitDigits(ctx, "5"), "keys pass as telephone events")

	require.NoError(t, customer.hang(ctx))
	ended := time.Now()
	select {
	case <-agent.done:
	case <-ctx.Done():
		t.Fatal("the agent's leg was not hung up")
	}

	admin := s.login(t, "admin", s.password(t, "admin"))
	r := admin.record()
	require.Equal(t, "answered", r.Result)
	require.Equal(t, "customer", r.EndedBy)
	require.Equal(t, "15550100", r.Number)
	require.WithinDuration(t, agent.at, r.Connected, 500*time.Millisecond, "connected when the desk phone answered")
	require.WithinDuration(t, ended, r.Ended, 500*time.Millisecond, "ended when the customer hung up")
	_, text := admin.do(http.MethodGet, "/api/v1/calls.csv", nil)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err, text)
	require.Len(t, rows, 2, text)
	require.Contains(t, rows[1], r.ID)
}

func TestDeskPhone_TalksWithSIPp(t *testing.T) {
	requireServers(t)
	t.Parallel()
	desk, port := newSIPPhone(t, "ann"), freeUDP(t)
	s := serve(t, t.TempDir(), centre(port, ""))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, desk.register(ctx, s.SIP, "e2e.invalid", "desk-phone-1"))
	s.login(t, "ann", "open-sesame-1").ready()
	customer := sippCalls(t, s.SIP, "100", port, 6*time.Second)
	ring, err := desk.nextRing(ctx)
	require.NoError(t, err)
	agent, err := ring.answer(agentTone)
	require.NoError(t, err)
	require.NoError(t, customer.WaitTone(ctx, agentTone), "the customer hears the agent")
	require.NoError(t, agent.WaitTone(ctx, customerTone), "the agent hears the customer")
	require.NoError(t, <-customer.done, "SIPp is content")
	r := s.login(t, "admin", s.password(t, "admin")).record()
	require.Equal(t, "answered", r.Result)
	require.Equal(t, "customer", r.EndedBy)
}
