package sipcore_test

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/testenv"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

// registerScenario registers with digest, twice as every phone does it, and goes.
const registerScenario = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="register">
<send retrans="500"><![CDATA[

REGISTER sip:tandem.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:1001@tandem.example>;tag=[call_number]
To: <sip:1001@tandem.example>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:1001@[local_ip]:[local_port]>
Expires: 120
Content-Length: 0

]]></send>
<recv response="401" auth="true"></recv>
<send retrans="500"><![CDATA[

REGISTER sip:tandem.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:1001@tandem.example>;tag=[call_number]
To: <sip:1001@tandem.example>
Call-ID: [call_id]
CSeq: 2 REGISTER
Contact: <sip:1001@[local_ip]:[local_port]>
Expires: 120
[authentication username=1001 password=secret]
Content-Length: 0

]]></send>
<recv response="200"></recv>
</scenario>
`

// sipp runs the traffic generator to its end.
func sipp(t *testing.T, args ...string) {
	t.Helper()
	bin := testenv.SIPp(t)
	cmd := exec.CommandContext(t.Context(), bin, append(args, "-i", "127.0.0.1", "-nostdin", "-timeout", "60s", "-timeout_error")...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "TERM=dumb")
	out, err := cmd.CombinedOutput()
	if err != nil {
		text := string(out)
		require.NoError(t, err, text[max(0, len(text)-3000):])
	}
}

func TestSIPp_RegistersWithDigest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	file := filepath.Join(t.TempDir(), "register.xml")
	require.NoError(t, os.WriteFile(file, []byte(registerScenario), 0o600))
	for _, transport := range []string{"udp", "tcp"} {
		mode := "u1"
		if transport == "tcp" {
			mode = "t1"
		}
		sipp(t, addr(t, s.ep, transport), "-sf", file, "-t", mode, "-m", "100", "-r", "50", "-s", "1001")
	}
	n := s.reg.Counters()
	require.EqualValues(t, 200, n.Registered)
	require.Zero(t, n.Failures)
}

func TestSIPp_CallsAreAnsweredAndHungUp(t *testing.T) {
	t.Parallel()
	ep, h := start(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait() // also when there is no SIPp and the test is skipped
	defer cancel()
	wg.Go(func() {
		for {
			select {
			case c := <-h.incoming:
				_ = c.Progress(180, nil)
				_ = c.Answer([]byte(answerSDP))
			case <-h.events:
			case <-ctx.Done():
				return
			}
		}
	})
	sipp(t, addr(t, ep, "udp"), "-sn", "uac", "-m", "200", "-r", "100", "-d", "100", "-s", "600")
	n := ep.Counters()
	require.EqualValues(t, 200, n.CallsIn)
	require.Eventually(t, func() bool { return ep.Calls() == 0 }, 5*time.Second, 5*time.Millisecond)
}

// lossy is a UDP socket that loses, doubles and delays what is sent through it.
type lossy struct {
	net.PacketConn
	mu  sync.Mutex
	rnd *rand.Rand
	wg  sync.WaitGroup
}

func (l *lossy) WriteTo(b []byte, to net.Addr) (int, error) {
	l.mu.Lock()
	p := l.rnd.Float64()
	l.mu.Unlock()
	switch {
	case p < 0.20:
		return len(b), nil
	case p < 0.30:
		_, _ = l.PacketConn.WriteTo(b, to)
	case p < 0.40:
		late := append([]byte(nil), b...)
		l.wg.Add(1)
		time.AfterFunc(30*time.Millisecond, func() { defer l.wg.Done(); _, _ = l.PacketConn.WriteTo(late, to) })
		return len(b), nil
	}
	return l.PacketConn.WriteTo(b, to)
}

func TestCall_SurvivesLossDuplicationAndReordering(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("retransmission takes real seconds")
	}
	seed := uint64(2611)
	run := func() (*sipcore.Endpoint, *host) {
		seed++
		pc, err := net.ListenPacket("udp4", "127.0.0.1:0") //nolint:noctx // it is bound at once.
		require.NoError(t, err)
		l := &lossy{PacketConn: pc, rnd: rand.New(rand.NewPCG(seed, 1))}
		t.Cleanup(l.wg.Wait)
		return start(t, func(c *sipcore.Config) {
			c.Listeners = []sipcore.Listener{{Name: "udp", Transport: sipcore.TransportUDP, PacketConn: l}}
			c.T1, c.T2 = 100*time.Millisecond, 400*time.Millisecond
		})
	}
	a, ah := run()
	b, bh := run()
	const calls = 20
	for range calls {
		_, err := a.Invite(t.Context(), sipcore.InviteRequest{
			To: "sip:1@" + addr(t, b, "udp"), Destination: "udp:" + addr(t, b, "udp"), SDP: []byte(offerSDP),
		})
		require.NoError(t, err)
	}
	answered, ended, deadline := 0, map[string]int{}, time.After(60*time.Second)
	for ended["a"] < calls || ended["b"] < calls {
		select {
		case c := <-bh.incoming:
			require.NoError(t, c.Answer([]byte(answerSDP)))
		case got := <-ah.events:
			switch ev := got.ev.(type) {
			case sipcore.Answered:
				answered++
				require.NoError(t, got.call.Hangup(sipcore.Cause{}))
			case sipcore.Ended:
				require.Equal(t, sipcore.EndLocal, ev.Reason)
				ended["a"]++
			}
		case got := <-bh.events:
			if ev, ok := got.ev.(sipcore.Ended); ok {
				require.Equal(t, sipcore.EndRemote, ev.Reason)
				ended["b"]++
			}
		case <-deadline:
			require.FailNow(t, "calls are stuck", "answered %d, ended %v", answered, ended)
		}
	}
	require.Equal(t, calls, answered)
	require.True(t, strings.HasPrefix(addr(t, a, "udp"), "127.0.0.1:"))
}
