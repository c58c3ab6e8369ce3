package reports

import (
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
)

// Apply folds one record. Records that were applied already (by Seq) are passed over; a record about a call that is
// not known changes nothing but the place in the journal.
func (f *Folder) Apply(r tandem.Record) {
	if r.Seq != 0 && r.Seq <= f.seq {
		return
	}
	f.seq, f.at = r.Seq, r.At
	switch e := r.Event.(type) {
	case tandem.CallStarted:
		f.callStarted(r, e)
	case tandem.CallQueued, tandem.CallLeft, tandem.CallEnded, tandem.CallDisposed:
		f.callEvent(r)
	case tandem.CallOffered, tandem.OfferEnded, tandem.CallConnected, tandem.CallReleased:
		f.partEvent(r)
	case tandem.LegAnswered:
		f.legAnswered(r, e.Leg)
	case tandem.LegHeld:
		f.legHeld(r, e)
	case tandem.AgentChanged:
		f.agentChanged(r, e)
	case tandem.AttemptStarted:
		if e.Attempt != "" {
			f.attempts[e.Attempt] = &openAttempt{Seq: r.Seq, Started: e}
		}
	case tandem.AttemptEnded:
		f.attemptEnded(r, e)
	case tandem.LegIncoming, tandem.LegRinging, tandem.LegBridged, tandem.LegUnbridged, tandem.LegDigit, tandem.LegPlayed,
		tandem.LegEnded, tandem.DeviceChanged, tandem.TrunkChanged, tandem.Decided, tandem.CampaignChanged,
		tandem.NodeStarted, tandem.NodeAlive, tandem.NodeStopped:
		// They tell nothing about a call's time that the events above do not.
	}
}

// open returns an open call and notes that it changes.
func (f *Folder) open(id tandem.CallID, r tandem.Record) *openCall {
	c, ok := f.calls[id]
	if !ok {
		return nil
	}
	f.changed[id] = struct{}{}
	c.Record.LastSeq = r.Seq
	return c
}

func (f *Folder) callStarted(r tandem.Record, e tandem.CallStarted) {
	if _, known := f.calls[e.Call.ID]; known || e.Call.ID == "" {
		return
	}
	f.calls[e.Call.ID] = &openCall{Record: CallRecord{Call: e.Call, Started: r.At, FirstSeq: r.Seq}}
	f.legs[e.Call.Customer] = e.Call.ID
	f.open(e.Call.ID, r)
}

// callEvent folds what happens to a call as a whole.
func (f *Folder) callEvent(r tandem.Record) {
	switch e := r.Event.(type) { //nolint:gochecksumtype // Apply sends these only
	case tandem.CallQueued:
		if c := f.open(e.Call, r); c != nil {
			c.queued(r.At, e)
		}
	case tandem.CallLeft:
		if c := f.open(e.Call, r); c != nil {
			c.left(r.At, e)
		}
	case tandem.CallEnded:
		if c := f.open(e.Call, r); c != nil {
			c.ended(r.At, e)
			for i := range c.Parts {
				f.detachIdle(c, c.Parts[i].Agent)
			}
		}
	case tandem.CallDisposed:
		if c := f.open(e.Call, r); c != nil {
			c.Record.Disposition, c.Record.DisposedBy, c.Record.Note = e.Disposition, e.Agent, e.Note
		}
	}
}

// partEvent folds what happens between a call and one agent.
func (f *Folder) partEvent(r tandem.Record) {
	switch e := r.Event.(type) { //nolint:gochecksumtype // Apply sends these only
	case tandem.CallOffered:
		if c := f.open(e.Call, r); c != nil {
			f.legs[e.Leg] = e.Call
			c.offered(r.At, e)
			f.attach(c, e.Agent)
		}
	case tandem.OfferEnded:
		if c := f.open(e.Call, r); c != nil {
			c.offerEnded(r.At, e)
			f.detachIdle(c, e.Agent)
		}
	case tandem.CallConnected:
		if c := f.open(e.Call, r); c != nil {
			f.legs[e.Leg] = e.Call
			c.connected(r.At, e)
			f.attach(c, e.Agent)
		}
	case tandem.CallReleased:
		if c := f.open(e.Call, r); c != nil {
			c.released(r.At, e)
			f.detachIdle(c, e.Agent)
		}
	}
}

// attach notes that an agent is concerned with this call and no other.
func (f *Folder) attach(c *openCall, agent tandem.AgentID) {
	if a, ok := f.agents[agent]; ok {
		if a.Call != "" && a.Call != c.Record.Call.ID {
			if before, ok := f.calls[a.Call]; ok {
				before.detach(agent)
				f.changed[a.Call] = struct{}{}
			}
		}
		a.Call = c.Record.Call.ID
	}
	for i := range c.Parts {
		if c.Parts[i].Agent == agent {
			c.Parts[i].Waiting = true
		}
	}
}

// detachIdle lets go of an agent whose part is over and whose state no longer belongs to the call.
func (f *Folder) detachIdle(c *openCall, agent tandem.AgentID) {
	if a, ok := f.agents[agent]; ok && a.Call == c.Record.Call.ID && concerned(a.Activity.State) {
		return
	}
	c.detach(agent)
}

// concerned says whether an agent in this state is busy with a call.
func concerned(s tandem.AgentState) bool {
	return s == tandem.AgentReserved || s == tandem.AgentOnCall || s == tandem.AgentWrapUp
}

func (f *Folder) legAnswered(r tandem.Record, leg tandem.LegID) {
	id, ok := f.legs[leg]
	if !ok {
		return
	}
	if c := f.calls[id]; c.Record.Call.Customer == leg && c.Record.Answered.IsZero() && !c.Closed {
		f.open(id, r).Record.Answered = r.At
	}
}

func (f *Folder) legHeld(r tandem.Record, e tandem.LegHeld) {
	id, ok := f.legs[e.Leg]
	if !ok {
		return
	}
	c := f.open(id, r)
	if c.Record.Call.Customer == e.Leg {
		c.Held = e.Held
	}
	for i := range c.Parts {
		if c.Parts[i].Leg == e.Leg {
			c.Parts[i].Held = e.Held
		}
	}
	c.talkOn(r.At)
}

func (f *Folder) attemptEnded(r tandem.Record, e tandem.AttemptEnded) {
	a, ok := f.attempts[e.Attempt]
	if !ok {
		return
	}
	delete(f.attempts, e.Attempt)
	if c := f.open(a.Started.Call, r); c != nil {
		c.Record.Outcome = e.Outcome
	}
}

func (f *Folder) agentChanged(r tandem.Record, e tandem.AgentChanged) {
	if e.Agent == "" {
		return
	}
	a, known := f.agents[e.Agent]
	if known {
		a.Activity.To = later(a.Activity.From, r.At)
		f.activities = append(f.activities, a.Activity)
	} else {
		a = &openAgent{}
	}
	if e.Call != "" && concerned(e.To) {
		a.Call = e.Call
	}
	f.agentLeft(r, e, a.Call)
	if e.To == tandem.AgentLoggedOut || e.To == tandem.AgentUnset {
		delete(f.agents, e.Agent)
		return
	}
	a.Activity = Activity{Seq: r.Seq, Agent: e.Agent, State: e.To, Reason: e.Reason, Call: e.Call, From: r.At}
	if !concerned(e.To) {
		a.Call = ""
	}
	f.agents[e.Agent] = a
	f.activities = append(f.activities, a.Activity)
}

// agentLeft closes the parts of the call that an agent's new state puts an end to, and opens the wrap-up.
func (f *Folder) agentLeft(r tandem.Record, e tandem.AgentChanged, id tandem.CallID) {
	c := f.calls[id]
	if c == nil {
		return
	}
	switch e.To {
	case tandem.AgentReserved, tandem.AgentOnCall:
		return
	case tandem.AgentWrapUp:
		f.open(id, r)
		c.wrapUp(r.At, e.Agent)
	case tandem.AgentUnset, tandem.AgentLoggedOut, tandem.AgentReady, tandem.AgentPaused, tandem.AgentUnavailable:
		f.open(id, r)
		c.closeParts(r.At, e.Agent)
		c.detach(e.Agent)
	}
}

// queued begins a stay in a queue.
func (c *openCall) queued(at time.Time, e tandem.CallQueued) {
	if c.Closed {
		return
	}
	if c.Queued != 0 {
		if c.Record.Segments[c.Queued-1].Queue == e.Queue {
			return
		}
		c.leave(at, tandem.LeaveMoved)
	}
	c.Left = ResultUnset
	c.Queued = c.begin(Segment{Kind: SegmentQueued, Queue: e.Queue, From: at, Position: e.Position})
}

// leave ends the stay in a queue without an agent.
func (c *openCall) leave(at time.Time, why tandem.LeaveReason) {
	c.Left = resultOfLeaving(why)
	if c.Queued == 0 {
		return
	}
	c.Record.Segments[c.Queued-1].Left = why
	c.finish(c.Queued, at)
	c.Queued = 0
}

func (c *openCall) left(at time.Time, e tandem.CallLeft) {
	if c.Closed {
		return
	}
	if c.Queued == 0 { // refused at the door: a visit of no length
		c.Queued = c.begin(Segment{Kind: SegmentQueued, Queue: e.Queue, From: at, Position: e.Position})
	}
	c.leave(at, e.Reason)
}

// part returns the agent's part with that leg, a new one if need be.
func (c *openCall) part(agent tandem.AgentID, queue tandem.QueueID, leg tandem.LegID) *part {
	for i := range c.Parts {
		if c.Parts[i].Agent == agent {
			c.Parts[i].Queue, c.Parts[i].Leg = queue, leg
			return &c.Parts[i]
		}
	}
	c.Parts = append(c.Parts, part{Agent: agent, Queue: queue, Leg: leg})
	return &c.Parts[len(c.Parts)-1]
}

func (c *openCall) offered(at time.Time, e tandem.CallOffered) {
	if c.Closed {
		return
	}
	p := c.part(e.Agent, e.Queue, e.Leg)
	c.closePart(p, at)
	p.Held, p.Fence = false, e.Fence
	p.Open = c.begin(Segment{Kind: SegmentRinging, Queue: e.Queue, Agent: e.Agent, Leg: e.Leg, From: at})
}

func (c *openCall) offerEnded(at time.Time, e tandem.OfferEnded) {
	for i := range c.Parts {
		if p := &c.Parts[i]; p.Agent == e.Agent && p.Leg == e.Leg && !p.Talking {
			c.closePart(p, at)
		}
	}
	if s := c.last(e.Agent, SegmentRinging); s != nil && s.Leg == e.Leg {
		s.Cause = e.Cause
	}
}

func (c *openCall) connected(at time.Time, e tandem.CallConnected) {
	if c.Closed {
		return
	}
	p := c.part(e.Agent, e.Queue, e.Leg)
	c.closePart(p, at)
	p.Talking, p.Since = true, at
	if c.Record.Connected.IsZero() {
		c.Record.Connected = at
	}
	if c.Queued != 0 {
		c.Record.Segments[c.Queued-1].Agent = e.Agent
		c.finish(c.Queued, at)
		c.Queued = 0
	}
	c.talkOn(at)
}

// talkOn makes the open segment of each talking part what it should be, talking or held.
func (c *openCall) talkOn(at time.Time) {
	for i := range c.Parts {
		p := &c.Parts[i]
		if !p.Talking {
			continue
		}
		kind := SegmentTalking
		if c.Held || p.Held {
			kind = SegmentHeld
		}
		if p.Open != 0 {
			if c.Record.Segments[p.Open-1].Kind == kind {
				continue
			}
			at = c.finish(p.Open, at)
		}
		p.Open = c.begin(Segment{Kind: kind, Queue: p.Queue, Agent: p.Agent, Leg: p.Leg, From: at})
	}
}

func (c *openCall) released(at time.Time, e tandem.CallReleased) {
	for i := range c.Parts {
		if p := &c.Parts[i]; p.Agent == e.Agent && p.Leg == e.Leg && p.Talking {
			c.closePart(p, at)
		}
	}
	s := c.last(e.Agent, SegmentTalking)
	if h := c.last(e.Agent, SegmentHeld); h != nil && (s == nil || h.From.After(s.From)) {
		s = h
	}
	if s != nil && s.Leg == e.Leg {
		s.By = e.By
	}
}

// wrapUp closes the agent's talking and begins the wrap-up.
func (c *openCall) wrapUp(at time.Time, agent tandem.AgentID) {
	i := slices.IndexFunc(c.Parts, func(p part) bool { return p.Agent == agent })
	if i < 0 { // the call was loaded again
		c.Parts = append(c.Parts, part{Agent: agent})
		i = len(c.Parts) - 1
		if s := c.last(agent, SegmentTalking); s != nil {
			c.Parts[i].Queue, c.Parts[i].Leg = s.Queue, s.Leg
		}
	}
	p := &c.Parts[i]
	c.closePart(p, at)
	p.Waiting = true
	p.Open = c.begin(Segment{Kind: SegmentWrapUp, Queue: p.Queue, Agent: agent, Leg: p.Leg, From: at})
}

// closeParts closes whatever of an agent's is open in this call.
func (c *openCall) closeParts(at time.Time, agent tandem.AgentID) {
	for i := range c.Parts {
		if c.Parts[i].Agent == agent {
			c.closePart(&c.Parts[i], at)
		}
	}
}

func (c *openCall) closePart(p *part, at time.Time) {
	p.Talking = false
	if p.Open != 0 {
		c.finish(p.Open, at)
		p.Open = 0
	}
}

// detach notes that nothing more of an agent's belongs to this call.
func (c *openCall) detach(agent tandem.AgentID) {
	for i := range c.Parts {
		if c.Parts[i].Agent == agent {
			c.Parts[i].Waiting = false
		}
	}
}

// ended closes the call: nobody waits, rings or talks any more; wrap-up goes on.
func (c *openCall) ended(at time.Time, e tandem.CallEnded) {
	if c.Closed {
		return
	}
	c.Closed = true
	rec := &c.Record
	rec.Ended, rec.Cause, rec.EndedBy = later(rec.Started, at), e.Cause, e.By
	if c.Queued != 0 {
		c.leave(at, leavingAtEnd(e))
	}
	for i := range c.Parts {
		p := &c.Parts[i]
		if p.Open != 0 && rec.Segments[p.Open-1].Kind != SegmentWrapUp {
			c.closePart(p, at)
		}
	}
	rec.Result = c.result(e)
}

// leavingAtEnd tells why a call left its queue when only its end was told.
func leavingAtEnd(e tandem.CallEnded) tandem.LeaveReason {
	switch {
	case e.Cause == tandem.CauseInterrupted:
		return tandem.LeaveInterrupted
	case e.By == tandem.PartyCustomer:
		return tandem.LeaveAbandoned
	}
	return tandem.LeaveFailed
}

// result says what became of the call for the customer.
func (c *openCall) result(e tandem.CallEnded) Result {
	switch {
	case !c.Record.Connected.IsZero():
		return ResultAnswered
	case c.Left != ResultUnset:
		return c.Left
	case e.Cause == tandem.CauseInterrupted:
		return ResultInterrupted
	case c.Record.Call.Direction == tandem.Outbound && c.Record.Answered.IsZero():
		return ResultUnreached
	case e.By == tandem.PartyCustomer:
		return ResultAbandoned
	case e.By == tandem.PartyNetwork:
		return ResultFailed
	}
	return ResultRefused
}

// begin opens a segment and returns its number, from 1; 0 when the record is full.
func (c *openCall) begin(s Segment) int {
	if len(c.Record.Segments) >= MaxSegments {
		return 0
	}
	c.Record.Segments = append(c.Record.Segments, s)
	return len(c.Record.Segments)
}

// finish closes a segment, adds it to its sum and returns its end.
func (c *openCall) finish(n int, at time.Time) time.Time {
	s := &c.Record.Segments[n-1]
	s.To = later(s.From, at)
	d := s.To.Sub(s.From)
	switch s.Kind {
	case SegmentQueued:
		c.Record.Waited += d
	case SegmentRinging:
		c.Record.Rang += d
	case SegmentTalking:
		c.Record.Talked += d
	case SegmentHeld:
		c.Record.Held += d
	case SegmentWrapUp:
		c.Record.WrapUp += d
	case SegmentUnset:
	}
	return s.To
}

// last returns the agent's latest segment of a kind, or nil.
func (c *openCall) last(agent tandem.AgentID, kind SegmentKind) *Segment {
	for i := len(c.Record.Segments) - 1; i >= 0; i-- {
		if s := &c.Record.Segments[i]; s.Kind == kind && s.Agent == agent {
			return s
		}
	}
	return nil
}

// later returns at, or from when a clock that was set back put at before it.
func later(from, at time.Time) time.Time {
	if at.Before(from) {
		return from
	}
	return at
}
