package e2e_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/testenv"
	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/siptest"
)

// freeUDP returns a loopback UDP port that was free a moment ago, for a program that must be told one.
func freeUDP(t *testing.T) int {
	t.Helper()
	c, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	return c.LocalAddr().(*net.UDPAddr).Port
}

// sippCaller is SIPp in the part of a caller; the sound is a siptest.RTPPhone's.
type sippCaller struct {
	*siptest.RTPPhone

	done chan error // SIPp's own verdict on the call
}

// sippCalls lets SIPp call a DID from a port and hang up after talk, counted from the answer.
func sippCalls(t *testing.T, server, did string, port int, talk time.Duration) *sippCaller {
	t.Helper()
	path := testenv.SIPp(t)
	sound, err := siptest.NewRTPPhone(siptest.RTPConfig{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	heard := make(chan struct{})
	go func() { defer close(heard); _ = sound.Run(ctx) }() // ends with ctx
	t.Cleanup(func() { cancel(); <-heard })
	sound.Speak(media.Sine(customerTone, 0.5))

	c := &sippCaller{RTPPhone: sound, done: make(chan error, 1)}
	cmd := exec.CommandContext(t.Context(), path, server,
		"-sf", filepath.Join(testenv.ModuleRoot(t), "test", "sipp", "caller.xml"), "-s", did,
		"-i", "127.0.0.1", "-p", strconv.Itoa(port), "-key", "sound", strconv.Itoa(int(sound.Local().Addr.Port())),
		"-d", strconv.Itoa(int(talk.Milliseconds())), "-m", "1", "-nostdin", "-timeout", "60")
	cmd.Dir = t.TempDir()
	trace := filepath.Join(cmd.Dir, "messages.txt")
	cmd.Args = append(cmd.Args, "-trace_msg", "-message_file", trace)
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	go func() { c.done <- cmd.Wait() }()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("SIPp printed:\n%s", out)
		}
	})
	c.connect(t, trace)
	return c
}

// connect waits for the answer in SIPp's trace and gives it to the sound half.
func (c *sippCaller) connect(t *testing.T, trace string) {
	t.Helper()
	answered := regexp.MustCompile(`(?s)SIP/2\.0 200 OK\r?\n.*?CSeq: 1 INVITE.*?\r?\n\r?\n(v=0.*?)\r?\n\r?\n?-`)
	var body string
	require.Eventually(t, func() bool {
		b, err := os.ReadFile(trace)
		if err != nil {
			return false
		}
		m := answered.FindSubmatch(b)
		if m != nil {
			body = string(m[1])
		}
		return m != nil
	}, 20*time.Second, 20*time.Millisecond, "SIPp's call is answered")
	theirs, err := sdp.Parse([]byte(body))
	require.NoError(t, err, body)
	ours := sdp.Offer(c.Local())
	ours.Codecs = []sdp.Codec{sdp.PCMA(), sdp.PCMU(), sdp.TelephoneEvent(101)} // as in the scenario
	require.NoError(t, c.Connect(ours, theirs))
}
