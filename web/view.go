package web

import (
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/crm"
	"github.com/tandem-cc/tandem/reports"
)

// Board is the centre as one person may see it.
type Board struct {
	At     time.Time   `json:"at" doc:"The server's clock, for reckoning ages."`
	Seq    uint64      `json:"seq" doc:"Records up to this number are in it."`
	Queues []QueueView `json:"queues"`
	Agents []AgentView `json:"agents"`
}

// QueueView is a queue on the board.
type QueueView struct {
	ID           tandem.QueueID  `json:"id"`
	Name         string          `json:"name"`
	Waiting      []WaitingView   `json:"waiting" doc:"First come first."`
	Talking      int             `json:"talking"`
	Agents       acd.AgentCounts `json:"agents"`
	Offered      uint64          `json:"offered"`
	Answered     uint64          `json:"answered"`
	Abandoned    uint64          `json:"abandoned"`
	Left         uint64          `json:"left"`
	ServiceLevel float64         `json:"service_level" doc:"0 to 1."`
	Draining     bool            `json:"draining,omitempty" doc:"It takes no new calls."`
}

// WaitingView is a waiting call on the board.
type WaitingView struct {
	Call     tandem.CallID  `json:"call"`
	Position int            `json:"position"`
	Since    time.Time      `json:"since"`
	Priority int            `json:"priority,omitempty"`
	Number   string         `json:"number,omitempty" doc:"All but the last two digits are hidden from agents."`
	Name     string         `json:"name,omitempty"`
	Agent    tandem.AgentID `json:"agent,omitempty" doc:"At whom it rings."`
}

// AgentView is an agent on the board.
type AgentView struct {
	ID        tandem.AgentID    `json:"id"`
	Name      string            `json:"name"`
	State     tandem.AgentState `json:"state" enum:",logged_out,ready,reserved,on_call,wrap_up,paused,unavailable"`
	Since     time.Time         `json:"since,omitzero"`
	Until     time.Time         `json:"until,omitzero" doc:"When the state ends by itself."`
	Reason    string            `json:"reason,omitempty"`
	Next      tandem.AgentState `json:"next,omitempty" doc:"What follows the call at the agent's wish."`
	Reachable bool              `json:"reachable" doc:"A phone could ring."`
	Queues    []tandem.QueueID  `json:"queues"`
	Queue     tandem.QueueID    `json:"queue,omitempty" doc:"The queue of the call at hand."`
	Call      *AgentCall        `json:"call,omitempty" doc:"The call at hand; of others only a supervisor sees it."`
	Answered  uint64            `json:"answered"`
}

// AgentCall is the call at an agent's hand.
type AgentCall struct {
	ID     tandem.CallID `json:"id"`
	Leg    tandem.LegID  `json:"leg,omitempty"`
	Number string        `json:"number,omitempty"`
	Name   string        `json:"name,omitempty"`
}

// boardFor shows a snapshot to a user.
func boardFor(u user, s *acd.Snapshot) Board {
	supervisor := u.Role.May(RoleSupervisor)
	b := Board{At: s.At.UTC(), Seq: s.Seq, Queues: make([]QueueView, len(s.Queues)), Agents: make([]AgentView, len(s.Agents))}
	for i := range s.Queues {
		b.Queues[i] = queueView(&s.Queues[i], supervisor)
	}
	for i := range s.Agents {
		a := &s.Agents[i]
		b.Agents[i] = agentView(a)
		if !supervisor && a.ID != u.Agent {
			b.Agents[i].Call, b.Agents[i].Reason = nil, ""
		}
	}
	return b
}

func queueView(q *acd.QueueStatus, full bool) QueueView { //nolint:revive // full is a fact about the viewer, not a switch of behaviour
	v := QueueView{
		ID: q.ID, Name: nameOr(q.Name, string(q.ID)), Waiting: make([]WaitingView, len(q.Waiting)), Talking: q.Talking, Agents: q.Agents,
		Offered: q.Offered, Answered: q.Answered, Abandoned: q.Abandoned, Left: q.Left, ServiceLevel: q.ServiceLevel, Draining: q.Draining,
	}
	for i, w := range q.Waiting {
		v.Waiting[i] = WaitingView{Call: w.Call, Position: w.Position, Since: w.Since.UTC(), Priority: w.Priority, Agent: w.Agent, Number: w.From.Number.Masked()}
		if full {
			v.Waiting[i].Number, v.Waiting[i].Name = string(w.From.Number), w.From.Name
		}
	}
	return v
}

func agentView(a *acd.AgentStatus) AgentView {
	v := AgentView{
		ID: a.ID, Name: nameOr(a.Name, string(a.ID)), State: a.State, Since: a.Since, Until: a.Until, Reason: a.Reason, Next: a.Next,
		Reachable: a.Reachable, Queues: a.Queues, Queue: a.Queue, Answered: a.Answered,
	}
	if v.Queues == nil {
		v.Queues = []tandem.QueueID{}
	}
	if a.Call != "" {
		v.Call = &AgentCall{ID: a.Call, Leg: a.Leg, Number: string(a.Customer.Number), Name: a.Customer.Name}
	}
	return v
}

func nameOr(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

// CallCard is the call at an agent's hand with what is known about the customer.
type CallCard struct {
	Call    AgentCall         `json:"call"`
	State   tandem.AgentState `json:"state"`
	Queue   tandem.QueueID    `json:"queue,omitempty"`
	Contact crm.Contact       `json:"contact"`
	Known   bool              `json:"known" doc:"Somebody is known by the number."`
	Pop     string            `json:"pop,omitempty" doc:"The CRM's page for this call."`
}

// CallView is a finished or running call as the list of calls shows it. Durations are in seconds.
type CallView struct {
	ID          tandem.CallID        `json:"id"`
	Direction   tandem.Direction     `json:"direction"`
	Number      tandem.Number        `json:"number,omitempty"`
	Name        string               `json:"name,omitempty"`
	DID         tandem.Number        `json:"did,omitempty"`
	Campaign    tandem.CampaignID    `json:"campaign,omitempty"`
	Queues      []tandem.QueueID     `json:"queues,omitempty"`
	Agents      []tandem.AgentID     `json:"agents,omitempty" doc:"Who talked."`
	Started     time.Time            `json:"started"`
	Connected   time.Time            `json:"connected,omitzero"`
	Ended       time.Time            `json:"ended,omitzero"`
	Waited      float64              `json:"waited"`
	Talked      float64              `json:"talked"`
	Held        float64              `json:"held,omitempty"`
	WrapUp      float64              `json:"wrap_up"`
	Result      reports.Result       `json:"result,omitempty" doc:"Empty while the call is up."`
	Cause       tandem.Cause         `json:"cause,omitempty"`
	EndedBy     tandem.Party         `json:"ended_by,omitempty"`
	Outcome     tandem.Outcome       `json:"outcome,omitempty"`
	Disposition tandem.DispositionID `json:"disposition,omitempty"`
	Note        string               `json:"note,omitempty"`
}

func callView(c *reports.CallRecord) CallView {
	v := CallView{
		ID: c.Call.ID, Direction: c.Call.Direction, Number: c.Call.CustomerNumber(), Campaign: c.Call.Campaign, Queues: c.Queues(), Agents: c.Served(),
		Started: c.Started, Connected: c.Connected, Ended: c.Ended, Waited: c.Waited.Seconds(), Talked: c.Talked.Seconds(), Held: c.Held.Seconds(),
		WrapUp: c.WrapUp.Seconds(), Result: c.Result, Cause: c.Cause, EndedBy: c.EndedBy, Outcome: c.Outcome, Disposition: c.Disposition, Note: c.Note,
	}
	if c.Call.Direction == tandem.Inbound {
		v.Name, v.DID = c.Call.From.Name, c.Call.To
	}
	return v
}

// CallDetail is one call with its segments.
type CallDetail struct {
	CallView

	Segments []SegmentView `json:"segments"`
}

// SegmentView is a stretch of a call's time.
type SegmentView struct {
	Kind    reports.SegmentKind `json:"kind" enum:",queued,ringing,talking,held,wrap_up"`
	Queue   tandem.QueueID      `json:"queue,omitempty"`
	Agent   tandem.AgentID      `json:"agent,omitempty"`
	From    time.Time           `json:"from"`
	To      time.Time           `json:"to,omitzero" doc:"Absent while it goes on."`
	Seconds float64             `json:"seconds"`
}

func callDetail(c *reports.CallRecord) CallDetail {
	d := CallDetail{CallView: callView(c), Segments: make([]SegmentView, len(c.Segments))}
	for i := range c.Segments {
		g := &c.Segments[i]
		d.Segments[i] = SegmentView{Kind: g.Kind, Queue: g.Queue, Agent: g.Agent, From: g.From, To: g.To, Seconds: g.Duration(time.Now()).Seconds()}
	}
	return d
}
