package tandem

import (
	"log/slog"
	"strings"
)

// Number is a telephone number or SIP user as it was received or is to be dialled; the empty text means "withheld"
// or "none". It is personal data: logged through slog, or through Masked, only its last two characters show.
type Number string

// Masked returns the number with all but its last two characters replaced by '*', for logs and errors.
func (n Number) Masked() string {
	if len(n) <= 2 {
		return strings.Repeat("*", len(n))
	}
	return strings.Repeat("*", len(n)-2) + string(n[len(n)-2:])
}

// LogValue masks the number in logs.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.Masked()) }

// CallerID is who calls, as shown to the called party.
type CallerID struct {
	Number Number `json:"number,omitempty"`
	Name   string `json:"name,omitempty"`
}

// LogValue masks the number and leaves the name out of logs.
func (c CallerID) LogValue() slog.Value { return c.Number.LogValue() }
