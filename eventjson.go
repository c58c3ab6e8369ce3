package tandem

import (
	"encoding/json"
	"fmt"
	"time"
)

// The names of the events in the journal. They never change.
const (
	kindLegIncoming     = "leg_incoming"
	kindLegRinging      = "leg_ringing"
	kindLegAnswered     = "leg_answered"
	kindLegBridged      = "leg_bridged"
	kindLegUnbridged    = "leg_unbridged"
	kindLegDigit        = "leg_digit"
	kindLegPlayed       = "leg_played"
	kindLegHeld         = "leg_held"
	kindLegEnded        = "leg_ended"
	kindDeviceChanged   = "device_changed"
	kindTrunkChanged    = "trunk_changed"
	kindCallStarted     = "call_started"
	kindCallQueued      = "call_queued"
	kindCallOffered     = "call_offered"
	kindOfferEnded      = "offer_ended"
	kindCallConnected   = "call_connected"
	kindCallLeft        = "call_left"
	kindCallReleased    = "call_released"
	kindCallEnded       = "call_ended"
	kindCallDisposed    = "call_disposed"
	kindDecided         = "decided"
	kindAgentChanged    = "agent_changed"
	kindCampaignChanged = "campaign_changed"
	kindAttemptStarted  = "attempt_started"
	kindAttemptEnded    = "attempt_ended"
	kindNodeStarted     = "node_started"
	kindNodeAlive       = "node_alive"
	kindNodeStopped     = "node_stopped"
)

// Kind returns "leg_incoming".
func (LegIncoming) Kind() string { return kindLegIncoming }

// Kind returns "leg_ringing".
func (LegRinging) Kind() string { return kindLegRinging }

// Kind returns "leg_answered".
func (LegAnswered) Kind() string { return kindLegAnswered }

// Kind returns "leg_bridged".
func (LegBridged) Kind() string { return kindLegBridged }

// Kind returns "leg_unbridged".
func (LegUnbridged) Kind() string { return kindLegUnbridged }

// Kind returns "leg_digit".
func (LegDigit) Kind() string { return kindLegDigit }

// Kind returns "leg_played".
func (LegPlayed) Kind() string { return kindLegPlayed }

// Kind returns "leg_held".
func (LegHeld) Kind() string { return kindLegHeld }

// Kind returns "leg_ended".
func (LegEnded) Kind() string { return kindLegEnded }

// Kind returns "device_changed".
func (DeviceChanged) Kind() string { return kindDeviceChanged }

// Kind returns "trunk_changed".
func (TrunkChanged) Kind() string { return kindTrunkChanged }

// Kind returns "call_started".
func (CallStarted) Kind() string { return kindCallStarted }

// Kind returns "call_queued".
func (CallQueued) Kind() string { return kindCallQueued }

// Kind returns "call_offered".
func (CallOffered) Kind() string { return kindCallOffered }

// Kind returns "offer_ended".
func (OfferEnded) Kind() string { return kindOfferEnded }

// Kind returns "call_connected".
func (CallConnected) Kind() string { return kindCallConnected }

// Kind returns "call_left".
func (CallLeft) Kind() string { return kindCallLeft }

// Kind returns "call_released".
func (CallReleased) Kind() string { return kindCallReleased }

// Kind returns "call_ended".
func (CallEnded) Kind() string { return kindCallEnded }

// Kind returns "call_disposed".
func (CallDisposed) Kind() string { return kindCallDisposed }

// Kind returns "decided".
func (Decided) Kind() string { return kindDecided }

// Kind returns "agent_changed".
func (AgentChanged) Kind() string { return kindAgentChanged }

// Kind returns "campaign_changed".
func (CampaignChanged) Kind() string { return kindCampaignChanged }

// Kind returns "attempt_started".
func (AttemptStarted) Kind() string { return kindAttemptStarted }

// Kind returns "attempt_ended".
func (AttemptEnded) Kind() string { return kindAttemptEnded }

// Kind returns "node_started".
func (NodeStarted) Kind() string { return kindNodeStarted }

// Kind returns "node_alive".
func (NodeAlive) Kind() string { return kindNodeAlive }

// Kind returns "node_stopped".
func (NodeStopped) Kind() string { return kindNodeStopped }

func (LegIncoming) event()     {}
func (LegRinging) event()      {}
func (LegAnswered) event()     {}
func (LegBridged) event()      {}
func (LegUnbridged) event()    {}
func (LegDigit) event()        {}
func (LegPlayed) event()       {}
func (LegHeld) event()         {}
func (LegEnded) event()        {}
func (DeviceChanged) event()   {}
func (TrunkChanged) event()    {}
func (CallStarted) event()     {}
func (CallQueued) event()      {}
func (CallOffered) event()     {}
func (OfferEnded) event()      {}
func (CallConnected) event()   {}
func (CallLeft) event()        {}
func (CallReleased) event()    {}
func (CallEnded) event()       {}
func (CallDisposed) event()    {}
func (Decided) event()         {}
func (AgentChanged) event()    {}
func (CampaignChanged) event() {}
func (AttemptStarted) event()  {}
func (AttemptEnded) event()    {}
func (NodeStarted) event()     {}
func (NodeAlive) event()       {}
func (NodeStopped) event()     {}

// decodeEvent reads the body of an event of the given kind.
//
//nolint:revive // A flat table, one line a kind: splitting it would only hide a missing one.
func decodeEvent(kind string, data []byte) (Event, error) {
	switch kind {
	case kindLegIncoming:
		return decodeAs[LegIncoming](data)
	case kindLegRinging:
		return decodeAs[LegRinging](data)
	case kindLegAnswered:
		return decodeAs[LegAnswered](data)
	case kindLegBridged:
		return decodeAs[LegBridged](data)
	case kindLegUnbridged:
		return decodeAs[LegUnbridged](data)
	case kindLegDigit:
		return decodeAs[LegDigit](data)
	case kindLegPlayed:
		return decodeAs[LegPlayed](data)
	case kindLegHeld:
		return decodeAs[LegHeld](data)
	case kindLegEnded:
		return decodeAs[LegEnded](data)
	case kindDeviceChanged:
		return decodeAs[DeviceChanged](data)
	case kindTrunkChanged:
		return decodeAs[TrunkChanged](data)
	case kindCallStarted:
		return decodeAs[CallStarted](data)
	case kindCallQueued:
		return decodeAs[CallQueued](data)
	case kindCallOffered:
		return decodeAs[CallOffered](data)
	case kindOfferEnded:
		return decodeAs[OfferEnded](data)
	case kindCallConnected:
		return decodeAs[CallConnected](data)
	case kindCallLeft:
		return decodeAs[CallLeft](data)
	case kindCallReleased:
		return decodeAs[CallReleased](data)
	case kindCallEnded:
		return decodeAs[CallEnded](data)
	case kindCallDisposed:
		return decodeAs[CallDisposed](data)
	case kindDecided:
		return decodeAs[Decided](data)
	case kindAgentChanged:
		return decodeAs[AgentChanged](data)
	case kindCampaignChanged:
		return decodeAs[CampaignChanged](data)
	case kindAttemptStarted:
		return decodeAs[AttemptStarted](data)
	case kindAttemptEnded:
		return decodeAs[AttemptEnded](data)
	case kindNodeStarted:
		return decodeAs[NodeStarted](data)
	case kindNodeAlive:
		return decodeAs[NodeAlive](data)
	case kindNodeStopped:
		return decodeAs[NodeStopped](data)
	}
	return nil, fmt.Errorf("tandem: event kind %q: %w", kind, ErrInvalid)
}

func decodeAs[E Event](data []byte) (Event, error) {
	var e E
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("tandem: event %s: %w", e.Kind(), err)
	}
	return e, nil
}

// recordJSON is a Record on the wire and in the journal.
type recordJSON struct {
	Seq  uint64          `json:"seq,omitempty"`
	At   time.Time       `json:"at"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// MarshalJSON writes {"seq":…,"at":…,"type":kind,"data":{…}}, the form of the journal and of the live feed.
func (r Record) MarshalJSON() ([]byte, error) {
	if r.Event == nil {
		return nil, fmt.Errorf("tandem: record without an event: %w", ErrInvalid)
	}
	data, err := json.Marshal(r.Event)
	if err != nil {
		return nil, fmt.Errorf("tandem: event %s: %w", r.Event.Kind(), err)
	}
	b, err := json.Marshal(recordJSON{Seq: r.Seq, At: r.At.UTC(), Type: r.Event.Kind(), Data: data})
	if err != nil {
		return nil, fmt.Errorf("tandem: record %d: %w", r.Seq, err)
	}
	return b, nil
}

// UnmarshalJSON reads what MarshalJSON writes. A kind that is not known is ErrInvalid; unknown fields are passed over, so that
// a journal of a later version with more fields can be read.
func (r *Record) UnmarshalJSON(b []byte) error {
	var j recordJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("tandem: record: %w", err)
	}
	e, err := decodeEvent(j.Type, j.Data)
	if err != nil {
		return err
	}
	*r = Record{Seq: j.Seq, At: j.At, Event: e}
	return nil
}
