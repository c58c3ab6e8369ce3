package acd

import (
	"cmp"

	"github.com/tandem-cc/tandem"
)

// Sharing is how queues share an agent who becomes ready and could take the first call of more than one of them. In Asterisk's words:
// force_longest_waiting_caller no, prio and yes.
type Sharing uint8

// The policies of sharing.
const (
	// SharingWeight takes the call with the highest priority, then of the queue with the greatest weight, then the longest waiting.
	SharingWeight Sharing = iota
	// SharingPriority takes the call with the highest priority, then the longest waiting.
	SharingPriority
	// SharingWait takes the call that has waited longest. Priorities order the calls of a queue, not the queues. An answered outbound call goes first even so.
	SharingWait
)

// String returns the policy's name, such as "priority".
func (s Sharing) String() string {
	switch s {
	case SharingWeight:
		return "weight"
	case SharingPriority:
		return "priority"
	case SharingWait:
		return "wait"
	}
	return "unknown"
}

// MarshalText returns the policy's name.
func (s Sharing) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes a name that String returns, or the empty text for SharingWeight; any other is ErrInvalid.
func (s *Sharing) UnmarshalText(text []byte) error {
	switch string(text) {
	case "", "weight":
		*s = SharingWeight
	case "priority":
		*s = SharingPriority
	case "wait":
		*s = SharingWait
	default:
		return &tandem.ConfigError{Where: "sharing", What: "is none of weight, priority, wait"}
	}
	return nil
}

// compare orders the first calls of two lines for an agent who could take either, and says by which rule. It keeps off the calls themselves:
// of a hundred thousand that wait, each is a cache miss.
func (s Sharing) compare(a *seat, w *waiter, b *seat, x *waiter) (int, string) {
	p, o := w.priority, x.priority
	if s == SharingWait {
		p, o = p/(urgent/2), o/(urgent/2)
	}
	if p != o {
		return cmp.Compare(o, p), "highest_priority"
	}
	if s == SharingWeight {
		if v, y := a.weight(w), b.weight(x); v != y {
			return cmp.Compare(y, v), "queue_weight"
		}
	}
	return cmp.Or(cmp.Compare(w.since, x.since), cmp.Compare(w.seq, x.seq)), "longest_waiting"
}
