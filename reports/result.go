package reports

import (
	"fmt"
	"slices"

	"github.com/tandem-cc/tandem"
)

// Result is what became of a call for the customer. The zero value is unset: the call is not over.
type Result uint8

// The results.
const (
	ResultUnset       Result = iota
	ResultAnswered           // the customer talked with an agent
	ResultAbandoned          // the customer hung up before that
	ResultTimeout            // it waited in a queue as long as it may
	ResultFull               // refused: the queue was full
	ResultEmpty              // refused or sent away: no agent was there to serve it
	ResultKey                // the customer pressed the exit key
	ResultCallback           // the customer asked to be called back
	ResultFailed             // lost through a fault
	ResultInterrupted        // our process ended; settled at restart
	ResultUnreached          // outbound: the contact did not answer; the cause says why
	ResultRefused            // inbound: ended by us before any queue; the cause says why
)

func resultNames() []string {
	return []string{
		"", "answered", "abandoned", "timeout", "full", "empty", "key", "callback", "failed", "interrupted",
		"unreached", "refused",
	}
}

// String returns the result's name, such as "abandoned"; the zero value is the empty text.
func (r Result) String() string {
	names := resultNames()
	if int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("result(%d)", uint8(r))
}

// MarshalText returns the result's name.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText takes a name that String returns; any other is ErrInvalid.
func (r *Result) UnmarshalText(text []byte) error {
	i := slices.Index(resultNames(), string(text))
	if i < 0 {
		return fmt.Errorf("reports: %q is not a result: %w", text, tandem.ErrInvalid)
	}
	*r = Result(i) //nolint:gosec // the list has a dozen entries
	return nil
}

// resultOfLeaving maps the reason for which a call left its last queue.
func resultOfLeaving(r tandem.LeaveReason) Result {
	switch r {
	case tandem.LeaveAbandoned:
		return ResultAbandoned
	case tandem.LeaveTimeout:
		return ResultTimeout
	case tandem.LeaveFull:
		return ResultFull
	case tandem.LeaveEmpty:
		return ResultEmpty
	case tandem.LeaveKey:
		return ResultKey
	case tandem.LeaveCallback:
		return ResultCallback
	case tandem.LeaveInterrupted:
		return ResultInterrupted
	case tandem.LeaveUnset, tandem.LeaveOverflow, tandem.LeaveMoved, tandem.LeaveFailed:
		return ResultFailed
	}
	return ResultFailed
}
