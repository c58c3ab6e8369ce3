package reports

import (
	"fmt"
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
)

// SegmentKind is what a stretch of a call's time was. The zero value is unset.
type SegmentKind uint8

// The kinds of segment.
const (
	SegmentUnset   SegmentKind = iota
	SegmentQueued              // the customer waits in a queue
	SegmentRinging             // an agent's device rings (within the customer's waiting)
	SegmentTalking             // customer and agent talk
	SegmentHeld                // they are connected, and one is on hold
	SegmentWrapUp              // the agent finishes the work of the call
)

func segmentNames() []string { return []string{"", "queued", "ringing", "talking", "held", "wrap_up"} }

// String returns the kind's name, such as "wrap_up"; the zero value is the empty text.
func (k SegmentKind) String() string {
	names := segmentNames()
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("segment(%d)", uint8(k))
}

// MarshalText returns the kind's name.
func (k SegmentKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText takes a name that String returns; any other is ErrInvalid.
func (k *SegmentKind) UnmarshalText(text []byte) error {
	i := slices.Index(segmentNames(), string(text))
	if i < 0 {
		return fmt.Errorf("reports: %q is not a kind of segment: %w", text, tandem.ErrInvalid)
	}
	*k = SegmentKind(i) //nolint:gosec // the list has half a dozen entries
	return nil
}

// Segment is a stretch of a call's time. The segments of one agent in one call never overlap, nor do the queued ones
// of one call. Ringing lies within queued; talking and held follow it; wrap-up may outlast the call.
type Segment struct {
	Kind  SegmentKind    `json:"kind"`
	Queue tandem.QueueID `json:"queue,omitempty"`
	// Agent is whom it concerns; of a queued segment, who took the call in the end (empty: nobody).
	Agent tandem.AgentID `json:"agent,omitempty"`
	Leg   tandem.LegID   `json:"leg,omitempty"` // the agent's leg
	From  time.Time      `json:"from"`
	To    time.Time      `json:"to,omitzero"` // zero: still going on
	// Left is why a queued segment ended without an agent; Cause why a ringing one did; By who ended the talking.
	Left     tandem.LeaveReason `json:"left,omitempty"`
	Cause    tandem.Cause       `json:"cause,omitempty"`
	By       tandem.Party       `json:"by,omitempty"`
	Position int                `json:"position,omitempty"` // in the queue, when it began
}

// Duration returns how long the segment lasted, or has lasted at now when it is still going on.
func (s Segment) Duration(now time.Time) time.Duration {
	to := s.To
	if to.IsZero() {
		to = now
	}
	return max(0, to.Sub(s.From))
}
