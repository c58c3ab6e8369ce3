package sipbridge_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge"
)

func TestCaller_IsPlainTextOfBoundedLength(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ said, want string }{
		{"Ann Novak", "Ann Novak"},
		{"Zoë 山田", "Zoë 山田"},
		{"a\x00b\r\nX-Evil: yes", "abX-Evil: yes"},
		{"a\x1b[31mred\x07", "a[31mred"},
		{"\u202egnp.exe\u2066", "gnp.exe"},
		{"\xff\xfe ok \xc3", "ok"},
		{strings.Repeat("n", 15000), strings.Repeat("n", 128)},
	} {
		require.Equal(t, row.want, sipbridge.TidyText(row.said, 128))
	}
	require.Equal(t, `say "hi" \o/`, sipbridge.Unquoted(`say \"hi\" \\o/`))
	require.EqualValues(t, "100", sipbridge.Dialled("100"))
	require.Empty(t, sipbridge.Dialled("100\x00"), "what is not plain becomes no number that is routed")
	require.Empty(t, sipbridge.Dialled(strings.Repeat("1", 65)))
}

func FuzzTidyText(f *testing.F) {
	f.Add("Ann \u202e\x00", 5)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got := sipbridge.TidyText(s, limit)
		require.True(t, utf8.ValidString(got))
		require.LessOrEqual(t, utf8.RuneCountInString(got), max(limit, 0))
		require.Equal(t, got, sipbridge.TidyText(got, limit), "once is enough")
	})
}
