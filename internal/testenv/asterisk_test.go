package testenv_test

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/testenv"
)

func TestAsterisk_BootsLogsInAndEnds(t *testing.T) {
	t.Parallel()
	var pbx testenv.PBX
	require.True(t, t.Run("inner", func(t *testing.T) {
		pbx = testenv.AsteriskWith(t, testenv.AsteriskConfig{Overlay: map[string]string{
			"extra_extensions.conf": "[mine]\nexten => 1,1,Answer()\n",
		}})
		require.Regexp(t, `^22\.`, pbx.Version)
		require.Len(t, pbx.Phones, 4)
		require.Contains(t, pbx.Console(t, "core show settings"), pbx.Version)
		require.Contains(t, pbx.Console(t, "dialplan show mine"), "Answer()")
		require.Less(t, pbx.FreePortFirst, pbx.FreePortLast)
		require.Contains(t, manager(t, pbx, pbx.AMIUser, "Originate", "Channel: Local/600@services/n", "Application: Wait", "Data: 1"), "Response: Success")
		require.Contains(t, manager(t, pbx, pbx.ObserverUser, "Originate", "Channel: Local/600@services/n", "Application: Wait", "Data: 1"), "Permission denied")
		log, err := os.ReadFile(pbx.Log)
		require.NoError(t, err)
		for line := range strings.Lines(string(log)) {
			require.NotContains(t, line, "ERROR[", "Asterisk finds fault with its configuration")
		}
	}))
	if pbx.AMIAddr == "" {
		t.Skip("without an Asterisk")
	}
	require.True(t, refused(t, pbx.AMIAddr))
	_, err := os.Stat(pbx.Dir)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestAsterisk_AnswersSIPp(t *testing.T) {
	t.Parallel()
	sipp, pbx := testenv.SIPp(t), testenv.Asterisk(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, sipp, "-sn", "uac", "-s", "600", "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", strconv.Itoa(pbx.FreePortFirst),
		"-mp", strconv.Itoa(pbx.FreePortFirst+2), "-d", "100", "-m", "3", "-r", "3", "-nostdin", "-timeout", "20", "-timeout_error", pbx.SIPAddr).CombinedOutput()
	require.NoError(t, err, string(out))
}

func TestAsterisk_DialsTheCarrier(t *testing.T) {
	t.Parallel()
	sipp, pbx := testenv.SIPp(t), testenv.Asterisk(t)
	_, port, err := net.SplitHostPort(pbx.CarrierAddr)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	carrier := exec.CommandContext(ctx, sipp, "-sn", "uas", "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", port,
		"-mp", strconv.Itoa(pbx.FreePortFirst), "-m", "1", "-nostdin", "-timeout", "20", "-timeout_error")
	require.NoError(t, carrier.Start())
	// Synchronous: the response comes when the far end has answered. The application ends at once, so Asterisk hangs up. SIPp may take a moment to
	// listen; the INVITE is sent again until then.
	answer := manager(t, pbx, pbx.AMIUser, "Originate", "Channel: PJSIP/5550100@carrier", "Application: Verbose", "Data: answered", "Timeout: 15000")
	require.Contains(t, answer, "Originate successfully queued")
	require.NoError(t, carrier.Wait(), "SIPp saw no complete call")
}

// manager logs in to the manager interface, performs one action and returns everything up to the response to it.
func manager(t *testing.T, pbx testenv.PBX, user, action string, headers ...string) string {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", pbx.AMIAddr)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = fmt.Fprintf(conn, "Action: Login\r\nUsername: %s\r\nSecret: %s\r\nEvents: off\r\n\r\nAction: %s\r\nActionID: asked\r\n%s\r\n\r\n",
		user, pbx.AMISecret, action, strings.Join(headers, "\r\n"))
	require.NoError(t, err)
	var all strings.Builder
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		all.WriteString(lines.Text() + "\n")
		if strings.Contains(all.String(), "ActionID: asked") && lines.Text() == "" {
			return all.String()
		}
	}
	require.Fail(t, "no response", all.String())
	return ""
}
