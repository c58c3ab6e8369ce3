package reports

import (
	"context"
	"time"

	"github.com/tandem-cc/tandem"
)

// Presence tells every node and every board which agents are at work now, where, and in which state. It is a live
// view, not a record: what is not renewed is forgotten, and the journal alone is the truth about the past. It stands
// in this package because figures and boards read it and no engine decides by it.
// All methods may be called concurrently. Package store/storetest holds this contract as a suite.
type Presence interface {
	// Put says or renews that an agent is present, for ttl (at least a millisecond, otherwise ErrInvalid).
	// The latest Put wins, whichever node it comes from: an agent who moves is present at the new node at once.
	Put(ctx context.Context, p Present, ttl time.Duration) error
	// Remove says that an agent has left node. An agent who is present at another node by now stays, and one who
	// is not present is no error.
	Remove(ctx context.Context, agent tandem.AgentID, node tandem.NodeID) error
	// Get returns where an agent is, or ErrNotFound.
	Get(ctx context.Context, agent tandem.AgentID) (Present, error)
	// List returns all agents who are present, ordered by their ID.
	List(ctx context.Context) ([]Present, error)
}

// Present is an agent who is at work.
type Present struct {
	Agent     tandem.AgentID    `json:"agent"` // required
	Node      tandem.NodeID     `json:"node"`  // the process that serves the agent; required
	State     tandem.AgentState `json:"state"`
	Reason    string            `json:"reason,omitempty"` // the pause's name
	Reachable bool              `json:"reachable"`        // a device is there that can ring
	Since     time.Time         `json:"since"`            // when the state began
}

// Validate returns an ErrInvalid that says what is missing, or nil.
func (p Present) Validate() error {
	switch {
	case p.Agent == "":
		return &tandem.ConfigError{Where: "present.agent", What: "is missing"}
	case p.Node == "":
		return &tandem.ConfigError{Where: "present.node", What: "is missing"}
	}
	return nil
}
