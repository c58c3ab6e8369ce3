package tandem

import "slices"

// CampaignState is where a campaign stands. The zero value is unset: no such campaign.
type CampaignState uint8

// The campaign states.
const (
	CampaignUnset    CampaignState = iota
	CampaignDraft                  // being prepared, dials nothing
	CampaignActive                 // dials when agents are there and the rules allow
	CampaignPaused                 // stopped by a person, or by a fault that says so
	CampaignFinished               // every lead is done, or its end is reached
	CampaignArchived               // kept for its records only
)

func campaignStateNames() []string {
	return []string{"", "draft", "active", "paused", "finished", "archived"}
}

// String returns the state's name as it stands in the journal; the zero value is the empty text.
func (s CampaignState) String() string {
	return enumText("campaign state", campaignStateNames(), uint8(s))
}

// MarshalText returns the state's name.
func (s CampaignState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes a name that String returns; any other is ErrInvalid.
func (s *CampaignState) UnmarshalText(text []byte) error {
	v, err := parseEnum("campaign state", campaignStateNames(), text)
	if err != nil {
		return err
	}
	*s = CampaignState(v)
	return nil
}

// CanBecome says whether a campaign in state s may go to state t. A finished one may be reopened, to recycle its leads.
func (s CampaignState) CanBecome(t CampaignState) bool {
	var next []CampaignState
	switch s {
	case CampaignUnset:
		next = []CampaignState{CampaignDraft}
	case CampaignDraft:
		next = []CampaignState{CampaignActive, CampaignArchived}
	case CampaignActive:
		next = []CampaignState{CampaignPaused, CampaignFinished}
	case CampaignPaused:
		next = []CampaignState{CampaignActive, CampaignFinished}
	case CampaignFinished:
		next = []CampaignState{CampaignActive, CampaignArchived}
	case CampaignArchived:
	}
	return slices.Contains(next, t)
}

// Outcome is what came of one attempt. The zero value is unset: not finished.
type Outcome uint8

// The outcomes of an attempt.
const (
	OutcomeUnset       Outcome = iota
	OutcomeConnected           // a person answered and talked with an agent
	OutcomeAbandoned           // a person answered and no agent came in time, or the person hung up waiting
	OutcomeMachine             // an answering machine took it
	OutcomeBusy                // busy
	OutcomeNoAnswer            // it rang out
	OutcomeRejected            // declined
	OutcomeCongestion          // no circuit, network trouble, trunk failed: the carrier's fault
	OutcomeInvalid             // the number does not exist
	OutcomeCancelled           // we gave up while it rang
	OutcomeBlocked             // not dialled: do-not-call, window or cap forbade it at the last check
	OutcomeInterrupted         // our process ended during the attempt; settled at restart
)

func outcomeNames() []string {
	return []string{
		"", "connected", "abandoned", "machine", "busy", "no_answer", "rejected", "congestion", "invalid",
		"cancelled", "blocked", "interrupted",
	}
}

// String returns the outcome's name as it stands in the journal; the zero value is the empty text.
func (o Outcome) String() string { return enumText("outcome", outcomeNames(), uint8(o)) }

// MarshalText returns the outcome's name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText takes a name that String returns; any other is ErrInvalid.
func (o *Outcome) UnmarshalText(text []byte) error {
	v, err := parseEnum("outcome", outcomeNames(), text)
	if err != nil {
		return err
	}
	*o = Outcome(v)
	return nil
}

// OutcomeOf maps the cause with which an unanswered dialling ended to the attempt's outcome.
func OutcomeOf(c Cause) Outcome {
	switch c {
	case CauseBusy:
		return OutcomeBusy
	case CauseNoAnswer, CauseElsewhere:
		return OutcomeNoAnswer
	case CauseRejected, CauseForbidden:
		return OutcomeRejected
	case CauseCancelled:
		return OutcomeCancelled
	case CauseUnallocated, CauseInvalidNumber:
		return OutcomeInvalid
	case CauseInterrupted:
		return OutcomeInterrupted
	case CauseMachine:
		return OutcomeMachine
	case CauseUnset, CauseNormal, CauseUnavailable, CauseIncompatible, CauseCongestion, CauseNetwork, CauseFailed,
		CauseTimeout, CauseQueueFull, causeEnd:
		return OutcomeCongestion
	}
	return OutcomeCongestion
}
