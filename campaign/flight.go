package campaign

import (
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

// flight is one attempt from its recording to its settlement. The loop owns it.
type flight struct {
	attempt Attempt
	lead    Leased
	state   flightState
	// announced says that AttemptStarted is in the journal; closed, that CallEnded is (by us or by the routing engine).
	announced bool
	closed    bool
	cancelled bool // we asked the switch to give up while it rang

	dialledAt  time.Time
	entered    time.Time // when it came into its state
	answeredAt time.Time
	wasTaken   bool   // an agent took it
	takenGen   uint64 // the loop's generation at that moment
	goneAt     time.Time
	outcome    tandem.Outcome
	cause      tandem.Cause
	by         tandem.Party
	next       Progress
}

// flightState is how far an attempt has come.
//
//	beginning ─► dialing ─► handing ─► queued ─► talking ─► settling
//	    └───────────┴─────────┴─► dropping ─► settling
type flightState uint8

const (
	flightUnset     flightState = iota
	flightBeginning             // being recorded and dialled
	flightDialing               // dialled, nobody has answered
	flightHanding               // answered, being handed to the routing engine
	flightDropping              // answered and refused there: we hang up
	flightQueued                // with the routing engine
	flightTalking               // with an agent
	flightSettling              // over, being recorded
)

func (s flightState) canBecome(t flightState) bool {
	var next []flightState
	switch s {
	case flightUnset:
		next = []flightState{flightBeginning}
	case flightBeginning:
		// The switch's events may overtake the return of Dial.
		next = []flightState{flightDialing, flightHanding, flightSettling}
	case flightDialing:
		next = []flightState{flightHanding, flightSettling}
	case flightHanding:
		// The routing engine's records may overtake the return of Enqueue.
		next = []flightState{flightDropping, flightQueued, flightTalking, flightSettling}
	case flightDropping:
		next = []flightState{flightSettling}
	case flightQueued:
		next = []flightState{flightTalking, flightSettling}
	case flightTalking:
		next = []flightState{flightSettling}
	case flightSettling:
	}
	return slices.Contains(next, t)
}

// become moves the flight on; false says that its state does not allow it.
func (f *flight) become(t flightState) bool {
	if !f.state.canBecome(t) {
		return false
	}
	f.state = t
	f.entered = time.Now()
	return true
}

// heardOf notes that the switch knows the leg: then its attempt was told before.
func (f *flight) heardOf() {
	if f.state == flightBeginning {
		f.announced = true
	}
}

// owned says whether the customer's leg is the campaign's to hang up.
func (f *flight) owned() bool {
	switch f.state {
	case flightBeginning, flightDialing, flightHanding, flightDropping:
		return true
	case flightUnset, flightQueued, flightTalking, flightSettling:
		return false
	}
	return false
}

// stage shows the flight to the pacer as it was when the agents were looked at in generation gen: a call that an agent
// took only since then counts as waiting, since that agent may be among those who were ready.
func (f *flight) stage(gen uint64) dialer.Stage {
	switch f.state {
	case flightBeginning, flightDialing:
		return dialer.StageDialing
	case flightHanding, flightDropping, flightQueued:
		return dialer.StageWaiting
	case flightTalking:
		if f.takenGen > gen {
			return dialer.StageWaiting
		}
		return dialer.StageConnected
	case flightUnset, flightSettling:
		return dialer.StageUnset
	}
	return dialer.StageUnset
}

func (f *flight) call(c *Config) tandem.Call {
	return tandem.Call{
		ID:        f.attempt.Call,
		Direction: tandem.Outbound,
		Customer:  f.attempt.Leg,
		Trunk:     c.Trunk.ID,
		From:      c.From,
		To:        f.attempt.Number,
		Campaign:  c.ID,
		Attempt:   f.attempt.ID,
		Lead:      f.attempt.Lead,
	}
}

// settlement is what the store is told about the flight's end. Before the attempt is begun, it gives the lead back.
func (f *flight) settlement(at time.Time) Settlement {
	return Settlement{
		Campaign: f.attempt.Campaign,
		Lead:     f.attempt.Lead,
		Fence:    f.attempt.Fence,
		Attempt:  f.attempt.ID,
		Outcome:  f.outcome,
		Cause:    f.cause,
		At:       at,
		Next:     f.next,
	}
}

// endedBy says who ended a call that nobody answered.
func endedBy(e tandem.LegEnded) tandem.Party {
	switch {
	case e.Ours:
		return tandem.PartySystem
	case e.Cause == tandem.CauseNetwork || e.Cause == tandem.CauseCongestion || e.Cause == tandem.CauseTimeout:
		return tandem.PartyNetwork
	}
	return tandem.PartyCustomer
}
