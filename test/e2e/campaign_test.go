package e2e_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// list is an operator's list with what operators' lists have.
const list = "\ufeffid;name;phone;city\r\n" +
	"1;Busy Bee;15550201;Riga\r\n" +
	"2;No Number;;Leeds\r\n" +
	"3;Letters;call me;Lisbon\r\n" +
	"4;Good Day;15550202;\"Cordoba\"\r\n" +
	"5;Unclosed;\"15550203;Oslo\r\n"

func TestCampaign_DialsAListOverTheTrunk(t *testing.T) {
	requireServers(t)
	t.Parallel()
	carrier, desk := newSIPPhone(t, "carrier"), newSIPPhone(t, "ann")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "list.csv"), []byte(list), 0o600))
	s := serve(t, dir, centre(carrier.port, `
campaigns:
  - {id: spring, name: Spring, queue: support, trunk: carrier, caller_id: "15550199", list: list.csv, active: true, retry: 1h, patience: 10s}
`))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.Eventually(t, func() bool { return strings.Count(s.err.String(), "row of a list not taken") == 3 }, 10*time.Second, 20*time.Millisecond)
	for _, line := range []string{"row=3 ", "row=4 ", "row=6 "} {
		require.Contains(t, s.err.String(), line, "the log names the row")
	}
	require.Empty(t, carrier.rings, "nobody is dialled while nobody is there to talk")

	require.NoError(t, desk.register(ctx, s.SIP, "e2e.invalid", "desk-phone-1"))
	s.login(t, "ann", "open-sesame-1").ready()
	busy, err := carrier.nextRing(ctx)
	require.NoError(t, err)
	require.Equal(t, "15550201", busy.session.InviteRequest.Recipient.User)
	require.Equal(t, "15550199", busy.session.InviteRequest.From().Address.User)
	require.NoError(t, busy.session.Respond(486, "Busy Here", nil))

	good, err := carrier.nextRing(ctx)
	require.NoError(t, err)
	require.Equal(t, "15550202", good.session.InviteRequest.Recipient.User)
	customer, err := good.answer(customerTone)
	require.NoError(t, err)
	ring, err := desk.nextRing(ctx)
	require.NoError(t, err)
	agent, err := ring.answer(agentTone)
	require.NoError(t, err)
	require.NoError(t, customer.WaitTone(ctx, agentTone))
	require.NoError(t, agent.WaitTone(ctx, customerTone))
	require.NoError(t, agent.hang(ctx))
	<-customer.done

	admin := s.login(t, "admin", s.password(t, "admin"))
	var campaigns struct {
		Items []struct{ Leads, Done, Attempts, Connected int }
	}
	require.Eventually(t, func() bool {
		admin.get("/api/v1/campaigns", &campaigns)
		return campaigns.Items[0].Connected == 1
	}, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, 2, campaigns.Items[0].Leads)
	require.Equal(t, 2, campaigns.Items[0].Attempts)
	require.Equal(t, 1, campaigns.Items[0].Done, "the busy one is due again in an hour")
	require.Eventually(t, func() bool {
		_, text := admin.do(http.MethodGet, "/api/v1/calls.csv", nil)
		return strings.Contains(text, "unreached,busy,customer,busy") && strings.Contains(text, "answered,normal,agent,connected")
	}, 10*time.Second, 50*time.Millisecond, "both attempts are in the export")
}

func TestCampaign_AKilledAttemptIsNotDialledAgain(t *testing.T) {
	requireServers(t)
	t.Parallel()
	carrier, desk := newSIPPhone(t, "carrier"), newSIPPhone(t, "ann")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "list.csv"), []byte("phone\n15550201\n"), 0o600))
	config := centre(carrier.port, `
campaigns:
  - {id: spring, queue: support, trunk: carrier, list: list.csv, active: true}
`)
	s := serve(t, dir, config)
	admin := s.password(t, "admin")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, desk.register(ctx, s.SIP, "e2e.invalid", "desk-phone-1"))
	s.login(t, "ann", "open-sesame-1").ready()
	_, err := carrier.nextRing(ctx)
	require.NoError(t, err)
	s.kill()

	s = serve(t, dir, config)
	require.NoError(t, desk.register(ctx, s.SIP, "e2e.invalid", "desk-phone-1"))
	s.login(t, "ann", "open-sesame-1").ready()
	c := s.login(t, "admin", admin)
	var campaigns struct {
		Items []struct{ Leads, Done, Attempts, Dialling int }
	}
	quiet := time.Now().Add(3 * time.Second)
	require.Never(t, func() bool { return len(carrier.rings) > 0 }, time.Until(quiet), 50*time.Millisecond, "the same number rings again")
	c.get("/api/v1/campaigns", &campaigns)
	require.Equal(t, 1, campaigns.Items[0].Attempts, "the attempt is on record")
	require.Equal(t, 0, campaigns.Items[0].Dialling)
	r := c.record()
	require.Equal(t, "interrupted", r.Cause)
}
