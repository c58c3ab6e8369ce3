package reports

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
)

// Folder folds records, in the journal's order, into call records and activities. It is a pure function of the records: it
// reads no clock and asks nobody. It holds only what is open: a call leaves when it has ended and its agents have
// finished their wrap-up. A Folder has one owner; its methods are not for concurrent use.
type Folder struct {
	seq      uint64
	at       time.Time // of the last record
	calls    map[tandem.CallID]*openCall
	agents   map[tandem.AgentID]*openAgent
	attempts map[tandem.AttemptID]*openAttempt
	legs     map[tandem.LegID]tandem.CallID // of the open calls

	changed    map[tandem.CallID]struct{}
	activities []Activity // changed
}

// openCall is a call that has not left, and what its record does not show.
type openCall struct {
	Record CallRecord `json:"record"`
	Parts  []part     `json:"parts,omitempty"`  // the agents' parts, offered or talking
	Queued int        `json:"queued"`           // the open queued segment, from 1; 0: none
	Left   Result     `json:"left,omitempty"`   // how it left its last queue without an agent
	Held   bool       `json:"held,omitempty"`   // the customer's leg is on hold
	Closed bool       `json:"closed,omitempty"` // CallEnded has come
}

// part is one agent's part in a call.
type part struct {
	Agent   tandem.AgentID `json:"agent"`
	Queue   tandem.QueueID `json:"queue"`
	Leg     tandem.LegID   `json:"leg"`
	Open    int            `json:"open"`              // the open segment, from 1; 0: none
	Talking bool           `json:"talking,omitempty"` // connected and not released
	Since   time.Time      `json:"since,omitzero"`    // connected since
	Fence   uint64         `json:"fence,omitempty"`   // of the offer
	Held    bool           `json:"held,omitempty"`    // the agent's leg is on hold
	Waiting bool           `json:"waiting,omitempty"` // the agent's state still belongs to this call
}

// openAgent is an agent who is not logged out.
type openAgent struct {
	Activity Activity      `json:"activity"`
	Call     tandem.CallID `json:"call,omitempty"` // the call that the agent is or was last concerned with
}

// openAttempt is an attempt that has not ended.
type openAttempt struct {
	Seq     uint64                `json:"seq"`
	Started tandem.AttemptStarted `json:"started"`
}

// NewFolder returns a Folder that has seen nothing.
func NewFolder() *Folder {
	return &Folder{
		calls:    make(map[tandem.CallID]*openCall),
		agents:   make(map[tandem.AgentID]*openAgent),
		attempts: make(map[tandem.AttemptID]*openAttempt),
		legs:     make(map[tandem.LegID]tandem.CallID),
		changed:  make(map[tandem.CallID]struct{}),
	}
}

// Seq returns the Seq of the last record applied, 0 when there was none.
func (f *Folder) Seq() uint64 { return f.seq }

// At returns the time of the last record applied: the last sign of life.
func (f *Folder) At() time.Time { return f.at }

// Missing says which call must be given to Load before Apply of r, if the archive has it: r comes late, the call has left.
func (f *Folder) Missing(r tandem.Record) (tandem.CallID, bool) {
	id := late(r.Event)
	if id == "" {
		return "", false
	}
	_, open := f.calls[id]
	return id, !open
}

// late returns the call of an event that may come when the call has left.
func late(e tandem.Event) tandem.CallID {
	switch e := e.(type) { //nolint:gochecksumtype // the others begin a call or come before its end
	case tandem.OfferEnded:
		return e.Call
	case tandem.CallReleased:
		return e.Call
	case tandem.CallDisposed:
		return e.Call
	case tandem.CallEnded:
		return e.Call
	case tandem.AgentChanged:
		if e.To == tandem.AgentWrapUp {
			return e.Call
		}
	}
	return ""
}

// Load gives the folder a call back that has left.
func (f *Folder) Load(c CallRecord) {
	if _, open := f.calls[c.Call.ID]; open {
		return
	}
	c.Segments = slices.Clone(c.Segments)
	f.calls[c.Call.ID] = &openCall{Record: c, Closed: !c.Ended.IsZero()}
	if c.Call.Customer != "" {
		f.legs[c.Call.Customer] = c.Call.ID
	}
}

// Take returns what has changed since the last Take, in the order in which it began, and lets go of the calls that are over.
func (f *Folder) Take() ([]CallRecord, []Activity) {
	calls := make([]CallRecord, 0, len(f.changed))
	for id := range f.changed {
		c := f.calls[id]
		rec := c.Record
		rec.Segments = slices.Clone(rec.Segments)
		calls = append(calls, rec)
		if f.over(c) {
			f.forget(c)
		}
	}
	clear(f.changed)
	slices.SortFunc(calls, func(a, b CallRecord) int {
		return cmp.Or(cmp.Compare(a.FirstSeq, b.FirstSeq), cmp.Compare(a.Call.ID, b.Call.ID))
	})
	// Of an activity that changed twice the last state counts.
	latest := make(map[uint64]Activity, len(f.activities))
	for _, a := range f.activities {
		latest[a.Seq] = a
	}
	f.activities = f.activities[:0]
	activities := slices.SortedFunc(maps.Values(latest), func(a, b Activity) int { return cmp.Compare(a.Seq, b.Seq) })
	return calls, activities
}

// Calls returns the records of the calls that have not left, by their beginning.
func (f *Folder) Calls() []CallRecord {
	calls := make([]CallRecord, 0, len(f.calls))
	for _, c := range f.calls {
		rec := c.Record
		rec.Segments = slices.Clone(rec.Segments)
		calls = append(calls, rec)
	}
	slices.SortFunc(calls, func(a, b CallRecord) int {
		return cmp.Or(cmp.Compare(a.FirstSeq, b.FirstSeq), cmp.Compare(a.Call.ID, b.Call.ID))
	})
	return calls
}

// Agents returns the present activities of the agents who are not logged out, by their ID.
func (f *Folder) Agents() []Activity {
	as := make([]Activity, 0, len(f.agents))
	for _, id := range slices.Sorted(maps.Keys(f.agents)) {
		as = append(as, f.agents[id].Activity)
	}
	return as
}

// over says that nothing more is expected for a call.
func (f *Folder) over(c *openCall) bool {
	if !c.Closed {
		return false
	}
	if _, open := f.attempts[c.Record.Call.Attempt]; open {
		return false
	}
	return !slices.ContainsFunc(c.Parts, func(p part) bool { return p.Waiting })
}

func (f *Folder) forget(c *openCall) {
	delete(f.calls, c.Record.Call.ID)
	delete(f.legs, c.Record.Call.Customer)
	for i := range c.Parts {
		delete(f.legs, c.Parts[i].Leg)
	}
}

// folderState is a Folder on disk.
type folderState struct {
	Seq      uint64         `json:"seq"`
	At       time.Time      `json:"at"`
	Calls    []*openCall    `json:"calls,omitempty"`
	Agents   []*openAgent   `json:"agents,omitempty"`
	Attempts []*openAttempt `json:"attempts,omitempty"`
}

// MarshalJSON writes the open state, for a Checkpoint. It is meant to follow Take: what has changed since is not told.
func (f *Folder) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(folderState{
		Seq: f.seq, At: f.at,
		Calls: slices.SortedFunc(maps.Values(f.calls), func(a, b *openCall) int {
			return cmp.Compare(a.Record.Call.ID, b.Record.Call.ID)
		}),
		Agents: slices.SortedFunc(maps.Values(f.agents), func(a, b *openAgent) int {
			return cmp.Compare(a.Activity.Agent, b.Activity.Agent)
		}),
		Attempts: slices.SortedFunc(maps.Values(f.attempts), func(a, b *openAttempt) int { return cmp.Compare(a.Seq, b.Seq) }),
	})
	if err != nil {
		return nil, fmt.Errorf("reports: folder state: %w", err)
	}
	return b, nil
}

// RestoreFolder returns the Folder that a checkpoint holds; a new one for the zero value. ErrInvalid says that the state
// cannot be read or does not belong to the checkpoint.
func RestoreFolder(cp Checkpoint) (*Folder, error) {
	f := NewFolder()
	if cp.Seq == 0 {
		return f, nil
	}
	var s folderState
	if err := json.Unmarshal(cp.State, &s); err != nil {
		return nil, fmt.Errorf("reports: checkpoint at %d: %w: %w", cp.Seq, tandem.ErrInvalid, err)
	}
	if s.Seq != cp.Seq {
		return nil, fmt.Errorf("reports: checkpoint at %d holds the state at %d: %w", cp.Seq, s.Seq, tandem.ErrInvalid)
	}
	f.seq, f.at = s.Seq, s.At
	for _, c := range s.Calls {
		if !c.sound() {
			return nil, fmt.Errorf("reports: checkpoint at %d: a call is damaged: %w", cp.Seq, tandem.ErrInvalid)
		}
		f.calls[c.Record.Call.ID] = c
		f.legs[c.Record.Call.Customer] = c.Record.Call.ID
		for i := range c.Parts {
			f.legs[c.Parts[i].Leg] = c.Record.Call.ID
		}
	}
	for _, a := range s.Agents {
		if a == nil || a.Activity.Agent == "" {
			return nil, fmt.Errorf("reports: checkpoint at %d: an agent is damaged: %w", cp.Seq, tandem.ErrInvalid)
		}
		f.agents[a.Activity.Agent] = a
	}
	for _, a := range s.Attempts {
		if a == nil || a.Started.Attempt == "" {
			return nil, fmt.Errorf("reports: checkpoint at %d: an attempt is damaged: %w", cp.Seq, tandem.ErrInvalid)
		}
		f.attempts[a.Started.Attempt] = a
	}
	return f, nil
}

// sound says whether a restored call's references hold.
func (c *openCall) sound() bool {
	if c == nil || c.Record.Call.ID == "" {
		return false
	}
	n := len(c.Record.Segments)
	if c.Queued < 0 || c.Queued > n {
		return false
	}
	return !slices.ContainsFunc(c.Parts, func(p part) bool { return p.Open < 0 || p.Open > n })
}
