package dialog

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The media types of digits in INFO requests.
const (
	DTMFRelayType = "application/dtmf-relay"
	DTMFType      = "application/dtmf"
)

// maxHold caps the duration that a peer may claim for one digit.
const maxHold = 10 * time.Second

// ParseDTMF reads the body of an INFO request of one of the two media types. The duration
// is 0 when the body gives none.
func ParseDTMF(mediaType string, body []byte) (rune, time.Duration, error) {
	if len(body) > 256 {
		return 0, 0, fmt.Errorf("%w: dtmf body of %d bytes", ErrSyntax, len(body))
	}
	switch mediaType {
	case DTMFRelayType:
		return parseRelay(string(body))
	case DTMFType:
		d, err := parseDigit(string(body))
		return d, 0, err
	}
	return 0, 0, fmt.Errorf("%w: not a dtmf media type", ErrSyntax)
}

func parseRelay(body string) (rune, time.Duration, error) {
	var (
		digit rune
		hold  time.Duration
	)
	for line := range strings.Lines(body) {
		k, v, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		v = strings.TrimSpace(v)
		switch strings.ToLower(strings.TrimSpace(k)) {
		case "signal":
			d, err := parseDigit(v)
			if err != nil {
				return 0, 0, err
			}
			digit = d
		case "duration":
			n, err := strconv.ParseUint(v, 10, 31)
			if err != nil {
				return 0, 0, fmt.Errorf("%w: dtmf duration is not a number", ErrSyntax)
			}
			hold = min(time.Duration(n)*time.Millisecond, maxHold)
		}
	}
	if digit == 0 {
		return 0, 0, fmt.Errorf("%w: dtmf-relay without Signal", ErrSyntax)
	}
	return digit, hold, nil
}

// parseDigit reads one digit; 10 and 11 stand for * and # and 12 to 15 for A to D, as some
// peers write the event numbers of RFC 4733.
func parseDigit(s string) (rune, error) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) == 1 && strings.Contains("0123456789*#ABCD", s) {
		return rune(s[0]), nil
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 10 && n <= 15 && len(s) == 2 {
		return rune("*#ABCD"[n-10]), nil
	}
	return 0, fmt.Errorf("%w: not a dtmf digit", ErrSyntax)
}

// FormatDTMFRelay writes the body of an application/dtmf-relay INFO.
func FormatDTMFRelay(digit rune, hold time.Duration) []byte {
	if hold <= 0 {
		hold = 160 * time.Millisecond
	}
	return fmt.Appendf(nil, "Signal=%c\r\nDuration=%d\r\n", digit, hold.Milliseconds())
}
