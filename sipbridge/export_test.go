package sipbridge

import (
	"net/netip"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

// StatusFor is statusFor.
func StatusFor(c tandem.Cause) int { return statusFor(c) }

// CauseOf is causeOf.
func CauseOf(status int) tandem.Cause { return causeOf(status) }

// EndOf is endOf.
func EndOf(e sipcore.Ended) (tandem.Cause, bool, string) {
	x := endOf(e)
	return x.cause, x.ours, x.detail
}

// ReasonFor is reasonFor.
func ReasonFor(c tandem.Cause) sipcore.Cause { return reasonFor(c) }

// SourceWeight is the weight of a source, written as in Trunk.Match, for an address.
func SourceWeight(s string, addr netip.AddrPort) (int, error) {
	src, err := parseSource(s)
	return src.weight(addr), err
}

// UserPart is userPart.
func UserPart(v string) string { return userPart(v) }

// Dialable is dialable.
func Dialable(n tandem.Number) bool { return dialable(n) }

// PlainText is plainText.
func PlainText(s string) string { return plainText(s) }

// TidyText is tidyText.
func TidyText(s string, limit int) string { return tidyText(s, limit) }

// Dialled is dialled.
func Dialled(user string) tandem.Number { return dialled(user) }

// Unquoted is unquoted.
func Unquoted(s string) string { return unquoted(s) }
