package e2e_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRefusal_AStrangerReachesNobody(t *testing.T) {
	requireServers(t)
	t.Parallel()
	trunk, desk, stranger := newSIPPhone(t, "15550100"), newSIPPhone(t, "ann"), newSIPPhone(t, "mallory")
	s := serve(t, t.TempDir(), centre(trunk.port, ""))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, desk.register(ctx, s.SIP, "e2e.invalid", "desk-phone-1"))
	s.login(t, "ann", "open-sesame-1").ready()

	_, err := stranger.call(ctx, s.SIP, "100", customerTone)
	require.Error(t, err, "a call from no trunk and no agent is refused")
	require.Error(t, stranger.register(ctx, s.SIP, "e2e.invalid", "guess"), "nor may a stranger register")
	require.Eventually(t, func() bool { return strings.Contains(s.err.String(), "refused") }, 5*time.Second, 20*time.Millisecond,
		"the log says so")
	_, text := s.login(t, "admin", s.password(t, "admin")).do(http.MethodGet, "/metrics", nil)
	require.Positive(t, metric(text, `tandem_sip_refused_total{reason="stranger"`), "and the metrics")

	// Nobody was disturbed, and the trunk's customer is served as if nothing had happened.
	require.Empty(t, desk.rings)
	customer, err := trunk.call(ctx, s.SIP, "100", customerTone)
	require.NoError(t, err)
	ring, err := desk.nextRing(ctx)
	require.NoError(t, err)
	_, err = ring.answer(agentTone)
	require.NoError(t, err)
	require.NoError(t, customer.WaitTone(ctx, agentTone))
}

func TestRefusal_MalformedSIPHarmsNobody(t *testing.T) {
	requireServers(t)
	t.Parallel()
	caller, desk := newSIPPhone(t, "15550100"), newSIPPhone(t, "ann")
	s := serve(t, t.TempDir(), centre(caller.port, ""))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, network := range []string{"udp", "tcp"} {
		for _, text := range []string{
			"INVITE sip:100@127.0.0.1 SIP/2.0\r\n\r\n",
			"INVITE sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP x\r\nContent-Length: -5\r\n\r\n",
			"INVITE sip:100@127.0.0.1 SIP/7.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n" +
				"Call-ID: x\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
			strings.Repeat("A", 70_000) + "\r\n\r\n",
			"\x00\x01\x02\xff\xfe",
			"REGISTER sip:e2e.invalid SIP/2.0\r\nAuthorization: Digest username=\"ann\", realm=\r\n\r\n",
		} {
			c, err := new(net.Dialer).DialContext(t.Context(), network, s.SIP)
			require.NoError(t, err)
			_, _ = c.Write([]byte(text)) // too long for a datagram, or cut off: that is the point
			require.NoError(t, c.Close())
		}
	}
	customer, agent := talk(ctx, t, s, caller, desk)
	require.NoError(t, customer.WaitTone(ctx, agentTone))
	require.NoError(t, agent.WaitTone(ctx, customerTone))
}

func TestRefusal_WrongPasswordsLockTheAccount(t *testing.T) {
	requireServers(t)
	t.Parallel()
	s := serve(t, t.TempDir(), centre(freeUDP(t), ""))
	c := &client{t: t, base: s.URL, http: &http.Client{Timeout: 20 * time.Second}}
	try := func(password string) (int, string) {
		return c.do(http.MethodPost, "/api/v1/session", map[string]string{"login": "ann", "password": password})
	}
	for range 2 {
		status, _ := try("wrong")
		require.Equal(t, http.StatusUnauthorized, status)
	}
	status, body := try("open-sesame-1")
	require.Less(t, status, 300, "two mistakes are forgiven: %s", body)
	for range 3 {
		status, body = try("wrong")
		require.Equal(t, http.StatusUnauthorized, status, body)
	}
	status, body = try("open-sesame-1")
	require.Equal(t, http.StatusTooManyRequests, status, "a locked account stays locked: %s", body)
	require.Contains(t, body, "locked")
	require.NotContains(t, s.err.String(), "open-sesame-1")
}

func TestRefusal_TheConfigurationIsNamedWhatAndWhere(t *testing.T) {
	requireServers(t)
	t.Parallel()
	path, err := program()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "tandem.yaml")
	require.NoError(t, os.WriteFile(file, []byte("queues:\n  - id: support\nroutes:\n  - did: '100'\n    queue: spport\n"), 0o600))
	for _, args := range [][]string{{"check", file}, {"serve", "--config", file, "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0"}} {
		var stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), path, args...)
		cmd.Dir, cmd.Stderr = t.TempDir(), &stderr
		require.Error(t, cmd.Run(), args)
		require.Contains(t, stderr.String(), `routes[0].queue: queue "spport" does not exist`)
		require.Contains(t, stderr.String(), file)
	}
}
