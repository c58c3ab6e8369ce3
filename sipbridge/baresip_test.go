package sipbridge_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/internal/testenv"
)

// startBaresip runs the SIP phone baresip as ana's: it registers, answers at once and sends back what it hears through its decoder,
// its sound device and its encoder.
func (o *office) startBaresip(t *testing.T) {
	t.Helper()
	program := testenv.Baresip(t)
	for range 5 { // Its port may be taken before it binds it.
		if o.tryBaresip(t, program) {
			next(o, func(e tandem.DeviceChanged) bool { return e.Agent == "ana" && e.Reachable })
			return
		}
	}
	t.Fatal("baresip does not start")
}

func (o *office) tryBaresip(t *testing.T, program string) bool {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf("sip_listen 127.0.0.1:%s\nnet_interface 127.0.0.1\naudio_player aubridge,loop\naudio_source aubridge,loop\n"+
		"audio_alert aubridge,alert\nmodule_path /usr/lib/baresip/modules\nmodule g711.so\nmodule aubridge.so\nmodule uuid.so\n"+
		"module_app account.so\nmodule_app menu.so\n", freePort(t))
	account := fmt.Sprintf("<sip:ana@%s>;auth_user=ana;auth_pass=%q;answermode=auto;regint=60\n", o.addr, password)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "accounts"), []byte(account), 0o600))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, "-f", dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = step
	var out lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_, err := cmd.StdinPipe() // It would end with its input.
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("baresip said:\n%s", out.String())
		}
	})
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	limit := time.NewTimer(step)
	defer limit.Stop()
	for !strings.Contains(out.String(), "baresip is ready") {
		select {
		case <-ended:
			return false
		case <-limit.C:
			return false
		case <-poll.C:
		}
	}
	return true
}

// lockedBuffer is a buffer that is written and read by different goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestBaresip_TalksAsAnAgent(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.startBaresip(t)
	leg, caller := o.callIn("+15550100")
	o.answer(leg, caller)
	agentLeg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}, With: leg})
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == agentLeg })
	o.join(leg, agentLeg)
	o.must(caller.phone.WaitTone(o.within(), caller.hertz), "the caller hears what baresip heard")
	o.must(o.bridge.Hangup(o.within(), agentLeg, tandem.CauseNormal), "hang up")
	o.ended(agentLeg)
	require.Equal(t, leg, next[tandem.LegUnbridged](o, nil).Leg)
}
