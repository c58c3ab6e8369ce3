package tandem

import "slices"

// LegState is how far a leg has come. The zero value is unset: no such leg.
type LegState uint8

// The leg states.
const (
	LegUnset        LegState = iota
	LegStateIn               // incoming, not answered
	LegStateDialing          // dialled, nothing heard yet
	LegStateRinging          // dialled, the far end rings
	LegStateUp               // answered, alone with the switch
	LegStateBridged          // answered and joined with another leg
	LegStateEnded            // gone; the last state
)

func legStateNames() []string {
	return []string{"", "incoming", "dialing", "ringing", "up", "bridged", "ended"}
}

// String returns the state's name; the zero value is the empty text.
func (s LegState) String() string { return enumText("leg state", legStateNames(), uint8(s)) }

// MarshalText returns the state's name.
func (s LegState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes a name that String returns; any other is ErrInvalid.
func (s *LegState) UnmarshalText(text []byte) error {
	v, err := parseEnum("leg state", legStateNames(), text)
	if err != nil {
		return err
	}
	*s = LegState(v)
	return nil
}

// CanBecome says whether a leg in state s may go to state t. Every Switch puts its legs' changes through it.
func (s LegState) CanBecome(t LegState) bool {
	var next []LegState
	switch s {
	case LegUnset:
		next = []LegState{LegStateIn, LegStateDialing}
	case LegStateIn:
		next = []LegState{LegStateUp, LegStateEnded}
	case LegStateDialing:
		next = []LegState{LegStateRinging, LegStateUp, LegStateEnded}
	case LegStateRinging:
		next = []LegState{LegStateUp, LegStateEnded}
	case LegStateUp:
		next = []LegState{LegStateBridged, LegStateEnded}
	case LegStateBridged:
		next = []LegState{LegStateUp, LegStateEnded}
	case LegStateEnded:
	}
	return slices.Contains(next, t)
}

// Up says whether the leg is answered and not ended: it can hear and be heard.
func (s LegState) Up() bool { return s == LegStateUp || s == LegStateBridged }
