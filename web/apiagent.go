package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/crm"
	"github.com/tandem-cc/tandem/reports"
)

func (s *Server) registerAgent(api huma.API) {
	huma.Register(api, s.operation(RoleAgent, http.MethodGet, "/api/v1/agent", "show-agent", "Show the own state"), s.showAgent)
	huma.Register(api, s.operation(RoleAgent, http.MethodPut, "/api/v1/agent/state", "set-state", "Become ready, pause, or end work"), s.setState)
	huma.Register(api, s.operation(RoleAgent, http.MethodGet, "/api/v1/agent/call", "show-call", "Show the call at hand and who it is"), s.showCall)
	huma.Register(api, s.operation(RoleAgent, http.MethodPost, "/api/v1/agent/call/{call}/reject", "reject-call", "Decline the offered call"), s.rejectCall)
	huma.Register(api, s.operation(RoleAgent, http.MethodPost, "/api/v1/agent/call/{call}/hangup", "hang-up", "Hang up the call at hand"), s.hangUp)
	huma.Register(api, s.operation(RoleAgent, http.MethodPut, "/api/v1/agent/call/{call}/disposition", "dispose-call", "Say what came of a call"), s.disposeCall)
	huma.Register(api, s.operation(RoleAgent, http.MethodPost, "/api/v1/agent/wrapup/finish", "finish-wrapup", "End the wrap-up"), s.finishWrapUp)
	huma.Register(api, s.operation(RoleAgent, http.MethodPost, "/api/v1/agent/wrapup/extend", "extend-wrapup", "Prolong the wrap-up"), s.extendWrapUp)
	huma.Register(api, s.operation(RoleAgent, http.MethodGet, "/api/v1/agent/today", "show-today", "Show the own calls and figures since a time"), s.showToday)
}

// status returns the agent as the centre has it now.
func (s *Server) status(ctx context.Context, agent tandem.AgentID) (*acd.AgentStatus, error) {
	snap, err := s.cfg.Floor.Snapshot(ctx)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	for i := range snap.Agents {
		if snap.Agents[i].ID == agent {
			return &snap.Agents[i], nil
		}
	}
	return nil, huma.Error404NotFound("The centre has no agent of this name.")
}

func (s *Server) showAgent(ctx context.Context, _ *struct{}) (*of[AgentView], error) {
	_, agent, err := agentOf(ctx)
	if err != nil {
		return nil, err
	}
	a, err := s.status(ctx, agent)
	if err != nil {
		return nil, err
	}
	return &of[AgentView]{agentView(a)}, nil
}

func (s *Server) setState(ctx context.Context, in *struct {
	Body struct {
		State  string `json:"state" enum:"ready,paused,logged_out"`
		Reason string `json:"reason,omitempty" maxLength:"100" doc:"Of a pause."`
	}
},
) (*of[AgentView], error) {
	_, agent, err := agentOf(ctx)
	if err != nil {
		return nil, err
	}
	if in.Body.State == "logged_out" {
		err = s.cfg.Desk.Logout(ctx, agent)
	} else {
		err = s.cfg.Desk.Login(ctx, agent)
	}
	if err == nil && in.Body.State == "ready" {
		err = s.cfg.Desk.Ready(ctx, agent)
	}
	if err == nil && in.Body.State == "paused" {
		err = s.cfg.Desk.Pause(ctx, agent, in.Body.Reason)
	}
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	return s.showAgent(ctx, nil)
}

func (s *Server) showCall(ctx context.Context, _ *struct{}) (*of[CallCard], error) {
	_, agent, err := agentOf(ctx)
	if err != nil {
		return nil, err
	}
	a, err := s.status(ctx, agent)
	if err != nil {
		return nil, err
	}
	if a.Call == "" {
		return nil, huma.Error404NotFound("There is no call at hand.")
	}
	card := CallCard{Call: *agentView(a).Call, State: a.State, Queue: a.Queue}
	q := crm.Query{Number: a.Customer.Number, Call: a.Call, Queue: a.Queue}
	if s.cfg.Contacts != nil {
		card.Contact = s.cfg.Contacts.Contact(ctx, q)
		card.Known = card.Contact.Known()
	}
	if s.cfg.ScreenPop != nil {
		card.Pop = s.cfg.ScreenPop.URL(crm.Pop{Query: q, Agent: agent, Contact: card.Contact})
	}
	return &of[CallCard]{card}, nil
}

type callInput struct {
	Call tandem.CallID `path:"call" maxLength:"64"`
}

func (s *Server) rejectCall(ctx context.Context, in *callInput) (*struct{}, error) {
	_, agent, err := agentOf(ctx)
	if err != nil {
		return nil, err
	}
	return nil, s.answer(ctx, s.cfg.Handset.Reject(ctx, agent, in.Call))
}

func (s *Server) hangUp(ctx context.Context, in *callInput) (*struct{}, error) {
	_, agent, err := agentOf(ctx)
	if err != nil {
		return nil, err
	}
	a, err := s.status(ctx, agent)
	if err != nil {
		return nil, err
	}
	if a.Call != in.Call || a.State != tandem.AgentOnCall {
		return nil, huma.Error409Conflict("You are not talking in this call.")
	}
	return nil, s.answer(ctx, s.cfg.Handset.Hangup(ctx, in.Call, tandem.PartyAgent))
}

func (s *Server) disposeCall(ctx context.Context, in *struct {
	Call tandem.CallID `path:"call" maxLength:"64"`
	Body struct {
		Disposition tandem.DispositionID `json:"disposition,omitempty" maxLength:"64"`
		Note        string               `json:"note,omitempty" maxLength:"4000"`
	}
},
) (*struct{}, error) {
	_, agent, err := agentOf(ctx)
	if err != nil {
		return nil, err
	}
	known := in.Body.Disposition == ""
	for _, d := range s.cfg.Dispositions {
		known = known || d.ID == in.Body.Disposition
	}
	if !known {
		return nil, huma.Error422UnprocessableEntity("There is no such disposition.")
	}
	return nil, s.answer(ctx, s.cfg.Handset.Dispose(ctx, tandem.CallDisposed{Call: in.Call, Agent: agent, Disposition: in.Body.Disposition, Note: in.Body.Note}))
}

func (s *Server) finishWrapUp(ctx context.Context, _ *struct{}) (*struct{}, error) {
	_, agent, err := agentOf(ctx)
	if err != nil {
		return nil, err
	}
	return nil, s.answer(ctx, s.cfg.Desk.FinishWrapUp(ctx, agent))
}

func (s *Server) extendWrapUp(ctx context.Context, in *struct {
	Body struct {
		Seconds int `json:"seconds" minimum:"1" maximum:"600"`
	}
},
) (*struct{}, error) {
	_, agent, err := agentOf(ctx)
	if err != nil {
		return nil, err
	}
	extender, ok := s.cfg.Desk.(WrapUpExtender)
	if !ok {
		return nil, s.answer(ctx, tandem.ErrUnsupported)
	}
	return nil, s.answer(ctx, extender.ExtendWrapUp(ctx, agent, time.Duration(in.Body.Seconds)*time.Second))
}

// Today is an agent's own work since a time.
type Today struct {
	Answered int        `json:"answered" doc:"Calls that the agent talked in."`
	Missed   int        `json:"missed" doc:"Calls that were offered to the agent and went elsewhere."`
	Talked   float64    `json:"talked" doc:"Seconds of talking in all."`
	WrapUp   float64    `json:"wrap_up" doc:"Seconds of wrap-up in all."`
	Calls    []CallView `json:"calls" doc:"The latest, newest first."`
}

// What bounds the sum over a day, and the list that the console shows.
const (
	maxTodayPages = 10
	todayCalls    = 12
)

func (s *Server) showToday(ctx context.Context, in *struct {
	Since time.Time `query:"since" required:"true" doc:"Usually midnight where the agent is; at most two days ago."`
},
) (*of[Today], error) {
	_, agent, err := agentOf(ctx)
	if err != nil {
		return nil, err
	}
	if s.cfg.Calls == nil {
		return nil, s.answer(ctx, tandem.ErrUnsupported)
	}
	since := in.Since
	if oldest := time.Now().Add(-48 * time.Hour); since.Before(oldest) {
		since = oldest
	}
	t := Today{Calls: []CallView{}}
	q := reports.CallQuery{From: since.UTC(), Agent: agent, Newest: true, Limit: reports.MaxPage}
	for range maxTodayPages {
		page, err := s.cfg.Calls.Calls(ctx, q)
		if err != nil {
			return nil, s.answer(ctx, err)
		}
		for i := range page {
			t.add(&page[i], agent)
		}
		if len(page) < reports.MaxPage {
			break
		}
		q.After = page[len(page)-1].Cursor()
	}
	return &of[Today]{t}, nil
}

// add counts one call of the agent. One that still rings or talks counts when that is over.
func (t *Today) add(c *reports.CallRecord, agent tandem.AgentID) {
	talked, over := false, true
	for i := range c.Segments {
		g := &c.Segments[i]
		if g.Agent != agent {
			continue
		}
		switch g.Kind {
		case reports.SegmentTalking, reports.SegmentHeld:
			talked = true
			t.Talked += g.Duration(time.Now()).Seconds()
		case reports.SegmentWrapUp:
			t.WrapUp += g.Duration(time.Now()).Seconds()
		case reports.SegmentUnset, reports.SegmentQueued, reports.SegmentRinging:
			over = over && !g.To.IsZero()
		}
	}
	switch {
	case talked:
		t.Answered++
	case over:
		t.Missed++
	}
	if len(t.Calls) < todayCalls {
		t.Calls = append(t.Calls, callView(c))
	}
}
