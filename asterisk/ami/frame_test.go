package ami_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/asterisk/ami"
)

const (
	maxLine    = 64 << 10
	maxMessage = 1 << 20
)

// capture returns what a real Asterisk sent on one connection, without the greeting.
func capture(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".ami"))
	require.NoError(tb, err)
	if bytes.HasPrefix(b, []byte("Asterisk Call Manager/")) {
		_, b, _ = bytes.Cut(b, []byte("\r\n"))
	}
	return b
}

func TestFrames_ReadRealConversations(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{
		"01_login_md5": 15, "03_originate_success": 46, "24_asyncagi": 157, "25_asyncagi_hangup": 90, "02e_errors": 12,
	} {
		raw := capture(t, name)
		ms, err := ami.ReadMessages(bytes.NewReader(raw), maxLine, maxMessage)
		require.NoError(t, err, name)
		require.Len(t, ms, want, name)
		headers := 0
		for _, m := range ms {
			require.Empty(t, m.Values("Unparsed"), name)
			headers += m.Len()
		}
		lines := 0
		for l := range bytes.Lines(raw) {
			if len(bytes.TrimSpace(l)) > 0 {
				lines++
			}
		}
		require.Equal(t, lines, headers, "%s: every line is a header of some message", name)
	}
}

func TestMessage_HeadersAreFoundWhateverTheirCase(t *testing.T) {
	t.Parallel()
	ms, err := ami.ReadMessages(bytes.NewReader(capture(t, "24_asyncagi")), maxLine, maxMessage)
	require.NoError(t, err)
	found := 0
	for _, m := range ms {
		if m.Event() == "AsyncAGIExec" {
			require.NotEmpty(t, m.Get("CommandID"), "Asterisk spells it CommandId")
			found++
		}
	}
	require.Equal(t, 16, found)
}

func TestFrames_LineFeedInAValueIsNoEnd(t *testing.T) {
	t.Parallel()
	ms, err := ami.ReadMessages(bytes.NewReader(capture(t, "park_line_feed")), maxLine, maxMessage)
	require.NoError(t, err)
	require.Len(t, ms, 2)
	require.Equal(t, "Park successful", strings.TrimSpace(ms[0].Get("Message")))
	require.Equal(t, "A", ms[1].Event())
}

func TestFrames_StrayLineIsKept(t *testing.T) {
	t.Parallel()
	ms, err := ami.ReadMessages(strings.NewReader("Response: Success\r\nno header\r\nx: y\r\nMessage: m\r\n\r\n"), maxLine, maxMessage)
	require.NoError(t, err)
	require.Len(t, ms, 1)
	require.Equal(t, []string{"no header", "x: y"}, ms[0].Values("Unparsed"))
	require.Equal(t, "m", ms[0].Get("message"))
}

func TestFrames_LimitsAndBrokenEnds(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		text string
		want error
	}{
		"a line without end":      {"Event: " + strings.Repeat("x", 200_000), ami.ErrTooLong},
		"a long line":             {"Event: " + strings.Repeat("x", 200_000) + "\r\n\r\n", ami.ErrTooLong},
		"a message without end":   {strings.Repeat("Name: value\r\n", 100_000), ami.ErrTooLong},
		"the end within a line":   {"Event: Hang", io.ErrUnexpectedEOF},
		"the end after a header":  {"Event: Hangup\r\n", io.ErrUnexpectedEOF},
		"the end within an empty": {"Event: Hangup\r\n\r", io.ErrUnexpectedEOF},
	} {
		_, err := ami.ReadMessages(strings.NewReader(row.text), maxLine, maxMessage)
		require.ErrorIs(t, err, row.want, name)
	}
}

func FuzzFrames(f *testing.F) {
	names, err := filepath.Glob("testdata/*.ami")
	require.NoError(f, err)
	for _, n := range names {
		b, err := os.ReadFile(n)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte("a:b\r\n\r\n: \r\n--:\r\n\n\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ms, err := ami.ReadMessages(bytes.NewReader(b), 4096, 16384)
		for _, m := range ms {
			require.Positive(t, m.Len(), "an empty message")
			require.LessOrEqual(t, m.Len(), 16384/4)
		}
		if err != nil {
			require.NotErrorIs(t, err, io.EOF)
		}
	})
}

func BenchmarkFrames(b *testing.B) {
	raw := capture(b, "03_originate_success")
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		ms, err := ami.ReadMessages(bytes.NewReader(raw), maxLine, maxMessage)
		if err != nil || len(ms) != 46 {
			b.Fatal(len(ms), err)
		}
	}
}
