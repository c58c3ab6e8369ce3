package tandem

import (
	"errors"
	"fmt"
	"time"
)

// Direction is who began a call.
type Direction uint8

// The directions.
const (
	DirectionUnset Direction = iota
	Inbound                  // the customer called in
	Outbound                 // the centre dialled the customer
)

func directionNames() []string { return []string{"", "inbound", "outbound"} }

// String returns the direction's name as it stands in the journal; the zero value is the empty text.
func (d Direction) String() string { return enumText("direction", directionNames(), uint8(d)) }

// MarshalText returns the direction's name.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText takes a name that String returns; any other is ErrInvalid.
func (d *Direction) UnmarshalText(text []byte) error {
	v, err := parseEnum("direction", directionNames(), text)
	if err != nil {
		return err
	}
	*d = Direction(v)
	return nil
}

// Call is one customer's contact with the centre, from arrival or first dialling to its end.
type Call struct {
	ID        CallID     `json:"id"`
	Direction Direction  `json:"direction"`
	Customer  LegID      `json:"customer"`           // the customer's leg
	Trunk     TrunkID    `json:"trunk,omitempty"`    // where it came in or went out
	From      CallerID   `json:"from"`               // inbound: the customer; outbound: what we showed
	To        Number     `json:"to,omitempty"`       // inbound: the DID; outbound: the number dialled
	Campaign  CampaignID `json:"campaign,omitempty"` // outbound: the campaign that dialled
	Attempt   AttemptID  `json:"attempt,omitempty"`  // outbound: the attempt that this call is
	Lead      LeadID     `json:"lead,omitempty"`     // outbound: the contact dialled
}

// CustomerNumber returns the customer's number, whoever dialled.
func (c Call) CustomerNumber() Number {
	if c.Direction == Outbound {
		return c.To
	}
	return c.From.Number
}

// Arrival asks the routing engine to find an agent for a call.
type Arrival struct {
	Call     Call    // who it is; Call.ID and Call.Customer are required
	Queue    QueueID // where it waits; required
	Priority int     // higher is served first; 0 is normal
	Answered bool    // the customer's leg is answered already (an outbound call, a transfer)
	Agent    AgentID // offer to this agent only; empty means whoever the queue finds
	// Patience limits the wait: past it the call leaves the queue as timed out. Zero means the queue's own limit.
	Patience time.Duration
	// Requirements are the skills that the agent must have, beside those that the queue asks for.
	Requirements []Requirement
	// Prefer is the agent whom the call is kept for at first: for PreferFor, and as long as that agent is at work and does not
	// decline. Empty means nobody. Zero PreferFor means the queue's own time.
	Prefer    AgentID
	PreferFor time.Duration
}

// Requirement is a skill that a call asks of its agent.
type Requirement struct {
	Skill SkillID `json:"skill"` // required
	// Min is the lowest level that will do, 0 to 100; an agent without the skill has level 0. Max is the highest; zero means 100.
	Min uint8 `json:"min"`
	Max uint8 `json:"max,omitempty"`
}

// Validate returns an ErrInvalid that says what is wrong with the requirement, or nil.
func (r Requirement) Validate() error {
	switch {
	case r.Skill == "":
		return &ConfigError{Where: "requirement.skill", What: "is missing"}
	case r.Min > 100 || r.Max > 100:
		return &ConfigError{Where: "requirement", What: fmt.Sprintf("of skill %q has a level above 100", r.Skill)}
	case r.Max > 0 && r.Min > r.Max:
		return &ConfigError{Where: "requirement", What: fmt.Sprintf("of skill %q asks for at least %d and at most %d", r.Skill, r.Min, r.Max)}
	}
	return nil
}

// MetBy says whether an agent with these skills will do.
func (r Requirement) MetBy(skills map[SkillID]uint8) bool {
	level := skills[r.Skill]
	return level >= r.Min && (r.Max == 0 || level <= r.Max)
}

// Agent is a person who takes calls.
type Agent struct {
	ID     AgentID           `json:"id"`
	Name   string            `json:"name,omitempty"`   // for people to read; empty means the ID
	Skills map[SkillID]uint8 `json:"skills,omitempty"` // level 0 to 100 of each skill
}

// Queue is where calls wait for an agent.
type Queue struct {
	ID   QueueID `json:"id"`
	Name string  `json:"name,omitempty"` // for people to read; empty means the ID
}

// Lead is a contact of a campaign's list.
type Lead struct {
	ID       LeadID            `json:"id"`
	Campaign CampaignID        `json:"campaign"`
	Name     string            `json:"name,omitempty"`
	Phones   []Number          `json:"phones"`           // in the order in which to try them
	Fields   map[string]string `json:"fields,omitempty"` // the list's other columns, by heading
}

// Endpoint is where a dialled leg goes: to an agent's registered devices, or through a trunk to a number. Exactly one
// of Agent and Trunk is set.
type Endpoint struct {
	Agent  AgentID `json:"agent,omitempty"`
	Trunk  TrunkID `json:"trunk,omitempty"`
	Number Number  `json:"number,omitempty"` // required with Trunk, empty with Agent
}

// Validate returns an ErrInvalid that says what is wrong with the endpoint, or nil.
func (e Endpoint) Validate() error {
	switch {
	case e.Agent == "" && e.Trunk == "":
		return &ConfigError{Where: "endpoint", What: "names neither an agent nor a trunk"}
	case e.Agent != "" && e.Trunk != "":
		return &ConfigError{Where: "endpoint", What: "names both an agent and a trunk"}
	case e.Trunk != "" && e.Number == "":
		return &ConfigError{Where: "endpoint.number", What: "is missing for trunk " + string(e.Trunk)}
	case e.Agent != "" && e.Number != "":
		return &ConfigError{Where: "endpoint.number", What: "is given for agent " + string(e.Agent)}
	}
	return nil
}

// Dial asks a switch for a new leg.
type Dial struct {
	Leg  LegID    // the new leg's name, chosen by the caller and never used before; required
	Call CallID   // the call that it serves; required
	To   Endpoint // where it goes; required
	From CallerID // what the far end is shown
	// With is the leg that the new one is meant to be bridged with, so that the switch can offer what suits both
	// (the same codec: nothing is transcoded). Empty means not known yet.
	With LegID
	// Timeout is how long the far end may ring; past it the leg ends with CauseNoAnswer. Zero means 60 s.
	Timeout time.Duration
	// Subject is a short text for the far end's display, such as the queue's name; at most 200 bytes.
	Subject string
}

// DefaultRing is how long a dialled leg rings when Dial.Timeout is zero.
const DefaultRing = 60 * time.Second

// Validate returns an ErrInvalid that says what is wrong with the request, or nil.
func (d Dial) Validate() error {
	switch {
	case d.Leg == "":
		return &ConfigError{Where: "dial.leg", What: "is missing"}
	case d.Call == "":
		return &ConfigError{Where: "dial.call", What: "is missing"}
	case d.Timeout < 0:
		return &ConfigError{Where: "dial.timeout", What: "is negative"}
	case len(d.Subject) > 200:
		return &ConfigError{Where: "dial.subject", What: "is longer than 200 bytes"}
	}
	if err := d.To.Validate(); err != nil {
		if c, ok := errors.AsType[*ConfigError](err); ok {
			return &ConfigError{Where: "dial." + c.Where, What: c.What}
		}
		return err
	}
	return nil
}
