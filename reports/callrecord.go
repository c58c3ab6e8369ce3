package reports

import (
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
)

// CallRecord is everything about one call in one place, folded from the journal. Times are those of the journal's
// records; a zero time means that it has not come to that.
type CallRecord struct {
	Call      tandem.Call `json:"call"`               // who, which way, through what; for a campaign's call also attempt and lead
	Started   time.Time   `json:"started"`            // the customer arrived, or was about to be dialled
	Answered  time.Time   `json:"answered,omitzero"`  // the customer's leg was answered, by us or by the customer
	Connected time.Time   `json:"connected,omitzero"` // the first agent and the customer heard each other
	Ended     time.Time   `json:"ended,omitzero"`     // the customer's leg was gone

	Segments []Segment `json:"segments,omitempty"` // in the order in which they began; at most MaxSegments

	// The sums of the segments that are over.
	Waited time.Duration `json:"waited,omitempty"`  // queued, in all queues
	Rang   time.Duration `json:"rang,omitempty"`    // at all agents, so it may exceed the waiting
	Talked time.Duration `json:"talked,omitempty"`  // without held
	Held   time.Duration `json:"held,omitempty"`    //
	WrapUp time.Duration `json:"wrap_up,omitempty"` // of all agents

	Result      Result               `json:"result,omitempty"` // unset while the call is up
	Cause       tandem.Cause         `json:"cause,omitempty"`
	EndedBy     tandem.Party         `json:"ended_by,omitempty"`
	Outcome     tandem.Outcome       `json:"outcome,omitempty"` // of the attempt that this call is
	Disposition tandem.DispositionID `json:"disposition,omitempty"`
	DisposedBy  tandem.AgentID       `json:"disposed_by,omitempty"`
	Note        string               `json:"note,omitempty"`

	FirstSeq uint64 `json:"first_seq"` // the record that started the call
	LastSeq  uint64 `json:"last_seq"`  // the last record about it
}

// MaxSegments is how many segments a call record holds; what goes on after that is not told apart any more.
const MaxSegments = 4096

// Queues returns the queues that the call was in, in order, each once.
func (c *CallRecord) Queues() []tandem.QueueID {
	var qs []tandem.QueueID
	for i := range c.Segments {
		if q := c.Segments[i].Queue; q != "" && !slices.Contains(qs, q) {
			qs = append(qs, q)
		}
	}
	return qs
}

// Agents returns the agents whom the call was offered to or connected with, in order, each once.
func (c *CallRecord) Agents() []tandem.AgentID {
	var as []tandem.AgentID
	for i := range c.Segments {
		s := &c.Segments[i]
		// A queued segment names who ended the wait, and begins before anybody was asked.
		if s.Agent != "" && s.Kind != SegmentQueued && !slices.Contains(as, s.Agent) {
			as = append(as, s.Agent)
		}
	}
	return as
}

// Served returns the agents who talked in the call, in order, each once.
func (c *CallRecord) Served() []tandem.AgentID {
	var as []tandem.AgentID
	for i := range c.Segments {
		s := &c.Segments[i]
		if (s.Kind == SegmentTalking || s.Kind == SegmentHeld) && !slices.Contains(as, s.Agent) {
			as = append(as, s.Agent)
		}
	}
	return as
}

// Cursor returns the record's place in the order of records, to go on from in the next CallQuery.
func (c *CallRecord) Cursor() *CallCursor { return &CallCursor{Started: c.Started, Call: c.Call.ID} }

// Activity is a stretch of an agent's time in one state.
type Activity struct {
	Seq    uint64            `json:"seq"` // the record that began it; its name
	Agent  tandem.AgentID    `json:"agent"`
	State  tandem.AgentState `json:"state"`
	Reason string            `json:"reason,omitempty"` // the pause's name, or the rule
	Call   tandem.CallID     `json:"call,omitempty"`
	From   time.Time         `json:"from"`
	To     time.Time         `json:"to,omitzero"` // zero: still going on
}
