package campaign

import (
	"fmt"
	"slices"

	"github.com/tandem-cc/tandem"
)

// LeadState is where a lead stands. The zero value is unset: no such lead.
//
//	waiting ─► dialing ─► waiting (to be tried again) or done
type LeadState uint8

// The lead states.
const (
	LeadUnset   LeadState = iota
	LeadWaiting           // to be dialled once it is due
	LeadDialing           // an attempt is recorded and not settled
	LeadDone              // not to be dialled any more
)

func leadStateNames() []string { return []string{"", "waiting", "dialing", "done"} }

// String returns the state's name as stores keep it; the zero value is the empty text.
func (s LeadState) String() string {
	if int(s) < len(leadStateNames()) {
		return leadStateNames()[s]
	}
	return fmt.Sprintf("lead state(%d)", uint8(s))
}

// MarshalText returns the state's name.
func (s LeadState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes a name that String returns; any other is tandem.ErrInvalid.
func (s *LeadState) UnmarshalText(text []byte) error {
	i := slices.Index(leadStateNames(), string(text))
	if i < 0 {
		return fmt.Errorf("campaign: %q is not a lead state: %w", text, tandem.ErrInvalid)
	}
	*s = LeadState(i) //nolint:gosec // the index of a short list
	return nil
}

// CanBecome says whether a lead in state s may go to state t. A waiting lead may be done without an attempt (its number
// must not be called); a done one waits again when its campaign is recycled.
func (s LeadState) CanBecome(t LeadState) bool {
	switch s {
	case LeadUnset:
		return t == LeadWaiting
	case LeadWaiting:
		return t == LeadDialing || t == LeadDone || t == LeadWaiting
	case LeadDialing:
		return t == LeadWaiting || t == LeadDone
	case LeadDone:
		return t == LeadWaiting
	}
	return false
}
