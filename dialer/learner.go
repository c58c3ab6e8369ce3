package dialer

import (
	"context"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
)

// Learner learns one campaign's Experience from its records and paces with it: Predictive for a host that has records. It is a
// tandem.Handler for the records of the switch, the routing engine and the campaign (AttemptStarted first of all), live and, after a restart,
// from the journal; and it is a Pacer. Use NewLearner; it is safe for concurrent use.
type Learner struct {
	campaign tandem.CampaignID
	pacer    Predictive

	mu      sync.Mutex // guards what follows
	learned Experience
	legs    map[tandem.LegID]time.Time // that ring, by when they were dialled
	calls   map[tandem.CallID]struct{} // of attempts that are not over
	agents  map[tandem.AgentID]time.Time
}

var (
	_ tandem.Handler = (*Learner)(nil)
	_ Pacer          = (*Learner)(nil)
)

// NewLearner makes a Learner of the campaign's calls that paces as the given Predictive does.
func NewLearner(campaign tandem.CampaignID, p Predictive) (*Learner, error) {
	if campaign == "" {
		return nil, &tandem.ConfigError{Where: "dialer: learner.campaign", What: "is missing"}
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &Learner{
		campaign: campaign,
		pacer:    p,
		legs:     make(map[tandem.LegID]time.Time),
		calls:    make(map[tandem.CallID]struct{}),
		agents:   make(map[tandem.AgentID]time.Time),
	}, nil
}

// Pace implements Pacer: what the snapshot says was learned is replaced by what this Learner has learned.
func (l *Learner) Pace(s *Snapshot) Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine := *s
	mine.Learned = &l.learned
	return l.pacer.Pace(&mine)
}

// Handle learns from records; those that do not matter are passed over. The error is always nil.
func (l *Learner) Handle(_ context.Context, rs ...tandem.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range rs {
		l.handleLocked(&rs[i])
	}
	return nil
}

func (l *Learner) handleLocked(r *tandem.Record) {
	switch e := r.Event.(type) {
	case tandem.AttemptStarted:
		if e.Campaign == l.campaign {
			l.legs[e.Leg] = r.At
			l.calls[e.Call] = struct{}{}
		}
	case tandem.LegAnswered:
		if at, ours := l.legs[e.Leg]; ours {
			delete(l.legs, e.Leg)
			l.learned.Answered(r.At, max(0, r.At.Sub(at)))
		}
	case tandem.LegEnded:
		if at, ours := l.legs[e.Leg]; ours {
			delete(l.legs, e.Leg)
			if e.Cause != tandem.CauseCancelled && e.Cause != tandem.CauseInterrupted {
				l.learned.Unanswered(r.At, max(0, r.At.Sub(at)))
			}
		}
	case tandem.CallEnded:
		delete(l.calls, e.Call)
	case tandem.AgentChanged:
		l.agentLocked(r.At, e)
	default:
	}
}

// agentLocked learns from the agents' conversations with this campaign's people.
func (l *Learner) agentLocked(at time.Time, e tandem.AgentChanged) {
	since, known := l.agents[e.Agent]
	switch {
	case known && e.From == tandem.AgentOnCall:
		l.learned.Talked(max(0, at.Sub(since)))
	case known && e.From == tandem.AgentWrapUp:
		l.learned.Wrapped(max(0, at.Sub(since)))
	}
	_, ours := l.calls[e.Call]
	switch {
	case e.To == tandem.AgentOnCall && ours, e.To == tandem.AgentWrapUp && known:
		l.agents[e.Agent] = at
	default:
		delete(l.agents, e.Agent)
	}
}
