package dialog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/sipcore/dialog"
)

func TestParseReason_ReadsWhatPeersSend(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]dialog.Cause{
		`Q.850;cause=16;text="Normal call clearing"`:    {Q850: 16, Text: "Normal call clearing"},
		`q.850 ; cause = 17`:                            {Q850: 17},
		`SIP;cause=200;text="Call completed elsewhere"`: {SIP: 200, Text: "Call completed elsewhere"},
		`Q.850;cause=31;text="a, \"b\"", SIP;cause=486`: {Q850: 31, SIP: 486, Text: `a, "b"`},
		`X.9;cause=1;text="x"`:                          {},
		`Q.850`:                                         {},
	} {
		got, err := dialog.ParseReason(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, bad := range []string{"", ";cause=1", "Q.850;cause=abc", "Q.850;cause=-1", "Q.850;cause=128", "SIP;cause=9999", "SIP;cause=42"} {
		_, err := dialog.ParseReason(bad)
		require.ErrorIs(t, err, dialog.ErrSyntax, bad)
	}
}

func TestParseSessionExpires_ReadsIntervalAndRefresher(t *testing.T) {
	t.Parallel()
	got, err := dialog.ParseSessionExpires(" 90;Refresher=UAC;x=y")
	require.NoError(t, err)
	require.Equal(t, dialog.SessionExpires{Interval: 90 * time.Second, Refresher: dialog.RefresherUAC}, got)
	require.Equal(t, "90;refresher=uac", got.String())
	for _, bad := range []string{"", "0", "-1", "9x", "90;refresher=me", "99999999999"} {
		_, err := dialog.ParseSessionExpires(bad)
		require.ErrorIs(t, err, dialog.ErrSyntax, bad)
	}
}

func TestParseDTMF_ReadsBothMediaTypes(t *testing.T) {
	t.Parallel()
	digit, hold, err := dialog.ParseDTMF(dialog.DTMFRelayType, []byte("Signal= 5\nDuration= 160\n"))
	require.NoError(t, err)
	require.Equal(t, '5', digit)
	require.Equal(t, 160*time.Millisecond, hold)
	digit, _, err = dialog.ParseDTMF(dialog.DTMFType, []byte("11\r\n"))
	require.NoError(t, err)
	require.Equal(t, '#', digit, "event numbers of RFC 4733 are understood")
	_, hold, err = dialog.ParseDTMF(dialog.DTMFRelayType, []byte("Signal=1\r\nDuration=99999999\r\n"))
	require.NoError(t, err)
	require.Equal(t, 10*time.Second, hold, "nobody holds a key for a day")
	for _, bad := range []string{"", "Signal=", "Signal=Z", "Duration=1", "Signal=1\r\nDuration=x", strings.Repeat("x", 300)} {
		_, _, err := dialog.ParseDTMF(dialog.DTMFRelayType, []byte(bad))
		require.ErrorIs(t, err, dialog.ErrSyntax, bad)
	}
}

func FuzzParseReason(f *testing.F) {
	f.Add(`Q.850;cause=16;text="Normal call clearing", SIP;cause=486`)
	f.Fuzz(func(t *testing.T, s string) {
		c, err := dialog.ParseReason(s)
		if err != nil || c.IsZero() {
			return
		}
		again, err := dialog.ParseReason(c.String())
		require.NoError(t, err, "what is written can be read: %q", c.String())
		require.Equal(t, c.Q850, again.Q850)
		require.Equal(t, c.SIP, again.SIP)
		require.NotContains(t, c.String(), "\n", "no line break gets into a header field")
	})
}

func FuzzParseSessionExpires(f *testing.F) {
	f.Add("90;refresher=uac")
	f.Fuzz(func(t *testing.T, s string) {
		se, err := dialog.ParseSessionExpires(s)
		if err != nil {
			return
		}
		again, err := dialog.ParseSessionExpires(se.String())
		require.NoError(t, err)
		require.Equal(t, se, again)
	})
}

func FuzzParseDTMF(f *testing.F) {
	f.Add("Signal=1\r\nDuration=160\r\n", true)
	f.Add("#", false)
	f.Fuzz(func(t *testing.T, s string, relay bool) {
		mediaType := dialog.DTMFType
		if relay {
			mediaType = dialog.DTMFRelayType
		}
		digit, hold, err := dialog.ParseDTMF(mediaType, []byte(s))
		if err != nil {
			return
		}
		require.Contains(t, "0123456789*#ABCD", string(digit))
		require.GreaterOrEqual(t, hold, time.Duration(0))
		again, _, err := dialog.ParseDTMF(dialog.DTMFRelayType, dialog.FormatDTMFRelay(digit, hold))
		require.NoError(t, err)
		require.Equal(t, digit, again)
	})
}

// FuzzMachine feeds arbitrary histories and holds the promises that no history may break.
func FuzzMachine(f *testing.F) {
	f.Add(true, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	f.Add(false, []byte{20, 21, 22, 13, 5, 7, 9, 1})
	f.Fuzz(func(t *testing.T, caller bool, script []byte) {
		m := uas()
		if caller {
			m = uac()
		}
		ended, done := 0, 0
		last := dialog.StateUnset
		seq := uint32(1)
		for i := 0; i+1 < len(script) && i < 400; i += 2 {
			ev := fuzzEvent(script[i], script[i+1], &seq)
			actions, err := m.Step(ev)
			if err != nil {
				require.Empty(t, actions, "a refused command changes nothing")
			}
			if s := m.State(); s != last {
				require.True(t, last.CanBecome(s) || last == dialog.StateUnset, "%s became %s", last, s)
				last = s
			}
			require.Zero(t, done*len(actions), "nothing follows Done")
			for _, a := range actions {
				switch a := a.(type) {
				case dialog.Ended:
					ended++
				case dialog.Done:
					done++
				case dialog.Send:
					require.NotEmpty(t, a.Method)
					require.NotZero(t, a.Seq)
				}
			}
			require.LessOrEqual(t, ended, 1, "Ended is told once")
			require.LessOrEqual(t, done, 1)
		}
	})
}

func fuzzEvent(kind, arg byte, seq *uint32) dialog.Event {
	tag := string(rune('a' + arg%3))
	n := uint32(arg%8) + 1
	statuses := []int{100, 180, 183, 200, 401, 408, 422, 481, 486, 487, 491, 500}
	status := statuses[int(arg)%len(statuses)]
	methods := []string{"INVITE", "BYE", "UPDATE", "INFO", "ACK", "PRACK", "OPTIONS", "REFER"}
	switch kind % 16 {
	case 0:
		return dialog.Dial{SDP: []byte{arg}[:arg%2]}
	case 1, 2, 3:
		return res("INVITE", n, status, tag, sdp("x"), reliable(uint32(kind%3)), session(120*time.Second, dialog.Refresher(arg%3)))
	case 4:
		return res("BYE", n, status, tag, authorizable)
	case 5:
		return res("UPDATE", n, status, tag)
	case 6, 7, 8:
		*seq += uint32(arg & 1)
		return req(methods[int(arg)%len(methods)], *seq, tag, "t"+string(rune('0'+*seq%10)), sdp("y"), session(time.Duration(arg)*time.Second, dialog.Refresher(arg%3)))
	case 9:
		return dialog.Failed{Method: methods[int(arg)%3], Seq: n, Timeout: arg%2 == 0}
	case 10:
		return dialog.Cancelled{}
	case 11:
		return dialog.Fired{Timer: dialog.Timer(arg % 7)}
	case 12:
		return dialog.Accept{SDP: []byte("z")}
	case 13:
		return dialog.Hangup{}
	case 14:
		return dialog.Reoffer{SDP: []byte("w")}
	}
	return dialog.AnswerReoffer{Tx: dialog.TxID("t" + string(rune('0'+*seq%10))), Status: status, SDP: []byte("v")}
}
