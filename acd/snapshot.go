package acd

import (
	"time"

	"github.com/tandem-cc/tandem"
)

// Snapshot is the centre at one instant, with queues and agents in the order of the configuration.
type Snapshot struct {
	At time.Time `json:"at"`
	// Seq joins the snapshot with the feed: every record of this centre up to this number is in it, every later one is not.
	// It is the journal's number when Config.Position is set, else the count of the centre's own records.
	Seq    uint64        `json:"seq"`
	Queues []QueueStatus `json:"queues"`
	Agents []AgentStatus `json:"agents"`
}

// QueueStatus is a queue at one instant. The counters run from the start of the engine; offered is always the sum of answered, abandoned,
// left and the calls in Waiting.
type QueueStatus struct {
	ID   tandem.QueueID `json:"id"`
	Name string         `json:"name"`
	// Waiting are the calls without an agent to talk to, first come first; those being offered among them.
	Waiting     []WaitingCall `json:"waiting"`
	LongestWait time.Duration `json:"longest_wait"`
	Draining    bool          `json:"draining,omitempty"` // it takes no new calls
	// Estimate is how long a call of normal priority that came now would wait, measured by how fast the calls of this queue get their agents while others wait and
	// how many give up; zero: not known yet, or an agent is ready.
	Estimate  time.Duration `json:"estimate"`
	Talking   int           `json:"talking"` // calls of this queue in conversation
	Agents    AgentCounts   `json:"agents"`
	Offered   uint64        `json:"offered"`   // calls that came to the queue, refused ones included
	Answered  uint64        `json:"answered"`  // calls that were connected with an agent
	Abandoned uint64        `json:"abandoned"` // calls whose customer hung up while waiting
	Left      uint64        `json:"left"`      // calls that left for any other reason, refused ones included
	InTime    uint64        `json:"in_time"`   // of the answered, those within the service level's time
	// ServiceLevel is InTime divided by Answered + Abandoned + Left; 1 while that is none.
	ServiceLevel float64 `json:"service_level"`
}

// WaitingCall is a call in a queue.
type WaitingCall struct {
	Call     tandem.CallID `json:"call"`
	Position int           `json:"position"` // from 1
	Since    time.Time     `json:"since"`
	// Ranked is since when its place counts: the arrival in its first queue, shifted when the engine ages priorities.
	Ranked   time.Time       `json:"ranked"`
	Priority int             `json:"priority,omitempty"`
	From     tandem.CallerID `json:"from"`            // the customer
	Agent    tandem.AgentID  `json:"agent,omitempty"` // at whom it rings now, the first of them
	// Estimate is how long it will still wait if the caller is patient; zero: not known yet. Priorities of calls to come are not foreseen.
	Estimate time.Duration `json:"estimate"`
}

// AgentCounts says how many agents of a queue are in which state.
type AgentCounts struct {
	LoggedOut   int `json:"logged_out"`
	Ready       int `json:"ready"`
	Reserved    int `json:"reserved"`
	OnCall      int `json:"on_call"`
	WrapUp      int `json:"wrap_up"`
	Paused      int `json:"paused"`
	Unavailable int `json:"unavailable"`
}

// AgentStatus is an agent at one instant.
type AgentStatus struct {
	ID        tandem.AgentID    `json:"id"`
	Name      string            `json:"name"`
	State     tandem.AgentState `json:"state"`
	Since     time.Time         `json:"since"`            // of the state; zero: since before the engine
	Reason    string            `json:"reason,omitempty"` // of a pause
	Reachable bool              `json:"reachable"`        // a device could ring
	Queues    []tandem.QueueID  `json:"queues"`
	// Until is when the state ends by itself: the offer's deadline, the end of wrap-up, the end of a ready agent's back-off.
	Until time.Time `json:"until,omitzero"`
	// Next is what follows the call or wrap-up when the agent asked for it meanwhile: paused or logged_out.
	Next tandem.AgentState `json:"next,omitempty"`
	// The call at hand, while reserved, on call or in wrap-up.
	Call     tandem.CallID   `json:"call,omitempty"`
	Queue    tandem.QueueID  `json:"queue,omitempty"`
	Customer tandem.CallerID `json:"customer"`
	Leg      tandem.LegID    `json:"leg,omitempty"` // the agent's own
	Misses   int             `json:"misses"`        // offers in a row that rang out
	Answered uint64          `json:"answered"`
}
