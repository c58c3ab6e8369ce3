package dialog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrSyntax is wrapped by the errors of the parsers in this package.
var ErrSyntax = errors.New("dialog: malformed")

// Cause is the content of a Reason header field (RFC 3326). The zero value is none.
type Cause struct {
	// Q850 is an ITU-T Q.850 cause, 1 to 127; 0 is none.
	Q850 int
	// SIP is a SIP status, for example 200 in "Call completed elsewhere"; 0 is none.
	SIP int
	// Text is the free text; it is shown, never interpreted.
	Text string
}

// IsZero says that there is no cause.
func (c Cause) IsZero() bool { return c.Q850 == 0 && c.SIP == 0 }

// String returns the header field value, or "" for none.
func (c Cause) String() string {
	var parts []string
	text := ""
	if c.Text != "" {
		text = ";text=" + quote(c.Text)
	}
	if c.Q850 != 0 {
		parts = append(parts, "Q.850;cause="+strconv.Itoa(c.Q850)+text)
		text = ""
	}
	if c.SIP != 0 {
		parts = append(parts, "SIP;cause="+strconv.Itoa(c.SIP)+text)
	}
	return strings.Join(parts, ", ")
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// ParseReason reads a Reason header field value: one or more reasons with a comma between.
// Protocols other than Q.850 and SIP are skipped (RFC 3326 section 2).
func ParseReason(s string) (Cause, error) {
	var c Cause
	for _, part := range splitQuoted(s, ',') {
		protocol, cause, text, err := parseOneReason(part)
		if err != nil {
			return Cause{}, err
		}
		switch {
		case protocol == "Q.850" && cause <= 127:
			c.Q850 = cause
		case protocol == "SIP" && (cause == 0 || cause >= 100) && cause <= 699:
			c.SIP = cause
		case protocol == "Q.850" || protocol == "SIP":
			return Cause{}, fmt.Errorf("%w: reason cause out of range", ErrSyntax)
		default:
			continue
		}
		if c.Text == "" {
			c.Text = text
		}
	}
	return c, nil
}

func parseOneReason(s string) (protocol string, cause int, text string, err error) {
	fields := splitQuoted(s, ';')
	protocol = strings.ToUpper(strings.TrimSpace(fields[0]))
	if protocol == "" {
		return "", 0, "", fmt.Errorf("%w: reason without protocol", ErrSyntax)
	}
	for _, f := range fields[1:] {
		k, v, _ := strings.Cut(f, "=")
		switch strings.ToLower(strings.TrimSpace(k)) {
		case "cause":
			n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 10)
			if err != nil || n == 0 {
				return "", 0, "", fmt.Errorf("%w: reason cause is not a number from 1 to 1023", ErrSyntax)
			}
			cause = int(n)
		case "text":
			text = unquote(strings.TrimSpace(v))
		}
	}
	return protocol, cause, text, nil
}

// splitQuoted splits at sep outside quoted strings.
func splitQuoted(s string, sep byte) []string {
	var out []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
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

// Refresher says who refreshes a session (RFC 4028).
type Refresher uint8

// The refreshers. The zero value is unset: not negotiated yet.
const (
	RefresherUnset Refresher = iota
	// RefresherUAC: the side that sent the request that carried the header.
	RefresherUAC
	// RefresherUAS: the side that answered it.
	RefresherUAS
)

// String returns the value of the refresher parameter.
func (r Refresher) String() string {
	switch r {
	case RefresherUnset:
		return ""
	case RefresherUAC:
		return "uac"
	case RefresherUAS:
		return "uas"
	}
	return ""
}

// SessionExpires is a Session-Expires header field. The zero value is none.
type SessionExpires struct {
	Interval  time.Duration
	Refresher Refresher
}

// String returns the header field value.
func (s SessionExpires) String() string {
	v := strconv.Itoa(int(s.Interval / time.Second))
	if s.Refresher != RefresherUnset {
		v += ";refresher=" + s.Refresher.String()
	}
	return v
}

// ParseSessionExpires reads a Session-Expires header field value.
func ParseSessionExpires(s string) (SessionExpires, error) {
	fields := strings.Split(s, ";")
	d, err := ParseSeconds(fields[0])
	if err != nil {
		return SessionExpires{}, fmt.Errorf("session-expires: %w", err)
	}
	if d == 0 {
		return SessionExpires{}, fmt.Errorf("%w: session-expires of zero", ErrSyntax)
	}
	out := SessionExpires{Interval: d}
	for _, f := range fields[1:] {
		k, v, _ := strings.Cut(f, "=")
		if !strings.EqualFold(strings.TrimSpace(k), "refresher") {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "uac":
			out.Refresher = RefresherUAC
		case "uas":
			out.Refresher = RefresherUAS
		default:
			return SessionExpires{}, fmt.Errorf("%w: session-expires refresher is neither uac nor uas", ErrSyntax)
		}
	}
	return out, nil
}

// ParseSeconds reads a number of seconds with optional parameters behind it, as in Min-SE,
// Expires and Retry-After. Numbers above 2^32-1 are malformed.
func ParseSeconds(s string) (time.Duration, error) {
	s, _, _ = strings.Cut(s, ";")
	s, _, _ = strings.Cut(s, "(")
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%w: not a number of seconds", ErrSyntax)
	}
	return time.Duration(n) * time.Second, nil
}
