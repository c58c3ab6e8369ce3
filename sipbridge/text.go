package sipbridge

import (
	"strings"
	"unicode"
	"unicode/utf8"

	tandem "github.com/tandem-cc/tandem"
)

// How many characters of a caller's number and name are kept: they go into every event, board and record of the call.
const (
	maxNumber = 64
	maxName   = 128
)

// tidyText returns what of a caller's text may be shown and stored: valid UTF-8 without control characters and without those that
// turn the direction of writing, at most limit characters.
func tidyText(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			continue
		}
		if limit--; limit < 0 {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// dialled returns the number that was called; none when it is not plain text, so that nothing odd becomes a number that is routed.
func dialled(user string) tandem.Number {
	if tidyText(user, maxNumber) != user {
		return ""
	}
	return tandem.Number(user)
}

// unquoted takes the backslashes out of a quoted string (RFC 3261 section 25.1).
func unquoted(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
