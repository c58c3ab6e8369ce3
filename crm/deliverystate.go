package crm

import (
	"fmt"
	"slices"

	"github.com/tandem-cc/tandem"
)

// DeliveryState is how far a delivery has come. The zero value is unset.
type DeliveryState uint8

// The delivery states.
const (
	DeliveryUnset   DeliveryState = iota
	DeliveryPending               // to be sent, now or at its next attempt
	DeliveryDone                  // the receiver took it
	DeliveryDead                  // given up: all attempts failed, or the receiver refused it for good
)

func deliveryStateNames() []string { return []string{"", "pending", "done", "dead"} }

// String returns the state's name as stores keep it; the zero value is the empty text.
func (s DeliveryState) String() string {
	if names := deliveryStateNames(); int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("delivery state(%d)", uint8(s))
}

// MarshalText returns the state's name.
func (s DeliveryState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes a name that String returns; any other is ErrInvalid.
func (s *DeliveryState) UnmarshalText(text []byte) error {
	i := slices.Index(deliveryStateNames(), string(text))
	if i < 0 {
		return fmt.Errorf("crm: %q is not a delivery state: %w", text, tandem.ErrInvalid)
	}
	*s = DeliveryState(i) //nolint:gosec // the list has four names
	return nil
}

// CanBecome says whether a delivery in state s may go to state t. A dead one may be replayed.
func (s DeliveryState) CanBecome(t DeliveryState) bool {
	var next []DeliveryState
	switch s {
	case DeliveryUnset:
		next = []DeliveryState{DeliveryPending}
	case DeliveryPending:
		next = []DeliveryState{DeliveryPending, DeliveryDone, DeliveryDead}
	case DeliveryDead:
		next = []DeliveryState{DeliveryPending}
	case DeliveryDone:
	}
	return slices.Contains(next, t)
}
