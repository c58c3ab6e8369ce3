package crm

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
)

// The types of messages.
const (
	// MessageCallEnded is sent once for each call, when it is over. Its data is a CallEnded.
	MessageCallEnded = "call.ended"
	// MessageCallDisposed is sent for each disposition. Its data is a CallDisposed.
	MessageCallDisposed = "call.disposed"
)

// Message is the body of a webhook, by the Standard Webhooks specification.
type Message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it happened, not when it was sent
	Data      any       `json:"data"`
}

// CallEnded is the data of call.ended: what became of a call. Times are UTC and left out when the call did not come that far.
type CallEnded struct {
	Call      tandem.CallID     `json:"call"`
	Direction tandem.Direction  `json:"direction"`
	Number    tandem.Number     `json:"number,omitempty"` // the customer's
	Name      string            `json:"name,omitempty"`   // as the caller's network gave it
	DID       tandem.Number     `json:"did,omitempty"`    // inbound: the number dialled
	Trunk     tandem.TrunkID    `json:"trunk,omitempty"`
	Queue     tandem.QueueID    `json:"queue,omitempty"`  // the last one
	Agents    []tandem.AgentID  `json:"agents,omitempty"` // who talked, in order
	Campaign  tandem.CampaignID `json:"campaign,omitempty"`
	Attempt   tandem.AttemptID  `json:"attempt,omitempty"`
	Lead      tandem.LeadID     `json:"lead,omitempty"`
	StartedAt time.Time         `json:"started_at,omitzero"`
	QueuedAt  time.Time         `json:"queued_at,omitzero"`
	TalkAt    time.Time         `json:"connected_at,omitzero"` // when the first agent and the customer were connected
	EndedAt   time.Time         `json:"ended_at"`
	Waited    float64           `json:"waited_seconds"` // in queues, until the first agent or the end
	Talked    float64           `json:"talked_seconds"` // with agents
	Answered  bool              `json:"answered"`       // an agent talked to the customer
	Cause     tandem.Cause      `json:"cause"`
	By        tandem.Party      `json:"by"`
}

// CallDisposed is the data of call.disposed.
type CallDisposed struct {
	Call        tandem.CallID        `json:"call"`
	Agent       tandem.AgentID       `json:"agent"`
	Disposition tandem.DispositionID `json:"disposition"`
	Note        string               `json:"note,omitempty"`
}

// maxOpenCalls bounds the calls that are followed at once; of one beyond it the message tells the end only.
const maxOpenCalls = 100_000

// openCall is a call that has not ended.
type openCall struct {
	seq  uint64 // the record that began it
	data CallEnded
	talk time.Time // since when an agent talks; zero: nobody does
}

// calls folds the journal into what messages tell. It is not safe for concurrent use.
type calls struct {
	open map[tandem.CallID]*openCall
}

// apply takes one record and returns the delivery it brings about, if it does.
func (c *calls) apply(r tandem.Record) (Delivery, bool, error) {
	switch e := r.Event.(type) {
	case tandem.CallStarted:
		c.start(r, e.Call)
	case tandem.CallQueued:
		if o := c.open[e.Call]; o != nil {
			o.data.Queue = e.Queue
			if o.data.QueuedAt.IsZero() {
				o.data.QueuedAt = r.At.UTC()
			}
		}
	case tandem.CallConnected:
		if o := c.open[e.Call]; o != nil {
			o.connect(r.At.UTC(), e)
		}
	case tandem.CallReleased:
		if o := c.open[e.Call]; o != nil {
			o.release(r.At)
		}
	case tandem.CallEnded:
		data := c.end(r, e)
		d, err := newDelivery(r, e.Call, MessageCallEnded, "end", data)
		return d, true, err
	case tandem.CallDisposed:
		d, err := newDelivery(r, e.Call, MessageCallDisposed, fmt.Sprintf("disposed-%d", r.Seq), CallDisposed(e))
		return d, true, err
	default:
		// The other events do not concern a message.
	}
	return Delivery{}, false, nil
}

func (c *calls) start(r tandem.Record, call tandem.Call) {
	if len(c.open) >= maxOpenCalls {
		return
	}
	o := &openCall{seq: r.Seq, data: CallEnded{
		Call: call.ID, Direction: call.Direction, Number: call.CustomerNumber(), Trunk: call.Trunk,
		Campaign: call.Campaign, Attempt: call.Attempt, Lead: call.Lead, StartedAt: r.At.UTC(),
	}}
	if call.Direction == tandem.Inbound {
		o.data.Name, o.data.DID = call.From.Name, call.To
	}
	c.open[call.ID] = o
}

func (o *openCall) connect(at time.Time, e tandem.CallConnected) {
	o.talk = at
	o.data.Queue, o.data.Answered = e.Queue, true
	if o.data.TalkAt.IsZero() {
		o.data.TalkAt = at
	}
	if !slices.Contains(o.data.Agents, e.Agent) {
		o.data.Agents = append(o.data.Agents, e.Agent)
	}
}

func (o *openCall) release(at time.Time) {
	if !o.talk.IsZero() {
		o.data.Talked += at.Sub(o.talk).Seconds()
		o.talk = time.Time{}
	}
}

func (c *calls) end(r tandem.Record, e tandem.CallEnded) CallEnded {
	o := c.open[e.Call]
	if o == nil {
		return CallEnded{Call: e.Call, EndedAt: r.At.UTC(), Cause: e.Cause, By: e.By}
	}
	delete(c.open, e.Call)
	o.release(r.At)
	o.data.EndedAt, o.data.Cause, o.data.By = r.At.UTC(), e.Cause, e.By
	if !o.data.QueuedAt.IsZero() {
		until := o.data.EndedAt
		if o.data.Answered {
			until = o.data.TalkAt
		}
		o.data.Waited = until.Sub(o.data.QueuedAt).Seconds()
	}
	return o.data
}

// mark returns the number before which no record is needed to go on after last.
func (c *calls) mark(last uint64) uint64 {
	oldest := last
	for _, o := range c.open {
		if o.seq > 0 && o.seq-1 < oldest {
			oldest = o.seq - 1
		}
	}
	return oldest
}

// newDelivery makes a pending delivery. Its ID depends on the call and the occasion only: the same when the journal is read again.
func newDelivery(r tandem.Record, call tandem.CallID, kind, occasion string, data any) (Delivery, error) {
	body, err := json.Marshal(Message{Type: kind, Timestamp: r.At.UTC(), Data: data})
	if err != nil {
		return Delivery{}, fmt.Errorf("crm: message of call %s: %w", call, err)
	}
	return Delivery{
		ID: fmt.Sprintf("msg_%s_%s", call, occasion), Seq: r.Seq, Order: string(call), Type: kind, Body: body,
		State: DeliveryPending, NextAt: r.At.UTC(),
	}, nil
}
