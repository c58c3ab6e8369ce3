package reports

import (
	"time"

	"github.com/tandem-cc/tandem"
)

// Visit is one stay of a call in a queue: what service figures count.
type Visit struct {
	Queue    tandem.QueueID
	Joined   time.Time
	Left     time.Time          // zero: waits still
	Reason   tandem.LeaveReason // why it left without an agent; unset: it was answered, or waits still
	Agent    tandem.AgentID     // who answered
	Talked   time.Duration      // by that agent in this queue's name, without held
	Held     time.Duration
	WrapUp   time.Duration
	Finished bool // the agent's part, wrap-up included, is over
}

// Waited returns how long the visit has lasted, at now when it goes on.
func (v Visit) Waited(now time.Time) time.Duration {
	return Segment{From: v.Joined, To: v.Left}.Duration(now)
}

// Visits returns the stays of the call in queues, in order.
func (c *CallRecord) Visits() []Visit {
	var vs []Visit
	for i := range c.Segments {
		s := &c.Segments[i]
		if s.Kind != SegmentQueued {
			continue
		}
		v := Visit{Queue: s.Queue, Joined: s.From, Left: s.To, Reason: s.Left, Agent: s.Agent, Finished: !s.To.IsZero()}
		if s.Agent != "" {
			v.service(c.Segments[i+1:])
		}
		vs = append(vs, v)
	}
	return vs
}

// service adds up what the agent did after the visit, up to the next visit to the same queue.
func (v *Visit) service(after []Segment) {
	for i := range after {
		s := &after[i]
		if s.Kind == SegmentQueued && s.Queue == v.Queue {
			return
		}
		if s.Agent != v.Agent || s.Queue != v.Queue {
			continue
		}
		switch s.Kind {
		case SegmentTalking:
			v.Talked += s.Duration(s.From)
		case SegmentHeld:
			v.Held += s.Duration(s.From)
		case SegmentWrapUp:
			v.WrapUp += s.Duration(s.From)
		case SegmentUnset, SegmentQueued, SegmentRinging:
		}
		v.Finished = v.Finished && !s.To.IsZero()
	}
}

// Tally counts visits and gives the figures by their names. The same code serves the live board (visits of today) and
// any report. The zero value counts nothing and has a target of zero; a Tally has one owner. Figures whose divisor is
// zero do not exist: their second result is false, and a report shows a dash, neither 0 % nor 100 %.
type Tally struct {
	// Target is the time within which visits ought to be answered, T in the service levels.
	Target time.Duration
	// Short is the wait below which an abandoned visit is not held against the centre. Zero: every one counts.
	Short time.Duration

	Offered   int // visits that joined the queue: all but Refused
	Waiting   int // of these, waiting still
	Answered  int // of these, taken by an agent
	Abandoned int // of these, the customer hung up
	TimedOut  int // waited as long as they may
	Overflown int // moved on by a rule or a supervisor
	Callbacks int // asked to be called back
	Keyed     int // pressed the exit key
	Emptied   int // sent away: no agent was left to serve them
	Lost      int // failed or interrupted
	Refused   int // turned away at the door, full or empty: never joined

	AnsweredInTarget  int
	AbandonedInTarget int
	AbandonedShort    int
	Handled           int // answered and finished, wrap-up included: what AHT counts

	WaitAnswered  time.Duration // sum over Answered
	WaitAbandoned time.Duration // sum over Abandoned
	LongestWait   time.Duration // of all visits that joined
	Talked        time.Duration // sums over Handled
	Held          time.Duration
	WrapUp        time.Duration
}

// Add counts the call's visits to a queue; with the empty queue, to all queues. now is for visits that go on.
func (t *Tally) Add(c *CallRecord, queue tandem.QueueID, now time.Time) {
	for _, v := range c.Visits() {
		if queue == "" || v.Queue == queue {
			t.AddVisit(v, now)
		}
	}
}

// AddVisit counts one visit.
func (t *Tally) AddVisit(v Visit, now time.Time) {
	wait := v.Waited(now)
	if wait == 0 && !v.Left.IsZero() && (v.Reason == tandem.LeaveFull || v.Reason == tandem.LeaveEmpty) {
		t.Refused++
		return
	}
	t.Offered++
	t.LongestWait = max(t.LongestWait, wait)
	switch {
	case v.Left.IsZero():
		t.Waiting++
	case v.Agent != "":
		t.answered(v, wait)
	default:
		t.left(v.Reason, wait)
	}
}

func (t *Tally) answered(v Visit, wait time.Duration) {
	t.Answered++
	t.WaitAnswered += wait
	if wait <= t.Target {
		t.AnsweredInTarget++
	}
	if v.Finished {
		t.Handled++
		t.Talked += v.Talked
		t.Held += v.Held
		t.WrapUp += v.WrapUp
	}
}

func (t *Tally) left(reason tandem.LeaveReason, wait time.Duration) {
	switch reason {
	case tandem.LeaveAbandoned:
		t.Abandoned++
		t.WaitAbandoned += wait
		if wait <= t.Target {
			t.AbandonedInTarget++
		}
		if wait < t.Short {
			t.AbandonedShort++
		}
	case tandem.LeaveTimeout:
		t.TimedOut++
	case tandem.LeaveOverflow, tandem.LeaveMoved:
		t.Overflown++
	case tandem.LeaveCallback:
		t.Callbacks++
	case tandem.LeaveKey:
		t.Keyed++
	case tandem.LeaveFull, tandem.LeaveEmpty:
		t.Emptied++
	case tandem.LeaveUnset, tandem.LeaveFailed, tandem.LeaveInterrupted:
		t.Lost++
	}
}

// Conserved checks that no visit is lost: those offered are answered, gone for one of the reasons, or waiting.
func (t *Tally) Conserved() bool {
	return t.Offered == t.Answered+t.Abandoned+t.TimedOut+t.Overflown+t.Callbacks+t.Keyed+t.Emptied+t.Lost+t.Waiting
}

// SL1 is Asterisk's first service level: answered within the target, of the answered.
func (t *Tally) SL1() (float64, bool) { return ratio(t.AnsweredInTarget, t.Answered) }

// SL2 is Asterisk's second service level: answered or abandoned within the target, of the answered and abandoned.
func (t *Tally) SL2() (float64, bool) {
	return ratio(t.AnsweredInTarget+t.AbandonedInTarget, t.Answered+t.Abandoned)
}

// SLOffered is answered within the target, of all that were offered and wait no more.
func (t *Tally) SLOffered() (float64, bool) { return ratio(t.AnsweredInTarget, t.Offered-t.Waiting) }

// SLLateAbandon is answered within the target, of the answered and those abandoned after it.
func (t *Tally) SLLateAbandon() (float64, bool) {
	return ratio(t.AnsweredInTarget, t.Answered+t.Abandoned-t.AbandonedInTarget)
}

// AbandonRate is the abandoned, of all that were offered and wait no more, callbacks excepted; those that hung up
// before Short count on neither side.
func (t *Tally) AbandonRate() (float64, bool) {
	return ratio(t.Abandoned-t.AbandonedShort, t.Offered-t.Waiting-t.Callbacks-t.AbandonedShort)
}

// ASA is the average speed of answer: the mean wait of the answered.
func (t *Tally) ASA() (time.Duration, bool) { return mean(t.WaitAnswered, t.Answered) }

// AverageAbandon is the mean wait of the abandoned.
func (t *Tally) AverageAbandon() (time.Duration, bool) { return mean(t.WaitAbandoned, t.Abandoned) }

// AHT is the average handling time: the mean of talking, hold and wrap-up of those answered and finished.
func (t *Tally) AHT() (time.Duration, bool) { return mean(t.Talked+t.Held+t.WrapUp, t.Handled) }

func ratio(part, whole int) (float64, bool) {
	if whole <= 0 {
		return 0, false
	}
	return float64(part) / float64(whole), true
}

func mean(sum time.Duration, n int) (time.Duration, bool) {
	if n <= 0 {
		return 0, false
	}
	return sum / time.Duration(n), true
}

// Workday counts how an agent's time was spent. The zero value counts nothing; it has one owner.
type Workday struct {
	Ready, Reserved, OnCall, WrapUp, Paused, Unavailable time.Duration
}

// Add counts an activity's part in [from, to).
func (w *Workday) Add(a Activity, from, to time.Time) {
	begin, end := a.From, a.To
	if begin.Before(from) {
		begin = from
	}
	if end.IsZero() || end.After(to) {
		end = to
	}
	d := max(0, end.Sub(begin))
	switch a.State {
	case tandem.AgentReady:
		w.Ready += d
	case tandem.AgentReserved:
		w.Reserved += d
	case tandem.AgentOnCall:
		w.OnCall += d
	case tandem.AgentWrapUp:
		w.WrapUp += d
	case tandem.AgentPaused:
		w.Paused += d
	case tandem.AgentUnavailable:
		w.Unavailable += d
	case tandem.AgentUnset, tandem.AgentLoggedOut:
	}
}

// LoggedIn is the time at work.
func (w *Workday) LoggedIn() time.Duration {
	return w.Ready + w.Reserved + w.OnCall + w.WrapUp + w.Paused + w.Unavailable
}

// Occupancy is the time on offers, calls and wrap-up, of the time not paused and reachable.
func (w *Workday) Occupancy() (float64, bool) {
	busy := w.Reserved + w.OnCall + w.WrapUp
	return share(busy, busy+w.Ready)
}

// Utilisation is the time not paused and reachable, of the time at work.
func (w *Workday) Utilisation() (float64, bool) {
	return share(w.Ready+w.Reserved+w.OnCall+w.WrapUp, w.LoggedIn())
}

func share(part, whole time.Duration) (float64, bool) {
	if whole <= 0 {
		return 0, false
	}
	return float64(part) / float64(whole), true
}
